# SPDX-License-Identifier: Apache-2.0
"""The kernel's log: what it says of faults of its own, which no test would notice, and its last lines."""

import re
import subprocess

FAULT = re.compile(r'WARNING:|BUG:|INFO: task|INFO: rcu|UBSAN')
CONTEXT = 30  # lines from a fault on: registers and the call trace


def read():
    done = subprocess.run(['dmesg'], stdout=subprocess.PIPE, text=True, errors='replace', timeout=60, check=True)
    return done.stdout.splitlines()


def tail():
    return '\n'.join(['last lines of the kernel:', *read()[-20:]])


def faults_since(before, now):
    """The faults in what `now` has beyond `before`, both from read(), as text; empty if there are none. What the
    distribution's kernel says while it boots is in `before`."""
    if now[:1] != before[:1]:
        return 'the log does not begin as it did: it was cleared, or too much was logged'
    shown, until = [], 0
    for at, line in enumerate(now[len(before):]):
        if FAULT.search(line):
            until = at + CONTEXT
        if at < until:
            shown.append(line)
    return '\n'.join(shown)
