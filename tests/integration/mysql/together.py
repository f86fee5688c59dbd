#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many at once, and runs that others end: each migration once, whoever is killed, by whatever means.

STARTERS, ROUNDS and KILLS make it longer."""

import os
import random
import subprocess
import time

import mytest
from mytest import Case, dump, fresh, migrate, sql, start

STARTERS = int(os.environ.get('STARTERS', '6'))
ROUNDS = int(os.environ.get('ROUNDS', '1'))
KILLS = int(os.environ.get('KILLS', '4'))
OPTIONS = ('-o', 'lock_wait=60s', '-o', 'reconnect_timeout=20s')


class Together(Case):
    def setUp(self):
        super().setUp()
        for i in range(1, 13):
            first = 'CREATE TABLE log (n int PRIMARY KEY AUTO_INCREMENT, v int);' if i == 1 else ''
            self.write(**{'_%02d_x' % i: '%sCREATE TABLE t%d (a int); INSERT INTO log (v) VALUES (%d); '
                                         'ALTER TABLE t%d ADD COLUMN b int; UPDATE log SET v=v+100 WHERE v=%d' % (first, i, i, i, i)})
        self.up()
        self.expected = dump(self.db)

    def check(self):
        self.up(*OPTIONS)
        self.assertEqual(dump(self.db), self.expected)
        self.assertEqual(sql('SELECT seq FROM migrate_head', self.db), [('12',)])
        self.assertEqual(migrate(self.db, self.folder, 'status').json['state'], 'current')

    def starters(self, *options, kill=0):
        fresh(self.db)
        rng = random.Random(STARTERS + kill)
        runs = [start(self.db, self.folder, *OPTIONS, *options, 'up') for _ in range(STARTERS)]
        for victim in rng.sample(runs, kill):
            time.sleep(rng.uniform(0, 0.1))
            victim.kill()
        for run in runs:
            out, err = run.communicate(timeout=180)
            self.assertIn(run.returncode, (0, -9), out + err)
        self.check()

    def test_starters(self):
        for _ in range(ROUNDS):
            self.starters()

    def test_some_killed(self):
        for _ in range(ROUNDS):
            self.starters(kill=STARTERS // 3)

    def test_without_lock(self):
        for _ in range(ROUNDS):
            self.starters('-o', 'lock=none')

    def test_with_lease(self):
        self.starters('-o', 'lock=lease')

    # ---- a run that somebody ends ------------------------------------------------------------

    def usual(self):
        fresh(self.db)
        begun = time.monotonic()
        self.up()
        return time.monotonic() - begun

    def ended(self, statement):
        """KILLs at random moments: never a hang, and in the end the same."""
        whole, rng, longest = self.usual(), random.Random(3), 0
        for _ in range(KILLS):
            fresh(self.db)
            begun = time.monotonic()
            run = start(self.db, self.folder, *OPTIONS, 'up')
            time.sleep(rng.uniform(0, whole))
            for row in sql("SELECT id FROM information_schema.processlist WHERE db='%s' AND command<>'Sleep'" % self.db):
                try:
                    sql('%s %s' % (statement, row[0]))
                except mytest.Refused:
                    pass
            out, err = run.communicate(timeout=60)
            longest = max(longest, time.monotonic() - begun)
            self.assertIn(run.returncode, (0, 6), out + err)
            self.check()
        print('%s: %d times, longest %.1f s' % (statement, KILLS, longest))

    def test_kill(self):
        self.ended('KILL')

    def test_kill_query(self):
        # A server of MariaDB may then answer OK to an UPDATE that did nothing: INSERTs are not concerned.
        for i in range(1, 13):
            first = 'CREATE TABLE log (n int PRIMARY KEY AUTO_INCREMENT, v int);' if i == 1 else ''
            self.write(**{'_%02d_x' % i: '%sCREATE TABLE t%d (a int); INSERT INTO log (v) VALUES (%d); '
                                         'ALTER TABLE t%d ADD COLUMN b int; INSERT INTO log (v) VALUES (%d)' % (first, i, i, i, i + 100)})
        fresh(self.db)
        self.up()
        self.expected = [(name, rows if not isinstance(rows, list) or name != 'log' else [r[1:] for r in rows])
                         for name, rows in dump(self.db)]
        mine = self.check

        def check():
            self.up(*OPTIONS)
            now = [(name, rows if not isinstance(rows, list) or name != 'log' else sorted((r[1:] for r in rows)))
                   for name, rows in dump(self.db)]
            self.assertEqual(now, [(n, sorted(r) if n == 'log' and isinstance(r, list) else r) for n, r in self.expected])
        self.check = check
        self.ended('KILL QUERY')
        self.check = mine

    def test_interrupted(self):
        """SIGINT: stops between statements, exit 7, and the rest another time."""
        whole, rng = self.usual(), random.Random(5)
        for _ in range(max(1, KILLS // 3)):
            fresh(self.db)
            run = start(self.db, self.folder, 'up')
            time.sleep(rng.uniform(0, whole))
            run.send_signal(mytest.signal.SIGINT)
            out, err = run.communicate(timeout=30)
            self.assertIn(run.returncode, (0, 7, -2), out + err)
            self.check()

    def test_server_killed_and_started_again(self):
        """While it is down it refuses connections: a run that had one waits."""
        tool = os.path.join(os.environ['MYSQL_TOOLS'], 'mysql_server.sh')
        self.write(_06_x='CREATE TABLE t6 (a int); DO SLEEP(1); INSERT INTO log (v) VALUES (6); ALTER TABLE t6 ADD COLUMN b int; '
                         'UPDATE log SET v=v+100 WHERE v=6')
        fresh(self.db)
        run = start(self.db, self.folder, '-o', 'lock_wait=60s', '-o', 'reconnect_timeout=60s', 'up')
        while not sql("SELECT 1 FROM information_schema.processlist WHERE db='%s' AND info LIKE 'DO SLEEP%%'" % self.db):
            self.assertIsNone(run.poll())
            time.sleep(0.05)
        subprocess.run([tool, 'stop', os.environ['MYSQL_DIR'], 'kill'], check=True)
        time.sleep(0.5)
        subprocess.run([tool, 'start', mytest.KIND, os.environ['MYSQL_DIR'], mytest.PORT], check=True)
        out, err = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 0, out + err)
        mytest.SESSION.stop()  # ended with the server
        self.check()

    def test_epoch_stolen(self):
        whole, rng = self.usual(), random.Random(9)
        for _ in range(max(1, KILLS // 3)):
            fresh(self.db)
            self.up('--to', '1')
            run = start(self.db, self.folder, 'up')
            time.sleep(rng.uniform(0, whole))
            sql('UPDATE migrate_head SET epoch=epoch+1', self.db)
            out, err = run.communicate(timeout=60)
            self.assertIn(run.returncode, (0, 5), out + err)
            self.check()


class Cost(Case):
    def test_nothing_to_do(self):
        """One connection, one query, however much is applied."""
        for n in (1, 60):
            self.write(**{'_%03d_x' % i: 'SELECT %d;' % i for i in range(n)})
            self.up()
            with mytest.Proxy() as proxy:
                self.up(where=mytest.url(self.db, port=proxy.port, query='ssl-mode=DISABLED'))
                counted = proxy.stop()
            self.assertEqual((counted['connections'], counted['waits']), (1, 1))

    def test_many_small(self):
        """Several migrations share a packet."""
        self.write(**{'_%03d_x' % i: 'CREATE TABLE t%d (id int PRIMARY KEY, v int);\nCREATE INDEX i%d ON t%d (v);\n'
                                     'INSERT INTO t%d VALUES (1,2);' % (i, i, i, i) for i in range(100)})
        with mytest.Proxy() as proxy:
            self.up(where=mytest.url(self.db, port=proxy.port, query='ssl-mode=DISABLED'))
            counted = proxy.stop()
        self.assertLessEqual(counted['waits'] - 10, 30)


if __name__ == '__main__':
    mytest.main()
