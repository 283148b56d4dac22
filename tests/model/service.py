# SPDX-License-Identifier: Apache-2.0
"""The real daemon below fail-calls, on a bus and in directories of its own, and what can be seen of it from outside.

All lies in a temporary filesystem that goes with the mount namespace of the test. Every wait has a bound.
"""

import collections
import ctypes
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from gi.repository import Gio, GLib

from failing import PATIENCE, Bad, Failing, die_with_parent, libc, until

NAME = 'org.northstar.Mounter'
OBJECT = '/org/northstar/Mounter'
MOUNT = NAME + '.Mount'
REPOSITORY = NAME + '.Repository'
PROPERTIES = 'org.freedesktop.DBus.Properties'
OBJECT_MANAGER = 'org.freedesktop.DBus.ObjectManager'
MNT_DETACH = 2  # umount2(2)
# Of files and descriptors, and of repositories in memory.
IMAGES = ('/memfd:northstar-image (deleted)', '/memfd:northstar-package (deleted)')

BUS_CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={top}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
  <policy user="root"><allow own="*"/></policy>
  <include>{root}/dbus/org.northstar.Mounter.conf</include>
</busconfig>
'''

CONFIG = '''run_dir = "{top}/run"
state_dir = "{top}/state"
loop_device_timeout = "300ms"
[limits]
mounts_per_uid = 6
[files]
verification = "sealed"
[repositories.vendor]
dir = "{top}/vendor"
keys = ["{top}/golden.pub"]
verification = "sealed"
[repositories.plain]
dir = "{top}/plain"
[repositories.disk]
dir = "{top}/disk"
keys = ["{top}/golden.pub"]
verification = "sealed"
[repositories.scratch]
type = "memory"
keys = ["{top}/golden.pub"]
capacity = "100kB"
'''


def enter_namespace():
    """Starts this program again in a mount namespace of its own, or skips it (TAP)."""
    if os.getuid() != 0:
        print('1..0 # SKIP mounting needs root')
        sys.exit(0)
    os.umask(0o022)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # tidies up
    if os.environ.get('NORTHSTAR_MODEL') != 'inside':
        os.environ['NORTHSTAR_MODEL'] = 'inside'
        os.execvp('unshare', ['unshare', '--mount', '--propagation', 'private', sys.executable, *sys.argv])


def umount(path, flags=0):
    """True if that was done."""
    return libc.umount2(path.encode(), flags) == 0


def variants(options):
    return {key: GLib.Variant('b' if isinstance(value, bool) else 's', value) for key, value in options.items()}


def error_of(error):
    """Name (without what all of ours begin with) and message of a GLib.Error."""
    name = Gio.DBusError.get_remote_error(error) or error.domain
    return name.removeprefix(NAME + '.Error.').removeprefix('org.freedesktop.DBus.Error.'), \
        error.message.partition(': ')[2]


class Service:
    """Bus, directories, daemon."""

    def __init__(self, root, daemon, fail_calls):
        self.daemon, self.fail_calls = os.path.realpath(daemon), os.path.realpath(fail_calls)
        self.root = os.path.realpath(root)
        self.top = f'/tmp/northstar-model.{os.getpid()}'  # only a number, so that sites are the same in every run
        os.mkdir(self.top, 0o755)
        self.run, self.records_in = self.top + '/run', self.top + '/state/mounts'
        self.failing = None
        self.memory_inodes = set()  # of files in memory that the daemon has had open
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'northstar-model', self.top], check=True)
        data = self.root + '/tests/data'
        for name in ('vendor', 'plain', 'disk', 'files', 'mnt'):
            os.mkdir(f'{self.top}/{name}', 0o755)
        for package in glob.glob(data + '/signed/*.npk'):
            shutil.copy(package, self.top + '/vendor')
        for folder in ('signed', 'unsigned', 'stranger', 'tampered'):
            for package in glob.glob(f'{data}/{folder}/*.npk'):
                shutil.copy(package, self.top + '/files')
        shutil.copy(data + '/unsigned/hello-unsigned-1.0.0.npk', self.top + '/plain')
        shutil.copy(data + '/signed/hello-lzo-1.0.0.npk', self.top + '/disk')
        shutil.copy(data + '/keys/golden.pub', self.top)
        self.write('bus.conf', BUS_CONFIG)
        self.config = CONFIG
        self.write('mounter.toml', CONFIG)
        self.address = f'unix:path={self.top}/bus'
        self.log = open(self.top + '/log', 'ab+')  # pylint: disable=consider-using-with
        # pylint: disable-next=consider-using-with,subprocess-popen-preexec-fn
        self.bus = subprocess.Popen(['dbus-daemon', '--nofork', '--nopidfile', f'--config-file={self.top}/bus.conf'],
                                    stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        until(lambda: os.path.exists(self.top + '/bus'), 'the bus')

    def write(self, name, text):
        with open(f'{self.top}/{name}', 'w', encoding='utf-8') as file:
            file.write(text.format(top=self.top, root=self.root))

    def connect(self, uid=0):
        """A connection of that user: the bus asks the kernel who it is that connects, and GDBus tells its real uid."""
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        os.setresuid(uid, uid, 0)
        try:
            return Gio.DBusConnection.new_for_address_sync(self.address, flags, None, None)
        finally:
            os.setresuid(0, 0, 0)

    # The daemon.

    def start(self, first='off'):
        """Does not wait until it is ready."""
        self.log_start = self.log_end()
        self.failing = Failing(self.fail_calls, self.daemon,
                               ['--config', self.top + '/mounter.toml', '--bus', self.address], first, self.log, self.top)

    def await_ready(self, connection, seconds=PATIENCE):
        """True once it answers, False if it ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.failing.has_ended():
                return False
            try:
                if not connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                                            'NameHasOwner', GLib.Variant('(s)', (NAME,)), None, Gio.DBusCallFlags.NONE,
                                            1000, None).unpack()[0]:
                    time.sleep(0.002)
                    continue
                call(connection, OBJECT, 'org.freedesktop.DBus.Peer', 'Ping', seconds=max(0.1, end - time.monotonic()))
                return True
            except GLib.Error:
                time.sleep(0.002)
        raise Bad('the service neither answers nor ends: ' + self.said())

    def stop(self, number=signal.SIGTERM):
        """The daemon's exit status."""
        if not self.failing.has_ended():
            try:
                os.kill(self.failing.pid, number)
            except ProcessLookupError:  # it has just ended
                pass
        status = self.failing.wait(2 * PATIENCE)
        self.failing.close()
        if status is None:
            raise Bad('the service does not stop: ' + self.said())
        return status

    def log_end(self):
        return os.stat(self.top + '/log').st_size

    def said(self, since=None):
        """What the daemon wrote since it was started, or since then."""
        with open(self.top + '/log', encoding='utf-8', errors='replace') as log:
            log.seek(self.log_start if since is None else since)
            return log.read().strip()

    # What is there.

    def mounts(self):
        """Mount points of packages, with their devices (st_dev) and options."""
        found = []
        with open('/proc/self/mountinfo', encoding='utf-8', errors='surrogateescape') as table:
            for line in table:
                words = line.split()
                if words[4].startswith(self.top + '/'):
                    found.append((words[4].replace('\\040', ' '), words[2], set(words[5].split(','))))
        return found

    def directories(self):
        return sorted(f'{folder}/{name}' for folder in (self.run, self.top + '/mnt') if os.path.isdir(folder)
                      for name in os.listdir(folder))

    def records(self):
        return sorted(os.listdir(self.records_in)) if os.path.isdir(self.records_in) else []

    def note_memory(self):
        for kind, inode in self._open_files():
            if kind in IMAGES:
                self.memory_inodes.add(inode)

    def note_mounted(self):
        """The same of what is mounted; it opens the devices for a moment."""
        for _, device, _ in self.mounts():
            try:
                self.memory_inodes.add(backing_inode('/dev/loop' + device.partition(':')[2]))
            except OSError:  # gone meanwhile
                pass

    def _open_files(self):
        folder = f'/proc/{self.failing.pid}/fd'
        try:
            names = os.listdir(folder)
        except FileNotFoundError as error:
            raise Bad('the service has ended: ' + self.said()[-300:]) from error
        for name in names:
            try:
                yield os.readlink(f'{folder}/{name}'), os.stat(f'{folder}/{name}').st_ino
            except OSError:  # closed meanwhile
                pass

    def descriptors(self):
        """How many of a kind the daemon has."""
        kinds = (re.sub(r'\[\d+\]|^/proc/\d+/', '', target) for target, _ in self._open_files())
        return collections.Counter(kind.replace(self.top, '~') for kind in kinds)

    def loops(self):
        """Loop devices ("7:N") that show a file of ours, or memory that the daemon has had."""
        found = set()
        for path in glob.glob('/sys/block/loop*/loop/backing_file'):
            try:
                with open(path, encoding='utf-8') as file:
                    backing = file.read().strip()
                with open(path.replace('loop/backing_file', 'dev'), encoding='utf-8') as file:
                    device = file.read().strip()
                ours = backing.startswith(self.top + '/')
                if backing in IMAGES:
                    ours = backing_inode('/dev/' + path.split('/')[3]) in self.memory_inodes
            except OSError:  # gone meanwhile
                continue
            if ours:
                found.add(device)
        return found

    def close(self):
        if self.failing and self.failing.process.poll() is None:
            self.failing.close()
        for point, *_ in reversed(self.mounts()):
            umount(point, MNT_DETACH)
        self.bus.terminate()
        self.bus.wait(PATIENCE)
        self.log.close()
        umount(self.top, MNT_DETACH)
        os.rmdir(self.top)


LOOP_GET_STATUS64 = 0x4C05  # linux/loop.h, as struct loop_info64: lo_device, lo_inode, ...


def backing_inode(path):
    info = ctypes.create_string_buffer(512)
    device = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.ioctl(device, ctypes.c_ulong(LOOP_GET_STATUS64), info) != 0:
            raise OSError(ctypes.get_errno(), path)
    finally:
        os.close(device)
    return int.from_bytes(info.raw[8:16], sys.byteorder)


def call(connection, path, interface, method, signature=None, *arguments, fds=(), seconds=3 * PATIENCE):
    """Calls and waits; the results, and the descriptors that came with them."""
    results, received = connection.call_with_unix_fd_list_sync(
        NAME, path, interface, method, GLib.Variant(signature, arguments) if signature else None, None,
        Gio.DBusCallFlags.NO_AUTO_START, int(seconds * 1000), Gio.UnixFDList.new_from_array([os.dup(fd) for fd in fds]), None)
    return results.unpack(), received.steal_fds() if received else []
