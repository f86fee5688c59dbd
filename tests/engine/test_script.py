# SPDX-License-Identifier: Apache-2.0
"""plan --script, run by the vendor's own client, ends as `up` does, and refuses when the database has moved."""

from engine import EngineTest, Failed, only


class Script(EngineTest):
    COLUMNS = 'kind, version, name, state, checksum, statements, done, seq'

    def setUp(self):
        super().setUp()
        self.files(V1=self.table('a') + "INSERT INTO a VALUES (1, 1);\nINSERT INTO a VALUES (2, 2);\n",
                   V2='-- about it; really\n' + self.table('b') + "UPDATE a SET n = n + 1;\n",
                   V3='CREATE INDEX a_n ON a (n);\n')
        self.file('R__view.sql', 'DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT n FROM a;\n')
        self.file('U3__x.sql', {'mysql': 'DROP INDEX a_n ON a;\n'}.get(self.engine.dialect, 'DROP INDEX a_n;\n'))
        self.more()

    def more(self):
        d = self.engine.dialect
        if d == 'postgres':
            self.file('V4__more.sql', "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;\n"
                      "INSERT INTO a VALUES (3, 3); COPY b FROM STDIN;\n1\t10\n2\t20\n\\.\nINSERT INTO b VALUES (3, 30);\n"
                      "DO $do$ BEGIN PERFORM f(); END $do$;\nCOMMENT ON TABLE a IS E'it''s \\\\ \\u00e9';\n")
            self.file('V5__alone.sql', 'CREATE INDEX CONCURRENTLY a_n2 ON a (n);\n')
            self.file('V6__mixed.sql', '-- migrate: no-transaction\nUPDATE a SET n = n * 2;\nVACUUM a;\nUPDATE a SET n = n + 5;\n')
            self.file('V7__path.sql', 'CREATE SCHEMA other;\nSET search_path = other;\nSET ROLE pg_monitor;\n')
            self.file('V8__here.sql', 'CREATE TABLE here (id int);\n')
        elif d == 'mysql':
            self.file('V4__more.sql', "CREATE PROCEDURE p() BEGIN UPDATE a SET n = n + 1; UPDATE a SET n = n + 1; END;\n"
                      "CREATE TRIGGER t BEFORE INSERT ON b FOR EACH ROW BEGIN SET NEW.n = 7; END;\nINSERT INTO b VALUES (1, 1);\n"
                      "CALL p();\nINSERT INTO b VALUES (2, 2);\n")
            self.file('V5__text.sql', "ALTER TABLE b ADD COLUMN t VARCHAR(99) DEFAULT 'it''s; \\\\ \\n';\n"
                      "START TRANSACTION;\nINSERT INTO b (id, t) VALUES (3, '数\\';x');\nUPDATE a SET n = 0 WHERE id = 1;\nCOMMIT;\n")
            self.file('V6__modes.sql', "SET sql_mode = 'ANSI_QUOTES';\nINSERT INTO \"b\" (id) VALUES (4);\n")
            self.file('V7__after.sql', 'INSERT INTO b (id, t) VALUES (5, "dq");\n')
            self.file('V8__locked.sql', 'LOCK TABLES a WRITE, b AS c READ;\n/*!40000 ALTER TABLE a DISABLE KEYS */;\n'
                      'UPDATE a SET n = n + 1;\nALTER TABLE a ADD COLUMN l INT;\nUPDATE a SET l = n;\nUNLOCK TABLES;\n'
                      '/*!40000 LOCK TABLES b WRITE */;\nINSERT INTO b (id) VALUES (6);\n')
        else:
            self.file('V4__more.sql', "CREATE TRIGGER t AFTER INSERT ON b BEGIN UPDATE a SET n = n + 1; SELECT 1; END;\n"
                      "INSERT INTO b VALUES (1, 'it''s; 数');\n")
            self.file('V5__rebuild.sql', 'PRAGMA foreign_keys=OFF;\nCREATE TABLE b2 (id INTEGER PRIMARY KEY, n, c REFERENCES a(id));\n'
                      'INSERT INTO b2 (id, n) SELECT id, n FROM b;\nDROP TABLE b;\nALTER TABLE b2 RENAME TO b;\nPRAGMA foreign_keys=ON;\n')
            self.file('V6__mixed.sql', '-- migrate: no-transaction\nUPDATE a SET n = n * 2;\nVACUUM;\nUPDATE a SET n = n + 5;\n')

    def script(self, *args):
        return self.migrate('plan', *args, '--script', code=0).stdout

    def books(self, url=None):
        head = self.sql('SELECT format, seq, digest FROM migrate_head', url)
        return head, self.sql('SELECT %s FROM migrate_history ORDER BY kind, version' % self.COLUMNS, url)

    def test_begins_so_that_a_failure_ends_it(self):
        first = self.script().split('\n', 1)[0] if self.engine.dialect == 'mysql' else self.script()
        if self.engine.dialect == 'postgres':
            self.assertTrue(first.startswith('\\set ON_ERROR_STOP on\n'))
        elif self.engine.dialect == 'sqlite':
            self.assertTrue(first.startswith('.bail on\n'))

    def test_is_like_up(self):
        text = self.script()
        self.assertFalse(self.exists('migrate_head'), 'planning writes nothing')
        self.engine.run_script(text, self.url)
        reference = self.engine.other(self, 'reference')
        self.json('-d', reference, 'up')
        self.assertEqual(self.books(), self.books(reference))
        self.assertEqual(self.engine.schema(), self.engine.schema(reference))
        self.assertEqual(self.up()['applied'], 0)
        self.json('verify')
        self.check()
        self.assertEqual(self.one("SELECT count(*) FROM migrate_journal WHERE direction <> 'K'"), '0')

    def test_of_the_rest_and_down(self):
        self.up('--to', '2')
        epoch, seq = self.head()
        self.engine.run_script(self.script('--to', '3'), self.url)
        self.assertEqual(self.head()[1], seq + 1)
        self.assertGreater(self.head()[0], epoch, 'it takes an epoch of its own')
        self.engine.run_script(self.script('down'), self.url)
        self.assertEqual(self.states()['3'], 'reverted')
        self.engine.run_script(self.script(), self.url)
        self.check()

    def refuses(self, text):
        before = self.books(), self.engine.schema(), self.head()
        with self.assertRaises(Failed):
            self.engine.run_script(text, self.url)
        self.assertEqual(((self.books(), self.engine.schema(), self.head())), before)

    def test_refuses_when_the_database_has_moved(self):
        self.up('--to', '1')
        text = self.script()
        self.up('--to', '2')
        self.refuses(text)

    def test_refuses_the_second_time(self):
        text = self.script('--to', '2')
        self.engine.run_script(text, self.url)
        self.refuses(text)

    def test_refuses_another_format(self):
        self.up('--to', '1')
        text = self.script()
        self.sql('UPDATE migrate_head SET format = 99')
        self.refuses(text)

    def test_refuses_a_history_of_the_same_length(self):
        self.up('--to', '1')
        text = self.script()
        self.sql("UPDATE migrate_head SET digest = 'other'")
        self.refuses(text)

    def test_stops_at_a_failure_and_up_goes_on(self):
        text = self.script('--to', '3').replace('CREATE INDEX a_n ON a', 'CREATE INDEX a_n ON nowhere')
        with self.assertRaises(Failed):
            self.engine.run_script(text, self.url)
        states = self.states()
        self.assertEqual((states['1'], states['2']), ('applied', 'applied'))
        self.assertNotEqual(states['3'], 'applied')
        self.up()
        self.check()

    def test_without_a_database(self):
        dialect = {'mysql': self.engine.name}.get(self.engine.dialect, self.engine.dialect)
        text = self.migrate('plan', '--script', '--dialect', dialect, code=0, env={k: v for k, v in self.env.items()
                                                                                    if k != 'MIGRATE_DATABASE_URL'}).stdout
        self.engine.run_script(text, self.url)
        self.assertEqual(self.up()['applied'], 0)
        self.check()
