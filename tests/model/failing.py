# SPDX-License-Identifier: Apache-2.0
"""The daemon below fail-calls, and waiting with a bound."""

import ctypes
import os
import selectors
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1  # prctl(2)
PATIENCE = 10  # seconds that anything may take at most

libc = ctypes.CDLL(None, use_errno=True)


class Bad(Exception):
    """What must not be."""


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def until(condition, what, seconds=PATIENCE):
    """Waits until the condition gives something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Bad(f'{what}: not within {seconds} s')
        time.sleep(0.002)


class Failing:
    """The daemon below fail-calls: a process of ours, and one of its."""

    def __init__(self, program, daemon, arguments, first, log, top):
        # pylint: disable-next=consider-using-with,subprocess-popen-preexec-fn
        self.process = subprocess.Popen(
            [program, '--first', first, daemon, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=log, preexec_fn=die_with_parent, env={**os.environ, 'FAIL_CALLS_STRIP': top})
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.buffer = b''
        self.status = None  # of the daemon, once it is known
        self.told = []  # since the last answer
        try:
            self.pid = int(self.line().split()[1])
        except Bad as error:
            with open(log.name, encoding='utf-8', errors='replace') as said:
                raise Bad(f'{error}: {said.read()[-500:]}') from error

    def line(self, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while b'\n' not in self.buffer:
            if not self.selector.select(max(0, end - time.monotonic())):
                raise Bad(f'fail-calls said nothing for {seconds} s')
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise Bad('fail-calls has ended')
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b'\n')
        return line.decode()

    def command(self, text):
        """Sites with their counts, and what was made to fail. Of a daemon that has ended, what it did until then."""
        try:
            if self.status is None:
                self.process.stdin.write(text.encode() + b'\n')
                self.process.stdin.flush()
        except BrokenPipeError:
            pass
        while self.status is None and (line := self.line()) != 'done':
            self._take(line)
        sites = {words[1]: int(words[2]) for words in self.told if words[0] == 'site'}
        hits = [(words[1], words[2]) for words in self.told if words[0] == 'hit']
        self.told = []
        return sites, hits

    def _take(self, line):
        words = line.split(' ')
        if words[0] == 'ended':
            self.status = int(words[1])
        else:
            self.told.append(words)

    def has_ended(self):
        while self.status is None and (b'\n' in self.buffer or self.selector.select(0)):
            self._take(self.line())
        return self.status is not None

    def wait(self, seconds):
        """Status of the daemon; None if it has not ended by then."""
        end = time.monotonic() + seconds
        while not self.has_ended() and time.monotonic() < end:
            time.sleep(0.002)
        return self.status

    def close(self):
        try:
            self.process.stdin.close()  # ends the daemon, too
        except BrokenPipeError:  # it has ended with a command unread
            pass
        self.process.wait(PATIENCE)
        self.process.stdout.close()
