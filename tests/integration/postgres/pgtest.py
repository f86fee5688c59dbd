# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line on PostgreSQL share. with_pg.sh has started the server."""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

MIGRATE = os.environ.get('CLI_EXE', '')
PROXY = os.environ.get('PROXY_EXE', '')
SHARED_ENV = {k: v for k, v in os.environ.items()
              if not k.startswith(('MIGRATE_', 'PG')) and k != 'DATABASE_URL'}
SHARED_ENV['LC_ALL'] = 'C.UTF-8'


def program(name):
    """A program of the server's package itself: Debian's wrappers are slow."""
    own = os.path.join(os.environ.get('PGBIN', ''), name)
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin/' + name))
    return own if os.path.isfile(own) else found[-1] if found else name


def url(db, port=None, query='', user='postgres'):
    return 'postgres://%s@127.0.0.1:%s/%s%s' % (user, port or os.environ['PG_PORT'], db,
                                                '?' + query if query else '')


def sql(text, db='postgres', port=None, check=True, user='postgres'):
    """Rows as text, columns separated by '|'."""
    done = subprocess.run([program('psql'), '-X', '-Atq', '-v', 'ON_ERROR_STOP=1', url(db, port, user=user)],
                          input=text, capture_output=True, text=True, env=SHARED_ENV, check=False)
    if check and done.returncode:
        raise AssertionError('%s: %s' % (text, done.stderr))
    return done.stdout.strip()


class Proxy:
    """The proxy before the server, or before pgbouncer."""

    def __init__(self, target=None, delay=0, fault=None, command=None, match=None, trace=None):
        self.file = tempfile.NamedTemporaryFile(suffix='.json')
        args = [PROXY, '-o', self.file.name, '-d', str(delay)]
        if fault:
            args += ['-f', fault]
        if command:
            args += ['-x', command]
        if match:
            args += ['-m', match]
        if trace:
            args += ['-t', trace]
        self.process = subprocess.Popen(args + [str(target or os.environ['PG_PORT'])], stdout=subprocess.PIPE)
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


class PgTest(unittest.TestCase):
    """Each test has a database and a folder of its own."""
    number = 0

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.db = self.new_db()

    def new_db(self):
        PgTest.number += 1
        name = 't%d_%d' % (os.getpid(), PgTest.number)
        sql('CREATE DATABASE ' + name)
        self.addCleanup(lambda: sql('DROP DATABASE IF EXISTS %s WITH (FORCE)' % name))
        return name

    def file(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)

    def files(self, texts):
        for path, text in texts.items():
            self.file(path, text)

    def arguments(self, *args, db=None, port=None, query='', user='postgres', source=None):
        return [MIGRATE, '-d', url(db or self.db, port, query, user), '-s', source or self.folder, *args]

    def migrate(self, *args, code=None, timeout=120, env=None, **where):
        done = subprocess.run(self.arguments(*args, **where), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=timeout, env={**SHARED_ENV, **(env or {})}, check=False)
        if code is not None:
            self.assertEqual(done.returncode, code, '%s\n%s%s' % (args, done.stdout, done.stderr))
        return done

    def start(self, *args, env=None, **where):
        """Runs it beside the test; killed at the end at the latest."""
        process = subprocess.Popen(self.arguments(*args, **where), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env={**SHARED_ENV, **(env or {})})
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.communicate()

    def applied(self, db=None):
        return sql("SELECT string_agg(version, ',' ORDER BY seq) FROM migrate_history WHERE state = 'applied'",
                   db or self.db)

    def await_sql(self, text, wanted, db=None, seconds=20):
        """Waits until a query gives what is wanted."""
        until = time.monotonic() + seconds
        got = None
        while time.monotonic() < until:
            got = sql(text, db or self.db)
            if got == wanted:
                return
            time.sleep(0.02)
        self.fail('%s: %s, not %s' % (text, got, wanted))


def main():
    if 'PG_PORT' not in os.environ:
        print('skipped: PG_PORT names no server; run this by with_pg.sh', file=sys.stderr)
        sys.exit(77)
    unittest.main(verbosity=2)
