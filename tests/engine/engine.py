# SPDX-License-Identifier: Apache-2.0
"""What the tests of the engine share: a database of one of the engines, fresh for each test, a directory of
migrations, and the command line with --json."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unittest

MIGRATE = os.environ['CLI_EXE']
API = os.environ.get('API_EXE')
ROOT = os.environ['SOURCE_ROOT']
NAME = os.environ.get('ENGINE', 'sqlite')


def clean_env(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith('MIGRATE_') and k != 'DATABASE_URL'}
    env['LC_ALL'] = 'C.UTF-8'
    env.update(more)
    return env


class Failed(Exception):
    """The vendor's client refused."""


def client(command, text, env=None):
    done = subprocess.run(command, input=text, env=env, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Failed(done.stderr + done.stdout)
    return [tuple(line.split('\t')) for line in done.stdout.splitlines()]


class Session:
    """A connection of the vendor's client that stays open: say() sends, ask() waits for the answer."""

    def __init__(self, command, env=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, env=env)
        self.count = 0

    def say(self, sql):
        self.process.stdin.write(sql + '\n')
        self.process.stdin.flush()

    def ask(self, sql):
        self.count += 1
        mark = 'mark%d' % self.count
        self.say("%s;\nSELECT '%s';" % (sql.rstrip().rstrip(';'), mark))
        lines = []
        for line in self.process.stdout:
            if line.strip() == mark:
                return lines
            lines.append(line.rstrip('\n'))
        raise Failed(''.join(lines))

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Sqlite:
    name = dialect = 'sqlite'
    transactional = True

    def fresh(self, case):
        self.path = os.path.join(case.folder, 'app.db')
        return 'sqlite:' + self.path

    def other(self, case, name):
        return 'sqlite:' + os.path.join(case.folder, name + '.db')

    def sql(self, text, url=None):
        con = sqlite3.connect(url[len('sqlite:'):] if url else self.path, isolation_level=None, timeout=30)
        try:
            rows = []
            for one in text.split(';\n'):
                rows = con.execute(one).fetchall()
            return [tuple('NULL' if v is None else str(v) for v in row) for row in rows]
        except sqlite3.Error as e:
            raise Failed(str(e)) from e
        finally:
            con.close()

    def exists(self, table, url=None):
        return bool(self.sql("SELECT 1 FROM sqlite_master WHERE name = '%s'" % table, url))

    @staticmethod
    def need_program():
        if not shutil.which('sqlite3'):
            raise unittest.SkipTest('no sqlite3 program')

    def run_script(self, text, url):
        self.need_program()
        return client(['sqlite3', '-batch', url[len('sqlite:'):]], text)

    def session(self):
        self.need_program()
        return Session(['sqlite3', '-batch', '-cmd', '.timeout 20000', self.path])

    def schema(self, url=None):
        rows = self.sql("SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'migrate\\_%' ESCAPE "
                        "'\\' AND tbl_name NOT LIKE 'migrate\\_%' ESCAPE '\\' ORDER BY 1, 2", url)
        rows += [(t, row) for _, t, _ in [r for r in rows if r[0] == 'table' and not r[1].startswith('sqlite_')]
                 for row in sorted(self.sql('SELECT * FROM "%s"' % t, url))]
        return rows


class Postgres:
    name = dialect = 'postgres'
    transactional = True
    count = 0

    def __init__(self):
        self.env = clean_env(PGHOST='127.0.0.1', PGPORT=os.environ['PG_PORT'], PGUSER='postgres')
        real = sorted(os.path.join('/usr/lib/postgresql', v, 'bin/psql') for v in
                      (os.listdir('/usr/lib/postgresql') if os.path.isdir('/usr/lib/postgresql') else []))
        self.psql = [p for p in real if os.path.exists(p)][-1:] or ['psql']
        self.psql += ['-XqAt', '-F', '\t', '-P', 'null=NULL', '-v', 'ON_ERROR_STOP=1']

    def url(self, name):
        return 'postgres://postgres@127.0.0.1:%s/%s' % (os.environ['PG_PORT'], name)

    def fresh(self, case):
        self.database = self.create(case)
        return self.url(self.database)

    def create(self, case):
        Postgres.count += 1
        name = 'db%d' % Postgres.count
        client(self.psql + ['-d', 'postgres'], 'CREATE DATABASE %s' % name, self.env)
        case.addCleanup(client, self.psql + ['-d', 'postgres'], 'DROP DATABASE %s WITH (FORCE)' % name, self.env)
        return name

    def other(self, case, name):
        return self.url(self.create(case))

    def sql(self, text, url=None):
        return client(self.psql + ['-d', url or self.url(self.database)], text, self.env)

    def exists(self, table, url=None):
        return self.sql("SELECT 1 FROM pg_class WHERE relname = '%s' AND relkind IN ('r', 'v')" % table, url) != []

    def run_script(self, text, url):
        return client([self.psql[0], '-XqAt', '-d', url], text, self.env)

    def session(self):
        return Session(self.psql + ['-d', self.url(self.database)], self.env)

    def schema(self, url=None):
        done = subprocess.run(['pg_dump', '--inserts', '--no-comments', '-T', '*.migrate_*', url or self.url(self.database)],
                              capture_output=True, text=True, check=True, env=self.env)
        return sorted(l for l in done.stdout.split('\n') if l and not l.startswith(('--', '\\')))


class Mysql:
    dialect = 'mysql'
    transactional = False
    count = 0

    def __init__(self):
        self.name = os.environ['MYSQL_KIND']
        program = 'mariadb' if subprocess.run(['which', 'mariadb'], capture_output=True, check=False).returncode == 0 else 'mysql'
        self.mysql = [program, '--no-defaults', '-uroot', '-S', os.path.join(os.environ['MYSQL_DIR'], 'sock'), '--batch',
                      '--skip-column-names', '--default-character-set=utf8mb4']

    def url(self, name):
        return '%s/%s' % (os.environ['MYSQL_URL'], name)

    def create(self, case):
        Mysql.count += 1
        name = 'db%d' % Mysql.count
        client(self.mysql, 'CREATE DATABASE %s CHARACTER SET utf8mb4' % name)
        case.addCleanup(client, self.mysql, 'DROP DATABASE IF EXISTS %s' % name)
        return name

    def fresh(self, case):
        self.database = self.create(case)
        return self.url(self.database)

    def other(self, case, name):
        return self.url(self.create(case))

    @staticmethod
    def base(url):
        return url.rsplit('/', 1)[1]

    def sql(self, text, url=None):
        return client(self.mysql + [self.base(url) if url else self.database], text)

    def exists(self, table, url=None):
        return self.sql("SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '%s'"
                        % table, url) != []

    def run_script(self, text, url):
        return client(self.mysql + [self.base(url)], text)

    def session(self):
        return Session(self.mysql + ['-n', '--unbuffered', self.database])

    def schema(self, url=None):
        name = self.base(url) if url else self.database
        tables = self.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name "
                          "NOT LIKE 'migrate\\_%' AND table_type = 'BASE TABLE' ORDER BY 1", url)
        out = []
        for (t,) in tables:
            out += self.sql('SHOW CREATE TABLE `%s`' % t, url)
            out += sorted(self.sql('SELECT * FROM `%s`' % t, url))
        out += self.sql("SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = DATABASE()", url)
        out += self.sql("SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = "
                        "DATABASE()", url)
        return [tuple(v.replace('`%s`.' % name, '') for v in row) for row in out]


ENGINE = {'sqlite': Sqlite, 'postgres': Postgres}.get(NAME, Mysql)()


def only(*names):
    """A test for some engines alone; on the others it is not part of the suite (not a skip: nothing is missing)."""
    def mark(what):
        what.engines = names
        return what
    return mark


class EngineTest(unittest.TestCase):
    """Each test has an empty folder, an empty database and a folder of migrations to come."""

    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='migrate-engine.')
        os.chmod(self.folder, 0o755)
        self.addCleanup(lambda: subprocess.run(['rm', '-rf', self.folder], check=False))
        self.engine = ENGINE
        self.url = ENGINE.fresh(self)
        self.env = clean_env(MIGRATE_DATABASE_URL=self.url)
        os.mkdir(os.path.join(self.folder, 'migrations'))

    # ---- files

    def file(self, path, text):
        path = os.path.join(self.folder, 'migrations', path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(text if isinstance(text, bytes) else text.encode())

    def files(self, **texts):
        """V1='…' makes V1__V1.sql and so on, so that a test is one line."""
        for name, text in texts.items():
            self.file('%s__%s.sql' % (name.replace('_', '.'), name.lower()), text)

    def remove(self, path):
        os.unlink(os.path.join(self.folder, 'migrations', path))

    def table(self, name, more=''):
        return 'CREATE TABLE %s (id INTEGER PRIMARY KEY, n INTEGER%s);\n' % (name, more)

    # ---- the program

    def migrate(self, *args, code=None, stdin=None, env=None):
        done = subprocess.run([MIGRATE, *args], cwd=self.folder, env=env or self.env, input=stdin or '',
                              capture_output=True, text=True, timeout=120, check=False)
        if code is not None:
            self.assertEqual(done.returncode, code, '%s\n%s%s' % (args, done.stdout, done.stderr))
        return done

    def json(self, *args, code=0, env=None):
        done = self.migrate('--json', *args, code=code, env=env)
        self.assertEqual(done.stdout.count('\n'), 1, done.stdout)
        self.assertTrue(done.stdout.startswith('{"schema":1'), done.stdout)
        value = json.loads(done.stdout)
        if code and '--check' not in args:
            self.assertEqual(value['error']['class'], code, done.stdout)
        self.stderr = done.stderr
        return value

    def up(self, *args, code=0):
        return self.json('up', *args, code=code)

    def fails(self, status, *args):
        """The error object of a call that must fail so."""
        done = self.migrate('--json', *args)
        value = json.loads(done.stdout)
        self.assertIn('error', value, done.stdout)
        self.assertEqual(value['error']['status'], status, done.stdout)
        self.assertEqual(value['error']['class'], done.returncode, done.stdout)
        self.stderr = done.stderr
        self.value = value
        return value['error']

    def start(self, *args, env=None):
        process = subprocess.Popen([MIGRATE, '--json', *args], cwd=self.folder, env=env or self.env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def finish(self, process, timeout=60):
        out, err = process.communicate(timeout=timeout)
        return json.loads(out), process.returncode, err

    def api_all(self, *args):
        """The helper over the C API: the JSON documents it printed, and its exit code."""
        done = subprocess.run([API, self.url, os.path.join(self.folder, 'migrations'), *args], cwd=self.folder, env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        self.stderr = done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], done.returncode

    def api_any(self, *args):
        values, code = self.api_all(*args)
        return values[-1], code

    def api(self, *args, code=0):
        values, found = self.api_all(*args)
        self.assertEqual(found, code, '%s\n%s%s' % (args, values, self.stderr))
        return values

    # ---- the database

    def sql(self, text, url=None):
        return ENGINE.sql(text, url)

    def one(self, text):
        rows = self.sql(text)
        self.assertEqual(len(rows), 1, text)
        return rows[0][0]

    def exists(self, table):
        return ENGINE.exists(table)

    def history(self):
        return self.sql('SELECT kind, version, state FROM migrate_history ORDER BY seq, kind, version')

    def head(self):
        """(epoch, seq)"""
        return tuple(int(v) for v in self.sql('SELECT epoch, seq FROM migrate_head')[0])

    def session(self):
        s = ENGINE.session()
        self.addCleanup(s.close)
        return s

    def wait_for(self, what, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if what():
                    return
            except Failed:
                pass
            time.sleep(0.02)
        self.fail('waited in vain')

    # ---- what results say

    def states(self, value=None):
        """{version or R:name: state} of status"""
        value = value or self.json('status')
        return {m['version'] or 'R:' + m['name']: m['state'] for m in value['migrations']}

    def ran(self, value):
        return [m['version'] or 'R:' + m['name'] for m in value['migrations']]

    def check(self, code=0):
        self.json('status', '--check', code=code)


def only_here(suite):
    """The suite without what is for other engines."""
    out = unittest.TestSuite()
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            out.addTest(only_here(test))
            continue
        method = getattr(test, test._testMethodName, None)
        wanted = getattr(method, 'engines', None) or getattr(test, 'engines', None)
        if not wanted or ENGINE.name in wanted or ENGINE.dialect in wanted:
            out.addTest(test)
    return out
