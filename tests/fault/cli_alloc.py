# SPDX-License-Identifier: Apache-2.0
"""Allocations of the command line fail, one alone, or with all after it: no crash, an exit code that says so, and
the next run ends where an undisturbed one does."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

MIGRATE = os.environ['CLI_EXE']
SHIM = os.environ['ALLOC_SHIM']
MIGRATIONS = os.path.join(os.environ['SOURCE_ROOT'], 'examples', 'migrations')
STRIDE = int(os.environ.get('ALLOC_STRIDE', '499'))
# Done; the call, this process, the source, the database: whoever the lack of memory hit first says so.
CODES = (0, 1, 2, 3, 6)


class Allocations(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='libmigrate-alloc-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.database = os.path.join(self.folder, 'app.db')
        self.env = {k: v for k, v in os.environ.items() if not k.startswith('MIGRATE_') and k != 'DATABASE_URL'}

    def run_cli(self, *args, **more):
        env = dict(self.env, **more)
        command = [MIGRATE, '-d', 'sqlite:' + self.database, '-s', MIGRATIONS, *args]
        return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)

    def count(self, *args):
        path = os.path.join(self.folder, 'count')
        done = self.run_cli(*args, LD_PRELOAD=SHIM, ALLOC_COUNT=path)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(path, encoding='ascii') as f:
            return int(f.read())

    def fresh(self):
        for end in ('', '-wal', '-shm', '-journal'):
            if os.path.exists(self.database + end):
                os.unlink(self.database + end)

    def dump(self):
        db = sqlite3.connect(self.database)
        try:
            self.assertEqual(db.execute('PRAGMA integrity_check').fetchall(), [('ok',)])
            return [line for line in db.iterdump() if 'migrate_' not in line and 'CURRENT' not in line]
        finally:
            db.close()

    def each(self, args, total, prepare, check):
        tried = told = 0
        for n in range(1, total + 1, STRIDE):
            for more in ({}, {'ALLOC_FAIL_ON': '1'}):
                prepare()
                done = self.run_cli(*args, LD_PRELOAD=SHIM, ALLOC_FAIL_AT=str(n), **more)
                what = 'allocation %d of %d%s: %r' % (n, total, ' and on' if more else '', done)
                self.assertIn(done.returncode, CODES, what)
                self.assertTrue(done.returncode == 0 or done.stderr, what)
                check(done, what)
                tried += 1
                told += done.returncode != 0
        print('%s: %d runs of %d allocations, %d of them failed' % (' '.join(args), tried, total, told), flush=True)
        self.assertGreater(told, 0)

    def stable(self, lines):
        """Without the times that rows were made at."""
        return [line for line in lines if not line.startswith('INSERT')]

    def test_up(self):
        total = self.count('up')
        whole = self.stable(self.dump())

        def check(done, what):
            if done.returncode != 0:
                again = self.run_cli('up')
                self.assertEqual(again.returncode, 0, '%s; then %r' % (what, again))
            self.assertEqual(self.stable(self.dump()), whole, what)

        self.each(['up'], total, self.fresh, check)

    def looks(self, *args):
        self.assertEqual(self.run_cli('up').returncode, 0)
        whole, total = self.dump(), self.count(*args)
        said = self.run_cli(*args).stdout

        def check(done, what):
            if done.returncode == 0:
                self.assertEqual(done.stdout, said, what)

        self.each(args, total, lambda: None, check)
        self.assertEqual(self.dump(), whole)

    def test_status(self):
        self.looks('status')

    def test_status_as_json(self):
        self.looks('--json', 'status')

    def test_plan(self):
        self.looks('plan', 'down', '--all', '--sql')


if __name__ == '__main__':
    unittest.main()
