# SPDX-License-Identifier: Apache-2.0
"""The installed udev rules keep udev's probing away from the service's devices. Seen by the kernel's own tracing:
which process opens a block device, and whose close is the last one of a loop device."""

import contextlib
import os
from pathlib import Path
import re

from vmtest import devices, packages
from vmtest.service import MOUNT, ServiceTestCase
from vmtest.shell import run

ONCE = True  # udev is the same for the sanitized service

TRACING = Path('/sys/kernel/tracing')


@contextlib.contextmanager
def one_processor():
    """A probe changes the kernel's code while it runs. With several emulated processors the guest was seen to hang
    then: one of them seems to go on with the old code."""
    others = list(Path('/sys/devices/system/cpu').glob('cpu[1-9]*/online'))
    for path in others:
        path.write_text('0')
    try:
        yield
    finally:
        for path in others:
            path.write_text('1')


@contextlib.contextmanager
def traced(**functions):
    """Traces calls of kernel functions; yields a function that returns {event: [command name, …]} so far."""
    if not (TRACING / 'trace').exists():
        run('mount', '-t', 'tracefs', 'tracefs', TRACING)

    def calls():
        found = {event: [] for event in functions}
        for line in (TRACING / 'trace').read_text().splitlines():
            if match := re.match(r'\s*(.+)-\d+\s+\[\d+\] .*?: (\w+): ', line):
                found[match[2]].append(match[1].strip())
        return found
    try:
        (TRACING / 'trace').write_text('')
        with one_processor():
            for event, function in functions.items():
                events = os.open(TRACING / 'kprobe_events', os.O_WRONLY | os.O_APPEND)
                try:
                    os.write(events, f'p:vmtest/{event} {function}\n'.encode())
                finally:
                    os.close(events)
                (TRACING / f'events/vmtest/{event}/enable').write_text('1')
        yield calls
    finally:
        with one_processor():
            for enable in (TRACING / 'events/vmtest').glob('*/enable'):
                enable.write_text('0')
            (TRACING / 'kprobe_events').write_text('')
        run('umount', TRACING)


def of_udev(commands):
    return [command for command in commands if 'udev' in command or command in ('blkid', 'dmsetup')]


class Udev(ServiceTestCase):
    ROUNDS = 20

    def mounted(self):
        _, container = self.add(packages.SIGNED[0])
        path, _ = self.client.mount(container)
        run('udevadm', 'settle')
        return container, self.client.properties(path, MOUNT)

    def test_the_database_has_no_probed_property_and_no_link(self):
        container, seen = self.mounted()
        for device in (seen['Device'], seen['LoopDevice']):
            known = run('udevadm', 'info', '--query=all', f'--name={device}').stdout
            self.assertIn('NORTHSTAR_DEVICE=1', known)
            self.assertIn('UDISKS_IGNORE=1', known)
            self.assertIn('SYSTEMD_READY=0', known)
            self.assertNotIn('ID_FS_', known)
            self.assertNotIn('S: ', known)
        self.client.unmount(container)

    def callers_while_mounting(self, function):
        """The commands that called a kernel function during ROUNDS of mount and unmount."""
        _, container = self.add(packages.SIGNED[0])
        self.client.mount(container)
        self.client.unmount(container)  # modules and caches
        with traced(called=function) as calls:
            for _ in range(self.ROUNDS):
                self.client.mount(container)
                run('udevadm', 'settle')
                self.client.unmount(container)
            run('udevadm', 'settle')
            return calls()['called']

    def test_no_process_of_udev_opens_a_verity_device(self):
        openers = self.callers_while_mounting('dm_blk_open')
        self.assertGreaterEqual(len(openers), self.ROUNDS)
        self.assertEqual(of_udev(openers), [])

    def test_no_process_of_udev_holds_a_loop_device_when_it_is_released(self):
        releasers = self.callers_while_mounting('__loop_clr_fd')
        self.assertEqual(len(releasers), self.ROUNDS)
        self.assertEqual(of_udev(releasers), [])

    def test_other_devices_are_probed_as_ever(self):
        """Or the tests above would prove nothing."""
        image = self.directory / 'image'
        source = self.directory / 'source'
        source.mkdir()
        (source / 'file').write_text('content')
        run('mksquashfs', source, image, '-quiet', '-no-progress')
        with traced(opened='blkdev_open') as calls:
            device = run('losetup', '--find', '--show', '--read-only', image).stdout.strip()
            self.addCleanup(run, 'losetup', '--detach', device)
            run('udevadm', 'settle')
            self.assertNotEqual(of_udev(calls()['opened']), [])
        self.assertIn('ID_FS_TYPE=squashfs', run('udevadm', 'info', f'--name={device}').stdout)
        self.assertIn(device, devices.loop_devices())
