# SPDX-License-Identifier: Apache-2.0
"""What the tests of libmigrate-aws share. They are run by the Python that has moto and botocore: with_aws.sh."""
import http.server
import json
import os
import shutil
import socketserver
import subprocess
import tempfile
import threading
import unittest

PROBE = os.environ['PROBE_EXE']
ROOT = os.environ['SOURCE_ROOT']

# Nothing of the tester's own account or proxy leads anywhere.
CLEAN = {k: v for k, v in os.environ.items()
         if not k.startswith(('AWS_', 'MIGRATE_', 'PG', 'PARAMETERS_SECRETS_')) and k != 'DATABASE_URL' and
         not k.lower().endswith('_proxy')}
CLEAN['LC_ALL'] = 'C.UTF-8'
CLEAN['AWS_EC2_METADATA_DISABLED'] = 'true'

OK, DONE = 0, 1
E_OPTION, E_UNSUPPORTED, E_IO = 102, 105, 201
E_CONNECT, E_AUTH, E_CONN_LOST, E_UNAVAILABLE, E_DENIED, E_TOO_LARGE = 600, 601, 603, 605, 607, 610
E_CANCELLED, E_DEADLINE = 701, 703


class Probe:
    """A probe process, asked line by line."""

    def __init__(self, **env):
        self.process = subprocess.Popen([PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**CLEAN, **env})

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(30) != 0:
            raise AssertionError('the probe ended with %d' % self.process.returncode)

    def __call__(self, do, **more):
        self.process.stdin.write(json.dumps({'do': do, **more}) + '\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def ask(do, env=None, **more):
    with Probe(**(env or {})) as probe:
        return probe(do, **more)


class Double(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """An HTTP server whose answers a test gives: respond(request) returns (status, headers, body), or None to
    close the connection without an answer. Requests are kept in `seen`."""
    daemon_threads = True

    class Request:
        def __init__(self, handler):
            length = int(handler.headers.get('Content-Length') or 0)
            self.method, self.path, self.headers = handler.command, handler.path, handler.headers
            self.body = handler.rfile.read(length)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'
        wbufsize = -1  # an answer is one packet: in two, the second waits for the client's delayed acknowledgement

        def handle_any(self):
            request = Double.Request(self)
            with self.server.lock:
                self.server.seen.append(request)
                answer = self.server.respond(request)
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            status, headers, body = answer
            body = body if isinstance(body, bytes) else body.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = handle_any

        def date_time_string(self, timestamp=None):
            import time
            return super().date_time_string((timestamp or time.time()) + self.server.clock_ahead)

        def log_message(self, *args):
            pass

    def __init__(self, respond):
        super().__init__(('127.0.0.1', 0), Double.Handler)
        self.respond, self.seen, self.lock, self.clock_ahead = respond, [], threading.Lock(), 0
        self.url = 'http://127.0.0.1:%d' % self.server_port
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that goes away is what some tests are about

    def __exit__(self, *args):
        self.shutdown()
        super().__exit__(*args)


def script(*answers):
    """Answers in order, the last one again and again."""
    rest = list(answers)
    return lambda request: rest.pop(0) if len(rest) > 1 else rest[0]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, True)

    def file(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    def double(self, respond):
        server = Double(respond)
        self.addCleanup(server.__exit__, None, None, None)
        return server
