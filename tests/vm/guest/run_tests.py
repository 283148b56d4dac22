# SPDX-License-Identifier: Apache-2.0
"""Runs everything in the guest: tests/test_*.py and the GoogleTest programs, then both once more with the sanitized
build (modules with ONCE = True only the first time, with LAST = True at the very end). report.py prints it."""

import os
from pathlib import Path
import re
import signal
import subprocess
import sys
import time
import unittest

import kernel_log
from report import Lines, Report
import sanitized
import watchdog

HERE = Path(__file__).resolve().parent
PAYLOAD = HERE.parent
RESULT = re.compile(r'^\[ +(OK|FAILED|SKIPPED) +\] ([^ ,]+)(?:, where .*)? \((\d+) ms\)$')
# An exit status that GoogleTest does not have
SANITIZERS = {
    'ASAN_OPTIONS': 'exitcode=99:strict_string_checks=1:detect_stack_use_after_return=1:check_initialization_order=1',
    'LSAN_OPTIONS': 'exitcode=99',
    'UBSAN_OPTIONS': 'exitcode=99:halt_on_error=1:print_stacktrace=1',
}


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
    if variant == 'normal':
        unittest.TestSuite(chosen).run(Lines(report, variant))
        return
    chosen = [test for test in chosen if not marked(test, 'ONCE')]
    if not chosen:
        return
    os.environ['NORTHSTAR_SANITIZED'] = '1'
    sanitized.install(PAYLOAD / 'install-sanitized')
    for fault, words in sanitized.FAULTS.items():
        report.check(f'sanitized/a service with a fault is noticed: {fault}',
                     sanitized.unnoticed, PAYLOAD / 'fault', fault, words)
    report.check('sanitized/the service runs with AddressSanitizer', sanitized.not_sanitized)
    unittest.TestSuite(chosen).run(Lines(report, variant))
    report.check('sanitized/the service ends well and without a report', sanitized.bad_end)


def run_program(report, program, variant, pattern):
    """A GoogleTest program: its results as they come. What a test printed is shown if it failed; a program that ends
    badly (a crash, a sanitizer's report, a leak found at exit) or hangs is one more failure."""
    # NoVerityTest is for kernels without dm-verity: test_missing.py runs it.
    command = [str(program), f'--gtest_filter=*{pattern}*-NoVerityTest.*']
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace',
                             env={**os.environ, **SANITIZERS}, cwd='/tmp', start_new_session=True)
    hung = False

    def end():
        nonlocal hung
        hung = True
        os.killpg(child.pid, signal.SIGKILL)  # its children, too, who hold its output open

    name = f'{variant}/{program.name}'
    outcomes = {'OK': 'ok', 'FAILED': 'FAILED', 'SKIPPED': 'skipped'}
    expected, last, printed, start = 0, 'no test', [], time.monotonic()
    silence = watchdog.Watchdog(watchdog.SILENCE_LIMIT, end)
    silence.feed()
    for line in child.stdout:
        silence.feed()
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
    silence.stop()
    status = child.wait()
    if hung:
        report.add('FAILED', f'{name}: no output for {watchdog.SILENCE_LIMIT} s, killed, last test {last}',
                   time.monotonic() - start, '\n'.join([*printed[-100:], kernel_log.tail()]))
    elif status != expected:
        report.add('FAILED', f'{name}: exit status {status}, last test {last}', time.monotonic() - start,
                   '\n'.join(printed[-100:]))


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ''
    report = Report()
    booted = kernel_log.read()
    tests = find_python(pattern)
    for variant in ('normal', 'sanitized'):
        if variant == 'normal' or (PAYLOAD / 'install-sanitized').is_dir():
            run_python(report, tests, variant)
        for program in sorted((PAYLOAD / 'programs').glob(f'{variant}/*')):
            run_program(report, program, variant, pattern)
    last = [test for test in tests if marked(test, 'LAST')]
    unittest.TestSuite(last).run(Lines(report, 'last'))
    if not report.ran():
        print('no test ran', flush=True)
        return 1
    report.check('kernel logged no fault', kernel_log.faults_since, booted, kernel_log.read())
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
