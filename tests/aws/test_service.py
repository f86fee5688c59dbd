# SPDX-License-Identifier: Apache-2.0
"""Calls of services: what is sent, what is sent again and what never, whose clock counts, and what is told."""
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import unittest
import urllib.parse

import awstest
from awstest import (E_AUTH, E_CANCELLED, E_CONNECT, E_CONN_LOST, E_DEADLINE, E_DENIED, E_OPTION, E_TOO_LARGE,
                     E_UNAVAILABLE, OK)
import test_signing

NO_SERVER, LOST, THROTTLED, BUSY, SKEWED, EXPIRED, REFUSED, UNUSABLE = 1, 2, 3, 4, 5, 6, 7, 8
KEYS = {'AWS_ACCESS_KEY_ID': 'AKID', 'AWS_SECRET_ACCESS_KEY': 'SECRETSECRET', 'AWS_SESSION_TOKEN': 'TOKENTOKENTOKEN',
        'AWS_REGION': 'eu-west-1'}
GET_SECRET = {'service': 'secretsmanager', 'path': '/', 'target': 'secretsmanager.GetSecretValue', 'repeatable': True,
              'body': '{"SecretId":"x"}', 'what': 'secret x', 'action': 'secretsmanager:GetSecretValue'}
EXECUTE = {'service': 'rds-data', 'path': '/Execute', 'body': '{"sql":"select 1"}'}


def failure(name, status=400, message='words', **headers):
    return status, {'x-amzn-RequestId': 'id-1', **headers}, json.dumps({'__type': name, 'message': message})


class Calls(awstest.Case):
    def env(self, server, **more):
        return {**KEYS, 'AWS_CONFIG_FILE': '/nowhere', 'AWS_SHARED_CREDENTIALS_FILE': '/nowhere',
                'AWS_ENDPOINT_URL': server if isinstance(server, str) else server.url, **more}

    def call(self, server, call, env=None, **more):
        return awstest.ask('call', self.env(server, **(env or {})), **{**call, **more})

    def told_nothing(self, answer):
        for text in (answer['message'], answer['hint'], answer['words']):
            for secret in ('SECRETSECRET', 'TOKENTOKENTOKEN'):
                self.assertNotIn(secret, text or '')


class Sent(Calls):
    def signature_holds(self, request, service, host):
        """What botocore would have signed."""
        date = request.headers['X-Amz-Date']
        ms = int(time.mktime(time.strptime(date, '%Y%m%dT%H%M%SZ')) - time.timezone) * 1000
        signed = request.headers['Authorization'].split('SignedHeaders=')[1].split(',')[0].split(';')
        headers = [[n, request.headers[n]] for n in signed if n not in ('host', 'x-amz-date', 'x-amz-security-token')]
        theirs = test_signing.by_botocore({
            'method': request.method, 'host': host, 'path': request.path, 'query': '', 'headers': headers,
            'body': request.body.decode(), 'region': 'eu-west-1', 'service': service, 'ms': ms, 'access_key': 'AKID',
            'secret_key': 'SECRETSECRET', 'session_token': 'TOKENTOKENTOKEN'})
        self.assertEqual(request.headers['Authorization'], theirs)

    def test_json_1_1(self):
        server = self.double(lambda r: (200, {'x-amzn-RequestId': 'id-2'}, '{"a":1}'))
        answer = self.call(server, GET_SECRET)
        self.assertEqual((answer['status'], answer['body'], answer['http'], answer['request_id']),
                         (OK, '{"a":1}', 200, 'id-2'))
        request = server.seen[0]
        self.assertEqual((request.method, request.path, request.body), ('POST', '/', b'{"SecretId":"x"}'))
        self.assertEqual(request.headers['Content-Type'], 'application/x-amz-json-1.1')
        self.assertEqual(request.headers['X-Amz-Target'], 'secretsmanager.GetSecretValue')
        self.assertEqual(request.headers['X-Amz-Security-Token'], 'TOKENTOKENTOKEN')
        self.assertTrue(request.headers['User-Agent'].startswith('libmigrate/'))
        self.signature_holds(request, 'secretsmanager', server.url[7:])

    def test_rest_json_below_a_path(self):
        server = self.double(lambda r: (200, {}, '{}'))
        self.assertEqual(self.call(server.url + '/base/', EXECUTE)['status'], OK)
        request = server.seen[0]
        self.assertEqual(request.path, '/base/Execute')
        self.assertEqual(request.headers['Content-Type'], 'application/json')
        self.assertNotIn('X-Amz-Target', request.headers)
        self.signature_holds(request, 'rds-data', server.url[7:])

    def test_large_and_odd_bodies(self):
        server = self.double(lambda r: (200, {}, '{}'))
        body = json.dumps({'sql': 'x\u00e9\u20ac' * 400000}, ensure_ascii=False)
        self.assertEqual(self.call(server, EXECUTE, body=body)['status'], OK)
        request = server.seen[0]
        self.assertEqual(request.body.decode(), body)
        self.assertNotIn('Expect', request.headers)
        self.signature_holds(request, 'rds-data', server.url[7:])

    def test_connection_is_kept(self):
        connections = set()
        server = self.double(lambda r: (200, {}, '{}'))
        accept = server.get_request

        def counted():
            got = accept()
            connections.add(got[1])
            return got

        server.get_request = counted
        with awstest.Probe(**self.env(server)) as probe:
            for _ in range(5):
                self.assertEqual(probe('call', **EXECUTE)['status'], OK)
        self.assertEqual(len(connections), 1)


class SentAgain(Calls):
    def expect(self, answers, requests, status, call, klass=None):
        server = self.double(awstest.script(*answers))
        answer = self.call(server, call)
        self.assertEqual((answer['status'], len(server.seen)), (status, requests), answer)
        if klass:
            self.assertEqual(answer['class'], klass)
        self.told_nothing(answer)
        return answer

    def test_throttled(self):
        slow = failure('ThrottlingException')
        fine = (200, {}, '{}')
        self.assertGreater(self.expect([slow, fine], 2, OK, GET_SECRET)['ms'], 400)
        self.expect([slow, fine], 2, OK, EXECUTE)  # it says itself that nothing was done
        self.expect([(429, {}, ''), fine], 2, OK, EXECUTE)
        last = self.expect([slow], 4, E_UNAVAILABLE, GET_SECRET, THROTTLED)
        self.assertIn('ThrottlingException (HTTP 400): words', last['message'])

    def test_server_errors(self):
        bad = failure('InternalServiceError', 500)
        fine = (200, {}, '{}')
        self.expect([bad, bad, fine], 3, OK, GET_SECRET)
        self.expect([bad], 4, E_UNAVAILABLE, GET_SECRET, BUSY)
        self.expect([(502, {}, '<html>'), fine], 2, OK, GET_SECRET)
        self.expect([bad, fine], 1, E_UNAVAILABLE, EXECUTE, BUSY)

    def test_refused(self):
        for name, status in [('ResourceNotFoundException', E_OPTION), ('AccessDeniedException', E_DENIED),
                             ('UnrecognizedClientException', E_AUTH)]:
            answer = self.expect([failure(name)], 1, status, GET_SECRET, REFUSED)
            self.assertEqual((answer['error'], answer['words'], answer['request_id']), (name, 'words', 'id-1'))
            self.assertTrue(answer['message'].startswith('secret x: Secrets Manager in eu-west-1 answers ' + name))
        self.assertIn('allow secretsmanager:GetSecretValue',
                      self.expect([failure('AccessDeniedException')], 1, E_DENIED, GET_SECRET)['hint'])

    def test_no_answer(self):
        self.expect([None, None, (200, {}, '{}')], 3, OK, GET_SECRET)
        self.expect([None], 4, E_CONN_LOST, GET_SECRET, LOST)

    def test_a_statement_is_never_sent_twice(self):
        self.expect([None, (200, {}, '{}')], 1, E_CONN_LOST, EXECUTE, LOST)

    def test_nor_on_a_kept_connection_that_dies(self):
        for call, requests, status in [(EXECUTE, 2, E_CONN_LOST), (GET_SECRET, 3, OK)]:
            server = self.double(awstest.script((200, {}, '{}'), None, (200, {}, '{}')))
            with awstest.Probe(**self.env(server)) as probe:
                self.assertEqual(probe('call', **call)['status'], OK)
                answer = probe('call', **call)
            self.assertEqual((answer['status'], len(server.seen)), (status, requests), answer)

    def test_nobody_there(self):
        answer = self.call('http://127.0.0.1:1', EXECUTE)
        self.assertEqual((answer['status'], answer['class']), (E_CONNECT, NO_SERVER))
        self.assertIn('127.0.0.1:1', answer['message'])
        self.assertIn('VPC', answer['hint'])
        self.assertGreater(answer['ms'], 200)
        answer = self.call('http://no-such-host.invalid', GET_SECRET, attempts=1)
        self.assertEqual((answer['status'], answer['class']), (E_CONNECT, NO_SERVER))

    def test_redirects_are_not_followed(self):
        elsewhere = self.double(lambda r: (200, {}, '{}'))
        self.expect([(302, {'Location': elsewhere.url}, '')], 1, E_OPTION, GET_SECRET)
        self.assertEqual(elsewhere.seen, [])

    def test_answers_that_are_too_large(self):
        server = self.double(lambda r: (200, {}, 'x' * 100000))
        answer = self.call(server, GET_SECRET, max_answer=1000)
        self.assertEqual((answer['status'], len(server.seen)), (E_TOO_LARGE, 1), answer)
        server = self.double(lambda r: (200, {'X-Long': 'x' * 70000}, '{}'))
        self.assertEqual(self.call(server, GET_SECRET)['status'], E_TOO_LARGE)


class Clock(Calls):
    def server(self, ahead, name):
        def respond(request):
            sent = time.mktime(time.strptime(request.headers['X-Amz-Date'], '%Y%m%dT%H%M%SZ')) - time.timezone
            if abs(sent - (time.time() + ahead)) > 300:
                return failure(name, 403)
            return 200, {}, '{}'

        server = self.double(respond)
        server.clock_ahead = ahead
        return server

    def test_ours_is_wrong(self):
        for ahead in (3600, -86400):
            for name in ('RequestTimeTooSkewed', 'InvalidSignatureException', 'SignatureDoesNotMatch'):
                server = self.server(ahead, name)
                with self.subTest(ahead=ahead, name=name), awstest.Probe(**self.env(server)) as probe:
                    self.assertEqual(probe('call', **EXECUTE)['status'], OK)
                    self.assertEqual(len(server.seen), 2)
                    self.assertEqual(probe('call', **EXECUTE)['status'], OK)
                    self.assertEqual(len(server.seen), 3)

    def test_the_signature_is_wrong(self):
        server = self.double(lambda r: failure('SignatureDoesNotMatch', 403))
        answer = self.call(server, GET_SECRET)
        self.assertEqual((answer['status'], len(server.seen)), (E_AUTH, 1))
        self.assertIn('keys of the environment', answer['hint'])


class Keys(Calls):
    def test_expired_ones_are_asked_for_anew(self):
        made = []

        def container(request):
            made.append(1)
            return 200, {}, json.dumps({'AccessKeyId': 'KEY%d' % len(made), 'SecretAccessKey': 's', 'Token': 't',
                                        'Expiration': '2099-01-01T00:00:00Z'})

        def respond(request):
            return failure('ExpiredTokenException') if 'Credential=KEY1/' in request.headers['Authorization'] else (
                200, {}, '{}')

        server = self.double(respond)
        env = self.env(server, AWS_CONTAINER_CREDENTIALS_FULL_URI=self.double(container).url + '/')
        for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'):
            del env[name]
        with awstest.Probe(**env) as probe:
            self.assertEqual(probe('call', **EXECUTE)['status'], OK)
            self.assertEqual(probe('call', **EXECUTE)['status'], OK)
        self.assertEqual((len(made), len(server.seen)), (2, 3))

    def test_they_are_renewed_in_time(self):
        made = []

        def container(request):
            made.append(1)
            ends = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + (200 if len(made) == 1 else 900)))
            return (500, {}, '') if len(made) > 2 else (200, {}, json.dumps(
                {'AccessKeyId': 'KEY', 'SecretAccessKey': 's', 'Token': 't', 'Expiration': ends}))

        server = self.double(lambda r: (200, {}, '{}'))
        env = self.env(server, AWS_CONTAINER_CREDENTIALS_FULL_URI=self.double(container).url + '/')
        for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'):
            del env[name]
        with awstest.Probe(**env) as probe:
            for _ in range(3):
                self.assertEqual(probe('call', **EXECUTE)['status'], OK)
        self.assertEqual(len(made), 2)

    def test_what_holds_is_used_when_there_is_nothing_newer(self):
        made = []

        def container(request):
            made.append(1)
            ends = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 200))
            return (403, {}, '') if len(made) > 1 else (200, {}, json.dumps(
                {'AccessKeyId': 'KEY', 'SecretAccessKey': 's', 'Token': 't', 'Expiration': ends}))

        server = self.double(lambda r: (200, {}, '{}'))
        env = self.env(server, AWS_CONTAINER_CREDENTIALS_FULL_URI=self.double(container).url + '/')
        for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'):
            del env[name]
        with awstest.Probe(**env) as probe:
            self.assertEqual([probe('call', **EXECUTE)['status'] for _ in range(2)], [OK, OK])
        self.assertEqual(len(made), 2)

    def test_of_the_environment_have_expired(self):
        server = self.double(lambda r: failure('ExpiredTokenException', message='The security token is expired'))
        answer = self.call(server, GET_SECRET)
        self.assertEqual((answer['status'], len(server.seen)), (E_AUTH, 2), answer)
        self.assertIn('expired', answer['message'])


class Waiting(Calls):
    def silent(self):
        s = socket.socket()
        self.addCleanup(s.close)
        s.bind(('127.0.0.1', 0))
        s.listen(8)
        return 'http://127.0.0.1:%d' % s.getsockname()[1]

    def test_ends_in_time(self):
        url = self.silent()
        for more, status in [({'deadline': 300}, E_DEADLINE), ({'stop_after': 2}, E_CANCELLED),
                             ({'attempt_ms': 300, 'attempts': 1}, E_CONN_LOST)]:
            answer = self.call(url, GET_SECRET, **more)
            self.assertEqual(answer['status'], status, answer)
            self.assertLess(answer['ms'], 900)

    def test_no_pause_beyond_the_deadline(self):
        server = self.double(lambda r: failure('ThrottlingException'))
        answer = self.call(server, GET_SECRET, deadline=200)
        self.assertEqual((answer['status'], len(server.seen)), (E_UNAVAILABLE, 1), answer)
        self.assertLess(answer['ms'], 300)

    def test_stopped_in_a_pause(self):
        server = self.double(lambda r: failure('ThrottlingException'))
        answer = self.call(server, GET_SECRET, stop_after=3)
        self.assertEqual(answer['status'], E_CANCELLED, answer)


class Places(Calls):
    def test_no_region(self):
        env = self.env('')
        del env['AWS_REGION'], env['AWS_ENDPOINT_URL']
        answer = awstest.ask('call', env, **GET_SECRET)
        self.assertEqual((answer['status'], answer['class']), (E_OPTION, UNUSABLE), answer)
        self.assertIn('AWS_REGION', answer['hint'])

    def test_no_keys(self):
        env = self.env('http://127.0.0.1:1')
        for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'):
            del env[name]
        answer = awstest.ask('call', env, **GET_SECRET)
        self.assertEqual((answer['status'], answer['class']), (E_AUTH, UNUSABLE), answer)
        self.assertIn('no AWS credentials', answer['message'])
        self.assertIn('AWS_PROFILE', answer['hint'])


class Tls(Calls):
    def certificate(self):
        key, cert = os.path.join(self.folder, 'key'), os.path.join(self.folder, 'cert')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days',
                        '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], check=True,
                       capture_output=True)
        return key, cert

    def test_trust(self):
        if not shutil.which('openssl'):
            self.skipTest('openssl is not installed')
        key, cert = self.certificate()
        server = self.double(lambda r: (200, {}, '{}'))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = 'https://localhost:%d' % server.server_port
        answer = self.call(url, GET_SECRET, attempts=1)
        self.assertEqual((answer['status'], answer['class']), (E_CONNECT, NO_SERVER), answer)
        self.assertIn('ca_file', answer['hint'])
        self.assertEqual(self.call(url, GET_SECRET, ca_file=cert)['status'], OK)
        self.assertEqual(self.call(url, GET_SECRET, {'AWS_CA_BUNDLE': cert}, ca_file='/nowhere')['status'], OK)
        answer = self.call(url.replace('localhost', '127.0.0.1'), GET_SECRET, ca_file=cert, attempts=1)
        self.assertEqual(answer['status'], E_CONNECT, answer)  # another name than the certificate's
        answer = self.call(url, GET_SECRET, ca_file='/nowhere', attempts=1)
        self.assertEqual(answer['status'], E_CONNECT, answer)
        self.assertEqual(len(server.seen), 2)


class Fetching(Calls):
    """Secrets by the extension and past it."""

    def extension(self, respond):
        server = self.double(respond)
        return server, {'PARAMETERS_SECRETS_EXTENSION_HTTP_PORT': str(server.server_port)}

    def service(self):
        def respond(request):
            if request.headers['X-Amz-Target'] == 'AmazonSSM.GetParameter':
                assert json.loads(request.body) == {'Name': '/a/b', 'WithDecryption': True}
                return 200, {}, json.dumps({'Parameter': {'Value': 'direct', 'Version': 3}})
            stage = json.loads(request.body).get('VersionStage', 'AWSCURRENT')
            if stage == 'AWSPENDING':
                return failure('ResourceNotFoundException')
            return 200, {}, json.dumps({'SecretString': '{"username":"u","password":"%s"}' % stage, 'VersionId': 'v1'})

        return self.double(respond)

    def fetch(self, server, env=None, **more):
        return awstest.ask('fetch', self.env(server, **(env or {})), **more)

    def test_service(self):
        server = self.service()
        answer = self.fetch(server, secret='s')
        self.assertEqual([answer[k] for k in ('status', 'user', 'password', 'version', 'host')],
                         [OK, 'u', 'AWSCURRENT', 'v1', None], answer)
        self.assertEqual(self.fetch(server, secret='s', stage='AWSPREVIOUS')['password'], 'AWSPREVIOUS')
        self.assertEqual(self.fetch(server, secret='s', stage='AWSPENDING')['status'], awstest.DONE)
        self.assertEqual(self.fetch(server, parameter='/a/b')['password'], 'direct')

    def test_region_of_the_arn(self):
        server = self.service()
        self.fetch(server, secret='arn:aws:secretsmanager:ap-south-1:123456789012:secret:s-AbCdEf')
        self.assertIn('/ap-south-1/secretsmanager/', server.seen[0].headers['Authorization'])

    def test_binary(self):
        server = self.double(lambda r: (200, {}, json.dumps({'SecretBinary': 'eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAifQ=='})))
        answer = self.fetch(server, secret='s')
        self.assertEqual((answer['status'], answer['user'], answer['password']), (OK, 'u', 'p'), answer)

    def test_unreadable(self):
        for body in ('', '{}', '[]', '{"SecretString":7}', '{"SecretBinary":"*"}', '{"SecretString":"a","SecretString":"b"}'):
            answer = self.fetch(self.double(lambda r, body=body: (200, {}, body)), secret='s')
            self.assertEqual(answer['status'], E_OPTION, (body, answer))
            self.assertIn('secret s', answer['message'])

    def test_extension(self):
        def respond(request):
            if request.headers.get('X-Aws-Parameters-Secrets-Token') != 'TOKENTOKENTOKEN':
                return 401, {}, ''
            url = urllib.parse.urlsplit(request.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            if url.path == '/secretsmanager/get' and query == {'secretId': 'a/b c&d:e'}:
                return 200, {}, json.dumps({'SecretString': '{"username":"u","password":"cached"}', 'VersionId': 'v0'})
            if url.path == '/systemsmanager/parameters/get' and query == {'name': '/a/b', 'withDecryption': 'true'}:
                return 200, {}, json.dumps({'Parameter': {'Value': 'cached'}})
            return 400, {}, 'not ready to serve traffic, please wait'

        extension, env = self.extension(respond)
        service = self.service()
        answer = self.fetch(service, env, secret='a/b c&d:e')
        self.assertEqual((answer['password'], answer['version']), ('cached', 'v0'), answer)
        self.assertEqual(self.fetch(service, env, parameter='/a/b')['password'], 'cached')
        self.assertEqual(service.seen, [])
        self.assertEqual(self.fetch(service, env, secret='a/b c&d:e', fresh=True)['password'], 'AWSCURRENT')
        self.assertEqual(len(extension.seen), 2)
        self.assertEqual(self.fetch(service, env, secret='other')['password'], 'AWSCURRENT')
        self.assertEqual(len(extension.seen), 3)

    def test_no_extension(self):
        service = self.service()
        for env in ({'PARAMETERS_SECRETS_EXTENSION_HTTP_PORT': '1'}, {'PARAMETERS_SECRETS_EXTENSION_HTTP_PORT': 'x'},
                    {'AWS_LAMBDA_FUNCTION_NAME': 'f'}):
            self.assertEqual(self.fetch(service, env, secret='s')['password'], 'AWSCURRENT')
        extension, env = self.extension(lambda r: (200, {}, '{}'))
        self.assertEqual(self.fetch(service, {**env, 'AWS_SESSION_TOKEN': ''}, secret='s')['password'], 'AWSCURRENT')
        self.assertEqual(extension.seen, [])


if __name__ == '__main__':
    unittest.main()
