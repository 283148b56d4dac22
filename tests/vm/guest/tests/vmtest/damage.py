# SPDX-License-Identifier: Apache-2.0
"""A mounted package whose blocks get damaged, and what the service has to say about it."""

import errno
import mmap
import os
from pathlib import Path

from . import packages
from .service import MOUNT, OBJECT, RUN_DIR, ServiceTestCase
from .shell import wait_until

BLOCK = 4096
UNKNOWN = 2**64 - 1  # the block of a CorruptionDetected whose event was lost


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


class DamageTestCase(ServiceTestCase):
    """Has a package `data` with two levels of hashes, and `blocks` of data in it."""

    def setUp(self):
        super().setUp()
        source = self.directory / 'source'
        source.mkdir()
        (source / 'data').write_bytes(os.urandom(2_000_000))
        self.package = packages.pack(source, self.directory / 'vendor' / 'data-1.0.0.npk', 'data')
        self.blocks = packages.verity_offset(self.package) // BLOCK
        self.assertGreater(self.blocks, 3 * 128)  # 128 hashes fit a block

    def mount(self):
        path, point = self.client.mount('data')
        self.assertEqual(point, f'{RUN_DIR}/data:1.0.0')
        device = self.client.properties(path, MOUNT)['Device']
        return path, Path(point), device

    def unreadable(self, device, around):
        return [block for block in around if read_block(device, block) == errno.EIO]

    def damage(self, device, block):
        """Flip a byte of a block of data and have the kernel find out."""
        packages.flip(self.package, block * BLOCK + 100)
        self.assertEqual(self.unreadable(device, [block]), [block])

    def reported(self, *blocks):
        """The signals that name these blocks, or any. A look at the device between the damage and its event makes one of
        an unknown block besides."""
        return [signal for signal in self.client.signals('CorruptionDetected')
                if signal[3][2] in blocks or not blocks and signal[3][2] != UNKNOWN]

    def assert_reported(self, path, block, kind='data'):
        """Signals, property and journal name this block."""
        signal = wait_until(lambda: self.reported(block), 'CorruptionDetected')[0]
        self.assertEqual(signal[1], OBJECT)
        self.assertEqual(signal[3][:2], (path, 'data:1.0.0'))
        changed = [signal for signal in self.client.signals('PropertiesChanged') if signal[1] == path]
        self.assertIn((MOUNT, {'Corrupted': True}, []), [signal[3] for signal in changed])
        self.assertTrue(self.client.properties(path, MOUNT)['Corrupted'])
        which = 'a block whose number is not known' if block == UNKNOWN else f'{kind} block {block} '
        self.assertRegex(self.journal(), rf'data:1\.0\.0 .*corrupted: {which}')
