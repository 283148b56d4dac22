# SPDX-License-Identifier: Apache-2.0
"""Clients of the service: what each does is drawn from its random numbers, what it gets is judged at once."""

import collections
import os
import re

from gi.repository import GLib

from authority import ANYWHERE, MANAGE, MOUNT, OTHERS, PATH, RELOAD, UNVERIFIED, VERIFY, may
from service import NAME, OBJECT, OBJECT_MANAGER, PROPERTIES, REPOSITORY, call, error_of, variants
from service import MOUNT as MOUNT_INTERFACE

VENDOR = ('fonts:2.3.4', 'hello-gzip:1.0.0', 'hello-lzo:1.0.0', 'hello-none:1.0.0', 'hello-xz:1.0.0', 'hello-zstd:1.0.0',
          'multi:0.1.0', 'multi:1.0.0', 'multi:1.2.0')
PLAIN = 'hello-unsigned:1.0.0'
UNKNOWN = 'nothing:1.0.0'
TAMPERED = {'comment-changed.npk': 'InvalidSignature', 'manifest-changed.npk': 'InvalidSignature',
            'signature-changed.npk': 'InvalidSignature', 'truncated.npk': 'InvalidPackage',
            'verity-hash-changed.npk': 'InvalidSignature', 'fsimg-data-changed.npk': 'Corrupted'}
DENIED = 'AccessDenied'
CANNOT_MOUNT = {'NoSuchContainer', 'AlreadyMounted', 'LimitsExceeded', DENIED}
CANNOT_UNMOUNT = {'NotMounted', 'Busy', DENIED, 'InvalidArgs'}
GONE = {'UnknownObject', 'NotMounted', 'UnknownMethod'}  # the mount went before the call arrived
# When system calls fail, everything may fail for one of these, too.
FAULTS = {'Failed', 'DeviceUnavailable', 'Timeout', 'Unsupported', 'CapacityExceeded', 'Busy', 'Corrupted'}


class World:
    """What all clients share. Python changes a dictionary in one piece."""

    def __init__(self, service, faults):
        self.service, self.faults = service, faults
        self.owners = {}  # object: uid that mounted it
        self.counts = collections.Counter()
        self.wrong = []
        self.files = service.top + '/files/'
        self.targets = [f'{service.top}/mnt/{name}' for name in ('a', 'b', 'made')]
        self.disk, self.scratch = OBJECT + '/repositories/disk', OBJECT + '/repositories/scratch'


class Client:
    def __init__(self, world, number, connection, uid, random):
        self.world, self.number, self.connection, self.uid, self.random = world, number, connection, uid, random
        self.what = ''
        self.actions = [
            (8, self.mount), (4, self.mount_file), (4, self.mount_descriptor), (2, self.mount_many), (6, self.unmount),
            (2, self.unmount_many), (5, self.unmount_object), (2, self.list), (2, self.list_containers), (1, self.inspect),
            (1, self.verify), (1, self.reload), (2, self.open), (1, self.holders), (3, self.install), (3, self.uninstall),
            (1, self.properties), (1, self.nonsense),
        ]

    def run(self, count):
        """So many calls."""
        for _ in range(count):
            action = self.random.choices([do for _, do in self.actions], [weight for weight, _ in self.actions])[0]
            try:
                action()
            except Exception as error:  # pylint: disable=broad-exception-caught  # the thread would end unseen
                self.bad(f'{action.__name__}: {error!r}')

    def bad(self, text):
        self.world.wrong.append(f'client {self.number} (uid {self.uid}), {self.what}: {text}')

    def may(self, *actions):
        return all(may(self.uid, action) for action in actions)

    def ask(self, path, interface, method, signature, *arguments, errors=(), needs=(), fds=(), counted=None):
        """The results, or None after one of these errors. Without the rights it has to fail."""
        self.what = f'{method} {arguments}'
        try:
            results, received = call(self.connection, path, interface, method, signature, *arguments, fds=fds)
        except GLib.Error as error:
            name, text = error_of(error)
            self.judge_error(name, text, set(errors) | ({DENIED} if needs and not self.may(*needs) else set()))
            self.world.counts[f'{counted or method} {name}'] += 1
            return None
        self.world.counts[counted or method] += 1
        for descriptor in received:
            os.close(descriptor)
        if needs and not self.may(*needs):
            self.bad(f'allowed without the right to {", ".join(needs)}')
        return results

    def judge_error(self, name, text, errors):
        if name == DENIED and 'only root may' not in text and self.may(*(MOUNT, UNVERIFIED, ANYWHERE, OTHERS, MANAGE, PATH, VERIFY, RELOAD)):
            self.bad(f'denied what it may: {text}')
        if name not in errors and not (self.world.faults and name in FAULTS):
            self.bad(f'{name}: {text}')
        if not text.strip() or '\n' in text or re.search('std::|unknown error|unexpected', text, re.I):
            self.bad(f'no message for people: {name}: {text}')

    def container(self):
        return self.random.choice((*VENDOR, *VENDOR, 'multi', 'multi:1', 'vendor/fonts', 'disk/fonts:2.3.4', PLAIN, UNKNOWN))

    def options(self):
        options = {}
        if self.random.random() < 0.2:
            options['target'] = self.random.choice(self.world.targets)
        if self.random.random() < 0.1:
            options['noexec'] = True
        return options

    def mounted(self, results, options):
        if results is None:
            return
        mount, point = results
        if mount in self.world.owners:
            self.bad(f'{mount} is the object of another mount')
        self.world.owners[mount] = self.uid
        self.world.counts['mounted'] += 1
        if 'target' in options and point != options['target']:
            self.bad(f'mounted on {point}')

    def mount(self):
        container, options = self.container(), self.options()
        needs = [UNVERIFIED if container == PLAIN else MOUNT] + ([ANYWHERE] if 'target' in options else [])
        self.mounted(self.ask(OBJECT, NAME, 'Mount', '(sa{sv})', container, variants(options), errors=CANNOT_MOUNT,
                              needs=needs if container != UNKNOWN else [MOUNT]), options)

    def file(self):
        """Name, options, the actions that it needs, the errors that it may end with."""
        options = self.options()
        needs = [ANYWHERE] if 'target' in options else []
        which = self.random.random()
        if which < 0.6:
            name = self.random.choice(VENDOR).replace(':', '-') + '.npk'
            return name, options, [MOUNT, *needs], CANNOT_MOUNT
        if which < 0.8:
            return 'hello-stranger-1.0.0.npk', {**options, 'allow_unverified': True}, [UNVERIFIED, *needs], CANNOT_MOUNT
        name = self.random.choice((*TAMPERED, 'hello-stranger-1.0.0.npk'))
        return name, options, [MOUNT, *needs], {TAMPERED.get(name, 'InvalidSignature'), 'AlreadyMounted', 'LimitsExceeded',
                                                DENIED}

    def took_tampered(self, name, results, options):
        """An image whose data was changed may be taken while an intact one of the same root hash is mounted: that one is
        mounted again."""
        if results and 'allow_unverified' not in options and (name in TAMPERED or 'stranger' in name) and \
                TAMPERED.get(name) != 'Corrupted':
            self.bad(f'{name} was taken')

    def mount_file(self):
        name, options, needs, errors = self.file()
        results = self.ask(OBJECT, NAME, 'MountFile', '(sa{sv})', self.world.files + name, variants(options), errors=errors,
                           needs=[PATH, *needs])
        self.took_tampered(name, results, options)
        self.mounted(results, options)

    def mount_descriptor(self):
        name, options, needs, errors = self.file()
        with open(self.world.files + name, 'rb') as file:
            results = self.ask(OBJECT, NAME, 'MountFd', '(ha{sv})', 0, variants(options), errors=errors, needs=needs,
                               fds=[file.fileno()])
        self.took_tampered(name, results, options)
        self.mounted(results, options)

    def mount_many(self):
        asked = [self.container() for _ in range(self.random.randint(1, 4))]
        results = self.ask(OBJECT, NAME, 'MountMany', '(asa{sv})', asked, {}, errors={DENIED, 'LimitsExceeded'})
        if results is None:
            return
        if [container for container, *_ in results[0]] != asked:
            self.bad(f'answers something else: {results[0]}')
        for _, done, mount, point_or_error, text in results[0]:
            if done:
                self.mounted((mount, point_or_error), {})
            else:
                self.judge_error(point_or_error.rpartition('.')[2], text, CANNOT_MOUNT)

    def known(self):
        """A mount that is there, mostly: object, container, mount point."""
        results = self.ask(OBJECT, NAME, 'ListMounts', None)
        if not results or not results[0]:
            return f'{OBJECT}/mounts/999999', 'nothing:1.0.0', self.world.service.run + '/nothing'
        mine = [item for item in results[0] if self.world.owners.get(item[0]) == self.uid]
        return self.random.choice(mine if mine and self.random.random() < 0.7 else results[0])[:3]

    def unmounts(self, what, mount):
        """A mount is its owner's. By its name another one may have taken its place: that is not judged."""
        owner = self.world.owners.get(mount)
        return [OTHERS] if what == mount and owner is not None and owner != self.uid else []

    def unmount(self):
        mount, container, point = self.known()
        what = self.random.choice((mount, container, point))
        options = {'lazy': True} if self.random.random() < 0.2 else {}
        if self.ask(OBJECT, NAME, 'Unmount', '(sa{sv})', what, variants(options), errors=CANNOT_UNMOUNT,
                    needs=self.unmounts(what, mount)) is not None:
            self.world.counts['unmounted'] += 1

    def unmount_many(self):
        asked = [self.random.choice(self.known()) for _ in range(self.random.randint(1, 3))]
        results = self.ask(OBJECT, NAME, 'UnmountMany', '(asa{sv})', asked, {}, errors={DENIED})
        for _, done, name, text in results[0] if results else ():
            if done:
                self.world.counts['unmounted'] += 1
            else:
                self.judge_error(name.rpartition('.')[2], text, CANNOT_UNMOUNT)

    def unmount_object(self):
        mount, *_ = self.known()
        if self.ask(mount, MOUNT_INTERFACE, 'Unmount', '(a{sv})', {}, errors=CANNOT_UNMOUNT | GONE,
                    needs=self.unmounts(mount, mount), counted='Mount.Unmount') is not None:
            self.world.counts['unmounted'] += 1

    def open(self):
        self.ask(self.known()[0], MOUNT_INTERFACE, 'Open', '(a{sv})', {}, errors=GONE | {DENIED})

    def holders(self):
        mount, *_ = self.known()
        self.ask(mount, MOUNT_INTERFACE, 'Holders', '(a{sv})', {}, errors=GONE | {'LimitsExceeded', DENIED},
                 needs=self.unmounts(mount, mount))

    def list(self):
        points = [point for _, _, point, _ in (self.ask(OBJECT, NAME, 'ListMounts', None) or [[]])[0]]
        if len(points) != len(set(points)):
            self.bad(f'a mount point is listed twice: {points}')

    def list_containers(self):
        listed = (self.ask(OBJECT, NAME, 'ListContainers', None) or [[]])[0]
        vendor = {f'{name}:{version}' for name, version, repository, _ in listed if repository == 'vendor'}
        if not self.world.faults and set(VENDOR) - vendor:
            self.bad(f'missing: {set(VENDOR) - vendor}')

    def inspect(self):
        container = self.container()
        self.ask(OBJECT, NAME, 'Inspect', '(s)', container, errors={'NoSuchContainer'})

    def verify(self):
        """Without a repository it may be of one where it is uninstalled while polkit thinks about it."""
        repository = self.random.random() < 0.7
        results = self.ask(OBJECT, NAME, 'Verify', '(sa{sv})', self.random.choice(VENDOR),
                           variants({'repository': 'vendor'} if repository else {}), needs=[VERIFY],
                           errors={'LimitsExceeded'} if repository else {'LimitsExceeded', 'NoSuchContainer'})
        if results and not results[0] and not self.world.faults:
            self.bad('an intact image is said to be damaged')

    def reload(self):
        self.ask(OBJECT, NAME, 'Reload', '(a{sv})', {}, needs=[RELOAD])

    def install(self):
        repository = self.random.choice((self.world.disk, self.world.scratch))
        name = self.random.choice(('fonts-2.3.4', 'hello-xz-1.0.0', 'multi-0.1.0', 'multi-1.2.0', 'comment-changed'))
        with open(f'{self.world.files}{name}.npk', 'rb') as file:
            results = self.ask(repository, REPOSITORY, 'Install', '(ha{sv})', 0, {}, needs=[MANAGE], fds=[file.fileno()],
                               errors={'AlreadyInstalled', 'CapacityExceeded', 'InvalidSignature', DENIED})
        if results is not None:
            self.world.counts['installed'] += 1
            if results[0] != ':'.join(name.rsplit('-', 1)):
                self.bad(f'installed as {results[0]}')

    def uninstall(self):
        repository = self.random.choice((self.world.disk, self.world.scratch))
        container = self.random.choice(('fonts:2.3.4', 'hello-xz:1.0.0', 'multi', 'multi:1.2.0'))
        if self.ask(repository, REPOSITORY, 'Uninstall', '(sa{sv})', container, {}, needs=[MANAGE],
                    errors={'NoSuchContainer', 'Busy', DENIED}) is not None:
            self.world.counts['uninstalled'] += 1

    def properties(self):
        self.ask(OBJECT, PROPERTIES, 'GetAll', '(s)', NAME)
        self.ask(OBJECT, OBJECT_MANAGER, 'GetManagedObjects', None)
        mount, *_ = self.known()
        self.ask(mount, PROPERTIES, 'GetAll', '(s)', MOUNT_INTERFACE, errors=GONE | {'UnknownInterface'})

    def nonsense(self):
        """Refused, and nothing happens."""
        options = {'no such key': GLib.Variant('b', True)}
        self.ask(OBJECT, NAME, 'Mount', '(sa{sv})', 'fonts', options, errors={'InvalidArgs'})
        self.ask(OBJECT, NAME, 'Mount', '(sa{sv})', 'fonts', {'target': GLib.Variant('s', 'relative')},
                 errors={'InvalidArgs'})
        self.ask(OBJECT, NAME, 'Unmount', '(sa{sv})', '', {}, errors={'InvalidArgs', 'NotMounted'})
        self.ask(OBJECT + '/nothing', NAME, 'ListMounts', None, errors=GONE)
