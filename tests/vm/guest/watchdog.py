# SPDX-License-Identifier: Apache-2.0
"""Notices what hangs, so that a report names the test before the machine's whole time is over."""

import threading

TEST_LIMIT = 300  # seconds for a Python test; the slowest takes 30 s on two idle processors
SILENCE_LIMIT = 120  # seconds in which a GoogleTest program prints nothing; its slowest test takes 10 s


class Watchdog:
    """Calls `bark` in a thread of its own if neither fed nor stopped for so many seconds."""

    def __init__(self, seconds, bark):
        self.seconds_ = seconds
        self.bark_ = bark
        self.timer_ = None

    def feed(self):
        self.stop()
        self.timer_ = threading.Timer(self.seconds_, self.bark_)
        self.timer_.daemon = True
        self.timer_.start()

    def stop(self):
        if self.timer_:
            self.timer_.cancel()
