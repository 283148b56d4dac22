# SPDX-License-Identifier: Apache-2.0
"""Signed packages through dm-verity, as the installed service mounts them: what the kernel shows, and that nothing
is left of it."""

import hashlib
import os
import threading
import time

from vmtest import devices, packages, system
from vmtest.service import MOUNT, RUN_DIR, ServiceTestCase
from vmtest.shell import run

ROUNDS = 100


class Verified(ServiceTestCase):
    def assert_mounted_as_designed(self, package, container, path, point):
        packages.assert_contents(self, point)
        options, filesystem, source, super_options = devices.mount_line(point)
        self.assertLessEqual({'ro', 'nosuid', 'nodev'}, set(options))
        self.assertIn('ro', super_options.split(','))
        self.assertEqual(filesystem, 'squashfs')
        seen = self.client.properties(path, MOUNT)
        self.assertRegex(source, r'^/dev/dm-\d+$')
        self.assertEqual((seen['Device'], seen['Container'], seen['MountPoint']), (source, container, str(point)))
        self.assertTrue(seen['Verified'])
        self.assertFalse(seen['Corrupted'])

        number = os.stat(source).st_rdev
        dm = f'/sys/dev/block/{os.major(number)}:{os.minor(number)}'
        with open(f'{dm}/dm/name', encoding='ascii') as name, open(f'{dm}/dm/uuid', encoding='ascii') as uuid:
            name, uuid = name.read().strip(), uuid.read().strip()
        self.assertRegex(name, r'^northstar-[0-9a-f]{32}$')
        self.assertRegex(uuid, r'^NORTHSTAR-[0-9a-f]{32}$')
        info = run('dmsetup', 'info', name).stdout
        self.assertIn('READ-ONLY', info)
        self.assertIn('DEFERRED REMOVE', info)
        self.assertRegex(info, r'Open count:\s+1\n')
        self.assertEqual(devices.verity_status(name), 'V')

        loop = os.stat(seen['LoopDevice']).st_rdev
        loop = f'{os.major(loop)}:{os.minor(loop)}'
        blocks = packages.verity_offset(package) // 4096
        table = run('dmsetup', 'table', name).stdout.split()
        self.assertEqual(table[:10], ['0', str(blocks * 8), 'verity', '1', loop, loop, '4096', '4096', str(blocks),
                                      str(blocks + 1)])
        self.assertEqual(table[10:12], ['sha256', seen['RootHash']])
        self.assertRegex(table[12], r'^(-|[0-9a-f]+)$')
        self.assertEqual(len(table), 13)

        def attribute(what):
            with open(f'/sys/dev/block/{loop}/{what}', encoding='utf-8') as file:
                return file.read().rstrip('\n')
        offset, size = packages.image_extent(package)
        self.assertEqual([attribute(what) for what in ('ro', 'loop/autoclear', 'loop/offset', 'loop/sizelimit',
                                                       'loop/backing_file', 'queue/logical_block_size')],
                         ['1', '1', str(offset), str(size), str(package), '4096'])
        with self.assertRaises(OSError):
            (point / 'new').touch()

    def mount_every_package(self):
        self.assertEqual(len(packages.SIGNED), 10)
        for original in packages.SIGNED:
            self.add(original)
        for original in packages.SIGNED:
            with self.subTest(original.name):
                package, container = self.directory / 'vendor' / original.name, packages.container(original)
                path, point = self.client.mount(container)
                self.assertEqual(point, f'{RUN_DIR}/{container}')
                self.assert_mounted_as_designed(package, container, path, RUN_DIR / container)
                self.client.unmount(container)
                self.assert_gone(container)

    def assert_gone(self, container):
        self.assert_all_gone()
        self.assertFalse((RUN_DIR / container).exists())

    def test_every_signed_package_with_udevd_running(self):
        self.mount_every_package()

    def test_every_signed_package_without_udevd(self):
        with system.without_udevd():
            self.mount_every_package()

    def test_larger_images_of_both_file_systems_through_two_levels_of_hashes(self):
        source = self.directory / 'source'
        source.mkdir()
        (source / 'data').write_bytes(os.urandom(3_000_000))
        for filesystem in ('squashfs', 'erofs'):
            with self.subTest(filesystem):
                package = self.directory / 'vendor' / f'big-{filesystem}-1.0.0.npk'
                packages.pack(source, package, f'big-{filesystem}', filesystem=filesystem)
                path, point = self.client.mount_file(package)
                self.assertEqual(devices.mount_line(point)[1], filesystem)
                self.assertEqual(self.client.properties(path, MOUNT)['Filesystem'], filesystem)
                with open(f'{point}/data', 'rb') as file:
                    self.assertEqual(file.read(), (source / 'data').read_bytes())
                self.client.unmount(point)
                self.assert_gone(f'big-{filesystem}:1.0.0')

    def test_an_image_of_one_block_whose_hash_is_the_root_hash(self):
        source = self.directory / 'source'
        source.mkdir()
        (source / 'data').write_bytes(b'content')
        package = packages.pack(source, self.directory / 'vendor' / 'small-1.0.0.npk', 'small')
        offset, size = packages.image_extent(package)
        self.assertEqual((packages.verity_offset(package), size), (4096, 2 * 4096))
        with open(package, 'rb') as file:
            file.seek(offset)
            block, superblock = file.read(4096), file.read(4096)
        salt = superblock[88:88 + int.from_bytes(superblock[80:82], 'little')]
        path, point = self.client.mount('small')
        self.assertEqual(self.client.properties(path, MOUNT)['RootHash'], hashlib.sha256(salt + block).hexdigest())
        with open(f'{point}/data', 'rb') as file:
            self.assertEqual(file.read(), b'content')
        self.client.unmount(point)
        self.assert_gone('small:1.0.0')
        packages.flip(package, 2000)
        self.assert_refused('Corrupted', 'small:1.0.0', self.client.mount, 'small')

    def unmount_many_times(self):
        _, container = self.add(packages.SIGNED[0])
        for _ in range(ROUNDS // 5 if system.sanitized() else ROUNDS):
            self.client.mount(container)
            self.client.unmount(container)
            self.assert_gone(container)

    def test_unmount_leaves_nothing_a_hundred_times_with_udevd_running(self):
        self.unmount_many_times()

    def test_unmount_leaves_nothing_a_hundred_times_without_udevd(self):
        with system.without_udevd():
            self.unmount_many_times()

    def test_an_unmount_waits_for_somebody_who_holds_the_device_for_a_moment(self):
        _, container = self.add(packages.SIGNED[0])
        path, _ = self.client.mount(container)
        seen = self.client.properties(path, MOUNT)
        for device in (seen['Device'], seen['LoopDevice']):
            with self.subTest(device):
                if not self.client.list_mounts():
                    path, _ = self.client.mount(container)
                held = os.open(self.client.properties(path, MOUNT)['Device' if 'dm' in device else 'LoopDevice'],
                               os.O_RDONLY)
                timer = threading.Timer(0.4, os.close, [held])
                start = time.monotonic()
                timer.start()
                self.client.unmount(container)
                self.assertGreater(time.monotonic() - start, 0.35)
                timer.join()
                self.assert_gone(container)

    def test_a_device_that_stays_held_is_logged_and_goes_with_its_holder(self):
        _, container = self.add(packages.SIGNED[0])
        path, _ = self.client.mount(container)
        with open(self.client.properties(path, MOUNT)['Device'], 'rb'):
            self.client.unmount(container)
            self.assertFalse((RUN_DIR / container).exists())
            self.assertRegex(self.left_behind(), r'dm devices: ')
            self.assertRegex(self.journal(), r'/dev/dm-\d+ is still held')
        # VmTestCase waits for it to go


class ManyAtOnce(ServiceTestCase):
    def test_all_packages_at_once(self):
        containers = [self.add(package)[1] for package in packages.SIGNED]
        results = self.client.call('MountMany', '(asa{sv})', containers, {})[0]
        self.assertEqual([result[:2] for result in results], [(container, True) for container in containers])
        for container in containers:
            packages.assert_contents(self, RUN_DIR / container)
        results = self.client.call('UnmountMany', '(asa{sv})', containers, {})[0]
        self.assertEqual([result[1] for result in results], [True] * len(containers))
        self.assert_all_gone()
