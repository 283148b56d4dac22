# SPDX-License-Identifier: Apache-2.0
"""Puts the sanitized build of the service in the place of the installed one, and collects what the sanitizers
report: the service writes that to files, since nobody reads its standard error."""

from pathlib import Path
import shutil
import subprocess

UNIT = 'northstar-mounter.service'
REPORTS = Path('/run/northstar-sanitizers')
# The leak check at the end of the process needs ptrace, which the unit's system call filter refuses.
DROP_IN = f"""[Service]
Environment=ASAN_OPTIONS=exitcode=99:detect_stack_use_after_return=1:log_path={REPORTS}/asan
Environment=LSAN_OPTIONS=exitcode=99
Environment=UBSAN_OPTIONS=exitcode=99:halt_on_error=1:print_stacktrace=1:log_path={REPORTS}/ubsan
SystemCallFilter=
"""


def install(tree):
    """Replace the programs under `tree` in the running system; the service starts as the sanitized one next time."""
    subprocess.run(['systemctl', 'stop', UNIT], check=True)
    REPORTS.mkdir(exist_ok=True)
    for program in (path for path in tree.rglob('*') if path.is_file()):
        target = Path('/') / program.relative_to(tree)
        shutil.copy2(program, f'{target}.new')
        Path(f'{target}.new').rename(target)
    drop_in = Path(f'/etc/systemd/system/{UNIT}.d/sanitized.conf')
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text(DROP_IN)
    subprocess.run(['systemctl', 'daemon-reload'], check=True)


def take_reports():
    """The text of the reports since the last call; empty if there is none."""
    text = ''
    for path in sorted(REPORTS.glob('*')) if REPORTS.is_dir() else []:
        text += path.read_text(errors='replace')
        path.unlink()
    return text


def stop_service():
    """Ends the service, for the leak check; its exit status is in the journal."""
    subprocess.run(['systemctl', 'stop', UNIT], check=True)
