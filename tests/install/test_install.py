# SPDX-License-Identifier: Apache-2.0
"""Installs, moves the prefix, and uses what is there as an application and a packager would."""

import glob
import os
import re
import shutil
import tempfile
import unittest

from moved import BUILD, CC, LIBDIR, SANITIZE, SOURCE, MovedPrefix, run

FOREIGN = re.compile(r'libpq|libmysqlclient|libmariadb|libcurl|libjansson')


def needed(path):
    return re.findall(r'\(NEEDED\).*\[(.*)\]', run('readelf', '-d', path))


class Install(MovedPrefix):
    def compile(self, name, *args):
        out = os.path.join(self.top, name)
        flags = ['-fsanitize=' + SANITIZE] if SANITIZE != 'none' else []
        run(
            CC,
            '-Wall',
            '-Wextra',
            '-Werror',
            *flags,
            os.path.join(SOURCE, 'tests', 'install', 'consumer.c'),
            '-o',
            out,
            *args
        )
        return out

    def test_consumer_of_sqlite_has_nothing_foreign(self):
        app = self.compile('shared', *self.pkg_config('--cflags', '--libs', 'libmigrate-sqlite'))
        env = dict(self.env, LD_LIBRARY_PATH=self.lib)
        self.assertEqual(run(app, self.database(), self.migrations, env=env).split()[1], '0004')
        self.assertIn('libmigrate-sqlite.so.0', needed(app))
        self.assertIn('libmigrate.so.0', needed(app))
        self.assertNotRegex(run('ldd', app, env=env), FOREIGN)

    def test_example_of_the_readme(self):
        with open(os.path.join(SOURCE, 'README.md'), encoding='utf-8') as f:
            text = re.search(r'```c\n(.*?)```', f.read(), re.S).group(1)
        folder = tempfile.mkdtemp(dir=self.top)
        with open(os.path.join(folder, 'app.c'), 'w', encoding='utf-8') as f:
            f.write(text)
        shutil.copytree(self.migrations, os.path.join(folder, 'migrations'))
        flags = ['-fsanitize=' + SANITIZE] if SANITIZE != 'none' else []
        run(
            CC,
            '-Wall',
            '-Wextra',
            '-Werror',
            *flags,
            'app.c',
            '-o',
            'app',
            *self.pkg_config('--cflags', '--libs', 'libmigrate-sqlite'),
            cwd=folder
        )
        run('./app', cwd=folder, env=dict(self.env, LD_LIBRARY_PATH=self.lib))
        self.assertTrue(os.path.exists(os.path.join(folder, 'app.db')))

    def test_libraries_need_their_own_client_only(self):
        allowed = {
            'libmigrate.so.0': r'libcrypto|libdl|libpthread',
            'libmigrate-sqlite.so.0': r'libsqlite3|libdl|libpthread',
            'libmigrate-postgres.so.0': r'libpq|libpthread',
            'libmigrate-mysql.so.0': r'libmariadb|libmysqlclient|libcrypto|libpthread',
        }
        for name, own in allowed.items():
            path = os.path.join(self.lib, name)
            if not os.path.exists(path):
                continue
            for library in needed(path):
                self.assertRegex(
                    library, r'^(libc|libm|ld-linux.*|libasan|libubsan|%s)\.' % own.replace('|', '|'), name
                )
            if name != 'libmigrate.so.0':  # a driver needs no symbol of the core
                undefined = run('nm', '-D', '--undefined-only', path)
                self.assertNotRegex(undefined, r'\bmigrate_|\bmig_')

    def test_driver_is_loaded(self):
        app = self.compile('loading', '-DLOAD_ONLY', *self.pkg_config('--cflags', '--libs', 'libmigrate'))
        self.assertEqual([n for n in needed(app) if 'migrate' in n], ['libmigrate.so.0'])
        env = dict(self.env, LD_LIBRARY_PATH=self.lib)
        out = run(
            app, self.database(), self.migrations, os.path.join(self.lib, 'libmigrate-sqlite.so.0'), env=env
        )
        self.assertEqual(out.split()[1], '0004')

    @unittest.skipIf(SANITIZE != 'none', 'sanitizers do not link statically')
    def test_static_consumer(self):
        flags = self.pkg_config('--static', '--cflags', '--libs', 'libmigrate-sqlite')
        app = self.compile('static', '-static', *flags)
        self.assertEqual(run(app, self.database(), self.migrations, env=self.env).split()[1], '0004')
        self.assertEqual(needed(app), [])

    @unittest.skipIf(SANITIZE != 'none', 'sanitizers do not link statically')
    def test_archives_keep_to_their_prefixes(self):
        for archive in glob.glob(os.path.join(self.lib, '*.a')):
            names = re.findall(r'^[0-9a-f]+ [A-Z] (\S+)$', run('nm', '-g', '--defined-only', archive), re.M)
            self.assertTrue(names, archive)
            self.assertEqual([n for n in names if not re.match(r'(migrate|mig)_', n)], [], archive)

    def test_headers_compile_alone(self):
        folder = os.path.join(self.prefix, 'include', 'migrate')
        headers = sorted(os.listdir(folder))
        self.assertIn('migrate.h', headers)
        for header in headers:
            for compiler, standard, kind in ((CC, 'c11', 'c'), ('c++', 'c++17', 'c++')):
                if not shutil.which(compiler) or (kind == 'c' and header.endswith('.hpp')):
                    continue
                run(
                    compiler,
                    '-x',
                    kind,
                    '-std=' + standard,
                    '-Wall',
                    '-Wextra',
                    '-Wpedantic',
                    '-Werror',
                    '-fsyntax-only',
                    '-I' + os.path.join(self.prefix, 'include'),
                    '-',
                    input='#include <migrate/%s>\n' % header,
                )

    def test_every_pc_file_names_what_is_there(self):
        files = glob.glob(os.path.join(self.lib, 'pkgconfig', '*.pc'))
        self.assertGreaterEqual(len(files), 2)
        for path in files:
            name = os.path.basename(path)[:-3]
            run('pkg-config', '--validate', path, env=self.env)
            for flag in self.pkg_config('--libs', name):
                if flag.startswith('-lmigrate'):
                    self.assertTrue(glob.glob(os.path.join(self.lib, 'lib%s.*' % flag[2:])), (name, flag))
            self.assertEqual(os.path.realpath(self.pkg_config('--variable=prefix', name)[0]), self.prefix)

    def test_command_line_from_the_moved_prefix(self):
        migrate = os.path.join(self.prefix, 'bin', 'migrate')
        if not os.path.exists(migrate):
            self.skipTest('built without the command line')
        env = dict(self.env, MIGRATE_DATABASE_URL=self.database(), MIGRATE_SOURCE=self.migrations)
        run(migrate, 'up', env=env)
        self.assertIn('current', run(migrate, 'status', env=env))
        if 'libmigrate.so.0' in needed(migrate):  # not a static build
            self.assertNotRegex(' '.join(needed(migrate)), FOREIGN)
            self.assertNotRegex(run('ldd', migrate, env=env), FOREIGN)
            self.assertNotIn('sqlite', run('ldd', migrate, env=env))

    def test_what_is_installed(self):
        share = os.path.join(self.prefix, 'share')
        for path in (
            'man/man1/migrate.1',
            'man/man3/libmigrate.3',
            'bash-completion/completions/migrate.bash',
            'zsh/site-functions/_migrate',
            'fish/vendor_completions.d/migrate.fish',
        ):
            self.assertTrue(os.path.exists(os.path.join(share, path)), path)
        unexpected = [
            os.path.relpath(p, self.prefix)
            for p in glob.glob(self.prefix + '/**', recursive=True)
            if os.path.isfile(p) and re.search(r'mig_util|mig_sql|mig_crypto|test_|/mini', p)
        ]
        self.assertEqual(unexpected, [])

    def test_no_build_path_is_left(self):
        for path in glob.glob(self.prefix + '/**', recursive=True):
            if (
                os.path.isfile(path)
                and not os.path.islink(path)
                and (path.endswith('.pc') or '/bin/' in path)
            ):
                dynamic = (
                    run('readelf', '-d', path) if '/bin/' in path else open(path, encoding='utf-8').read()
                )
                self.assertNotIn(BUILD, dynamic)


unittest.main()
