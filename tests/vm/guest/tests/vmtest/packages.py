# SPDX-License-Identifier: Apache-2.0
"""Northstar packages: those of tests/data, and new ones packed and signed with the distribution's tools."""

import base64
import hashlib
import os
from pathlib import Path
import re
import shutil
import subprocess
import zipfile

from . import images
from .shell import run

DATA = Path(os.environ['NORTHSTAR_TEST_DATA'])
# A key has to be root's alone, whoever owns the source tree.
KEY = Path('/etc/northstar-golden.pub')
shutil.copyfile(DATA / 'keys' / 'golden.pub', KEY)
KEY.chmod(0o644)
SIGNED = sorted((DATA / 'signed').glob('*.npk'))
FORMAT = b'version: 0.9.3\n'
ALIGNMENT = 4096
# PKCS #8 of an ed25519 key up to its 32 bytes of seed (RFC 8410, section 7)
PKCS8 = bytes.fromhex('302e020100300506032b657004220420')


def container(package):
    """'name:version' of a package whose file is called as the packer calls it."""
    name, version = package.stem.rsplit('-', 1)
    return f'{name}:{version}'


def assert_contents(case, point):
    """The files of a mounted package of tests/data are those that were packed."""
    done = run('sha256sum', '--quiet', '--check', DATA / 'SHA256SUMS', cwd=point, check=False)
    case.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def image_extent(package):
    """Offset and size of fs.img in a package."""
    with zipfile.ZipFile(package) as archive:
        entry = archive.getinfo('fs.img')
    with open(package, 'rb') as file:
        file.seek(entry.header_offset + 26)
        name, extra = (int.from_bytes(file.read(2), 'little') for _ in range(2))
    return entry.header_offset + 30 + name + extra, entry.file_size


def verity_offset(package):
    """Offset of the verity superblock in fs.img, as the signature says."""
    with zipfile.ZipFile(package) as archive:
        return int(re.search(rb'verity-offset: (\d+)', archive.read('signature.yaml'))[1])


def flip(package, offset):
    """Invert the byte at this offset of the package's fs.img."""
    images.flip_byte(package, image_extent(package)[0] + offset)


def sign(message, key, directory):
    """ed25519, by openssl; the seed is the raw key of 32 bytes."""
    pem, text = directory / 'key.der', directory / 'message'
    pem.write_bytes(PKCS8 + key.read_bytes())
    text.write_bytes(message)
    return subprocess.run(['openssl', 'pkeyutl', '-sign', '-rawin', '-keyform', 'DER', '-inkey', pem, '-in', text],
                          stdout=subprocess.PIPE, check=True).stdout


def aligned(header_offset, name):
    """The extra field that puts the data behind a local header at a multiple of ALIGNMENT."""
    data = header_offset + 30 + len(name) + 6
    padding = -data % ALIGNMENT
    return b'\x1e\xa1' + (2 + padding).to_bytes(2, 'little') + ALIGNMENT.to_bytes(2, 'little') + bytes(padding)


def pack(source, package, name, version='1.0.0', filesystem='squashfs', manifest=''):
    """Pack the directory `source` into `package`, signed with the key of tests/data. `manifest` is appended to it."""
    work = package.parent / f'{package.name}.work'
    work.mkdir()
    image, tree = work / 'fs.img', work / 'tree'
    if filesystem == 'squashfs':
        images.make_squashfs(source, image)
    else:
        run('mkfs.erofs', image, source)
    size = image.stat().st_size
    root_hash = images.make_verity(image, tree)
    with open(image, 'ab') as out:
        out.write(tree.read_bytes())
    manifest = f'name: {name}\nversion: {version}\nuid: 1000\ngid: 1000\n{manifest}'.encode()
    hashes = (f'meta:\n  hash: {hashlib.sha256(FORMAT).hexdigest()}\n'
              f'manifest.yaml:\n  hash: {hashlib.sha256(manifest).hexdigest()}\n'
              f'fs.img:\n  verity-hash: {root_hash}\n  verity-offset: {size}\n').encode()
    signature = base64.b64encode(sign(hashes, DATA / 'keys' / 'golden.key', work))
    with zipfile.ZipFile(package, 'w') as archive:
        archive.comment = FORMAT
        archive.writestr('manifest.yaml', manifest)
        archive.writestr('signature.yaml', hashes + b'---\nsignature: ' + signature + b'\n')
        entry = zipfile.ZipInfo('fs.img')
        entry.extra = aligned(archive.fp.tell(), entry.filename)
        archive.writestr(entry, image.read_bytes())
    shutil.rmtree(work)
    return package
