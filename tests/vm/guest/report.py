# SPDX-License-Identifier: Apache-2.0
"""One line a test (ok, FAILED or skipped, its name, seconds), the details of a failure under it, and the counts."""

import faulthandler
import os
import platform
import sys
import time
import traceback
import unittest

import kernel_log
import sanitized
import watchdog

# (release, test): why it cannot run there. Every other skip is a failure, for it would hide that nothing was tested.
MAY_SKIP = {
    ('bookworm', 'test_service.Shell.test_busctl_passes_a_descriptor_where_it_can'):
        'busctl passes descriptors from systemd 257 on',
}


class Report:
    def __init__(self, release=platform.freedesktop_os_release().get('VERSION_CODENAME')):
        self.release_ = release
        self.counts = {'ok': 0, 'FAILED': 0, 'skipped': 0}

    def add(self, outcome, name, seconds, details=''):
        """`name` is VARIANT/TEST; with the outcome 'skipped' the details are the reason."""
        if outcome == 'skipped' and (self.release_, name.partition('/')[2]) not in MAY_SKIP:
            outcome, details = 'FAILED', f'skipped, which this test may not be: {details}'
        self.counts[outcome] += 1
        print(f'{outcome} {name} ({seconds:.2f})', flush=True)
        for line in details.rstrip().splitlines():
            print(f'    {line}', flush=True)

    def check(self, name, function, *args):
        """A test that is a function: it returns the problem as text, empty if there is none."""
        start = time.monotonic()
        try:
            problem = function(*args)
        except Exception:
            problem = traceback.format_exc()
        self.add('FAILED' if problem else 'ok', name, time.monotonic() - start, problem)

    def ran(self):
        return sum(self.counts.values()) > 0

    def finish(self):
        """Print the counts; the exit status that they make."""
        skipped = f', {self.counts["skipped"]} skipped' if self.counts['skipped'] else ''
        print(f'{self.counts["ok"]} passed, {self.counts["FAILED"]} failed{skipped}', flush=True)
        return 1 if self.counts['FAILED'] else 0


class Lines(unittest.TestResult):
    """Each test's outcome as a line; a test that fails in several places is one failure, and one that hangs ends
    the run: its thread cannot be ended alone."""

    def __init__(self, report, variant):
        super().__init__()
        self.report_ = report
        self.variant_ = variant
        self.name_ = None
        self.problems_ = []
        self.skip_ = None

    def startTest(self, test):
        super().startTest(test)
        self.name_ = f'{self.variant_}/{test.id()}'
        self.start_ = time.monotonic()
        self.problems_, self.skip_ = [], None
        self.watchdog_ = watchdog.Watchdog(watchdog.TEST_LIMIT, self.end_run)
        self.watchdog_.feed()

    def end_run(self):
        sys.stdout.flush()
        faulthandler.dump_traceback(sys.stdout, all_threads=True)
        self.report_.add('FAILED', self.name_, time.monotonic() - self.start_,
                         f'hung for {watchdog.TEST_LIMIT} s, which ends the run; see the stacks above\n'
                         + kernel_log.tail())
        self.report_.finish()
        os._exit(1)  # the test's own thread would not let go

    def stopTest(self, test):
        super().stopTest(test)
        self.watchdog_.stop()
        seconds = time.monotonic() - self.start_
        if found := sanitized.take_reports():
            self.problems_.append(found)
        if self.problems_:
            self.report_.add('FAILED', self.name_, seconds, '\n'.join(self.problems_))
        elif self.skip_ is not None:
            self.report_.add('skipped', self.name_, seconds, self.skip_)
        else:
            self.report_.add('ok', self.name_, seconds)

    def addProblem(self, test, error):
        text = ''.join(traceback.format_exception(*error))
        if isinstance(test, unittest.TestCase):
            self.problems_.append(text)
        else:  # setUpClass, setUpModule or an import: there is no test that stops
            self.report_.add('FAILED', str(test), 0, text)

    def addFailure(self, test, err):
        self.addProblem(test, err)

    def addError(self, test, err):
        self.addProblem(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addProblem(test, err)

    def addSkip(self, test, reason):
        if isinstance(test, unittest.TestCase):
            self.skip_ = reason
        else:
            self.report_.add('skipped', str(test), 0, reason)

    def addUnexpectedSuccess(self, test):
        self.problems_.append('was expected to fail')
