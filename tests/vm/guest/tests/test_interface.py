# SPDX-License-Identifier: Apache-2.0
"""The tests of tests/interface with this release's tools: every example of the manual page, and the Python client.
busctl passes descriptors from systemd 253 on, so those examples run in the guests that have it."""

import os
import re

from vmtest.case import VmTestCase
from vmtest.packages import DATA
from vmtest.shell import run

ONCE = True  # it starts a service of its own, whose sanitizers would report to nobody

def kernel_has(*version):
    """Is the running kernel of this version or a later one?"""
    return tuple(map(int, re.findall(r'\d+', os.uname().release)[:2])) >= version


SOURCE = DATA.parents[1]
TESTS = SOURCE / 'tests' / 'interface'


class Interface(VmTestCase):
    def run_with_service(self, program):
        """The skipped ones of the tests in a program of tests/interface, of which none may fail."""
        done = run(TESTS / 'with-service', '/usr/libexec/northstar-mounterd', SOURCE, TESTS / program, SOURCE,
                   check=False, timeout=600)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotRegex(done.stdout, r'(?m)^(not ok|Bail out)')
        self.assertRegex(done.stdout, r'(?m)^1\.\.[1-9]')
        return re.findall(r'(?mi)^ok .*# skip.*$', done.stdout)

    def test_examples_of_the_manual_page(self):
        skipped = self.run_with_service('run-examples')
        version = int(re.match(r'systemd (\d+)', run('busctl', '--version').stdout)[1])
        if not kernel_has(6, 5):
            skipped = [line for line in skipped if 'mount beneath another' not in line]
        self.assertTrue(all('busctl' in line for line in skipped), skipped)
        if version >= 253:
            self.assertEqual(skipped, [])

    def test_python_client(self):
        self.assertEqual(self.run_with_service('python-client'), [])
