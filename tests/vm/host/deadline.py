# SPDX-License-Identifier: Apache-2.0
"""The one moment by which a run has ended. Every wait takes from it what is left."""

import threading
import time

GRACE = 30.0  # seconds after the deadline for a thread to see it, too, and to save a guest's results


class Reached(Exception):
    """The deadline came before a step had ended."""


class Deadline:
    def __init__(self, seconds):
        self.seconds = seconds
        self.end_ = time.monotonic() + seconds

    def left(self):
        """Seconds until then, more than 0; Reached if there are none."""
        left = self.end_ - time.monotonic()
        if left <= 0:
            raise Reached
        return left

    def reached(self):
        return time.monotonic() >= self.end_

    def await_job(self, job):
        """Wait for a job whose own waits end at the deadline; Reached if it hangs nevertheless."""
        if not job.wait(max(0.0, self.end_ - time.monotonic()) + GRACE):
            raise Reached


class Job:
    """A function in a thread of its own. Python 3.11 takes a thread for ended when a signal interrupts a join() for it,
    so this is waited for by other means."""

    def __init__(self, function):
        self.ended_ = threading.Event()
        threading.Thread(target=self.run_, args=[function], daemon=True).start()

    def run_(self, function):
        try:
            function()
        finally:
            self.ended_.set()

    def wait(self, timeout):
        """Whether it has ended within so many seconds."""
        return self.ended_.wait(timeout)
