# SPDX-License-Identifier: Apache-2.0
"""A kernel that lacks something: each lack has its own error that names what to do, and nothing is left behind."""

from pathlib import Path

from vmtest import packages
from vmtest.service import ServiceTestCase, module_blocked, start
from vmtest.shell import run

ONCE = True  # taking modules away takes its time; the code is the same


SYSTEM_TEST = Path(__file__).resolve().parents[2] / 'programs' / 'normal' / 'system-test'


class Missing(ServiceTestCase):
    def setUp(self):
        super().setUp()
        _, self.container = self.add(packages.SIGNED[0])

    def assert_mount_refused(self, error, *mentions):
        self.assert_refused(error, [self.container, *mentions], self.client.mount, self.container)
        self.assertEqual(self.client.list_mounts(), [])
        self.assert_all_gone()

    def test_dm_verity(self):
        with module_blocked('dm-verity'):
            start()
            self.assertFalse(self.client.properties()['VerityAvailable'])
            self.assert_mount_refused('Unsupported', 'CONFIG_DM_VERITY')
        self.client.mount(self.container)
        self.client.unmount(self.container)

    def test_dm_verity_taken_away_from_a_running_service(self):
        self.client.mount(self.container)
        self.client.unmount(self.container)
        self.assertTrue(self.client.properties()['VerityAvailable'])
        with module_blocked('dm-verity'):
            self.assert_mount_refused('Unsupported', 'CONFIG_DM_VERITY')
            self.assertFalse(self.client.properties()['VerityAvailable'])
        self.client.mount(self.container)
        self.assertTrue(self.client.properties()['VerityAvailable'])
        self.client.unmount(self.container)

    def test_dm_verity_is_not_needed_for_a_sealed_repository(self):
        _, container = self.add(packages.SIGNED[1], 'sealed')
        with module_blocked('dm-verity'):
            _, point = self.client.mount(container)
            packages.assert_contents(self, point)
            self.client.unmount(container)

    def test_the_kernel_layer_without_dm_verity(self):
        with module_blocked('dm-verity'):
            done = run(SYSTEM_TEST, '--gtest_filter=NoVerityTest.*', check=False)
        self.assertIn('[  PASSED  ] 1 test', done.stdout, done.stdout + done.stderr)
        self.assertEqual(done.returncode, 0)

    def test_squashfs(self):
        with module_blocked('squashfs'):
            self.assert_mount_refused('Unsupported', 'CONFIG_SQUASHFS')
        self.client.mount(self.container)
        self.client.unmount(self.container)

    def test_the_loop_driver(self):
        with module_blocked('loop'):
            self.assert_mount_refused('Unsupported', 'CONFIG_BLK_DEV_LOOP')
        self.client.mount(self.container)
        self.client.unmount(self.container)
