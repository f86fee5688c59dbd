#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small run broken at messages of the protocol, in every way: after one more run the database is as if nothing had
happened, and nobody had to repair anything.

PLACES=0 breaks it at every message instead of at some."""

import os
import subprocess

import mytest
from mytest import Case, Proxy, dump, fresh, migrate, places, sql

FILES = {
    '_1_tables': "CREATE TABLE log (n int AUTO_INCREMENT PRIMARY KEY, what varchar(90)); CREATE TABLE big (id int, name varchar(40)); "
                 "INSERT INTO log (what) VALUES ('tables')",
    '_2_rows': "INSERT INTO big SELECT a.n*10+b.n, 'row' FROM (SELECT 1 n UNION SELECT 2 UNION SELECT 3) a, (SELECT 1 n UNION SELECT 2) b; "
               "INSERT INTO log (what) VALUES ('rows'); ALTER TABLE big ADD PRIMARY KEY (id)",
    '_3_code': "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END//\nCREATE TRIGGER g BEFORE INSERT ON log FOR EACH ROW "
               "SET NEW.what=CONCAT(NEW.what,'!')//\nDELIMITER ;\nINSERT INTO log (what) VALUES ('code')",
    '_4_alter': "ALTER TABLE big ADD COLUMN c int DEFAULT 3; UPDATE big SET c=c+id; ALTER TABLE big MODIFY name varchar(200); "
                "CREATE INDEX bn ON big (name); UPDATE big SET c=c+1",
    '_5_session': "SET sql_mode='ANSI_QUOTES'; UPDATE \"big\" SET c=c*2; SET @x=1; ALTER TABLE big DROP INDEX bn",
    '_6_last': "INSERT INTO log (what) SELECT name FROM big; CREATE VIEW v AS SELECT * FROM big",
}
OPTIONS = ('-o', 'reconnect_timeout=5s', '-o', 'lock_wait=20s')
# The server notices a client that is silently gone only at the end of a packet; what is then left open waits for it.
LATER = ('-o', 'reconnect_timeout=10s', '-o', 'lock_wait=60s')


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.write(**FILES)
        self.up()
        self.wanted = self.rows()

    def rows(self):
        """AUTO_INCREMENT leaves holes where something was rolled back: the numbers are no part of the promise."""
        return [(n, sorted(r[1:] for r in rest[0]) if n == 'log' and rest and isinstance(rest[0], list) else rest)
                for n, *rest in dump(self.db)]

    def broken(self, fault, command=None, options=(), codes=(0, 6)):
        fresh(self.db)
        pid = os.path.join(self.folder, '_pid')
        if command:
            command = command.replace('DB', self.db).replace('PIDFILE', pid)
        with Proxy(fault=fault, command=command) as proxy:
            args = [mytest.MIGRATE, '-d', mytest.url(self.db, port=proxy.port, query='ssl-mode=DISABLED'), '-s', self.folder, '--json',
                    *OPTIONS, *options, 'up']
            done = subprocess.run(['sh', '-c', 'echo $$ > "%s"; exec "$@"' % pid, 'sh', *args], capture_output=True, text=True,
                                  timeout=120, stdin=subprocess.DEVNULL, env=mytest.ENV, check=False)
            counted = proxy.stop()
        self.assertIn(done.returncode, codes, '%s: %s%s' % (fault, done.stdout, done.stderr))
        again = migrate(self.db, self.folder, *LATER, 'up')
        self.assertEqual(again.code, 0, '%s: %s%s' % (fault, again.out, again.err))
        self.assertEqual(self.rows(), self.wanted, fault)
        self.assertEqual(sql('SELECT seq FROM migrate_head', self.db), [('6',)], fault)
        self.assertEqual(sql("SELECT COUNT(*) FROM migrate_journal WHERE direction<>'K'", self.db), [('0',)], fault)
        return counted['fault']

    def messages(self, side):
        """How many an undisturbed run has."""
        fresh(self.db)
        with Proxy() as proxy:
            self.up(where=mytest.url(self.db, port=proxy.port, query='ssl-mode=DISABLED'))
            return proxy.stop()[side + '_messages']

    def every(self, kind, side, where='', **more):
        """The very first messages are the log-in's, the last are behind the last COMMIT: none of them is left out."""
        total, told = self.messages(side), 0
        for n in places(total, kind + side + where):
            told += bool(self.broken('%s:%s:%d%s' % (kind, side, n, where), **more))
        self.assertGreater(told, 0)
        print('%s%s of the %s: %d of %d messages' % (kind, where, side, told, total), end=' ', flush=True)

    def test_cut_client(self):
        self.every('cut', 'client')

    def test_cut_client_after(self):
        self.every('cut', 'client', ':after')

    def test_cut_server(self):
        self.every('cut', 'server')

    def test_cut_inside_a_message(self):
        self.every('cut', 'client', ':middle')

    def test_cut_inside_an_answer(self):
        self.every('cut', 'server', ':middle')

    def test_reset_client(self):
        self.every('reset', 'client')

    def test_reset_server(self):
        self.every('reset', 'server')

    def test_half_closed_client(self):
        self.every('half', 'client')

    def test_half_closed_server(self):
        self.every('half', 'server')

    def test_stall(self):
        self.every('stall', 'client', options=('-o', 'deadline=1500ms'), codes=(0, 6, 7))

    def test_stalled_answer(self):
        self.every('stall', 'server', options=('-o', 'deadline=1500ms'), codes=(0, 6, 7))

    def test_client_killed_sending(self):
        self.every('run', 'client', command='kill -9 $(cat PIDFILE)', codes=(-9, 0))

    def test_client_killed_receiving(self):
        self.every('run', 'server', command='kill -9 $(cat PIDFILE)', codes=(-9, 0))

    def test_epoch_stolen(self):
        steal = "echo 'UPDATE migrate_head SET epoch=epoch+1' | %s >/dev/null 2>&1 &" % ' '.join(mytest.client('DB'))
        self.every('run', 'client', command=steal, codes=(0, 5))


if __name__ == '__main__':
    mytest.main()
