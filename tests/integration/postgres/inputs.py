# SPDX-License-Identifier: Apache-2.0
"""What can be wrong before anything runs: a clear error each, and nothing changed. And what is needed when all is right:
exactly the privileges of docs/guide/privileges.md, TLS, bounded memory.

COPY_MB=1024 makes the COPY as large as that."""
import os
import re
import subprocess
import tempfile
import time
import unittest

import outages
import pgtest
from pgtest import PgTest, sql

COPY_MB = int(os.environ.get('COPY_MB', '64'))
OURS = "SELECT count(*) FROM pg_class WHERE relname LIKE 'migrate\\_%'"


class Inputs(PgTest):
    def setUp(self):
        super().setUp()
        self.file('1.sql', 'CREATE TABLE t (a int);')

    def fails(self, database, code, *words):
        done = subprocess.run([pgtest.MIGRATE, '-d', database, '-s', self.folder, 'up'], capture_output=True, text=True,
                              env=pgtest.SHARED_ENV, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn('hint:', done.stderr)
        self.assertNotIn('s3cret', done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(sql(OURS, self.db), '0')

    def test_unknown_host(self):
        self.fails('postgres://u:s3cret@nosuch.invalid/d', 6, 'nosuch.invalid')

    def test_refused_port(self):
        self.fails('postgres://u:s3cret@127.0.0.1:1/d', 6, 'refused')

    def test_missing_database(self):
        self.fails(pgtest.url('nosuch'), 6, '"nosuch"', '3D000')

    def test_no_such_role(self):
        self.fails(pgtest.url(self.db, user='nobody:s3cret'), 6, '"nobody"', '28000')

    def test_tls_required_but_refused(self):
        self.fails(pgtest.url(self.db, query='sslmode=require'), 6, 'SSL')

    def test_at_sign(self):
        self.fails('postgres://u:s3cret@x@127.0.0.1/d', 1, '%40')

    def test_unknown_parameter(self):
        self.fails(pgtest.url(self.db, query='nosuch=1'), 1, 'nosuch')

    def test_unreadable_port(self):
        self.fails('postgres://u:s3cret@127.0.0.1:port/d', 1, 'port')

    def test_no_create_right(self):
        sql('DROP ROLE IF EXISTS nocreate; CREATE ROLE nocreate LOGIN')
        sql('REVOKE CREATE ON SCHEMA public FROM PUBLIC', self.db)  # the default from 15 on
        self.addCleanup(sql, 'DROP ROLE nocreate')
        self.fails(pgtest.url(self.db, user='nocreate'), 6, 'permission denied', '42501')

    def test_read_only(self):
        sql("ALTER DATABASE %s SET default_transaction_read_only = on" % self.db)
        self.fails(pgtest.url(self.db), 6, 'read-only')

    def test_missing_schema(self):
        done = self.migrate('-o', 'schema=nosuch', 'up')
        self.assertIn(done.returncode, (0, 6), done.stderr)
        if done.returncode:
            self.assertIn('nosuch', done.stderr)


class Servers(outages.Outages):
    """With servers of their own."""

    def up(self, port, query='', user='postgres', code=0, env=None, options=()):
        done = self.migrate(*options, 'up', db='postgres', port=port, query=query, user=user, env=env)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr

    def test_passwords(self):
        folder, port = self.server()
        sql("CREATE ROLE app LOGIN SUPERUSER PASSWORD 's3cr:t/@'", port=port)
        with open(os.path.join(folder, 'data', 'pg_hba.conf'), 'w', encoding='ascii') as f:
            f.write('host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n')
        sql('SELECT pg_reload_conf()', port=port)
        self.file('1_x.sql', 'CREATE TABLE t (a int);')
        for i in range(2, 61):
            os.unlink(os.path.join(self.folder, '%02d_x.sql' % i))
        os.unlink(os.path.join(self.folder, '01_x.sql'))
        text = self.up(port, user='app:wrong', code=6)
        self.assertIn('28P01', text)
        self.assertNotIn('wrong', text.replace('wrong password', ''))
        text = self.up(port, user='app', code=6)
        self.assertIn('password', text)
        self.up(port, user='app:s3cr%3At%2F%40')
        with tempfile.NamedTemporaryFile('w', suffix='.pass') as f:
            f.write('127.0.0.1:%d:*:app:s3cr\\:t/@\n' % port)
            f.flush()
            os.chmod(f.name, 0o600)
            self.up(port, user='app', env={'PGPASSFILE': f.name})

    def test_tls(self):
        folder, port = self.server()
        key, cert = os.path.join(folder, 'data', 'server.key'), os.path.join(folder, 'data', 'server.crt')
        made = subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key,
                               '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'],
                              capture_output=True, check=False)
        if made.returncode:
            self.skipTest('no openssl command')
        os.chmod(key, 0o600)
        if os.getuid() == 0:
            owner = os.stat(os.path.join(folder, 'data'))
            os.chown(key, owner.st_uid, owner.st_gid)
        sql('ALTER SYSTEM SET ssl = on; SELECT pg_reload_conf()', port=port)
        seen = self.migrate('-o', 'ca_file=' + cert, 'up', '--steps', '1', db='postgres', port=port)
        self.assertEqual(seen.returncode, 0, seen.stderr)
        self.up(port, query='sslmode=verify-full&sslrootcert=' + cert)
        self.assertIn('certificate', self.up(port, query='sslmode=verify-full&sslrootcert=/nosuch', code=6))
        with tempfile.NamedTemporaryFile('w', suffix='.crt') as f:
            other = subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null',
                                    '-subj', '/CN=other'], capture_output=True, text=True, check=True).stdout
            f.write(other)
            f.flush()
            self.assertIn('certificate', self.up(port, options=('-o', 'ca_file=' + f.name), code=6))

    def test_disk_full(self):
        if os.getuid() != 0:
            self.skipTest('only root can make a small disk')
        small = tempfile.mkdtemp(dir=os.environ['PG_SCRATCH'])
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'none', small], capture_output=True,
                          check=False).returncode:
            self.skipTest('no small disk can be mounted here')
        self.addCleanup(subprocess.run, ['umount', '-l', small], check=False)
        folder, port = self.server()
        owner = os.stat(os.path.join(folder, 'data'))
        os.chown(small, owner.st_uid, owner.st_gid)
        sql("CREATE TABLESPACE small LOCATION '%s'" % small, port=port)
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))
        self.files({'1.sql': 'CREATE TABLE a (x int);',
                    '2.sql': "CREATE TABLE b (x text) TABLESPACE small;\n"
                             "INSERT INTO b SELECT repeat('x', 1000) FROM generate_series(1, 20000);"})
        text = self.up(port, code=6)
        self.assertIn('53100', text)
        self.assertIn('2.sql:2', text)
        self.assertEqual(sql("SELECT to_regclass('a'), to_regclass('b')", port=port), 'a|')
        self.file('2.sql', 'CREATE TABLE b (x text);')
        self.up(port)


# only its own
for _name in [n for n in dir(outages.Outages) if n.startswith('test_')]:
    setattr(Servers, _name, None)


class Privileges(PgTest):
    def grants(self, which):
        path = os.path.join(os.environ['SOURCE_ROOT'], 'docs', 'guide', 'privileges.md')
        with open(path, encoding='utf-8') as f:
            found = re.search(r'<!-- postgres: %s -->\n```sql\n(.*?)```' % which, f.read(), re.S)
        return found.group(1).replace('DATABASE app', 'DATABASE ' + self.db)

    def setUp(self):
        super().setUp()
        self.file('1.sql', 'CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);')
        self.file('2.sql', '-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY t_a ON t (a);')
        sql('REVOKE ALL ON DATABASE %s FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC' % self.db, self.db)
        sql('DO $$ BEGIN CREATE ROLE migrator LOGIN; CREATE ROLE watcher LOGIN; EXCEPTION WHEN duplicate_object '
            'THEN NULL; END $$')
        self.addCleanup(lambda: sql('DROP OWNED BY migrator, watcher', self.db))

    def test_nothing_granted(self):
        done = self.migrate('up', user='migrator', code=6)
        self.assertIn('42501', done.stderr)

    def test_migrator(self):
        sql(self.grants('migrator'), self.db)
        self.migrate('up', user='migrator', code=0)
        self.migrate('up', user='migrator', code=0)
        self.migrate('verify', user='migrator', code=0)
        self.assertEqual(self.applied(), '1,2')

    def test_watcher(self):
        sql(self.grants('migrator'), self.db)
        self.migrate('up', user='migrator', code=0)
        sql('SET ROLE migrator;' + self.grants('watcher').split('\n', 2)[2], self.db)
        sql('\n'.join(self.grants('watcher').split('\n', 2)[:2]), self.db)
        for command in (['up'], ['status'], ['plan'], ['verify']):
            self.migrate(*command, user='watcher', code=0)

    def test_prepared(self):
        self.migrate('init', code=0)
        sql(self.grants('prepared'), self.db)
        self.file('1.sql', 'SELECT 1;')
        os.unlink(os.path.join(self.folder, '2.sql'))
        self.migrate('up', user='migrator', code=0)
        self.migrate('-o', 'lock=lease', 'up', user='migrator', code=0)
        self.file('2.sql', 'SELECT 2;')
        self.migrate('-o', 'lock=lease', 'up', user='migrator', code=0)
        self.assertEqual(self.applied(), '1,2')


def high_water(pid):
    """Most memory so far in KB; what wait4 tells would count the parent before exec."""
    try:
        with open('/proc/%d/status' % pid, encoding='ascii') as f:
            found = re.search(r'VmHWM:\s*(\d+)', f.read())
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found.group(1)) if found and os.readlink('/proc/%d/exe' % pid) == os.path.realpath(pgtest.MIGRATE) else 0


class Copy(PgTest):
    def test_memory_is_bounded(self):
        line = '1234567\t' + 'x' * 1000 + '\n'
        count = COPY_MB * 1024 * 1024 // len(line)
        with open(os.path.join(self.folder, '1.sql'), 'w', encoding='ascii') as f:
            f.write('CREATE UNLOGGED TABLE big (a int, b text);\nCOPY big FROM STDIN;\n')
            for _ in range(count):
                f.write(line)
            f.write('\\.\nCREATE TABLE small (a int);\n')
        process = subprocess.Popen(self.arguments('-q', 'up'), env=pgtest.SHARED_ENV)
        kilobytes = 0
        while process.poll() is None:
            kilobytes = max(kilobytes, high_water(process.pid))
            time.sleep(0.005)
        self.assertEqual(process.returncode, 0)
        self.assertGreater(kilobytes, 1024)
        self.assertEqual(sql('SELECT count(*) FROM big', self.db), str(count))
        print('%d MB in %d KB' % (COPY_MB, kilobytes), end=' ', flush=True)
        self.assertLess(kilobytes, 16 * 1024)


class Large(PgTest):
    @unittest.skipIf(COPY_MB < 1024, 'a statement of 1 GB is for the slow tests: COPY_MB=1024')
    def test_statement_over_a_gigabyte(self):
        """No server would take it: refused when it is read, before anything runs."""
        self.file('1.sql', 'CREATE TABLE a (i int);')
        with open(os.path.join(self.folder, '2.sql'), 'w', encoding='ascii') as f:
            f.write("CREATE TABLE b (i int);\nSELECT '")
            for _ in range(1030):
                f.write('x' * 1048576)
            f.write("';\n")
        done = self.migrate('up', code=3, timeout=600)
        self.assertIn('2.sql:2:1', done.stderr)
        self.assertIn('more than 1073741759 bytes', done.stderr)
        self.assertIn('nothing was changed', done.stderr)
        self.assertEqual(sql(OURS, self.db), '0')


if __name__ == '__main__':
    pgtest.main()
