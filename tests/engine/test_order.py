# SPDX-License-Identifier: Apache-2.0
"""Which migrations run, in what order, and what is said when history and source disagree."""

import os

from engine import EngineTest


class Order(EngineTest):
    def test_versions_are_natural_and_repeatables_come_last_by_bytes(self):
        for v in ('10', '9', '1', '2', '1.10', '1.9'):
            self.file('V%s__x.sql' % v, 'CREATE TABLE t%s (id INTEGER);' % v.replace('.', '_'))
        for name in ('b', 'B', 'a'):
            self.file('R__%s.sql' % name, 'SELECT 1;')
        self.assertEqual(self.ran(self.up()), ['1', '1.9', '1.10', '2', '9', '10', 'R:B', 'R:a', 'R:b'])
        self.check()

    def test_order_bytes(self):
        for v in ('10', '9', '1'):
            self.file('V%s__x.sql' % v, 'CREATE TABLE t%s (id INTEGER);' % v)
        self.assertEqual(self.ran(self.up('-o', 'order=bytes')), ['1', '10', '9'])

    def test_a_convention_that_sorts_by_bytes_asks(self):
        for v in ('9', '10'):
            self.file('%s_x.sql' % v, '-- migrate:up\nCREATE TABLE t%s (id INTEGER);\n-- migrate:down\nDROP TABLE t%s;' % (v, v))
        error = self.fails('E_ORDER', 'up')
        self.assertEqual(error['class'], 3)
        self.assertIn('9_x.sql', error['message'])
        self.assertIn('10_x.sql', error['message'])
        self.assertIn('order=', error['message'] + error['hint'])
        self.assertFalse(self.exists('t9'))
        self.assertEqual(self.ran(self.up('-o', 'order=natural')), ['9', '10'])

    def test_versions_equal_in_order_are_duplicates(self):
        self.file('1_a.sql', 'SELECT 1;')
        self.file('01_b.sql', 'SELECT 1;')
        error = self.fails('E_DUPLICATE', 'up')
        self.assertEqual(error['class'], 3)
        self.assertIn('1_a.sql', error['message'])
        self.assertIn('01_b.sql', error['message'])

    def test_versions_are_compared_by_bytes(self):
        """No collation makes two versions one."""
        self.file('va_1.sql', self.table('a'))
        self.file('VA_2.sql', self.table('b'))
        self.assertEqual(self.up()['applied'], 2)
        self.assertEqual(len(self.history()), 2)
        self.check()

    def test_files_of_one_version_renamed(self):
        self.files(V1=self.table('a'))
        self.up()
        os.rename(os.path.join(self.folder, 'migrations/V1__v1.sql'), os.path.join(self.folder, 'migrations/V1__other.sql'))
        self.check()
        self.assertEqual(self.up()['applied'], 0)
        self.assertEqual(self.json('verify')['state'], 'current')
        self.assertEqual(self.states(), {'1': 'applied'})


class OutOfOrder(EngineTest):
    def setUp(self):
        super().setUp()
        self.files(V1=self.table('a'), V3=self.table('c'))
        self.up()
        self.files(V2=self.table('b'))

    def test_denied(self):
        error = self.fails('E_OUT_OF_ORDER', 'up')
        self.assertEqual((error['class'], error['version'], error['path']), (4, '2', 'V2__v2.sql'))
        self.assertIn('out_of_order', error['hint'])
        self.assertFalse(self.exists('b'))
        self.fails('E_OUT_OF_ORDER', 'plan')
        self.fails('E_OUT_OF_ORDER', 'verify')
        self.assertEqual(self.json('status')['state'], 'drift')
        self.assertEqual(self.states(), {'1': 'applied', '2': 'pending', '3': 'applied'})
        self.check(4)

    def test_allowed(self):
        self.assertEqual(self.ran(self.up('-o', 'out_of_order=allow')), ['2'])
        self.check()
        self.assertEqual(self.up()['applied'], 0)
        for v in 'abc':
            self.file('U%d__x.sql' % ('abc'.index(v) + 1), 'DROP TABLE %s;' % v)
        self.assertEqual(self.ran(self.json('down')), ['3'], 'newest by version, not by time')
        self.assertEqual(self.ran(self.json('down')), ['2'])

    def test_ahead_with_an_older_one_pending(self):
        self.remove('V3__v3.sql')
        self.fails('E_OUT_OF_ORDER', 'up')
        value = self.up('-o', 'out_of_order=allow')
        self.assertEqual((self.ran(value), value['state']), (['2'], 'ahead'))


class Changed(EngineTest):
    def setUp(self):
        super().setUp()
        self.files(V1=self.table('a'), V2=self.table('b'))
        self.up('--to', '1')
        self.kept = self.one("SELECT checksum FROM migrate_history WHERE version = '1'")
        self.files(V1=self.table('a') + '-- edited\n')

    def test_denied(self):
        error = self.fails('E_CHANGED', 'up')
        self.assertEqual((error['class'], error['version'], error['path']), (4, '1', 'V1__v1.sql'))
        self.assertIn('changed', error['hint'])
        self.assertFalse(self.exists('b'))
        self.fails('E_CHANGED', 'verify')
        self.assertEqual(self.states(), {'1': 'changed', '2': 'pending'})
        self.assertEqual(self.json('status')['state'], 'drift')
        self.check(4)

    def test_allowed_keeps_the_stored_checksum_and_warns(self):
        self.assertEqual(self.ran(self.up('-o', 'changed=allow')), ['2'])
        self.assertIn('warn', self.stderr)
        self.assertEqual(self.one("SELECT checksum FROM migrate_history WHERE version = '1'"), self.kept)
        self.fails('E_CHANGED', 'up')
        self.assertEqual(self.up('-o', 'changed=allow')['applied'], 0)

    def test_put_back(self):
        self.files(V1=self.table('a'))
        self.assertEqual(self.ran(self.up()), ['2'])
        self.check()


class Missing(EngineTest):
    def setUp(self):
        super().setUp()
        self.files(V1=self.table('a'), V2=self.table('b'), V3=self.table('c'), V4=self.table('d'))
        self.up('--to', '3')
        self.remove('V2__v2.sql')

    def test_denied(self):
        error = self.fails('E_MISSING', 'up')
        self.assertEqual((error['class'], error['version']), (4, '2'))
        self.assertIn('missing', error['hint'])
        self.assertFalse(self.exists('d'))
        self.fails('E_MISSING', 'verify')
        self.assertEqual(self.states(), {'1': 'applied', '2': 'missing', '3': 'applied', '4': 'pending'})
        self.check(4)

    def test_allowed(self):
        self.assertEqual(self.ran(self.up('-o', 'missing=allow')), ['4'])
        self.assertEqual(self.states(), {'1': 'applied', '2': 'missing', '3': 'applied', '4': 'applied'})
        self.assertEqual(self.up('-o', 'missing=allow')['applied'], 0)

    def test_down_needs_the_file(self):
        error = self.fails('E_IRREVERSIBLE', 'down', '--steps', '2')
        self.assertEqual(error['class'], 4)
        self.assertTrue(self.exists('c'))


class Ahead(EngineTest):
    def setUp(self):
        super().setUp()
        self.files(V1=self.table('a'), V2=self.table('b'), V3=self.table('c'))
        self.up()
        self.remove('V3__v3.sql')
        self.remove('V2__v2.sql')

    def test_up_succeeds_and_warns(self):
        value = self.up()
        self.assertEqual((value['state'], value['applied'], value['pending'], value['version']), ('ahead', 0, 0, '3'))
        self.assertIn('warn', self.stderr)
        self.assertEqual(self.json('status')['state'], 'ahead')
        self.assertEqual(self.states(), {'1': 'applied', '2': 'missing', '3': 'missing'})
        self.check(4)
        self.assertEqual(self.json('plan')['steps'], [])

    def test_denied(self):
        error = self.fails('E_AHEAD', 'up', '-o', 'ahead=deny')
        self.assertEqual(error['class'], 4)
        self.fails('E_AHEAD', 'plan', '-o', 'ahead=deny')

    def test_repeatables_of_the_older_application(self):
        """None pending means none: a repeatable that changed is pending, and runs."""
        self.file('R__v.sql', 'SELECT 1;')
        value = self.up()
        self.assertEqual((self.ran(value), value['state']), (['R:v'], 'ahead'))


class Directory(EngineTest):
    def test_missing(self):
        os.rmdir(os.path.join(self.folder, 'migrations'))
        for command in ('up', 'status', 'plan', 'verify', 'hash'):
            error = self.fails('E_SOURCE', command)
            self.assertEqual(error['class'], 3)
            self.assertIn('migrations', error['message'])

    def test_empty_on_an_empty_history(self):
        value = self.up()
        self.assertEqual((value['applied'], value['pending'], value['version']), (0, 0, ''))
        self.assertIn('warn', self.stderr)
        self.assertFalse(self.exists('migrate_head'))
        self.assertEqual(self.json('status')['migrations'], [])

    def test_empty_on_a_history(self):
        self.files(V1=self.table('a'))
        self.up()
        self.remove('V1__v1.sql')
        self.fails('E_MISSING', 'up')
        self.assertEqual(self.states(), {'1': 'missing'})
        self.check(4)

    def test_passed_over(self):
        self.files(V1=self.table('a'))
        for name in ('README.md', 'notes.txt', '.hidden.sql', '_draft.sql', '_old/V2__x.sql', '.git/V3__x.sql', 'x.sql~'):
            self.file(name, 'nonsense')
        self.assertEqual(self.ran(self.up()), ['1'])

    def test_links_and_loops(self):
        self.file('V1__a.sql', self.table('a'))
        outside = os.path.join(self.folder, 'elsewhere')
        os.mkdir(outside)
        with open(os.path.join(outside, 'V2__b.sql'), 'w', encoding='utf-8') as f:
            f.write(self.table('b'))
        os.symlink('../elsewhere', os.path.join(self.folder, 'migrations', 'more'))
        self.assertEqual(self.ran(self.up()), ['1', '2'])
        os.symlink('.', os.path.join(outside, 'loop'))
        self.assertEqual(self.fails('E_SOURCE', 'up')['class'], 3)

    def test_depth(self):
        self.file('/'.join(['d'] * 15) + '/V1__a.sql', self.table('a'))
        self.up()
        self.file('/'.join(['d'] * 17) + '/V2__a.sql', self.table('b'))
        self.fails('E_SOURCE', 'up')


class Repeatables(EngineTest):
    def setUp(self):
        super().setUp()
        self.files(V1='CREATE TABLE a (id INTEGER);')
        self.file('R__count.sql', 'INSERT INTO a VALUES (1);')

    def rows(self):
        return int(self.one('SELECT count(*) FROM a'))

    def test_new_and_changed(self):
        self.assertEqual(self.ran(self.up()), ['1', 'R:count'])
        self.assertEqual(self.up()['applied'], 0)
        self.file('R__count.sql', 'INSERT INTO a VALUES (2);')
        self.assertEqual(self.states(), {'1': 'applied', 'R:count': 'pending'})
        self.check(4)
        self.assertEqual(self.ran(self.up()), ['R:count'])
        self.assertEqual(self.rows(), 2)
        self.check()

    def test_never_with_selectors(self):
        self.assertEqual(self.ran(self.up('--to', '1')), ['1'])
        self.assertEqual(self.states(), {'1': 'applied', 'R:count': 'pending'})
        self.assertEqual(self.ran(self.up('--steps', '5')), [])
        self.assertEqual(self.rows(), 0)
        value = self.up()
        self.assertEqual((self.ran(value), value['pending']), (['R:count'], 0))

    def test_down_passes_over(self):
        self.file('V1__v1.sql', 'CREATE TABLE a (id INTEGER);')
        self.file('U1__v1.sql', 'DROP TABLE a;')
        self.up()
        self.assertEqual(self.ran(self.json('down', '--all')), ['1'])
        self.assertEqual(self.states(), {'1': 'reverted', 'R:count': 'applied'})
        status = self.json('status')
        self.assertEqual(status['pending'], 1)
        reverted = status['migrations'][0]
        self.assertEqual((reverted['statements'], reverted['done']), (None, 0))  # the way up is not counted
        self.assertEqual(self.json('down')['reverted'], 0)

    def test_missing_is_no_error(self):
        self.up()
        self.remove('R__count.sql')
        self.assertEqual(self.up()['applied'], 0)
        self.assertEqual(self.json('verify')['state'], 'current')
        self.check()
        self.assertEqual(len(self.history()), 2)

    def test_failed_runs_again(self):
        self.file('R__count.sql', 'INSERT INTO nowhere VALUES (2);')
        error = self.fails('E_SQL', 'up')
        self.assertEqual(error['path'], 'R__count.sql')
        self.file('R__count.sql', 'INSERT INTO a VALUES (2);')
        self.assertEqual(self.ran(self.up()), ['R:count'])
        self.check()
