# SPDX-License-Identifier: Apache-2.0
"""Many starters at once on one SQLite file, with each lock: every migration runs once, and every starter succeeds."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

MIGRATE = os.environ['CLI_EXE']
STARTERS = int(os.environ.get('STARTERS', '4'))
ROUNDS = int(os.environ.get('ROUNDS', '2'))


class Starters(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='libmigrate-starters-')
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkdir(os.path.join(self.folder, 'migrations'))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith('MIGRATE_') and k != 'DATABASE_URL'}
        self.file('1_t.sql', 'CREATE TABLE t (n INTEGER);\nINSERT INTO t VALUES (0);\n')
        for n in range(2, 6):
            self.file('%d_step.sql' % n, 'UPDATE t SET n = n + 1;\nCREATE TABLE t%d (a INTEGER);\n' % n)
        self.file('6_alone.sql', '-- migrate: no-transaction\nUPDATE t SET n = n + 10;\nVACUUM;\n'
                  'UPDATE t SET n = n + 100;\n')

    def file(self, name, text):
        with open(os.path.join(self.folder, 'migrations', name), 'w', encoding='utf-8') as f:
            f.write(text)

    def round(self, lock, wal):
        database = os.path.join(self.folder, 'app.db')
        for end in ('', '-wal', '-shm', '-journal'):
            if os.path.exists(database + end):
                os.unlink(database + end)
        if wal:
            sqlite3.connect(database).execute('PRAGMA journal_mode = wal').close()
        command = [MIGRATE, '-d', 'sqlite:app.db', '-o', 'lock=' + lock, '-o', 'lock_wait=10m', '-o', 'retries=100000',
                   '--json', 'up']
        running = [subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True) for _ in range(STARTERS)]
        applied, said = 0, []
        for process in running:
            out, err = process.communicate(timeout=900)
            self.assertEqual(process.returncode, 0, out + err)
            value = json.loads(out.splitlines()[-1])
            applied += value['applied']
            said.append(value)
        db = sqlite3.connect(database)
        self.assertEqual(db.execute('SELECT n FROM t').fetchall(), [(114,)])
        self.assertEqual(db.execute('SELECT count(*) FROM migrate_history').fetchone(), (6,))
        self.assertEqual(db.execute('SELECT count(*) FROM migrate_journal').fetchone(), (0,))
        self.assertEqual(db.execute('PRAGMA integrity_check').fetchone(), ('ok',))
        db.close()
        self.assertEqual(applied, 6, said)

    def rounds(self, lock):
        for n in range(ROUNDS):
            self.round(lock, n % 2 == 1)
        print('lock=%s: %d rounds of %d starters' % (lock, ROUNDS, STARTERS), flush=True)

    def test_session(self):
        self.rounds('session')

    def test_lease(self):
        self.rounds('lease')

    def test_none(self):
        self.rounds('none')


if __name__ == '__main__':
    unittest.main()
