# SPDX-License-Identifier: Apache-2.0
"""A client of the service by Gio, and unittest's results as TAP."""

import os
import unittest

from gi.repository import Gio, GLib

NAME = 'org.northstar.Mounter'
SERVICE = '/org/northstar/Mounter'
MOUNT = NAME + '.Mount'
REPOSITORY = NAME + '.Repository'
SCRATCH = SERVICE + '/repositories/scratch'
OBJECT_MANAGER = 'org.freedesktop.DBus.ObjectManager'
PROPERTIES = 'org.freedesktop.DBus.Properties'
IN = {'Mount': '(sa{sv})', 'MountFile': '(sa{sv})', 'MountFd': '(ha{sv})', 'MountMany': '(asa{sv})', 'Unmount': '(sa{sv})', 'Replace': '(ssa{sv})',
      'UnmountMany': '(asa{sv})', 'Inspect': '(s)', 'Verify': '(sa{sv})', 'Reload': '(a{sv})'}
IN_MOUNT = {'Unmount': '(a{sv})', 'Open': '(a{sv})', 'Holders': '(a{sv})'}
IN_REPOSITORY = {'Install': '(ha{sv})', 'Uninstall': '(sa{sv})'}
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)


def variants(**options):
    """Options as a{sv}; what is no GLib.Variant becomes one of type s or b."""
    return {key: value if isinstance(value, GLib.Variant) else
            GLib.Variant('b' if isinstance(value, bool) else 's', value) for key, value in options.items()}


def call(path, interface, method, signature, *arguments, fds=()):
    """Calls and waits; returns the results and the descriptors that came with them."""
    results, received = bus.call_with_unix_fd_list_sync(
        NAME, path, interface, method, GLib.Variant(signature, arguments) if signature else None, None,
        Gio.DBusCallFlags.NONE, 30_000, Gio.UnixFDList.new_from_array([os.dup(fd) for fd in fds]), None)
    return results.unpack(), received.steal_fds() if received else []


def service(method, *arguments, fds=()):
    return call(SERVICE, NAME, method, IN.get(method), *arguments, fds=fds)[0]


def error_of(action, *arguments, **options):
    """Name and message of the error that the call ends with."""
    try:
        action(*arguments, **options)
    except GLib.Error as error:
        return Gio.DBusError.get_remote_error(error), error.message.partition(': ')[2]
    return 'none', ''


class Recorder:
    """Every signal of the service in the order of arrival, and the replies of asynchronous calls among them."""

    def __init__(self):
        self.seen = []
        self.loop = GLib.MainLoop()
        self.subscription = bus.signal_subscribe(NAME, None, None, None, None, Gio.DBusSignalFlags.NONE,
                                                 lambda _bus, _sender, _path, _interface, member, arguments:
                                                 self.seen.append((member, arguments.unpack())))
        service('ListMounts')  # the bus has the match now
        self.collect()
        self.seen.clear()

    def call(self, method, *arguments):
        bus.call(NAME, SERVICE, NAME, method, GLib.Variant(IN[method], arguments), None, Gio.DBusCallFlags.NONE, 30_000,
                 None, self._answered)
        self.loop.run()

    def _answered(self, connection, result):
        try:
            self.seen.append(('reply', connection.call_finish(result).unpack()))
        except GLib.Error as error:
            self.seen.append(('error', error.message))
        self.loop.quit()

    def collect(self):
        while self.loop.get_context().iteration(False):
            pass

    def names(self):
        return [name for name, _ in self.seen]

    def close(self):
        bus.signal_unsubscribe(self.subscription)


class TapResult(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.problems = []

    def _problem(self, test, error):
        self.problems += [str(test), *self._exc_info_to_string(error, test).splitlines()]

    def addError(self, test, err):
        super().addError(test, err)
        self._problem(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._problem(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._problem(subtest, err)

    def stopTest(self, test):
        super().stopTest(test)
        name = test.id().rpartition('.test_')[2].replace('_', ' ')
        print(f'{"not ok" if self.problems else "ok"} {self.testsRun} - {name}')
        print(''.join(f'# {line}\n' for line in self.problems), end='', flush=True)
