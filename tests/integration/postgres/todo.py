# SPDX-License-Identifier: Apache-2.0
"""A to-do application with its migrations in version folders, v1/01_…: brought up to date by the command line, and by
examples/embed.c as a service would."""
import os
import shutil
import subprocess
import sys

import pgtest
from pgtest import PgTest, sql

HERE = os.path.dirname(os.path.abspath(__file__))
V1 = ['v1/01_updated_at_trigger.sql', 'v1/02_create_users.sql', 'v1/03_create_lists.sql', 'v1/04_create_notes.sql']
USE = """
INSERT INTO users (name, user_ref) VALUES ('Ada', 'ada');
INSERT INTO lists (name, user_id) VALUES ('house', 1);
INSERT INTO notes (note, deadline, list_id) VALUES ('paint', now(), 1);
UPDATE notes SET done = 1, updated_at = NULL;
SELECT done, updated_at IS NOT NULL FROM notes;
"""


class Todo(PgTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(HERE, 'todo', 'v1'), os.path.join(self.folder, 'v1'))

    def embed(self, wanted, *text):
        done = subprocess.run([os.environ['EMBED_EXE'], pgtest.url(self.db), self.folder], capture_output=True, text=True,
                              env=pgtest.SHARED_ENV, check=False)
        self.assertEqual(done.returncode, wanted, done.stdout + done.stderr)
        for part in text:
            self.assertIn(part, done.stdout + done.stderr)

    def paths(self):
        return sql("SELECT string_agg(version || ' ' || name, ',' ORDER BY seq) FROM migrate_history", self.db)

    def next_version(self):
        self.file('v2/01_priority.sql', 'ALTER TABLE notes ADD COLUMN priority int NOT NULL DEFAULT 0;')
        self.file('v10/01_tags.sql', 'CREATE TABLE tags (id SERIAL PRIMARY KEY, tag TEXT NOT NULL);')

    def test_command_line(self):
        shown = self.migrate('plan', code=0).stdout
        places = [shown.index(os.path.basename(path)[3:-4].replace('_', ' ')) for path in V1]
        self.assertEqual(places, sorted(places))
        self.migrate('up', code=0)
        self.assertEqual(sql(USE, self.db), '1|t')
        self.migrate('status', '--check', code=0)
        first = self.paths()
        self.assertEqual(len(first.split(',')), 4)
        self.embed(0, '0 applied')
        self.next_version()
        self.migrate('up', code=0)
        self.assertTrue(self.paths().startswith(first + ','))
        self.assertRegex(self.paths(), 'priority,.*tags$')

    def test_embedded(self):
        self.embed(0, '4 applied', 'current')
        self.assertEqual(sql(USE, self.db), '1|t')
        self.migrate('status', '--check', code=0)
        self.migrate('verify', code=0)
        self.file('v2/01_bad.sql', 'CREATE TABLE more (a int);\nALTER TABLE nosuch ADD a int;')
        self.embed(6, 'v2/01_bad.sql:2', 'nosuch')
        self.assertEqual(sql("SELECT to_regclass('more')", self.db), '')
        os.unlink(os.path.join(self.folder, 'v2', '01_bad.sql'))
        self.next_version()
        self.embed(0, '2 applied', 'current')


if __name__ == '__main__':
    if not os.environ.get('EMBED_EXE'):
        print('skipped: EMBED_EXE names no program', file=sys.stderr)
        sys.exit(77)
    pgtest.main()
