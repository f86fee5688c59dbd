#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A migration that stops after any of the statements that are sent for it, ours included, and goes on.

`plan --script` writes them as they are sent. For every n the first n are run by the vendor's client, whose session then
ends; `migrate up` must come to the schema and rows of an undisturbed run, or stop in doubt where the plan had said so,
and then `resolve` with the truth must lead there.

PLACES=0 takes all places instead of some."""

import mytest
from mytest import MARIADB, PLACES, Case, dump, fresh, migrate, places, sql, statements

BASE = """
CREATE TABLE t (id int PRIMARY KEY, a varchar(20) DEFAULT 'x', b int, KEY ka (a)) ENGINE=InnoDB;
CREATE TABLE t2 (id int PRIMARY KEY, a varchar(20) DEFAULT 'x', b int, KEY ka (a)) ENGINE=InnoDB;
CREATE TABLE p (id int, v int) ENGINE=InnoDB PARTITION BY RANGE (id) (PARTITION p1 VALUES LESS THAN (10), PARTITION p2 VALUES LESS THAN (20));
CREATE TABLE px (id int, v int) ENGINE=InnoDB;
CREATE TABLE m (id int) ENGINE=MyISAM;
INSERT INTO t VALUES (1,'one',1),(2,'two',2);
INSERT INTO t2 VALUES (3,'three',3);
INSERT INTO p VALUES (1,1),(11,11);
INSERT INTO px VALUES (5,5);
CREATE VIEW v AS SELECT id FROM t;
DELIMITER //
CREATE PROCEDURE addrow(n int) BEGIN INSERT INTO t VALUES (n, 'proc', n); INSERT INTO t2 VALUES (n, 'proc', n); END//
DELIMITER ;
"""

# Name -> text, and whether doubt is allowed where it says so in the plan.
CASES = {
    'dml': "INSERT INTO t VALUES (5,'five',5); UPDATE t SET b=b+1; DELETE FROM t WHERE id=1",
    'mixed': "UPDATE t SET b=b+1; ALTER TABLE t ADD COLUMN c int; UPDATE t SET c=b, b=b+1; CREATE INDEX ib ON t (b); UPDATE t SET b=b+1",
    'create': "CREATE TABLE n (id int PRIMARY KEY, r int, CONSTRAINT f FOREIGN KEY (r) REFERENCES t (id), CHECK (r > 0)); INSERT INTO n VALUES (1,1)",
    'create_select': "CREATE TABLE n SELECT * FROM t; UPDATE n SET b=b+1",
    'create_like': "CREATE TABLE n LIKE t; INSERT INTO n SELECT * FROM t",
    'alter': "ALTER TABLE t DROP COLUMN b; ALTER TABLE t MODIFY a varchar(40) NOT NULL; ALTER TABLE t RENAME COLUMN a TO aa; ALTER TABLE t COMMENT 'x'",
    'index': "CREATE UNIQUE INDEX u ON t (b); DROP INDEX ka ON t; ALTER TABLE t ADD KEY k2 (a(5)), ADD KEY k3 (b,a)",
    'rename': "RENAME TABLE t TO r; UPDATE r SET b=b+1; ALTER TABLE r RENAME TO r2",
    'drop': "DROP TABLE t2; DROP VIEW v; DROP PROCEDURE addrow",
    'drop_two': "DROP TABLE t2, px",
    'drop_two_missing': "DROP TABLE IF EXISTS t2, nothing_here, px",
    'swap': "RENAME TABLE t TO x, t2 TO t, x TO t2",
    'truncate': "TRUNCATE TABLE t; INSERT INTO t VALUES (7,'seven',7)",
    'drop_add': "ALTER TABLE t DROP COLUMN b, ADD COLUMN b int; UPDATE t SET b=99",
    'exchange': "ALTER TABLE p EXCHANGE PARTITION p1 WITH TABLE px",
    'partitions': "ALTER TABLE p ADD PARTITION (PARTITION p3 VALUES LESS THAN (30)); INSERT INTO p VALUES (25,25); "
                  "ALTER TABLE p DROP PARTITION p1; ALTER TABLE p REORGANIZE PARTITION p2,p3 INTO (PARTITION p23 VALUES LESS THAN (30)); "
                  "ALTER TABLE p TRUNCATE PARTITION p23; ALTER TABLE p REMOVE PARTITIONING",
    'maintenance': "OPTIMIZE TABLE t; ANALYZE TABLE t; ALTER TABLE t FORCE; ALTER TABLE t ENGINE=InnoDB; ALTER TABLE t AUTO_INCREMENT=50",
    'views': "CREATE VIEW w AS SELECT a FROM t; CREATE OR REPLACE VIEW v AS SELECT id,a FROM t; ALTER VIEW w AS SELECT a,b FROM t; DROP VIEW v",
    'routines': "DELIMITER //\nCREATE PROCEDURE q() BEGIN SELECT 1; SELECT 2; END//\n"
                "CREATE FUNCTION f(n int) RETURNS int DETERMINISTIC BEGIN RETURN n+1; END//\nDELIMITER ;\n"
                "UPDATE t SET b=f(b); ALTER PROCEDURE q COMMENT 'hey'; DROP PROCEDURE addrow",
    'triggers': "DELIMITER //\nCREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN SET NEW.b = NEW.id*2; END//\nDELIMITER ;\n"
                "INSERT INTO t (id) VALUES (8); DROP TRIGGER g; INSERT INTO t (id) VALUES (9)",
    'events': "CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01' DO DELETE FROM t; ALTER EVENT e DISABLE; "
              "CREATE EVENT e2 ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01' DO DELETE FROM t; DROP EVENT e2",
    'call': "CALL addrow(40); INSERT INTO t VALUES (41,'x',41)",
    'grant': "CREATE TABLE n (id int); GRANT SELECT ON n TO `cutter`@`%`; INSERT INTO n VALUES (1)",
    'myisam': "ALTER TABLE m ADD COLUMN c int; CREATE TABLE m2 (id int) ENGINE=MyISAM",
    'session': "SET @x=3; SET sql_mode='ANSI_QUOTES'; UPDATE \"t\" SET b=@x; SET NAMES latin1; INSERT INTO t VALUES (30,'q',1)",
    'lock_tables': "LOCK TABLES t WRITE, t2 WRITE; UPDATE t SET b=b+1; UPDATE t2 SET b=b+1; UNLOCK TABLES; UPDATE t SET b=b+1",
    'transaction': "BEGIN; UPDATE t SET b=b+1; UPDATE t2 SET b=b+1; COMMIT; ALTER TABLE t ADD COLUMN z int; BEGIN; UPDATE t SET z=1; COMMIT",
    'database': "CREATE DATABASE cut_other CHARACTER SET utf8mb4; ALTER DATABASE cut_other CHARACTER SET latin1; CREATE TABLE cut_other.o (id int); DROP DATABASE cut_other",
    'use': "CREATE DATABASE cut_other; USE cut_other; CREATE TABLE t (id int); ALTER TABLE t ADD COLUMN a int DEFAULT 4; "
           "USE t_test_use; CREATE TABLE got LIKE cut_other.t; DROP DATABASE cut_other; ALTER TABLE t ADD COLUMN u int",
    'prepared': "CREATE TABLE n (id int); PREPARE s FROM 'INSERT INTO n VALUES (1)'; DEALLOCATE PREPARE s; SET @n=(SELECT COUNT(*) FROM n); "
                "PREPARE s FROM 'UPDATE t SET b=b+1'; DROP TABLE n; EXECUTE s; DROP PREPARE s",
    'modes': "SET sql_mode='NO_BACKSLASH_ESCAPES'; CREATE TABLE n (s varchar(9) DEFAULT '\\'); INSERT INTO n VALUES ('x\\'); "
             "ALTER TABLE n ADD COLUMN z varchar(9) DEFAULT 'q;\\'",
}
if MARIADB:
    CASES['sequence'] = "CREATE SEQUENCE s START WITH 5; ALTER SEQUENCE s INCREMENT BY 2; INSERT INTO t VALUES (NEXTVAL(s)*0+77,'s',0); DROP SEQUENCE s"
    CASES['replace'] = "CREATE OR REPLACE TABLE t2 (id int PRIMARY KEY, z int); INSERT INTO t2 VALUES (1,1)"
    CASES['compound'] = "BEGIN NOT ATOMIC UPDATE t SET b=b+1; UPDATE t2 SET b=b+1; END; UPDATE t SET b=b+1"
    CASES['if_exists'] = "ALTER TABLE t ADD COLUMN IF NOT EXISTS c int; CREATE INDEX IF NOT EXISTS ic ON t (c); DROP INDEX IF EXISTS nope ON t"
else:
    CASES['invisible'] = "ALTER TABLE t ALTER INDEX ka INVISIBLE; ALTER TABLE t ADD KEY kf ((b+1)); ALTER TABLE t ADD COLUMN n int INVISIBLE"

# Ends in doubt in some windows; the plan must have said so. Everything else must never.
MAY_DOUBT = {'call', 'grant', 'myisam', 'drop_two_missing', 'lock_tables', 'temporary', 'compound', 'swap', 'exchange',
             'truncate', 'partitions', 'replace', 'drop_add', 'database', 'session', 'use', 'prepared'}


# Cut behind each of the file's statements, whose marks are missing then; of ours in between any may be as good.
BEHIND_EACH = {'use', 'prepared', 'modes'}
BY_TIME = {'exchange', 'partitions', 'drop_add'}


def is_ours(statement):
    return 'migrate_' in statement or statement.startswith(('START TRANSACTION', 'COMMIT'))


class Script(Case):
    slow_clock = False

    def begin(self):
        sql('DROP DATABASE IF EXISTS cut_other')
        fresh(self.db)
        done = migrate(self.db, self.folder, 'up', '--to', '1')
        self.assertEqual(done.code, 0, done.err + done.out)
        if self.slow_clock:
            sql('DO SLEEP(1.1)')

    def script(self):
        done = mytest.subprocess.run([mytest.MIGRATE, '-d', mytest.url(self.db), '-s', self.folder, 'plan', '--script'],
                                     capture_output=True, text=True, env=mytest.ENV, check=True)
        parts = mytest.cut_script(done.stdout)
        self.assertEqual([p for p in parts if p.startswith('COMMIT')].count('COMMIT'), done.stdout.count('COMMIT;\n'))
        return done.stdout, parts


class Cuts(Script):
    def setUp(self):
        super().setUp()
        sql("DROP DATABASE IF EXISTS cut_other; DROP USER IF EXISTS `cutter`@`%`; CREATE USER `cutter`@`%` IDENTIFIED BY 'x'")

    def finish(self, name, parts, n, doubtful):
        """Goes on to the end; returns how often it was in doubt."""
        doubts = 0
        for _ in range(4):
            done = migrate(self.db, self.folder, 'up')
            if done.code == 0:
                return doubts
            self.assertEqual(done.status, 'E_DOUBT', 'after %d of %d: %s%s' % (n, len(parts), done.err, done.out))
            self.assertTrue(doubtful, '%s: in doubt after %d (%s) and the plan did not say so\n%s' % (name, n, parts[n - 1], done.out))
            self.assertIn(name, MAY_DOUBT)
            doubts += 1
            # The statement in doubt is the last of the user's that was begun: done if it is among those sent.
            applied = not is_ours(parts[n - 1]) if doubts == 1 else False
            said = migrate(self.db, self.folder, 'resolve', '2', '--applied' if applied else '--not-applied')
            self.assertEqual(said.code, 0, said.err + said.out)
        self.fail('always in doubt')

    def whole(self, expected):
        """The script from its beginning to its end."""
        self.begin()
        mytest.run_client(self.script()[0], self.db)
        self.assertEqual(dump(self.db), expected)
        self.assertEqual(migrate(self.db, self.folder, 'up').json.get('applied'), 0)

    def places(self, parts, name):
        if PLACES and name in BEHIND_EACH:
            return [n for n in range(1, len(parts) + 1) if not is_ours(parts[n - 1])]
        return places(len(parts), name)

    def cut(self, name):
        # An ALTER that leaves the definition as it was is told by times in whole seconds.
        self.slow_clock = name in BY_TIME
        self.write(_1_base=BASE, _2_case=CASES[name])
        self.begin()
        plan = migrate(self.db, self.folder, 'plan').json['steps'][0]
        doubtful = plan.get('may_doubt') or []
        self.up()
        expected = dump(self.db)
        self.begin()
        parts = self.script()[1]
        doubts = 0
        for n in self.places(parts, name):
            self.begin()
            try:
                mytest.run_client(statements(parts[:n]), self.db)
            except mytest.Refused as e:
                self.fail('%d: %s' % (n, e))
            doubts += self.finish(name, parts, n, doubtful)
            self.assertEqual(dump(self.db), expected, '%s cut after %d of %d: %s' % (name, n, len(parts), parts[n - 1][:300]))
            self.assertEqual(migrate(self.db, self.folder, 'status').json.get('state'), 'current')
        if not PLACES or sum(name.encode()) % 3 == 0:
            self.whole(expected)
        print('%s: %d parts, %d in doubt, %s' % (name, len(parts), doubts, doubtful))


# Values that one statement leaves in the session for another.
PARENTS = "CREATE TABLE pa (id int AUTO_INCREMENT PRIMARY KEY, n int) ENGINE=InnoDB AUTO_INCREMENT=7; CREATE TABLE ch (p int, n int) ENGINE=InnoDB;"
IN_ONE_RUN = ("INSERT INTO pa (n) VALUES (1); SET @id = LAST_INSERT_ID(); INSERT INTO ch VALUES (@id, 1); SELECT COUNT(*) INTO @n FROM pa; "
              "INSERT INTO ch VALUES (@n, 2); SET @c = 5; ALTER TABLE ch ADD COLUMN z int; INSERT INTO ch VALUES (@c, @c, 1)")
ACROSS = "INSERT INTO pa (n) VALUES (1); SET @id = LAST_INSERT_ID(); ALTER TABLE ch ADD COLUMN z int; INSERT INTO ch VALUES (@id, 1, 1)"


class Values(Script):
    def rows(self):
        """Numbers have holes where something was rolled back."""
        return sorted(sql('SELECT pa.n, ch.n, ch.z FROM ch LEFT JOIN pa ON pa.id=ch.p', self.db))

    def values(self, text, doubts):
        self.write(_1_base=PARENTS, _2_case=text)
        self.begin()
        said = migrate(self.db, self.folder, 'plan').json['steps'][0]['may_doubt']
        self.assertEqual(len(said), doubts)
        self.up()
        expected = self.rows()
        self.begin()
        parts = self.script()[1]
        lost = 0
        for n in places(len(parts), text):
            self.begin()
            mytest.run_client(statements(parts[:n]), self.db)
            done = migrate(self.db, self.folder, 'up')
            if done.code:
                self.assertEqual(done.status, 'E_DOUBT', done.err)
                self.assertTrue(doubts)
                self.assertIn('@id is gone', done.error['message'])
                self.assertIn('--not-applied --all', done.error['hint'])
                lost += 1
                sql('DROP TABLE pa, ch; ' + PARENTS, self.db)
                told = migrate(self.db, self.folder, 'resolve', '2', '--not-applied', '--all')
                self.assertEqual(told.code, 0, told.err)
                self.up()
            self.assertEqual(self.rows(), expected, 'cut after %d of %d: %s' % (n, len(parts), parts[n - 1][:200]))
        if not PLACES:
            self.assertEqual(lost > 0, doubts > 0)

    def test_values_in_one_run(self):
        self.values(IN_ONE_RUN, 0)

    def test_values_across_ddl(self):
        self.values(ACROSS, 1)


def add(name):
    setattr(Cuts, 'test_' + name, lambda self: self.cut(name))


for each in CASES:
    add(each)

if __name__ == '__main__':
    mytest.main()
