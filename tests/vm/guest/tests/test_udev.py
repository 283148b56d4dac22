# SPDX-License-Identifier: Apache-2.0
"""The installed udev rules keep udev's probing away from the service's devices, and no process of udev keeps an
unmount from being complete. Seen by the kernel's own tracing: which process opens and reads a block device."""

import os
from pathlib import Path
import threading
import time

from vmtest import devices, images, packages, tracing, udev
from vmtest.service import MOUNT, ServiceTestCase
from vmtest.shell import run, wait_until

ONCE = True  # udev is the same for the sanitized service

# libdevmapper.h
DM_RULES, SUBSYSTEM_RULES, DISK_RULES, OTHER_RULES = 0x1, 0x2, 0x4, 0x8
PRIMARY_SOURCE = 0x40  # which libdevmapper adds
UDEV_FLAGS_SHIFT = 16


class UdevTestCase(ServiceTestCase):
    ROUNDS = 10

    def setUp(self):
        self.enterContext(tracing.mounted())  # before it is noted what is mounted
        super().setUp()
        self.container = self.add(packages.SIGNED[0])[1]
        self.containers = [self.container, self.add(packages.SIGNED[1], 'sealed')[1]]
        self.mount_and_unmount()  # modules and caches

    def mount_and_unmount(self, settle=False):
        for container in self.containers:
            self.client.mount(container)
            if settle:
                udev.settle()
            self.client.unmount(container)
            self.assert_all_gone()
            udev.settle()  # the events of a free device go by no rule of ours

    def callers(self, settle):
        """The commands that read any block device, and those that opened a verity device, during ROUNDS of mount and
        unmount. With `settle` udev is through with each device before it goes."""
        with tracing.traced(read='blkdev_read_iter', opened='dm_blk_open') as calls:
            for _ in range(self.ROUNDS):
                self.mount_and_unmount(settle)
            udev.settle()
            found = calls()
        # The service itself does so for each verity device, or the trace would prove nothing.
        self.assertGreaterEqual(len(found['read']), self.ROUNDS)
        self.assertGreaterEqual(len(found['opened']), self.ROUNDS)
        return udev.by_udev(found['read']), udev.by_udev(found['opened'])


class Udev(UdevTestCase):
    def test_the_database_has_no_probed_property_and_no_link(self):
        path, _ = self.client.mount(self.container)
        udev.settle()
        seen = self.client.properties(path, MOUNT)
        for device in (seen['Device'], seen['LoopDevice']):
            known = run('udevadm', 'info', '--query=all', f'--name={device}').stdout
            self.assertIn('NORTHSTAR_DEVICE=1', known)
            self.assertIn('UDISKS_IGNORE=1', known)
            self.assertIn('SYSTEMD_READY=0', known)
            self.assertNotIn('ID_FS_', known)
            self.assertNotIn('S: ', known)
        self.client.unmount(self.container)

    def test_udev_reads_no_device_and_opens_no_verity_device(self):
        self.assertEqual(self.callers(settle=True), ([], []))

    def test_nor_does_it_when_they_go_while_it_looks(self):
        self.assertEqual(self.callers(settle=False), ([], []))

    def test_an_unmount_waits_for_udev_to_close_a_loop_device(self):
        """udev opens a loop device to lock it while it handles an event, whatever the rules say."""
        hold = self.directory / 'hold'
        wait = f"/bin/sh -c 'while [ -e {hold} ]; do sleep 0.02; done'"
        with udev.rule(f'SUBSYSTEM=="block", KERNEL=="loop*", ACTION!="remove", PROGRAM="{wait}"\n'):
            hold.touch()
            try:
                path, _ = self.client.mount(self.container)
                loop = self.client.properties(path, MOUNT)['LoopDevice']
                wait_until(lambda: self.held_by_udev(loop), 'udev to lock the loop device')
                timer = threading.Timer(0.4, hold.unlink)
                began = time.monotonic()
                timer.start()
                self.client.unmount(self.container)
                self.assert_all_gone()
                self.assertGreater(time.monotonic() - began, 0.35)
                timer.join()
            finally:
                hold.unlink(missing_ok=True)

    def held_by_udev(self, device):
        for descriptor in Path('/proc').glob('[0-9]*/fd/*'):
            try:
                if os.readlink(descriptor) == device:
                    return udev.by_udev([(descriptor.parents[1] / 'comm').read_text().strip()])
            except OSError:
                pass  # closed or gone by now
        return []

    def test_a_package_whose_file_is_named_otherwise_is_unmounted_as_completely(self):
        package = self.directory / 'package.image'
        package.write_bytes(packages.SIGNED[0].read_bytes())
        for settle in (False, True) * 5:
            _, point = self.client.mount_file(package)
            if settle:
                udev.settle()
            packages.assert_contents(self, point)
            self.client.unmount(point)
            self.assert_all_gone()


class WithoutRules(UdevTestCase):
    """What the rules are good for, and what the service does by itself."""

    def test_loop_devices_are_read_and_verity_devices_are_left_alone(self):
        with udev.without_rules():
            read, opened = self.callers(settle=True)
        self.assertGreaterEqual(len(read), self.ROUNDS)
        self.assertEqual(opened, [])

    def test_the_event_of_a_verity_device_tells_udev_to_leave_it_alone(self):
        with udev.without_rules(), udev.uevents() as events:
            path, _ = self.client.mount(self.container)
            device = self.client.properties(path, MOUNT)['Device']
            udev.settle()
            self.client.unmount(self.container)
            cookies = [int(event['DM_COOKIE']) for event in events() if event.get('ACTION') == 'change' and
                       f'/dev/{event.get("DEVNAME")}' == device and 'DM_COOKIE' in event]
        flags = DM_RULES | SUBSYSTEM_RULES | DISK_RULES | OTHER_RULES | PRIMARY_SOURCE
        self.assertEqual(cookies, [flags << UDEV_FLAGS_SHIFT])

    def test_other_devices_are_probed_as_ever(self):
        """With the rules, too, or the tests above would prove nothing."""
        image = self.directory / 'image'
        source = self.directory / 'source'
        source.mkdir()
        (source / 'file').write_text('content')
        images.make_squashfs(source, image)
        with tracing.traced(read='blkdev_read_iter', opened='dm_blk_open') as calls:
            loop = run('losetup', '--find', '--show', '--read-only', image).stdout.strip()
            self.addCleanup(run, 'losetup', '--detach', loop)
            udev.settle()
            self.assertNotEqual(udev.by_udev(calls()['read']), [])
            self.assertEqual(udev.by_udev(calls()['opened']), [])
            sectors = image.stat().st_size // 512
            run('dmsetup', 'create', 'vmtest', '--readonly', '--table', f'0 {sectors} linear {loop} 0')
            self.addCleanup(run, 'dmsetup', 'remove', 'vmtest')
            udev.settle()
            self.assertNotEqual(udev.by_udev(calls()['opened']), [])
        for device in (loop, '/dev/mapper/vmtest'):
            self.assertIn('ID_FS_TYPE=squashfs', run('udevadm', 'info', f'--name={device}').stdout)
        self.assertIn(loop, devices.loop_devices())
