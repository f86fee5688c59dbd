# SPDX-License-Identifier: Apache-2.0
"""Signatures and tokens against AWS's own signers, botocore and, where installed, those for JavaScript."""
import datetime
import json
import os
import random
import subprocess
import unittest
import unittest.mock
import urllib.parse

import awstest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
import botocore.session

NODE = os.path.join(awstest.ROOT, '.cache', 'aws-node')
HERE = os.path.dirname(os.path.abspath(__file__))
SAFE = '-_.~'


def at(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)


class frozen:
    """botocore's clock stands still."""

    def __init__(self, ms):
        moment = at(ms)

        class Clock(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return moment.replace(tzinfo=None)

            @classmethod
            def now(cls, tz=None):
                return moment

        def current(remove_tzinfo=True):
            return moment.replace(tzinfo=None) if remove_tzinfo else moment

        self.patches = [unittest.mock.patch('botocore.auth.get_current_datetime', current, create=True)]
        import botocore.auth
        if not hasattr(botocore.auth, 'get_current_datetime'):
            self.patches = [unittest.mock.patch('botocore.auth.datetime.datetime', Clock)]

    def __enter__(self):
        for p in self.patches:
            p.start()

    def __exit__(self, *args):
        for p in self.patches:
            p.stop()


def any_text(rng, alphabet, most):
    return ''.join(rng.choice(alphabet) for _ in range(rng.randint(1, most)))


WORD = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
ODD = WORD + '-_.~ /:@+=%&?#,;\u00e9\u20ac\U0001f600'


def any_request(rng):
    """One that both sides send as it stands: parts are encoded as a client has to."""
    path = ''.join('/' + urllib.parse.quote(any_text(rng, ODD, 8), safe=SAFE) for _ in range(rng.randint(0, 3)))
    if not path or rng.random() < 0.3:
        path += '/'
    pairs = [(any_text(rng, ODD, 6), any_text(rng, ODD, 12) if rng.random() < 0.9 else '')
             for _ in range(rng.randint(0, 5))]
    query = '&'.join('%s=%s' % (urllib.parse.quote(k, safe=SAFE), urllib.parse.quote(v, safe=SAFE))
                     for k, v in pairs)
    headers = {'Content-Type': rng.choice(['application/json', 'application/x-amz-json-1.1'])}
    if rng.random() < 0.7:
        headers['X-Amz-Target'] = any_text(rng, WORD + '.', 20)
    for _ in range(rng.randint(0, 3)):
        headers['X-' + any_text(rng, WORD, 10)] = any_text(rng, WORD + '  ;,=/', 20).strip() or 'x'
    return {'method': rng.choice(['GET', 'POST', 'PUT']),
            'host': any_text(rng, WORD.lower(), 10) + rng.choice(['.amazonaws.com', '.test:8443']),
            'path': path, 'query': query, 'headers': [[k, v] for k, v in headers.items()],
            'body': any_text(rng, ODD, 200) if rng.random() < 0.8 else '',
            'region': rng.choice(['us-east-1', 'eu-central-2', 'cn-north-1']),
            'service': rng.choice(['secretsmanager', 'ssm', 'rds-data', 'sts']),
            'ms': rng.randint(1_000_000_000, 4_000_000_000) * 1000,
            'access_key': 'AKIA' + any_text(rng, WORD, 16), 'secret_key': any_text(rng, WORD + '/+', 40),
            'session_token': any_text(rng, WORD + '/+=', 600) if rng.random() < 0.5 else None}


def credentials(r):
    return Credentials(r['access_key'], r['secret_key'], r['session_token'])


def by_botocore(r):
    url = 'https://%s%s%s' % (r['host'], r['path'], '?' + r['query'] if r['query'] else '')
    request = AWSRequest(r['method'], url, headers=dict(r['headers']), data=r['body'].encode())
    with frozen(r['ms']):
        SigV4Auth(credentials(r), r['service'], r['region']).add_auth(request)
    return request.headers['Authorization']


def by_javascript(requests):
    if not os.path.exists(os.path.join(NODE, 'made')):
        raise unittest.SkipTest('no signers for JavaScript; scripts/aws-tools node installs them')
    lines = ''.join(json.dumps(r) + '\n' for r in requests)
    done = subprocess.run(['node', os.path.join(HERE, 'sign.cjs'), NODE], input=lines, capture_output=True, text=True,
                          env=awstest.CLEAN, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Headers(unittest.TestCase):
    def test_any_request_by_botocore(self):
        rng = random.Random(1)
        with awstest.Probe() as probe:
            for _ in range(500):
                r = any_request(rng)
                with self.subTest(r):
                    self.assertEqual(probe('sign', **r)['authorization'], by_botocore(r))

    def test_any_request_by_javascript(self):
        rng = random.Random(2)
        requests = [any_request(rng) for _ in range(300)]
        theirs = by_javascript([{'do': 'sign', **r} for r in requests])
        with awstest.Probe() as probe:
            for r, signed in zip(requests, theirs):
                with self.subTest(r):
                    self.assertEqual(probe('sign', **r)['authorization'], signed['authorization'])


class Presigned(unittest.TestCase):
    def test_any_query_by_botocore(self):
        rng = random.Random(3)
        with awstest.Probe() as probe:
            for _ in range(300):
                r = {**any_request(rng), 'method': 'GET', 'headers': [], 'body': '', 'expires': rng.randint(1, 604800)}
                url = 'https://%s%s%s' % (r['host'], r['path'], '?' + r['query'] if r['query'] else '')
                request = AWSRequest('GET', url)
                with frozen(r['ms']):
                    SigV4QueryAuth(credentials(r), r['service'], r['region'], expires=r['expires']).add_auth(request)
                theirs = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.url).query))
                ours = dict(urllib.parse.parse_qsl(probe('presign', **r)['query']))
                with self.subTest(r):
                    self.assertEqual(ours['X-Amz-Signature'], theirs['X-Amz-Signature'])


def any_token(rng, host):
    return {'host': host, 'port': str(rng.randint(1, 65535)), 'user': any_text(rng, ODD, 30), 'region': 'eu-west-1',
            'ms': rng.randint(1_000_000_000, 4_000_000_000) * 1000, 'access_key': 'AKIA' + any_text(rng, WORD, 16),
            'secret_key': any_text(rng, WORD + '/+', 40),
            'session_token': any_text(rng, WORD + '/+=', 1200) if rng.random() < 0.7 else None}


def parts(token):
    """The parameters; their order differs between AWS's own."""
    url = urllib.parse.urlsplit('https://' + token)
    return url.netloc, url.path, sorted(urllib.parse.parse_qsl(url.query))


class Tokens(unittest.TestCase):
    def client(self, service, t):
        session = botocore.session.Session()
        session.set_credentials(t['access_key'], t['secret_key'], t['session_token'])
        return session.create_client(service, region_name=t['region'])

    def test_rds_by_botocore(self):
        rng = random.Random(4)
        with awstest.Probe() as probe:
            for _ in range(20):
                t = any_token(rng, 'db.c1.eu-west-1.rds.amazonaws.com')
                with frozen(t['ms']):
                    theirs = self.client('rds', t).generate_db_auth_token(t['host'], int(t['port']), t['user'])
                with self.subTest(t):
                    self.assertEqual(parts(probe('token', **t)['token']), parts(theirs))

    def test_dsql_by_botocore(self):
        rng = random.Random(5)
        with awstest.Probe() as probe:
            for user in ['admin', 'app']:
                t = {**any_token(rng, 'x.dsql.eu-west-1.on.aws'), 'user': user}
                with frozen(t['ms']):
                    client = self.client('dsql', t)
                    made = (client.generate_db_connect_admin_auth_token if user == 'admin'
                            else client.generate_db_connect_auth_token)
                    theirs = made(t['host'], t['region'], 900)
                self.assertEqual(parts(probe('token', **t)['token']), parts(theirs))

    def test_both_by_javascript(self):
        rng = random.Random(6)
        tokens = [any_token(rng, 'db.c1.eu-west-1.rds.amazonaws.com') for _ in range(20)]
        tokens += [{**any_token(rng, 'x.dsql.eu-west-1.on.aws'), 'user': user} for user in ['admin', 'app']]
        theirs = by_javascript([{'do': 'token', **t} for t in tokens])
        with awstest.Probe() as probe:
            for t, made in zip(tokens, theirs):
                with self.subTest(t):
                    self.assertEqual(parts(probe('token', **t)['token']), parts(made['token']))


if __name__ == '__main__':
    unittest.main()
