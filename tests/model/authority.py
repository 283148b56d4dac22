# SPDX-License-Identifier: Apache-2.0
"""A polkit that knows what each user may, and takes a little time to say it."""

import random
import threading

from gi.repository import Gio, GLib

from failing import Bad

PREFIX = 'org.northstar.mounter.'
MOUNT, UNVERIFIED, ANYWHERE = 'mount', 'mount-unverified', 'mount-anywhere'
OTHERS, MANAGE, PATH, VERIFY, RELOAD = 'unmount-others', 'manage-repository', 'mount-path', 'verify', 'reload'
# By uid (the bus takes known users only: these are daemon, bin, sys, sync and games); root may everything without being
# asked for.
RIGHTS = {
    1: {MOUNT, UNVERIFIED, ANYWHERE, OTHERS, MANAGE, PATH, VERIFY, RELOAD},
    2: {MOUNT, UNVERIFIED, ANYWHERE, PATH},
    3: {MOUNT, MANAGE, VERIFY, RELOAD},
    4: {MOUNT},
    5: set(),
}


def may(uid, action):
    return uid == 0 or action in RIGHTS[uid]


INTERFACE = '''<node><interface name="org.freedesktop.PolicyKit1.Authority">
<method name="CheckAuthorization"><arg type="(sa{sv})" direction="in"/><arg type="s" direction="in"/>
<arg type="a{ss}" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="(bba{ss})" direction="out"/></method>
<method name="CancelCheckAuthorization"><arg type="s" direction="in"/></method>
</interface></node>'''


class Authority:
    """Answers in the thread that iterates the default main context."""

    def __init__(self, connection):
        self.connection, self.users, self.asked = connection, {}, 0
        node = Gio.DBusNodeInfo.new_for_xml(INTERFACE)
        connection.register_object('/org/freedesktop/PolicyKit1/Authority', node.interfaces[0], self._called, None, None)
        connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'RequestName',
                             GLib.Variant('(su)', ('org.freedesktop.PolicyKit1', 0)), None, Gio.DBusCallFlags.NONE, -1,
                             None)

    def knows(self, connection, uid):
        self.users[connection.get_unique_name()] = uid

    def _called(self, _connection, _sender, _path, _interface, method, arguments, invocation):
        if method != 'CheckAuthorization':
            invocation.return_value(None)
            return
        (_, subject), action, *_ = arguments.unpack()
        self.asked += 1
        yes = may(self.users[subject['name']], action.removeprefix(PREFIX))

        def answer():
            invocation.return_value(GLib.Variant('((bba{ss}))', ((yes, False, {}),)))
            return False
        GLib.timeout_add(random.choice((0, 0, 1, 5, 20)), answer)


class Loop:
    """Iterates the default main context on a thread."""

    def __init__(self):
        self.loop = GLib.MainLoop()
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()

    def drain(self):
        """Returns when all that had arrived before has been handled."""
        done = threading.Event()
        GLib.idle_add(lambda: done.set() and False, priority=GLib.PRIORITY_LOW)
        if not done.wait(60):
            raise Bad('the main loop of the test hangs')

    def stop(self):
        self.loop.quit()
        self.thread.join(10)
