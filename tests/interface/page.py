# SPDX-License-Identifier: Apache-2.0
"""The manual page org.northstar.Mounter(5) as data: members, examples and options, from its source.

Raises ValueError for a line that would not look in the formatted page as it must be typed.
"""

import re
import shlex
from typing import NamedTuple

ESCAPES = {'-': '-', '(aq': "'", '(dq': '"', 'e': '\\', '&': ''}


class Member(NamedTuple):
    """One member: kind is "method", "signal" or "property"; arguments are "in s container", of signals "s container"."""
    interface: str
    kind: str
    name: str
    arguments: tuple  # of a property: its type, and "changes" if it does


class Example(NamedTuple):
    """A command as it is typed, and what it prints."""
    section: str  # "org.northstar.Mounter Mount": the interface and the last member before it
    command: str
    output: str


def plain(line):
    """What a line of a literal block is when formatted."""
    if re.search(r"(?<!\\)-|(?<!\()[`^~]", line) or line.startswith(('.', "'")):
        raise ValueError(f'would be formatted as something else: {line}')
    return re.sub(r'\\(\(..|.)', lambda found: ESCAPES[found[1]], line)


class Page:
    def __init__(self, path):
        with open(path, encoding='utf-8') as file:
            self.lines = file.read().splitlines()
        self.members = []
        self.examples = []
        self.tags = {}      # section -> first words of its list's tags
        self.options = {}   # option -> type
        self.known = {}     # section -> options of the method
        self._parse()

    def _parse(self):
        heading = interface = kind = member = ''
        lines = iter(self.lines)
        for line in lines:
            words = shlex.split(line.replace("'", r"\'").replace('\\(', '(')) if line.startswith('.It') else line.split()
            if line.startswith('.Sh '):
                heading = line[4:]
            elif line.startswith('.Ss '):
                interface, kind = words[1], ''
            elif line in ('Methods:', 'Signals:') or line.startswith('Properties'):
                kind = {'M': 'method', 'S': 'signal', 'P': 'property'}[line[0]]
            elif words[:2] == ['.It', 'Fn']:
                member = words[2]
                self.members.append(Member(interface, kind, member, self._arguments(words[3:], kind)))
            elif words[:2] == ['.It', 'Ft']:
                self.members.append(Member(interface, 'property', words[4], (words[2], *words[6:])))
            elif words[:2] in (['.It', 'Li'], ['.It', 'Er']):
                self.tags.setdefault(heading, []).append(words[2])
                if heading == 'OPTIONS':
                    self.options[words[2]] = words[5]
            elif line == 'Options:':
                names = next(lines).split()[1:]
                self.known[f'{interface} {member}'] = set(names) - {',', '.'}
            elif line.startswith('.Bd -literal'):
                self._block(lines, f'{interface} {member if kind == "method" else kind}'.strip())

    @staticmethod
    def _arguments(words, kind):
        arguments = []
        direction = 'in '
        for word in words:
            if word == '(->':
                direction = 'out '
            elif word not in ('No', 'Fa', ','):
                arguments.append(('' if kind == 'signal' else direction) + word)
        return tuple(arguments)

    def _block(self, lines, section):
        command, output, within = '', [], None  # within: what the command still waits for
        for raw in lines:
            ends = raw == '.Ed'
            line = '' if ends else plain(raw)
            if within is not None:
                command += '\n' + line
                if within == '\\' and not line.endswith('\\') or line == within:
                    within = None
                continue
            if command and (ends or line.startswith('$ ')):
                self.examples.append(Example(section, command, '\n'.join(output)))
                command, output = '', []
            if ends:
                return
            if not line.startswith('$ '):
                output.append(line)
                continue
            command = line[2:]
            here = re.search(r'<<(\w+)$', command)
            within = '\\' if command.endswith('\\') else here[1] if here else None
