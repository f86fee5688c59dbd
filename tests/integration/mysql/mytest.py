# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line on MySQL and MariaDB share. with_mysql.sh has started the server."""

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

MIGRATE = os.environ.get('CLI_EXE', '')
PROXY = os.environ.get('PROXY_EXE', '')
KIND = os.environ.get('MYSQL_KIND', '')
MARIADB = KIND == 'mariadb'
PORT = os.environ.get('MYSQL_PORT', '')
ENV = {k: v for k, v in os.environ.items() if not k.startswith('MIGRATE_') and k != 'DATABASE_URL'}
ENV['LC_ALL'] = 'C.UTF-8'
SLOW = os.environ.get('SLOW') == '1'


# How many places of each kind are broken: 0 is all of them.
PLACES = int(os.environ.get('PLACES', '2'))


def places(total, name):
    """Where to break something of @total parts: spread over it, other places for another name."""
    if not PLACES or PLACES >= total:
        return list(range(1, total + 1))
    first = zlib.crc32(name.encode()) % total
    return sorted({(first + i * total // PLACES) % total + 1 for i in range(PLACES)})


def url(db, user='root', port=None, query=''):
    return 'mysql://%s@127.0.0.1:%s/%s%s' % (user, port or PORT, db, '?' + query if query else '')


def client(db='', user='root', password=''):
    """The command of the vendor's client."""
    name = shutil.which('mariadb') or shutil.which('mysql')
    return [name, '--no-defaults', '-u' + user, '--password=' + password, '--protocol=tcp', '-h127.0.0.1', '-P' + PORT,
            '--batch', '--skip-column-names', '--comments', '--default-character-set=utf8mb4', *([db] if db else [])]


class Refused(Exception):
    pass


def run_client(text, db='', **who):
    """A session of the vendor's client, begun for this and ended."""
    done = subprocess.run(client(db, **who), input=text, capture_output=True, text=True, env=ENV, check=False, timeout=300)
    if done.returncode:
        raise Refused('%s\n%s' % (done.stderr, text[:500]))
    return [tuple(line.split('\t')) for line in done.stdout.splitlines()]


class Session:
    """One client that stays: most of a test's time would go to starting them. It ends at the first error."""
    END = '~ end of the answer ~'

    def __init__(self):
        self.process = None

    def start(self):
        if self.process and self.process.poll() is None:
            return
        self.errors = tempfile.TemporaryFile('w+', encoding='utf-8')
        self.process = subprocess.Popen([*client(), '--unbuffered'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True, env=ENV)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.errors.close()
            self.process = None

    def ask(self, text, db):
        self.start()
        # A database of its own, so that nobody takes it for one of the test's.
        begin, end = 'USE `%s`;\n' % (db or 'mysql'), ";\nUSE mysql; SELECT '%s';\n" % self.END
        try:
            self.process.stdin.write(begin + text.rstrip().rstrip(';') + end)
            self.process.stdin.flush()
        except OSError:
            pass  # its last words are in the file
        lines = []
        for line in self.process.stdout:
            if line.rstrip('\n') == self.END:
                return [tuple(line.split('\t')) for line in lines]
            lines.append(line.rstrip('\n'))
        self.process.wait()
        self.errors.seek(0)
        said = self.errors.read()
        self.stop()
        raise Refused('%s\n%s' % (said, text[:500]))


SESSION = Session()
atexit.register(SESSION.stop)


def sql(text, db=''):
    """Statements by root, in one session that all share; each text ends with a statement, not a comment."""
    return SESSION.ask(text, db)


def statements(parts):
    """Text for the vendor's client that sends each part as one statement, whatever semicolons it holds."""
    return 'DELIMITER //~~//\n' + ''.join('%s\n//~~//\n' % part for part in parts)


def cut_script(text):
    """The statements of a script as `plan --script` writes it: each ends at a line that ends in the delimiter, which no
    statement under that delimiter holds."""
    parts, lines, delimiter = [], [], ';'
    for line in text.splitlines():
        if line.upper().startswith('DELIMITER '):
            delimiter = line.split()[1]
        elif line.endswith(delimiter) and (lines or not line.startswith('--')):
            parts.append('\n'.join([*lines, line[:-len(delimiter)]]).rstrip('\n'))
            lines = []
        elif lines or not (line.startswith('--') or not line.strip()):
            lines.append(line)
    return parts


def fresh(db):
    sql('DROP DATABASE IF EXISTS `%s`; CREATE DATABASE `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci' % (db, db))


def dump(db):
    """Definitions and rows of a database, our own tables left out."""
    tables = sql("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema='%s' AND "
                 "LEFT(table_name,8)<>'migrate_' ORDER BY 1" % db)
    ask, out, mark = '', [], '~ next ~'
    for name, kind in tables:
        word = 'VIEW' if kind == 'VIEW' else 'SEQUENCE' if kind == 'SEQUENCE' else 'TABLE'
        rows = 'SELECT * FROM `%s`;' % name if kind == 'BASE TABLE' else ''
        ask += "SHOW CREATE %s `%s`; SELECT '%s'; %s SELECT '%s';\n" % (word, name, mark, rows, mark)
    answers = [[]]
    for row in sql(ask, db) if ask else []:
        if row == (mark,):
            answers.append([])
        else:
            answers[-1].append(row)
    for i, (name, kind) in enumerate(tables):
        out.append((name, re.sub(r' AUTO_INCREMENT=\d+', '', answers[2 * i][0][1])))
        if kind == 'BASE TABLE':
            out.append((name, sorted(answers[2 * i + 1])))
    out += sql("SELECT routine_type, routine_name, routine_definition, routine_comment FROM information_schema.routines WHERE "
               "routine_schema='%s' ORDER BY 1,2" % db)
    out += sql("SELECT trigger_name, event_object_table, action_statement FROM information_schema.triggers WHERE "
               "trigger_schema='%s' ORDER BY 1" % db)
    out += sql("SELECT event_name, event_definition, status FROM information_schema.events WHERE event_schema='%s' ORDER BY 1" % db)
    return out


class Run:
    """What a call of the command line gave."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        try:
            self.json = json.loads(done.stdout)
        except ValueError:
            self.json = {}
        self.error = self.json.get('error') or {}
        self.status = self.error.get('status')


def migrate(db, folder, *args, env=None, where=None, timeout=180):
    command = [MIGRATE, '-d', where or url(db), '-s', folder, '--json', *args]
    return Run(subprocess.run(command, capture_output=True, text=True, env=dict(ENV, **(env or {})), check=False, timeout=timeout))


def start(db, folder, *args, where=None):
    return subprocess.Popen([MIGRATE, '-d', where or url(db), '-s', folder, '--json', *args], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=ENV)


class Proxy:
    """A proxy before the server: see tests/tools/proxy.c."""

    def __init__(self, delay=0, fault=None, command=None):
        self.file = tempfile.NamedTemporaryFile(suffix='.json')
        args = [PROXY, '-p', 'mysql', '-o', self.file.name, '-d', str(delay)]
        if fault:
            args += ['-f', fault]
        if command:
            args += ['-x', command]
        self.process = subprocess.Popen(args + [PORT], stdout=subprocess.PIPE)
        self.port = json.loads(self.process.stdout.readline())['port']

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.stop()

    def stop(self):
        """Ends it and tells its counters."""
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process.stdout.close()
            self.process = None
        with open(self.file.name, encoding='ascii') as f:
            return json.loads(f.read().splitlines()[-1])


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='migrate-my.', dir=os.environ.get('MYSQL_SCRATCH'))
        self.db = 't_' + re.sub(r'\W', '_', self.id().split('.')[-1])[:50]
        fresh(self.db)

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        sql('DROP DATABASE IF EXISTS `%s`' % self.db)

    def write(self, **files):
        for name, text in files.items():
            with open(os.path.join(self.folder, name.lstrip('_') + '.sql'), 'w', encoding='utf-8') as f:
                f.write(text)

    def up(self, *args, code=0, **more):
        done = migrate(self.db, self.folder, 'up', *args, **more)
        self.assertEqual(done.code, code, done.err + done.out)
        return done


def main():
    result = unittest.main(exit=False, verbosity=1).result
    sys.exit(77 if result.testsRun and len(result.skipped) == result.testsRun else not result.wasSuccessful())
