# SPDX-License-Identifier: Apache-2.0
"""Squashfs images with a dm-verity hash tree, made with the distribution's tools, and damage to them."""

import os
import re

from .shell import run

BLOCK = 4096


def make_squashfs(folder, image):
    """A squashfs image of `folder`, uncompressed so that file content is found in it, padded to whole blocks."""
    run('mksquashfs', folder, image, '-quiet', '-no-progress', '-noI', '-noD', '-noF', '-noX')
    size = os.path.getsize(image)
    os.truncate(image, -(-size // BLOCK) * BLOCK)


def make_verity(image, tree):
    """The hash tree of `image` in the file `tree`; the root hash in hex."""
    output = run('veritysetup', 'format', image, tree).stdout
    return re.search(r'Root hash:\s*([0-9a-f]+)', output)[1]


def flip_byte(path, offset):
    """Invert one byte of a file."""
    with open(path, 'r+b') as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0xff]))
        file.flush()
        os.fsync(file.fileno())
