# SPDX-License-Identifier: Apache-2.0
"""Many at once: each migration runs exactly once, nobody deadlocks with an index built concurrently, and the application's
readers never queue behind our waiting.

STARTERS and ROUNDS make it longer."""
import os
import random
import subprocess
import tempfile
import threading
import time

import pgtest
from pgtest import PgTest, sql, url

STARTERS = int(os.environ.get('STARTERS', '8'))
ROUNDS = int(os.environ.get('ROUNDS', '1'))


class Concurrency(PgTest):
    def setUp(self):
        super().setUp()
        for i in range(1, 21):
            first = 'CREATE TABLE log (n int);' if i == 1 else ''
            self.file('%02d_x.sql' % i, '%sCREATE TABLE t%d (a int); INSERT INTO log VALUES (%d);' % (first, i, i))

    def starters(self, *options, port=None, kill=0):
        """Each migration once, whoever ran it; those that are killed leave the rest to the others."""
        db = self.new_db()
        rng = random.Random(STARTERS + kill)
        runs = [self.start('-o', 'lock_wait=300s', *options, 'up', db=db, port=port) for _ in range(STARTERS)]
        for victim in rng.sample(runs, kill):
            time.sleep(rng.uniform(0, 0.1))
            victim.kill()
        for run in runs:
            out, err = run.communicate(timeout=600)
            self.assertIn(run.returncode, (0, -9), out + err)
        self.migrate('-o', 'lock_wait=300s', *options, 'up', code=0, db=db, port=port)
        self.assertEqual(sql("SELECT string_agg(n::text, ',' ORDER BY n) FROM log", db),
                         ','.join(str(i) for i in range(1, 21)))
        self.assertEqual(sql('SELECT seq FROM migrate_head', db), '20')
        sql('DROP DATABASE %s WITH (FORCE)' % db)

    def rounds(self, *options, port=None):
        """In every second round a third of them is killed. A killed one's lease would cost half a minute each."""
        for i in range(ROUNDS):
            self.starters(*options, port=port, kill=STARTERS // 3 if i % 2 else 0)

    def test_session_lock(self):
        self.rounds('-o', 'lock=session')

    def test_without_lock(self):
        self.rounds('-o', 'lock=none')

    def test_lease(self):
        self.rounds('-o', 'lock=lease')

    def test_pgbouncer(self):
        self.rounds(port=os.environ['BOUNCER_PORT'])


class Index(PgTest):
    """CREATE INDEX CONCURRENTLY waits for every snapshot: waiters for the lock must hold none."""

    def waiters(self, *options, port=None):
        db = self.new_db()
        self.files({'1.sql': 'CREATE TABLE big AS SELECT i FROM generate_series(1, 300000) i;',
                    '2.sql': '-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY big_i ON big (i);\n'
                             'CREATE INDEX CONCURRENTLY big_j ON big ((i + 1));'})
        runs = [self.start('-o', 'lock_wait=60s', *options, 'up', db=db, port=port) for _ in range(5)]
        for run in runs:
            out, err = run.communicate(timeout=120)
            self.assertEqual(run.returncode, 0, out + err)
            self.assertNotIn('deadlock', err)
        self.assertEqual(sql("SELECT count(*) FROM pg_index WHERE indrelid = 'big'::regclass AND indisvalid", db), '2')

    def test_session_lock(self):
        self.waiters()

    def test_lease(self):
        self.waiters('-o', 'lock=lease')

    def test_pgbouncer(self):
        self.waiters(port=os.environ['BOUNCER_PORT'])

    def test_old_snapshot_is_waited_for(self):
        """A lock time-out would leave an INVALID index for ever."""
        self.files({'1.sql': 'CREATE TABLE big (i int);',
                    '2.sql': '-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY big_i ON big (i);'})
        self.migrate('up', '--to', '1', code=0)
        holder = subprocess.Popen([pgtest.program('psql'), '-Xq', url(self.db)], stdin=subprocess.PIPE, text=True,
                                  stdout=subprocess.DEVNULL, env=pgtest.SHARED_ENV)
        self.addCleanup(holder.kill)
        holder.stdin.write('BEGIN; INSERT INTO big VALUES (1);\n')
        holder.stdin.flush()
        self.await_sql("SELECT count(*) FROM pg_locks WHERE relation = 'big'::regclass", '1')
        run = self.start('-o', 'lock_timeout=200ms', 'up')
        time.sleep(1.2)
        self.assertIsNone(run.poll())
        holder.stdin.write('COMMIT;\n')
        holder.stdin.close()
        holder.wait()
        out, err = run.communicate(timeout=30)
        self.assertEqual(run.returncode, 0, out + err)
        self.assertEqual(sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'big_i'::regclass", self.db), 't')


class Readers(PgTest):
    def test_readers_do_not_queue_behind_us(self):
        """A long transaction holds the table, the migration waits for it: a reader waits lock_timeout at most."""
        self.files({'1.sql': 'CREATE TABLE t (a int); INSERT INTO t VALUES (1);', '2.sql': 'ALTER TABLE t ADD b int;'})
        self.migrate('up', '--to', '1', code=0)
        holder = subprocess.Popen([pgtest.program('psql'), '-Xq', url(self.db)], stdin=subprocess.PIPE, text=True,
                                  stdout=subprocess.DEVNULL, env=pgtest.SHARED_ENV)
        self.addCleanup(holder.kill)
        holder.stdin.write('BEGIN; SELECT * FROM t;\n')
        holder.stdin.flush()
        self.await_sql("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass", '1')
        slowest, stop = [0.0], threading.Event()
        reader = subprocess.Popen([pgtest.program('psql'), '-XAtq', url(self.db)], stdin=subprocess.PIPE, text=True,
                                  stdout=subprocess.PIPE, env=pgtest.SHARED_ENV)

        def read():
            while not stop.is_set():
                begun = time.monotonic()
                reader.stdin.write('SELECT count(*) FROM t;\n')
                reader.stdin.flush()
                reader.stdout.readline()
                slowest[0] = max(slowest[0], time.monotonic() - begun)
        thread = threading.Thread(target=read)
        thread.start()
        run = self.start('-o', 'lock_timeout=300ms', 'up')
        time.sleep(4)
        self.assertIsNone(run.poll())
        holder.stdin.close()
        holder.wait()
        out, err = run.communicate(timeout=30)
        stop.set()
        thread.join()
        reader.stdin.close()
        reader.wait()
        reader.stdout.close()
        self.assertEqual(run.returncode, 0, out + err)
        print('slowest reader %.0f ms' % (slowest[0] * 1000), end=' ', flush=True)
        self.assertGreater(slowest[0], 0.2)
        self.assertLess(slowest[0], 1.0)


class NoWork(PgTest):
    def test_nothing_to_do_costs_one_wait(self):
        for n in (1, 200):
            for i in range(n):
                self.file('%03d.sql' % i, 'SELECT %d;' % i)
            self.migrate('up', code=0)
            with pgtest.Proxy() as proxy:
                self.migrate('up', code=0, port=proxy.port, query='sslmode=disable')
                counted = proxy.stop()
            self.assertEqual((counted['connections'], counted['waits']), (1, 1))


class Told(PgTest):
    def test_beginning_is_told_when_it_begins(self):
        """Not when its first statement is over, nor together with the end of the one before it."""
        self.files({'1_a.sql': 'CREATE TABLE a (i int);', '2_b.sql': 'SELECT pg_advisory_xact_lock(55);',
                    '3_c.sql': 'CREATE TABLE c (i int);'})
        holder = subprocess.Popen([pgtest.program('psql'), '-XAtq', url(self.db)], stdin=subprocess.PIPE, text=True,
                                  stdout=subprocess.PIPE, env=pgtest.SHARED_ENV)
        self.addCleanup(holder.kill)
        holder.stdin.write("SELECT pg_advisory_lock(55);\n\\echo held\n")
        holder.stdin.flush()
        while holder.stdout.readline() != 'held\n':
            pass
        run = self.start('-v', '-v', '-o', 'lock_timeout=300s', 'up')
        told = []
        for line in run.stderr:
            told.append(line)
            if 'applying 2 b' in line:
                holder.stdin.close()
                holder.wait()
                holder.stdout.close()
        self.assertEqual(run.wait(), 0, ''.join(told))
        order = [i for word in ('applying 1 a', '1 a applied', 'applying 2 b', '2 b applied', 'applying 3 c', '3 c applied')
                 for i, line in enumerate(told) if word in line]
        self.assertEqual(len(order), 6, ''.join(told))
        self.assertEqual(order, sorted(order))


class Pooler(PgTest):
    def messages(self, *options):
        """[(side, type, text)] of a run behind pgbouncer."""
        with tempfile.NamedTemporaryFile('r') as f:
            with pgtest.Proxy(os.environ['BOUNCER_PORT'], trace=f.name) as proxy:
                self.migrate(*options, 'up', code=0, port=proxy.port, query='sslmode=disable')
            return [line.rstrip('\n').split(' ', 3)[:2] for line in f]

    def test_nothing_follows_a_sync_that_is_not_answered(self):
        """A pooler takes the server away once it is answered, and loses what was sent on."""
        for i in range(1, 41):
            self.file('%02d.sql' % i, 'CREATE TABLE t%d (a int);\nINSERT INTO t%d VALUES (%d);' % (i, i, i))
        waiting, syncs = False, 0
        for side, kind in self.messages():
            if side == 'client':
                self.assertFalse(waiting, kind)
                waiting = kind == 'S'
                syncs += waiting
            elif kind == 'Z':
                waiting = False
        self.assertGreater(syncs, 0)
        self.assertLess(syncs, 10)


if __name__ == '__main__':
    pgtest.main()
