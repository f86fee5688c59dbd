#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two nodes that both write: GET_LOCK is one node's own affair there, so the lease row keeps starters apart."""

import os
import random
import time

import mytest
from mytest import Case, dump, fresh, migrate, sql, start

ROUNDS = int(os.environ.get('ROUNDS', '3'))
SECOND = os.environ.get('MYSQL_PORT_2', '')
OPTIONS = ('-o', 'lock_wait=90s', '-o', 'reconnect_timeout=30s')


class Galera(Case):
    def setUp(self):
        super().setUp()
        for i in range(1, 9):
            first = 'CREATE TABLE log (n int PRIMARY KEY, v int);' if i == 1 else ''
            self.write(**{'_%02d_x' % i: '%sCREATE TABLE t%d (a int PRIMARY KEY); INSERT INTO log VALUES (%d,1); '
                                         'ALTER TABLE t%d ADD COLUMN b int; UPDATE log SET v=v+1' % (first, i, i, i)})
        self.up(*OPTIONS)
        self.expected = dump(self.db)

    def nodes(self):
        return [mytest.url(self.db), mytest.url(self.db, port=SECOND)]

    def check(self):
        self.up(*OPTIONS)
        self.assertEqual(dump(self.db), self.expected)
        self.assertEqual(sql('SELECT seq FROM migrate_head', self.db), [('8',)])

    def starters(self, kill=0):
        fresh(self.db)
        time.sleep(0.5)
        rng = random.Random(kill)
        runs = [start(self.db, self.folder, *OPTIONS, 'up', where=self.nodes()[i % 2]) for i in range(6)]
        for victim in rng.sample(runs, kill):
            time.sleep(rng.uniform(0, 0.2))
            victim.kill()
        for run in runs:
            out, err = run.communicate(timeout=240)
            self.assertIn(run.returncode, (0, -9), out + err)
        self.check()

    def test_starters_on_both(self):
        for _ in range(ROUNDS):
            self.starters()

    def test_some_killed(self):
        for _ in range(ROUNDS):
            self.starters(kill=2)

    def test_session_lock_is_refused(self):
        done = migrate(self.db, self.folder, 'up', '-o', 'lock=session')
        self.assertIn(done.code, (0, 1), done.out)
        fresh(self.db)
        done = migrate(self.db, self.folder, 'up', '-o', 'lock=session')
        self.assertEqual(done.code, 1, done.out)

    def test_lease_row(self):
        fresh(self.db)
        self.write(_0_wait='DO SLEEP(2);')
        run = start(self.db, self.folder, *OPTIONS, 'up')
        held = []
        for _ in range(100):
            time.sleep(0.05)
            try:
                held = sql('SELECT owner IS NOT NULL FROM migrate_lock', self.db)
            except mytest.Refused:
                continue
            if held == [('1',)]:
                break
        run.communicate(timeout=60)
        self.assertEqual(held, [('1',)])
        self.assertEqual(run.returncode, 0)


if __name__ == '__main__':
    mytest.main()
