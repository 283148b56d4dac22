# SPDX-License-Identifier: Apache-2.0
"""The kernel's events are how the service learns of corruption. It gets more of them than it can take: neither calls
nor memory suffer, and what is lost with them is found out by other means."""

import contextlib
import os
from pathlib import Path
import re
import signal
import time

from vmtest import system
from vmtest.damage import UNKNOWN, DamageTestCase
from vmtest.service import MOUNT, main_pid
from vmtest.shell import WAIT, wait_until
from vmtest.udev import NETLINK_KOBJECT_UEVENT


def uevent_socket(pid):
    """(bytes waiting, messages lost) of the one socket of this process on which the kernel sends its events."""
    held = set()
    for descriptor in Path(f'/proc/{pid}/fd').iterdir():
        with contextlib.suppress(OSError):
            held.add(os.readlink(descriptor))
    lines = [line.split() for line in Path('/proc/net/netlink').read_text().splitlines()]
    columns = {name: at for at, name in enumerate(lines[0])}
    found = [(int(line[columns['Rmem']]), int(line[columns['Drops']])) for line in lines[1:]
             if int(line[columns['Eth']]) == NETLINK_KOBJECT_UEVENT and f'socket:[{line[columns["Inode"]]}]' in held]
    if len(found) != 1:
        raise AssertionError(f'process {pid} has {len(found)} sockets for uevents')
    return found[0]


def lost(pid):
    return uevent_socket(pid)[1]


class Uevents(DamageTestCase):
    def setUp(self):
        super().setUp()
        self.path, _, self.device = self.mount()
        self.loop = Path(self.client.properties(self.path, MOUNT)['LoopDevice']).name
        self.pid = main_pid()
        self.enterContext(system.without_udevd())  # which would work on a flood for minutes

    @contextlib.contextmanager
    def overflowed(self):
        """The service does not run during the body of a with statement, and the kernel loses its events."""
        before = lost(self.pid)
        os.kill(self.pid, signal.SIGSTOP)
        try:
            deadline = time.monotonic() + WAIT
            with open(f'/sys/block/{self.loop}/uevent', 'w', encoding='ascii', buffering=1) as uevent:
                while lost(self.pid) == before:
                    self.assertLess(time.monotonic(), deadline, 'the socket does not overflow')
                    for _ in range(100):
                        uevent.write('change\n')
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def resident(self):
        return int(re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{self.pid}/status').read_text())[1])

    def await_caught_up(self):
        """An answer comes, and the events that were kept are worked off."""
        asked = time.monotonic()
        self.assertEqual(len(self.client.list_mounts()), 1)
        self.assertLess(time.monotonic() - asked, WAIT)
        wait_until(lambda: uevent_socket(self.pid)[0] == 0, 'the events to be read')

    def test_a_flood_neither_blocks_nor_grows_memory_nor_ends_the_watch(self):
        with self.overflowed():
            pass
        self.await_caught_up()
        before = self.resident()  # with whatever is allocated once
        with self.overflowed():
            pass
        self.await_caught_up()
        if not system.sanitized():  # there what is freed is kept for a while
            self.assertLess(self.resident() - before, 1024)  # KiB
        damaged = self.blocks // 2
        self.damage(self.device, damaged)
        self.assert_reported(self.path, damaged)
        self.assertEqual(main_pid(), self.pid)

    def test_corruption_whose_event_is_lost_is_reported_without_its_block(self):
        with self.overflowed():
            before = lost(self.pid)
            self.damage(self.device, self.blocks // 2)
            self.assertGreater(lost(self.pid), before)
        self.assert_reported(self.path, UNKNOWN)
        self.assertEqual(main_pid(), self.pid)
