# SPDX-License-Identifier: Apache-2.0
"""A small run in one database, broken again and again: after one more run the database is as if nothing had happened, and
nobody had to repair anything. A run goes through the proxy, which breaks it at an exact message."""
import os
import subprocess
import tempfile

import pgtest
from pgtest import PgTest, Proxy

FILES = {
    '1_tables.sql': 'CREATE TABLE log (n int, what text);\nCREATE TABLE big (id int, name text);\n'
                    "INSERT INTO log VALUES (1, 'tables');\n"
                    "INSERT INTO big SELECT i, 'row ' || i FROM generate_series(1, 500) i;",
    '2_copy.sql': "COPY log FROM STDIN;\n2\tcopy\n\\.\nALTER TABLE big ADD COLUMN more int DEFAULT 7;",
    '3_index.sql': '-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY big_name ON big (name);\n'
                   "INSERT INTO log VALUES (3, 'index');\nCREATE UNIQUE INDEX CONCURRENTLY big_id ON big (id);\n"
                   'DROP INDEX CONCURRENTLY big_name;',
    '4_last.sql': "CREATE TYPE mood AS ENUM ('sad');\nALTER TABLE big ADD COLUMN mood mood;\n"
                  "UPDATE big SET more = more + 1;\nINSERT INTO log VALUES (4, 'last');",
}
VERSIONS = '1,2,3,4'
# A message that a dead client has sent may take a lease after it was made to expire: that costs half a minute.
OPTIONS = ('-o', 'reconnect_timeout=5s', '-o', 'lock_wait=100s')
MODES = {'session': ('-o', 'lock=session'), 'lease': ('-o', 'lock=lease'), 'none': ('-o', 'lock=none'), 'pgbouncer': ()}

# What is there, row by row and column by column, but for our own tables.
SCHEMA = """
SELECT 'column', c.relname, c.relkind, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relname !~ '^migrate_' AND NOT a.attisdropped AND a.attnum > 0
 ORDER BY 2, 4;
SELECT 'index', pg_get_indexdef(indexrelid), indisvalid FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relname !~ '^migrate_' ORDER BY 2;
SELECT 'label', enumlabel FROM pg_enum ORDER BY 2;
SELECT 'history', kind, version, state, statements, done FROM migrate_history ORDER BY 2, 3;
SELECT 'head', seq FROM migrate_head;
SELECT 'journal', count(*) FROM migrate_journal WHERE state <> 'done';
"""
ROWS = "SELECT 'log', * FROM log ORDER BY n;\nSELECT 'big', count(*), sum(more), count(mood), min(name), max(id) FROM big;\n"

CLEAR = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND state <> 'idle';
DO $$ BEGIN WHILE EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND state <> 'idle') LOOP PERFORM pg_sleep(0.005); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
"""


class Psql:
    """One session for all questions: a process for each would take longer than what is tested."""

    def __init__(self, db):
        self.process = subprocess.Popen([pgtest.program('psql'), '-XAtq', pgtest.url(db)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=pgtest.SHARED_ENV)

    def ask(self, sql):
        self.process.stdin.write("SET client_min_messages = warning;\n%s\n\\echo --end--\n" % sql)
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline()
            if line in ('', '--end--\n'):
                return ''.join(lines)
            lines.append(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Again(PgTest):
    mode = 'session'
    extra = ()

    def setUp(self):
        super().setUp()
        self.files(FILES)
        self.psql = Psql(self.db)
        self.addCleanup(self.psql.close)
        self.pid = tempfile.NamedTemporaryFile()
        self.addCleanup(self.pid.close)
        self.use(self.mode)

    def use(self, mode, *extra):
        self.mode, self.extra = mode, extra
        self.target = int(os.environ['BOUNCER_PORT' if mode == 'pgbouncer' else 'PG_PORT'])
        self.psql.ask(CLEAR)
        self.end_run('an undisturbed run')
        self.wanted = self.psql.ask(SCHEMA + ROWS)
        self.assertIn('head|4\n', self.wanted)
        self.assertNotIn('ERROR', self.wanted)

    def line(self, port, *options):
        return self.arguments(*OPTIONS, *MODES[self.mode], *self.extra, *options, 'up', port=port, query='sslmode=disable')

    def lease_expires(self):
        """As if the half minute had gone by for which a lease holds when its owner is dead."""
        if self.mode in ('lease', 'pgbouncer'):
            self.psql.ask("UPDATE migrate_lock SET expires_at = expires_at - interval '1 hour' WHERE owner IS NOT NULL;")

    def one_run(self, fault=None, command=None, match=None, options=()):
        """(exit code, whether the fault happened, what it said). PID in a command is the run's."""
        if command:
            command = command.replace('PID', '$(cat %s)' % self.pid.name)
        with Proxy(self.target, fault=fault, command=command, match=match) as proxy:
            # the shell's own number is the program's after exec
            line = 'echo $$ > "%s"; exec "$@"' % self.pid.name
            done = subprocess.run(['sh', '-c', line, 'sh', *self.line(proxy.port, *options)], capture_output=True, text=True,
                                  timeout=300, stdin=subprocess.DEVNULL, env=pgtest.SHARED_ENV, check=False)
            counted = proxy.stop()
        return done.returncode, counted['fault'], done.stdout + done.stderr

    def end_run(self, after):
        """One more run, which must succeed at once."""
        self.lease_expires()
        done = subprocess.run(self.line(self.target), capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
                              env=pgtest.SHARED_ENV, check=False)
        self.assertEqual(done.returncode, 0, '%s: %s%s' % (after, done.stdout, done.stderr))

    def sound(self, after):
        self.end_run(after)
        self.assertEqual(self.psql.ask(SCHEMA + ROWS), self.wanted, after)

    def broken(self, fault, codes=(0, 6), **more):
        """Breaks a run, mends it by another. false: the run was over before."""
        self.psql.ask(CLEAR)
        code, happened, said = self.one_run(fault, **more)
        after = '%s %s, lock %s%s' % (fault, more.get('match', ''), self.mode, ' '.join(self.extra))
        self.assertIn(code, codes, '%s: %s' % (after, said))
        self.sound(after)
        return happened

    def every(self, kind, side, first, stride, where='', **more):
        """At every message of one side, or at every so many."""
        n, told = first, 0
        while self.broken('%s:%s:%d%s' % (kind, side, n, where), **more):
            told += 1
            n += stride
        return told
