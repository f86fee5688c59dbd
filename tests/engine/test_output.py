# SPDX-License-Identifier: Apache-2.0
"""The JSON of every command, and what an error object holds."""

import os
import re

from engine import EngineTest, only

INSTANT = r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$'
ROW = ['version', 'name', 'kind', 'state', 'path', 'checksum', 'statements', 'done', 'transaction', 'applied_at', 'elapsed_ms']
STATUS = ['schema', 'database', 'server', 'state', 'version', 'pending', 'migrations']
RUN = STATUS + ['applied', 'reverted', 'elapsed_ms', 'lock_wait_ms', 'round_trips']
ERROR = ['status', 'class', 'message', 'hint', 'state', 'sqlstate', 'code', 'version', 'path', 'line', 'column', 'statement',
         'cause']


class Json(EngineTest):
    def setUp(self):
        super().setUp()
        self.file('V1__first_table.sql', self.table('a') + self.table('a2'))
        self.file('U1__x.sql', 'DROP TABLE a2;\nDROP TABLE a;\n')
        self.file('R__again.sql', 'SELECT 1;')

    def keys(self, value, wanted):
        for key in wanted:
            self.assertIn(key, value)

    def test_status_and_verify(self):
        value = self.json('status')
        self.keys(value, STATUS)
        self.assertEqual((value['schema'], value['state'], value['version'], value['pending']), (1, 'pending', '', 2))
        self.assertIn(value['database'], ('sqlite', 'postgres', 'mysql'))
        self.assertRegex(value['server'], r'\d+\.\d+')
        pending = value['migrations'][0]
        self.keys(pending, ROW)
        self.assertEqual((pending['version'], pending['kind'], pending['path'], pending['applied_at']),
                         ('1', 'V', 'V1__first_table.sql', None))
        self.up()
        for command in ('status', 'verify'):
            value = self.json(command)
            self.keys(value, STATUS)
            self.assertEqual((value['state'], value['version'], value['pending']), ('current', '1', 0))
            row, again = value['migrations']
            self.assertEqual((row['version'], row['name'], row['kind'], row['state'], row['statements'], row['done'],
                              row['transaction']), ('1', 'first table', 'V', 'applied', 2, 2, self.engine.transactional))
            self.assertRegex(row['applied_at'], INSTANT)
            self.assertRegex(row['checksum'], '^sha256:[0-9a-f]{64}$')
            self.assertGreaterEqual(row['elapsed_ms'], 0)
            self.assertEqual((again['version'], again['name'], again['kind']), ('', 'again', 'R'))

    def test_up_down_redo(self):
        value = self.up()
        self.keys(value, RUN)
        self.assertEqual((value['applied'], value['reverted'], len(value['migrations'])), (2, 0, 2))
        self.assertRegex(value['migrations'][0]['applied_at'], INSTANT)
        self.assertGreater(value['round_trips'], 0)
        value = self.json('redo')
        self.keys(value, RUN)
        value = self.json('down')
        self.keys(value, RUN)
        self.assertEqual((value['applied'], value['reverted'], value['version'], value['state']), (0, 1, '', 'pending'))

    def test_plan(self):
        value = self.json('plan', '--sql')
        step = value['steps'][0]
        self.keys(step, ['version', 'name', 'direction', 'transaction', 'statements', 'destructive', 'may_doubt', 'sql'])
        self.assertEqual((step['version'], step['direction'], step['statements'], len(step['sql'])), ('1', 'up', 2, 2))
        self.assertTrue(step['sql'][0].startswith('CREATE TABLE a'))
        self.up()
        self.assertEqual(self.json('plan')['steps'], [])
        step = self.json('plan', 'down')['steps'][0]
        self.assertEqual((step['direction'], len(step['destructive'])), ('down', 2))
        self.assertNotIn('sql', step)
        self.assertEqual([s['direction'] for s in self.json('plan', 'redo')['steps']], ['down', 'up'])

    def test_clocks_agree(self):
        """Instants are UTC whatever zone server and client live in."""
        import datetime
        self.json('up', env=dict(self.env, TZ='Asia/Tokyo', PGTZ='America/New_York'))
        at = self.json('status', env=dict(self.env, TZ='America/Lima'))['migrations'][0]['applied_at']
        at = datetime.datetime.strptime(at, '%Y-%m-%dT%H:%M:%S.%fZ').replace(tzinfo=datetime.timezone.utc)
        self.assertLess(abs((datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()), 60)

    def test_other_commands(self):
        self.assertRegex(self.json('hash')['hash'], '^sha256:')
        self.json('version')
        self.json('wait')
        value = self.json('lock')
        self.assertEqual(value['state'], 'free')
        self.assertIn('sql', self.json('init', '--sql'))
        self.json('init')
        self.assertTrue(self.exists('migrate_head'))
        self.json('init')
        self.assertEqual(self.ran(self.up()), ['1', 'R:again'])

    def test_history_row(self):
        self.json('up', '-o', 'client=me & "you"')
        row = self.sql("SELECT kind, version, name, state, statements, done, seq, client FROM migrate_history WHERE kind = 'V'")[0]
        self.assertEqual(row, ('V', '1', 'first table', 'applied', '2', '2', '1', 'me & "you"'))
        columns = 'checksum, epoch, started_at, finished_at, elapsed_ms, run_id'
        row = self.sql('SELECT %s FROM migrate_history' % columns)[0]
        self.assertNotIn('NULL', row)
        if self.engine.dialect != 'sqlite':
            self.assertNotEqual(self.sql('SELECT who FROM migrate_history')[0][0], 'NULL')


class Errors(EngineTest):
    def test_sql_error(self):
        self.files(V1='SELECT 1;\n\nSELECT 1,\n  nocolumn;\n')
        error = self.fails('E_SQL', 'up')
        for key in ERROR:
            self.assertIn(key, error)
        self.assertEqual((error['class'], error['version'], error['path'], error['statement']), (6, '1', 'V1__v1.sql', 2))
        self.assertIn('nocolumn', error['message'])
        if self.engine.dialect == 'postgres':
            self.assertEqual((error['sqlstate'], error['line'], error['column']), ('42703', 4, 3))
        elif self.engine.dialect == 'mysql':
            self.assertEqual((error['sqlstate'], error['code'], error['line']), ('42S22', 1054, 3))
        else:
            self.assertEqual((error['code'], error['line']), (1, 4))
        self.assertTrue(error['hint'])
        self.assertTrue(error['state'])

    def test_position_behind_wide_characters(self):
        self.files(V1="/* größe */ SELECT '數數', 'é' FROM nowhere_at_all;\n")
        error = self.fails('E_SQL', 'up')
        self.assertEqual(error['line'], 1)
        if self.engine.dialect == 'postgres':
            self.assertEqual(error['column'], 35)

    def test_text_for_people(self):
        self.files(V1='CREATE TABLE a (\n  id INTEGER PRIMARY KEY,\n  n WRONG WRONG,\n);\n')
        done = self.migrate('up', code=6)
        self.assertEqual(done.stdout, '')
        self.assertRegex(done.stderr, r'(?m)^error: V1__v1\.sql:\d+:\d+: ')
        self.assertRegex(done.stderr, r'(?m)^hint: ')

    def test_error_is_cut_in_history(self):
        self.files(V1='SELECT nope, %s;\n' % ', '.join("'%s'" % ('x' * 90) for _ in range(100)))
        self.fails('E_SQL', 'up')
        self.assertLessEqual(int(self.one('SELECT max(length(error)) FROM migrate_history')), 2048)

    def test_a_password_is_never_shown(self):
        self.files(V1='SELECT 1;')
        url = {'sqlite': None, 'postgres': re.sub('//postgres@', '//postgres:s3cr3t@', self.url),
               'mysql': re.sub('//root@', '//nobody:s3cr3t@', self.url)}[self.engine.dialect]
        if not url:
            return
        for args in (('up',), ('-v', 'up'), ('--json', '-v', 'status')):
            done = self.migrate(*args, env=dict(self.env, MIGRATE_DATABASE_URL=url, MIGRATE_LOG_LEVEL='debug'))
            self.assertNotIn('s3cr3t', done.stdout + done.stderr)

    def test_two_equal_failures_are_told_apart_by_statement(self):
        self.files(V1='SELECT 1;\nSELECT nocolumn;\nSELECT nocolumn;\n')
        self.assertEqual(self.fails('E_SQL', 'up')['statement'], 2)

    @only('postgres')
    def test_error_in_a_function_body_and_by_a_trigger(self):
        self.files(V1="CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RAISE EXCEPTION 'not so' USING HINT = "
                      "'do otherwise', DETAIL = 'because';\nEND $$;\n", V2='SELECT f();\n')
        error = self.fails('E_SQL', 'up')
        self.assertEqual((error['version'], error['sqlstate'], error['line']), ('2', 'P0001', 1))
        self.assertIn('do otherwise', error['message'] + error['hint'])

    @only('postgres')
    def test_deferred_constraint_at_commit(self):
        self.files(V1='CREATE TABLE p (id int primary key);\nCREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);',
                   V2='INSERT INTO c VALUES (7);\n', V3=self.table('x'))
        error = self.fails('E_SQL', 'up')
        self.assertEqual((error['version'], error['sqlstate'], error['path']), ('2', '23503', 'V2__v2.sql'))
        self.assertEqual(self.states(), {'1': 'applied', '2': 'pending', '3': 'pending'})


class ReadOnly(EngineTest):
    """Nothing to do, status, plan and verify write nothing and need no right to."""

    def setUp(self):
        super().setUp()
        self.files(V1=self.table('a'))

    def test_create_nothing(self):
        for command in ('status', 'plan', 'verify', 'lock', 'hash'):
            self.json(command)
            self.assertFalse(self.exists('migrate_head'), command)
        self.json('down')
        self.assertFalse(self.exists('migrate_head'))

    @only('sqlite')
    def test_sqlite_file(self):
        self.json('status')
        self.up()
        os.chmod(self.engine.path, 0o444)
        os.chmod(self.folder, 0o555)
        self.addCleanup(os.chmod, self.folder, 0o755)
        for command in ('status', 'plan', 'verify', 'up'):
            self.json(command)

    @only('postgres')
    def test_postgres_role(self):
        self.up()
        self.files(V2=self.table('b'))
        self.sql("DROP ROLE IF EXISTS reader;\nCREATE ROLE reader LOGIN;\nGRANT USAGE ON SCHEMA public TO reader;\n"
                 "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;\n")
        self.addCleanup(self.sql, 'DROP OWNED BY reader; DROP ROLE reader')
        env = dict(self.env, MIGRATE_DATABASE_URL=self.url.replace('postgres@', 'reader@'))
        for command in ('status', 'plan', 'verify'):
            self.json(command, env=env)
        done = self.json('up', code=6, env=env)
        self.assertEqual(done['error']['status'], 'E_DENIED')
        self.assertFalse(self.exists('b'))
        self.up()
        self.assertEqual(self.json('up', env=env)['applied'], 0, 'with nothing to do reading is enough')

    @only('mysql')
    def test_mysql_user(self):
        self.up()
        self.files(V2=self.table('b'))
        self.sql("CREATE USER IF NOT EXISTS 'reader'@'127.0.0.1' IDENTIFIED BY 'r';\nGRANT SELECT ON %s.* TO 'reader'@'127.0.0.1'"
                 % self.engine.database)
        self.addCleanup(self.sql, "DROP USER 'reader'@'127.0.0.1'")
        env = dict(self.env, MIGRATE_DATABASE_URL=self.url.replace('root@', 'reader:r@'))
        for command in ('status', 'plan', 'verify'):
            self.json(command, env=env)
        done = self.json('up', code=6, env=env)
        self.assertEqual(done['error']['status'], 'E_DENIED')
        self.assertFalse(self.exists('b'))
        self.up()
        self.assertEqual(self.json('up', env=env)['applied'], 0)
