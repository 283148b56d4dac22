# SPDX-License-Identifier: Apache-2.0
"""The guest itself: what the service's tests rely on is there and works. If these fail, look at the recipe."""

import errno
import os

from vmtest import devices, images, system
from vmtest.case import VmTestCase
from vmtest.shell import run, wait_until

ONCE = True  # the service has no part in it


class Smoke(VmTestCase):
    def test_system_is_running_and_no_unit_failed(self):
        self.assertEqual(run('systemctl', '--failed', '--no-legend').stdout, '')
        self.assertEqual(run('systemctl', 'is-system-running').stdout.strip(), 'running')

    def test_system_bus_answers(self):
        answer = run('busctl', '--system', 'call', 'org.freedesktop.DBus', '/org/freedesktop/DBus',
                     'org.freedesktop.DBus', 'GetId').stdout
        self.assertRegex(answer, r'^s "[0-9a-f]{32}"$')

    def test_polkit_allows_root_and_wants_a_password_of_a_user(self):
        check = ('pkcheck', '--action-id', 'org.freedesktop.systemd1.manage-units', '--process')
        self.assertEqual(run(*check, os.getpid(), check=False).returncode, 0)
        done = run('sh', '-c', f'{" ".join(check)} $$', user='alice', check=False)
        self.assertEqual(done.returncode, 2, done.stderr)  # 2: needs authentication, no agent was asked

    def test_kernel_offers_loop_squashfs_and_verity(self):
        for module in ('loop', 'squashfs', 'erofs', 'dm-verity'):
            run('modprobe', module)
        self.assertIn('verity', run('dmsetup', 'targets').stdout)
        with open('/proc/filesystems', encoding='ascii') as file:
            names = file.read().split()
        self.assertIn('squashfs', names)
        self.assertIn('erofs', names)
        self.assertTrue(os.path.exists('/dev/loop-control'))

    def test_loop_devices_grow_past_the_first_eight(self):
        image = self.directory / 'image'
        image.write_bytes(bytes(1 << 20))
        for _ in range(12):
            device = run('losetup', '--find', '--show', '--read-only', image).stdout.strip()
            self.addCleanup(run, 'losetup', '--detach', device)
        backing = [file for file in devices.loop_devices().values() if file == str(image)]
        self.assertEqual(len(backing), 12)

    def test_udevd_can_be_stopped_and_started(self):
        with system.without_udevd():
            self.assertEqual(system.unit_property('systemd-udevd.service', 'ActiveState'), 'inactive')
        wait_until(lambda: system.unit_property('systemd-udevd.service', 'ActiveState') == 'active', 'udevd')

    def test_journal_shows_what_was_logged_after_a_cursor(self):
        cursor = system.journal_cursor()
        run('systemd-run', '--wait', '--unit', 'vmtest-logger', 'echo', 'a message')
        wait_until(lambda: 'a message' in system.journal('vmtest-logger', cursor), 'the message')
        self.assertNotIn('a message', system.journal('vmtest-logger', system.journal_cursor()))


class Verity(VmTestCase):
    CONTENT = bytes(range(256)) * 4096

    def setUp(self):
        super().setUp()
        run('modprobe', 'dm-verity')
        source = self.directory / 'source'
        source.mkdir()
        (source / 'file').write_bytes(self.CONTENT)
        self.image = self.directory / 'image'
        self.tree = self.directory / 'tree'
        images.make_squashfs(source, self.image)
        self.root_hash = images.make_verity(self.image, self.tree)
        self.point = self.directory / 'point'
        self.point.mkdir()

    def mount(self):
        run('veritysetup', 'open', self.image, 'vmtest', self.tree, self.root_hash)
        self.addCleanup(run, 'veritysetup', 'close', 'vmtest')
        run('mount', '-t', 'squashfs', '-o', 'ro', '/dev/mapper/vmtest', self.point)
        self.addCleanup(run, 'umount', self.point)

    def test_verity_image_mounts_and_reads_back(self):
        self.mount()
        self.assertEqual(devices.mounted_at(self.point), ['squashfs'])
        self.assertEqual((self.point / 'file').read_bytes(), self.CONTENT)
        self.assertEqual(devices.verity_status('vmtest'), 'V')

    def test_flipped_byte_gives_an_io_error(self):
        images.flip_byte(self.image, 500_000)
        self.mount()
        with self.assertRaises(OSError) as caught:
            (self.point / 'file').read_bytes()
        self.assertEqual(caught.exception.errno, errno.EIO)
        self.assertEqual(devices.verity_status('vmtest'), 'C')
        self.assertIn('data block', system.dmesg())

    def test_case_notices_a_device_left_behind(self):
        run('veritysetup', 'open', self.image, 'vmtest', self.tree, self.root_hash)
        self.assertRegex(self.left_behind(), r'loop devices: .*dm devices: .*vmtest')
        run('veritysetup', 'close', 'vmtest')
        wait_until(lambda: not self.left_behind(), 'the devices to go')
