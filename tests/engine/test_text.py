# SPDX-License-Identifier: Apache-2.0
"""What counts as the text of a migration: placeholders, checksums, encodings."""

from engine import EngineTest, only


class Placeholders(EngineTest):
    def setUp(self):
        super().setUp()
        self.file('1_a.sql', self.table('a', ', v VARCHAR(99)') + "INSERT INTO a VALUES (1, 1, '${WHO}');\n")

    def value_of(self):
        return self.one('SELECT v FROM a WHERE id = 1')

    def test_plain_text_while_none_is_set(self):
        self.up()
        self.assertEqual(self.value_of(), '${WHO}')

    def test_replaced_when_any_is_set(self):
        self.up('-o', 'placeholder.WHO=me')
        self.assertEqual(self.value_of(), 'me')

    def test_once(self):
        self.up('-o', 'placeholder.WHO=${OTHER}', '-o', 'placeholder.OTHER=x')
        self.assertEqual(self.value_of(), '${OTHER}')

    def test_before_cutting(self):
        self.up('-o', "placeholder.WHO=x'); INSERT INTO a VALUES (2, 2, 'y")
        self.assertEqual(self.one('SELECT count(*) FROM a'), '2')
        self.assertEqual(self.json('status')['migrations'][0]['statements'], 3)

    def test_by_environment(self):
        self.json('up', env=dict(self.env, MIGRATE_PLACEHOLDER__WHO='env'))
        self.assertEqual(self.value_of(), 'env')

    def test_missing(self):
        error = self.fails('E_PLACEHOLDER', 'up', '-o', 'placeholder.OTHER=x')
        self.assertEqual((error['class'], error['path'], error['line']), (3, '1_a.sql', 2))
        self.assertIn('WHO', error['message'])
        self.assertIn('placeholder.WHO', error['hint'])
        self.assertFalse(self.exists('a'))

    def test_a_value_never_makes_a_migration_changed(self):
        self.up('-o', 'placeholder.WHO=me')
        self.assertEqual(self.up('-o', 'placeholder.WHO=you')['applied'], 0)
        self.assertEqual(self.up()['applied'], 0)
        self.json('status', '--check', '-o', 'placeholder.WHO=you')
        self.assertEqual(self.value_of(), 'me')

    def test_flyway_always(self):
        self.remove('1_a.sql')
        self.file('V1__a.sql', self.table('a', ', v VARCHAR(99)') + "INSERT INTO a VALUES (1, 1, '${WHO}');\n")
        self.fails('E_PLACEHOLDER', 'up')
        self.up('-o', 'placeholder.WHO=fly')
        self.assertEqual(self.value_of(), 'fly')

    def test_a_repeatable_runs_again_for_another_value(self):
        self.remove('1_a.sql')
        self.file('V1__a.sql', 'CREATE TABLE a (v VARCHAR(99));')
        self.file('R__r.sql', "INSERT INTO a VALUES ('${WHO}');")
        self.assertEqual(self.ran(self.up('-o', 'placeholder.WHO=me')), ['1', 'R:r'])
        self.assertEqual(self.up('-o', 'placeholder.WHO=me')['applied'], 0)
        self.assertEqual(self.ran(self.up('-o', 'placeholder.WHO=you')), ['R:r'])
        self.assertEqual(self.one('SELECT count(*) FROM a'), '2')


class Checksums(EngineTest):
    def test_line_ends_and_bom(self):
        text = self.table('a') + '-- one\n-- two\n'
        self.files(V1=text)
        self.up()
        kept = self.one('SELECT checksum FROM migrate_history')
        self.assertRegex(kept, '^sha256:[0-9a-f]{64}$')
        whole = self.json('hash')['hash']
        for other in (text.replace('\n', '\r\n').encode(), b'\xef\xbb\xbf' + text.encode(),
                      b'\xef\xbb\xbf' + text.replace('\n', '\r\n').encode()):
            self.file('V1__v1.sql', other)
            self.check()
            self.assertEqual(self.json('status')['migrations'][0]['checksum'], kept)
            self.assertEqual(self.json('hash')['hash'], whole)

    def test_a_lone_carriage_return_counts(self):
        self.files(V1=self.table('a') + '-- x\n')
        self.up()
        self.file('V1__v1.sql', (self.table('a') + '-- x\r').encode())
        self.check(4)

    def test_bom_is_not_sent(self):
        self.file('V1__v1.sql', b'\xef\xbb\xbf' + self.table('a').encode())
        self.up()
        self.assertTrue(self.exists('a'))

    def test_pairs_count_the_up_alone(self):
        self.file('1_a.up.sql', self.table('a'))
        self.file('1_a.down.sql', 'DROP TABLE a;')
        self.up()
        self.file('1_a.down.sql', 'DROP TABLE a; -- mended')
        self.check()

    def test_one_file_counts_whole(self):
        text = '-- migrate:up\n%s-- migrate:down\nDROP TABLE a;%s\n'
        self.file('1_a.sql', text % (self.table('a'), ''))
        self.up()
        self.file('1_a.sql', text % (self.table('a'), ' -- edited'))
        self.check(4)


class Encodings(EngineTest):
    def test_utf16_and_utf32(self):
        for encoding in ('utf-16', 'utf-16-le', 'utf-16-be', 'utf-32', 'utf-32-be'):
            self.file('V1__v1.sql', self.table('a').encode(encoding))
            error = self.fails('E_PARSE', 'up')
            self.assertEqual((error['class'], error['path']), (3, 'V1__v1.sql'), encoding)
            self.assertIn('UTF-8', error['message'] + (error['hint'] or ''))
        self.assertFalse(self.exists('a'))

    def test_nul(self):
        self.file('V1__v1.sql', self.table('a').encode() + b"INSERT INTO a VALUES (1, 1);\n-- \0\n")
        error = self.fails('E_PARSE', 'up')
        self.assertEqual((error['path'], error['line']), ('V1__v1.sql', 3))
        self.assertFalse(self.exists('a'))

    def test_utf8_everywhere(self):
        self.file('V1__größe_数.sql', self.table('größe', ', "數" VARCHAR(9)' if self.engine.dialect != 'mysql' else ', `數` VARCHAR(9)')
                  + "INSERT INTO größe VALUES (1, 1, '😀');\n")
        value = self.up()
        self.assertEqual(value['migrations'][0]['name'], 'größe 数')
        self.assertEqual(self.sql('SELECT * FROM größe'), [('1', '1', '😀')])
        self.check()

    def test_unterminated(self):
        texts = ["INSERT INTO a VALUES (1, 'x);\n", 'SELECT "x\n']
        if self.engine.dialect != 'sqlite':  # where such a comment ends with the text
            texts.append('/* never\n')
        for text in texts:
            self.files(V1=self.table('a') + text)
            error = self.fails('E_PARSE', 'up')
            self.assertEqual((error['path'], error['line']), ('V1__v1.sql', 2), text)
            self.assertFalse(self.exists('a'))

    def test_undecodable_name(self):
        import os
        path = os.path.join(os.fsencode(self.folder), b'migrations', b'V1__\xff.sql')
        with open(path, 'wb') as f:
            f.write(b'SELECT 1;')
        self.assertEqual(self.fails('E_NAME', 'up')['class'], 3)


class Kept(EngineTest):
    """SQLite keeps the text of what it makes, with the blanks before the terminator, and so do dumps of it."""
    TEXT = ('CREATE TABLE a (id INTEGER PRIMARY KEY, n) ;\nCREATE TABLE o (k PRIMARY KEY) WITHOUT ROWID -- all of it\n\n;\n'
            'CREATE INDEX a_n ON a (n) ;CREATE UNIQUE INDEX a_u ON a (n, id)\n-- said here\n;\n'
            'CREATE VIEW v AS SELECT n FROM a \n;\nCREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END ;\n')
    LAST = 'CREATE INDEX a_l ON a (id, n)  \n \n'  # nothing ends it

    def kept(self, url=None):
        return self.sql("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'migrate%' AND sql IS NOT NULL ORDER BY name", url)

    def wanted(self):
        url = self.url + '.shell'
        self.engine.run_script(self.TEXT + self.LAST, url)
        wanted = dict(self.kept(url))
        self.assertEqual(wanted['a_n'], 'CREATE INDEX a_n ON a (n) ')
        return wanted

    @only('sqlite')
    def test_as_its_shell_leaves_it(self):
        self.file('1_a.sql', self.TEXT + self.LAST)
        self.up()
        self.assertEqual(dict(self.kept()), self.wanted())

    @only('sqlite')
    def test_as_its_shell_leaves_it_without_a_transaction(self):
        self.file('1_a.sql', '-- migrate: no-transaction\n' + self.TEXT + self.LAST)
        self.up()
        self.assertEqual(dict(self.kept()), self.wanted())
