# SPDX-License-Identifier: Apache-2.0
"""Damaged packages: what can be known is refused at mount, the rest is found by the kernel when it is read."""

import errno
import mmap
import os
from pathlib import Path
import re
import time

from vmtest import packages, system
from vmtest.service import MOUNT, OBJECT, RUN_DIR, ServiceTestCase, main_pid
from vmtest.shell import run, wait_until

BLOCK = 4096


def soon():
    """What is promised, in seconds; five of them for a sanitized service in an emulated machine."""
    return 5.0 if system.sanitized() else 1.0


def read_block(path, block):
    """errno of reading one block of a device, past the page cache; 0 if it could be read."""
    buffer = mmap.mmap(-1, BLOCK)
    device = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        os.preadv(device, [buffer], block * BLOCK)
        return 0
    except OSError as error:
        return error.errno
    finally:
        os.close(device)


class Corruption(ServiceTestCase):
    def setUp(self):
        super().setUp()
        source = self.directory / 'source'
        source.mkdir()
        (source / 'data').write_bytes(os.urandom(2_000_000))
        self.package = packages.pack(source, self.directory / 'vendor' / 'data-1.0.0.npk', 'data')
        self.blocks = packages.verity_offset(self.package) // BLOCK
        self.assertGreater(self.blocks, 3 * 128)  # two levels of hashes: 128 fit a block

    def mount(self):
        path, point = self.client.mount('data')
        self.assertEqual(point, f'{RUN_DIR}/data:1.0.0')
        device = self.client.properties(path, MOUNT)['Device']
        return path, Path(point), device

    def unreadable(self, device, around):
        return [block for block in around if read_block(device, block) == errno.EIO]

    def assert_reported(self, path, block, began):
        signal = wait_until(lambda: self.client.signals('CorruptionDetected'), 'CorruptionDetected')[0]
        self.assertEqual(signal[1], OBJECT)
        self.assertEqual(signal[3], (path, 'data:1.0.0', block))
        self.assertLess(signal[0] - began, soon())
        changed = [signal for signal in self.client.signals('PropertiesChanged') if signal[1] == path]
        self.assertIn((MOUNT, {'Corrupted': True}, []), [signal[3] for signal in changed])
        self.assertTrue(self.client.properties(path, MOUNT)['Corrupted'])
        self.assertRegex(self.journal(), rf'data:1\.0\.0 .*corrupted: data block {block} ')

    def test_data_damaged_under_a_mount(self):
        path, point, device = self.mount()
        damaged = self.blocks // 2
        packages.flip(self.package, damaged * BLOCK + 100)
        began = time.monotonic()
        self.assertEqual(self.unreadable(device, range(damaged - 3, damaged + 4)), [damaged])
        self.assert_reported(path, damaged, began)
        with self.assertRaises(OSError) as caught:
            (point / 'data').read_bytes()
        self.assertEqual(caught.exception.errno, errno.EIO)
        self.client.unmount(point)

    def test_data_damaged_before_the_mount(self):
        damaged = self.blocks // 2
        packages.flip(self.package, damaged * BLOCK + 4095)
        path, _, device = self.mount()
        self.assertFalse(self.client.properties(path, MOUNT)['Corrupted'])
        began = time.monotonic()
        self.assertEqual(self.unreadable(device, range(damaged - 3, damaged + 4)), [damaged])
        self.assert_reported(path, damaged, began)
        self.assertFalse(self.client.call('Verify', '(sa{sv})', 'data', {})[0])

    def test_each_block_is_reported_once_and_a_restart_still_knows(self):
        path, _, device = self.mount()
        damaged = [self.blocks // 2, self.blocks // 2 + 2]
        for block in damaged:
            packages.flip(self.package, block * BLOCK)
        for _ in range(3):
            self.assertEqual(self.unreadable(device, damaged), damaged)
        wait_until(lambda: len(self.client.signals('CorruptionDetected')) >= 2, 'both signals')
        run('udevadm', 'settle')
        self.assertEqual([signal[3][2] for signal in self.client.signals('CorruptionDetected')], damaged)
        before = self.client.properties(path, MOUNT)
        run('systemctl', 'restart', 'northstar-mounter.service')
        self.assertEqual(self.client.properties(path, MOUNT), before)
        self.assertTrue(before['Corrupted'])

    def test_first_block_damaged_is_refused(self):
        packages.flip(self.package, 1000)
        self.assert_refused('Corrupted', 'data:1.0.0', self.client.mount, 'data')

    def test_squashfs_superblock_damaged_is_refused(self):
        packages.flip(self.package, 5)
        self.assert_refused('Corrupted', 'data', self.client.mount, 'data')

    def test_top_of_the_hash_tree_damaged_is_refused(self):
        packages.flip(self.package, (self.blocks + 1) * BLOCK)
        self.assert_refused('Corrupted', 'data:1.0.0', self.client.mount, 'data')

    def test_a_leaf_of_the_hash_tree_damaged_makes_its_blocks_unreadable(self):
        leaf = self.blocks + 2 + 2  # superblock, top; then the leaves: the third, for blocks 256 to 383
        packages.flip(self.package, leaf * BLOCK)
        path, _, device = self.mount()
        self.assertEqual(self.unreadable(device, (0, 255, 384)), [])
        began = time.monotonic()  # not before: reading what is intact takes its time, too
        self.assertEqual(self.unreadable(device, (256, 300, 383)), [256, 300, 383])
        signal = wait_until(lambda: self.client.signals('CorruptionDetected'), 'CorruptionDetected')[0]
        self.assertEqual(signal[3][:2], (path, 'data:1.0.0'))
        self.assertEqual(signal[3][2], self.blocks + 4)
        self.assertLess(signal[0] - began, soon())
        self.assertTrue(self.client.properties(path, MOUNT)['Corrupted'])

    def test_verity_superblock_damaged_is_refused(self):
        for offset, what in ((0, 'signature'), (8, 'version'), (64, 'block size'), (72, 'data blocks'),
                             (80, 'salt'), (88, 'salt')):
            with self.subTest(what):
                packages.flip(self.package, self.blocks * BLOCK + offset)
                self.assert_refused('Corrupted', 'data', self.client.mount_file, self.package)
                self.assertEqual(self.left_behind(), '')
                packages.flip(self.package, self.blocks * BLOCK + offset)
        self.client.mount_file(self.package)

    def test_signature_damaged_is_refused_by_name_and_by_file(self):
        content = self.package.read_bytes()
        for what in (b'verity-hash: ', b'signature: '):
            with self.subTest(what):
                at = re.search(re.escape(what), content).end()
                changed = b'1' if content[at:at + 1] != b'1' else b'2'
                self.package.write_bytes(content[:at] + changed + content[at + 1:])
                self.assert_refused('InvalidSignature', str(self.package), self.client.mount_file, self.package)
                self.assert_refused('InvalidSignature', 'data', self.client.mount, 'data:1.0.0')


class Uevents(ServiceTestCase):
    FLOOD = 5000

    def test_a_flood_of_uevents_neither_blocks_nor_grows_memory(self):
        _, container = self.add(packages.SIGNED[0])
        self.client.mount(container)

        def resident():
            return int(re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{main_pid()}/status').read_text())[1])

        def flood():
            slowest = 0.0
            with open('/sys/block/loop0/uevent', 'w', encoding='ascii', buffering=1) as uevent:
                for number in range(self.FLOOD):
                    uevent.write('change\n')
                    if number % 500 == 0:
                        asked = time.monotonic()
                        self.assertEqual(len(self.client.list_mounts()), 1)
                        slowest = max(slowest, time.monotonic() - asked)
            return slowest
        with system.without_udevd():  # which would work on them for minutes
            flood()  # whatever is allocated once
            before = resident()
            self.assertLess(flood(), soon())
            self.assertLess(resident() - before, 1024)  # KiB
        self.client.unmount(container)
