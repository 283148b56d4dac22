# SPDX-License-Identifier: Apache-2.0
"""Puts the sanitized build of the service in the place of the installed one, and collects what the sanitizers
report: the service writes that to files, since nobody reads its standard error. The functions that check something
return the problem as text, empty if there is none."""

from pathlib import Path
import re
import shutil
import subprocess

UNIT = 'northstar-mounter.service'
DROP_INS = Path(f'/etc/systemd/system/{UNIT}.d')
REPORTS = Path('/run/northstar-sanitizers')
# The leak check at the end of the process needs ptrace, which the unit's system call filter refuses, and its time.
DROP_IN = f"""[Service]
Environment=ASAN_OPTIONS=exitcode=99:detect_stack_use_after_return=1:log_path={REPORTS}/asan
Environment=LSAN_OPTIONS=exitcode=99
Environment=UBSAN_OPTIONS=exitcode=99:halt_on_error=1:print_stacktrace=1:log_path={REPORTS}/ubsan
SystemCallFilter=
TimeoutStopSec=120
"""
# Of the unit that calls northstarctl: no leak check in a sandbox that lets nothing be traced.
TEMPLATE = Path('/etc/systemd/system/northstar-mount@.service.d')
TEMPLATE_DROP_IN = """[Service]
Environment=ASAN_OPTIONS=exitcode=99:detect_leaks=0
SystemCallFilter=
"""
# Where the memory begins in which AddressSanitizer keeps its state, on x86-64: a page before the documented 0x7fff8000
SHADOW = '7fff7000'
# What the program in tests/vm/host/fault.cpp can do, and what the report of it says.
FAULTS = {'leak': 'LeakSanitizer: detected memory leaks', 'overflow': 'runtime error: signed integer overflow'}


def run(*command):
    """CompletedProcess with standard output and error as one text."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace', timeout=180, check=False)


def state():
    """How the service ended, or what it is: {'Result': 'success', ...}."""
    shown = run('systemctl', 'show', '-p', 'ActiveState,Result,ExecMainStatus,MainPID', UNIT).stdout
    return dict(line.split('=', 1) for line in shown.splitlines())


def start():
    run('systemctl', 'reset-failed', UNIT)  # whatever happened before: the start limit does not count it
    started = run('systemctl', 'start', UNIT)
    if started.returncode == 0:
        return ''
    return f'{started.stdout}{run("journalctl", "--no-pager", "-n", "20", "-o", "cat", "-u", UNIT).stdout}'


def drop_in(name, text):
    DROP_INS.mkdir(parents=True, exist_ok=True)
    (DROP_INS / name).write_text(text)
    subprocess.run(['systemctl', 'daemon-reload'], check=True)


def install(tree):
    """Replace the programs under `tree` in the running system; the service starts as the sanitized one next time."""
    subprocess.run(['systemctl', 'stop', UNIT], check=True)
    REPORTS.mkdir(exist_ok=True)
    for program in (path for path in tree.rglob('*') if path.is_file()):
        target = Path('/') / program.relative_to(tree)
        shutil.copy2(program, f'{target}.new')
        Path(f'{target}.new').rename(target)
    TEMPLATE.mkdir(parents=True, exist_ok=True)
    (TEMPLATE / 'sanitized.conf').write_text(TEMPLATE_DROP_IN)
    drop_in('sanitized.conf', DROP_IN)


def take_reports():
    """The text of the reports since the last call; empty if there is none."""
    text = ''
    for path in sorted(REPORTS.glob('*')) if REPORTS.is_dir() else []:
        text += path.read_text(errors='replace')
        path.unlink()
    return text


def unnoticed(program, fault, words):
    """Whether a fault would be seen if the service had it: `program` runs in its place, in its sandbox and with its
    options, and commits the fault."""
    drop_in('fault.conf', f'[Service]\nType=oneshot\nRestart=no\nExecStart=\nExecStart={program} {fault}\n')
    started, ended, reports = start(), state(), take_reports()
    (DROP_INS / 'fault.conf').unlink()
    drop_in('sanitized.conf', DROP_IN)
    run('systemctl', 'reset-failed', UNIT)
    if words in reports and started and ended['Result'] == 'exit-code' and ended['ExecMainStatus'] == '99':
        return ''
    return f'no exit status 99 and report of it: {ended}\n{started}{reports}'


def not_sanitized():
    """Whether the process that systemd starts is the sanitized one."""
    if problem := start():
        return problem
    maps = Path(f'/proc/{state()["MainPID"]}/maps')
    mapped = maps.read_text() if maps.exists() else f'no {maps}'
    return '' if re.search(f'^{SHADOW}-', mapped, re.MULTILINE) else f'no shadow memory: {mapped}'


def bad_end():
    """Whether the service, after it did something, fails to end as it should, its leak check included."""
    if problem := start():
        return problem
    listed = run('northstarctl', 'list')
    stopped, ended = run('systemctl', 'stop', UNIT), state()
    problem = take_reports()
    if listed.returncode != 0:
        problem += f'northstarctl list: exit status {listed.returncode}\n{listed.stdout}'
    if stopped.returncode != 0 or (ended['ActiveState'], ended['Result'], ended['ExecMainStatus']) != (
            'inactive', 'success', '0'):
        problem += f'after systemctl stop: {ended}\n{stopped.stdout}'
    return problem
