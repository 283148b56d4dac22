# SPDX-License-Identifier: Apache-2.0
"""The service dies, or is stopped, in the middle of its work. What it was about to do is done as a whole or not at
all, and what starts next finds nothing that it does not know of."""

import re

from vmtest import devices, packages, strace, system
from vmtest.case import kernel_state
from vmtest.service import RECORDS, RUN_DIR, UNIT, Refused, ServiceTestCase, main_pid, start, stop
from vmtest.shell import run, wait_until

# A process that is killed reports nothing, and one under strace cannot look for leaks when it ends. In test_service.py
# a sanitized service takes over mounts.
ONCE = True


class CrashTestCase(ServiceTestCase):
    def setUp(self):
        super().setUp()
        self.container, self.other = (self.add(package)[1] for package in packages.SIGNED[:2])
        self.client.mount(self.container)  # modules, and what is done for the first mount only
        self.client.unmount(self.container)
        self.client.mount(self.other)
        self.settled = kernel_state()

    def assert_known(self, containers):
        """Exactly these are mounted, listed and recorded, can be used, and are gone as a whole when unmounted."""
        self.assertEqual(sorted(container for _, container, *_ in self.client.list_mounts()), sorted(containers))
        self.assertEqual(sorted(entry.name for entry in RUN_DIR.iterdir()), sorted(containers))
        self.assertEqual([record.suffix for record in RECORDS.iterdir()], ['.toml'] * len(containers))
        for container in containers:
            packages.assert_contents(self, RUN_DIR / container)
            if container != self.other:
                self.client.unmount(container)
        # What a dead process held goes a moment later.
        wait_until(lambda: kernel_state() == self.settled, 'the devices to go')


class Kill(CrashTestCase):
    def send(self, method):
        return self.client.send(method, '(sa{sv})', self.container, {})

    def killed_before(self, call, number, method):
        """Kills the service before this system call on the way of this method, and starts it again. What strace shows
        of the call, or None if the method was done before there was such a call."""
        pid = main_pid()
        with strace.injected(pid, call, f'signal=KILL:when={number}') as trace:
            answer = self.send(method)
            wait_until(answer, 'an answer')
            if not isinstance(answer(), Refused):
                stop()  # what it still looks at after the answer may be that call
                trace.ended()
                return None
            self.assertEqual(answer().name, 'org.freedesktop.DBus.Error.NoReply')
            begun = [line.split(None, 1)[1] for line in trace.killed().splitlines() if f' {call}(' in line]
        start()
        self.assertNotEqual(main_pid(), pid)
        return begun[-1]

    def test_before_each_request_to_the_loop_driver_and_the_device_mapper(self):
        requests = []
        while request := self.killed_before('ioctl', len(requests) + 1, 'Mount'):
            requests.append(re.search(r', (\w+)', request)[1])
            # The mark for removal is made once more right after the mount is attached.
            done = requests.count('DM_DEV_REMOVE') == 2
            self.assert_known([self.other, self.container] if done else [self.other])
        self.assert_known([self.other, self.container])
        self.assertLessEqual({'LOOP_CTL_GET_FREE', 'LOOP_CONFIGURE', 'DM_DEV_CREATE', 'DM_TABLE_LOAD', 'DM_DEV_REMOVE',
                              'DM_DEV_SUSPEND', 'DM_TABLE_STATUS'}, set(requests))

    def test_before_each_later_step_of_a_mount(self):
        for call in ('fsopen', 'fsmount', 'renameat', 'mkdirat', 'move_mount'):
            with self.subTest(call):
                self.assertTrue(self.killed_before(call, 1, 'Mount'))
                self.assert_known([self.other])

    def test_before_each_step_of_an_unmount(self):
        # of unlinkat the first removes the mount point, the second the record
        for call, number, left in (('umount2', 1, True), ('unlinkat', 1, False), ('unlinkat', 2, False)):
            with self.subTest(f'{call} {number}'):
                self.client.mount(self.container)
                self.assertTrue(self.killed_before(call, number, 'Unmount'))
                self.assert_known([self.other, self.container] if left else [self.other])


class Stop(CrashTestCase):
    def test_a_stop_while_many_are_being_mounted(self):
        """What has begun is done, answered, and known to the next start."""
        containers = [self.container, *(self.add(package)[1] for package in packages.SIGNED[2:6])]
        run('systemctl', 'reload', UNIT)
        with strace.injected(main_pid(), 'move_mount', 'delay_enter=1s'):
            answer = self.client.send('MountMany', '(asa{sv})', containers, {})
            # The mount point is made just before.
            wait_until(lambda: any((RUN_DIR / container).exists() for container in containers), 'a mount point')
            already = [container for container in containers if devices.mounted_at(RUN_DIR / container)]
            stop()
        self.assertLess(len(already), len(containers))
        self.assertEqual(system.unit_property(UNIT, 'Result'), 'success')
        done = wait_until(answer, 'the answer')
        self.assertEqual([result[:2] for result in done[0]], [(container, True) for container in containers])
        start()
        self.assert_known([self.other, *containers])
