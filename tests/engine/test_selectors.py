# SPDX-License-Identifier: Apache-2.0
"""--to, --steps, --all; down and redo; baseline."""

from engine import EngineTest, only


class Target(EngineTest):
    def setUp(self):
        super().setUp()
        self.files(**{'V%d' % v: self.table('t%d' % v) for v in range(1, 6)})

    def test_to(self):
        self.assertEqual(self.ran(self.up('--to', '3')), ['1', '2', '3'])
        self.assertEqual(self.json('status')['pending'], 2)

    def test_to_is_as_the_source_writes_it_or_equal_in_order(self):
        self.assertEqual(self.ran(self.up('--to', '03')), ['1', '2', '3'])

    def test_below_what_is_applied(self):
        self.up('--to', '3')
        value = self.up('--to', '2')
        self.assertEqual((value['applied'], value['version']), (0, '3'))

    def test_unknown(self):
        for command in ('up', 'down', 'redo', 'plan'):
            error = self.fails('E_NO_VERSION', command, '--to', '77')
            self.assertEqual(error['class'], 1)
            self.assertIn('77', error['message'])
        self.assertFalse(self.exists('t1'))

    def test_version_of_history_alone(self):
        self.up('--to', '4')
        self.remove('V4__v4.sql')
        value = self.up('--to', '4', '-o', 'missing=allow')
        self.assertEqual(value['applied'], 0)

    def test_steps(self):
        self.assertEqual(self.ran(self.up('--steps', '2')), ['1', '2'])
        self.assertEqual(self.ran(self.up('--steps', '2')), ['3', '4'])
        self.assertEqual(self.ran(self.up('--steps', '20')), ['5'])
        self.assertEqual(self.ran(self.up('--steps', '20')), [])

    def test_selectors_exclude_each_other(self):
        self.assertEqual(self.migrate('up', '--to', '1', '--steps', '1').returncode, 1)

    def test_steps_zero_or_nonsense(self):
        for n in ('0', '-1', 'x', ''):
            self.assertEqual(self.migrate('up', '--steps', n).returncode, 1, n)
        self.assertFalse(self.exists('t1'))


class HalfDone(EngineTest):
    """A journalled migration that failed in the middle comes first, whatever is asked for."""

    def setUp(self):
        super().setUp()
        self.file('V1__a.sql', self.table('a'))
        self.file('V2__b.sql', '-- migrate: no-transaction\n%sINSERT INTO nowhere VALUES (1);\nINSERT INTO b VALUES (1, 1);\n'
                  % self.table('b'))
        self.file('V3__c.sql', self.table('c'))
        error = self.fails('E_SQL', 'up')
        self.assertEqual((error['version'], error['statement'], error['line']), ('2', 2, 3))

    def mend(self):
        self.file('V2__b.sql', '-- migrate: no-transaction\n%sINSERT INTO a VALUES (1, 1);\nINSERT INTO b VALUES (1, 1);\n'
                  % self.table('b'))

    def test_is_seen(self):
        value = self.json('status')
        self.assertEqual(value['state'], 'failed')
        self.assertEqual(self.states(value), {'1': 'applied', '2': 'failed', '3': 'pending'})
        row = value['migrations'][1]
        self.assertEqual((row['done'], row['statements']), (1, 3))
        self.check(4)

    def test_finished_first(self):
        self.mend()
        self.assertEqual(self.ran(self.up('--to', '1')), ['2'])
        self.assertEqual(self.one('SELECT count(*) FROM b'), '1')
        self.assertEqual(self.states(), {'1': 'applied', '2': 'applied', '3': 'pending'})

    def test_finished_before_steps_are_counted(self):
        self.mend()
        ran = self.ran(self.up('--steps', '1'))
        self.assertEqual(ran[0], '2')
        self.check(0 if ran == ['2', '3'] else 4)

    def test_finished_before_a_down(self):
        """The rows of the journal say how far the up is: going down from there would guess."""
        self.file('U1__a.sql', 'DROP TABLE a;')
        self.file('U2__b.sql', 'DROP TABLE b;')
        self.mend()
        done = self.migrate('--json', 'down', '--all')
        if done.returncode == 0:
            self.assertFalse(self.exists('b'))
        self.up()
        self.assertEqual(self.states(), {'1': 'applied', '2': 'applied', '3': 'applied'})
        self.assertEqual(self.one('SELECT count(*) FROM b'), '1')

    def test_executed_statement_may_not_be_edited(self):
        self.file('V2__b.sql', '-- migrate: no-transaction\n%sINSERT INTO a VALUES (1, 1);\n' % self.table('b', ', extra INTEGER'))
        error = self.fails('E_CHANGED', 'up')
        self.assertEqual((error['class'], error['version']), (4, '2'))
        self.assertEqual(error['statement'], 1)
        self.assertEqual(self.states()['2'], 'failed')
        self.mend()
        self.assertEqual(self.ran(self.up()), ['2', '3'])

    def test_what_stands_behind_may_be_edited(self):
        self.file('V2__b.sql', '-- migrate: no-transaction\n%sINSERT INTO a VALUES (7, 1);\nINSERT INTO b VALUES (8, 1);\n'
                  'INSERT INTO b VALUES (9, 1);' % self.table('b'))
        value = self.up()
        self.assertEqual(self.ran(value), ['2', '3'])
        self.assertEqual(value['migrations'][0]['statements'], 4)
        self.assertEqual(self.one('SELECT sum(id) FROM b'), '17')
        self.check()

    def test_the_journal_is_pruned(self):
        self.assertNotEqual(self.one('SELECT count(*) FROM migrate_journal'), '0')
        self.mend()
        self.up()
        self.assertEqual(self.one("SELECT count(*) FROM migrate_journal WHERE direction <> 'K'"), '0')


class Down(EngineTest):
    def setUp(self):
        super().setUp()
        for v in range(1, 5):
            self.file('V%d__t.sql' % v, self.table('t%d' % v))
            self.file('U%d__t.sql' % v, 'DROP TABLE t%d;' % v)
        self.up()

    def test_one(self):
        value = self.json('down')
        self.assertEqual((self.ran(value), value['reverted'], value['pending'], value['version']), (['4'], 1, 1, '3'))
        self.assertFalse(self.exists('t4'))
        self.assertEqual(self.states()['4'], 'reverted')
        self.assertEqual(self.ran(self.up()), ['4'])

    def test_to_keeps(self):
        self.assertEqual(self.ran(self.json('down', '--to', '2')), ['4', '3'])
        self.assertTrue(self.exists('t2'))
        self.assertEqual(self.json('down', '--to', '3')['reverted'], 0)

    def test_all_and_nothing_applied(self):
        self.assertEqual(self.ran(self.json('down', '--all')), ['4', '3', '2', '1'])
        for args in ((), ('--all',), ('--steps', '3')):
            value = self.json('down', *args)
            self.assertEqual((value['reverted'], value['version']), (0, ''))
        self.assertEqual(self.ran(self.up()), ['1', '2', '3', '4'])

    def test_nothing_ever_applied(self):
        url = self.engine.other(self, 'empty')
        value = self.json('-d', url, 'down')
        self.assertEqual(value['reverted'], 0)

    def test_irreversible_stops_the_whole_call(self):
        self.remove('U3__t.sql')
        error = self.fails('E_IRREVERSIBLE', 'down', '--to', '1')
        self.assertEqual((error['class'], error['version']), (4, '3'))
        self.fails('E_IRREVERSIBLE', 'plan', 'down', '--all')
        self.fails('E_IRREVERSIBLE', 'redo', '--all')
        self.assertTrue(self.exists('t4'))
        self.assertEqual(self.ran(self.json('down')), ['4'])

    def test_empty_down_text_reverts_nothing_but_is_a_text(self):
        self.file('U4__t.sql', '-- nothing to revert\n')
        self.assertEqual(self.ran(self.json('down')), ['4'])
        self.assertTrue(self.exists('t4'))

    def test_a_down_may_be_mended_after_the_up(self):
        self.file('U4__t.sql', 'DROP TABLE nowhere;')
        error = self.fails('E_SQL', 'down')
        self.assertEqual((error['path'], error['version']), ('U4__t.sql', '4'))
        self.assertEqual(self.states()['4'], 'applied' if self.engine.transactional else self.states()['4'])
        self.file('U4__t.sql', 'DROP TABLE t4;')
        self.check()
        self.assertEqual(self.ran(self.json('down')), ['4'])
        self.assertFalse(self.exists('t4'))

    def test_seq_moves_by_one_for_each(self):
        _, seq = self.head()
        self.assertEqual(seq, 4)
        self.json('down', '--steps', '2')
        self.up()
        self.assertEqual(self.head()[1], 8)

    def test_up_again_is_applied_once(self):
        self.json('down', '--all')
        self.up()
        self.assertEqual(len(self.history()), 4)
        self.check()


class Redo(EngineTest):
    def setUp(self):
        super().setUp()
        for v in range(1, 4):
            self.file('V%d__t.sql' % v, self.table('t%d' % v) + 'INSERT INTO t%d VALUES (1, 1);\n' % v)
            self.file('U%d__t.sql' % v, 'DROP TABLE t%d;' % v)
        self.up('--to', '2')

    def directions(self, value):
        return [(m['version'], m['direction']) for m in value['migrations']]

    def test_one(self):
        self.sql('INSERT INTO t2 VALUES (2, 2)')
        value = self.json('redo')
        self.assertEqual(self.directions(value), [('2', 'down'), ('2', 'up')])
        self.assertEqual((value['applied'], value['reverted'], value['pending']), (1, 1, 1))
        self.assertEqual(self.one('SELECT count(*) FROM t2'), '1')
        self.assertFalse(self.exists('t3'), 'exactly those')

    def test_several(self):
        self.assertEqual(self.directions(self.json('redo', '--steps', '2')),
                         [('2', 'down'), ('1', 'down'), ('1', 'up'), ('2', 'up')])
        self.assertEqual(self.directions(self.json('redo', '--to', '1')), [('2', 'down'), ('2', 'up')])
        self.assertEqual(len(self.json('redo', '--all')['migrations']), 4)

    def test_a_changed_file_is_what_is_run(self):
        self.file('V2__t.sql', self.table('t2', ', more INTEGER'))
        value = self.json('redo')
        self.assertEqual(self.directions(value), [('2', 'down'), ('2', 'up')])
        self.sql('SELECT more FROM t2')
        self.assertEqual(self.json('verify')['state'], 'pending')

    def test_a_failure_leaves_the_downs_done_and_says_so(self):
        self.file('V2__t.sql', 'INSERT INTO nowhere VALUES (1);\n')
        error = self.fails('E_SQL', 'redo')
        self.assertIn('revert', error['state'] + (error['hint'] or ''))
        self.assertEqual(self.value['reverted'], 1)
        self.assertFalse(self.exists('t2'))
        self.file('V2__t.sql', self.table('t2'))
        self.assertEqual(self.ran(self.up('--to', '2')), ['2'])

    def test_nothing_applied(self):
        self.json('down', '--all')
        self.assertEqual(self.json('redo')['migrations'], [])


class Baseline(EngineTest):
    def setUp(self):
        super().setUp()
        self.files(**{'V%d' % v: self.table('t%d' % v) for v in range(1, 5)})

    def test_in_source(self):
        value = self.json('baseline', '2')
        self.assertEqual((value['pending'], value['version']), (2, '2'))
        self.assertFalse(self.exists('t1'))
        self.assertEqual(self.states(), {'1': 'baseline', '2': 'baseline', '3': 'pending', '4': 'pending'})
        self.assertEqual([r[0] for r in self.history()], ['V', 'V'])
        self.assertEqual(self.head()[1], 1, 'one operation')
        self.assertEqual(self.ran(self.up()), ['3', '4'])
        self.check()
        self.assertEqual(self.up()['applied'], 0)
        self.assertEqual(self.json('verify')['state'], 'current')

    def test_of_everything_needs_no_history_at_the_next_start(self):
        self.json('baseline', '4')
        self.assertEqual(self.up()['applied'], 0)
        self.check()

    def test_kind_b(self):
        for v in range(1, 5):
            self.remove('V%d__v%d.sql' % (v, v))
        self.files(V7=self.table('t7'))
        self.json('baseline', '5')
        self.assertEqual(self.history(), [('B', '5', 'baseline')])
        self.assertEqual(self.json('status')['version'], '5')
        self.assertEqual(self.ran(self.up()), ['7'])
        self.assertEqual(self.json('verify')['state'], 'current')
        self.check()

    def test_between_two_files(self):
        """A version in no file, with older files too, is nobody's."""
        error = self.fails('E_NO_VERSION', 'baseline', '2.5')
        self.assertEqual(error['class'], 1)
        self.assertFalse(self.exists('migrate_head'))

    def test_again(self):
        self.json('baseline', '2')
        self.json('baseline', '2')
        self.assertEqual(len(self.history()), 2)
        self.assertEqual(self.head()[1], 1)
        self.fails('E_NOT_EMPTY', 'baseline', '3')
        self.assertEqual(self.fails('E_NOT_EMPTY', 'baseline', '1')['class'], 4)

    def test_not_empty(self):
        self.up('--to', '1')
        self.fails('E_NOT_EMPTY', 'baseline', '2')
        self.assertEqual(self.history(), [('V', '1', 'applied')])

    def test_is_not_reverted(self):
        self.file('U2__t.sql', 'DROP TABLE t2;')
        self.json('baseline', '2')
        error = self.fails('E_IRREVERSIBLE', 'down')
        self.assertEqual(error['version'], '2')

    def test_repeatables_run_at_the_next_up(self):
        self.file('R__r.sql', 'SELECT 1;')
        self.json('baseline', '4')
        self.assertEqual(self.states()['R:r'], 'pending')
        self.assertEqual(self.ran(self.up()), ['R:r'])

    def test_changed_file_of_a_baseline_row(self):
        self.json('baseline', '2')
        self.files(V1=self.table('t1') + '-- edited\n')
        self.fails('E_CHANGED', 'up')
