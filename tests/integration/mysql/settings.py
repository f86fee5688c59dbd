#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever a server's administrator has set for our session, and whatever rights the migrating user has: the same
end, or a clear error with the remedy."""

import os
import re
import subprocess

import mytest
from mytest import MARIADB, Case, dump, fresh, migrate, sql

FILES = {
    '_1_first': "CREATE TABLE a (id int AUTO_INCREMENT PRIMARY KEY, v varchar(40) CHARACTER SET utf8mb4, n int DEFAULT 5) ENGINE=InnoDB;\n"
                "INSERT INTO a (v) VALUES ('one'),('zwei é'),('it''s');\nCREATE INDEX av ON a (v);",
    '_2_second': "ALTER TABLE a ADD COLUMN c int NOT NULL DEFAULT 1;\nUPDATE a SET c=id+1 WHERE id>0;\n"
                 "DELIMITER //\nCREATE PROCEDURE p() BEGIN UPDATE a SET n=n+1 WHERE id>0; UPDATE a SET n=n+1 WHERE id>0; END//\nDELIMITER ;\n"
                 "CREATE VIEW w AS SELECT id, v FROM a;",
    '_3_third': "CREATE TABLE b (id int PRIMARY KEY, a int, CONSTRAINT f FOREIGN KEY (a) REFERENCES a (id), CHECK (a > 0)) ENGINE=InnoDB;\n"
                "INSERT INTO b SELECT id, id FROM a;\nALTER TABLE b ADD KEY (a, id);",
}

# By init_connect, which every user without SUPER or CONNECTION_ADMIN gets.
SESSIONS = [
    'SET autocommit=0', "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED", 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
    'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'SET sql_safe_updates=1', 'SET default_storage_engine=MyISAM',
    'SET foreign_key_checks=0', 'SET unique_checks=0', 'SET sql_select_limit=0', 'SET sql_select_limit=1',
    "SET completion_type='CHAIN'", "SET completion_type='RELEASE'", 'SET NAMES latin1', 'SET NAMES utf8mb4 COLLATE utf8mb4_bin',
    "SET time_zone='+09:00'", 'SET lock_wait_timeout=1, innodb_lock_wait_timeout=1', 'SET big_tables=1',
    "SET sql_mode=''", "SET sql_mode='STRICT_TRANS_TABLES'", "SET sql_mode='STRICT_ALL_TABLES'", "SET sql_mode='ANSI'",
    "SET sql_mode='ANSI_QUOTES'", "SET sql_mode='TRADITIONAL'", "SET sql_mode='NO_BACKSLASH_ESCAPES'",
    "SET sql_mode='NO_AUTO_VALUE_ON_ZERO'", "SET sql_mode='IGNORE_SPACE,PIPES_AS_CONCAT'", "SET sql_mode='HIGH_NOT_PRECEDENCE'",
    "SET group_concat_max_len=4, net_write_timeout=3", 'SET wait_timeout=20', "SET lc_messages='de_DE'", "SET @@session.max_join_size=1",
]
SESSIONS += ['SET max_statement_time=0.0001', 'SET sql_quote_show_create=0'] if MARIADB else ['SET max_execution_time=1']


class Settings(Case):
    def setUp(self):
        super().setUp()
        self.write(**FILES)
        sql("DROP USER IF EXISTS app; CREATE USER app IDENTIFIED BY 'x'; GRANT ALL ON `t\\_%`.* TO app")
        self.where = mytest.url(self.db, 'app:x')

    def tearDown(self):
        sql("SET GLOBAL init_connect=''; SET GLOBAL read_only=0")
        super().tearDown()

    def expected(self):
        fresh(self.db)
        self.up(where=self.where)
        return dump(self.db)

    def test_sessions(self):
        expected = self.expected()
        for session in [SESSIONS[i - 1] for i in mytest.places(len(SESSIONS), 'sessions')]:
            with self.subTest(session):
                fresh(self.db)
                sql('SET GLOBAL init_connect="%s"' % session)
                done = migrate(self.db, self.folder, 'up', where=self.where)
                sql("SET GLOBAL init_connect=''")
                self.assertEqual(done.code, 0, done.err + done.out)
                self.assertEqual(done.json['applied'], 3)
                self.assertEqual(dump(self.db), expected)
                self.assertEqual(sql('SELECT seq FROM migrate_head', self.db), [('3',)])
                self.assertEqual(sql("SELECT COUNT(*) FROM migrate_journal WHERE direction<>'K'", self.db), [('0',)])
                self.assertEqual(migrate(self.db, self.folder, 'verify', where=self.where).code, 0)

    def test_sessions_with_rights(self):
        """What only an administrator may set, for our session by init_sql."""
        more = ['sql_log_bin=0', "binlog_format='STATEMENT'", 'insert_id=77', *([] if MARIADB else ['sql_require_primary_key=1'])]
        self.up()
        expected = dump(self.db)
        for setting in more:
            with self.subTest(setting):
                fresh(self.db)
                done = self.up('-o', 'init_sql=SET SESSION ' + setting)
                self.assertEqual(done.json['applied'], 3)
                if 'insert_id' not in setting:  # which is the number of the first row then
                    self.assertEqual(dump(self.db), expected)
                self.assertEqual(sql("SELECT COUNT(*) FROM migrate_journal WHERE direction<>'K'", self.db), [('0',)])
                self.assertEqual(migrate(self.db, self.folder, 'verify').code, 0)

    def test_read_only_session(self):
        sql("SET GLOBAL init_connect='SET SESSION TRANSACTION READ ONLY'")
        done = migrate(self.db, self.folder, 'up', '-o', 'reconnect_timeout=1s', where=self.where)
        self.assertEqual(done.code, 6, done.out)
        self.assertEqual(sql("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='%s' AND table_name='a'" % self.db), [('0',)])

    def test_read_only_server(self):
        sql('SET GLOBAL read_only=1')
        done = migrate(self.db, self.folder, 'up', '-o', 'reconnect_timeout=1s', where=self.where)
        self.assertEqual((done.code, done.status), (6, 'E_READ_ONLY'), done.out)
        self.assertEqual(migrate(self.db, self.folder, 'status', where=self.where).code, 0)
        sql('SET GLOBAL read_only=0')
        self.up(where=self.where)

    def test_read_only_and_back(self):
        """A writer that is demoted in the middle, and promoted again while the run waits."""
        expected = self.expected()
        fresh(self.db)
        self.write(_0_wait='DO SLEEP(1.5);')
        run = mytest.start(self.db, self.folder, 'up', '-o', 'reconnect_timeout=30s', where=self.where)
        mytest.time.sleep(1)
        sql('SET GLOBAL read_only=1; DO SLEEP(2); SET GLOBAL read_only=0')
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0, out + err)
        self.assertEqual(dump(self.db), expected)

    # ---- rights

    def grant(self, which, user='app'):
        """The statements of the manual, and no others."""
        path = os.path.join(os.environ['SOURCE_ROOT'], 'docs', 'guide', 'privileges.md')
        with open(path, encoding='utf-8') as f:
            text = re.search(r'<!-- mysql: %s -->\n```sql\n(.*?)```' % which, f.read(), re.S).group(1)
        sql(re.sub(r'TO \w+', 'TO ' + user, text.replace(' app.', ' `%s`.' % self.db)).rstrip())

    def nobody(self, user='app'):
        sql("DROP USER IF EXISTS %s; CREATE USER %s IDENTIFIED BY 'x'" % (user, user))

    def everything(self):
        self.write(_4_more="CREATE TRIGGER g BEFORE INSERT ON b FOR EACH ROW SET NEW.a=NEW.a+0; CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS "
                           "'2035-01-01' DO DELETE FROM b; CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1; CALL p(); "
                           "LOCK TABLES a WRITE, b READ; UPDATE a SET n=n+1 WHERE id>0; ALTER TABLE a ADD COLUMN l int; UNLOCK TABLES; "
                           "TRUNCATE TABLE b; RENAME TABLE b TO b2, a TO a2; DROP EVENT e; DROP FUNCTION f; DROP TABLE b2; DROP VIEW w")

    def trust(self, on):
        sql('SET GLOBAL log_bin_trust_function_creators=%d' % on)

    def test_exact_rights(self):
        self.everything()
        self.trust(1)
        expected = self.expected()
        for more in ([], ['more']):
            fresh(self.db)
            self.nobody()
            for which in ['migrator', *more]:
                self.grant(which)
            self.up(where=self.where)
            self.assertEqual(dump(self.db), expected)
            self.assertEqual(migrate(self.db, self.folder, 'verify', where=self.where).code, 0)
        self.trust(0)

    def test_rights_to_look(self):
        self.trust(1)
        self.write(_4_more='CREATE TRIGGER g BEFORE INSERT ON b FOR EACH ROW SET NEW.a=NEW.a+0; CREATE FUNCTION f() RETURNS int DETERMINISTIC '
                           "RETURN 1; CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01' DO DELETE FROM b")
        self.up()
        self.trust(0)
        self.nobody()
        self.grant('watcher')
        for command in ('status', 'plan', 'up'):
            done = migrate(self.db, self.folder, command, where=self.where)
            self.assertEqual(done.code, 0, command + done.err)
        done = migrate(self.db, self.folder, 'verify', where=self.where)
        self.assertIn('no right to see it', done.error['hint'])
        self.grant('verifier')
        done = migrate(self.db, self.folder, 'verify', where=self.where)
        self.assertEqual(done.code, 0, done.err)
        done = migrate(self.db, self.folder, 'init', where=self.where)
        self.assertEqual(done.code, 0, done.err)

    def test_rights_on_prepared_tables(self):
        self.assertEqual(migrate(self.db, self.folder, 'init').code, 0)
        sql('CREATE TABLE rows_only (n int)', self.db)
        self.write(_1_first='INSERT INTO rows_only VALUES (1);', _2_second='UPDATE rows_only SET n=2;', _3_third='DELETE FROM rows_only;')
        self.nobody()
        self.grant('prepared')
        sql('GRANT SELECT, INSERT, UPDATE, DELETE ON `%s`.rows_only TO app' % self.db)
        self.assertEqual(self.up(where=self.where).json['applied'], 3)

    def test_plan_says(self):
        """Beside each statement: what it does to the table, or why it may end in doubt."""
        self.up()
        self.write(_4_more='ALTER TABLE a ADD COLUMN z int; TRUNCATE TABLE b')
        done = subprocess.run([mytest.MIGRATE, '-d', mytest.url(self.db), '-s', self.folder, 'plan', '--sql'], capture_output=True, text=True,
                              env=mytest.ENV, check=True)
        self.assertIn('-- line 1: ALTER TABLE a: INSTANT', done.stdout)
        self.assertIn('-- line 1: TRUNCATE b leaves the definition', done.stdout)

    def test_missing_rights(self):
        """Read rights are enough to look; what is missing is named."""
        self.up('--to', '2')
        sql("DROP USER app; CREATE USER app IDENTIFIED BY 'x'; GRANT SELECT ON `%s`.* TO app" % self.db)
        self.assertEqual(migrate(self.db, self.folder, 'status', where=self.where).json['pending'], 1)
        self.assertEqual(migrate(self.db, self.folder, 'plan', where=self.where).code, 0)
        done = migrate(self.db, self.folder, 'up', where=self.where)
        self.assertEqual((done.code, done.status), (6, 'E_DENIED'), done.out)
        self.assertIn('Grant', done.error['hint'])
        os_hint = migrate(self.db, self.folder, 'up', where=mytest.url('no_such_db', 'app:x'))
        self.assertIn(os_hint.status, ('E_DENIED', 'E_NO_DATABASE'))

    def test_super_for_triggers(self):
        if sql('SELECT @@log_bin') != [('1',)]:
            self.skipTest('the server keeps no binary log')
        self.write(_4_trigger='CREATE TRIGGER g BEFORE INSERT ON a FOR EACH ROW SET NEW.n=7;')
        done = migrate(self.db, self.folder, 'up', where=self.where)
        self.assertEqual((done.code, done.status), (6, 'E_DENIED'), done.out)
        self.assertIn('log_bin_trust_function_creators', done.error['hint'])

    def test_bad_text(self):
        """Each with place, code and a hint; the database stays as it was."""
        cases = {
            'CREATE TABLE x (id int) COLLATE %s;' % ('utf8mb4_0900_ai_ci' if MARIADB else 'utf8mb4_uca1400_ai_ci'): (1273, 'utf8mb4_unicode_ci'),
            'CREATE TABLE x (id int) CHARACTER SET klingon;': (1115, 'utf8mb4'),
            'ALTER TABLE a ADD COLUMN id int;': (1060, ''), 'CREATE TABEL x (id int);': (1064, ''),
            'INSERT INTO nowhere VALUES (1);': (1146, ''), 'CREATE DEFINER=root@localhost VIEW x AS SELECT 1;': (1227, 'DEFINER'),
            'ALTER TABLE a MODIFY v int, ALGORITHM=INSTANT;': (1846, 'online'),
        }
        self.up(where=self.where)
        before = dump(self.db)
        for text, (code, hint) in cases.items():
            with self.subTest(text):
                self.write(_4_bad='-- a comment\n' + text)
                done = migrate(self.db, self.folder, 'up', where=self.where)
                self.assertEqual(done.code, 6, done.out)
                self.assertIn(done.error['code'], (code, 1846, 1845) if code == 1846 else (code,))
                self.assertEqual(done.error['line'], 2)
                self.assertIn(hint, done.error['hint'] or '')
                self.assertEqual(dump(self.db), before)
        self.write(_4_bad='CREATE TABLE mended (id int);')
        self.up(where=self.where)

    def test_too_large(self):
        size = int(sql('SELECT @@max_allowed_packet')[0][0])
        self.write(_4_large="INSERT INTO a (v) SELECT LEFT('%s',3);" % ('x' * (size + 10)))
        done = migrate(self.db, self.folder, 'up', where=self.where)
        self.assertIn(done.status, ('E_TOO_LARGE', 'E_PARSE'), done.out[:500])
        self.write(_4_large="INSERT INTO a (v) SELECT LEFT('%s',3);" % ('x' * (size // 2)))
        self.up(where=self.where)


if __name__ == '__main__':
    mytest.main()
