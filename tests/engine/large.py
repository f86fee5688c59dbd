# SPDX-License-Identifier: Apache-2.0
"""Many migrations and a large file through the command line, on SQLite: in memory that does not grow with them."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unittest

MIGRATE = os.environ['CLI_EXE']
PEAK = os.environ['PEAK_EXE']
MIGRATIONS = int(os.environ.get('MIGRATIONS', '10000'))
FILE_MB = int(os.environ.get('FILE_MB', '1024'))
LIMIT_KB = 8 * 1024


class Large(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='libmigrate-large-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.source = os.path.join(self.folder, 'migrations')
        os.mkdir(self.source)
        self.database = os.path.join(self.folder, 'app.db')
        self.env = {k: v for k, v in os.environ.items() if not k.startswith('MIGRATE_') and k != 'DATABASE_URL'}

    def file(self, name, text):
        with open(os.path.join(self.source, name), 'w', encoding='utf-8') as f:
            f.write(text)

    def run_cli(self, *args, limit=LIMIT_KB):
        """Its standard output is not kept."""
        began = time.monotonic()
        peak, command = os.path.join(self.folder, 'peak'), [MIGRATE, '-d', 'sqlite:' + self.database, '-s', self.source]
        with open(os.path.join(self.folder, 'out'), 'wb') as out:
            done = subprocess.run([PEAK, peak, *command, *args], env=self.env, stdout=out, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr.decode('utf-8', 'replace'))
        with open(peak, encoding='ascii') as f:
            kib = int(f.read())
        print('%s: %d KiB at most, %.1f s' % (' '.join(args), kib, time.monotonic() - began), flush=True)
        self.assertLess(kib, limit, args)

    def ask(self, sql):
        db = sqlite3.connect(self.database)
        try:
            return db.execute(sql).fetchone()[0]
        finally:
            db.close()

    def test_many_migrations(self):
        for n in range(1, MIGRATIONS + 1):
            self.file('%06d_step.sql' % n, 'INSERT INTO t VALUES (%d);\n' % n if n > 1 else
                      'CREATE TABLE t (n INTEGER);\nINSERT INTO t VALUES (1);\n')
        self.run_cli('up', limit=2 * LIMIT_KB)  # a plan of so many steps is in memory
        self.assertEqual(self.ask('SELECT count(*) FROM t'), MIGRATIONS)
        self.assertEqual(self.ask('SELECT count(*) FROM migrate_history'), MIGRATIONS)
        self.run_cli('up')
        self.run_cli('status')
        self.run_cli('--json', 'status')
        self.run_cli('verify')
        self.file('%06d_last.sql' % (MIGRATIONS + 1), 'INSERT INTO t VALUES (0);\n')
        self.run_cli('plan')
        self.run_cli('up')
        self.assertEqual(self.ask('SELECT count(*) FROM t'), MIGRATIONS + 1)

    def test_large_file(self):
        row = "INSERT INTO t VALUES (%d, '" + 'x' * 960 + "');\n"
        rows = FILE_MB * 1024 * 1024 // len(row)
        with open(os.path.join(self.source, '1_large.sql'), 'w', encoding='ascii') as f:
            f.write('CREATE TABLE t (n INTEGER, text TEXT);\n')
            for n in range(rows):
                f.write(row % n)
        self.run_cli('hash')
        self.run_cli('plan')
        self.run_cli('up')
        self.assertEqual(self.ask('SELECT count(*) FROM t'), rows)
        self.run_cli('status')
        self.run_cli('up')


if __name__ == '__main__':
    unittest.main()
