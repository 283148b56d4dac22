# SPDX-License-Identifier: Apache-2.0
"""Builds the project inside a suite's build root, and gathers what goes into the guest. The copy of the source, the
build directories and the compiler cache stay between runs, so that a second run compiles only what changed."""

import filecmp
import os
from pathlib import Path
import platform
import re
import shutil
import stat
import subprocess

from . import cache, processes

HOST = Path(__file__).resolve().parent
BUILDS = {'normal': 'build', 'sanitized': 'build-sanitized'}  # folders in the copy of the source; git ignores them


class BuildFailed(Exception):
    pass


def source_files(source):
    """What git would commit: tracked files and new ones, not ignored ones; paths relative to `source`."""
    listing = subprocess.run(
        ['git', '-c', 'safe.directory=*', '-C', source, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
        stdout=subprocess.PIPE, check=True).stdout
    names = {os.fsdecode(name) for name in listing.split(b'\0') if name}
    return {name for name in names if os.path.lexists(source / name)}


def same(here, there):
    if here.is_symlink() or there.is_symlink():
        return here.is_symlink() and there.is_symlink() and os.readlink(here) == os.readlink(there)
    return (there.is_file() and stat.S_IMODE(here.stat().st_mode) == stat.S_IMODE(there.stat().st_mode)
            and filecmp.cmp(here, there, shallow=False))


def copy_source(source, target):
    """Make `target` equal to the working tree. An unchanged file keeps its time stamp and a changed one gets a new
    one, whatever the original's is: ninja then rebuilds exactly what differs from the last build."""
    wanted = source_files(source)
    walked = []
    for folder, folders, names in os.walk(target):
        if Path(folder) == target:
            folders[:] = set(folders) - set(BUILDS.values())
        walked.append(folder)
        for name in names:
            path = Path(folder) / name
            if str(path.relative_to(target)) not in wanted:
                path.unlink()
    for folder in reversed(walked):
        if not os.listdir(folder):
            os.rmdir(folder)
    for name in sorted(wanted):
        here, there = source / name, target / name
        if same(here, there):
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        there.unlink(missing_ok=True)
        shutil.copyfile(here, there, follow_symlinks=False)
        if not there.is_symlink():
            there.chmod(stat.S_IMODE(here.stat().st_mode))


def compiler_cache(suite):
    """This machine's own if it runs the suite: what was built here need not be compiled again in the root."""
    if suite == platform.freedesktop_os_release().get('VERSION_CODENAME') and shutil.which('ccache'):
        found = subprocess.run(['ccache', '--get-config', 'cache_dir'], stdout=subprocess.PIPE, text=True, check=True)
        return Path(found.stdout.strip())
    return cache.directory() / f'{suite}-ccache'


class Builder:
    """One suite's build root and what is built in it. Used under the suite's lock."""

    def __init__(self, suite, entry, source, deadline):
        self.root_ = entry / 'root'
        # Another tree is built apart: what is built of this one stays.
        self.work_ = entry / ('work' if source == cache.PROJECT else 'work-other')
        self.source_ = source
        self.deadline_ = deadline
        self.ccache_ = compiler_cache(suite)
        self.log_ = cache.directory() / f'{suite}-project.log'
        self.log_.unlink(missing_ok=True)
        self.work_.mkdir(exist_ok=True)
        self.ccache_.mkdir(parents=True, exist_ok=True)
        shutil.copy2(HOST / 'build-project', self.work_ / 'build-project')

    def copy(self):
        copy_source(self.source_, self.work_ / 'source')

    def step(self, name):
        """Run one step of build-project; its output is shown only if it fails."""
        command = [HOST / 'in-root', self.root_, self.work_, self.ccache_, '/work/build-project', name]
        # nice: a guest that runs at the same time goes first
        isolated = ['nice', '-n', '19', 'unshare', '--mount', '--pid', '--ipc', '--net', '--fork', '--kill-child=KILL',
                    '--', *command]
        if processes.run_logged(isolated, self.log_, self.deadline_) != 0:
            lines = self.log_.read_text(errors='replace').splitlines()
            errors = [line for line in lines if re.search(r'\berror:|^FAILED:', line, re.IGNORECASE)][:20]
            raise BuildFailed('\n'.join([*lines[-40:], f'the step "{name}" failed, see {self.log_}; errors in it:',
                                         *errors]))

    def versions(self):
        """One line: what the programs were built with and link, checked to be the suite's."""
        self.step('versions')
        return (self.work_ / 'versions').read_text().strip()

    def gather(self, payload, sanitized):
        """Fill a payload directory: what the build, and if `sanitized` the other one, installs, their test programs,
        and of the source what tests need at run time."""
        shutil.copytree(self.work_ / 'stage', payload / 'install', symlinks=True)
        if sanitized:
            shutil.copytree(self.work_ / 'stage-sanitized', payload / 'install-sanitized')
            shutil.copy2(self.work_ / 'fault', payload / 'fault')
        for variant in ('normal', 'sanitized') if sanitized else ('normal',):
            built = self.work_ / 'source' / BUILDS[variant] / 'tests' / 'system'
            programs = [p for p in built.iterdir() if p.is_file() and os.access(p, os.X_OK)] if built.is_dir() else []
            if not programs:
                raise BuildFailed(f'the {variant} build made no test program in tests/system')
            (payload / 'programs' / variant).mkdir(parents=True)
            for program in programs:
                shutil.copy2(program, payload / 'programs' / variant)
        for folder in ('dbus', 'docs', 'polkit', 'scripts', 'tests/data', 'tests/interface'):
            shutil.copytree(self.work_ / 'source' / folder, payload / 'source' / folder)
