# SPDX-License-Identifier: Apache-2.0
"""Where AWS's own credentials come from: each place by a double of it, and botocore asked the same beside us."""
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import unittest
import urllib.parse

import awstest
from awstest import E_AUTH, E_CANCELLED, E_CONNECT, E_DEADLINE, E_DENIED, E_IO, E_OPTION, OK

HERE = os.path.dirname(os.path.abspath(__file__))
SOON = '2099-01-02T03:04:05Z'
SOON_MS = 4071006245000
ROLE = 'arn:aws:iam::123456789012:role/r'

BOTOCORE = '''
import botocore.session, json
try:
    found = botocore.session.Session().get_credentials()
    keys = found.get_frozen_credentials() if found else None
    print(json.dumps([keys.access_key, keys.secret_key, keys.token] if keys else None))
except Exception as e:
    print(json.dumps({'error': type(e).__name__}))
'''


def botocore(env):
    done = subprocess.run([sys.executable, '-c', BOTOCORE], capture_output=True, text=True, check=True,
                          env={**awstest.CLEAN, **env})
    return json.loads(done.stdout)


def sts_answer(action, keys):
    return '''<%sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%sResult><AssumedRoleUser>
<Arn>arn:aws:sts::1:assumed-role/r/s</Arn><AssumedRoleId>x:s</AssumedRoleId></AssumedRoleUser><Credentials>
<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken>
<Expiration>%s</Expiration></Credentials></%sResult></%sResponse>''' % (
        action, action, *keys, SOON, action, action)


def sts_error(code, message, status):
    return status, {'Content-Type': 'text/xml'}, (
        '<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>'
        % (code, message))


def local_answer(keys, **more):
    return json.dumps({'AccessKeyId': keys[0], 'SecretAccessKey': keys[1], 'Token': keys[2], 'Expiration': SOON, **more})


class Places(awstest.Case):
    def env(self, **more):
        """No files but the test's own."""
        return {'AWS_CONFIG_FILE': os.path.join(self.folder, 'config'),
                'AWS_SHARED_CREDENTIALS_FILE': os.path.join(self.folder, 'credentials'), 'AWS_REGION': 'us-east-1', 'AWS_DEFAULT_REGION': 'us-east-1', **more}

    def expect(self, env, keys):
        ours = awstest.ask('identity', env)
        self.assertEqual(ours['status'], OK, ours)
        self.assertEqual([ours['access_key'], ours['secret_key'], ours['session_token']], keys)
        self.assertEqual(botocore(env), keys)
        return ours

    def refused(self, env, status, words, theirs=True):
        ours = awstest.ask('identity', env)
        self.assertEqual(ours['status'], status, ours)
        self.assertIn(words, ours['message'])
        self.assertIsNone(ours['access_key'])
        if theirs:
            self.assertNotIsInstance(botocore(env), list)
        return ours


class Environment(Places):
    def test_keys(self):
        env = self.env(AWS_ACCESS_KEY_ID='AKID', AWS_SECRET_ACCESS_KEY='a/b+c')
        self.expect(env, ['AKID', 'a/b+c', None])
        self.expect({**env, 'AWS_SESSION_TOKEN': 't//=='}, ['AKID', 'a/b+c', 't//=='])

    def test_before_all_else(self):
        self.file('credentials', '[default]\naws_access_key_id=P\naws_secret_access_key=P\n')
        self.expect(self.env(AWS_ACCESS_KEY_ID='E', AWS_SECRET_ACCESS_KEY='e'), ['E', 'e', None])
        self.expect(self.env(), ['P', 'P', None])

    def test_half(self):
        self.refused(self.env(AWS_ACCESS_KEY_ID='E'), E_AUTH, 'only one is set')


class Profiles(Places):
    def test_chosen(self):
        self.file('credentials', '[default]\naws_access_key_id=D\naws_secret_access_key=d\n')
        self.file('config', '[profile p]\naws_access_key_id = P\naws_secret_access_key = p\naws_session_token = t\n')
        self.expect(self.env(AWS_PROFILE='p'), ['P', 'p', 't'])
        self.expect(self.env(), ['D', 'd', None])
        self.refused(self.env(AWS_PROFILE='q'), E_OPTION, 'no AWS profile q')

    def test_credentials_before_config(self):
        self.file('config', '[default]\naws_access_key_id = C\naws_secret_access_key = c\n')
        self.file('credentials', '[default]\naws_access_key_id = D\naws_secret_access_key = d\n')
        self.expect(self.env(), ['D', 'd', None])

    def test_role_of_another_profile(self):
        seen = []

        def respond(request):
            seen.append((dict(urllib.parse.parse_qsl(request.body.decode())), request.headers['Authorization']))
            return 200, {}, sts_answer('AssumeRole', ['ASIA', 'role', 'session'])

        sts = self.double(respond)
        self.file('config', '[profile base]\naws_access_key_id=B\naws_secret_access_key=b\n'
                  '[profile r]\nrole_arn=' + ROLE + '\nsource_profile=base\nexternal_id=x y\n'
                  'role_session_name=me\nregion=eu-west-1\n')
        env = self.env(AWS_PROFILE='r', AWS_ENDPOINT_URL_STS=sts.url)
        del env['AWS_REGION'], env['AWS_DEFAULT_REGION']
        ours = self.expect(env, ['ASIA', 'role', 'session'])
        self.assertEqual(ours['expires_ms'], SOON_MS)
        (form, signed), (their_form, their_signed) = seen
        self.assertEqual(form, their_form)
        scope = signed.split('Credential=')[1].split(',')[0].split('/')
        self.assertEqual([scope[0], *scope[2:]], ['B', 'eu-west-1', 'sts', 'aws4_request'])
        their_scope = their_signed.split('Credential=')[1].split(',')[0].split('/')
        self.assertEqual([scope[0], *scope[2:]], [their_scope[0], *their_scope[2:]])

    def test_role_by_environment(self):
        sts = self.double(lambda r: (200, {}, sts_answer('AssumeRole', ['A', 's', 't'])))
        self.file('config', '[profile r]\nrole_arn=' + ROLE + '\ncredential_source=EcsContainer\n')
        container = self.double(lambda r: (200, {}, local_answer(['C', 'c', 'ct'])))
        self.expect(self.env(AWS_PROFILE='r', AWS_ENDPOINT_URL_STS=sts.url,
                             AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url + '/x'), ['A', 's', 't'])
        self.assertIn('Credential=C/', sts.seen[0].headers['Authorization'])
        self.assertEqual(sts.seen[0].headers['X-Amz-Security-Token'], 'ct')

    def test_denied(self):
        sts = self.double(lambda r: sts_error('AccessDenied', 'User: B is not authorized', 403))
        self.file('config', '[default]\naws_access_key_id=B\naws_secret_access_key=b\n'
                  '[profile r]\nrole_arn=' + ROLE + '\nsource_profile=default\n')
        ours = self.refused(self.env(AWS_PROFILE='r', AWS_ENDPOINT_URL_STS=sts.url), E_DENIED,
                            'role %s: AccessDenied (HTTP 403): User: B is not authorized' % ROLE)
        self.assertIn('trust policy', ours['hint'])

    def test_sts_comes_back(self):
        answers = awstest.script((503, {}, ''), None, (200, {}, sts_answer('AssumeRole', ['A', 's', 't'])))
        sts = self.double(answers)
        self.file('config', '[default]\naws_access_key_id=B\naws_secret_access_key=b\n'
                  '[profile r]\nrole_arn=' + ROLE + '\nsource_profile=default\n')
        ours = awstest.ask('identity', self.env(AWS_PROFILE='r', AWS_ENDPOINT_URL_STS=sts.url))
        self.assertEqual(ours['access_key'], 'A', ours)
        self.assertEqual(len(sts.seen), 3)


class WebIdentity(Places):
    def test_token_of_a_file(self):
        def respond(request):
            form = dict(urllib.parse.parse_qsl(request.body.decode()))
            if form.get('WebIdentityToken') != 'ey.J+/=.x' or 'Authorization' in request.headers:
                return sts_error('InvalidIdentityToken', 'no', 400)
            return 200, {}, sts_answer(form['Action'], ['W', 'w', 'wt'])

        sts = self.double(respond)
        env = self.env(AWS_WEB_IDENTITY_TOKEN_FILE=self.file('token', 'ey.J+/=.x\n'),
                       AWS_ROLE_ARN=ROLE, AWS_ENDPOINT_URL_STS=sts.url)
        ours = awstest.ask('identity', env)
        self.assertEqual([ours['access_key'], ours['secret_key'], ours['session_token']], ['W', 'w', 'wt'], ours)
        self.file('token', 'ey.J+/=.x')  # botocore sends line ends along
        self.expect(env, ['W', 'w', 'wt'])
        self.file('token', 'another')
        self.refused(env, E_AUTH, 'InvalidIdentityToken (HTTP 400): no')
        self.refused({**env, 'AWS_WEB_IDENTITY_TOKEN_FILE': self.folder + '/none'}, E_IO, 'cannot read')
        del env['AWS_ROLE_ARN']
        self.refused(env, E_OPTION, 'AWS_ROLE_ARN is not', theirs=False)

    def test_role_of_a_profile(self):
        sts = self.double(lambda r: (200, {}, sts_answer('AssumeRoleWithWebIdentity', ['W', 'w', 'wt'])))
        self.file('config', '[default]\nrole_arn=%s\nweb_identity_token_file=%s\n'
                  % (ROLE, self.file('token', 'a token')))
        self.expect(self.env(AWS_ENDPOINT_URL_STS=sts.url), ['W', 'w', 'wt'])


class Container(Places):
    def test_tokens(self):
        def respond(request):
            if request.path != '/creds?a=b' or request.headers.get('Authorization') != 'Basic abc':
                return 403, {}, 'no'
            return 200, {}, local_answer(['C', 'c', 'ct'], RoleArn='arn')

        server = self.double(respond)
        env = self.env(AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + '/creds?a=b')
        self.refused(env, E_AUTH, 'HTTP 403', theirs=False)
        self.expect({**env, 'AWS_CONTAINER_AUTHORIZATION_TOKEN': 'Basic abc'}, ['C', 'c', 'ct'])
        # The file, which EKS renews, counts before the variable.
        self.expect({**env, 'AWS_CONTAINER_AUTHORIZATION_TOKEN': 'old',
                     'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': self.file('t', 'Basic abc')}, ['C', 'c', 'ct'])
        self.refused({**env, 'AWS_CONTAINER_AUTHORIZATION_TOKEN': 'Basic abc\r\nX: y'}, E_OPTION, 'more than one line')
        self.refused({**env, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': '/nowhere'}, E_IO, '/nowhere')

    def test_only_hosts_of_this_machine(self):
        for url in ['http://example.com/x', 'http://127.evil.example/x', 'http://169.254.170.9/x', 'ftp://localhost/x']:
            with self.subTest(url):
                self.refused(self.env(AWS_CONTAINER_CREDENTIALS_FULL_URI=url), E_OPTION, 'without TLS')

    def test_answers_that_are_none(self):
        for body, words in [('', 'JSON object'), ('[]', 'JSON object'), ('{}', 'no whole pair'),
                            (local_answer(['a', 'b\\n', 'c']).replace('\\\\', '\\'), 'characters'),
                            (local_answer(['a', 'b', 'c']).replace(SOON, 'soon'), 'no readable way')]:
            with self.subTest(body):
                server = self.double(lambda r, body=body: (200, {}, body))
                self.refused(self.env(AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + '/'), E_AUTH, words, theirs=False)

    def test_comes_back(self):
        server = self.double(awstest.script((500, {}, ''), None, (200, {}, local_answer(['C', 'c', 'ct']))))
        ours = awstest.ask('identity', self.env(AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + '/'))
        self.assertEqual(ours['access_key'], 'C', ours)

    def test_redirects_are_not_followed(self):
        elsewhere = self.double(lambda r: (200, {}, local_answer(['X', 'x', 'x'])))
        server = self.double(lambda r: (302, {'Location': elsewhere.url}, ''))
        self.refused(self.env(AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + '/'), E_AUTH, 'HTTP 302', theirs=False)
        self.assertEqual(elsewhere.seen, [])


class Metadata:
    """A double of the instance's metadata service, version 2."""

    def __init__(self, role='my-role', **more):
        self.role, self.more, self.tokens = role, more, 0

    def __call__(self, request):
        if request.method == 'PUT' and request.path == '/latest/api/token':
            if request.headers.get('X-aws-ec2-metadata-token-ttl-seconds') != '21600':
                return 400, {}, ''
            self.tokens += 1
            return 200, {}, 'TOKEN=='
        if request.headers.get('X-aws-ec2-metadata-token') != 'TOKEN==':
            return 401, {}, ''
        if request.path == '/latest/meta-data/iam/security-credentials/':
            return (200, {}, self.role) if self.role else (404, {}, '')
        if request.path == '/latest/meta-data/iam/security-credentials/' + (self.role or ''):
            return 200, {}, local_answer(['I', 'i', 'it'], Code='Success', LastUpdated='x', **self.more)
        return 404, {}, ''


class Instance(Places):
    def env(self, **more):
        env = super().env(AWS_EC2_METADATA_DISABLED='false', **more)
        return env

    def test_role(self):
        server = self.double(Metadata())
        ours = self.expect(self.env(AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url + '/'), ['I', 'i', 'it'])
        self.assertEqual(ours['expires_ms'], SOON_MS)

    def test_no_role(self):
        server = self.double(Metadata(role=None))
        ours = self.refused(self.env(AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url), E_AUTH, 'HTTP 404')
        self.assertIn('instance profile', ours['hint'])

    def test_failed(self):
        server = self.double(lambda r: (200, {}, 'TOKEN==') if r.method == 'PUT' else
                             (200, {}, 'role' if r.path.endswith('/') else '{"Code":"Failed"}'))
        self.refused(self.env(AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url), E_AUTH, 'Failed', theirs=False)

    def test_disabled(self):
        server = self.double(Metadata())
        self.refused({**self.env(AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url), 'AWS_EC2_METADATA_DISABLED': 'TRUE'},
                     E_AUTH, 'no AWS credentials were found')
        self.assertEqual(server.seen, [])

    def test_none_there(self):
        ours = self.refused(self.env(AWS_EC2_METADATA_SERVICE_ENDPOINT='http://127.0.0.1:1'), E_AUTH,
                            'no AWS credentials were found')
        self.assertLess(ours['ms'], 1000)
        self.assertIn('AWS_PROFILE', ours['hint'])

    def test_silence(self):
        with socket.socket() as silent:
            silent.bind(('127.0.0.1', 0))
            silent.listen(8)
            env = self.env(AWS_EC2_METADATA_SERVICE_ENDPOINT='http://127.0.0.1:%d' % silent.getsockname()[1])
            ours = awstest.ask('identity', env)
            self.assertEqual(ours['status'], E_AUTH, ours)
            self.assertLess(ours['ms'], 3000)
            ours = awstest.ask('identity', env, deadline=300)
            self.assertEqual(ours['status'], E_DEADLINE, ours)
            self.assertLess(ours['ms'], 900)
            ours = awstest.ask('identity', env, stop_after=2)
            self.assertEqual(ours['status'], E_CANCELLED, ours)
            self.assertLess(ours['ms'], 900)


class Order(Places):
    def test_as_botocore_has_it(self):
        sts = self.double(lambda r: (200, {}, sts_answer('AssumeRoleWithWebIdentity', ['W', 'w', 'wt'])))
        container = self.double(lambda r: (200, {}, local_answer(['C', 'c', 'ct'])))
        instance = self.double(Metadata())
        env = self.env(AWS_ENDPOINT_URL_STS=sts.url, AWS_EC2_METADATA_DISABLED='false',
                       AWS_EC2_METADATA_SERVICE_ENDPOINT=instance.url)
        self.expect(env, ['I', 'i', 'it'])
        env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = container.url + '/'
        self.expect(env, ['C', 'c', 'ct'])
        self.file('credentials', '[default]\naws_access_key_id=P\naws_secret_access_key=p\n')
        self.expect(env, ['P', 'p', None])
        env.update(AWS_WEB_IDENTITY_TOKEN_FILE=self.file('token', 'a token'), AWS_ROLE_ARN=ROLE)
        self.expect(env, ['W', 'w', 'wt'])
        env.update(AWS_ACCESS_KEY_ID='E', AWS_SECRET_ACCESS_KEY='e')
        self.expect(env, ['E', 'e', None])

    def test_unreachable(self):
        self.refused(self.env(AWS_CONTAINER_CREDENTIALS_FULL_URI='http://127.0.0.1:1/'), E_CONNECT, 'no connection', theirs=False)


class LinkLocal(Places):
    """The addresses themselves, in a network of the test's own."""

    def test_addresses_past_any_proxy(self):
        tools = [shutil.which('unshare'), shutil.which('ip')]
        if not all(tools) or subprocess.run(['unshare', '-rn', 'true'], check=False, capture_output=True).returncode:
            self.skipTest('no network of its own can be made here')
        done = subprocess.run(
            ['unshare', '-rn', 'sh', '-c', 'ip link set lo up && ip addr add 169.254.169.254/32 dev lo && '
             'ip addr add 169.254.170.2/32 dev lo && exec "$0" "$@"', sys.executable,
             os.path.join(HERE, 'link_local.py')],
            env={**awstest.CLEAN, **self.env(), 'http_proxy': 'http://127.0.0.1:1', 'all_proxy': 'http://127.0.0.1:1',
                 'PROBE_EXE': awstest.PROBE, 'SOURCE_ROOT': awstest.ROOT, 'PYTHONDONTWRITEBYTECODE': '1'},
            capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == '__main__':
    unittest.main()
