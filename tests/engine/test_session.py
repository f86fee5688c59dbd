# SPDX-License-Identifier: Apache-2.0
"""What a migration does to the session does not reach the next."""

from engine import EngineTest, only


@only('postgres')
class Postgres(EngineTest):
    OPTIONS = ((), ('-o', 'batch=off'), ('-o', 'transaction=all'), ('-o', 'transaction=none'))

    def each_way(self, first, second, expected, ways=OPTIONS):
        for args in ways:
            self.sql('DROP TABLE IF EXISTS seen')
            self.files(V1=first, V2='CREATE TABLE seen AS ' + second)
            self.round = getattr(self, 'round', 0) + 1
            self.up('-o', 'table_prefix=p%d_' % self.round, *args)
            self.assertEqual(self.one('SELECT * FROM seen'), expected, args)

    def test_search_path(self):
        self.sql('CREATE SCHEMA elsewhere')
        self.each_way('SET search_path = elsewhere;', "SELECT current_setting('search_path') AS v", '"$user", public')
        self.each_way("SELECT set_config('search_path', 'elsewhere', false);", "SELECT current_setting('search_path') AS v",
                      '"$user", public')

    def test_ours_are_found_while_search_path_is_elsewhere(self):
        self.files(V1='CREATE SCHEMA elsewhere;\nSET search_path = elsewhere;\nCREATE TABLE there (id int);\n', V2=self.table('a'))
        self.up()
        self.check()
        self.assertEqual(self.sql("SELECT schemaname FROM pg_tables WHERE tablename IN ('a', 'there') ORDER BY tablename"),
                         [('public',), ('elsewhere',)])
        self.files(V3="SET search_path = ''; SET row_security = off; SET check_function_bodies = false;", V4=self.table('b'))
        self.up()
        self.check()

    def test_role(self):
        self.sql('DROP ROLE IF EXISTS other; CREATE ROLE other')
        self.addCleanup(self.sql, 'DROP OWNED BY other; DROP ROLE other')
        self.each_way('SET ROLE other;', 'SELECT current_user::text AS v', 'postgres', self.OPTIONS[:2])
        self.each_way('SET SESSION AUTHORIZATION other;', 'SELECT current_user::text AS v', 'postgres', self.OPTIONS[:2])

    def test_time_outs_and_other_settings(self):
        self.each_way("SET statement_timeout = '7s'; SET lock_timeout = '9s'; SET TIME ZONE 'Asia/Tokyo';",
                      "SELECT current_setting('statement_timeout') || current_setting('TimeZone') AS v",
                      '0' + self.one("SELECT current_setting('TimeZone')"))

    def test_temporary_tables_and_prepared_statements(self):
        self.files(V1='CREATE TEMP TABLE t (id int);\nPREPARE p AS SELECT 1;\nDECLARE c CURSOR WITH HOLD FOR SELECT 1;\nLISTEN x;',
                   V2='CREATE TEMP TABLE t (id int);\nPREPARE p AS SELECT 1;\nDECLARE c CURSOR WITH HOLD FOR SELECT 1;',
                   V3="CREATE TABLE seen AS SELECT (SELECT count(*) FROM pg_prepared_statements) + (SELECT count(*) FROM "
                      "pg_cursors WHERE name = 'c') + (SELECT count(*) FROM pg_class WHERE relname = 't') AS v")
        self.up()
        self.assertEqual(self.one('SELECT v FROM seen'), '0')

    def test_discard_and_reset_all(self):
        self.files(V1='RESET ALL;\n' + self.table('a'), V2=self.table('b'))
        self.up()
        self.files(V3='-- migrate: no-transaction\nDISCARD ALL;\n' + self.table('c'), V4=self.table('d'))
        self.up()
        self.check()

    def test_session_lock_functions_of_the_file(self):
        self.files(V1='SELECT pg_advisory_unlock_all();', V2=self.table('b'))
        self.up()
        self.check()

    def test_standard_conforming_strings(self):
        self.files(V1="SET standard_conforming_strings = off;\nCREATE TABLE a (v text);\nINSERT INTO a VALUES ('it\\'s; so');\n",
                   V2="INSERT INTO a VALUES ('back\\slash');\n")
        self.up()
        self.assertEqual(self.sql("SELECT v FROM a WHERE v LIKE 'it%'"), [("it's; so",)])
        self.assertEqual(self.one("SELECT count(*) FROM a WHERE v = E'back\\\\slash'"), '1')


@only('mysql')
class Mysql(EngineTest):
    def seen(self, first, second):
        self.files(V1=first, V2='CREATE TABLE seen AS ' + second)
        self.up()
        return self.one('SELECT * FROM seen')

    def test_sql_mode(self):
        self.assertNotIn('ANSI_QUOTES', self.seen("SET sql_mode = 'ANSI_QUOTES';\nSELECT 1;", 'SELECT @@sql_mode AS v;'))

    def test_lexical_modes_in_the_file(self):
        self.files(V1="CREATE TABLE a (v VARCHAR(99));\nSET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';\n"
                      "INSERT INTO \"a\" VALUES ('back\\'); INSERT INTO a VALUES ('x');\n",
                   V2="INSERT INTO a VALUES ('it\\'s; so', \"q;\");\n".replace(', "q;"', ''))
        self.up()
        self.assertEqual(self.one('SELECT count(*) FROM a'), '3')

    def test_variables_database_and_autocommit(self):
        other = self.engine.create(self)
        self.assertEqual(self.seen("SET @x = 7;\nUSE %s;\nCREATE TABLE there (id INT);\nSET autocommit = 0;\n"
                                   'INSERT INTO there VALUES (1);\nSET foreign_key_checks = 0;' % other,
                                   'SELECT CONCAT(DATABASE(), @@foreign_key_checks + 0, @x IS NULL) AS v;'),
                         self.engine.database + '11')
        self.assertEqual(self.one('SELECT count(*) FROM %s.there' % other), '1')

    def test_temporary_tables(self):
        self.files(V1='CREATE TEMPORARY TABLE t (id INT);\nINSERT INTO t VALUES (1);\n' + self.table('a'),
                   V2='CREATE TEMPORARY TABLE t (id INT);\n')
        self.up()
        self.check()

    def test_lock_tables(self):
        self.files(V1=self.table('a') + 'LOCK TABLES a WRITE;\nINSERT INTO a VALUES (1, 1);\nUNLOCK TABLES;\n', V2=self.table('b'))
        self.up()
        self.assertEqual(self.one('SELECT count(*) FROM a'), '1')
        self.check()

    def test_server_side_modes(self):
        """The session may be anything when we come: strict or not, ANSI, no autocommit."""
        for n, mode in enumerate(('', 'ANSI_QUOTES', 'NO_BACKSLASH_ESCAPES', 'TRADITIONAL', 'ANSI,NO_AUTO_VALUE_ON_ZERO')):
            self.files(**{'V%d' % (n + 1): "CREATE TABLE t%d (id INT PRIMARY KEY, v VARCHAR(9));\nINSERT INTO t%d VALUES (0, 'x');\n"
                          % (n, n)})
            self.up('-o', "init_sql=SET sql_mode='%s', autocommit=0, completion_type=CHAIN" % mode)
            self.check()
            self.assertEqual(self.one('SELECT count(*) FROM t%d' % n), '1')


@only('sqlite')
class Sqlite(EngineTest):
    def test_temporary_tables_and_attached_files(self):
        self.files(V1='CREATE TEMP TABLE t (id);\nCREATE TABLE a (id);\nINSERT INTO t VALUES (1);\nINSERT INTO a SELECT * FROM t;',
                   V2='CREATE TEMP TABLE t (id);')
        self.up()
        self.check()

    def test_a_temporary_table_of_our_name(self):
        self.files(V1='CREATE TEMP TABLE migrate_head (id);\nCREATE TABLE a (id);', V2='CREATE TABLE b (id);')
        self.up()
        self.check()
        self.assertEqual(self.head()[1], 2)

    def test_pragmas(self):
        self.files(V1='PRAGMA case_sensitive_like = ON;\nPRAGMA recursive_triggers = ON;',
                   V2="CREATE TABLE seen AS SELECT 'a' LIKE 'A' AS v;")
        self.up()
        self.assertEqual(self.one('SELECT v FROM seen'), '1')

    def test_pragmas_that_do_nothing_inside_a_transaction(self):
        texts = ['PRAGMA journal_mode = WAL;\nPRAGMA synchronous = NORMAL;\nPRAGMA temp_store = MEMORY;\nCREATE TABLE a (id);',
                 'CREATE TABLE a (id);\nPRAGMA wal_checkpoint;\nPRAGMA journal_mode(wal);', 'PRAGMA journal_mode=WAL;',
                 'PRAGMA journal_mode=WAL;\nBEGIN;\nCREATE TABLE a (id);\nCOMMIT;\n',
                 '-- migrate: no-transaction\nPRAGMA journal_mode=WAL;\nCREATE TABLE a (id);']
        for i, text in enumerate(texts):
            for mode in ('each', 'all'):
                url = self.engine.other(self, '%d%s' % (i, mode))
                self.files(V1=text, V2='CREATE TABLE b (id);')
                if mode == 'each' or not text.startswith('--'):
                    self.migrate('up', '-d', url, '-o', 'transaction=' + mode, code=0)
                    self.assertEqual(self.sql('PRAGMA journal_mode', url), [('wal',)], text)
                    self.assertEqual(self.sql("SELECT name FROM sqlite_master WHERE name = 'b'", url), [('b',)])

    def test_pages_and_vacuum(self):
        self.files(V1='CREATE TABLE a (id);', V2='PRAGMA page_size = 8192;\nVACUUM;')
        self.up()
        self.assertEqual(self.one('PRAGMA page_size'), '8192')

    def test_a_journal_that_a_kill_would_not_survive(self):
        self.files(V1='PRAGMA journal_mode = OFF;\nCREATE TABLE a (id);', V2='PRAGMA journal_mode=memory; CREATE TABLE b (id);')
        self.up()
        self.assertEqual(self.one('PRAGMA journal_mode'), 'delete')

    def test_foreign_keys_recipe(self):
        self.files(V1='CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (p REFERENCES p(id));\nINSERT INTO p VALUES (1);\n'
                      'INSERT INTO c VALUES (1);')
        self.up()
        rebuild = ('PRAGMA foreign_keys=OFF;\nCREATE TABLE p2 (id INTEGER PRIMARY KEY, n);\nINSERT INTO p2 (id) SELECT id FROM p%s;\n'
                   'DROP TABLE p;\nALTER TABLE p2 RENAME TO p;\nPRAGMA foreign_keys=ON;\n')
        self.files(V2=rebuild % ' WHERE id > 1')
        error = self.fails('E_SQL', 'up')
        self.assertIn('foreign key', error['message'])
        self.assertEqual((error['version'], error['path']), ('2', 'V2__v2.sql'))
        self.assertEqual(self.one('SELECT count(*) FROM p'), '1')
        self.files(V2=rebuild % '')
        self.up()
        self.assertEqual(self.one('SELECT count(*) FROM c'), '1')

    def test_statements_that_end_the_transaction_themselves(self):
        self.files(V1='CREATE TABLE a (id INTEGER PRIMARY KEY);\nINSERT INTO a VALUES (1);')
        self.up()
        self.files(V2='INSERT INTO a VALUES (2);\nINSERT OR ROLLBACK INTO a VALUES (1);\nINSERT INTO a VALUES (3);')
        error = self.fails('E_SQL', 'up')
        self.assertEqual(error['statement'], 2)
        self.assertEqual(self.one('SELECT count(*) FROM a'), '1')
        self.assertEqual(self.states()['2'], 'pending')
