# SPDX-License-Identifier: Apache-2.0
"""System calls of a running process: seen, delayed, or its death."""

import contextlib
from pathlib import Path
import subprocess
import tempfile

from .shell import wait_until


class Trace:
    def __init__(self, child, log):
        self.child_ = child
        self.log_ = log

    def ended(self):
        """What was seen, once the process has ended."""
        self.child_.wait(30)
        return self.log_.read_text()

    def killed(self):
        """What was seen, once the process has died of SIGKILL; a failure if it does not."""
        text = self.ended()
        if '+++ killed by SIGKILL +++' not in text:
            raise AssertionError(f'strace saw nobody killed:\n{text}')
        return text


@contextlib.contextmanager
def injected(pid, call, injection):
    """strace on a process with all its threads, for the body of a with statement. `injection` is what is to happen at
    this system call, in strace's words; it counts each thread's calls by themselves."""
    with tempfile.TemporaryDirectory(prefix='vmtest-strace-') as directory:
        log, errors = Path(directory) / 'log', Path(directory) / 'errors'
        with open(errors, 'w', encoding='utf-8') as out:
            child = subprocess.Popen(['strace', '-f', '-p', str(pid), '-o', log, '-e', f'trace={call}',
                                      '-e', f'inject={call}:{injection}'], stdin=subprocess.DEVNULL, stderr=out)
        try:
            wait_until(lambda: ' attached' in errors.read_text() or child.poll() is not None, 'strace to attach')
            if child.poll() is not None:
                raise AssertionError(f'strace: {errors.read_text()}')
            yield Trace(child, log)
        finally:
            # Asked to end while its process dies, strace would wait for ever. Without it what is left goes on.
            child.kill()
            child.wait()
