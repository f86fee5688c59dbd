# SPDX-License-Identifier: Apache-2.0
"""What cannot be in a transaction: failures half-way, intents that are open, doubt and its two answers, drift."""

import os
import subprocess

from engine import EngineTest, MIGRATE, only


class Journal(EngineTest):
    def rows(self):
        return self.sql("SELECT idx, state FROM migrate_journal WHERE direction <> 'K' ORDER BY idx, state")

    def cut_back(self, version, idx, state='intent'):
        """The journal as a crash would have left it: statement idx is sent, and nobody knows what became of it."""
        self.sql("DELETE FROM migrate_journal WHERE direction <> 'K'")

    def kill_at(self, n, *more):
        return subprocess.run([os.environ['KILL_AT'], self.url, self.folder + '/migrations', str(n), *more],
                              capture_output=True, text=True, env=self.env, timeout=120, check=False)

    def broken_off(self, version, statements, sent):
        """Plays a crash: statement number `sent` of a migration of `statements` was sent, its effect is left to the test;
        those before it are done. What the journal holds then is taken from a run that stopped there."""


class Down(Journal):
    def setUp(self):
        super().setUp()
        self.file('V1__a.sql', '-- migrate: no-transaction\n' + self.table('a') + self.table('b'))
        self.file('U1__a.sql', '-- migrate: no-transaction\nDROP TABLE b;\nDROP TABLE a;\n')
        self.up()

    def test_of_a_journalled_migration(self):
        value = self.json('down')
        self.assertEqual((self.ran(value), value['migrations'][0]['transaction']), (['1'], False))
        self.assertFalse(self.exists('a'))
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.ran(self.up()), ['1'])
        self.check()

    def test_half_done_and_finished(self):
        self.file('U1__a.sql', '-- migrate: no-transaction\nDROP TABLE b;\nDROP TABLE nowhere;\nDROP TABLE a;\n')
        error = self.fails('E_SQL', 'down')
        self.assertEqual((error['statement'], error['line'], error['path']), (2, 3, 'U1__a.sql'))
        self.assertEqual(self.states(), {'1': 'failed'})
        self.file('U1__a.sql', '-- migrate: no-transaction\nDROP TABLE b;\nDROP TABLE a;\n')
        self.assertEqual(self.ran(self.json('down')), ['1'])
        self.assertFalse(self.exists('a'))
        self.assertEqual(self.states(), {'1': 'reverted'})

    def test_half_done_and_up(self):
        """It is finished downwards first, then applied again."""
        self.file('U1__a.sql', '-- migrate: no-transaction\nDROP TABLE b;\nDROP TABLE nowhere;\nDROP TABLE a;\n')
        self.fails('E_SQL', 'down')
        self.file('U1__a.sql', '-- migrate: no-transaction\nDROP TABLE b;\nDROP TABLE a;\n')
        value = self.up()
        self.assertEqual([(m['version'], m['direction']) for m in value['migrations']], [('1', 'down'), ('1', 'up')])
        self.check()


class Interrupted(Journal):
    """Killed between any two events of a journalled migration, run again: each statement once."""

    def test_at_each_event(self):
        self.file('V1__a.sql', self.table('a') + 'INSERT INTO a VALUES (1, 0);\n')
        self.file('V2__b.sql', '-- migrate: no-transaction\nUPDATE a SET n = n + 1;\n%sUPDATE a SET n = n + 10;\n'
                  'CREATE INDEX a_n ON a (n);\nUPDATE a SET n = n + 100;\n' % self.table('b'))
        for n in range(1, 25):
            done = self.kill_at(n, 'up', 'batch=' + ('off' if n % 2 else 'auto'))
            if done.returncode == 0:
                break
            self.assertEqual(done.returncode, -9, done.stderr)
            for _ in range(40):
                again = self.migrate('--json', 'up')
                if again.returncode == 0:
                    break
                self.assertIn(again.returncode, (5, 6, 7), again.stdout)
            self.assertEqual(self.one('SELECT n FROM a'), '111', 'killed at event %d' % n)
            self.assertEqual(self.rows(), [])
            self.check()
            if self.engine.dialect == 'sqlite':
                os.unlink(self.engine.path)
            else:
                self.url = self.env['MIGRATE_DATABASE_URL'] = self.engine.fresh(self)
        self.assertGreater(n, 8)


@only('mysql')
class Doubt(Journal):
    """GRANT and CALL cannot be told from outside: killed in their window they are doubt, and a human's answer decides."""

    CALL = ("CREATE TABLE a (id INT PRIMARY KEY, n INT);\nINSERT INTO a VALUES (1, 0);\n"
            "CREATE PROCEDURE p() BEGIN UPDATE a SET n = n + 1; END;\n")

    def setUp(self):
        super().setUp()
        self.file('V1__a.sql', self.CALL)
        self.up()
        self.file('V2__b.sql', 'INSERT INTO a VALUES (2, 0);\nCALL p();\nINSERT INTO a VALUES (3, 0);\n')
        self.file('V3__c.sql', self.table('c'))

    def crash(self, happened):
        """As if the connection and the client were gone while CALL ran."""
        sha = self.sha('CALL p()')
        self.sql("START TRANSACTION;\nINSERT INTO a VALUES (2, 0);\n"
                 "UPDATE migrate_head SET digest = '';\n"
                 "INSERT INTO migrate_journal (kind, version, direction, idx, state, seq, epoch, sha, object, fp) VALUES "
                 "('V', '2', 'U', 1, 'intent', 2, 1, '%s', '', ''), ('V', '2', 'U', 1, 'done', 2, 1, '%s', '+1', ''), "
                 "('V', '2', 'U', 2, 'intent', 2, 1, '%s', '', '');\nCOMMIT;"
                 % ('0' * 64, self.sha('INSERT INTO a VALUES (2, 0)'), sha))
        if happened:
            self.sql('CALL p()')

    @staticmethod
    def sha(text):
        import hashlib
        return hashlib.sha256(text.encode() + b'\0').hexdigest()

    def test_plan_says_so_beforehand(self):
        step = self.json('plan')['steps'][0]
        self.assertEqual(len(step['may_doubt']), 1)
        self.assertIn('CALL', step['may_doubt'][0])
        self.assertIn('2', step['may_doubt'][0])
        self.assertEqual(self.json('plan')['steps'][1]['may_doubt'], [])

    def test_everything_stops_but_resolve(self):
        self.crash(True)
        error = self.fails('E_DOUBT', 'up')
        self.assertEqual((error['class'], error['version'], error['statement'], error['line']), (4, '2', 2, 2))
        self.assertIn('resolve', error['hint'])
        self.fails('E_DOUBT', 'up', '--to', '1')
        self.file('U2__x.sql', 'DELETE FROM a WHERE id > 1;')
        self.fails('E_DOUBT', 'down')
        self.fails('E_DOUBT', 'redo')
        self.fails('E_DOUBT', 'verify')
        value = self.json('status')
        self.assertEqual((value['state'], self.states(value)['2']), ('doubt', 'doubt'))
        self.check(4)
        self.assertIn('CALL', str(value['migrations'][1]))

    def test_it_was_applied(self):
        self.crash(True)
        epoch, seq = self.head()
        self.json('resolve', '2', '--applied')
        self.assertGreater(self.head()[0], epoch)
        self.assertEqual(self.head()[1], seq, 'one statement moves the epoch alone')
        self.assertEqual(self.ran(self.up()), ['2', '3'])
        self.assertEqual(self.sql('SELECT id, n FROM a'), [('1', '1'), ('2', '1'), ('3', '0')])
        self.check()

    def test_it_was_not_applied(self):
        self.crash(False)
        self.json('resolve', '2', '--not-applied')
        self.assertEqual(self.ran(self.up()), ['2', '3'])
        self.assertEqual(self.sql('SELECT id, n FROM a'), [('1', '1'), ('2', '1'), ('3', '0')])
        self.check()

    def test_all_of_it(self):
        self.crash(False)
        _, seq = self.head()
        self.json('resolve', '2', '--applied', '--all')
        self.assertEqual(self.head()[1], seq + 1)
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.states(), {'1': 'applied', '2': 'applied', '3': 'pending'})
        self.assertEqual(self.ran(self.up()), ['3'])
        self.check()

    def test_none_of_it(self):
        self.crash(False)
        self.sql('DELETE FROM a WHERE id = 2')
        self.json('resolve', '2', '--not-applied', '--all')
        self.assertEqual(self.states(), {'1': 'applied', '2': 'pending', '3': 'pending'})
        self.assertEqual(self.ran(self.up()), ['2', '3'])
        self.assertEqual(self.sql('SELECT id, n FROM a'), [('1', '1'), ('2', '1'), ('3', '0')])

    def test_with_the_file_gone(self):
        self.crash(False)
        self.remove('V2__b.sql')
        self.fails('E_MISSING', 'up')
        self.fails('E_MISSING', 'resolve', '2', '--applied')
        self.json('resolve', '2', '--not-applied', '--all')
        self.assertEqual(self.ran(self.up()), ['3'])
        self.check()
        self.assertEqual(self.up()['applied'], 0)

    def test_with_the_file_gone_and_applied(self):
        self.crash(True)
        self.remove('V2__b.sql')
        self.json('resolve', '2', '--applied', '--all')
        self.assertEqual(self.states()['2'], 'missing')
        self.fails('E_MISSING', 'up')
        self.assertEqual(self.ran(self.up('-o', 'missing=allow')), ['3'])

    def test_resolve_of_what_is_not_in_doubt(self):
        for args in (('1', '--applied'), ('3', '--not-applied'), ('2', '--applied', '--all')):
            self.assertEqual(self.fails('E_MISUSE', 'resolve', *args)['class'], 1)
        self.fails('E_NO_VERSION', 'resolve', '77', '--applied')
        self.crash(True)
        self.fails('E_MISUSE', 'resolve', '3', '--applied')
        self.assertEqual(self.migrate('resolve', '2').returncode, 1)

    def test_edited_meanwhile(self):
        """The statement in doubt was sent as it was: another text at its place cannot be judged by it."""
        self.crash(True)
        self.file('V2__b.sql', 'INSERT INTO a VALUES (2, 0);\nCALL q();\nINSERT INTO a VALUES (3, 0);\n')
        done = self.migrate('--json', 'up')
        self.assertEqual(done.returncode, 4)
        self.assertEqual(self.one('SELECT count(*) FROM a'), '2')

    def test_killed_at_random(self):
        import random
        import time
        self.file('V2__b.sql', 'INSERT INTO a VALUES (2, 0);\nGRANT SELECT ON a TO CURRENT_USER;\nCALL p();\n'
                  'INSERT INTO a VALUES (3, 0);\n')
        rng = random.Random(5)
        for n in range(12):
            self.url = self.env['MIGRATE_DATABASE_URL'] = self.engine.fresh(self)
            self.up('--to', '1')
            process = subprocess.Popen([MIGRATE, 'up'], env=self.env, cwd=self.folder, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(0.02 + rng.random() * 0.05)
            process.kill()
            process.wait()
            time.sleep(0.1)
            for _ in range(5):
                done = self.migrate('--json', 'up')
                if done.returncode == 0:
                    break
                self.assertEqual(done.returncode, 4, done.stdout)
                took = int(self.one('SELECT n FROM a WHERE id = 1'))
                said = self.migrate('resolve', '2', '--applied' if took else '--not-applied', code=0).stdout
                self.assertRegex(said, '^statement [0-9]+ of migration 2 is recorded as %s' % ('executed' if took else 'not'))
            self.assertEqual(self.sql('SELECT id, n FROM a'), [('1', '1'), ('2', '1'), ('3', '0')], n)


@only('mysql')
class Settled(Journal):
    """Intents that the catalogue decides: the statement had its effect, or it had not."""

    def setUp(self):
        super().setUp()
        self.file('V1__a.sql', self.table('a') + 'INSERT INTO a VALUES (1, 0);\n')
        self.up()

    def stop_at(self, number):
        """Runs up to a statement that fails, and takes the failing text away again; what is done is done."""

    def test_ddl_applied_before_the_mark(self):
        """Killed after the DDL: by a debugger's hand, so to say, the done mark is taken away."""
        self.file('V2__b.sql', 'ALTER TABLE a ADD COLUMN x INT;\nUPDATE a SET n = n + 1;\nINSERT INTO nowhere VALUES (1);\n')
        self.fails('E_SQL', 'up')
        self.assertIn(('1', 'done'), self.rows())
        self.sql("DELETE FROM migrate_journal WHERE direction <> 'K' AND (state = 'done' AND idx = 1 OR idx > 1)")
        self.sql('UPDATE a SET n = 0')
        self.file('V2__b.sql', 'ALTER TABLE a ADD COLUMN x INT;\nUPDATE a SET n = n + 1;\n')
        self.assertEqual(self.ran(self.up()), ['2'])
        self.assertEqual(self.one('SELECT n FROM a'), '1')

    def test_ddl_not_applied(self):
        self.file('V2__b.sql', 'ALTER TABLE a ADD COLUMN x INT;\nINSERT INTO nowhere VALUES (1);\n')
        self.fails('E_SQL', 'up')
        self.sql("DELETE FROM migrate_journal WHERE direction <> 'K' AND (state = 'done' AND idx = 1 OR idx > 1)")
        self.sql('ALTER TABLE a DROP COLUMN x')
        self.file('V2__b.sql', 'ALTER TABLE a ADD COLUMN x INT;\n')
        self.assertEqual(self.ran(self.up()), ['2'])
        self.sql('SELECT x FROM a')

    def test_somebody_else_changed_it(self):
        """Changed, but not by this: shown with both definitions, not guessed... or taken for applied and then fails."""
        self.file('V2__b.sql', 'CREATE TABLE b (id INT PRIMARY KEY);\nINSERT INTO nowhere VALUES (1);\n')
        self.fails('E_SQL', 'up')
        self.sql("DELETE FROM migrate_journal WHERE direction <> 'K' AND (state = 'done' AND idx = 1 OR idx > 1)")
        self.file('V2__b.sql', 'CREATE TABLE b (id INT PRIMARY KEY);\n')
        self.assertEqual(self.ran(self.up()), ['2'])
        self.check()


class Refused(Journal):
    def test_a_rollback_before_anything_runs(self):
        self.file('V1__a.sql', '-- migrate: no-transaction\n' + self.table('a') + 'BEGIN;\nINSERT INTO a VALUES (1, 1);\nROLLBACK;\n')
        for command in 'plan', 'up':
            error = self.fails('E_TRANSACTION', command)
            self.assertEqual((error['statement'], error['path']), (4, 'V1__a.sql'))
        self.assertFalse(self.exists('a'))


@only('mysql')
class Drift(Journal):
    def setUp(self):
        super().setUp()
        self.file('V1__a.sql', 'CREATE TABLE a (id INT PRIMARY KEY, n INT);\nCREATE VIEW v AS SELECT id FROM a;\n'
                  'CREATE PROCEDURE p() SELECT 1;\n')
        self.file('V2__b.sql', 'ALTER TABLE a ADD COLUMN m INT;\n')
        self.up()
        self.assertEqual(self.json('verify')['state'], 'current')

    def test_of_a_table(self):
        self.sql('ALTER TABLE a MODIFY n BIGINT')
        error = self.fails('E_DRIFT', 'verify')
        self.assertEqual((error['class'], error['version']), (4, '2'))
        self.assertIn('a', error['message'])
        self.assertEqual(self.value['state'], 'drift')
        self.assertEqual(self.up()['applied'], 0, 'it stops nothing else')
        self.sql('ALTER TABLE a MODIFY n INT')
        self.json('verify')

    def test_of_a_view_and_a_routine(self):
        self.files(V3='CREATE VIEW w AS SELECT id FROM a;')
        self.up()
        self.sql('CREATE OR REPLACE VIEW w AS SELECT id, n FROM a')
        self.assertEqual(self.fails('E_DRIFT', 'verify')['version'], '3')
        self.files(V4='DROP VIEW w;')
        self.up()
        self.json('verify')
        self.sql('DROP PROCEDURE p')
        self.fails('E_DRIFT', 'verify')

    def test_rows_are_no_drift(self):
        self.sql('INSERT INTO a VALUES (1, 1, 1)')
        self.sql('ANALYZE TABLE a')
        self.json('verify')

    def test_gone_after_a_down(self):
        self.file('U2__b.sql', 'ALTER TABLE a DROP COLUMN m;\n')
        self.json('down')
        self.json('verify')

    def test_what_later_migrations_did_is_no_drift(self):
        for n, text in enumerate((
                'CREATE INDEX a_n ON a (n);', 'DROP INDEX a_n ON a;',
                'CREATE TABLE b (id INT PRIMARY KEY, a_id INT, CONSTRAINT f FOREIGN KEY (a_id) REFERENCES a (id));',
                'CREATE TRIGGER t BEFORE INSERT ON b FOR EACH ROW SET NEW.id = 1;',
                'CREATE VIEW w AS SELECT * FROM b;', 'ALTER TABLE b ADD COLUMN extra INT, MODIFY a_id INT NULL COMMENT \'x\';',
                'ALTER TABLE a CHANGE id ident INT NOT NULL;', 'RENAME TABLE a TO a2;', 'ALTER TABLE a2 RENAME TO a3;',
                'CREATE TABLE c (id INT PRIMARY KEY);\nCREATE TABLE d LIKE c;', 'RENAME TABLE c TO e, d TO c, e TO d;',
                'DROP TABLE c, d;', 'DROP TABLE b;\nDROP VIEW w;', 'CREATE PROCEDURE q() ALTER TABLE a3 ADD COLUMN by_call INT;',
                'CALL q();', 'LOCK TABLES a3 WRITE;\nALTER TABLE a3 ADD COLUMN locked INT;\nUNLOCK TABLES;',
                'ALTER TABLE a3 ENGINE=InnoDB;\nOPTIMIZE TABLE a3;', 'DROP VIEW v;\nDROP PROCEDURE p;')):
            self.files(**{'V%d' % (n + 3): text})
            self.up()
            self.json('verify')

    def test_names_that_look_like_several(self):
        self.file('V3__c.sql', 'CREATE TABLE `x;y` (id INT PRIMARY KEY);\nALTER TABLE `x;y` ADD COLUMN n INT;\n'
                  'CREATE TABLE `x.y` (id INT PRIMARY KEY);\nCREATE TABLE `x:y z` (id INT PRIMARY KEY);\n')
        self.up()
        self.json('verify')

    def test_names_of_other_databases(self):
        """A name alone is one of the database that USE has chosen; and there are two ways to name what is here."""
        other, own = self.engine.create(self), self.engine.database
        self.files(V3='USE %s;\nCREATE TABLE a (id INT);\nALTER TABLE a ADD COLUMN x INT;\nUSE %s;\nALTER TABLE %s.a ADD COLUMN y INT;\n'
                      'ALTER TABLE %s.a ADD COLUMN z INT;' % (other, own, other, own))
        self.up()
        self.json('verify')
        self.sql('ALTER TABLE %s.a DROP COLUMN y' % other)
        self.assertIn(other + '.a', self.fails('E_DRIFT', 'verify')['message'])
        self.files(V4='USE %s;\nDROP TABLE a;' % other, V5='ALTER TABLE a DROP COLUMN z;')
        self.up()
        self.json('verify')
        self.sql('ALTER TABLE a DROP COLUMN m')
        self.assertIn('table:a ', self.fails('E_DRIFT', 'verify')['message'])

    def test_is_seen_after_an_index_was_made(self):
        self.files(V3='CREATE INDEX a_n ON a (n);', V4='GRANT SELECT ON a TO CURRENT_USER;')
        self.up()
        self.sql('DROP INDEX a_n ON a')
        self.assertEqual(self.fails('E_DRIFT', 'verify')['version'], '3')


@only('mariadb', 'mysql')
class Resumed(Journal):
    """A statement that fails, put behind each statement in turn; then the file as it should be."""

    STATEMENTS = (
        'CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0);', 'INSERT INTO a VALUES (1, 1);', "SET @n = 5;",
        'LOCK TABLES a WRITE;', 'UPDATE a SET n = n + @n;', '/*!40000 ALTER TABLE a DISABLE KEYS */;', 'UNLOCK TABLES;',
        'ALTER TABLE a ADD COLUMN m INT;', 'START TRANSACTION;', 'INSERT INTO a VALUES (2, 2, @n);', 'UPDATE a SET n = n + 1;',
        'COMMIT;', 'DELIMITER //\nCREATE PROCEDURE p() BEGIN UPDATE a SET n = n + 1; END//\nDELIMITER ;', "SET NAMES latin1;",
        "UPDATE a SET m = LENGTH('\u00e4') WHERE id = 1;", 'CREATE VIEW v AS SELECT * FROM a;', 'LOCK TABLES a READ, v READ;',
        'SELECT COUNT(*) FROM v;', 'UNLOCK TABLES;', 'DROP VIEW v;', 'UPDATE a SET n = n + 1;')
    OPEN = {4: 3, 5: 3, 6: 3, 9: 8, 10: 8, 11: 8, 17: 16, 18: 16}  # what a failure within undoes: not the whole file

    def run_with(self, at, url):
        env = dict(self.env, MIGRATE_DATABASE_URL=url)
        lines = list(self.STATEMENTS)
        if at is not None:
            lines.insert(at, 'INSERT INTO nowhere VALUES (1);')
        self.file('V1__a.sql', '\n'.join(lines) + '\n')
        done = subprocess.run([MIGRATE, '-s', self.folder + '/migrations', 'up'], capture_output=True, text=True, env=env,
                              timeout=300, check=False)
        return done.returncode, done.stderr

    def test_behind_each_statement(self):
        self.assertEqual(self.run_with(None, self.url), (0, ''))
        expected = self.engine.schema()
        for at in range(1, len(self.STATEMENTS) + 1):
            with self.subTest(at=at):
                url = self.engine.other(self, 'resumed')
                self.assertEqual(self.run_with(at, url)[0], 6)
                code, told = self.run_with(None, url)
                self.assertEqual((code, told), (0, ''))
                self.assertEqual(self.engine.schema(url), expected)


@only('postgres')
class Concurrently(Journal):
    def test_an_invalid_index_is_dropped_and_made_again(self):
        self.files(V1=self.table('a') + 'INSERT INTO a VALUES (1, 1);\nINSERT INTO a VALUES (2, 1);\n')
        self.up()
        self.files(V2='CREATE UNIQUE INDEX CONCURRENTLY a_n ON a (n);\n')
        error = self.fails('E_SQL', 'up')
        self.assertEqual(error['sqlstate'], '23505')
        self.assertEqual(self.sql("SELECT 1 FROM pg_class WHERE relname = 'a_n'"), [])
        self.sql('UPDATE a SET n = id')
        self.assertEqual(self.ran(self.up()), ['2'])
        self.assertEqual(self.one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_n'::regclass"), 't')
        self.assertEqual(self.rows(), [])

    def test_intent_open_index_there(self):
        self.files(V1=self.table('a'))
        self.up()
        self.files(V2='-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY a_n ON a (n);\nSELECT 1 / 0;\n')
        self.fails('E_SQL', 'up')
        self.sql("DELETE FROM migrate_journal WHERE state = 'done'")
        self.files(V2='-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY a_n ON a (n);\nSELECT 1;\n')
        self.assertEqual(self.ran(self.up()), ['2'])
        self.check()

    def test_a_dropped_index_is_no_drift(self):
        self.files(V1=self.table('a'), V2='CREATE INDEX CONCURRENTLY a_n ON a (n);', V3='DROP INDEX a_n;')
        self.up()
        self.assertEqual(self.json('verify')['state'], 'current')

    def test_doubt_is_only_what_plan_marked(self):
        self.sql('CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE IF NOT EXISTS t (id int); COMMIT; END $$')
        self.files(V1='-- migrate: no-transaction\nCALL p();\n')
        self.assertEqual(len(self.json('plan')['steps'][0]['may_doubt']), 1)
        self.assertEqual(self.ran(self.up()), ['1'])
        self.assertEqual(self.rows(), [])
        self.files(V2='-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY t_i ON t (id);\nVACUUM t;\nUPDATE t SET id = 1;\n')
        self.assertEqual(self.json('plan')['steps'][0]['may_doubt'], [])
