# SPDX-License-Identifier: Apache-2.0
"""Running commands, and waiting for what happens on its own. Emulated machines are slow: waits are generous."""

import subprocess
import time

WAIT = 30.0  # seconds; only a failing test waits that long


def run(*command, check=True, timeout=120, user=None, **kwargs):
    """Run a command; CompletedProcess with text output. Unless check is False a failure raises, with its output.
    `user` runs it as that user, with that user's groups."""
    if user:
        command = ('setpriv', f'--reuid={user}', f'--regid={user}', '--init-groups', '--', *command)
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, check=False, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f'{" ".join(map(str, command))}: exit status {done.returncode}\n'
                             f'{done.stdout}{done.stderr}')
    return done


def wait_until(condition, what, timeout=WAIT):
    """Call condition() until it returns something true, and return that; after `timeout` seconds fail, naming
    `what` was waited for."""
    deadline = time.monotonic() + timeout
    while True:
        if result := condition():
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f'waited {timeout:g} s for {what}')
        time.sleep(0.05)
