# SPDX-License-Identifier: Apache-2.0
"""Runs everything in the guest: tests/test_*.py and the GoogleTest programs, then both once more with the sanitized
build (modules with ONCE = True only the first time, with LAST = True at the very end). One line a test (ok, FAILED or
skipped, its name, seconds), the details of a failure under it, and the counts at the end."""

import os
from pathlib import Path
import re
import subprocess
import sys
import time
import traceback
import unittest

import sanitized

HERE = Path(__file__).resolve().parent
PAYLOAD = HERE.parent
RESULT = re.compile(r'^\[ +(OK|FAILED|SKIPPED) +\] ([^ ,]+)(?:, where .*)? \((\d+) ms\)$')
# An exit status that GoogleTest does not have
SANITIZERS = {
    'ASAN_OPTIONS': 'exitcode=99:strict_string_checks=1:detect_stack_use_after_return=1:check_initialization_order=1',
    'LSAN_OPTIONS': 'exitcode=99',
    'UBSAN_OPTIONS': 'exitcode=99:halt_on_error=1:print_stacktrace=1',
}


class Report:
    def __init__(self):
        self.counts = {'ok': 0, 'FAILED': 0, 'skipped': 0}

    def add(self, outcome, name, seconds, details=''):
        self.counts[outcome] += 1
        print(f'{outcome} {name} ({seconds:.2f})', flush=True)
        for line in details.rstrip().splitlines():
            print(f'    {line}', flush=True)

    def finish(self):
        skipped = f', {self.counts["skipped"]} skipped' if self.counts['skipped'] else ''
        print(f'{self.counts["ok"]} passed, {self.counts["FAILED"]} failed{skipped}', flush=True)
        if sum(self.counts.values()) == 0:
            print('no test ran', flush=True)
            return 1
        return 1 if self.counts['FAILED'] else 0


class Lines(unittest.TestResult):
    """Each test's outcome as a line; a test that fails in several places is one failure."""

    def __init__(self, report, variant):
        super().__init__()
        self.report_ = report
        self.variant_ = variant
        self.problems_ = []
        self.skip_ = None

    def startTest(self, test):
        super().startTest(test)
        self.start_ = time.monotonic()
        self.problems_, self.skip_ = [], None

    def stopTest(self, test):
        super().stopTest(test)
        seconds, name = time.monotonic() - self.start_, f'{self.variant_}/{test.id()}'
        if found := sanitized.take_reports():
            self.problems_.append(found)
        if self.problems_:
            self.report_.add('FAILED', name, seconds, '\n'.join(self.problems_))
        elif self.skip_ is not None:
            self.report_.add('skipped', name, seconds, self.skip_)
        else:
            self.report_.add('ok', name, seconds)

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


def tests_in(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_in(item)
        else:
            yield item


def find_python(pattern):
    folder = HERE / 'tests'
    found = unittest.defaultTestLoader.discover(str(folder), top_level_dir=str(folder))
    return [test for test in tests_in(found) if pattern in test.id()]


def marked(test, mark):
    return getattr(sys.modules[type(test).__module__], mark, False)


def run_python(report, tests, variant):
    chosen = [test for test in tests if not marked(test, 'LAST')]
    if variant == 'sanitized':
        chosen = [test for test in chosen if not marked(test, 'ONCE')]
        if not chosen:
            return
        os.environ['NORTHSTAR_SANITIZED'] = '1'
        sanitized.install(PAYLOAD / 'install-sanitized')
    unittest.TestSuite(chosen).run(Lines(report, variant))
    if variant == 'sanitized':
        sanitized.stop_service()
        found = sanitized.take_reports()
        report.add('FAILED' if found else 'ok', 'sanitized/service ends without a report', 0, found)


def run_program(report, program, variant, pattern):
    """A GoogleTest program: its results as they come. What a test printed is shown if it failed; a program that ends
    badly (a crash, a sanitizer's report, a leak found at exit) is one more failure."""
    # NoVerityTest is for kernels without dm-verity: test_missing.py runs it.
    command = [str(program), f'--gtest_filter=*{pattern}*-NoVerityTest.*']
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace',
                             env={**os.environ, **SANITIZERS}, cwd='/tmp')
    name = f'{variant}/{program.name}'
    outcomes = {'OK': 'ok', 'FAILED': 'FAILED', 'SKIPPED': 'skipped'}
    expected, last, printed, start = 0, 'no test', [], time.monotonic()
    for line in child.stdout:
        line = line.rstrip()
        if line.startswith('[ RUN '):
            last, printed = line.split()[-1], []
        elif match := RESULT.match(line):
            outcome = outcomes[match[1]]
            report.add(outcome, f'{name}: {match[2]}', int(match[3]) / 1000,
                       '' if outcome == 'ok' else '\n'.join(printed))
            expected = 1 if outcome == 'FAILED' else expected
            printed = []
        else:
            printed.append(line)
    status = child.wait()
    if status != expected:
        report.add('FAILED', f'{name}: exit status {status}, last test {last}', time.monotonic() - start,
                   '\n'.join(printed[-100:]))


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ''
    report = Report()
    tests = find_python(pattern)
    for variant in ('normal', 'sanitized'):
        if variant == 'normal' or (PAYLOAD / 'install-sanitized').is_dir():
            run_python(report, tests, variant)
        for program in sorted((PAYLOAD / 'programs').glob(f'{variant}/*')):
            run_program(report, program, variant, pattern)
    last = [test for test in tests if marked(test, 'LAST')]
    unittest.TestSuite(last).run(Lines(report, 'last'))
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
