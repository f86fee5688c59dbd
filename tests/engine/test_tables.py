# SPDX-License-Identifier: Apache-2.0
"""Our own tables: where they are, how they are called, and what happens when others wrote in them."""

from engine import EngineTest, only


class Format(EngineTest):
    def setUp(self):
        super().setUp()
        self.files(V1=self.table('a'))
        self.up()
        self.sql('UPDATE migrate_head SET format = 99')

    def test_a_newer_format_may_be_read(self):
        self.assertEqual(self.states(), {'1': 'applied'})
        self.json('plan')
        self.json('verify')
        self.assertEqual(self.up()['applied'], 0, 'nothing to do')

    def test_but_not_written(self):
        self.files(V2=self.table('b'))
        self.file('U1__x.sql', 'DROP TABLE a;')
        for command in (('up',), ('down',), ('redo',), ('baseline', '1'), ('resolve', '1', '--applied')):
            done = self.migrate('--json', *command)
            self.assertIn(done.returncode, (4,) if command[0] not in ('resolve', 'baseline') else (1, 4), command)
        error = self.fails('E_FORMAT', 'up')
        self.assertEqual(error['class'], 4)
        self.assertIn('99', error['message'])
        self.assertTrue(error['hint'])
        self.assertFalse(self.exists('b'))


class EditedByHand(EngineTest):
    def setUp(self):
        super().setUp()
        self.files(V1=self.table('a'), V2=self.table('b'))
        self.up('--to', '1')

    def refused(self):
        error = self.fails('E_HISTORY', 'up')
        self.assertEqual(error['class'], 4)
        self.assertTrue(error['hint'])
        self.assertFalse(self.exists('b'))

    def test_state(self):
        self.sql("UPDATE migrate_history SET state = 'odd'")
        self.refused()
        self.fails('E_HISTORY', 'status')

    def test_kind(self):
        self.sql("UPDATE migrate_history SET kind = 'X'")
        self.refused()

    def test_head_without_its_row(self):
        self.sql('DELETE FROM migrate_head')
        self.refused()

    def test_head_gone_history_there(self):
        self.sql('DROP TABLE migrate_head')
        self.refused()
        self.fails('E_HISTORY', 'status')

    def test_history_gone_head_there(self):
        self.sql('DROP TABLE migrate_history')
        self.refused()

    def test_a_row_deleted(self):
        """Then it is pending, and runs: the database says that the table is there."""
        self.sql('DELETE FROM migrate_history')
        self.assertEqual(self.states(), {'1': 'pending', '2': 'pending'})
        self.fails('E_SQL', 'up')
        self.sql('DROP TABLE a')
        self.assertEqual(self.ran(self.up()), ['1', '2'])
        self.check()

    def test_a_row_written(self):
        self.sql("INSERT INTO migrate_history (kind, version, name, state, statements, done, seq, epoch, started_at, finished_at, "
                 "elapsed_ms) SELECT kind, '2', 'by hand', state, statements, done, seq, epoch, started_at, finished_at, elapsed_ms "
                 "FROM migrate_history")
        self.assertEqual(self.states(), {'1': 'applied', '2': 'applied'})
        self.assertEqual(self.up()['applied'], 0)

    def test_nonsense_in_numbers(self):
        self.sql("UPDATE migrate_history SET statements = 1, elapsed_ms = 9223372036854775807")
        self.json('status')


class Names(EngineTest):
    def tables(self, like):
        return sorted(self.sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%s'" % like
                               if self.engine.dialect == 'sqlite' else
                               "SELECT table_name FROM information_schema.tables WHERE table_name LIKE '%s'%s" %
                               (like, ' AND table_schema = DATABASE()' if self.engine.dialect == 'mysql' else '')))

    def test_prefix(self):
        self.files(V1=self.table('a'))
        for prefix in ('x_', 'Odd-Name$', '_', 'm' * 40):
            self.assertEqual(self.migrate('-o', 'table_prefix=' + prefix, 'status').returncode, 0, prefix)
        self.up('-o', 'table_prefix=Odd-$')
        self.assertEqual([t[0].lower() for t in self.tables('Odd-%')],
                         ['odd-$head', 'odd-$history', 'odd-$journal', 'odd-$lock'])
        self.assertFalse(self.exists('migrate_head'))
        self.assertEqual(self.up('-o', 'table_prefix=Odd-$')['applied'], 0)
        self.json('status', '--check', '-o', 'table_prefix=Odd-$')

    def test_bad_prefix(self):
        for prefix in ('a b', 'x"', "x'", 'x`', 'm' * 41):
            self.assertEqual(self.fails('E_OPTION', 'up', '-o', 'table_prefix=' + prefix)['class'], 1)

    def test_two_prefixes_are_two_histories(self):
        self.files(V1='SELECT 1;')
        self.up()
        self.assertEqual(self.ran(self.up('-o', 'table_prefix=other_')), ['1'])

    @only('postgres')
    def test_schema(self):
        self.files(V1=self.table('a'))
        for schema in ('plain', 'Odd "name"', "it's", 'größe'):
            quoted = '"%s"' % schema.replace('"', '""')
            self.sql('DROP TABLE IF EXISTS a')
            self.sql('CREATE SCHEMA %s' % quoted)
            self.assertEqual(self.ran(self.up('-o', 'schema=' + schema)), ['1'])
            self.assertEqual(self.up('-o', 'schema=' + schema)['applied'], 0)
            self.json('status', '--check', '-o', 'schema=' + schema)
            self.assertEqual(self.one('SELECT count(*) FROM %s.migrate_history' % quoted), '1')
            self.assertEqual(self.sql("SELECT schemaname FROM pg_tables WHERE tablename = 'a'"), [('public',)])
        self.assertFalse(self.sql("SELECT 1 FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'migrate%'"))

    @only('postgres')
    def test_schema_that_is_not_there(self):
        self.files(V1=self.table('a'))
        done = self.migrate('--json', '-o', 'schema=nowhere', 'up')
        if done.returncode == 0:  # made for us
            self.assertEqual(self.one('SELECT count(*) FROM nowhere.migrate_history'), '1')
        else:
            self.assertIn('nowhere', done.stderr)
            self.assertFalse(self.exists('a'))

    @only('postgres')
    def test_ours_are_not_what_search_path_finds_elsewhere(self):
        self.files(V1=self.table('a'))
        self.up()
        self.sql('CREATE SCHEMA first')
        url = self.url + '?options=-csearch_path%3Dfirst,public'
        value = self.json('-d', url, 'up')
        self.assertEqual(self.ran(value), ['1'])
        self.assertEqual(self.one('SELECT count(*) FROM first.migrate_history'), '1')
        self.assertEqual(self.json('-d', url, 'up')['applied'], 0)
        self.assertEqual(self.up()['applied'], 0)

    @only('mysql')
    def test_database_elsewhere(self):
        other = self.engine.create(self)
        self.files(V1=self.table('a'))
        self.up('-o', 'schema=' + other)
        self.assertEqual(self.one('SELECT count(*) FROM %s.migrate_history' % other), '1')
        self.assertTrue(self.exists('a'))
        self.assertFalse(self.exists('migrate_history'))
        self.assertEqual(self.up('-o', 'schema=' + other)['applied'], 0)

    @only('mysql')
    def test_odd_database_name(self):
        from urllib.parse import quote
        name = 'odd `na"me\' %d' % id(self)
        self.sql('CREATE DATABASE `%s`' % name.replace('`', '``'))
        self.addCleanup(self.sql, 'DROP DATABASE `%s`' % name.replace('`', '``'))
        self.files(V1=self.table('a'), V2='ALTER TABLE a ADD COLUMN x INT;')
        url = self.url.rsplit('/', 1)[0] + '/' + quote(name)
        self.assertEqual(self.ran(self.json('-d', url, 'up')), ['1', '2'])
        self.assertEqual(self.json('-d', url, 'up')['applied'], 0)
        self.json('-d', url, 'verify')

    @only('sqlite')
    def test_attached_schema(self):
        self.files(V1=self.table('a'))
        self.up('-o', 'schema=main')
        self.assertTrue(self.exists('migrate_head'))


class Init(EngineTest):
    def test_beforehand_and_printed(self):
        self.files(V1=self.table('a'))
        sql = self.json('init', '--sql')['sql']
        self.assertFalse(self.exists('migrate_head'))
        self.engine.run_script(sql, self.url)
        self.assertTrue(self.exists('migrate_head'))
        self.assertEqual(self.states(), {'1': 'pending'})
        self.assertEqual(self.ran(self.up()), ['1'])

    def test_twice(self):
        self.json('init')
        head = self.head()
        self.json('init')
        self.assertEqual(self.head(), head)

    def test_for_a_dialect_without_a_database(self):
        dialect = {'sqlite': 'sqlite', 'postgres': 'postgres', 'mysql': 'mysql'}[self.engine.dialect]
        done = self.migrate('init', '--sql', '--dialect', dialect, code=0)
        self.engine.run_script(done.stdout, self.url)
        self.files(V1=self.table('a'))
        self.assertEqual(self.ran(self.up()), ['1'])
