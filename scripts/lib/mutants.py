# SPDX-License-Identifier: Apache-2.0
"""The list of mutants in tests/mutants: small edits of src, each of which a test has to notice."""

import pathlib
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STAGES = ('unit', 'unit-async', 'unit-engine', 'bus', 'system')


class Mutant:
    """`file` with its one `old` replaced by `new`; `by`: the stage that is tried first."""

    def __init__(self, name, fields):
        self.name = name
        self.file, self.why, self.old, self.new, self.by = (fields.pop(key) for key in ('file', 'why', 'old', 'new', 'by'))
        if fields or self.by not in STAGES:
            raise ValueError(f'{name}: what is {", ".join(fields) or self.by}?')

    def apply(self, text):
        """The text of the file with the edit. ValueError: it does not apply exactly once, or changes nothing."""
        count = text.count(self.old)
        if count != 1 or self.old == self.new:
            raise ValueError(f'{self.name}: its old text is {count} times in {self.file}; bring the mutant up to date')
        return text.replace(self.old, self.new)


def load(folder=ROOT / 'tests' / 'mutants'):
    mutants = {}
    for path in sorted(folder.glob('*.toml')):
        for name, fields in tomllib.loads(path.read_text(encoding='utf-8')).items():
            if name in mutants:
                raise ValueError(f'{name} is there twice')
            mutants[name] = Mutant(name, fields)
    return mutants
