# SPDX-License-Identifier: Apache-2.0
"""Child processes that never outlive the runner: each is killed with the process that started it, and so is
everything it started inside its own pid namespace."""

import atexit
import subprocess
import threading

from .deadline import Reached

_children = set()
_lock = threading.Lock()


def start(command, **kwargs):
    """Popen, killed when this process ends, however it ends (setpriv: a parent-death signal)."""
    child = subprocess.Popen(['setpriv', '--pdeathsig', 'KILL', '--', *map(str, command)], **kwargs)
    with _lock:
        _children.add(child)
    return child


def finish(child, timeout=None):
    """Wait for a child; its exit status. After `timeout` seconds it is killed, and subprocess.TimeoutExpired raised."""
    try:
        return child.wait(timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        raise
    finally:
        if child.returncode is not None:
            with _lock:
                _children.discard(child)


def isolated(command):
    """The command in private mount and pid namespaces: its mounts and processes vanish with it."""
    return ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--', *command]


def run_logged(command, log, deadline):
    """Run a command, output appended to the file `log`; its exit status. Reached if it was not done in time."""
    left = deadline.left()
    with open(log, 'ab') as out:
        child = start(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        try:
            return finish(child, left)
        except subprocess.TimeoutExpired:
            raise Reached from None


@atexit.register
def kill_all():
    with _lock:
        for child in _children:
            if child.poll() is None:
                child.kill()
                child.wait()
        _children.clear()
