# SPDX-License-Identifier: Apache-2.0
"""The base of the guest's tests: a directory for the test, and a check that it left no device and no mount."""

import shutil
import tempfile
from pathlib import Path
import unittest

from . import devices, shell


def kernel_state():
    return {'loop devices': set(devices.loop_devices().items()), 'dm devices': set(devices.dm_devices().items()),
            'mounts': set(devices.mounts())}


class VmTestCase(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix='vmtest-', dir='/var/tmp'))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.before_ = kernel_state()
        # the first clean-up added runs last: after those of the test itself
        self.addCleanup(self.assert_nothing_left_behind)

    def left_behind(self):
        """What the kernel holds now and did not hold when the test began, as text; empty if there is nothing."""
        now = kernel_state()
        return '; '.join(f'{what}: {sorted(now[what] - held)}' for what, held in self.before_.items()
                         if now[what] - held)

    def assert_nothing_left_behind(self):
        """Devices may go a moment after their last user (autoclear, deferred removal), so this waits a little."""
        try:
            shell.wait_until(lambda: not self.left_behind(), 'devices and mounts to go')
        except AssertionError:
            self.fail(f'left behind: {self.left_behind()}')
