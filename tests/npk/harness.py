# SPDX-License-Identifier: Apache-2.0
"""What the tests of npk share: a folder of their own, npk run as root and as an ordinary user, TAP.

Each program is called with the npk that was built and the project's folder. Its functions named test_* run in order,
each in an empty folder; what one asserts is told.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(sys.argv[2])
DATA = ROOT / 'tests/data'
GOLDEN = DATA / 'keys/golden.pub'
SIGNED = sorted(DATA.glob('signed/*.npk'))
MANIFEST = 'name: hello\nversion: 1.0.0\ninit: /bin/hello\nuid: 1000\ngid: 1000\n'
NOBODY = 65534
npk_path = None  # of a copy that everybody may run


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr


def npk(*arguments, status=0, nobody=False, env=None, timeout=100, cwd=None, binary=False):
    """Runs npk to its end and expects this status; nothing may be left behind beside what it was to make."""
    command = [str(npk_path), *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, text=not binary,
                          cwd=cwd, env={**os.environ, 'LC_ALL': 'C', **(env or {})}, **as_nobody(nobody))
    assert done.returncode == status, f'{command} ended with {done.returncode}, not {status}: {done.stderr[:2000]}'
    if status not in (0, 2) and not binary:
        assert len(done.stderr.strip().splitlines()) <= 2, f'more than one line: {done.stderr}'
    left = [name for name in os.listdir(cwd) if name.startswith('.npk-')]
    assert not left, f'left behind: {left}'
    return Result(done)


def as_nobody(wanted=True):
    """Arguments of subprocess for an ordinary user: nobody, if we are root."""
    if not wanted or os.geteuid() != 0:
        return {}
    return {'user': NOBODY, 'group': NOBODY, 'extra_groups': []}


def write(path, content, mode=0o644):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def a_directory(name='dir'):
    """Files, links and modes, the same each time."""
    root = pathlib.Path(name)
    write(root / 'bin/hello', '#!/bin/sh\necho hello\n', 0o755)
    write(root / 'etc/app.conf', 'answer=42\n', 0o640)
    write(root / 'share/numbers', ''.join(f'{i}\n' for i in range(20000)))
    write(root / 'share/ein Umlaut ä', 'x')
    (root / 'share/link').symlink_to('../etc/app.conf')
    (root / 'empty').mkdir()
    for path in [root, *root.rglob('*')]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
        os.utime(path, (1700000000, 1700000000), follow_symlinks=False)
    return root


def contents(root):
    """Paths, kinds, modes and bytes of a tree."""
    found = {}
    for path in sorted(pathlib.Path(root).rglob('*')):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ('link', os.readlink(path))
        elif path.is_dir():
            found[name] = ('directory', path.stat().st_mode)
        else:
            found[name] = ('file', path.stat().st_mode, path.read_bytes())
    return found


def keys(name='k'):
    npk('keygen', name)
    write('m.yaml', MANIFEST)


@contextlib.contextmanager
def folder_of_its_own():
    before = os.getcwd()
    folder = tempfile.mkdtemp(prefix='npk-test-')
    os.chmod(folder, 0o777)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        # Not by Python, which recurses: some are thousands of levels deep, and some let nobody in.
        subprocess.run(['chmod', '-R', 'u+rwX', folder], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(['rm', '-rf', folder], check=True)


def main(names):
    """Runs the tests among `names`, a module's globals()."""
    global npk_path
    os.umask(0o022)
    tests = [(name, test) for name, test in names.items() if name.startswith('test_')]
    wanted = sys.argv[3:]
    tests = [(name, test) for name, test in tests if not wanted or name in wanted]
    failed = not tests
    with tempfile.TemporaryDirectory(prefix='npk-test-') as folder:
        os.chmod(folder, 0o755)
        npk_path = pathlib.Path(shutil.copy(sys.argv[1], folder))
        npk_path.chmod(0o755)
        for number, (name, test) in enumerate(tests, 1):
            try:
                with folder_of_its_own():
                    test()
                print(f'ok {number} - {name}', flush=True)
            except Exception:  # whatever it is: the next test still runs
                failed = True
                print(f'not ok {number} - {name}', flush=True)
                for line in traceback.format_exc().splitlines():
                    print(f'# {line}')
    print(f'1..{len(tests)}')
    sys.exit(failed)
