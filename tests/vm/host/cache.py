# SPDX-License-Identifier: Apache-2.0
"""Cached Debian roots outside the source tree, made once per recipe. An entry is complete or absent: it is made
under another name and renamed. A suite's lock is held by one run at a time; all functions here need it."""

import fcntl
import hashlib
import os
from pathlib import Path
import shutil
import time

from . import processes

PROJECT = Path(__file__).resolve().parents[3]
RECIPE = PROJECT / 'tests' / 'vm' / 'recipe'
PREFIX = 'tests/vm/recipe/'
# What each kind of root is made from. A change in any of these files makes a new one.
INPUTS = {
    'build': ['scripts/lib/packages/build', 'scripts/lib/packages/demo', 'scripts/lib/packages/tests',
              PREFIX + 'common.sh', PREFIX + 'build-root'],
    'guest': [PREFIX + name for name in ('common.sh', 'guest-root', 'unpack-kernel', 'initrd', 'configure',
                                         'masked-units', 'overlay/**/*', 'packages/*')],
}


class RecipeFailed(Exception):
    pass


def directory():
    base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(base) / 'northstar-mounter' / 'vm'


class SuiteLock:
    """Held while a suite's roots or builds are in use."""

    def __init__(self, suite, deadline, say):
        directory().mkdir(parents=True, exist_ok=True)
        self.file_ = open(directory() / f'{suite}.lock', 'w')
        if not self.taken():
            say('waiting for another run of this suite')
            while not self.taken():
                time.sleep(min(0.5, deadline.left()))

    def taken(self):
        try:
            fcntl.flock(self.file_, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False


def recipe_hash(kind, suite):
    """Names, modes and contents of the recipe's files, and the mirror if one was chosen."""
    digest = hashlib.sha256(f'{kind} {suite} {os.environ.get("MIRROR", "")}\n'.encode())
    for path in sorted(p for pattern in INPUTS[kind] for p in PROJECT.glob(pattern) if p.is_file()):
        content = path.read_bytes()
        digest.update(f'{path.relative_to(PROJECT)} {path.stat().st_mode & 0o111:o} {len(content)}\n'.encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def remove(path):
    """Delete a tree. One with something mounted in it is left alone: that something is not ours to delete."""
    if not path.exists():
        return
    with open('/proc/self/mounts') as mounts:
        for line in mounts:
            if Path(line.split()[1]).is_relative_to(path):
                raise RecipeFailed(f'{path}: {line.split()[1]} is mounted; unmount it and run again')
    shutil.rmtree(path)


def root(kind, suite, rebuild, deadline):
    """The entry of this kind for the present recipe: a directory, made if need be. Others of the suite go."""
    entry = directory() / f'{suite}-{kind}-{recipe_hash(kind, suite)}'
    for old in directory().glob(f'{suite}-{kind}-*'):
        if old != entry or rebuild:
            remove(old)
    if entry.is_dir():
        return entry
    making = directory() / f'{suite}-{kind}-making'
    log = directory() / f'{suite}-{kind}.log'
    log.unlink(missing_ok=True)
    making.mkdir()
    status = processes.run_logged(processes.isolated([RECIPE / f'{kind}-root', suite, making]), log, deadline)
    if status != 0:
        tail = log.read_text(errors='replace').splitlines()[-30:]
        remove(making)
        raise RecipeFailed('\n'.join([*tail, f'making the {kind} root failed, see {log}']))
    making.rename(entry)
    return entry
