# SPDX-License-Identifier: Apache-2.0
"""udev's rules and processes, and the kernel's uevents as every listener gets them."""

import contextlib
from pathlib import Path
import socket

from .shell import run

RULES = Path('/usr/lib/udev/rules.d/09-northstar-mounter.rules')
NETLINK_KOBJECT_UEVENT = 15  # linux/netlink.h
KERNEL_GROUP = 1


def settle():
    run('udevadm', 'settle')


def by_udev(commands):
    """Those of the commands that are udev's: the daemon, its workers, and what its rules run for block devices."""
    return [command for command in commands if 'udev' in command or command in ('blkid', 'dmsetup')]


def reload():
    """Rules are read anew; workers with the old ones are gone when their events are handled."""
    settle()
    run('udevadm', 'control', '--reload')


@contextlib.contextmanager
def without_rules():
    """The service's rules not installed, for the body of a with statement."""
    away = RULES.with_suffix('.away')
    RULES.rename(away)
    try:
        reload()
        yield
    finally:
        away.rename(RULES)
        reload()


@contextlib.contextmanager
def rule(text):
    """One more file of rules, after the service's."""
    file = Path('/run/udev/rules.d/10-vmtest.rules')
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    try:
        reload()
        yield
    finally:
        file.unlink()
        reload()


@contextlib.contextmanager
def uevents():
    """Yields a function that returns the kernel's events since the body began, each a dictionary."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        listener.bind((0, KERNEL_GROUP))
        found = []

        def events():
            with contextlib.suppress(BlockingIOError):
                while True:
                    lines = listener.recv(8192).decode(errors='replace').split('\0')
                    found.append(dict(line.split('=', 1) for line in lines if '=' in line))
            return found
        yield events
