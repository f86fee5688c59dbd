# SPDX-License-Identifier: Apache-2.0
"""Whole runs of the command line on MariaDB: secrets from moto."""
import json
import os
import shutil
import subprocess
import unittest

import awsdb
import awstest

PORT = os.environ['MYSQL_PORT']


def sql(text):
    client = shutil.which('mariadb') or shutil.which('mysql')
    done = subprocess.run([client, '--no-defaults', '-h', '127.0.0.1', '-P', PORT, '-u', 'root', '-N', '-B', '-e', text],
                          capture_output=True, text=True, env=awstest.CLEAN, check=False)
    if done.returncode:
        raise AssertionError('%s: %s' % (text, done.stderr))
    return done.stdout.strip()


class Secrets(awstest.Case):
    @classmethod
    def setUpClass(cls):
        if not (shutil.which('mariadb') or shutil.which('mysql')):
            raise unittest.SkipTest('no client of MySQL is installed')
        cls.moto = awsdb.Moto()

    @classmethod
    def tearDownClass(cls):
        cls.moto.stop()

    def setUp(self):
        super().setUp()
        self.file('migrations/1_t.sql', 'CREATE TABLE t (a int);')
        sql("CREATE OR REPLACE DATABASE shop; CREATE OR REPLACE USER app IDENTIFIED BY 'Gr3en*Pa/ss'; "
            'GRANT ALL ON shop.* TO app')

    def value(self, **more):
        return json.dumps({'engine': 'aurora-mysql', 'host': '127.0.0.1', 'port': int(PORT), 'username': 'app',
                           'password': 'Gr3en*Pa/ss', 'dbname': 'shop', **more})

    def migrate(self, *args, code=0):
        done = subprocess.run([awsdb.MIGRATE, '-v', '-v', '-s', os.path.join(self.folder, 'migrations'), *args],
                              env={**awstest.CLEAN, **self.moto.env()}, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertNotIn('Gr3en', done.stdout + done.stderr)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def applied(self):
        return sql("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'shop' AND table_name = 't'") == '1'

    def test_no_url_at_all(self):
        self.moto.secrets.create_secret(Name='one', SecretString=self.value())
        self.migrate('-o', 'secret=one', 'up')
        self.assertTrue(self.applied())

    def test_what_the_url_leaves_out(self):
        self.moto.secrets.create_secret(Name='two', SecretString=self.value(host='192.0.2.1', port=1))
        self.migrate('-d', 'mysql://127.0.0.1:%s' % PORT, '-o', 'secret=two', 'up')
        self.assertTrue(self.applied())

    def test_rotation(self):
        self.moto.secrets.create_secret(Name='three', SecretString=self.value(password='Gr3en of yesterday'))
        self.moto.secrets.put_secret_value(SecretId='three', SecretString=self.value(), VersionStages=['AWSPENDING'])
        self.migrate('-o', 'secret=three', 'up')
        self.assertTrue(self.applied())

    def test_refused(self):
        self.moto.secrets.create_secret(Name='four', SecretString=self.value(password='Gr3en and wrong'))
        self.assertIn('Access denied', self.migrate('-o', 'secret=four', 'up', code=6).stderr)


if __name__ == '__main__':
    unittest.main()
