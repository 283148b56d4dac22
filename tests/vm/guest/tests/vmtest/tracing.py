# SPDX-License-Identifier: Apache-2.0
"""Which command calls a function of the kernel, by the kernel's own tracing."""

import contextlib
import os
from pathlib import Path
import re

from .shell import run

TRACING = Path('/sys/kernel/tracing')


@contextlib.contextmanager
def one_processor():
    """A probe changes the kernel's code while it runs. With several emulated processors the guest was seen to hang
    then: one of them seems to go on with the old code."""
    others = list(Path('/sys/devices/system/cpu').glob('cpu[1-9]*/online'))
    for path in others:
        path.write_text('0')
    try:
        yield
    finally:
        for path in others:
            path.write_text('1')


@contextlib.contextmanager
def mounted():
    """The kernel's tracing to be had, for the body of a with statement; traced() needs it."""
    run('mount', '-t', 'tracefs', 'tracefs', TRACING)
    try:
        yield
    finally:
        run('umount', TRACING)


@contextlib.contextmanager
def traced(**functions):
    """Traces calls of kernel functions; yields a function that returns {event: [command name, …]} so far."""
    def calls():
        found = {event: [] for event in functions}
        for line in (TRACING / 'trace').read_text().splitlines():
            if match := re.match(r'\s*(.+)-\d+\s+\[\d+\] .*?: (\w+): ', line):
                found[match[2]].append(match[1].strip())
        return found
    try:
        (TRACING / 'trace').write_text('')
        with one_processor():
            for event, function in functions.items():
                events = os.open(TRACING / 'kprobe_events', os.O_WRONLY | os.O_APPEND)
                try:
                    os.write(events, f'p:vmtest/{event} {function}\n'.encode())
                finally:
                    os.close(events)
                (TRACING / f'events/vmtest/{event}/enable').write_text('1')
        yield calls
    finally:
        with one_processor():
            for enable in (TRACING / 'events/vmtest').glob('*/enable'):
                enable.write_text('0')
            (TRACING / 'kprobe_events').write_text('')
