# SPDX-License-Identifier: Apache-2.0
"""The keys that scripts rely on."""

import unittest

from cli import CliTest

MIGRATION = [
    'version',
    'name',
    'kind',
    'state',
    'path',
    'checksum',
    'statements',
    'done',
    'transaction',
    'applied_at',
    'elapsed_ms',
]
STATUS = ['schema', 'database', 'server', 'state', 'version', 'pending', 'migrations']
RUN = STATUS + ['applied', 'reverted', 'elapsed_ms', 'lock_wait_ms', 'round_trips']
ERROR = [
    'status',
    'class',
    'message',
    'hint',
    'state',
    'sqlstate',
    'code',
    'version',
    'path',
    'line',
    'column',
    'statement',
    'cause',
]


class Json(CliTest):
    def setUp(self):
        super().setUp()
        self.file('migrations/1_a.up.sql', 'CREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1);\n')
        self.file('migrations/1_a.down.sql', 'DROP TABLE a;\n')
        self.file('migrations/2_b.up.sql', 'CREATE TABLE b (id INTEGER);\n')
        self.file('migrations/2_b.down.sql', 'DROP TABLE b;\n')

    def has(self, value, keys):
        for key in keys:
            self.assertIn(key, value)

    def test_status(self):
        value = self.json('status')
        self.has(value, STATUS)
        self.assertEqual(
            (value['database'], value['state'], value['version'], value['pending']),
            ('sqlite', 'pending', '', 2),
        )
        for row in value['migrations']:
            self.has(row, MIGRATION)
        self.assertEqual(
            [(r['version'], r['name'], r['state']) for r in value['migrations']],
            [('1', 'a', 'pending'), ('2', 'b', 'pending')],
        )
        self.migrate('up', code=0)
        value = self.json('status')
        self.assertEqual((value['state'], value['version'], value['pending']), ('current', '2', 0))
        row = value['migrations'][0]
        self.assertEqual((row['statements'], row['done'], row['state']), (2, 2, 'applied'))
        self.assertRegex(row['applied_at'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
        self.assertRegex(row['checksum'], r'^sha256:[0-9a-f]{64}$')

    def test_run(self):
        value = self.json('up', '--steps', '1')
        self.has(value, RUN)
        self.assertEqual(
            (value['applied'], value['reverted'], value['pending'], value['state']), (1, 0, 1, 'pending')
        )
        self.assertEqual([r['version'] for r in value['migrations']], ['1'])
        value = self.json('up')
        self.assertEqual((value['applied'], value['state']), (1, 'current'))
        self.assertEqual([r['version'] for r in value['migrations']], ['2'])
        value = self.json('up')
        self.assertEqual((value['applied'], value['migrations']), (0, []))
        value = self.json('redo')
        self.has(value, RUN)
        self.assertEqual((value['applied'], value['reverted']), (1, 1))
        value = self.json('down', '--all')
        self.assertEqual((value['applied'], value['reverted'], value['version']), (0, 2, ''))

    def test_plan(self):
        value = self.json('plan')
        self.assertEqual(
            [
                (s['version'], s['name'], s['direction'], s['transaction'], s['statements'])
                for s in value['steps']
            ],
            [
                ('1', 'a', 'up', value['steps'][0]['transaction'], 2),
                ('2', 'b', 'up', value['steps'][0]['transaction'], 1),
            ],
        )
        self.assertNotIn('sql', value['steps'][0])
        self.has(value['steps'][0], ['destructive', 'may_doubt'])
        value = self.json('plan', '--sql')
        self.assertEqual(
            [s['sql'] for s in value['steps']],
            [['CREATE TABLE a (id INTEGER)', 'INSERT INTO a VALUES (1)'], ['CREATE TABLE b (id INTEGER)']],
        )
        self.migrate('up', code=0)
        value = self.json('plan', 'down')
        self.assertEqual([(s['version'], s['direction']) for s in value['steps']], [('2', 'down')])
        self.assertTrue(value['steps'][0]['destructive'])
        self.assertEqual(self.json('plan')['steps'], [])

    def test_failure(self):
        self.file(
            'migrations/3_c.up.sql', 'CREATE TABLE c (id INTEGER);\n\nINSERT INTO nowhere VALUES (1);\n'
        )
        value = self.json('up', code=6)
        self.assertEqual(value['applied'], 2)
        error = value['error']
        self.has(error, ERROR)
        self.assertEqual(
            (error['status'], error['class'], error['version'], error['line'], error['statement']),
            ('E_SQL', 6, '3', 3, 2),
        )
        self.assertIn('nowhere', error['message'])
        self.assertTrue(error['path'].endswith('3_c.up.sql'))
        self.assertEqual(self.json('status')['migrations'][2]['state'], 'pending')

    def test_usage_error(self):
        for args in (['bogus'], ['up', '--bogus'], ['up', 'x'], []):
            error = self.json(*args, code=1)['error']
            self.assertEqual(error['class'], 1)
        done = self.migrate('up', '--json', '--nonsense', code=1)
        self.assertIn('error: ', done.stderr)
        self.assertIn('E_ARGUMENT', done.stdout)

    def test_connect_error(self):
        self.env['MIGRATE_DATABASE_URL'] = 'sqlite:no/such/folder/a.db'
        self.assertIn(self.json('up', code=6)['error']['class'], (6,))

    def test_others(self):
        self.assertRegex(self.json('hash')['hash'], r'^sha256:[0-9a-f]{64}$')
        self.json('init')
        self.assertIn('CREATE TABLE', self.json('init', '--sql')['sql'])
        self.json('lock')
        self.json('wait')
        self.json('verify')
        self.json('version')
        self.assertIn('options', self.json('help'))
        self.json('plan', '--script')


unittest.main()
