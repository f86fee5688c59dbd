# SPDX-License-Identifier: Apache-2.0
"""The example programs do what they say."""

import json
import os
import subprocess
import unittest

from cli import ROOT, CliTest

EXAMPLES = os.environ['EXAMPLES']
MIGRATIONS = os.path.join(ROOT, 'examples', 'migrations')


class Examples(CliTest):
    def run_example(self, name, *args, code=0):
        done = subprocess.run(
            [os.path.join(EXAMPLES, name), *args],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def check_orders(self, db='app.db'):
        self.assertEqual(
            self.sql('SELECT full_name, orders, total_cents FROM customer_totals ORDER BY id', db),
            [('Ada Lovelace', 2, 2549), ('Grace Hopper', 1, 12900)],
        )

    def test_embed(self):
        out = self.run_example('embed', 'sqlite:app.db', MIGRATIONS).stdout
        self.assertEqual(out, '4 applied, database current at version 0004\n')
        self.assertEqual(
            self.run_example('embed', 'sqlite:app.db', MIGRATIONS).stdout,
            '0 applied, database current at version 0004\n',
        )
        self.check_orders()
        self.assertIn('error: ', self.run_example('embed', 'sqlite:app.db', 'nowhere', code=3).stderr)
        self.run_example('embed', code=1)

    def test_adopt(self):
        self.assertEqual(self.run_example('adopt').stdout, 'note: hello\n')

    def test_custom_source(self):
        bundle = os.path.join(ROOT, 'examples', 'bundle.txt')
        value = json.loads(self.run_example('custom_source', 'sqlite:app.db', bundle).stdout)
        self.assertEqual((value['applied'], value['version']), (3, '0003'))
        self.assertEqual(self.sql('SELECT email, name FROM users'), [('ada@example.org', 'Ada')])
        value = json.loads(self.run_example('custom_source', 'sqlite:app.db', bundle).stdout)
        self.assertEqual(value['applied'], 0)

    def test_custom_lock(self):
        value = json.loads(self.run_example('custom_lock', 'sqlite:app.db', MIGRATIONS, 'the.lock').stdout)
        self.assertEqual((value['applied'], value['state']), (4, 'current'))
        self.check_orders()
        with open(os.path.join(self.folder, 'the.lock'), encoding='ascii') as f:
            self.assertRegex(f.read(), r'^pid \d+$')

    def test_custom_driver_linked(self):
        value = json.loads(self.run_example('custom_driver', 'mini:app.db', MIGRATIONS).stdout)
        self.assertEqual((value['database'], value['applied'], value['state']), ('mini', 4, 'current'))
        self.check_orders()

    def test_custom_driver_loaded(self):
        library = os.path.join(EXAMPLES, 'libmigrate-mini.so')
        self.migrate('--driver', library, '-d', 'mini:app.db', '-s', MIGRATIONS, 'up', code=0)
        self.check_orders()
        undefined = subprocess.run(
            ['nm', '-D', '--undefined-only', library], capture_output=True, text=True
        ).stdout
        self.assertNotIn('migrate_', undefined)

    def test_down_and_up_again(self):
        self.env['MIGRATE_SOURCE'] = MIGRATIONS
        self.migrate('up', code=0)
        self.migrate('redo', '--all', code=0)
        self.check_orders()
        self.migrate('down', '--all', code=0)
        self.assertEqual(
            self.sql(
                "SELECT name FROM sqlite_master WHERE name NOT LIKE 'migrate_%' "
                "AND name NOT LIKE 'sqlite_%'"
            ),
            [],
        )


unittest.main()
