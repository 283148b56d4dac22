# SPDX-License-Identifier: Apache-2.0
"""The installed service as its clients see it, and a test case with a configuration and repositories of its own."""

import contextlib
from pathlib import Path
import shutil
import time

import gi
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib  # noqa: E402

from . import devices, packages, system  # noqa: E402
from .case import VmTestCase  # noqa: E402
from .shell import run, wait_until  # noqa: E402

UNIT = 'northstar-mounter.service'
NAME = 'org.northstar.Mounter'
OBJECT = '/org/northstar/Mounter'
MOUNT = f'{NAME}.Mount'
ERROR = f'{NAME}.Error.'
CONFIGURATION = Path('/etc/northstar/mounter.toml')
RUN_DIR = Path('/run/northstar')
RECORDS = Path('/run/northstar-mounter/mounts')
PATIENCE = 120_000  # milliseconds; emulated and sanitized, a call can take seconds


class Refused(Exception):
    """A call was answered with an error."""

    def __init__(self, error):
        self.name = Gio.DBusError.get_remote_error(error)
        self.message = error.message.split(': ', 1)[1] if self.name else error.message
        super().__init__(f'{self.name}: {self.message}')


class Client:
    """A connection of its own to the system bus; records the service's signals."""

    def __init__(self):
        flags = Gio.DBusConnectionFlags
        self.connection_ = Gio.DBusConnection.new_for_address_sync(
            Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM),
            flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION, None, None)
        self.signals_ = []
        self.connection_.signal_subscribe(NAME, None, None, None, None, Gio.DBusSignalFlags.NONE, self.received)

    def close(self):
        self.connection_.close_sync()

    def received(self, connection, sender, path, interface, member, arguments):
        self.signals_.append((time.monotonic(), path, member, arguments.unpack()))

    def signals(self, member=None):
        """What arrived so far: (time, path, member, arguments)."""
        while GLib.MainContext.default().iteration(False):
            pass
        return [signal for signal in self.signals_ if member in (None, signal[2])]

    def call(self, method, signature='()', *arguments, path=OBJECT, interface=NAME, fds=()):
        """The reply's values as a tuple; Refused for an error. Descriptors are h values, indices into fds."""
        descriptors = Gio.UnixFDList()
        for fd in fds:
            descriptors.append(fd)
        try:
            reply, _ = self.connection_.call_with_unix_fd_list_sync(
                NAME, path, interface, method, GLib.Variant(signature, arguments), None, Gio.DBusCallFlags.NONE,
                PATIENCE, descriptors, None)
        except GLib.Error as error:
            raise Refused(error) from None
        return reply.unpack()

    def send(self, method, signature='()', *arguments):
        """A call of the service that is not waited for. Returns a function: the answer's values as a tuple, the
        Refused that it was answered with, or None while there is no answer."""
        answers = []

        def answered(connection, result):
            try:
                answers.append(connection.call_finish(result).unpack())
            except GLib.Error as error:
                answers.append(Refused(error))

        def answer():
            while GLib.MainContext.default().iteration(False):
                pass
            return answers[0] if answers else None
        self.connection_.call(NAME, OBJECT, NAME, method, GLib.Variant(signature, arguments), None,
                              Gio.DBusCallFlags.NONE, PATIENCE, None, answered)
        self.connection_.flush_sync()
        return answer

    def mount(self, container, **options):
        return self.call('Mount', '(sa{sv})', container, options)

    def mount_file(self, path, **options):
        return self.call('MountFile', '(sa{sv})', str(path), options)

    def unmount(self, what, **options):
        return self.call('Unmount', '(sa{sv})', str(what), options)

    def list_mounts(self):
        return self.call('ListMounts')[0]

    def properties(self, path=OBJECT, interface=NAME):
        return self.call('GetAll', '(s)', interface, path=path, interface='org.freedesktop.DBus.Properties')[0]


def start():
    run('systemctl', 'reset-failed', UNIT, check=False)  # tests start it more often than the start limit allows
    run('systemctl', 'start', UNIT)


def stop():
    run('systemctl', 'stop', UNIT)


def main_pid():
    return int(system.unit_property(UNIT, 'MainPID'))


def remove_module(module):
    wait_until(lambda: run('modprobe', '--remove', module, check=False).returncode == 0, f'{module} to be unused')


@contextlib.contextmanager
def module_blocked(module):
    """The kernel without this module: removed, and not to be had again, for the body of a with statement."""
    blocked = Path('/run/modprobe.d/vmtest.conf')
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text(f'install {module} /bin/false\nblacklist {module}\n')
    try:
        remove_module(module)
        yield
    finally:
        blocked.unlink()
        run('modprobe', module)


class ServiceTestCase(VmTestCase):
    """Has three repositories: `vendor` with a key and dm-verity, `sealed` with a key, `plain` without one. The
    service is stopped at first: the first call activates it."""

    extra_configuration = ''

    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)
        for name in ('vendor', 'sealed', 'plain'):
            (self.directory / name).mkdir()
        stop()
        run('systemctl', 'reset-failed', UNIT, check=False)
        kept = CONFIGURATION.read_text()
        self.addCleanup(CONFIGURATION.write_text, kept)
        self.configure()
        self.journal_cursor_ = system.journal_cursor()
        self.client = Client()
        self.addCleanup(self.clean_up)

    def configure(self, extra=None):
        CONFIGURATION.write_text(f"""{self.extra_configuration if extra is None else extra}
[files]
keys = ["{packages.KEY}"]
[repositories.vendor]
dir = "{self.directory}/vendor"
keys = ["{packages.KEY}"]
[repositories.sealed]
dir = "{self.directory}/sealed"
keys = ["{packages.KEY}"]
verification = "sealed"
[repositories.plain]
dir = "{self.directory}/plain"
""")

    def clean_up(self):
        with contextlib.suppress(Refused):
            for path, *_ in self.client.list_mounts():
                self.client.unmount(path, lazy=GLib.Variant('b', True))
        self.client.close()
        stop()
        for point, _, _ in devices.mounts():
            if Path(point).is_relative_to(RUN_DIR) or Path(point).is_relative_to(self.directory):
                run('umount', '--lazy', point)
                self.fail(f'{point} was still mounted')
        self.assertEqual(list(RUN_DIR.iterdir()) if RUN_DIR.exists() else [], [])
        self.assertEqual(list(RECORDS.iterdir()) if RECORDS.exists() else [], [])

    def add(self, package, repository='vendor'):
        """Copy a package into a repository; the copy's path and its container."""
        copy = self.directory / repository / package.name
        shutil.copyfile(package, copy)
        return copy, packages.container(package)

    def journal(self):
        """What the service logged since the test began."""
        run('journalctl', '--sync')
        return system.journal(UNIT, self.journal_cursor_)

    def assert_all_gone(self):
        """Nothing is left of what was mounted, and not a moment later: the call has returned."""
        self.assertEqual(self.left_behind(), '')

    def assert_refused(self, error, mentions, method, *arguments, **options):
        with self.assertRaises(Refused) as caught:
            method(*arguments, **options)
        self.assertEqual(caught.exception.name, error if '.' in error else ERROR + error, caught.exception)
        for text in [mentions] if isinstance(mentions, str) else mentions:
            self.assertIn(text, caught.exception.message)
