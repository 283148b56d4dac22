# SPDX-License-Identifier: Apache-2.0
"""Boots a payload directory in a throw-away guest under QEMU's software emulation: no KVM, no network, nothing of
the root image changes. Three serial ports: the kernel's console, the payload's output, its exit status."""

import re
import shutil
import subprocess
import threading

from . import processes

QEMU = 'qemu-system-x86_64'
TIMED_OUT = 124
DIED = 125
FAULT = re.compile(r'Kernel panic|BUG: |Oops')
SHOWN = {'console': 40, 'errors': 10}  # last lines
SHOWN_FROM_FAULT = 120
FETCH_LIMIT = 60  # seconds for reading the results from a disk, whatever state the guest left it in
PAYLOAD_MIB = 4096  # sparse
MEMORY_MIB = 1536
# SELinux without a policy changes nothing; one test loads a policy at the very end. The log keeps every line, for the
# look at its end.
KERNEL = ('console=ttyS0 panic=-1 oops=panic mitigations=off security=selinux enforcing=0 audit=0 nokaslr '
          'random.trust_cpu=on log_buf_len=4M systemd.show_status=0 quiet')


class BootFailed(Exception):
    """What the guest needs could not be made."""


def cpu():
    """QEMU before 8 computes wrong flags after an unlocked cmpxchg16b, which the kernel's allocator uses: random
    oopses. There the guest is not offered the instruction."""
    version = subprocess.run([QEMU, '--version'], stdout=subprocess.PIPE, text=True, check=True).stdout
    return 'max,-cx16' if int(re.search(r'version (\d+)', version)[1]) < 8 else 'max'


def make_disk(payload, image, timeout):
    made = subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext4', '-O', '^has_journal,^metadata_csum', '-m', '0',
                           '-E', 'root_owner=0:0,nodiscard', '-d', payload, image, f'{PAYLOAD_MIB}M'],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False)
    if made.returncode != 0:
        raise BootFailed(f'{made.stdout.strip()}\nmaking the disk for the guest failed (mke2fs: {made.returncode})')


def command_line(root, scratch):
    def disk(number, options):
        return ['-drive', f'if=none,id=disk{number},format=raw,cache=unsafe,{options}',
                '-device', f'virtio-blk-pci,drive=disk{number},addr={number + 4}']
    return [QEMU, '-accel', 'tcg,thread=multi,tb-size=512', '-M', 'pc', '-cpu', cpu(), '-smp', '2',
            '-m', str(MEMORY_MIB), '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
            '-kernel', root / 'vmlinuz', '-initrd', root / 'initrd', '-append', KERNEL,
            *disk(0, f'file={root}/root.ext4,snapshot=on'), *disk(1, f'file={scratch}/payload.ext4'),
            '-serial', f'file:{scratch}/console',
            '-chardev', 'stdio,id=out,signal=off', '-serial', 'chardev:out',
            '-serial', f'file:{scratch}/status']


def fetch_results(scratch, results):
    """What the guest left in /payload/results, and the console. `results` is replaced."""
    shutil.rmtree(results, ignore_errors=True)
    results.parent.mkdir(parents=True, exist_ok=True)
    (scratch / 'fetched').mkdir()
    subprocess.run(['debugfs', '-R', f'rdump /results {scratch}/fetched', scratch / 'payload.ext4'],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=FETCH_LIMIT, check=False)
    (scratch / 'fetched' / 'results').mkdir(exist_ok=True)
    shutil.copy(scratch / 'console', scratch / 'fetched' / 'results')
    shutil.move(scratch / 'fetched' / 'results', results)


def last_lines(text, count):
    """The last `count` lines; more, if the kernel's first word of a fault is before them: the lines from there on."""
    lines = text.splitlines()
    start = max(len(lines) - count, 0)
    fault = next((at for at, line in enumerate(lines[:start]) if FAULT.search(line)), None)
    if fault is None:
        return lines[start:]
    shown = lines[fault:fault + SHOWN_FROM_FAULT]
    rest = max(fault + SHOWN_FROM_FAULT, start)
    return [*shown, *lines[rest:]]


def reported_status(scratch):
    match = re.search(r'^exit (\d+)', (scratch / 'status').read_text(errors='replace'), re.MULTILINE)
    return int(match[1]) if match else None


def boot(root, payload, scratch, timeout, results, say, shell=False):
    """Run the payload's guest/run.sh in the guest that `root` (a directory) holds, each line of output to say().
    `scratch` is a directory for the disks of this boot; the caller removes it. Returns run.sh's exit status, TIMED_OUT
    if the machine had not ended after `timeout` seconds, whatever it reported, or DIED if it ended and reported
    nothing."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    make_disk(payload, scratch / 'payload.ext4', timeout)
    for port in ('console', 'status'):
        (scratch / port).touch()
    streams = {} if shell else {'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE}
    with open(scratch / 'errors', 'w') as errors:
        child = processes.start(command_line(root, scratch), stderr=errors, **streams)
    late = threading.Event()

    def expire():
        late.set()
        child.kill()

    timer = threading.Timer(timeout, expire)
    timer.daemon = True
    if not shell:
        timer.start()
        with child.stdout:
            for line in child.stdout:
                say(line.decode(errors='replace').rstrip('\r\n'))
    ended = processes.finish(child)
    timer.cancel()
    fetch_results(scratch, results)
    status = reported_status(scratch)
    if status is not None and not late.is_set():
        return status
    for port, count in SHOWN.items():
        for line in last_lines((scratch / port).read_text(errors='replace'), count):
            say(f'{port}: {line}')
    if not late.is_set():
        say(f'the guest died (QEMU ended with {ended})')
        return DIED
    say(f'no exit status within {timeout:g} s' if status is None else
        f'the guest reported exit status {status} and was still running after {timeout:g} s')
    return TIMED_OUT
