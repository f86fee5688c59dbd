# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line on MySQL and MariaDB share. with_mysql.sh has started the server."""

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

MIGRATE = os.environ.get('CLI_EXE', '')
PROXY = os.environ.get('PROXY_EXE', '')
KIND = os.environ.get('MYSQL_KIND', '')
MARIADB = KIND == 'mariadb'
PORT = os.environ.get('MYSQL_PORT', '')
ENV = {k: v for k, v in os.environ.items() if not k.startswith('MIGRATE_') and k != 'DATABASE_URL'}
ENV['LC_ALL'] = 'C.UTF-8'
SLOW = os.environ.get('SLOW') == '1'


def url(db, user='root', port=None, query=''):
    return 'mysql://%s@127.0.0.1:%s/%s%s' % (user, port or PORT, db, '?' + query if query else '')


def client(db='', user='root', password=''):
    """The command of the vendor's client."""
    name = shutil.which('mariadb') or shutil.which('mysql')
    return [name, '--no-defaults', '-u' + user, '--password=' + password, '--protocol=tcp', '-h127.0.0.1', '-P' + PORT,
            '--batch', '--skip-column-names', '--comments', '--default-character-set=utf8mb4', *([db] if db else [])]


class Refused(Exception):
    pass


def sql(text, db='', **who):
    done = subprocess.run(client(db, **who), input=text, capture_output=True, text=True, env=ENV, check=False, timeout=120)
    if done.returncode:
        raise Refused('%s\n%s' % (done.stderr, text[:500]))
    return [tuple(line.split('\t')) for line in done.stdout.splitlines()]


def statements(parts):
    """Text for the vendor's client that sends each part as one statement, whatever semicolons it holds."""
    return 'DELIMITER //~~//\n' + ''.join('%s\n//~~//\n' % part for part in parts)


def cut_script(text):
    """The statements of a script as `plan --script` writes it: each ends at a line that is the delimiter alone."""
    parts, lines, delimiter = [], [], ';'
    for line in text.splitlines():
        if line.upper().startswith('DELIMITER '):
            delimiter = line.split()[1]
        elif line == delimiter:
            parts.append('\n'.join(lines))
            lines = []
        elif lines or not (line.startswith('--') or not line.strip()):
            lines.append(line)
    return parts


def fresh(db):
    sql('DROP DATABASE IF EXISTS `%s`; CREATE DATABASE `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci' % (db, db))


def dump(db):
    """Definitions and rows of a database, our own tables left out."""
    out = []
    tables = sql("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema='%s' AND "
                 "LEFT(table_name,8)<>'migrate_' ORDER BY 1" % db)
    for name, kind in tables:
        word = 'VIEW' if kind == 'VIEW' else 'SEQUENCE' if kind == 'SEQUENCE' else 'TABLE'
        text = sql('SHOW CREATE %s `%s`' % (word, name), db)[0][1]
        out.append((name, re.sub(r' AUTO_INCREMENT=\d+', '', text)))
        if kind == 'BASE TABLE':
            out.append((name, sorted(sql('SELECT * FROM `%s`' % name, db))))
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
