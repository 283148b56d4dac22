# SPDX-License-Identifier: Apache-2.0
"""What the guest's run_tests.py makes of tests that skip or hang and of a kernel that complains. Each test runs it
in a process of its own, with tests and programs that this file writes, and shorter limits."""

from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

GUEST = Path(__file__).resolve().parents[2] / 'guest'
PROGRAM = """#!/bin/sh
echo '[ RUN      ] Group.First'
echo '[       OK ] Group.First (5 ms)'
echo '[ RUN      ] Group.Second'
"""


class Report(unittest.TestCase):
    def setUp(self):
        self.payload = Path(tempfile.mkdtemp(prefix='check-runner-'))
        self.addCleanup(shutil.rmtree, self.payload)
        (self.payload / 'guest' / 'tests').mkdir(parents=True)
        (self.payload / 'programs' / 'normal').mkdir(parents=True)
        for module in GUEST.glob('*.py'):
            shutil.copy2(module, self.payload / 'guest')

    def python_test(self, module, body):
        (self.payload / 'guest' / 'tests' / f'{module}.py').write_text(
            'import os, time, unittest\n'
            'class Shell(unittest.TestCase):\n' + textwrap.indent(textwrap.dedent(body), '    '))

    def program(self, text, name='system-test'):
        path = self.payload / 'programs' / 'normal' / name
        path.write_text(text)
        path.chmod(0o755)

    def run_tests(self, status, *prelude):
        """Its output; `prelude` are statements to execute before."""
        code = '\n'.join(['import sys, kernel_log, report, run_tests, watchdog',
                          'kernel_log.read = lambda: ["the log of another kernel than this machine\'s"]', *prelude,
                          'sys.exit(run_tests.main())'])
        done = subprocess.run([sys.executable, '-B', '-c', code], cwd=self.payload / 'guest', stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def test_all_is_well(self):
        self.python_test('test_a', 'def test_b(self): pass')
        self.program(PROGRAM + "echo '[       OK ] Group.Second (5 ms)'\n")
        self.assertRegex(self.run_tests(0), r'(?m)^4 passed, 0 failed$')

    def test_nothing_ran(self):
        self.assertIn('no test ran', self.run_tests(1))

    def test_a_skip_is_a_failure(self):
        self.python_test('test_a', 'def test_b(self): self.skipTest("no reason")')
        output = self.run_tests(1)
        self.assertRegex(output, r'(?m)^FAILED normal/test_a\.Shell\.test_b ')
        self.assertIn('skipped, which this test may not be: no reason', output)

    def test_a_skip_of_a_class_is_a_failure(self):
        self.python_test('test_a', 'def test_b(self): pass\n'
                                   '@classmethod\ndef setUpClass(cls): raise unittest.SkipTest("no reason")')
        self.assertRegex(self.run_tests(1), r'(?m)^FAILED setUpClass ')

    def test_a_skip_of_a_program_is_a_failure(self):
        self.program(PROGRAM + "echo 'no device'; echo '[  SKIPPED ] Group.Second (5 ms)'\n")
        output = self.run_tests(1)
        self.assertRegex(output, r'(?m)^FAILED normal/system-test: Group\.Second ')
        self.assertIn('skipped, which this test may not be: no device', output)

    def test_what_a_release_cannot_is_skipped_there_alone(self):
        self.python_test('test_service', 'def test_busctl_passes_a_descriptor_where_it_can(self): self.skipTest("old")')
        for release, counts in (('bookworm', '1 passed, 0 failed, 1 skipped'), ('trixie', '1 passed, 1 failed')):
            output = self.run_tests(int(release != 'bookworm'), f'report.Report.__init__.__defaults__ = ("{release}",)')
            self.assertRegex(output, f'(?m)^{counts}$')

    def test_a_python_test_that_hangs_is_named(self):
        self.python_test('test_a', 'def test_b(self): os.read(os.pipe()[0], 1)')
        output = self.run_tests(1, 'watchdog.TEST_LIMIT = 5')
        self.assertRegex(output, r'(?m)^FAILED normal/test_a\.Shell\.test_b ')
        self.assertRegex(output, r'File ".*test_a\.py", line \d+ in test_b')
        self.assertIn('hung for 5 s', output)
        self.assertIn('last lines of the kernel', output)
        self.assertRegex(output, r'(?m)^0 passed, 1 failed$')

    def test_a_program_that_hangs_is_killed_and_the_next_one_runs(self):
        # a child in the background holds the output open, too
        self.program(PROGRAM + 'sleep 1000 & sleep 1000\n', 'a-test')
        self.program(PROGRAM + "echo '[       OK ] Group.Second (5 ms)'\n", 'b-test')
        output = self.run_tests(1, 'watchdog.SILENCE_LIMIT = 5')
        self.assertRegex(output, r'(?m)^FAILED normal/a-test: no output for 5 s, killed, last test Group\.Second ')
        self.assertIn('last lines of the kernel', output)
        self.assertIn('ok normal/b-test: Group.Second', output)

    def test_a_fault_of_the_kernel_is_a_failure(self):
        self.python_test('test_a', 'def test_b(self): pass')
        logs = 'logs = [["[ 0.0] Linux", "[ 0.1] WARNING: at boot"]]'
        for line in ('WARNING: CPU: 0 PID: 1 at fs/namespace.c:1', 'BUG: sleeping function', 'INFO: task x blocked',
                     'rcu: INFO: rcu_preempt self-detected stall', 'UBSAN: shift-out-of-bounds'):
            output = self.run_tests(1, logs, f'logs.append(logs[0] + ["[ 9.9] before", "[ 9.9] {line}", " trace"])',
                                    'kernel_log.read = iter(logs).__next__')
            self.assertRegex(output, r'(?m)^FAILED kernel logged no fault .*\n    .*' + line + r'\n     trace$')
        self.run_tests(0, logs, 'logs.append(logs[0] + ["[ 9.9] verity: 7:0: data block 1 is corrupted"])',
                       'kernel_log.read = iter(logs).__next__')
