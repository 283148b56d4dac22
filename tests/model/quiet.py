# SPDX-License-Identifier: Apache-2.0
"""What has to agree when nobody calls: what the signals said, objects, lists, the kernel's mount table, files, devices."""

import glob
import os
import re
import time

from failing import Bad
from faults import leftovers_told
from service import MOUNT, NAME, OBJECT, OBJECT_MANAGER, PROPERTIES, REPOSITORY, call

QUIET = 20  # seconds until it all must agree


def disagreements(service, follower, world):
    """In words. What was left, and named in the log, when calls fail: apart, as items of State.difference()."""
    connection, found, left = follower.connection, [], []

    def agree(what, one, other):
        if one != other:
            found.append(f'{what}: {show(one, other)}')

    listed = call(connection, OBJECT, NAME, 'ListMounts')[0][0]
    objects = call(connection, OBJECT, OBJECT_MANAGER, 'GetManagedObjects')[0][0]
    root = call(connection, OBJECT, PROPERTIES, 'GetAll', '(s)', NAME)[0][0]
    mounts = {path: interfaces[MOUNT] for path, interfaces in objects.items() if MOUNT in interfaces}
    repositories = {interfaces[REPOSITORY]['Name']: interfaces[REPOSITORY] for interfaces in objects.values()
                    if REPOSITORY in interfaces}

    agree('ListMounts and the signals', {mount: (container, point) for mount, container, point, _ in listed}, follower.mounts)
    agree('ListMounts and the objects', {(mount, container, point, device) for mount, container, point, device in listed},
          {(path, mount['Container'], mount['MountPoint'], mount['Device']) for path, mount in mounts.items()})
    agree('objects and the signals', mounts, follower.mount_objects())
    agree('repositories and the signals', repositories, follower.repositories())
    agree('properties and the signals', root, follower.root)
    agree('MountCount and ListMounts', root['MountCount'], len(listed))
    agree('OwnerUid and who mounted', {path: mount['OwnerUid'] for path, mount in mounts.items()},
          {path: world.owners.get(path) for path in mounts})

    table = service.mounts()
    agree('ListMounts and the mount table', sorted((point, device) for _, _, point, device in listed),
          sorted((at, '/dev/loop' + device.partition(':')[2]) for at, device, _ in table))
    agree('flags', [at for at, _, flags in table if not {'ro', 'nosuid', 'nodev'} <= flags], [])
    service.note_mounted()
    agree('devices', service.loops(), {device for _, device, _ in table})
    points = [at for at, *_ in table]
    agree('directories of mounts', [at for at in points if at not in service.directories()], [])
    left += [f'+directory {at}' for at in service.directories() if at not in (*points, *world.targets[:2])]
    records = [re.sub(r'\d+', 'N', name) for name in service.records()]
    agree('records and mounts', records[:len(listed)], ['N.toml'] * len(listed))
    left += [f'+record {name}' for name in records[len(listed):]]

    containers = call(connection, OBJECT, NAME, 'ListContainers')[0][0]
    by_repository = {name: set() for name in repositories}
    for name, version, repository, _ in containers:
        by_repository[repository].add(f'{name}:{version}')
    agree('ListContainers and the repositories', by_repository,
          {name: set(repository['Containers']) for name, repository in repositories.items()})
    agree('ListContainers and the signals', by_repository, follower.installed)
    agree('mounted of ListContainers and ListMounts',
          {(f'{name}:{version}', repository) for name, version, repository, mounted in containers if mounted},
          {(mount['Container'], mount['Repository']) for mount in mounts.values()
           if mount['Container'] in by_repository.get(mount['Repository'], ())})  # memory is empty after another start
    for name, repository in repositories.items():
        if repository['Type'] == 'directory':
            packages = glob.glob(f'{repository["Directory"]}/*.npk')
            agree(f'files and containers of {name}', sorted(map(container_of, packages)), sorted(by_repository[name]))
            agree(f'sizes and Used of {name}', sum(map(os.path.getsize, packages)), repository['Used'])
            left += [f'+file {file}' for file in glob.glob(repository['Directory'] + '/.*')]

    mounted = follower.mounted_before + follower.counts['Mounted'] - follower.counts['Unmounted']
    agree('mounts and signals counted', mounted, len(listed))
    agree('answers and signals of mounts', world.counts['mounted'], follower.counts['Mounted'])
    agree('answers and signals of installs', (world.counts['installed'], world.counts['uninstalled']),
          (follower.counts['Installed'], follower.counts['Uninstalled']))
    external, asked = follower.counts['Unmounted external'], follower.counts['Unmounted request']
    if external > world.counts['external']:
        found.append(f'{external} unmounted by others, who did so {world.counts["external"]} times')
    if asked > world.counts['unmounted'] or asked + external < world.counts['unmounted']:
        found.append(f'{asked} unmounted on request, {external} by others, {world.counts["unmounted"]} answers')
    return found, left


def container_of(file):
    return ':'.join(os.path.basename(file).removesuffix('.npk').rsplit('-', 1))


def show(one, other):
    """What of the one is not in the other."""
    if isinstance(one, dict):
        one, other = [{f'{key}: {value}' for key, value in part.items()} for part in (one, other)]
    if isinstance(one, (set, list)):
        return f'{sorted(set(one) - set(other), key=str)} are not {sorted(set(other) - set(one), key=str)}'
    return f'{one} is not {other}'


def check_quiet(service, follower, world, loop, since):
    """Returns what stayed and is named in the log, which only happens while calls fail. Throws Bad."""
    end = time.monotonic() + QUIET
    while True:
        call(follower.connection, OBJECT, 'org.freedesktop.DBus.Peer', 'Ping')
        loop.drain()
        found, left = disagreements(service, follower, world)
        told = world.faults and left and leftovers_told(left, service.said(since))
        if not found and (not left or told):
            break
        if time.monotonic() > end:
            raise Bad('; '.join(found + left))
        time.sleep(0.02)
    if follower.wrong or world.wrong:
        raise Bad('; '.join(follower.wrong + world.wrong))
    return left
