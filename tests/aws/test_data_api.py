# SPDX-License-Identifier: Apache-2.0
"""The engine over the Data API, end to end by the command line, on PostgreSQL and MariaDB behind a double of the API, which
AWS's own client accepts."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import data_api_double

CLI = os.environ['CLI_EXE']
CLUSTER = 'arn:aws:rds:eu-west-1:123456789012:cluster:c'
SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf'
KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
# Few here; scripts/test-slow takes many.
MIGRATIONS = int(os.environ.get('DATA_API_MIGRATIONS', '2'))
CUTS = int(os.environ.get('DATA_API_CUTS', '1'))
KILLS = int(os.environ.get('DATA_API_KILLS', '1'))
STARTERS = int(os.environ.get('DATA_API_STARTERS', '3'))
ENV = {k: v for k, v in os.environ.items() if not k.startswith(('AWS_', 'MIGRATE_', 'PG')) and k != 'DATABASE_URL'}
ENV.update(LC_ALL='C.UTF-8', AWS_ACCESS_KEY_ID='AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY=KEY, AWS_EC2_METADATA_DISABLED='true')


class Base:
    """One engine; a fresh database and a fresh double for each test."""
    argv = []
    count = 0

    def setUp(self):
        Base.count += 1
        self.database = 'd%d' % Base.count
        self.server, self.api = data_api_double.start(self.argv + ['--idle', '3'])
        self.conn = self.api.engine.connect(None)
        self.create_database()
        self.sql = self.api.engine.connect(self.database)
        self.dir = tempfile.mkdtemp(prefix='data-api-')
        self.env = dict(ENV, AWS_ENDPOINT_URL_RDS_DATA='http://127.0.0.1:%d' % self.server.server_address[1],
                        DATABASE_URL='rds-data://%s/%s?secret=%s' % (CLUSTER, self.database, SECRET))

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        self.api.lose_all()
        self.sql.close()
        self.conn.close()
        shutil.rmtree(self.dir)

    def create_database(self):
        self.api.engine.run(self.conn, 'CREATE DATABASE ' + self.database, None)

    def file(self, name, text):
        with open(os.path.join(self.dir, name), 'w') as f:
            f.write(text)

    def start(self, *args):
        return subprocess.Popen([CLI, '-s', self.dir, *args], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True)

    def run_cli(self, *args, code=0):
        done = subprocess.run([CLI, '-s', self.dir, *args], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout)
        self.assertNotIn(KEY, done.stdout)
        return done.stdout

    def ask(self, sql):
        return [list(r) for r in self.api.engine.run(self.sql, sql, None)[0]]

    def sent(self):
        return [sql if path == '/Execute' else path for path, sql in self.api.calls]

    # ---- the double

    def client(self):
        return boto3.client('rds-data', region_name='eu-west-1', endpoint_url=self.env['AWS_ENDPOINT_URL_RDS_DATA'],
                            aws_access_key_id='AKIDEXAMPLE', aws_secret_access_key=KEY,
                            config=botocore.config.Config(retries={'max_attempts': 0}))

    def test_aws_client_accepts_the_double(self):
        where = dict(resourceArn=CLUSTER, secretArn=SECRET)
        here = dict(where, database=self.database)
        c = self.client()
        c.execute_statement(**here, sql='create table p (i int, v varchar(20))')
        tx = c.begin_transaction(**here)['transactionId']
        r = c.execute_statement(**here, transactionId=tx, sql='insert into p values (:i, :v)',
                                parameters=[{'name': 'i', 'value': {'longValue': 3}}, {'name': 'v', 'value': {'isNull': True}}])
        self.assertEqual(r['numberOfRecordsUpdated'], 1)
        self.assertEqual(c.execute_statement(**here, sql='select count(*) from p')['records'], [[{'longValue': 0}]])
        self.assertEqual(c.commit_transaction(**where, transactionId=tx)['transactionStatus'], 'Transaction Committed')
        self.assertEqual(c.execute_statement(**here, sql='select i, v from p')['records'], [[{'longValue': 3}, {'isNull': True}]])
        tx = c.begin_transaction(**here)['transactionId']
        c.execute_statement(**here, transactionId=tx, sql='delete from p')
        self.assertEqual(c.rollback_transaction(**where, transactionId=tx)['transactionStatus'], 'Rollback Complete')
        self.fails(c, 'DatabaseErrorException', here, 'select * from nowhere')
        self.fails(c, 'ValidationException', here, 'select 1; select 2')
        self.fails(c, 'BadRequestException', here, 'select :x')
        self.api.settings['limit'] = 0.3
        self.fails(c, 'StatementTimeoutException', here, self.slow(5))
        self.api.settings['resuming'] = 1
        self.fails(c, 'DatabaseResumingException', here, 'select 1')
        with self.assertRaises(c.exceptions.TransactionNotFoundException):
            c.commit_transaction(**where, transactionId=tx)

    def fails(self, c, name, here, sql):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            c.execute_statement(**here, sql=sql)
        self.assertEqual(caught.exception.response['Error']['Code'], name)

    # ---- up, nothing to do, failure

    def some(self):
        for i in range(1, MIGRATIONS + 1):
            self.file('V%d__m.sql' % i, 'CREATE TABLE t%d (id int primary key, v varchar(100));\n'
                      "INSERT INTO t%d VALUES (1, 'a:b'), (2, '10:30:00');\nUPDATE t%d SET v = 'x' WHERE id = 1;\n" % (i, i, i))

    def verify_some(self):
        for i in range(1, MIGRATIONS + 1):
            self.assertEqual(self.ask('SELECT id, v FROM t%d ORDER BY id' % i), [[1, 'x'], [2, '10:30:00']])
        self.assertEqual(self.ask("SELECT COUNT(*) FROM migrate_history WHERE state = 'applied'"), [[MIGRATIONS]])
        self.assertEqual(self.ask("SELECT COUNT(*) FROM migrate_journal WHERE direction <> 'K'"), [[0]])
        self.assertEqual(self.ask("SELECT COUNT(*) FROM migrate_lock WHERE expires_at > '2001-01-02 00:00:00' AND owner IS "
                                  'NOT NULL'), [[0]])

    def test_up_and_nothing_to_do(self):
        self.some()
        self.assertIn('%d migrations applied' % MIGRATIONS, self.run_cli('up'))
        self.verify_some()
        self.api.calls.clear()
        self.assertIn('nothing to do', self.run_cli('up'))
        self.assertEqual(len(self.api.calls), 3)   # which engine, what server, the head row
        self.env['DATABASE_URL'] += '&engine=' + self.engine_name
        self.api.calls.clear()
        self.run_cli('up')
        self.assertEqual(len(self.api.calls), 2)
        self.run_cli('verify')
        report = json.loads(self.run_cli('--json', 'status'))
        self.assertEqual(report['version'], str(MIGRATIONS))

    def test_failure_says_where_and_is_gone_on_from(self):
        self.file('V1__ok.sql', 'CREATE TABLE a (id int);\n')
        self.file('V2__bad.sql', 'INSERT INTO a VALUES (1);\n\nINSERT INTO nowhere VALUES (1);\n')
        done = subprocess.run([CLI, '-s', self.dir, '--json', 'up'], env=self.env, stdout=subprocess.PIPE, text=True)
        self.assertNotEqual(done.returncode, 0)
        error = json.loads(done.stdout.splitlines()[-1])['error']
        self.assertEqual((error['version'], error['line'], error['statement']), ('2', 3, 2))
        self.assertIn('nowhere', error['message'])
        self.assert_missing(error)
        self.file('V2__bad.sql', 'INSERT INTO a VALUES (1);\n\nINSERT INTO a VALUES (2);\n')
        self.run_cli('up')
        self.assertEqual(self.ask('SELECT COUNT(*) FROM a'), [[2]])

    def test_bad_secret_and_bad_arn(self):
        self.file('V1__ok.sql', 'CREATE TABLE a (id int);\n')
        url = self.env['DATABASE_URL']
        self.env['DATABASE_URL'] = url.replace('s-AbCdEf', 's-refused')
        self.assertIn('password authentication failed', self.run_cli('up', code=self.code(601)))
        self.env['DATABASE_URL'] = url.replace('secret=', 'region=eu-west-1&x=')
        self.assertIn('secret', self.run_cli('up', code=1))

    def code(self, status):
        return {601: 6}.get(status, 1)

    # ---- what breaks

    def calls_of_a_run(self):
        """How many calls a whole run makes."""
        self.some()
        self.run_cli('up')
        return len(self.api.calls)

    def test_answers_lost_anywhere(self):
        """The connection is cut before or after the call has had its effect, at calls anywhere in the run."""
        n = self.calls_of_a_run()
        rng = random.Random(7)
        for i in range(CUTS):
            self.reset_database()
            self.at_call(rng.randrange(3, n - 3), ('after', 'before')[i % 2], self.cut)
            self.run_cli('-o', 'reconnect_timeout=60s', 'up')
            self.verify_some()

    def cut(self):
        raise ConnectionAbortedError

    def at_call(self, at, when, act):
        """Calls @act at the call of that number, before or after it has had its effect."""
        inner = type(self.api).handle.__get__(self.api)
        state = {'n': 0}

        def counting(path, body):
            state['n'] += 1
            here = state['n'] == at
            if here and when == 'before':
                act()
            answer = inner(path, body)
            if here and when == 'after':
                act()
            return answer
        self.api.handle = counting

    def time_goes_by(self):
        """What a run that was killed has left expires, as it does by itself in half a minute."""
        self.api.end_idle(0)
        self.api.engine.run(self.sql, "UPDATE migrate_lock SET expires_at = '2001-01-01 00:00:00'", None)

    def test_transactions_lost(self):
        n = self.calls_of_a_run()
        rng = random.Random(11)
        for _ in range(CUTS):
            self.reset_database()
            self.at_call(rng.randrange(3, n - 1), 'before', self.api.lose_all)
            self.run_cli('-o', 'reconnect_timeout=60s', 'up')
            self.verify_some()

    def test_killed_and_run_again(self):
        n = self.calls_of_a_run()
        rng = random.Random(42)
        for i in range(KILLS):
            self.reset_database()
            self.at_call(rng.randrange(14, n - 1), ('after', 'before')[i % 2], lambda: p.kill())
            p = self.start('up')
            p.communicate(timeout=120)
            self.assertEqual(p.returncode, -signal.SIGKILL)
            del self.api.handle
            self.time_goes_by()
            self.run_cli('-o', 'lock_wait=120s', 'up')
            self.verify_some()

    def test_many_starters_at_once(self):
        self.some()
        runs = [self.start('-o', 'lock_wait=120s', 'up') for _ in range(STARTERS)]
        for p in runs:
            text, _ = p.communicate(timeout=240)
            self.assertEqual(p.returncode, 0, text)
        self.verify_some()

    # ---- limits

    def refused_at_plan(self, text):
        """@text has in its third line what needs a session: nothing runs, what stands before it included."""
        self.file('V1__ok.sql', 'CREATE TABLE a (id int);\n')
        self.file('V2__s.sql', text)
        self.api.calls.clear()
        for command in ('plan', 'up'):
            out = self.run_cli(command, code=1)
            self.assertIn('V2__s.sql:3', out)
            self.assertIn('needs a session', out)
        self.assertFalse([s for s in self.sent() if 'CREATE TABLE a' in (s or '') or 'CREATE TABLE b' in (s or '')])


    def test_too_long_is_refused_before_anything_runs(self):
        self.file('V1__ok.sql', 'CREATE TABLE a (v text);\n')
        self.file('V2__long.sql', "INSERT INTO a VALUES ('%s');\n" % ('x' * 65536))
        out = self.run_cli('up', code=3)
        self.assertIn('65536', out.replace(',', ''))
        self.assertFalse([s for s in self.sent() if 'CREATE TABLE a' in (s or '')])
        self.file('V2__long.sql', "INSERT INTO a VALUES ('%s');\n" % ('x' * 65400))
        self.run_cli('up')

    def test_text_survives(self):
        text = 'äöü € 😀 it''s a "quote" 100% ? $1'
        self.file('V1__a.sql', "CREATE TABLE a (v varchar(200));\nINSERT INTO a VALUES ('%s');\n" % text.replace("'", "''"))
        self.run_cli('up')
        self.assertEqual(self.ask('SELECT v FROM a'), [[text]])

    def reset_database(self):
        self.api.lose_all()
        self.drop_all()
        self.api.calls.clear()


class OnPostgres(Base, unittest.TestCase):
    engine_name = 'postgres'
    argv = ['--engine', 'postgres', '--server', '127.0.0.1:%s' % os.environ.get('PG_PORT'), '--user', 'postgres']

    def drop_all(self):
        self.sql.execute('DROP SCHEMA public CASCADE')
        self.sql.execute('CREATE SCHEMA public')

    def slow(self, seconds):
        return 'select pg_sleep(%g)' % seconds

    def assert_missing(self, error):
        self.assertEqual(error['sqlstate'], '42P01')
        self.assertEqual(error['column'], 13)

    # What no database takes part in.

    def test_a_paused_cluster_is_waited_for(self):
        self.some()
        self.api.settings['resuming'] = 3
        self.run_cli('up')
        self.verify_some()

    def test_throttled(self):
        self.some()
        self.api.settings['throttle'] = 2
        self.run_cli('up')
        self.verify_some()

    def test_slower_than_a_call(self):
        self.api.settings['limit'] = 0.5
        self.file('V1__slow.sql', 'CREATE TABLE a (id int);\n'
                  'INSERT INTO a SELECT 1 FROM (SELECT pg_sleep(2)) s;\nINSERT INTO a VALUES (2);\n')
        self.run_cli('up')
        self.assertEqual(self.ask('SELECT id FROM a ORDER BY id'), [[1], [2]])
        self.assertEqual(len([s for s in self.sent() if s and 'pg_sleep(2)' in s]), 1)

    def test_slower_than_a_call_and_wrong(self):
        self.api.settings['limit'] = 0.5
        self.file('V1__slow.sql', 'CREATE TABLE a (id int);\n'
                  "DO $$ BEGIN PERFORM pg_sleep(1.5); RAISE EXCEPTION 'no'; END $$;\n")
        self.assertIn('more than 45 s', self.run_cli('up', code=6))
        self.assertEqual(self.ask("SELECT to_regclass('a')"), [[None]])

    def test_concurrent_index_slower_than_a_call(self):
        self.file('V1__t.sql', 'CREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\n')
        self.run_cli('up')
        self.api.settings['limit'] = 0.5
        self.file('V2__i.sql', 'CREATE INDEX CONCURRENTLY i ON a (id);\n')
        other = self.api.engine.connect(self.database)
        self.addCleanup(other.close)
        other.execute('BEGIN')
        other.execute('INSERT INTO a VALUES (2)')   # the index waits for it
        p = self.start('up')
        time.sleep(2.5)
        other.execute('COMMIT')
        out, _ = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 0, out)
        self.assertEqual(self.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"), [[True]])
        self.assertEqual(len([s for s in self.sent() if s and s.startswith('/*') and '*/ CREATE INDEX CONCURRENTLY' in s]), 1)

    def test_colons_are_no_placeholders(self):
        body = ("DECLARE a int[] := ARRAY[1,2,3]; n int := 2; BEGIN\n -- it's :fine\n RETURN a[1:n]::text || ':x' || E'\\':y'; END")
        self.file('V1__f.sql', 'CREATE TABLE a (v text, b int[], t time);\n'
                  "INSERT INTO a VALUES ('k:v ''q'' :w', '{1,2,3}', '10:30:00'); -- don't :a\n"
                  "INSERT INTO a /* it's :b */ SELECT E'it\\'s :c', b[1:2], t FROM a WHERE '1'::int=1;\n"
                  'CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $f$%s$f$;\n'
                  'INSERT INTO a SELECT f(), NULL, NULL;\n'
                  'COMMENT ON TABLE a IS $$x:y \\ ''z''$$;\n' % body)
        self.run_cli('up')
        self.assertEqual(self.ask('SELECT v, b FROM a ORDER BY v'),
                         [["it's :c", [1, 2]], ["k:v 'q' :w", [1, 2, 3]], ["{1,2}:x':y", None]])
        self.assertEqual(self.ask("SELECT prosrc FROM pg_proc WHERE proname = 'f'"), [[body]])
        self.assertEqual(self.ask("SELECT obj_description('a'::regclass)"), [['x:y \\ z']])

    def test_session_settings_are_not_lost_in_silence(self):
        free = '-- migrate: no-transaction\n'
        self.refused_at_plan(free + "CREATE TABLE b (id int);\nSET statement_timeout = '5s';\n")
        self.refused_at_plan(free + 'CREATE TABLE b (id int);\nCREATE TEMP TABLE x (id int);\n')
        self.refused_at_plan('CREATE TABLE b (id int);\n\nSELECT pg_advisory_lock(1);\n')
        self.file('V2__s.sql', "SET LOCAL statement_timeout = '50s';\nSELECT pg_advisory_xact_lock(1);\nCREATE TEMP TABLE x "
                  'ON COMMIT DROP AS SELECT 1 AS i;\nCREATE TABLE b AS SELECT * FROM x;\n')
        self.run_cli('up')
        self.assertEqual(self.ask('SELECT i FROM b'), [[1]])

    def test_copy_is_refused(self):
        self.file('V1__c.sql', 'CREATE TABLE a (id int);\nCOPY a FROM stdin;\n1\n\\.\n')
        self.assertIn('COPY', self.run_cli('up', code=1))


class OnMariadb(Base, unittest.TestCase):
    engine_name = 'mysql'
    argv = ['--engine', 'mysql', '--server', '127.0.0.1:%s' % os.environ.get('MYSQL_PORT'), '--user', 'root']

    def create_database(self):
        self.api.engine.run(self.conn, 'CREATE DATABASE %s CHARACTER SET utf8mb4' % self.database, None)

    def drop_all(self):
        self.api.engine.run(self.conn, 'DROP DATABASE ' + self.database, None)
        self.create_database()
        self.sql.select_db(self.database)

    def slow(self, seconds):
        return 'select sleep(%g)' % seconds

    def await_running(self, words):
        for _ in range(600):
            if self.ask("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%%%s%%' AND id <> "
                        'CONNECTION_ID()' % words) != [[0]]:
                return
            time.sleep(0.05)
        raise AssertionError('it does not run: ' + words)

    def assert_missing(self, error):
        self.assertEqual(error['code'], 1146)

    def test_ddl_slower_than_a_call(self):
        self.api.settings['limit'] = 0.5
        self.file('V1__slow.sql', 'CREATE TABLE a AS SELECT SLEEP(1.2) AS s;\nINSERT INTO a VALUES (2);\n')
        self.run_cli('up')
        self.assertEqual(self.ask('SELECT COUNT(*) FROM a'), [[2]])
        self.assertEqual(len([s for s in self.sent() if s and 'SLEEP(1.2)' in s]), 1)

    def test_killed_while_the_server_goes_on(self):
        self.file('V1__slow.sql', 'CREATE TABLE a AS SELECT SLEEP(3) AS s;\nINSERT INTO a VALUES (2);\n')
        p = self.start('up')
        self.await_running('SLEEP(3)')
        p.kill()
        p.communicate()
        self.time_goes_by()   # what expires is not what still runs
        self.run_cli('-o', 'lock_wait=90s', 'up')
        self.assertEqual(self.ask('SELECT COUNT(*) FROM a'), [[2]])
        self.assertEqual(len([s for s in self.sent() if s and 'SLEEP(3)' in s]), 1)

    def test_session_settings_are_not_lost_in_silence(self):
        for needs in ('SET FOREIGN_KEY_CHECKS = 0', 'CREATE TEMPORARY TABLE x (id int)', 'LOCK TABLES a WRITE',
                      "DO GET_LOCK('l', 1)"):
            self.refused_at_plan('SET NAMES utf8mb4;\nCREATE TABLE b (id int);\n%s;\n' % needs)
        self.file('V2__s.sql', 'SET NAMES utf8mb4;\nCREATE TABLE b (id int);\n')
        self.run_cli('up')

    def test_colons_are_no_placeholders(self):
        self.file('V1__f.sql', 'CREATE TABLE a (v varchar(100), u int);\n'
                  "INSERT INTO a VALUES ('k:v \\'q\\' :w', 1), (\"x\\\":y\", 2); # don't :a\n"
                  "INSERT INTO a /* it's :b */ VALUES ('c\\\\:d', 3);\n"
                  'DELIMITER //\nCREATE PROCEDURE p() main:BEGIN\n -- it\'s :fine\n lp:LOOP LEAVE lp; END LOOP;\n'
                  "  INSERT INTO a VALUES (':z', 4); END//\nDELIMITER ;\nCALL p();\n")
        self.run_cli('up')
        self.assertEqual(self.ask('SELECT v FROM a ORDER BY u'), [["k:v 'q' :w"], ['x":y'], ['c\\:d'], [':z']])


class OnMariadbV2(OnMariadb):
    """The other way in which the API words MySQL's errors."""
    argv = OnMariadb.argv + ['--words', 'v2']


def load_tests(loader, tests, pattern):
    """All, or those of the engine that DATA_API_ENGINE names."""
    only = os.environ.get('DATA_API_ENGINE')
    suite = unittest.TestSuite()
    if only != 'mariadb':
        suite.addTests(loader.loadTestsFromTestCase(OnPostgres))
    if only != 'postgres':
        suite.addTests(loader.loadTestsFromTestCase(OnMariadb))
        suite.addTests([OnMariadbV2('test_failure_says_where_and_is_gone_on_from')])
    return suite


if __name__ == '__main__':
    unittest.main(verbosity=2)
