# SPDX-License-Identifier: Apache-2.0
"""A kernel with SELinux and a policy: packages with a context in their manifest, through dm-verity."""

import os
from pathlib import Path
import tempfile

from vmtest import devices, packages
from vmtest.service import MOUNT, RUN_DIR, ServiceTestCase
from vmtest.shell import run

LAST = True  # a policy stays until the machine ends

SELINUXFS = Path('/sys/fs/selinux')
SOURCE = Path(__file__).with_name('selinux.cil')


def load_policy():
    if not devices.mounted_at(SELINUXFS):
        run('mount', '-t', 'selinuxfs', 'selinuxfs', SELINUXFS)
    version = (SELINUXFS / 'policyvers').read_text(encoding='ascii')
    with tempfile.TemporaryDirectory() as directory:
        policy = Path(directory) / 'policy'
        run('secilc', f'--policyvers={version}', '-o', policy, '-f', '/dev/null', SOURCE)
        (SELINUXFS / 'load').write_bytes(policy.read_bytes())


def super_options(point):
    return devices.mount_line(point)[3]


class SelinuxPolicy(ServiceTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        load_policy()

    def pack(self, name, context):
        source = self.directory / 'source'
        source.mkdir()
        (source / 'file').write_text('content\n', encoding='ascii')
        packages.pack(source, self.directory / 'vendor' / f'{name}-1.0.0.npk', name,
                      manifest=f'selinux:\n  mount_context: {context}\n')
        return f'{name}:1.0.0'

    def assert_mounted_with(self, context, shown, container, file):
        """`shown` is how the kernel writes the option."""
        path, point = self.client.mount(container)
        self.assertTrue(self.client.properties(path, MOUNT)['Verified'])
        self.assertIn(f',{shown},', f',{super_options(point)},')
        self.assertEqual(super_options(point).count('context='), 1)
        self.assertEqual(os.getxattr(f'{point}/{file}', 'security.selinux'), f'{context}\0'.encode())
        self.client.unmount(container)
        self.assert_all_gone()

    def test_a_context_is_that_of_the_mount(self):
        _, container = self.add(packages.DATA / 'signed' / 'hello-selinux-1.0.0.npk')
        context = 'system_u:object_r:container_file_t:s0'
        self.assert_mounted_with(context, f'context={context}', container, 'bin/hello')

    def test_a_context_with_several_categories_is_that_of_the_mount(self):
        context = 'system_u:object_r:container_file_t:s0:c1,c2'
        container = self.pack('categories', context)
        self.assert_mounted_with(context, f'context="{context}"', container, 'file')

    def test_a_context_that_the_policy_does_not_know_is_refused(self):
        context = 'system_u:object_r:unknown_t:s0'
        container = self.pack('unknown', context)
        self.assert_refused('Failed', ['SELinux policy', context], self.client.mount, container)
        self.assertEqual(self.client.list_mounts(), [])
        self.assert_all_gone()
        self.assertFalse((RUN_DIR / container).exists())

    def test_a_package_without_a_context_has_none(self):
        _, container = self.add(packages.DATA / 'signed' / 'hello-gzip-1.0.0.npk')
        _, point = self.client.mount(container)
        packages.assert_contents(self, point)
        self.assertNotIn('context=', super_options(point))
        self.client.unmount(container)
