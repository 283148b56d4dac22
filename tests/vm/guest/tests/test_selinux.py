# SPDX-License-Identifier: Apache-2.0
"""A kernel with SELinux but without a policy, which refuses the context option."""

from pathlib import Path

from vmtest import devices, packages
from vmtest.service import RUN_DIR, ServiceTestCase
from vmtest.shell import run

SELINUXFS = Path('/sys/fs/selinux')
PACKAGE = packages.DATA / 'signed' / 'hello-selinux-1.0.0.npk'


class SelinuxWithoutPolicy(ServiceTestCase):
    def test_the_context_is_left_out(self):
        self.assertIn('selinux', Path('/sys/kernel/security/lsm').read_text(encoding='ascii').split(','))
        if not devices.mounted_at(SELINUXFS):
            run('mount', '-t', 'selinuxfs', 'selinuxfs', SELINUXFS)
            self.addCleanup(run, 'umount', SELINUXFS)
        self.assertNotIn(':', Path('/proc/self/attr/current').read_text(encoding='ascii'))
        _, container = self.add(PACKAGE)
        self.client.mount(container)
        packages.assert_contents(self, RUN_DIR / container)
        mounts = Path('/proc/self/mountinfo').read_text(encoding='utf-8')
        self.assertIn(f' {RUN_DIR}/{container} ', mounts)
        self.assertNotIn('context=', mounts)
        self.client.unmount(container)
