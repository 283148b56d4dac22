# SPDX-License-Identifier: Apache-2.0
"""The service under systemd: activation, start, stop, restart, crash; its mounts live on and are known again."""

import os
from pathlib import Path
import shutil

from vmtest import packages, system
from vmtest.service import (CONFIGURATION, MOUNT, NAME, OBJECT, RUN_DIR, UNIT, ServiceTestCase, main_pid, start,
                            stop)
from vmtest.shell import run, wait_until

GDBUS = ('gdbus', 'call', '--system', '--dest', NAME, '--object-path', OBJECT, '--method')


class Units(ServiceTestCase):
    def test_units_have_no_faults(self):
        done = run('systemd-analyze', 'verify', '--man=no', UNIT, 'northstar-mount@.service')
        self.assertEqual(done.stdout + done.stderr, '')

    def test_a_call_starts_the_stopped_service(self):
        self.assertEqual(system.unit_property(UNIT, 'ActiveState'), 'inactive')
        self.assertEqual(self.client.list_mounts(), [])
        self.assertEqual(system.unit_property(UNIT, 'ActiveState'), 'active')

    def test_it_logs_no_warning_when_it_starts_and_stops(self):
        start()
        stop()
        run('journalctl', '--sync')
        logged = run('journalctl', '-o', 'cat', '-u', UNIT, '-p', 'warning', '--after-cursor', self.journal_cursor_)
        self.assertEqual(logged.stdout.replace('-- No entries --\n', ''), '')

    def test_a_bad_configuration_fails_the_start_and_is_explained(self):
        CONFIGURATION.write_text('run_dir = "/run/northstar"\nno_such_key = 1\n')
        self.assertNotEqual(run('systemctl', 'start', UNIT, check=False).returncode, 0)
        self.assertRegex(self.journal(), r'mounter\.toml.*2.*no_such_key')
        stop()  # systemd goes on trying: a start that has read the bad file may be under way
        self.configure()
        start()

    def test_reload_takes_up_a_new_package(self):
        start()
        _, container = self.add(packages.SIGNED[0])
        run('systemctl', 'reload', UNIT)
        self.assertIn(container, [f'{name}:{version}' for name, version, *_ in self.client.call('ListContainers')[0]])

    def test_a_package_ships_a_repository_as_a_drop_in(self):
        drop_in = Path('/usr/lib/northstar/mounter.toml.d/50-shipped.toml')
        shipped = Path(self.directory) / 'shipped'
        shipped.mkdir()
        shutil.copy2(packages.SIGNED[0], shipped)
        drop_in.parent.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, drop_in.parent.parent)
        drop_in.write_text(f'[repositories.shipped]\ndir = "{shipped}"\nkeys = ["{packages.KEY}"]\n')
        start()
        self.assertIn('shipped', [container[2] for container in self.client.call('ListContainers')[0]])

    def test_a_new_package_is_noticed(self):
        start()
        path, container = self.add(packages.SIGNED[0])
        def listed():
            return [f'{name}:{version}' for name, version, *_ in self.client.call('ListContainers')[0]]
        wait_until(lambda: container in listed(), 'the container')
        os.unlink(path)
        wait_until(lambda: container not in listed(), 'the container to go')

    def test_a_container_as_a_unit(self):
        _, container = self.add(packages.SIGNED[0])
        unit = run('systemd-escape', '--template=northstar-mount@.service', container).stdout.strip()
        run('systemctl', 'start', unit)
        packages.assert_contents(self, RUN_DIR / container)
        run('systemctl', 'stop', unit)
        self.assertFalse((RUN_DIR / container).exists())

    def test_mount_on_start(self):
        early = Path(self.directory) / 'early'
        early.mkdir()
        for package in packages.SIGNED[:3]:
            shutil.copy2(package, early)
        with open(CONFIGURATION, 'a', encoding='ascii') as file:
            file.write(f'[repositories.early]\ndir = "{early}"\nkeys = ["{packages.KEY}"]\n'
                       'mount_on_start = true\n')
        start()
        wait_until(lambda: len(self.client.list_mounts()) == 3, 'the mounts')
        for package in packages.SIGNED[:3]:
            packages.assert_contents(self, RUN_DIR / packages.container(package))


class MountsOutlive(ServiceTestCase):
    """What is mounted stays, in the host's namespace, and the service that starts next knows all about it."""

    def setUp(self):
        super().setUp()
        self.containers = [self.add(package)[1] for package in packages.SIGNED[:2]]
        self.add(packages.SIGNED[2], 'sealed')
        self.containers.append(packages.container(packages.SIGNED[2]))
        for container in self.containers:
            self.client.mount(container)
        self.before = self.facts()
        self.pid = main_pid()
        self.assertEqual(os.readlink(f'/proc/{self.pid}/ns/mnt'), os.readlink('/proc/1/ns/mnt'))

    def facts(self):
        return {path: self.client.properties(path, MOUNT) for path, *_ in self.client.list_mounts()}

    def assert_contents(self):
        for container in self.containers:
            packages.assert_contents(self, RUN_DIR / container)

    def assert_known_again(self):
        self.assertEqual(self.facts(), self.before)
        self.assertNotEqual(main_pid(), self.pid)
        for container in self.containers:
            self.client.unmount(container)
            self.assertFalse((RUN_DIR / container).exists())
        self.assert_all_gone()

    def test_a_stop(self):
        stop()
        self.assert_contents()
        self.assert_known_again()

    def test_a_restart(self):
        run('systemctl', 'restart', UNIT)
        self.assert_contents()
        self.assert_known_again()

    def test_a_kill(self):
        run('systemctl', 'kill', '--signal=SIGKILL', UNIT)
        wait_until(lambda: main_pid() not in (0, self.pid), 'systemd to start it again')
        self.assert_contents()
        self.assert_known_again()

    def test_a_stop_takes_them_down_where_the_unit_says_so(self):
        drop_in = Path(f'/run/systemd/system/{UNIT}.d/vmtest.conf')
        drop_in.parent.mkdir(parents=True)
        drop_in.write_text('[Service]\nExecStop=/usr/bin/northstarctl unmount --all\n')
        self.addCleanup(run, 'systemctl', 'daemon-reload')
        self.addCleanup(shutil.rmtree, drop_in.parent)
        run('systemctl', 'daemon-reload')
        stop()
        self.assert_all_gone()
        self.assertEqual(list(RUN_DIR.iterdir()), [])

    def test_an_unmount_by_somebody_else_is_noticed(self):
        container = self.containers[0]
        # The service's looks at a mount keep it busy for a moment.
        wait_until(lambda: run('umount', RUN_DIR / container, check=False).returncode == 0, 'umount')
        gone = wait_until(lambda: self.client.signals('Unmounted'), 'Unmounted')
        self.assertEqual(gone[0][3][1:], (container, str(RUN_DIR / container), 'external'))
        wait_until(lambda: not (RUN_DIR / container).exists(), 'the mount point to go')
        stop()
        start()
        self.assertEqual({seen['Container'] for seen in self.facts().values()}, set(self.containers[1:]))

    def test_an_unmount_while_it_is_stopped_is_noticed(self):
        stop()
        run('umount', RUN_DIR / self.containers[0])
        self.assertEqual({seen['Container'] for seen in self.facts().values()}, set(self.containers[1:]))
        self.assertFalse((RUN_DIR / self.containers[0]).exists())


class Callers(ServiceTestCase):
    """Who may do what, by the real polkit and the installed policy."""

    RULES = Path('/etc/polkit-1/rules.d/50-vmtest.rules')

    def as_user(self, user, method, *arguments):
        return run(*GDBUS, f'{NAME}.{method}', *arguments, user=user, check=False)

    def assert_denied(self, error, done):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(f'GDBus.Error:{error}: ', done.stderr)

    def rule(self, text):
        self.addCleanup(self.RULES.unlink, missing_ok=True)
        self.RULES.write_text(text)
        self.RULES.chmod(0o644)
        run('systemctl', 'restart', 'polkit.service')

    def test_a_user_without_a_session_has_to_authenticate(self):
        _, container = self.add(packages.SIGNED[0])
        self.assert_denied('org.freedesktop.DBus.Error.InteractiveAuthorizationRequired',
                           self.as_user('alice', 'Mount', container, '@a{sv} {}'))
        self.assertEqual(self.client.list_mounts(), [])

    def test_reading_needs_nothing(self):
        done = self.as_user('alice', 'ListMounts')
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_rule_by_container_and_repository(self):
        allowed, other = self.add(packages.SIGNED[0])[1], self.add(packages.SIGNED[1])[1]
        self.rule(f"""polkit.addRule(function(action, subject) {{
            if (action.id == 'org.northstar.mounter.mount' && subject.user == 'alice' &&
                action.lookup('container') == '{allowed}' && action.lookup('repository') == 'vendor')
                return polkit.Result.YES;
            if (action.id.indexOf('org.northstar.mounter.') == 0) return polkit.Result.NO;
        }});""")
        done = self.as_user('alice', 'Mount', allowed, '@a{sv} {}')
        self.assertEqual(done.returncode, 0, done.stderr)
        packages.assert_contents(self, RUN_DIR / allowed)
        denied = 'org.freedesktop.DBus.Error.AccessDenied'
        self.assert_denied(denied, self.as_user('alice', 'Mount', other, '@a{sv} {}'))
        self.assert_denied(denied, self.as_user('bob', 'Mount', allowed, '@a{sv} {}'))
        self.assert_denied(denied, self.as_user('bob', 'Unmount', allowed, '@a{sv} {}'))
        self.assert_denied(denied, self.as_user('bob', 'MountFile', '/etc/passwd', '@a{sv} {}'))
        done = self.as_user('alice', 'Unmount', allowed, '@a{sv} {}')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.client.list_mounts(), [])

    def test_only_root_may_own_the_name(self):
        done = run('busctl', '--system', 'call', 'org.freedesktop.DBus', '/org/freedesktop/DBus',
                   'org.freedesktop.DBus', 'RequestName', 'su', NAME, '0', user='alice', check=False)
        self.assertNotEqual(done.returncode, 0)

    def test_root_mounts_a_file_in_a_directory_of_a_user(self):
        home = Path('/home/alice/private')
        run('install', '-d', '-o', 'alice', '-m', '0700', home)
        self.addCleanup(run, 'rm', '-r', home)
        run('install', '-o', 'alice', '-m', '0600', packages.SIGNED[0], home / 'package.npk')
        _, point = self.client.mount_file(home / 'package.npk')
        packages.assert_contents(self, point)
        self.client.unmount(point)

    def test_root_mounts_a_descriptor(self):
        with open(packages.SIGNED[0], 'rb') as file:
            _, point = self.client.call('MountFd', '(ha{sv})', 0, {}, fds=[file.fileno()])
        packages.assert_contents(self, point)
        self.client.unmount(point)

    def test_a_stranger_is_refused_for_root_too(self):
        stranger = next((packages.DATA / 'stranger').glob('*.npk'))
        self.assert_refused('InvalidSignature', stranger.name, self.client.mount_file, stranger)


class Shell(ServiceTestCase):
    def test_northstarctl_mounts_lists_and_unmounts(self):
        _, container = self.add(packages.SIGNED[0])
        self.assertIn(str(RUN_DIR / container), run('northstarctl', 'mount', container).stdout)
        self.assertIn(container, run('northstarctl', 'list').stdout)
        packages.assert_contents(self, RUN_DIR / container)
        run('northstarctl', 'unmount', container)
        done = run('northstarctl', 'unmount', container, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('not mounted', done.stderr)

    def test_busctl_passes_a_descriptor_where_it_can(self):
        with open(packages.SIGNED[0], 'rb') as file:
            done = run('busctl', '--system', 'call', NAME, OBJECT, NAME, 'MountFd', 'ha{sv}', file.fileno(), 0,
                       pass_fds=[file.fileno()], check=False)
        if 'not supported as type' in done.stderr:
            self.skipTest(f'busctl of this release: {done.stderr.strip()}')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.client.unmount(packages.container(packages.SIGNED[0]))
