# SPDX-License-Identifier: Apache-2.0
"""udisksd offers no device of the service's, and does not keep an unmount from being complete."""

from gi.repository import Gio

from vmtest import images, packages, udev
from vmtest.service import MOUNT, ServiceTestCase
from vmtest.shell import run, wait_until

ONCE = True  # udisks is the same for the sanitized service

NAME = 'org.freedesktop.UDisks2'
BLOCK, FILESYSTEM = f'{NAME}.Block', f'{NAME}.Filesystem'


class Udisks(ServiceTestCase):
    def setUp(self):
        super().setUp()
        run('systemctl', 'start', 'udisks2.service')
        self.addCleanup(run, 'systemctl', 'stop', 'udisks2.service')

    def offered(self):
        """The interfaces of each block device that udisksd knows: {'/dev/loop0': {interface: properties}}."""
        bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
        objects = bus.call_sync(NAME, '/org/freedesktop/UDisks2', 'org.freedesktop.DBus.ObjectManager',
                                'GetManagedObjects', None, None, Gio.DBusCallFlags.NONE, -1, None).unpack()[0]
        return {bytes(interfaces[BLOCK]['Device']).rstrip(b'\0').decode(): interfaces
                for interfaces in objects.values() if BLOCK in interfaces}

    @staticmethod
    def known(interfaces):
        """Whether desktops are told to ignore the device, and what is on it. That it has a file system as such may be
        known from the mount table."""
        return interfaces[BLOCK]['HintIgnore'], interfaces[BLOCK]['IdType']

    def test_the_services_devices_are_not_offered_and_others_are(self):
        containers = [self.add(packages.SIGNED[0])[1], self.add(packages.SIGNED[1], 'sealed')[1]]
        ours = set()
        for container in containers:
            path, _ = self.client.mount(container)
            seen = self.client.properties(path, MOUNT)
            ours |= {seen['Device'], seen['LoopDevice']}
        self.assertEqual(len(ours), 3)
        udev.settle()
        source, image = self.directory / 'source', self.directory / 'image'
        source.mkdir()
        (source / 'file').write_text('content')
        images.make_squashfs(source, image)
        other = run('losetup', '--find', '--show', '--read-only', image).stdout.strip()
        self.addCleanup(run, 'losetup', '--detach', other)
        # It handles events in their order: then it has seen the service's devices, too.
        wait_until(lambda: FILESYSTEM in self.offered().get(other, {}), 'udisksd to offer another loop device')
        offered = self.offered()
        self.assertEqual(self.known(offered[other]), (False, 'squashfs'))
        for device in ours & set(offered):
            self.assertEqual(self.known(offered[device]), (True, ''), device)
        for container in containers:
            self.client.unmount(container)

    def test_an_unmount_is_complete_while_udisksd_runs(self):
        _, container = self.add(packages.SIGNED[0])
        for settle in (False, True) * 5:
            self.client.mount(container)
            if settle:
                udev.settle()
            self.client.unmount(container)
            self.assert_all_gone()
