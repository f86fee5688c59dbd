# SPDX-License-Identifier: Apache-2.0
"""One transaction each, for all, or none; directives; files with BEGIN and COMMIT of their own."""

from engine import EngineTest, only

BAD = 'INSERT INTO nowhere VALUES (1);\n'


class Each(EngineTest):
    def test_what_is_before_the_failure_is_in_and_nothing_else(self):
        self.files(V1=self.table('a'), V2=self.table('b') + 'INSERT INTO b VALUES (1, 1);\n' + BAD, V3=self.table('c'))
        error = self.fails('E_SQL', 'up')
        self.assertEqual((error['version'], error['path'], error['line'], error['statement']), ('2', 'V2__v2.sql', 3, 3))
        self.assertEqual(self.value['applied'], 1)
        self.assertFalse(self.exists('c'))
        if self.engine.transactional:
            self.assertFalse(self.exists('b'))
            self.assertEqual(self.states(), {'1': 'applied', '2': 'pending', '3': 'pending'})
            self.assertIn('rolled back', error['state'])
        else:
            self.assertEqual(self.states(), {'1': 'applied', '2': 'failed', '3': 'pending'})

    @only('sqlite', 'postgres')
    def test_the_last_error_is_remembered_and_blocks_nothing(self):
        self.files(V1=BAD)
        self.fails('E_SQL', 'up')
        self.assertEqual(self.one("SELECT count(*) FROM migrate_history WHERE error LIKE '%nowhere%'"), '1')
        _, seq = self.head()
        self.assertEqual(seq, 0, 'a failure moves no seq')
        self.files(V1=self.table('a'))
        self.assertEqual(self.ran(self.up()), ['1'])
        self.assertEqual(self.one("SELECT coalesce(error, '-') FROM migrate_history"), '-')
        self.check()

    def test_a_failure_by_constraint(self):
        self.files(V1=self.table('a') + 'INSERT INTO a VALUES (1, 1);\nINSERT INTO a VALUES (1, 2);\n')
        error = self.fails('E_SQL', 'up')
        self.assertEqual((error['statement'], error['line'], error['class']), (3, 3, 6))
        if self.engine.dialect != 'postgres':
            self.assertNotEqual(error['code'], 0)
        if self.engine.dialect != 'sqlite':
            self.assertRegex(error['sqlstate'], '^23')


@only('sqlite', 'postgres')
class All(EngineTest):
    def test_success(self):
        self.files(V1=self.table('a'), V2=self.table('b'), V3=self.table('c'))
        value = self.up('-o', 'transaction=all')
        self.assertEqual((self.ran(value), value['applied']), (['1', '2', '3'], 3))
        self.assertEqual(self.head()[1], 3, 'the head moves per migration')
        self.assertEqual([r[1] for r in self.history()], ['1', '2', '3'])
        self.check()
        self.assertEqual(self.up()['applied'], 0)

    def test_failure_takes_everything_back(self):
        self.files(V1=self.table('a'), V2=self.table('b'), V3=self.table('c') + BAD)
        error = self.fails('E_SQL', 'up', '-o', 'transaction=all')
        self.assertEqual((error['version'], error['path'], error['statement'], error['line']), ('3', 'V3__v3.sql', 2, 2))
        self.assertEqual((self.value['applied'], self.value['pending']), (0, 3))
        self.assertFalse(self.exists('a'))
        self.assertEqual(self.states(), {'1': 'pending', '2': 'pending', '3': 'pending'})
        self.assertNotIn('before it are applied', error['state'])
        self.assertEqual(self.sql("SELECT version FROM migrate_history WHERE error IS NOT NULL"), [('3',)])
        self.files(V3=self.table('c'))
        self.assertEqual(self.up('-o', 'transaction=all')['applied'], 3)

    def test_one_that_cannot_be_inside_is_refused_before_anything_runs(self):
        cannot = {'sqlite': 'VACUUM;', 'postgres': 'CREATE INDEX CONCURRENTLY ai ON a (n);'}[self.engine.name]
        self.files(V1=self.table('a'), V2=cannot)
        error = self.fails('E_TRANSACTION', 'up', '-o', 'transaction=all')
        self.assertEqual((error['class'], error['path'], error['line']), (3, 'V2__v2.sql', 1))
        self.assertFalse(self.exists('a'))
        self.fails('E_TRANSACTION', 'plan', '-o', 'transaction=all')

    def test_a_directive_that_says_no_transaction(self):
        self.files(V1=self.table('a'), V2='-- migrate: no-transaction\n' + self.table('b'))
        self.fails('E_TRANSACTION', 'up', '-o', 'transaction=all')
        self.assertFalse(self.exists('a'))

    def test_down(self):
        for v in (1, 2):
            self.file('V%d__t.sql' % v, self.table('t%d' % v))
            self.file('U%d__t.sql' % v, 'DROP TABLE t%d;' % v)
        self.up()
        self.assertEqual(self.ran(self.json('down', '--all', '-o', 'transaction=all')), ['2', '1'])
        self.up('-o', 'transaction=all')
        self.file('U1__t.sql', BAD)
        error = self.fails('E_SQL', 'down', '--all', '-o', 'transaction=all')
        self.assertEqual(error['version'], '1')
        self.assertTrue(self.exists('t2'))
        self.assertEqual(self.states(), {'1': 'applied', '2': 'applied'})

    def test_repeatables_are_inside(self):
        self.files(V1=self.table('a'))
        self.file('R__r.sql', BAD)
        self.fails('E_SQL', 'up', '-o', 'transaction=all')
        self.assertFalse(self.exists('a'))


@only('mysql')
class AllOnMysql(EngineTest):
    def test_is_refused(self):
        self.files(V1=self.table('a'))
        error = self.fails('E_TRANSACTION', 'up', '-o', 'transaction=all')
        self.assertEqual(error['class'], 3)
        self.assertFalse(self.exists('a'))


class Without(EngineTest):
    """transaction=none, and the directive."""

    def test_each_statement_stays(self):
        self.files(V1=self.table('a') + 'INSERT INTO a VALUES (1, 1);\n' + BAD + 'INSERT INTO a VALUES (2, 1);\n')
        error = self.fails('E_SQL', 'up', '-o', 'transaction=none')
        self.assertEqual((error['statement'], error['line']), (3, 3))
        self.assertEqual(self.one('SELECT count(*) FROM a'), '1')
        self.assertEqual(self.states(), {'1': 'failed'})
        self.files(V1=self.table('a') + 'INSERT INTO a VALUES (1, 1);\nINSERT INTO a VALUES (2, 1);\n')
        self.assertEqual(self.ran(self.up('-o', 'transaction=none')), ['1'])
        self.assertEqual(self.one('SELECT count(*) FROM a'), '2')
        self.check()

    def test_a_directive_beats_the_option(self):
        self.files(V1=self.table('a'), V2='-- migrate: no-transaction\n' + self.table('b') + BAD)
        self.fails('E_SQL', 'up', '-o', 'transaction=each')
        self.assertTrue(self.exists('b'))

    @only('sqlite', 'postgres')
    def test_a_directive_for_a_transaction_beats_none(self):
        self.file('1_a.sql', '-- migrate:up transaction:true\n' + self.table('a') + BAD + '-- migrate:down\nDROP TABLE a;\n')
        self.fails('E_SQL', 'up', '-o', 'transaction=none')
        self.assertFalse(self.exists('a'))

    @only('sqlite', 'postgres')
    def test_a_statement_that_cannot_be_inside(self):
        """A file with nothing else runs by itself; one with more says what to do."""
        alone = {'sqlite': 'VACUUM;\n', 'postgres': 'VACUUM a;\n'}[self.engine.name]
        self.files(V1=self.table('a'), V2=alone)
        self.assertEqual(self.ran(self.up()), ['1', '2'])
        self.files(V3='UPDATE a SET n = 1;\n' + alone)
        error = self.fails('E_TRANSACTION', 'up')
        self.assertEqual((error['line'], error['statement']), (2, 2))
        self.assertIn('no-transaction', error['hint'])
        self.files(V3='-- migrate: no-transaction\nUPDATE a SET n = 1;\n' + alone)
        self.assertEqual(self.ran(self.up()), ['3'])

    def test_plan_says_the_mode(self):
        self.files(V1=self.table('a'), V2='-- migrate: no-transaction\n' + self.table('b'))
        steps = self.json('plan')['steps']
        self.assertEqual([s['transaction'] for s in steps], [self.engine.transactional, False])


class Directives(EngineTest):
    def test_unknown_one(self):
        self.files(V1='-- migrate: no-transactoin\n' + self.table('a'))
        error = self.fails('E_DIRECTIVE', 'up')
        self.assertEqual((error['class'], error['path'], error['line']), (3, 'V1__v1.sql', 1))
        self.assertFalse(self.exists('a'))

    def test_bad_value(self):
        self.files(V1='-- migrate: lock-timeout=soon\n' + self.table('a'))
        self.assertEqual(self.fails('E_DIRECTIVE', 'up')['line'], 1)

    def test_tags(self):
        self.files(V1=self.table('a'), V2='-- migrate: tags=eu\n' + self.table('b'), V3='-- migrate: tags=us,test\n' + self.table('c'))
        self.assertEqual(self.ran(self.up('-o', 'tags=us')), ['1', '3'])
        self.assertEqual(self.up('-o', 'tags=us')['applied'], 0)
        self.assertEqual(self.ran(self.up('-o', 'out_of_order=allow')), ['2'])

    @only('postgres', 'mysql')
    def test_lock_timeout_and_retries(self):
        self.files(V1=self.table('a'))
        self.up()
        self.files(V2='-- migrate: lock-timeout=1s retries=1\nALTER TABLE a ADD COLUMN x INTEGER;\n')
        holder = self.session()
        holder.ask('BEGIN')
        holder.ask('INSERT INTO a VALUES (1, 1)')
        error = self.fails('E_LOCKED', 'up')
        self.assertEqual((error['class'], error['version'], error['path']), (6, '2', 'V2__v2.sql'))
        holder.ask('ROLLBACK')
        self.assertEqual(self.ran(self.up()), ['2'])
        self.check()

    @only('postgres', 'mysql')
    def test_statement_timeout(self):
        sleep = {'postgres': 'SELECT pg_sleep(20);', 'mysql': 'SELECT SLEEP(20) FROM (SELECT 1) x WHERE SLEEP(20) = 0;'}
        self.files(V1='-- migrate: statement-timeout=300ms\n' + sleep[self.engine.dialect])
        error = self.fails('E_TIMEOUT', 'up')
        self.assertEqual((error['class'], error['statement']), (6, 1))
        self.files(V1=sleep[self.engine.dialect])
        self.fails('E_TIMEOUT', 'up', '-o', 'statement_timeout=300ms')


class OwnTransaction(EngineTest):
    def test_unwrapped(self):
        self.files(V1='BEGIN;\n%sINSERT INTO a VALUES (1, 1);\nCOMMIT;\n' % self.table('a'),
                   V2='-- about it\nBEGIN;\nINSERT INTO a VALUES (2, 2);\nCOMMIT; -- done\n')
        self.assertEqual(self.ran(self.up()), ['1', '2'])
        self.assertEqual(self.one('SELECT count(*) FROM a'), '2')
        self.check()

    @only('sqlite', 'postgres')
    def test_unwrapped_is_still_one_with_its_history(self):
        self.files(V1='BEGIN;\n%s%sCOMMIT;\n' % (self.table('a'), BAD))
        error = self.fails('E_SQL', 'up')
        self.assertEqual(error['line'], 3)
        self.assertFalse(self.exists('a'))

    @only('sqlite', 'postgres')
    def test_control_in_the_middle_is_refused_with_its_line(self):
        for words in ('COMMIT', 'ROLLBACK', 'BEGIN', 'END', 'COMMIT; BEGIN'):
            self.files(V1=self.table('a') + words + ';\n' + self.table('b'))
            error = self.fails('E_TRANSACTION', 'up')
            self.assertEqual((error['path'], error['line'], error['statement']), ('V1__v1.sql', 2, 2), words)
            self.assertTrue(error['hint'])
            self.assertFalse(self.exists('a'))
        self.files(V1='BEGIN;\n' + self.table('a') + 'COMMIT;\n' + self.table('b'))
        self.fails('E_TRANSACTION', 'up')

    @only('postgres')
    def test_savepoints_are_allowed(self):
        self.files(V1=self.table('a') + 'SAVEPOINT s;\nINSERT INTO a VALUES (1, 1);\nROLLBACK TO s;\nRELEASE s;\n')
        self.up()
        self.assertEqual(self.one('SELECT count(*) FROM a'), '0')

    @only('postgres')
    def test_set_transaction_comes_first(self):
        self.files(V1='SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE iso AS SELECT '
                      "current_setting('transaction_isolation') AS v;\n")
        self.up()
        self.assertEqual(self.one('SELECT v FROM iso'), 'serializable')

    @only('mysql')
    def test_transactions_of_a_mysql_file(self):
        self.files(V1=self.table('a') + 'START TRANSACTION;\nINSERT INTO a VALUES (1, 1);\nINSERT INTO a VALUES (2, 1);\n'
                      'COMMIT;\n' + self.table('b'))
        self.up()
        self.assertEqual(self.one('SELECT count(*) FROM a'), '2')
        self.check()


class Nothing(EngineTest):
    def test_comment_only_and_empty_files(self):
        self.files(V1='-- reserved\n', V2='', V3='/* a\nb */\n;\n;\n', V4='\n\n')
        value = self.up()
        self.assertEqual([(m['version'], m['statements'], m['state']) for m in value['migrations']],
                         [(v, 0, 'applied') for v in '1234'])
        self.check()

    @only('postgres')
    def test_restrict_lines_are_passed_over(self):
        self.files(V1='\\restrict abcDEF123\n\n' + self.table('a') + '\n\\unrestrict abcDEF123\n')
        value = self.up()
        self.assertEqual(value['migrations'][0]['statements'], 1)

    @only('postgres')
    def test_other_commands_of_psql_are_refused(self):
        self.files(V1=self.table('a') + '\\i other.sql\n')
        error = self.fails('E_PARSE', 'up')
        self.assertEqual((error['path'], error['line']), ('V1__v1.sql', 2))
        self.assertFalse(self.exists('a'))
