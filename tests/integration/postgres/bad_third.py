# SPDX-License-Identifier: Apache-2.0
"""Five migrations sent at once, the third one bad in every way there is: the two before it are in, nothing of it or after it
is, the error says where, and with the file mended the run goes on."""
import os
import re

import again
import pgtest
from pgtest import PgTest

LOCK = 'CREATE TABLE c (a int); ALTER TABLE held ADD b int;'
# name: (text, expected in the error, its line or None)
BAD = {
    'syntax': ('CREATE TABLE c (a int);\nCREATE TABEL d (a int);', 'syntax error', 2),
    'missing table': ('CREATE TABLE c (a int);\nINSERT INTO nosuch VALUES (1);', '"nosuch"', 2),
    'division by zero': ('CREATE TABLE c (a int);\nSELECT 1 / 0;', 'division by zero', 2),
    'unique violation': ('CREATE TABLE c (a int PRIMARY KEY);\nINSERT INTO c VALUES (1), (1);', 'c_pkey', 2),
    'raised': ("CREATE TABLE c (a int);\n\nDO $$ BEGIN RAISE EXCEPTION 'no'; END $$;", 'no', 3),
    'deferred constraint': ('CREATE TABLE c (a int PRIMARY KEY, b int REFERENCES c DEFERRABLE INITIALLY DEFERRED);\n'
                            'INSERT INTO c VALUES (1, 2);', 'c_b_fkey', None),
    'commit': ('CREATE TABLE c (a int);\nCOMMIT;\nCREATE TABLE d (a int);', 'COMMIT', 2),
    'rollback': ('CREATE TABLE c (a int);\nROLLBACK;\nCREATE TABLE d (a int);', 'ROLLBACK', 2),
    'begin': ('BEGIN;\nCREATE TABLE c (a int);', 'BEGIN', 1),
    'prepare': ("CREATE TABLE c (a int);\nPREPARE TRANSACTION 'x';", 'PREPARE', 2),
    'commit in DO': ('CREATE TABLE c (a int);\nDO $$ BEGIN COMMIT; END $$;', 'transaction', 2),
    'commit in CALL': ("CREATE TABLE c (a int);\nCREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN COMMIT; END';\n"
                       'CALL p();', 'transaction', 3),
    'read only': ('SET TRANSACTION READ ONLY;\nCREATE TABLE c (a int);', 'read-only', None),
    'lock time-out': (LOCK, 'lock', None),
    'statement time-out': ("CREATE TABLE c (a int);\nSET LOCAL statement_timeout = 100;\nSELECT pg_sleep(20);",
                           'timeout', 3),
    'savepoint': ('CREATE TABLE c (a int);\nROLLBACK TO nosuch;', 'savepoint', 2),
    'copy': ('CREATE TABLE c (a int);\nCOPY c FROM STDIN;\n1\nx\n\\.\n', 'integer', 2),
    'unterminated': ("CREATE TABLE c (a int);\nINSERT INTO c VALUES ('x);", 'quote', None),
    'our own rows': ('CREATE TABLE c (a int);\nUPDATE migrate_head SET tx = 0;', 'transaction', None),
    'our own head': ('CREATE TABLE c (a int);\nUPDATE migrate_head SET seq = seq + 1;', 'transaction', None),
}
TABLES = "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relname IN ('a','b','c','d','e','f')"


class BadThird(PgTest):
    port = None
    options = ()

    def setUp(self):
        super().setUp()
        self.psql = again.Psql(self.db)
        self.addCleanup(self.psql.close)

    def ask(self, text):
        return self.psql.ask(text + ';').strip()

    def prepare(self, third):
        self.files({'1.sql': 'CREATE TABLE a (x int);', '2.sql': 'CREATE TABLE b (x int);', '3.sql': third,
                    '4.sql': 'CREATE TABLE e (x int);', '5.sql': 'CREATE TABLE f (x int);'})

    def up(self, code):
        return self.migrate('-o', 'lock_timeout=100ms', '-o', 'retries=2', *self.options, 'up', code=code, port=self.port)

    def hold(self):
        """A session that keeps a table locked, or None."""
        self.ask('CREATE TABLE held (a int)')
        holder = again.Psql(self.db)
        self.addCleanup(holder.close)
        holder.ask('BEGIN; SELECT * FROM held;')
        return holder

    def nothing_of_it(self, done):
        in_before = done.returncode != 3  # refused while reading: nothing has begun
        wanted = 'a,b' if in_before else self.ask(TABLES)
        self.assertIn(wanted, ('', 'a,b'))
        self.assertEqual(self.ask(TABLES), wanted)
        if wanted:
            self.assertEqual(self.applied(), '1,2')
            self.assertEqual(self.ask('SELECT seq FROM migrate_head'), '2')

    def one(self, third, words, line):
        self.psql.ask(again.CLEAR)
        self.prepare(third)
        holder = self.hold() if third == LOCK else None
        done = self.up(None)
        self.assertIn(done.returncode, (3, 5, 6), done.stdout + done.stderr)
        self.assertIn(words.lower(), done.stderr.lower())
        at = re.search(r'3\.sql(?::(\d+))?', done.stderr)
        self.assertTrue(at, done.stderr)
        if line:
            self.assertEqual(at.group(1), str(line), done.stderr)
        self.nothing_of_it(done)
        if holder:
            holder.ask('ROLLBACK;')
        self.assertEqual(self.ask("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' AND datname = '" +
                                  self.db + "'"), '0')
        self.file('3.sql', 'CREATE TABLE c (a int);')
        self.up(0)
        self.assertEqual(self.ask(TABLES), 'a,b,c,e,f')
        self.assertEqual(self.applied(), '1,2,3,4,5')

    def applied(self, db=None):
        return self.ask("SELECT string_agg(version, ',' ORDER BY seq) FROM migrate_history WHERE state = 'applied'")

    def all(self):
        for name, (text, words, line) in BAD.items():
            with self.subTest(name):
                self.one(text, words, line)

    def test_windows(self):
        self.options = ()
        self.all()

    def test_one_by_one(self):
        self.options = ('-o', 'batch=off')
        self.all()

    def test_windows_behind_pgbouncer(self):
        self.port = os.environ['BOUNCER_PORT']
        self.options = ()
        self.all()

    def test_one_by_one_behind_pgbouncer(self):
        self.port = os.environ['BOUNCER_PORT']
        self.options = ('-o', 'batch=off')
        self.all()

    def test_terminated_backend(self):
        """The third ends its own session: the run comes back, and ends by itself as that happens each time."""
        self.prepare('CREATE TABLE c (a int); SELECT pg_terminate_backend(pg_backend_pid());')
        done = self.migrate('-o', 'reconnect_timeout=2s', 'up')
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertEqual(self.ask(TABLES), 'a,b')
        self.assertEqual(self.applied(), '1,2')


if __name__ == '__main__':
    pgtest.main()
