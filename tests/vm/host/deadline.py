# SPDX-License-Identifier: Apache-2.0
"""The one moment by which a run has ended. Every wait takes from it what is left."""

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

    def join(self, thread):
        """Wait for a thread whose own waits end at the deadline; Reached if it hangs nevertheless."""
        thread.join(max(0.0, self.end_ - time.monotonic()) + GRACE)
        if thread.is_alive():
            raise Reached
