# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share."""

import json
import os
import subprocess
import tempfile
import unittest

MIGRATE = os.environ['CLI_EXE']
ROOT = os.environ['SOURCE_ROOT']


def clean_env(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith('MIGRATE_') and k != 'DATABASE_URL'}
    env['LC_ALL'] = 'C.UTF-8'
    env.update(more)
    return env


class CliTest(unittest.TestCase):
    """Each test has an empty directory of its own, with a database app.db to come."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(lambda: subprocess.run(['rm', '-rf', self.folder], check=False))
        self.env = clean_env(MIGRATE_DATABASE_URL='sqlite:app.db')

    def file(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)

    def migrate(self, *args, code=None, **more):
        done = subprocess.run(
            [MIGRATE, *args],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            **more
        )
        if code is not None:
            self.assertEqual(done.returncode, code, '%s\n%s%s' % (args, done.stdout, done.stderr))
        return done

    def json(self, *args, code=0):
        done = self.migrate('--json', *args, code=code)
        self.assertEqual(done.stdout.count('\n'), 1, done.stdout)
        value = json.loads(done.stdout)
        self.assertTrue(done.stdout.startswith('{"schema":1'), done.stdout)
        return value

    def sql(self, statement, db='app.db'):
        import sqlite3

        con = sqlite3.connect(os.path.join(self.folder, db))
        try:
            return con.execute(statement).fetchall()
        finally:
            con.close()
