# SPDX-License-Identifier: Apache-2.0
"""A small run broken at every message of the protocol, in every way: after one more run the database is as if nothing had
happened, and nobody had to repair anything.

FAULT_STRIDE=N takes every N-th message only (the default keeps the test short); 1 is all of them."""
import os
import subprocess
import time

import pgtest
from pgtest import PgTest, Proxy, dump, sql

STRIDE = int(os.environ.get('FAULT_STRIDE', '61'))
FILES = {
    '1_tables.sql': 'CREATE TABLE log (n int, what text);\nCREATE TABLE big (id int, name text);\n'
                    "INSERT INTO log VALUES (1, 'tables');",
    '2_rows.sql': "INSERT INTO big SELECT i, 'row ' || i FROM generate_series(1, 500) i;\nINSERT INTO log VALUES (2, 'rows');",
    '3_copy.sql': "COPY log FROM STDIN;\n3\tcopy\n\\.\nALTER TABLE big ADD COLUMN more int DEFAULT 7;",
    '4_index.sql': '-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY big_name ON big (name);\n'
                   "INSERT INTO log VALUES (4, 'index');\nCREATE UNIQUE INDEX CONCURRENTLY big_id ON big (id);\n"
                   'VACUUM big;\nDROP INDEX CONCURRENTLY big_name;',
    '5_enum.sql': "CREATE TYPE mood AS ENUM ('sad');\nALTER TABLE big ADD COLUMN mood mood;\nINSERT INTO log VALUES (5, 'enum');",
    '6_last.sql': "UPDATE big SET more = more + 1;\nINSERT INTO log VALUES (6, 'last');",
}
OPTIONS = ('-o', 'reconnect_timeout=5s', '-o', 'lock_wait=20s')


class Faults(PgTest):
    def setUp(self):
        super().setUp()
        self.files(FILES)
        self.migrate('up', code=0)
        self.wanted = dump(self.db, tables=True)
        self.assertEqual(self.applied(), '1,2,3,4,5,6')

    def sound(self, db, after):
        """One more run at most mends everything."""
        done = self.migrate(*OPTIONS, 'up', db=db)
        self.assertEqual(done.returncode, 0, '%s: %s%s' % (after, done.stdout, done.stderr))
        self.assertEqual(dump(db, tables=True), self.wanted, after)
        self.assertEqual(self.applied(db), '1,2,3,4,5,6', after)
        self.assertEqual(sql("SELECT count(*) FROM migrate_journal WHERE state <> 'done'", db), '0', after)
        self.assertEqual(sql('SELECT count(*) FROM pg_index WHERE NOT indisvalid', db), '0', after)

    def broken(self, fault, command=None, options=(), codes=(0, 6)):
        db = self.new_db()
        if command:
            command = command.replace('DB', db).replace('PIDFILE', os.path.join(self.folder, '_pid'))
        with Proxy(fault=fault, command=command) as proxy:
            args = self.arguments(*OPTIONS, *options, 'up', db=db, port=proxy.port, query='sslmode=disable')
            # the shell's own number is the program's after exec
            line = 'echo $$ > "%s"; exec "$@"' % os.path.join(self.folder, '_pid')
            done = subprocess.run(['sh', '-c', line, 'sh', *args], capture_output=True, text=True, timeout=60,
                                  stdin=subprocess.DEVNULL, env=pgtest.SHARED_ENV, check=False)
            counted = proxy.stop()
        self.assertIn(done.returncode, codes, '%s: %s%s' % (fault, done.stdout, done.stderr))
        self.sound(db, fault)
        sql('DROP DATABASE %s WITH (FORCE)' % db)
        return counted['fault']

    def every(self, kind, side, first=1, **more):
        n, told = first, 0
        while self.broken('%s:%s:%d%s' % (kind, side, n, more.get('where', '')),
                          **{k: v for k, v in more.items() if k != 'where'}):
            told += 1
            n += STRIDE
        self.assertGreater(told, 3)
        print('%s of the %s: %d messages' % (kind, side, told), end=' ', flush=True)

    def test_cut_client(self):
        self.every('cut', 'client')

    def test_cut_server(self):
        self.every('cut', 'server', 2)

    def test_cut_inside_a_message(self):
        self.every('cut', 'client', 3, where=':middle')

    def test_cut_inside_an_answer(self):
        self.every('cut', 'server', 4, where=':middle')

    def test_reset_client(self):
        self.every('reset', 'client', 5)

    def test_reset_server(self):
        self.every('reset', 'server', 6)

    def test_half_closed_client(self):
        self.every('half', 'client', 7)

    def test_half_closed_server(self):
        self.every('half', 'server', 8)

    def test_stall(self):
        self.every('stall', 'client', 9, options=('-o', 'deadline=1500ms'), codes=(0, 6, 7))

    def test_stalled_answer(self):
        self.every('stall', 'server', 10, options=('-o', 'deadline=1500ms'), codes=(0, 6, 7))

    def test_client_killed_sending(self):
        self.every('run', 'client', 11, command='kill -9 $(cat PIDFILE)', codes=(-9, 0))

    def test_client_killed_receiving(self):
        self.every('run', 'server', 12, command='kill -9 $(cat PIDFILE)', codes=(-9, 0))

    def steal(self):
        psql = pgtest.program('psql')
        return ('%s -Xqc "UPDATE migrate_head SET epoch = epoch + 1" '
                'postgres://postgres@127.0.0.1:%s/DB >/dev/null 2>&1' % (psql, os.environ['PG_PORT']))

    def test_epoch_stolen(self):
        """Whoever moved the epoch is in charge: this run stops, and what it had sent does nothing."""
        self.every('run', 'client', 4, command=self.steal() + ' &', codes=(0, 5))

    def test_backend_terminated(self):
        command = ('%s -Xqc "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = \'DB\' AND '
                   'pid <> pg_backend_pid()" postgres://postgres@127.0.0.1:%s/postgres >/dev/null 2>&1'
                   % (pgtest.program('psql'), os.environ['PG_PORT']))
        self.every('run', 'client', 5, command=command)


class Random(Faults):
    """At random times instead of messages."""

    def takes(self):
        begun = time.monotonic()
        self.migrate('up', db=self.new_db(), code=0)
        return time.monotonic() - begun

    def test_killed_at_random_times(self):
        import random
        rounds = int(os.environ.get('FAULT_ROUNDS', '15'))
        rng = random.Random(int(os.environ.get('FAULT_SEED', '1')))
        whole = min(self.takes() for _ in range(3))
        tries = killed = 0
        while killed < rounds:
            tries += 1
            self.assertLess(tries, 10 * rounds, 'the run is always over before it is killed')
            db = self.new_db()
            process = self.start(*OPTIONS, 'up', db=db)
            time.sleep(rng.uniform(0, whole))
            process.kill()
            process.wait()
            killed += process.returncode == -9
            self.sound(db, 'killed, try %d' % tries)
            sql('DROP DATABASE %s WITH (FORCE)' % db)
        print('%d of %d killed' % (killed, tries), end=' ', flush=True)


# Random inherits what it shares, not the tests
for _name in [n for n in dir(Faults) if n.startswith('test_')]:
    setattr(Random, _name, None)


if __name__ == '__main__':
    pgtest.main()
