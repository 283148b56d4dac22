# SPDX-License-Identifier: Apache-2.0
"""What the kernel holds now: loop devices in use, device-mapper devices, mounts."""

from pathlib import Path

from .shell import run


def loop_devices():
    """Loop devices with a backing file: {'/dev/loop0': '/path of the file'}."""
    found = {}
    for backing in Path('/sys/block').glob('loop*/loop/backing_file'):
        try:
            if file := backing.read_text().rstrip('\n'):  # none: it is about to be free
                found[f'/dev/{backing.parts[3]}'] = file
        except OSError:
            pass  # released while it was read
    return found


def dm_devices():
    """Device-mapper devices: {'/dev/dm-0': name}."""
    found = {}
    for name in Path('/sys/block').glob('dm-*/dm/name'):
        try:
            found[f'/dev/{name.parts[3]}'] = name.read_text().rstrip('\n')
        except OSError:
            pass
    return found


def mounts():
    """The mount table of this process: a list of (mount point, file system, source), oldest first."""
    found = []
    for line in Path('/proc/self/mountinfo').read_text().splitlines():
        before, after = line.split(' - ', 1)
        kind, source = after.split(' ')[:2]
        point = before.split(' ')[4].encode().decode('unicode_escape').encode('latin-1').decode(errors='replace')
        found.append((point, kind, source))
    return found


def mount_line(point):
    """Mount options, file system, source and super block options of a mount point."""
    for line in Path('/proc/self/mountinfo').read_text(encoding='utf-8').splitlines():
        before, after = line.split(' - ', 1)
        if before.split(' ')[4] == str(point):
            return before.split(' ')[5].split(','), *after.split(' ')
    raise AssertionError(f'{point} is no mount point')


def mounted_at(point):
    """The file system types mounted at this path, oldest first; empty if there is none."""
    return [kind for where, kind, _ in mounts() if where == str(point)]


def verity_status(name):
    """'V' if dm-verity has found no corruption on the device of this name, 'C' if it has."""
    return run('dmsetup', 'status', name).stdout.split()[3]
