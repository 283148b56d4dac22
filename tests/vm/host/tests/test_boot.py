# SPDX-License-Identifier: Apache-2.0
"""What host/qemu.py makes of how a machine ends, with a shell script in the place of QEMU."""

from pathlib import Path
import shutil
import tempfile
import unittest
from unittest import mock

from host import qemu


class Boot(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix='check-runner-'))
        self.addCleanup(shutil.rmtree, self.directory)
        self.scratch = self.directory / 'scratch'
        (self.directory / 'payload').mkdir()
        self.said = []

    def boot(self, script, payload='payload', timeout=2):
        command = ['sh', '-c', script.replace('STATUS', str(self.scratch / 'status'))]
        with mock.patch.object(qemu, 'command_line', return_value=command):
            return qemu.boot(None, self.directory / payload, self.scratch, timeout, self.directory / 'results',
                             self.said.append)

    def test_passes_the_status_and_the_output_on(self):
        self.assertEqual(self.boot('echo hello; echo exit 7 > STATUS', timeout=60), 7)
        self.assertEqual(self.said, ['hello'])

    def test_that_ends_without_a_status_died(self):
        self.assertEqual(self.boot('exit 3', timeout=60), qemu.DIED)
        self.assertIn('the guest died (QEMU ended with 3)', self.said)

    @mock.patch.object(qemu, 'make_disk')  # which may take longer
    def test_that_hangs_timed_out(self, _):
        self.assertEqual(self.boot('exec sleep 1000'), qemu.TIMED_OUT)
        self.assertIn('no exit status within 2 s', self.said)

    def test_that_hangs_after_its_status_timed_out(self):
        self.assertEqual(self.boot('echo exit 0 > STATUS; exec sleep 1000', timeout=10), qemu.TIMED_OUT)
        self.assertIn('the guest reported exit status 0 and was still running after 10 s', self.said)

    def test_without_a_disk_says_so(self):
        with self.assertRaisesRegex(qemu.BootFailed, '(?s)no-such-payload.*making the disk for the guest failed'):
            self.boot('exit 0', payload='no-such-payload')


class LastLines(unittest.TestCase):
    def test_are_the_last(self):
        self.assertEqual(qemu.last_lines('one\ntwo\nthree\n', 2), ['two', 'three'])
        self.assertEqual(qemu.last_lines('one\ntwo\n', 40), ['one', 'two'])

    def test_begin_at_a_panic_that_is_further_back(self):
        trace = [f'trace {n}' for n in range(60)]
        lines = ['booting', 'Kernel panic - not syncing: test', *trace]
        self.assertEqual(qemu.last_lines('\n'.join(lines), 40), lines[1:])

    def test_of_much_after_a_fault_leave_out_the_middle(self):
        lines = ['BUG: unable to handle page fault', *(f'line {n}' for n in range(1000))]
        shown = qemu.last_lines('\n'.join(lines), 40)
        self.assertEqual(shown, lines[:qemu.SHOWN_FROM_FAULT] + lines[-40:])
