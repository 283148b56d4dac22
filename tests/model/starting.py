# SPDX-License-Identifier: Apache-2.0
"""A start of the service with two mounts to adopt, and one that went while it was stopped."""

import os
import time

from gi.repository import GLib

from faults import State, leftovers_told, remove_leftovers, tells
from service import NAME, OBJECT, Bad, call, umount

KEPT = ('fonts:2.3.4', 'hello-unsigned:1.0.0')
GONE = 'hello-zstd:1.0.0'


class Start:
    name = 'start'
    fresh = True

    def __init__(self, service, connection):
        self.service, self.connection = service, connection

    def call(self, method, container):
        call(self.connection, OBJECT, NAME, method, '(sa{sv})', container, {})

    def prepare(self):
        """As it is before the start. Nothing runs before and after."""
        self.service.start()
        if not self.service.await_ready(self.connection):
            raise Bad('the service does not start: ' + self.service.said())
        mounted = [container for _, container, _, _ in call(self.connection, OBJECT, NAME, 'ListMounts')[0][0]]
        for container in (*KEPT, GONE):
            if container not in mounted:
                self.call('Mount', container)
        self.service.note_memory()
        self.service.stop()
        umount(f'{self.service.run}/{GONE}')

    def on_disk(self):
        """What outlives the service."""
        return sorted(at for at, *_ in self.service.mounts()), self.service.directories(), self.service.records()

    def tidied(self, before):
        """The same without what is left of the mount that went: a start may come to that, and end after it."""
        mounts, directories, records = before
        return mounts, [at for at in directories if not at.endswith(GONE)], records[:len(KEPT)]

    def clean_run(self):
        self.prepare()
        self.service.start('record')
        self.service.await_ready(self.connection)
        sites, _ = self.service.failing.command('off')
        time.sleep(0.15)
        self.after = State(self.service, self.connection)
        self.service.stop()
        return sites

    def run(self, trial):
        try:
            self.prepare()
            outcome = self.start(trial)
        except (Bad, GLib.Error) as error:
            outcome = f'BAD {error}'
        try:
            if self.service.failing.process.poll() is None:
                self.service.stop()
        except Bad as error:
            outcome = f'BAD {error}'
        if outcome.startswith('BAD'):  # from scratch
            for point, *_ in reversed(self.service.mounts()):
                umount(point)
            remove_leftovers(self.service)
        return outcome

    def start(self, trial):
        before = self.on_disk()
        self.service.start(trial.command)
        if self.service.await_ready(self.connection):
            return self.started()
        _, hits = self.service.failing.command('off')
        status, said = self.service.failing.status, self.service.said()
        self.service.failing.close()
        if not hits:
            return f'BAD it ends without a fault, status {status}: {said}'
        lines = [line for line in said.splitlines() if ': critical: ' in line]
        # A line for each thing that is wrong.
        if status != 1 or not lines or not all(tells(line, trial.error) for line in lines):
            return f'BAD it ends with status {status} and no clear line: {lines or said[-300:]}'
        if self.on_disk() not in (before, self.tidied(before)):
            return f'BAD it ends, and what was there has changed: {before} {self.on_disk()}'
        self.service.start()
        if not self.service.await_ready(self.connection):
            return 'BAD it does not start after a start that failed: ' + self.service.said()
        return 'does not start, says why, changes nothing' + self.started().removeprefix('starts')

    def started(self):
        self.service.failing.command('off')
        outcome = 'starts'
        end = time.monotonic() + 2
        while difference := State(self.service, self.connection).difference(self.after):
            if time.monotonic() > end:
                outcome += self.judge(difference)
                break
            time.sleep(0.005)
        if outcome.startswith('starts'):
            self.works()
        return outcome

    def judge(self, difference):
        """What may differ: what could not be removed, and packages that could not be read, if the log says so."""
        said = self.service.said()
        lines = [line for line in said.splitlines() if 'warning' in line or 'error' in line]
        rest = [item for item in difference if not item.startswith(('-container', '-descriptor'))]
        unread = len(rest) < len(difference)
        if unread and not lines:
            return f': BAD {", ".join(difference)}, and nothing is said of it'
        if rest and not leftovers_told(rest, said):
            return f': BAD {", ".join(difference)} ({said[-500:]})'
        return ', what is left is named in the log' if rest else ', says what it could not read'

    def works(self):
        """The mounts are the service's, and it mounts."""
        call(self.connection, OBJECT, NAME, 'MountFile', '(sa{sv})', self.service.top + '/files/hello-xz-1.0.0.npk', {})
        for container in ('hello-xz', *KEPT):
            self.call('Unmount', container)
        if left := self.service.mounts():
            raise Bad(f'still mounted: {left}')
        remove_leftovers(self.service)
        if os.listdir(self.service.run):
            raise Bad(f'left in run_dir: {os.listdir(self.service.run)}')
