# SPDX-License-Identifier: Apache-2.0
"""Whole runs of the command line: credentials from moto, migrations on PostgreSQL."""
import base64
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest
import urllib.parse

import awsdb
import awstest
import test_signing
from awsdb import PORT, sql


class Secrets(awsdb.Database):
    def test_no_url_at_all(self):
        self.migrate('-o', 'secret=' + self.secret(self.value()), 'up')
        self.assertTrue(self.applied())
        self.assertIn('current', self.migrate('-o', 'secret=' + self.name, 'status').stdout)

    def test_by_arn_and_from_the_environment(self):
        self.secret(self.value(port=PORT, engine='aurora-postgresql'))
        arn = self.moto.secrets.describe_secret(SecretId=self.name)['ARN']
        env = {k: v for k, v in self.moto.env().items() if k != 'AWS_REGION'}  # the ARN says it
        self.env = {**awstest.CLEAN, **env, 'MIGRATE_SECRET': arn}
        self.migrate('up')
        self.assertTrue(self.applied())

    def test_what_the_url_leaves_out(self):
        self.secret(self.value(dbname='another', host='192.0.2.1'))
        self.migrate('-d', self.url(), '-o', 'secret=' + self.name, 'up')
        self.assertTrue(self.applied())

    def test_named_in_the_url(self):
        self.secret(self.value())
        self.migrate('-d', self.url() + '?secret=' + self.name, 'up')
        self.assertTrue(self.applied())

    def test_managed_by_rds(self):
        """Nothing but user and password."""
        self.secret(json.dumps({'username': self.role, 'password': self.password}))
        self.migrate('-d', self.url(user='somebody_else'), '-o', 'secret=' + self.name, 'up')
        self.assertTrue(self.applied())
        done = self.migrate('-o', 'secret=' + self.name, 'status', code=1)
        self.assertIn('does not say which engine', done.stderr)
        self.assertIn('give the database\'s URL too', done.stderr)

    def test_binary(self):
        self.moto.secrets.create_secret(Name=self.name, SecretBinary=self.value().encode())
        self.migrate('-o', 'secret=' + self.name, 'up')
        self.assertTrue(self.applied())

    def test_of_another_engine(self):
        self.secret(self.value(engine='oracle-ee'))
        self.assertIn('no driver for', self.migrate('-o', 'secret=' + self.name, 'status', code=1).stderr)

    def test_role_after_login(self):
        """Two users that alternate; what they make belongs to the role."""
        sql('CREATE ROLE %s_owner; GRANT %s_owner TO %s; ALTER DATABASE %s OWNER TO %s_owner; '
            % (self.role, self.role, self.role, self.name, self.role))
        sql('GRANT ALL ON SCHEMA public TO %s_owner' % self.role, self.name)
        self.addCleanup(lambda: (sql('DROP DATABASE IF EXISTS %s WITH (FORCE)' % self.name),
                                 sql('DROP ROLE IF EXISTS %s_owner' % self.role)))
        self.secret(self.value())
        self.migrate('-o', 'secret=' + self.name, '-o', 'role=%s_owner' % self.role, 'up')
        owners = sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'", self.name)
        self.assertEqual(owners, self.role + '_owner')

    def test_unknown(self):
        done = self.migrate('-d', self.url(), '-o', 'secret=nowhere/db', 'status', code=1)
        self.assertIn('secret nowhere/db: Secrets Manager in us-east-1 answers ResourceNotFoundException', done.stderr)
        self.assertIn('check name, region and account', done.stderr)
        error = json.loads(self.migrate('--json', '-o', 'secret=nowhere/db', 'status', code=1).stdout)['error']
        self.assertEqual(error['status'], 'E_OPTION')

    def test_keys_that_are_wrong(self):
        env = {'AWS_SECRET_ACCESS_KEY': 'wrongwrongwrong', 'AWS_SESSION_TOKEN': ''}
        self.hidden.append('wrongwrongwrong')
        done = self.migrate('-d', self.url(), '-o', 'secret=' + self.secret(self.value()), 'status', code=6, env=env)
        self.assertIn('SignatureDoesNotMatch', done.stderr)
        self.assertIn('keys of the environment', done.stderr)

    def test_nobody_there(self):
        done = self.migrate('-d', self.url(), '-o', 'secret=x', 'status', code=6,
                            env={'AWS_ENDPOINT_URL': 'http://127.0.0.1:1'})
        self.assertIn('no connection to 127.0.0.1:1', done.stderr)


class Parameters(awsdb.Database):
    def put(self, value):
        self.moto.parameters.put_parameter(Name='/' + self.name, Value=value, Type='SecureString')
        return '/' + self.name

    def test_json(self):
        self.migrate('-o', 'ssm_parameter=' + self.put(self.value()), 'up')
        self.assertTrue(self.applied())

    def test_url(self):
        url = 'postgres://%s:%s@127.0.0.1:%s/%s' % (self.role, urllib.parse.quote(self.password, safe=''), PORT, self.name)
        self.migrate('-o', 'ssm_parameter=' + self.put(url), 'up')
        self.assertTrue(self.applied())

    def test_password_alone(self):
        self.put(self.password)
        self.migrate('-d', self.url(user=self.role), '-o', 'ssm_parameter=/' + self.name, 'up')
        self.assertTrue(self.applied())

    def test_unknown(self):
        done = self.migrate('-d', self.url(), '-o', 'ssm_parameter=/none', 'status', code=1)
        self.assertIn('ParameterNotFound', done.stderr)


class Rotation(awsdb.Database):
    def put(self, password, *stages):
        self.hidden.append(password)
        self.moto.secrets.put_secret_value(SecretId=self.name, SecretString=self.value(password=password),
                                           VersionStages=list(stages))

    def expect(self, applied=True):
        self.migrate('-d', self.url(), '-o', 'secret=' + self.name, 'up', code=0 if applied else 6)
        self.assertEqual(self.applied(), applied)

    def test_between_the_extension_and_us(self):
        """The extension's memory is older than the rotation."""
        self.secret(self.value())
        stale = self.value(password='of yesterday')
        self.hidden.append('of yesterday')
        extension = self.double(lambda r: (200, {}, json.dumps({'SecretString': stale, 'VersionId': 'old'})))
        self.env.update(self.moto.session(), PARAMETERS_SECRETS_EXTENSION_HTTP_PORT=str(extension.server_port))
        self.hidden.append(self.env['AWS_SESSION_TOKEN'])
        self.expect()
        self.assertEqual(len(extension.seen), 1)

    def test_the_one_to_come(self):
        self.secret(self.value())
        self.put('tomorrow', 'AWSPENDING')
        self.set_password('tomorrow')
        self.expect()

    def test_the_one_before(self):
        self.secret(self.value())
        self.put('not yet', 'AWSCURRENT')
        self.expect()

    def test_the_one_before_behind_one_to_come(self):
        self.secret(self.value())
        self.put('not yet', 'AWSCURRENT')
        self.put('never', 'AWSPENDING')
        self.expect()

    def test_none(self):
        self.secret(self.value())
        self.put('second', 'AWSCURRENT')
        self.put('third', 'AWSPENDING')
        self.set_password('another altogether')
        done = self.migrate('-d', self.url(), '-o', 'secret=' + self.name, 'up', code=6)
        self.assertIn('password authentication failed', done.stderr)

    def test_in_the_middle_of_a_run(self):
        """The connection goes, the password with it; the run connects anew with the new one."""
        self.secret(self.value())
        self.file('migrations/2_wait.sql', '-- migrate: no-transaction\nCREATE TABLE w AS SELECT pg_sleep(1)::text AS x;\n')
        self.file('migrations/3_u.sql', 'CREATE TABLE u (a int);')
        process = subprocess.Popen([awsdb.MIGRATE, '-v', '-s', os.path.join(self.folder, 'migrations'), '-o',
                                    'secret=' + self.name, 'up'], env=self.env, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        busy = self.await_session('pg_sleep')
        self.set_password('rotated')
        self.put('rotated', 'AWSCURRENT')
        sql('SELECT pg_terminate_backend(%s)' % busy)
        output = process.communicate(timeout=60)[0]
        self.searched(output)
        self.assertEqual(process.returncode, 0, output)
        for table in 'twu':
            self.assertEqual(sql("SELECT to_regclass('%s') IS NOT NULL" % table, self.name), 't', output)

    def await_session(self, words):
        for _ in range(200):
            found = sql("SELECT pid FROM pg_stat_activity WHERE datname = '%s' AND state = 'active' AND query LIKE '%%%s%%'"
                        % (self.name, words))
            if found:
                return found.split()[0]
            time.sleep(0.05)
        raise AssertionError('the statement did not begin')


class Identities(awsdb.Database):
    """Ways to be somebody, in whole runs; test_credentials.py has each of them in detail."""

    def test_role_of_a_profile(self):
        config = self.file('config', '[profile base]\naws_access_key_id=%s\naws_secret_access_key=%s\n'
                           '[profile deploy]\nrole_arn=%s\nsource_profile=base\nregion=us-east-1\n'
                           % (self.moto.access_key, self.moto.secret_key, self.moto.role))
        self.secret(self.value())
        self.env = {**awstest.CLEAN, 'AWS_ENDPOINT_URL': self.moto.url, 'AWS_CONFIG_FILE': config,
                    'AWS_SHARED_CREDENTIALS_FILE': '/nowhere', 'AWS_PROFILE': 'deploy'}
        self.migrate('-o', 'secret=' + self.name, 'up')
        self.assertTrue(self.applied())

    def test_container(self):
        keys = self.moto.session()
        self.hidden += [keys['AWS_SESSION_TOKEN'], keys['AWS_SECRET_ACCESS_KEY'], 'authorized']
        container = self.double(lambda r: (200, {}, json.dumps({
            'AccessKeyId': keys['AWS_ACCESS_KEY_ID'], 'SecretAccessKey': keys['AWS_SECRET_ACCESS_KEY'],
            'Token': keys['AWS_SESSION_TOKEN'], 'Expiration': '2099-01-01T00:00:00Z'})))
        self.secret(self.value())
        self.env = {**awstest.CLEAN, 'AWS_ENDPOINT_URL': self.moto.url, 'AWS_REGION': 'us-east-1', 'HOME': self.folder,
                    'AWS_CONTAINER_CREDENTIALS_FULL_URI': container.url + '/', 'AWS_CONTAINER_AUTHORIZATION_TOKEN':
                    'authorized'}
        self.migrate('-o', 'secret=' + self.name, 'up')
        self.assertTrue(self.applied())


class Stopping(awsdb.Database):
    def test_while_aws_is_silent(self):
        with socket.socket() as silent:
            silent.bind(('127.0.0.1', 0))
            silent.listen(8)
            silent.settimeout(30)
            env = {**self.env, 'AWS_ENDPOINT_URL': 'http://127.0.0.1:%d' % silent.getsockname()[1]}
            for places in (['-d', self.url()], []):
                process = subprocess.Popen([awsdb.MIGRATE, '-s', os.path.join(self.folder, 'migrations'), *places, '-o',
                                            'secret=x', 'up'], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           text=True)
                asked, _ = silent.accept()
                process.send_signal(signal.SIGINT)
                begun = time.monotonic()
                _, errors = process.communicate(timeout=30)
                asked.close()
                self.assertLess(time.monotonic() - begun, 4)
                self.assertEqual(process.returncode, 7, errors)

    def test_deadline(self):
        with socket.socket() as silent:
            silent.bind(('127.0.0.1', 0))
            silent.listen(8)
            begun = time.monotonic()
            self.migrate('-d', self.url(), '-o', 'secret=x', '-o', 'deadline=500ms', 'up', code=7,
                         env={'AWS_ENDPOINT_URL': 'http://127.0.0.1:%d' % silent.getsockname()[1]})
            self.assertLess(time.monotonic() - begun, 5)


class FakePostgres(threading.Thread):
    """Asks for a password in clear text, keeps it, and refuses it. With certificates it offers TLS."""

    def __init__(self, folder=None):
        super().__init__(daemon=True)
        self.passwords, self.startups, self.context = [], [], None
        if folder:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(os.path.join(folder, 'server.pem'), os.path.join(folder, 'server.key'))
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def packet(self, s, typed):
        head = self.exactly(s, 5 if typed else 4)
        return self.exactly(s, int.from_bytes(head[-4:], 'big') - 4)

    @staticmethod
    def exactly(s, n):
        data = b''
        while len(data) < n:
            more = s.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def serve(self, s):
        first = self.packet(s, False)
        if first == (80877103).to_bytes(4, 'big'):
            s.sendall(b'S' if self.context else b'N')
            if self.context:
                s = self.context.wrap_socket(s, server_side=True)
            first = self.packet(s, False)
        self.startups.append(first)
        s.sendall(b'R' + (8).to_bytes(4, 'big') + (3).to_bytes(4, 'big'))
        self.passwords.append(self.packet(s, True).rstrip(b'\0').decode())
        fields = b'SFATAL\0VFATAL\0C28P01\0MPAM authentication failed for user "app"\0\0'
        s.sendall(b'E' + (4 + len(fields)).to_bytes(4, 'big') + fields)
        s.close()

    def run(self):
        while True:
            try:
                s = self.listener.accept()[0]
            except OSError:
                return
            try:
                self.serve(s)
            except (EOFError, OSError):
                s.close()


class Tokens(awsdb.Database):
    def server(self, tls=True):
        if tls:
            made = subprocess.run([os.path.join(awstest.ROOT, 'tests', 'tools', 'tls_files.sh'), self.folder + '/tls'],
                                  capture_output=True, text=True, check=False)
            if made.returncode == 77:
                self.skipTest(made.stderr.strip())
            self.assertEqual(made.returncode, 0, made.stderr)
        server = FakePostgres(self.folder + '/tls' if tls else None)
        self.addCleanup(server.listener.close)
        return server

    def url_of(self, server, user='app@'):
        return 'postgres://%s127.0.0.1:%d/shop' % (user, server.port)

    def connect(self, server, *args, code=6, user='app@'):
        return self.migrate('-d', self.url_of(server, user), '-o', 'iam=1', *args, 'status', code=code)

    def test_a_fresh_one_for_each_connect(self):
        server = self.server()
        self.env['AWS_SESSION_TOKEN'] = 'TOKENTOKENTOKEN+/=' * 80
        done = self.connect(server, '-o', 'ca_file=' + self.folder + '/tls/ca.pem')
        self.assertIn('PAM authentication failed', done.stderr)
        self.assertEqual(len(server.passwords), 2)
        for token in server.passwords:
            got = urllib.parse.urlsplit('https://' + token)
            query = dict(urllib.parse.parse_qsl(got.query))
            self.assertEqual((got.netloc, query['Action'], query['DBUser'], query['X-Amz-Expires']),
                             ('127.0.0.1:%d' % server.port, 'connect', 'app', '900'))
            moment = time.strptime(query['X-Amz-Date'], '%Y%m%dT%H%M%SZ')
            theirs = test_signing.Tokens().client('rds', {
                'access_key': self.moto.access_key, 'secret_key': self.moto.secret_key,
                'session_token': self.env['AWS_SESSION_TOKEN'], 'region': 'us-east-1'})
            with test_signing.frozen(int(time.mktime(moment) - time.timezone) * 1000):
                self.assertEqual(test_signing.parts(token), test_signing.parts(
                    theirs.generate_db_auth_token('127.0.0.1', server.port, 'app')))

    def test_never_without_verified_tls(self):
        plain = self.server(tls=False)
        self.connect(plain)
        self.connect(plain, '-o', 'ca_file=/etc/ssl/certs/ca-certificates.crt')
        self.assertEqual(plain.passwords, [])
        server = self.server()
        self.connect(server, '-o', 'ca_file=' + self.folder + '/tls/other-ca.pem')
        self.assertEqual(server.passwords, [])
        for mode in ('disable', 'prefer', 'require', 'verify-ca'):
            done = self.migrate('-d', self.url_of(server) + '?sslmode=' + mode, '-o', 'iam=1', 'status', code=1)
            self.assertIn('verified TLS', done.stderr)
        self.assertEqual(server.passwords, [])

    def test_user_of_the_secret(self):
        server = self.server()
        self.secret(self.value(port=server.port, username='app'))
        self.migrate('-o', 'secret=' + self.name, '-o', 'iam=1', '-o', 'ca_file=' + self.folder + '/tls/ca.pem', 'status',
                     code=6)
        self.assertIn('DBUser=app&', server.passwords[0])

    def test_what_is_needed(self):
        self.assertIn('the URL names none', self.migrate('-d', 'postgres://127.0.0.1/x', '-o', 'iam=1', 'status',
                                                         code=1).stderr)
        self.assertIn('for one server', self.migrate('-d', 'postgres://u@/x', '-o', 'iam=1', 'status', code=1).stderr)
        self.assertIn('for one server', self.migrate('-d', 'postgres://u@a,b/x', '-o', 'iam=1', 'status', code=1).stderr)
        del self.env['AWS_REGION']
        self.assertIn('AWS_REGION', self.migrate('-d', 'postgres://u@h/x', '-o', 'iam=1', 'status', code=1).stderr)
        self.env = {**awstest.CLEAN, 'AWS_CONFIG_FILE': '/nowhere', 'AWS_SHARED_CREDENTIALS_FILE': '/nowhere'}
        done = self.migrate('-d', 'postgres://u@h/x', '-o', 'iam=1', 'status', code=6)
        self.assertIn('no AWS credentials were found', done.stderr)
        self.assertIn('hint: give the function or instance a role', done.stderr)


if __name__ == '__main__':
    unittest.main()
