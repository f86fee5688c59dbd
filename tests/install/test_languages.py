# SPDX-License-Identifier: Apache-2.0
"""The examples of other languages, compiled against what is installed and run. Argument: the language. Exit 77 where
its tools are missing."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from moved import SANITIZE, SOURCE, MovedPrefix, run

EXAMPLES = os.path.join(SOURCE, 'examples')
JNA = [os.environ.get('JNA_JAR', ''), '/usr/share/java/jna.jar']
WARNINGS = ['-std=c++17', '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion', '-Werror']


def skip(why):
    print('skipped: ' + why)
    sys.exit(77)


def jna():
    return next((j for j in JNA if os.path.exists(j)), None)


class Language(MovedPrefix):
    tools = ()
    applied = 4

    def setUp(self):
        self.env = dict(self.env, LD_LIBRARY_PATH=self.lib, LC_ALL='C.UTF-8')
        self.folder = tempfile.mkdtemp(dir=self.top)

    def copy(self, name):
        """The example, where it may be built."""
        return shutil.copytree(os.path.join(EXAMPLES, name), os.path.join(self.folder, name))

    def behaves(self, *app):
        """It migrates, finds nothing to do, and fails with the class of the status and the whole message."""
        database = self.database()
        out = run(*app, database, self.migrations, env=self.env)
        self.assertEqual(out, '%d applied, database current at version %04d\n' % (self.applied, self.applied))
        out = run(*app, database, self.migrations, env=self.env)
        self.assertEqual(out, '0 applied, database current at version %04d\n' % self.applied)
        broken = tempfile.mkdtemp(dir=self.top)
        with open(os.path.join(broken, '0001_käse.sql'), 'w', encoding='utf-8') as f:
            f.write('CREATE TABLE t (a);\nINSERT INTO nowhere VALUES (1);\n')
        done = subprocess.run(
            [*app, self.database(), broken], env=self.env, capture_output=True, text=True, encoding='utf-8'
        )
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn('0001_käse.sql:2', done.stderr)
        self.assertIn('no such table: nowhere', done.stderr)


class Cpp(Language):
    tools = ('g++',)
    applied = 5  # one of them is code

    def test(self):
        for compiler in filter(shutil.which, ('g++', 'clang++')):
            app = os.path.join(self.folder, compiler)
            flags = self.pkg_config('--cflags', '--libs', 'libmigrate-sqlite')
            run(compiler, *WARNINGS, os.path.join(EXAMPLES, 'cpp', 'embed.cpp'), '-o', app, *flags)
            self.behaves(app)

    def test_readme(self):
        with open(os.path.join(SOURCE, 'README.md'), encoding='utf-8') as f:
            text = re.search(r'```cpp\n(.*?)```', f.read(), re.S).group(1)
        with open(os.path.join(self.folder, 'app.cpp'), 'w', encoding='utf-8') as f:
            f.write(text)
        shutil.copytree(self.migrations, os.path.join(self.folder, 'migrations'))
        flags = self.pkg_config('--cflags', '--libs', 'libmigrate-sqlite')
        run('g++', *WARNINGS, 'app.cpp', '-o', 'app', *flags, cwd=self.folder)
        run('./app', cwd=self.folder, env=self.env)
        self.assertTrue(os.path.exists(os.path.join(self.folder, 'app.db')))


class Go(Language):
    tools = ('go', 'gcc')

    def test(self):
        run('go', 'build', '-o', 'app', cwd=self.copy('go'), env=dict(self.env, GOTOOLCHAIN='local', GOPROXY='off'))
        self.behaves(os.path.join(self.folder, 'go', 'app'))


class Rust(Language):
    tools = ('cargo',)

    def test(self):
        folder = self.copy('rust')
        env = dict(self.env, CARGO_TARGET_DIR=os.path.join(folder, 'target'), RUSTFLAGS='-D warnings')
        run('cargo', 'build', '--offline', '--quiet', cwd=folder, env=env)
        self.behaves(os.path.join(folder, 'target', 'debug', 'embed'))


class Java(Language):
    tools = ('javac', 'java')

    def test(self):
        jar = jna()
        folder = self.copy('java')
        run('javac', '-Xlint:all', '-Werror', '-cp', jar, 'Embed.java', cwd=folder)
        self.behaves('java', '-cp', jar + ':' + folder, '-Djna.library.path=' + self.lib, 'Embed')


class Cmake(Language):
    tools = ('cmake', 'gcc', 'g++')

    def test(self):
        folder = os.path.join(self.folder, 'build')
        run('cmake', '-S', os.path.join(EXAMPLES, 'cmake'), '-B', folder, env=self.env)
        run('cmake', '--build', folder, env=self.env)
        self.behaves(os.path.join(folder, 'embed'))
        self.applied = 5
        self.behaves(os.path.join(folder, 'embed_cpp'))


LANGUAGES = {'cpp': Cpp, 'go': Go, 'rust': Rust, 'java': Java, 'cmake': Cmake}


def main():
    language = LANGUAGES[sys.argv.pop(1)]
    for tool in language.tools:
        if not shutil.which(tool):
            skip('%s is missing' % tool)
    if language is Java and not jna():
        skip('JNA is missing: install libjna-java, or name its file in JNA_JAR')
    if SANITIZE != 'none':
        skip('other languages do not bring the sanitizers along')
    unittest.main(defaultTest=[language.__name__])


main()
