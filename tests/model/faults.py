# SPDX-License-Identifier: Apache-2.0
"""What fault-check tries: operations of the real daemon, and what must be so after each whatever failed in it."""

import errno
import glob
import os
import re

from gi.repository import GLib

from service import MOUNT, NAME, OBJECT, REPOSITORY, Bad, call, error_of, umount, until

DISK, SCRATCH = f'{OBJECT}/repositories/disk', f'{OBJECT}/repositories/scratch'


class State:
    """What is there after a call: by names that are the same in every run."""

    def __init__(self, service, connection):
        service.note_memory()
        listed = call(connection, OBJECT, NAME, 'ListMounts')[0][0]
        self.parts = {
            'mount': [at for at, *_ in service.mounts()],
            'listed mount': [point for _, _, point, _ in listed],
            'directory': service.directories(),
            'record': [re.sub(r'\d+', 'N', name) for name in service.records()],
            'loop device': ['one'] * len(service.loops()),
            'container': [f'{name}:{version} of {repository}' for name, version, repository, _ in
                          call(connection, OBJECT, NAME, 'ListContainers')[0][0]],
            'file': [name for name in os.listdir(service.top + '/disk')],
            'descriptor': [kind for kind in service.descriptors().elements() if kind != '/dev/loop-control'],  # once
        }

    def difference(self, wanted):
        """What is there too much (+) or missing (-), in words."""
        found = []
        for what, now in self.parts.items():
            rest = list(now)
            for item in wanted.parts[what]:
                if item in rest:
                    rest.remove(item)
                else:
                    found.append(f'-{what} {item}')
            found += [f'+{what} {item}' for item in rest]
        return found


class Operation:
    """Something that a caller does."""
    fresh = False  # only the calls that the first of its kind makes
    subject = ''  # what its errors must name
    first = None  # an operation that comes before it

    def __init__(self, name, service):
        self.name, self.service, self.connection = name, service, None

    def prepare(self):
        """What must be there before."""

    def act(self):
        """The call. Throws GLib.Error."""

    def undo(self):
        """After it has been done: back to what was before prepare()."""

    def call(self, path, interface, method, *arguments, **more):
        return call(self.connection, path, interface, method, *arguments, **more)


class Mount(Operation):
    def __init__(self, name, service, container, how='Mount', file=None):
        super().__init__(name, service)
        self.container, self.how, self.file = container, how, file and f'{service.top}/files/{file}'
        # What could not be opened or copied will do as well.
        self.subject = f'{container}|the (repository|package|state) directory' if how == 'Mount' else \
            f'{container}|{file}|descriptor'

    def act(self):
        if self.how == 'MountFd':
            with open(self.file, 'rb') as file:
                self.call(OBJECT, NAME, 'MountFd', '(ha{sv})', 0, {}, fds=[file.fileno()])
        else:
            self.call(OBJECT, NAME, self.how, '(sa{sv})', self.file or self.container, {})

    def undo(self):
        self.call(OBJECT, NAME, 'Unmount', '(sa{sv})', self.container, {})


class Unmount(Operation):
    def __init__(self, name, service, container):
        super().__init__(name, service)
        self.container = self.subject = container

    def prepare(self):
        self.call(OBJECT, NAME, 'Mount', '(sa{sv})', self.container, {})

    def act(self):
        self.call(OBJECT, NAME, 'Unmount', '(sa{sv})', self.container, {})


class External(Unmount):
    """Somebody else unmounts it, and the service notices."""

    def act(self):
        umount(f'{self.service.run}/{self.container}')
        until(lambda: not self.call(OBJECT, NAME, 'ListMounts')[0][0], 'the unmount by somebody else was not seen', 5)


class Open(Unmount):
    def act(self):
        path = self.call(OBJECT, NAME, 'ListMounts')[0][0][0][0]
        _, (clone,) = self.call(path, MOUNT, 'Open', '(a{sv})', {})
        os.close(clone)

    def undo(self):
        self.call(OBJECT, NAME, 'Unmount', '(sa{sv})', self.container, {})


class Install(Operation):
    subject = 'fonts|disk|scratch|descriptor|copy of a package|memory file'

    def __init__(self, name, service, repository):
        super().__init__(name, service)
        self.repository = repository

    def act(self):
        with open(self.service.top + '/files/fonts-2.3.4.npk', 'rb') as file:
            self.call(self.repository, REPOSITORY, 'Install', '(ha{sv})', 0, {}, fds=[file.fileno()])

    def undo(self):
        self.call(self.repository, REPOSITORY, 'Uninstall', '(sa{sv})', 'fonts', {})


class Uninstall(Install):
    def prepare(self):
        super().act()

    def act(self):
        super().undo()

    def undo(self):
        pass


class Reload(Operation):
    subject = ''

    def act(self):
        self.call(OBJECT, NAME, 'Reload', '(a{sv})', {})


def operations(service):
    plain, signed = 'hello-unsigned:1.0.0', 'fonts:2.3.4'
    found = [
        Mount('mount', service, signed),
        Mount('mount of an unsigned one', service, plain),
        Mount('mount of a file', service, 'hello-zstd:1.0.0', 'MountFile', 'hello-zstd-1.0.0.npk'),
        Mount('mount of a descriptor', service, 'hello-zstd:1.0.0', 'MountFd', 'hello-zstd-1.0.0.npk'),
        Unmount('unmount', service, signed),
        Unmount('unmount of an unsigned one', service, plain),
        External('unmount by somebody else', service, plain),
        Open('open', service, signed),
        Install('install on disk', service, DISK),
        Install('install in memory', service, SCRATCH),
        Uninstall('uninstall', service, DISK),
        Reload('reload', service),
    ]
    for like in (Mount('first mount', service, plain), Install('first install', service, DISK)):
        like.fresh = True
        found.append(like)
    return found


# What an errno value may be told as, beside Failed.
FACTS = {
    'EMFILE': {'DeviceUnavailable'}, 'ENFILE': {'DeviceUnavailable'}, 'ENOMEM': {'DeviceUnavailable'},
    'EACCES': {'DeviceUnavailable'}, 'EPERM': {'DeviceUnavailable'},
    'EIO': {'DeviceUnavailable'}, 'EBUSY': {'Busy', 'Timeout', 'AlreadyMounted'},
    'ENOSPC': {'CapacityExceeded', 'DeviceUnavailable'}, 'EDQUOT': {'CapacityExceeded'},
    'ENODEV': {'Unsupported'}, 'ENOSYS': {'Unsupported'}, 'EINTR': {'Timeout'}, 'ENXIO': {'Timeout'},
}
DAMAGE = ('fsconfig:create', 'fsmount:')  # EIO of these is what a damaged image looks like


def tells(text, error):
    """Is this about that error?"""
    return error in text or os.strerror(getattr(errno, error)) in text


def wrong_error(operation, site, error, name, text):
    """Why this is no right error, or None."""
    allowed = {'Failed'} | FACTS.get(error, set())
    if error == 'EIO' and site.startswith(DAMAGE):
        allowed.add('Corrupted')
    if name not in allowed:
        return f'{name} for {error}: {text}'
    if not re.search((operation.subject and operation.subject + '|worker thread'), text):
        return f'the error does not name {operation.subject}: {text}'
    if name == 'Failed' and not tells(text, error):
        return f'the error does not tell {error}: {text}'
    if '\n' in text:
        return f'the error has several lines: {text}'
    return None


class Trial:
    """One call of an operation that fails, once or from then on."""

    def __init__(self, operation, site, ordinal, error, lasting):
        self.operation, self.site, self.ordinal, self.error, self.lasting = operation, site, ordinal, error, lasting

    def __str__(self):
        return f'{self.operation.name}, {self.site} number {self.ordinal}{" and later" if self.lasting else ""}, {self.error}'

    @property
    def command(self):
        return f'{"lasting" if self.lasting else "fail"} {self.site} {self.ordinal} {self.error}'


def trials_of(operation, sites, errors):
    """Of the sites with their counts that a clean run had."""
    for site, count in sites.items():
        name = site.partition(':')[0]
        if '[eventfd]' in site or '[signalfd]' in site:  # they can only say that there is nothing to read
            continue
        for error in errors.get(site, errors[name])[1]:
            for ordinal in range(1, count + 1):
                yield Trial(operation, site, ordinal, error, False)
            # What failed once and again, but for signals, that come once, and the bus, that nothing can do without.
            if errors[name][0] and error not in ('EINTR', 'EAGAIN'):
                yield Trial(operation, site, 1, error, True)


def attempt(operation):
    """None, or name and message of the error."""
    try:
        operation.act()
        return None
    except GLib.Error as error:
        return error_of(error)


def leftovers_told(difference, said):
    """What stayed, and nothing else is wrong, is named in what the service wrote."""
    told = [re.match(r'\+(directory|record|file) (?:.*/)?(.*)', item) for item in difference]
    lines = [line for line in said.splitlines() if 'warning' in line or 'error' in line]
    return all(item is not None for item in told) and all(
        any(re.search(re.escape(item[2]).replace('N', r'\d+'), line) for line in lines) for item in told)


def remove_leftovers(service):
    """By hand, as somebody would who read what the service wrote. Nothing is mounted."""
    for directory in service.directories():
        os.rmdir(directory)
    for record in service.records():
        os.remove(f'{service.records_in}/{record}')
    for file in (*glob.glob(service.top + '/disk/.northstar-install-*'), service.top + '/disk/fonts-2.3.4.npk'):
        if os.path.exists(file):
            os.remove(file)


__all__ = ['Bad', 'State', 'attempt', 'leftovers_told', 'operations', 'remove_leftovers', 'tells', 'trials_of', 'wrong_error']
