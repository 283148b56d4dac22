# SPDX-License-Identifier: Apache-2.0
"""The guest's logs and services."""

import contextlib
import os

from .shell import run

UDEV_UNITS = ('systemd-udevd-control.socket', 'systemd-udevd-kernel.socket', 'systemd-udevd.service')


def sanitized():
    """Whether the installed programs are the sanitized ones, which are slower."""
    return 'NORTHSTAR_SANITIZED' in os.environ


def journal(unit, since=None):
    """The messages of a unit, one line each; `since` is a cursor from journal_cursor()."""
    after = ('--after-cursor', since) if since else ()
    return run('journalctl', '--no-pager', '-o', 'cat', '-u', unit, *after).stdout


def journal_cursor():
    """The journal's present end, to read later what was logged after it."""
    run('journalctl', '--sync')
    last = run('journalctl', '--no-pager', '-n', '0', '--show-cursor').stdout
    return last.split('-- cursor: ', 1)[1].strip()


def dmesg():
    """The kernel's log."""
    return run('dmesg', '--notime').stdout


def unit_property(unit, name):
    return run('systemctl', 'show', '--value', '-p', name, unit).stdout.strip()


@contextlib.contextmanager
def without_udevd():
    """udevd stopped for the body of a with statement, as on a system that has none."""
    run('udevadm', 'settle')
    run('systemctl', 'stop', *UDEV_UNITS)
    try:
        yield
    finally:
        run('systemctl', 'start', *UDEV_UNITS)
