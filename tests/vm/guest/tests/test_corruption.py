# SPDX-License-Identifier: Apache-2.0
"""Damaged packages: what can be known is refused at mount, the rest is found by the kernel when it is read."""

import errno
import os
import re
import time

from vmtest import packages, system
from vmtest.damage import BLOCK, DamageTestCase
from vmtest.service import MOUNT, RECORDS, UNIT, main_pid, start, stop
from vmtest.shell import run, wait_until

ID_TABLE_START = 48  # the offset of the squashfs superblock's field


class FoundWhenRead(DamageTestCase):
    def test_data_damaged_under_a_mount(self):
        path, point, device = self.mount()
        damaged = self.blocks // 2
        packages.flip(self.package, damaged * BLOCK + 100)
        self.assertEqual(self.unreadable(device, range(damaged - 3, damaged + 4)), [damaged])
        self.assert_reported(path, damaged)
        with self.assertRaises(OSError) as caught:
            (point / 'data').read_bytes()
        self.assertEqual(caught.exception.errno, errno.EIO)
        self.client.unmount(point)

    def test_data_damaged_before_the_mount(self):
        damaged = self.blocks // 2
        packages.flip(self.package, damaged * BLOCK + 4095)
        path, _, device = self.mount()
        self.assertFalse(self.client.properties(path, MOUNT)['Corrupted'])
        self.assertEqual(self.unreadable(device, range(damaged - 3, damaged + 4)), [damaged])
        self.assert_reported(path, damaged)
        self.assertFalse(self.client.call('Verify', '(sa{sv})', 'data', {})[0])

    def test_it_is_reported_within_a_second(self):
        """The quickest of several times: what emulates this machine may have other work, and sanitizers take theirs."""
        _, _, device = self.mount()
        delays = []
        for block in range(self.blocks // 2, self.blocks // 2 + 5):
            began = time.monotonic()
            self.damage(device, block)
            wait_until(lambda: len(self.reported()) > len(delays), 'CorruptionDetected')
            at, *_, (_, _, named) = self.reported()[-1]
            self.assertEqual(named, block)
            delays.append(at - began)
        self.assertLess(min(delays), 5 if system.sanitized() else 1, delays)

    def test_each_block_is_reported_once_and_a_restart_still_knows(self):
        path, _, device = self.mount()
        damaged = [self.blocks // 2, self.blocks // 2 + 2]
        for block in damaged:
            packages.flip(self.package, block * BLOCK)
        for _ in range(3):
            self.assertEqual(self.unreadable(device, damaged), damaged)
        wait_until(lambda: len(self.reported()) >= 2, 'both signals')
        run('udevadm', 'settle')
        self.assertEqual([signal[3][2] for signal in self.reported()], damaged)
        before = self.client.properties(path, MOUNT)
        run('systemctl', 'restart', UNIT)
        self.assertEqual(self.client.properties(path, MOUNT), before)
        self.assertTrue(before['Corrupted'])

    def test_a_leaf_of_the_hash_tree_damaged_makes_its_blocks_unreadable(self):
        leaf = self.blocks + 2 + 2  # superblock, top; then the leaves: the third, for blocks 256 to 383
        packages.flip(self.package, leaf * BLOCK)
        path, _, device = self.mount()
        self.assertEqual(self.unreadable(device, (0, 255, 384)), [])
        self.assertEqual(self.unreadable(device, (256, 300, 383)), [256, 300, 383])
        self.assert_reported(path, leaf, 'hash')

    def test_data_damaged_and_read_while_the_service_is_stopped(self):
        path, _, device = self.mount()
        stop()
        self.damage(device, self.blocks // 2)
        start()
        wait_until(lambda: self.client.properties(path, MOUNT)['Corrupted'], 'the mount to be corrupted')
        self.assertRegex(self.journal(), r'data:1\.0\.0 .*corrupted: a block whose number is not known')
        self.assertEqual([container for _, container, *_ in self.client.list_mounts()], ['data:1.0.0'])


class Refused(DamageTestCase):
    def assert_mount_refused(self, error='Corrupted', mentions='data'):
        self.assert_refused(error, mentions, self.client.mount_file, self.package)
        self.assert_all_gone()
        self.assertEqual(self.client.list_mounts(), [])
        self.assertEqual(list(RECORDS.iterdir()), [])

    def test_first_block_damaged(self):
        packages.flip(self.package, 1000)
        self.assert_refused('Corrupted', 'data:1.0.0', self.client.mount, 'data')

    def test_squashfs_superblock_damaged(self):
        packages.flip(self.package, 5)
        self.assert_refused('Corrupted', 'data', self.client.mount, 'data')

    def test_top_of_the_hash_tree_damaged(self):
        packages.flip(self.package, (self.blocks + 1) * BLOCK)
        self.assert_refused('Corrupted', 'data:1.0.0', self.client.mount, 'data')

    def test_squashfs_tables_at_the_end_damaged(self):
        """The first block is good, so that it is the kernel that fails when it mounts."""
        with open(self.package, 'rb') as file:
            file.seek(packages.image_extent(self.package)[0] + ID_TABLE_START)
            tables = int.from_bytes(file.read(8), 'little')
        self.assertGreaterEqual(tables, BLOCK)
        packages.flip(self.package, tables)

        def descriptors():
            return len(os.listdir(f'/proc/{main_pid()}/fd'))
        self.assert_mount_refused(mentions=['data:1.0.0', 'mounting'])
        before = descriptors()
        for _ in range(5):
            self.assert_mount_refused(mentions=['data:1.0.0', 'mounting'])
        self.assertEqual(descriptors(), before)
        packages.flip(self.package, tables)
        self.mount()

    def test_verity_superblock_damaged(self):
        # A wrong salt cannot be seen in the superblock, but by what it makes of the first block.
        for offset, mentions in ((0, 'signature'), (8, 'version'), (12, 'hash type'), (32, 'algorithm'),
                                 (64, 'data block size'), (68, 'hash block size'), (72, 'data blocks'),
                                 (80, 'first block'), (81, 'salt size'), (82, 'padding'), (88, 'first block')):
            with self.subTest(offset=offset):
                packages.flip(self.package, self.blocks * BLOCK + offset)
                self.assert_mount_refused(mentions=mentions)
                packages.flip(self.package, self.blocks * BLOCK + offset)
        self.client.mount_file(self.package)

    def test_signature_damaged_by_name_and_by_file(self):
        content = self.package.read_bytes()
        for what in (b'verity-hash: ', b'signature: '):
            with self.subTest(what):
                at = re.search(re.escape(what), content).end()
                changed = b'1' if content[at:at + 1] != b'1' else b'2'
                self.package.write_bytes(content[:at] + changed + content[at + 1:])
                self.assert_refused('InvalidSignature', str(self.package), self.client.mount_file, self.package)
                self.assert_refused('InvalidSignature', 'data', self.client.mount, 'data:1.0.0')
