# SPDX-License-Identifier: Apache-2.0
"""The ninth client: it reads all once, and from then on believes the signals alone."""

import collections

from gi.repository import Gio

from service import MOUNT, NAME, OBJECT, OBJECT_MANAGER, PROPERTIES, REPOSITORY, call

MOUNTS = OBJECT + '/mounts/'


class Follower:
    """Signals arrive in the thread of the main context. What they contradict is in `wrong`."""

    def __init__(self, connection):
        self.connection = connection
        self.wrong = []
        self.mounts = {}  # object: (container, mount point)
        self.objects = {}  # object: properties of its interface
        self.installed = {}  # repository: containers
        self.root = {}  # properties
        self.counts = collections.Counter()  # signals by member, Unmounted also by reason
        for member in ('Mounted', 'Unmounted', 'Installed', 'Uninstalled', 'CorruptionDetected', 'InterfacesAdded',
                       'InterfacesRemoved', 'PropertiesChanged'):
            connection.signal_subscribe(NAME, None, member, None, None, Gio.DBusSignalFlags.NONE, self._arrived)
        call(connection, OBJECT, NAME, 'ListContainers')  # answers when the repositories have been read
        for path, interfaces in call(connection, OBJECT, OBJECT_MANAGER, 'GetManagedObjects')[0][0].items():
            self._added(path, interfaces)
        self.root = call(connection, OBJECT, PROPERTIES, 'GetAll', '(s)', NAME)[0][0]
        for properties in self.objects.values():
            if 'Containers' in properties:
                self.installed[properties['Name']] = set(properties['Containers'])
        self.mounts = {path: (properties['Container'], properties['MountPoint'])
                       for path, properties in self.mount_objects().items()}
        self.mounted_before = len(self.mounts)

    def _arrived(self, _connection, _sender, path, _interface, member, arguments):
        self.counts[member] += 1
        try:
            getattr(self, '_' + member)(path, *arguments.unpack())
        except Exception as error:  # pylint: disable=broad-exception-caught  # GLib would only print it
            self.wrong.append(f'{member} of {path}: {error!r}')

    def _Mounted(self, _path, mount, container, point):
        if mount in self.mounts:
            self.wrong.append(f'Mounted again: {mount} {container}')
        if mount not in self.objects:
            self.wrong.append(f'Mounted before its object was there: {mount} {container}')
        if point in (at for _, at in self.mounts.values()):
            self.wrong.append(f'Mounted where another one is: {mount} {container} on {point}')
        self.mounts[mount] = (container, point)

    def _Unmounted(self, _path, mount, container, point, reason):
        self.counts['Unmounted ' + reason] += 1
        if self.mounts.pop(mount, None) != (container, point):
            self.wrong.append(f'Unmounted ({reason}) what was not mounted: {mount} {container} on {point}')

    def _Installed(self, _path, container, repository):
        if container in self.installed[repository]:
            self.wrong.append(f'Installed again: {container} in {repository}')
        self.installed[repository].add(container)

    def _Uninstalled(self, _path, container, repository):
        if container not in self.installed[repository]:
            self.wrong.append(f'Uninstalled what was not there: {container} of {repository}')
        self.installed[repository].discard(container)

    def _CorruptionDetected(self, _path, mount, _container, block):
        self.wrong.append(f'nothing is corrupt, but {mount} block {block}')

    def _InterfacesAdded(self, _path, path, interfaces):
        if path in self.objects:
            self.wrong.append(f'added again: {path}')
        self._added(path, interfaces)

    def _added(self, path, interfaces):
        own = [properties for name, properties in interfaces.items() if name in (MOUNT, REPOSITORY)]
        if own:
            self.objects[path] = own[0]

    def _InterfacesRemoved(self, _path, path, _interfaces):
        if self.objects.pop(path, None) is None:
            self.wrong.append(f'removed what was not there: {path}')

    def _PropertiesChanged(self, path, interface, changed, _invalidated):
        if interface == NAME:
            self.root.update(changed)
        elif interface in (MOUNT, REPOSITORY):
            if 'MountPoint' in changed:
                self.wrong.append(f'moved, which nobody did: {path} to {changed["MountPoint"]}')
            self.objects[path].update(changed)

    def mount_objects(self):
        return {path: properties for path, properties in self.objects.items() if path.startswith(MOUNTS)}

    def repositories(self):
        return {properties['Name']: properties for path, properties in self.objects.items()
                if not path.startswith(MOUNTS)}
