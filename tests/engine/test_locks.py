# SPDX-License-Identifier: Apache-2.0
"""The migration lock, the fence, time, and being asked to stop."""

import json
import os
import signal
import time

from engine import EngineTest, Failed, only

SLEEP = {'postgres': 'SELECT pg_sleep(%d);\n', 'mysql': 'DO SLEEP(%d);\n',
         'sqlite': 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < %d000000) SELECT max(x) FROM c;\n'}


class Slow(EngineTest):
    """A run that is in the middle of its second migration."""

    def sleep(self, seconds):
        return SLEEP[self.engine.dialect] % seconds

    def busy(self, seconds=20, *args, after=''):
        self.files(V1=self.table('a'), V2=self.table('b') + self.sleep(seconds) + 'INSERT INTO b VALUES (1, 1);\n' + after,
                   V3=self.table('c'))
        process = self.start('up', *args)
        self.wait_for(lambda: self.sql("SELECT 1 FROM migrate_history WHERE version = '1'"))
        time.sleep(0.2)
        return process


class Lock(Slow):
    @only('postgres', 'mysql')
    def test_time_out_names_the_holder(self):
        self.busy(20, '-o', 'client=first one')
        before = time.monotonic()
        error = self.fails('E_LOCK_TIMEOUT', 'up', '-o', 'lock_wait=1s')
        self.assertEqual(error['class'], 5)
        self.assertLess(time.monotonic() - before, 15)
        text = error['message'] + (error['hint'] or '')
        number = {'postgres': "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted",
                  'mysql': "SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP(20)%' AND info NOT LIKE '%process%'"}
        holder = self.sql(number[self.engine.dialect])[0][0]
        self.assertIn(holder, text)
        if self.engine.dialect == 'postgres':
            self.assertIn('first one', text)

    @only('postgres', 'mysql')
    def test_inspect(self):
        self.assertEqual(self.json('lock')['state'], 'free')
        self.busy(20)
        value = self.json('lock')
        self.assertEqual(value['state'], 'locked')
        self.assertTrue(value['holder']['session'])
        self.assertIn(value['holder']['session'], self.migrate('lock').stdout)

    @only('sqlite')
    def test_a_holder_cannot_be_named_on_sqlite(self):
        text = self.migrate('lock').stdout
        self.assertIn('cannot', text)

    @only('postgres', 'mysql')
    def test_break_fences_the_holder(self):
        process = self.busy(20)
        began = time.monotonic()
        self.json('lock', '--break')
        value, code, _ = self.finish(process)
        self.assertLess(time.monotonic() - began, 15)
        self.assertEqual((value['error']['status'], code), ('E_FENCED', 5))
        self.assertEqual(self.json('lock')['state'], 'free')
        self.assertFalse(self.exists('c'))
        if self.engine.transactional:
            self.assertFalse(self.exists('b'))
        self.files(V2=self.table('b') + self.sleep(0) + 'INSERT INTO b VALUES (1, 1);\n')
        if self.engine.dialect == 'mysql':
            self.files(V2=self.table('b') + 'INSERT INTO b VALUES (1, 1);\n')
        self.up()
        self.assertEqual(self.one('SELECT count(*) FROM b'), '1')
        self.check()

    @only('postgres', 'mysql')
    def test_the_second_waits_and_finds_all_done(self):
        process = self.busy(2)
        value = self.up()
        self.assertEqual(value['applied'], 0)
        self.assertGreater(value['lock_wait_ms'], 200)
        first, code, _ = self.finish(process)
        self.assertEqual((code, first['applied']), (0, 3))

    @only('postgres', 'mysql')
    def test_no_wait(self):
        self.busy(20)
        self.fails('E_LOCK_TIMEOUT', 'up', '-o', 'lock_wait=0')

    @only('postgres', 'mysql')
    def test_lease(self):
        self.files(V1=self.table('a'))
        self.assertEqual(self.ran(self.up('-o', 'lock=lease')), ['1'])
        self.files(V2=self.table('b'))
        self.assertEqual(self.ran(self.up('-o', 'lock=lease')), ['2'])

    def test_every_kind(self):
        self.files(V1=self.table('a'))
        for n, kind in enumerate(('auto', 'session', 'none')):
            self.files(**{'V%d' % (n + 2): self.table('t%d' % n)})
            value = self.up('-o', 'lock=' + kind)
            self.assertEqual(value['state'], 'current', kind)

    def test_a_stop_gives_the_lock_back(self):
        process = self.busy(20)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        self.finish(process)
        self.assertEqual(self.json('lock')['state'], 'free')


class Epoch(Slow):
    """The epoch is stolen while a migration runs: nothing of it stays where that can be, and E_FENCED is said."""

    STEAL = 'UPDATE migrate_head SET epoch = epoch + 1'

    def steal(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                self.sql(self.STEAL)
                return
            except Failed:
                time.sleep(0.05)
        self.fail('could not steal')

    @only('mysql')
    def test_during_a_statement(self):
        process = self.busy(2)
        self.steal()
        value, code, _ = self.finish(process)
        self.assertEqual((value['error']['status'], code), ('E_FENCED', 5))
        self.assertFalse(self.exists('c'))
        self.assertIn(self.states()['2'], ('failed', 'applied'))
        self.up()
        self.assertEqual(self.one('SELECT count(*) FROM b'), '1')

    @only('postgres')
    def test_the_thief_waits_for_the_transaction(self):
        """The head row is locked by the work itself: what is under way is done first, the next is fenced."""
        process = self.busy(2)
        self.steal()
        value, code, _ = self.finish(process)
        if code:  # else the third one was quicker than the thief
            self.assertEqual((value['error']['status'], code), ('E_FENCED', 5))
            self.assertEqual(self.states(), {'1': 'applied', '2': 'applied', '3': 'pending'})
            self.assertEqual(self.ran(self.up()), ['3'])
        self.check()

    def source(self):
        self.file('V1__a.sql', self.table('a') + 'INSERT INTO a VALUES (1, 0);\n')
        self.file('V2__b.sql', 'UPDATE a SET n = n + 1;\n' + self.table('b') + 'UPDATE a SET n = n + 10;\n')
        self.file('V3__c.sql', '-- migrate: no-transaction\nUPDATE a SET n = n + 100;\n' + self.table('c')
                  + 'UPDATE a SET n = n + 1000;\n')
        self.file('V4__d.sql', self.table('d') + 'UPDATE a SET n = n + 10000;\n')

    def command(self):
        """The theft from within a callback, by another connection."""
        if self.engine.dialect == 'sqlite':
            self.engine.need_program()
            return "sqlite3 -cmd '.timeout 200' %s '%s'" % (self.engine.path, self.STEAL)
        if self.engine.dialect == 'postgres':
            return "PGOPTIONS='-c lock_timeout=300ms' %s -q -d '%s' -c '%s' 2>/dev/null" % (self.engine.psql[0], self.url, self.STEAL)
        return "%s %s -e 'SET innodb_lock_wait_timeout=1; %s' 2>/dev/null" % (' '.join(self.engine.mysql), self.engine.database,
                                                                            self.STEAL)

    def anew(self):
        if self.engine.dialect == 'sqlite':
            if os.path.exists(self.engine.path):
                os.unlink(self.engine.path)
        else:
            self.url = self.env['MIGRATE_DATABASE_URL'] = self.engine.fresh(self)

    def mark(self, name):
        path = os.path.join(self.folder, name)
        there = os.path.exists(path)
        if there:
            os.unlink(path)
        return there

    def test_between_any_two_steps(self):
        """At each event of a run; where the head row is locked by the work the thief comes in vain."""
        self.source()
        fenced = n = 0
        while True:
            n += 1
            self.anew()
            command = 'touch %s/reached; %s && touch %s/stolen' % (self.folder, self.command(), self.folder)
            value, code = self.api_any('open', 'set', 'batch=off', 'at', str(n), command, 'run', 'up')
            if not self.mark('reached'):
                break
            if self.mark('stolen') and code:
                self.assertEqual(value['error']['status'], 'E_FENCED')
                fenced += 1
            else:
                self.assertEqual(code, 0, value)
            self.up()
            self.assertEqual(self.one('SELECT n FROM a'), '11111', 'stolen at event %d' % n)
            self.assertEqual(len(self.history()), 4)
            self.check()
        self.assertGreater(n, 15)
        self.assertGreaterEqual(fenced, 3)


class Time(Slow):
    def test_deadline_between_statements(self):
        self.files(V1=self.table('t1'), **{'V%d' % v: self.sleep(1) + self.table('t%d' % v) for v in range(2, 10)})
        if self.engine.dialect == 'sqlite':
            self.files(**{'V%d' % v: self.table('t%d' % v) + self.sleep(3) for v in range(2, 30)})
        done = self.migrate('--json', 'up', '-o', 'deadline=3s')
        value = json.loads(done.stdout)
        self.assertEqual(done.returncode, 7, done.stdout)
        self.assertIn(value['error']['status'], ('E_MORE_WORK', 'E_DEADLINE'))
        self.assertTrue(value['more'])
        self.assertGreaterEqual(value['applied'], 1)
        self.assertLess(value['applied'], len(self.states()))
        self.assertEqual(self.json('lock')['state'], 'free')
        self.assertEqual(len([s for s in self.states().values() if s == 'applied']), value['applied'])

    def test_deadline_in_a_statement(self):
        process = self.busy(60 if self.engine.dialect != 'sqlite' else 900, '-o', 'deadline=2s')
        value, code, _ = self.finish(process, 30)
        self.assertEqual((value['error']['status'], code, value['more']), ('E_DEADLINE', 7, True))
        if self.engine.transactional:
            self.assertEqual(self.states(), {'1': 'applied', '2': 'pending', '3': 'pending'})
        self.assertEqual(self.json('lock')['state'], 'free')

    def test_deadline_while_waiting_for_the_lock(self):
        if self.engine.dialect == 'sqlite':
            holder = self.session()
            self.files(V1=self.table('a'))
            holder.ask('BEGIN IMMEDIATE')
        else:
            self.busy(20)
        before = time.monotonic()
        self.fails('E_DEADLINE', 'up', '-o', 'deadline=1s')
        self.assertLess(time.monotonic() - before, 15)

    def test_a_deadline_that_is_kept(self):
        self.files(V1=self.table('a'))
        value = self.up('-o', 'deadline=1m')
        self.assertEqual(value['applied'], 1)


class Signals(Slow):
    def test_once_stops_between_statements(self):
        seconds = 3 if self.engine.dialect != 'sqlite' else 12
        process = self.busy(seconds)
        process.send_signal(signal.SIGINT)
        value, code, _ = self.finish(process)
        self.assertEqual((value['error']['status'], code), ('E_STOPPED', 7))
        self.assertFalse(self.exists('c'))
        self.assertEqual(self.json('lock')['state'], 'free')
        self.assertNotEqual(self.up()['applied'], 0)
        self.assertEqual(self.one('SELECT count(*) FROM b'), '1')

    def test_twice_cancels(self):
        process = self.busy(60 if self.engine.dialect != 'sqlite' else 900)
        before = time.monotonic()
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        value, code, _ = self.finish(process)
        self.assertLess(time.monotonic() - before, 30)
        self.assertEqual((value['error']['status'], code), ('E_CANCELLED', 7))
        if self.engine.transactional:
            self.assertFalse(self.exists('b'))
            self.assertEqual(self.states(), {'1': 'applied', '2': 'pending', '3': 'pending'})
        self.assertEqual(self.json('lock')['state'], 'free')

    def test_while_waiting_for_the_lock(self):
        if self.engine.dialect == 'sqlite':
            self.files(V1=self.table('a'))
            holder = self.session()
            holder.ask('BEGIN IMMEDIATE')
        else:
            self.busy(20)
        second = self.start('up')
        time.sleep(0.7)
        second.send_signal(signal.SIGTERM)
        value, code, _ = self.finish(second, 10)
        self.assertEqual((value['error']['status'], code), ('E_STOPPED', 7))


class Waiting(EngineTest):
    """An application's lock on a table: our statement gives way and comes again."""

    @only('postgres', 'mysql')
    def test_retry(self):
        self.files(V1=self.table('a'))
        self.up()
        self.files(V2='ALTER TABLE a ADD COLUMN x INTEGER;\n')
        holder = self.session()
        holder.ask('BEGIN')
        holder.ask('INSERT INTO a VALUES (1, 1)')
        process = self.start('-v', 'up', '-o', 'lock_timeout=1s')
        time.sleep(3)
        self.assertIsNone(process.poll())
        holder.ask('COMMIT')
        value, code, stderr = self.finish(process)
        self.assertEqual((code, value['applied']), (0, 1))
        self.assertIn('retry', stderr)

    @only('sqlite')
    def test_busy(self):
        self.files(V1=self.table('a'))
        holder = self.session()
        holder.ask('BEGIN IMMEDIATE')
        process = self.start('up')
        time.sleep(1)
        self.assertIsNone(process.poll())
        holder.ask('COMMIT')
        value, code, _ = self.finish(process)
        self.assertEqual((code, value['applied']), (0, 1))
