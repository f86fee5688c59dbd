# SPDX-License-Identifier: Apache-2.0
"""Code migrations, and plans that are applied later: the C API."""

import json

from engine import EngineTest, only


class Code(EngineTest):
    def test_in_order_with_the_others(self):
        self.file('1_a.sql', self.table('a'))
        self.file('3_c.sql', 'INSERT INTO a VALUES (3, 3);')
        value = self.api('code', '2_b.py', 'INSERT INTO a VALUES (1, 1);;INSERT INTO a VALUES (2, 2)', 'open', 'run', 'up')[-1]
        self.assertEqual(self.ran(value), ['1', '2', '3'])
        self.assertEqual([m['statements'] for m in value['migrations']], [1, 2, 1])
        self.assertEqual(self.one('SELECT count(*) FROM a'), '3')
        again = self.api('code', '2_b.py', 'other text', 'open', 'run', 'up')[-1]
        self.assertEqual(again['applied'], 0, 'without a checksum it is never changed')

    def test_failure(self):
        self.file('1_a.sql', self.table('a'))
        value, code = self.api_any('code', '2_b.py', 'INSERT INTO a VALUES (1, 1);;INSERT INTO nowhere VALUES (1)', 'open', 'run', 'up')
        self.assertEqual((value['error']['status'], value['error']['version'], code), ('E_SQL', '2', 6))
        if self.engine.transactional:
            self.assertEqual(self.one('SELECT count(*) FROM a'), '0')
        value, code = self.api_any('code', '2_b.py', 'INSERT INTO a VALUES (1, 1);;!fail', 'open', 'run', 'up')
        self.assertEqual((value['error']['status'], code), ('E_CALLBACK', 1))
        self.assertIn('the code failed', value['error']['message'])
        self.api('code', '2_b.py', 'INSERT INTO a VALUES (1, 1)', 'open', 'run', 'up')
        self.assertEqual(self.one('SELECT count(*) FROM a'), '1')

    def test_transaction_control_is_refused(self):
        self.file('1_a.sql', self.table('a'))
        for words in ('COMMIT', 'ROLLBACK', 'BEGIN'):
            value, code = self.api_any('code', '2_b.py', 'INSERT INTO a VALUES (1, 1);;' + words, 'open', 'run', 'up')
            self.assertEqual((value['error']['status'], code), ('E_TRANSACTION', 3), words)

    def test_down(self):
        text = 'CREATE TABLE a (id INTEGER);;;DROP TABLE a'
        self.file('2_b.up.sql', self.table('b'))
        self.file('2_b.down.sql', 'DROP TABLE b;')
        self.api('code', '1_a.py', text, 'open', 'run', 'up')
        value = self.api('code', '1_a.py', text, 'open', 'run', 'down', 'run', 'down')
        self.assertEqual([self.ran(v) for v in value], [['2'], ['1']])
        self.assertFalse(self.exists('a'))
        value, code = self.api_any('code', '1_a.py', 'CREATE TABLE a (id INTEGER)', 'open', 'run', 'up', 'run', 'down', 'run', 'down')
        self.assertEqual(value['error']['status'], 'E_IRREVERSIBLE')

    def test_all_in_one_transaction(self):
        if not self.engine.transactional:
            return
        self.file('1_a.sql', self.table('a'))
        self.file('3_c.sql', 'INSERT INTO nowhere VALUES (1);')
        value, code = self.api_any('set', 'transaction=all', 'code', '2_b.py', 'INSERT INTO a VALUES (1, 1)', 'open', 'run', 'up')
        self.assertEqual((value['error']['version'], code), ('3', 6))
        self.assertFalse(self.exists('a'))
        self.file('3_c.sql', 'INSERT INTO a VALUES (2, 2);')
        value = self.api('set', 'transaction=all', 'code', '2_b.py', 'INSERT INTO a VALUES (1, 1)', 'open', 'run', 'up')[-1]
        self.assertEqual(self.ran(value), ['1', '2', '3'])
        self.assertEqual(self.one('SELECT count(*) FROM a'), '2')

    def test_a_swallowed_failure(self):
        """On PostgreSQL the transaction is dead then; nobody may think that it was committed."""
        self.file('1_a.sql', self.table('a'))
        value, code = self.api_any('code', '2_b.py', 'INSERT INTO a VALUES (1, 1);;!ignore INSERT INTO nowhere VALUES (1)',
                                   'open', 'run', 'up')
        applied = dict((m['version'], m['state']) for m in self.api('code', '2_b.py', '', 'open', 'status')[-1]['migrations'])
        self.assertEqual(applied['2'] == 'applied', self.one('SELECT count(*) FROM a') == '1' and code == 0)

    @only('mysql')
    def test_goes_on_where_it_was(self):
        self.file('1_a.sql', self.table('a'))
        first = 'INSERT INTO a VALUES (1, 1);;CREATE TABLE b (id INT);;'
        self.api_any('code', '2_b.py', first + 'INSERT INTO nowhere VALUES (1)', 'open', 'run', 'up')
        value = self.api('code', '2_b.py', first + 'INSERT INTO a VALUES (2, 2)', 'open', 'run', 'up')[-1]
        self.assertEqual(self.ran(value), ['2'])
        self.assertEqual(self.one('SELECT count(*) FROM a'), '2')

    @only('mysql')
    def test_another_text_where_one_is_done(self):
        self.file('1_a.sql', self.table('a'))
        self.api_any('code', '2_b.py', 'INSERT INTO a VALUES (1, 1);;!fail', 'open', 'run', 'up')
        value, code = self.api_any('code', '2_b.py', 'INSERT INTO a VALUES (7, 7)', 'open', 'run', 'up')
        self.assertEqual((value['error']['status'], code), ('E_DOUBT', 4))

    def test_not_in_a_script(self):
        self.file('1_a.sql', self.table('a'))
        self.assertEqual(self.api('code', '2_b.py', 'SELECT 1', 'open', 'plan', 'up')[-1]['steps'][1]['version'], '2')


class Plan(EngineTest):
    def setUp(self):
        super().setUp()
        self.files(V1=self.table('a'), V2=self.table('b'))
        self.up('--to', '1')

    def shell(self, text):
        """A command that changes the database from elsewhere."""
        import shlex
        from engine import MIGRATE
        return 'cd %s && %s -d %s %s >/dev/null 2>&1' % (shlex.quote(self.folder), MIGRATE, shlex.quote(self.url), text)

    def test_applied_as_it_was_made(self):
        plan, report = self.api('open', 'plan', 'up', 'apply')
        self.assertEqual(self.ran(report), [s['version'] for s in plan['steps']])
        self.check()

    def stale(self, *between):
        value, code = self.api_any('open', 'plan', 'up', *between, 'apply')
        self.assertEqual((value['error']['status'], code), ('E_STALE', 4), value)
        return value

    def test_somebody_applied_it(self):
        self.stale('sh', self.shell('up'))

    def test_somebody_reverted(self):
        self.file('U1__x.sql', 'DROP TABLE a;')
        self.stale('sh', self.shell('down'))
        self.assertFalse(self.exists('b'))

    def test_somebody_did_and_undid(self):
        self.file('U1__x.sql', 'DROP TABLE a;')
        self.stale('sh', self.shell('redo'))

    def test_a_file_changed(self):
        self.stale('sh', 'echo "-- more" >> %s/migrations/V2__v2.sql' % self.folder)
        self.assertFalse(self.exists('b'))

    def test_a_file_was_added(self):
        self.stale('sh', 'echo "SELECT 1;" > %s/migrations/V3__v3.sql' % self.folder)
        self.assertFalse(self.exists('b'))

    def test_on_an_empty_database(self):
        self.url = self.engine.other(self, 'empty')
        plan, report = self.api('open', 'plan', 'up', 'apply')
        self.assertEqual(self.ran(report), ['1', '2'])

    def test_on_an_empty_database_that_is_so_no_more(self):
        self.url = self.engine.other(self, 'empty')
        self.stale('sh', self.shell('up --to 1'))
        self.assertFalse(self.engine.exists('b', self.url))

    def test_while_it_waits_for_the_lock(self):
        """Another run comes in between the plan's check and the lock."""
        for url in (self.url, self.engine.other(self, 'empty')):
            self.url = url
            value, code = self.api_any('open', 'plan', 'up', 'on', 'run_begin', self.shell('up'), 'apply')
            self.assertEqual((value['error']['status'], code), ('E_STALE', 4), value)

    def test_down(self):
        self.file('U1__x.sql', 'DROP TABLE a;')
        plan, report = self.api('open', 'plan', 'down', 'apply')
        self.assertEqual((self.ran(report), report['reverted']), (['1'], 1))


class Moved(EngineTest):
    """A file that changes between plan and execution is noticed before its text is committed."""

    def test_of_a_later_migration(self):
        for n, batch in enumerate(('auto', 'off')):
            self.url = self.engine.other(self, 'moved%d' % n)
            self.env['MIGRATE_DATABASE_URL'] = self.url
            self.files(V1=self.table('a'), V2=self.table('b'), V3=self.table('c'))
            value, code = self.api_any('set', 'batch=' + batch, 'open', 'on', 'run_begin',
                                       'echo "CREATE TABLE d (id INTEGER);" >> %s/migrations/V2__v2.sql' % self.folder, 'run', 'up')
            self.assertEqual((value['error']['status'], code), ('E_SOURCE_MOVED', 3), value)
            self.assertEqual((value['error']['path'], value['applied']), ('V2__v2.sql', 1))
            states = self.states()
            self.assertEqual((states['1'], states['3']), ('applied', 'pending'))
            if self.engine.transactional:
                self.assertEqual(states['2'], 'pending')
                self.assertFalse(self.engine.exists('b', self.url))
            self.assertFalse(self.engine.exists('c', self.url))
            self.assertIn('1', [m['version'] for m in value['migrations']])
            self.files(V2=self.table('b'))
            self.up()
            self.check()

    def test_gone(self):
        self.files(V1=self.table('a'), V2=self.table('b'))
        value, code = self.api_any('open', 'on', 'run_begin', 'rm %s/migrations/V2__v2.sql' % self.folder, 'run', 'up')
        self.assertEqual(code, 3, value)
        self.assertEqual((value['applied'], value['error']['path']), (1, 'V2__v2.sql'))
