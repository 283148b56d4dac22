# SPDX-License-Identifier: Apache-2.0
"""Every loop device taken: with max_part=255 each has 256 minor numbers of 2^20, so that there is room for 4096."""

import errno
import fcntl
import os
import resource

from vmtest import devices, packages, system
from vmtest.service import ServiceTestCase, remove_module
from vmtest.shell import run, wait_until

LAST = True  # what walks through /sys/block is slow with so many devices, and taking them away takes minutes

# linux/loop.h
LOOP_CTL_GET_FREE = 0x4C82
LOOP_CONFIGURE = 0x4C0A
READ_ONLY, AUTOCLEAR = 1, 4


class NoFreeLoopDevice(ServiceTestCase):
    def test_is_said_and_nothing_is_left_behind(self):
        package, container = self.add(packages.SIGNED[0])
        files = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, files)
        image = self.directory / 'image'
        image.write_bytes(bytes(4096))
        with system.without_udevd():
            remove_module('loop')
            run('modprobe', 'loop', 'max_part=255', 'max_loop=4096', timeout=300)
            taken = self.take_all(image)
            try:
                self.assertEqual(len(taken), 4096)
                self.assert_refused('DeviceUnavailable', [container, 'max_loop'], self.client.mount, container)
                self.assertEqual(self.client.list_mounts(), [])
                self.assertEqual(devices.dm_devices(), {})
                self.assertNotIn(str(package), devices.loop_devices().values())
                os.close(taken.pop())
                self.client.mount(container)
                packages.assert_contents(self, f'/run/northstar/{container}')
                self.client.unmount(container)
            finally:
                for held in taken:
                    os.close(held)
            wait_until(lambda: not devices.loop_devices(), 'the devices to be free', timeout=300)

    def take_all(self, image):
        control = os.open('/dev/loop-control', os.O_RDWR)
        backing = os.open(image, os.O_RDONLY)
        # struct loop_config: descriptor, block size, loop_info64 with its flags at 52
        configuration = bytearray(304)
        configuration[0:4] = backing.to_bytes(4, 'little')
        configuration[8 + 52:8 + 56] = (READ_ONLY | AUTOCLEAR).to_bytes(4, 'little')
        taken = []
        try:
            while True:
                try:
                    number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
                except OSError as error:
                    self.assertNotEqual(error.errno, errno.EINTR)
                    return taken
                taken.append(os.open(f'/dev/loop{number}', os.O_RDONLY))
                fcntl.ioctl(taken[-1], LOOP_CONFIGURE, bytes(configuration))
        finally:
            os.close(backing)
            os.close(control)
