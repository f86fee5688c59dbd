# SPDX-License-Identifier: Apache-2.0
"""What the tests of whole runs share: moto, which verifies signatures, and a PostgreSQL server that wants passwords."""
import glob
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import boto3

import awstest

MIGRATE = os.environ['CLI_EXE']
PORT = os.environ.get('PG_PORT')
EVERYTHING = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]})


def program(name):
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin/' + name))
    return os.path.join(os.environ['PGBIN'], name) if os.environ.get('PGBIN') else found[-1] if found else name


def sql(text, db='postgres'):
    done = subprocess.run([program('psql'), '-X', '-Atq', '-v', 'ON_ERROR_STOP=1',
                           'postgres://postgres@127.0.0.1:%s/%s' % (PORT, db)],
                          input=text, capture_output=True, text=True, env=awstest.CLEAN, check=False)
    if done.returncode:
        raise AssertionError('%s: %s' % (text, done.stderr))
    return done.stdout.strip()


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Moto:
    """moto's server: after the first three actions nobody is let in without a signature that is right."""

    def __init__(self):
        self.port = free_port()
        self.url = 'http://127.0.0.1:%d' % self.port
        self.process = subprocess.Popen(
            [sys.executable, '-c', 'import moto.server, sys; moto.server.main(sys.argv[1:])', '-H', '127.0.0.1', '-p',
             str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**awstest.CLEAN, 'INITIAL_NO_AUTH_ACTION_COUNT': '3'})
        self.await_answer()
        iam = self.client('iam', 'x', 'y')
        iam.create_user(UserName='u')
        key = iam.create_access_key(UserName='u')['AccessKey']
        self.access_key, self.secret_key = key['AccessKeyId'], key['SecretAccessKey']
        iam.put_user_policy(UserName='u', PolicyName='p', PolicyDocument=EVERYTHING)
        self.role = self.client('iam').create_role(RoleName='r', AssumeRolePolicyDocument=json.dumps({
            'Version': '2012-10-17', 'Statement': [
                {'Effect': 'Allow', 'Action': 'sts:AssumeRole', 'Principal': {'AWS': '*'}}]}))['Role']['Arn']
        self.client('iam').put_role_policy(RoleName='r', PolicyName='p', PolicyDocument=EVERYTHING)
        self.secrets, self.parameters = self.client('secretsmanager'), self.client('ssm')

    def await_answer(self):
        for _ in range(300):
            try:
                urllib.request.urlopen(self.url + '/moto-api/data.json', timeout=5).read()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise AssertionError('moto does not answer')

    def client(self, service, access_key=None, secret_key=None):
        return boto3.client(service, endpoint_url=self.url, region_name='us-east-1',
                            aws_access_key_id=access_key or self.access_key,
                            aws_secret_access_key=secret_key or self.secret_key)

    def session(self):
        """The environment of one who has assumed the role: keys that go with a token."""
        made = self.client('sts').assume_role(RoleArn=self.role, RoleSessionName='test')['Credentials']
        return {'AWS_ACCESS_KEY_ID': made['AccessKeyId'], 'AWS_SECRET_ACCESS_KEY': made['SecretAccessKey'],
                'AWS_SESSION_TOKEN': made['SessionToken']}

    def env(self):
        return {'AWS_ACCESS_KEY_ID': self.access_key, 'AWS_SECRET_ACCESS_KEY': self.secret_key, 'AWS_REGION': 'us-east-1',
                'AWS_ENDPOINT_URL': self.url, 'AWS_CONFIG_FILE': '/nowhere', 'AWS_SHARED_CREDENTIALS_FILE': '/nowhere'}

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Database(awstest.Case):
    """Each test has a database that belongs to a role of its own, with a password, and a migration to run. What the
    program says is searched for secrets, always."""
    number = 0

    @classmethod
    def setUpClass(cls):
        cls.moto = Moto()
        hba = os.path.join(os.environ['PG_DIR'], 'data', 'pg_hba.conf')
        with open(hba, encoding='utf-8') as f:
            text = f.read()
        with open(hba, 'w', encoding='utf-8') as f:
            f.write('host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n' + text)
        sql('SELECT pg_reload_conf()')

    @classmethod
    def tearDownClass(cls):
        cls.moto.stop()

    def setUp(self):
        super().setUp()
        Database.number += 1
        self.name = 'db%d_%d' % (os.getpid(), Database.number)
        self.role = 'r%d_%d' % (os.getpid(), Database.number)
        self.password = "Gr3en*Pa ss/w0rd%%'\"\\%d" % Database.number
        self.hidden = [self.password, self.moto.secret_key, 'X-Amz-Signature', 'TOKENTOKENTOKEN']
        sql('CREATE ROLE %s LOGIN PASSWORD %s' % (self.role, quoted(self.password)))
        sql('CREATE DATABASE %s OWNER %s' % (self.name, self.role))
        self.addCleanup(self.drop)
        self.file('migrations/1_t.sql', 'CREATE TABLE t (a int);')
        self.env = {**awstest.CLEAN, **self.moto.env()}

    def drop(self):
        sql('DROP DATABASE IF EXISTS %s WITH (FORCE)' % self.name)
        sql('DROP ROLE IF EXISTS %s' % self.role)

    def set_password(self, password):
        self.password = password
        self.hidden.append(password)
        sql('ALTER ROLE %s PASSWORD %s' % (self.role, quoted(password)))

    def value(self, **more):
        return json.dumps({'engine': 'postgres', 'host': '127.0.0.1', 'port': int(PORT), 'username': self.role,
                           'password': self.password, 'dbname': self.name, **more})

    def secret(self, value):
        self.moto.secrets.create_secret(Name=self.name, SecretString=value)
        return self.name

    def url(self, user=''):
        return 'postgres://%s127.0.0.1:%s/%s' % (user + '@' if user else '', PORT, self.name)

    def searched(self, text):
        for secret in self.hidden:
            for form in (secret, json.dumps(secret)[1:-1]):
                self.assertNotIn(form, text)

    def migrate(self, *args, code=0, env=None):
        done = subprocess.run([MIGRATE, '-v', '-v', '-s', os.path.join(self.folder, 'migrations'), *args],
                              env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False)
        self.searched(done.stdout + done.stderr)
        self.assertEqual(done.returncode, code, '%s\n%s%s' % (args, done.stdout, done.stderr))
        return done

    def applied(self):
        return sql('SELECT count(*) FROM information_schema.tables WHERE table_name = \'t\'', self.name) == '1'
