# SPDX-License-Identifier: Apache-2.0
"""What is installed, at a prefix that it was not made for."""

import os
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ['BUILD_ROOT']
SOURCE = os.environ['SOURCE_ROOT']
PREFIX = os.environ['PREFIX']
LIBDIR = os.environ['LIBDIR']
MESON = os.environ['MESON_COMMAND'].split()
CC = os.environ.get('CC', 'cc')
SANITIZE = os.environ.get('SANITIZE', 'none')


def run(*args, **more):
    done = subprocess.run(args, capture_output=True, text=True, timeout=300, **more)
    if done.returncode:
        raise AssertionError('%s: %d\n%s%s' % (' '.join(args), done.returncode, done.stdout, done.stderr))
    return done.stdout


class MovedPrefix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = tempfile.mkdtemp()
        stage = os.path.join(cls.top, 'stage')
        run(*MESON, 'install', '-C', BUILD, '--no-rebuild', env=dict(os.environ, DESTDIR=stage))
        cls.prefix = os.path.join(cls.top, 'moved')  # not where it was made for
        shutil.move(stage + PREFIX, cls.prefix)
        cls.lib = os.path.join(cls.prefix, LIBDIR)
        cls.env = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith('MIGRATE_') and k not in ('DATABASE_URL', 'LD_LIBRARY_PATH')
        }
        cls.env['PKG_CONFIG_PATH'] = os.path.join(cls.lib, 'pkgconfig')
        cls.migrations = os.path.join(SOURCE, 'examples', 'migrations')

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.top)

    def pkg_config(self, *args):
        return run('pkg-config', *args, env=self.env).split()

    def database(self):
        return 'sqlite:' + os.path.join(tempfile.mkdtemp(dir=self.top), 'app.db')
