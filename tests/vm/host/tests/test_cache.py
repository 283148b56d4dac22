# SPDX-License-Identifier: Apache-2.0
"""When a root is made, with a copy of the recipe whose guest-root only counts how often it was called."""

import os
from pathlib import Path
import shutil
import tempfile
import unittest
from unittest import mock

from host import cache
from host.deadline import Deadline, Reached

GUEST_ROOT = """#!/bin/sh
echo made >> {counter}
echo "root of $1" > "$2/root.ext4"
{rest}
"""


class Root(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix='check-runner-'))
        self.addCleanup(shutil.rmtree, self.directory)
        self.recipe = self.directory / 'project' / cache.PREFIX
        shutil.copytree(cache.RECIPE, self.recipe, symlinks=True)
        shutil.copytree(cache.PROJECT / 'scripts/lib/packages', self.directory / 'project/scripts/lib/packages')
        self.recipe_script('')
        for patch in (mock.patch.multiple(cache, PROJECT=self.directory / 'project', RECIPE=self.recipe),
                      mock.patch.dict(os.environ, {'XDG_CACHE_HOME': str(self.directory / 'cache')})):
            patch.start()
            self.addCleanup(patch.stop)
        cache.directory().mkdir(parents=True)

    def recipe_script(self, rest):
        (self.recipe / 'guest-root').write_text(GUEST_ROOT.format(counter=self.directory / 'counter', rest=rest))

    def root(self, rebuild=False, seconds=60.0):
        return cache.root('guest', 'bookworm', rebuild, Deadline(seconds))

    def times_made(self):
        return len((self.directory / 'counter').read_text().splitlines())

    def entries(self):
        return sorted(path.name for path in cache.directory().glob('bookworm-guest-*'))

    def assert_made_anew(self, change):
        before, made = self.root(), self.times_made()
        change()
        after = self.root()
        self.assertNotEqual(after, before)
        self.assertEqual(self.times_made(), made + 1)
        self.assertEqual(self.entries(), [after.name])  # the old one is gone

    def test_is_kept_while_nothing_changes(self):
        entry = self.root()
        self.assertEqual((entry / 'root.ext4').read_text(), 'root of bookworm\n')
        self.assertEqual(self.root(), entry)
        self.assertEqual(self.times_made(), 1)

    def test_is_kept_when_only_the_recipe_of_the_other_kind_changes(self):
        entry = self.root()
        with open(self.recipe / 'build-root', 'a') as script:
            script.write('true\n')
        self.assertEqual(self.root(), entry)
        self.assertEqual(self.times_made(), 1)

    def test_is_made_anew_when_any_file_of_its_recipe_changes(self):
        others = ('build-root', 'fresh-root')
        files = [path for path in sorted(self.recipe.rglob('*')) if path.is_file() and path.name not in others]
        self.assertGreater(len(files), 10)
        for path in files:
            with self.subTest(path.relative_to(self.recipe)):
                self.assert_made_anew(lambda path=path: path.write_text(path.read_text() + '# changed\n'))

    def test_is_made_anew_when_a_mode_changes(self):
        self.assert_made_anew(lambda: (self.recipe / 'overlay/usr/local/sbin/vm-test').chmod(0o600))

    def test_is_made_anew_when_a_file_is_added(self):
        self.assert_made_anew(lambda: (self.recipe / 'overlay/etc/added').write_text(''))

    def test_is_made_anew_from_another_mirror(self):
        with mock.patch.dict(os.environ):
            self.assert_made_anew(lambda: os.environ.update(MIRROR='http://mirror.example/debian'))

    def test_is_made_anew_on_request(self):
        entry = self.root()
        self.assertEqual(self.root(rebuild=True), entry)
        self.assertEqual(self.times_made(), 2)

    def test_that_failed_is_not_kept(self):
        self.recipe_script('echo "no such package"; exit 1')
        with self.assertRaisesRegex(cache.RecipeFailed, 'no such package'):
            self.root()
        self.assertEqual(self.entries(), [])
        self.recipe_script('')
        self.root()
        self.assertEqual(self.times_made(), 2)

    def test_that_takes_too_long_is_not_kept(self):
        self.recipe_script('sleep 1000')
        with self.assertRaises(Reached):
            self.root(seconds=1)
        self.recipe_script('')
        before = self.times_made()
        entry = self.root()
        self.assertEqual(self.entries(), [entry.name])
        self.assertEqual(self.times_made(), before + 1)
