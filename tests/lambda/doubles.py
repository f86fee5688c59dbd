# SPDX-License-Identifier: Apache-2.0
"""A double of the Lambda Runtime API that the real bootstrap talks to, a server that captures CloudFormation's answers,
and what the tests of the function share."""

import http.server
import json
import os
import queue
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from urllib.parse import quote, unquote

BOOTSTRAP = os.environ.get("BOOTSTRAP", "")
# What the tests let the function keep for its answer, which is much on a fast machine and enough on a busy one; and the
# time-out of an invocation that is to work for two seconds.
MARGIN = 4
BRIEF = MARGIN + 2
SKIPPED = 77
# What more must not be seen in any log or answer: tests add the passwords and tokens they make.
SECRETS = set()


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet: in two, the second waits for the client's delayed acknowledgement

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


class Invocation:
    def __init__(self, event, timeout, request_id):
        self.event = event if isinstance(event, bytes) else json.dumps(event).encode()
        self.request_id = request_id or str(uuid.uuid4())
        self.invocation_id = str(uuid.uuid4())
        self.timeout = timeout
        self.deadline_ms = 0
        self.begun = threading.Event()
        self.done = threading.Event()
        self.answers = []  # (kind, headers, body, seconds since it began)
        self.began_at = 0

    @property
    def kind(self):
        return self.answers[0][0]

    @property
    def json(self):
        return json.loads(self.answers[0][2])

    @property
    def headers(self):
        return self.answers[0][1]

    @property
    def seconds(self):
        return self.answers[0][3]


class RuntimeApi:
    """next, response, error, init/error. An invocation takes one answer, until its time is over."""

    def __init__(self, chunked=False):
        self.waiting = queue.Queue()
        self.current = None
        self.init_errors = []
        self.nexts = 0
        self.ready = threading.Event()
        self.refused = []
        self.lock = threading.Lock()
        double = self

        class Handler(Quiet):
            def do_GET(self):
                double.nexts += 1
                double.ready.set()
                invocation = double.waiting.get()
                if invocation is None:
                    return
                double.current = invocation
                invocation.deadline_ms = int((time.time() + invocation.timeout) * 1000)
                invocation.began_at = time.monotonic()
                self.send_response(200)
                for name, value in (("Content-Type", "application/json"),
                                    ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
                                    ("lambda-runtime-deadline-ms", str(invocation.deadline_ms)),
                                    ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:f"),
                                    ("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"),
                                    ("Lambda-Runtime-Invocation-Id", invocation.invocation_id)):
                    self.send_header(name, value)
                if chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    for at in range(0, len(invocation.event), 1000):
                        piece = invocation.event[at:at + 1000]
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.write(b"0\r\n\r\n")
                else:
                    self.send_header("Content-Length", str(len(invocation.event)))
                    self.end_headers()
                    self.wfile.write(invocation.event)
                self.wfile.flush()
                invocation.begun.set()

            def do_POST(self):
                body = self.body()
                parts = self.path.split("/")
                if self.path == "/2018-06-01/runtime/init/error":
                    double.init_errors.append((dict(self.headers), json.loads(body)))
                    self.answer(202)
                    return
                self.answer(double.take(parts[4], parts[5], dict(self.headers), body))

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, request_id, kind, headers, body):
        with self.lock:
            invocation = self.current
            late = invocation and time.time() * 1000 > invocation.deadline_ms
            if not invocation or invocation.request_id != request_id or invocation.answers or late:
                self.refused.append((request_id, kind, body))
                return 403
            if headers.get("Lambda-Runtime-Invocation-Id", invocation.invocation_id) != invocation.invocation_id:
                return 400
            if len(body) > 6 * 1024 * 1024 + 100:
                return 413
            invocation.answers.append((kind, headers, body, time.monotonic() - invocation.began_at))
            invocation.done.set()
            return 202

    def close(self):
        self.waiting.put(None)
        self.server.shutdown()
        self.server.server_close()


class Capture:
    """What is PUT to a ResponseURL. `statuses`: what the first ones are answered."""

    def __init__(self, statuses=(), delay=0):
        self.puts = []  # (path, headers as a list, body)
        self.statuses = list(statuses)
        capture = self

        class Handler(Quiet):
            def do_PUT(self):
                body = self.body()
                time.sleep(delay)
                capture.puts.append((self.path, self.headers.items(), body))
                self.answer(capture.statuses.pop(0) if capture.statuses else 200)

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/arn%%3Aaws%%3Acloudformation/a%%7Cb?AWSAccessKeyId=AKIASECRETKEY&Signature=28UijZePE5I4dvukKQqM%%2F9Rf1o4%%3D" \
            % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def json(self):
        return json.loads(self.puts[-1][2])

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Function:
    """The bootstrap under the double, with a package of its own."""

    def __init__(self, files=None, database=None, chunked=False, **env):
        self.dir = tempfile.mkdtemp(prefix="migrate-lambda.")
        self.package = os.path.join(self.dir, "task")
        os.makedirs(os.path.join(self.package, "migrations"))
        self.file = os.path.join(self.dir, "app.db")
        self.database = f"sqlite:{self.file}" if database is None else database
        self.write(files if files is not None else FILES)
        self.api = RuntimeApi(chunked)
        self.log_path = os.path.join(self.dir, "log")
        self.env = {"PATH": "/usr/bin:/bin", "AWS_LAMBDA_RUNTIME_API": self.api.address, "LAMBDA_TASK_ROOT": self.package,
                    "AWS_LAMBDA_FUNCTION_NAME": "f", "_HANDLER": "bootstrap", "MIGRATE_DATABASE_URL": self.database,
                    "MIGRATE_DEADLINE_MARGIN": f"{MARGIN}s", **env}
        self.env = {k: v for k, v in self.env.items() if v is not None}
        self.process = None
        self.invocations = []

    def write(self, files):
        for name, text in files.items():
            path = os.path.join(self.package, "migrations", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    def remove(self, name):
        os.remove(os.path.join(self.package, "migrations", name))

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([BOOTSTRAP], env=self.env, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        return self

    def send(self, event, timeout=30, request_id=None):
        if not self.process:
            self.start()
        invocation = Invocation(event, timeout, request_id)
        self.invocations.append(invocation)
        self.api.waiting.put(invocation)
        return invocation

    def invoke(self, event=None, timeout=30, request_id=None):
        invocation = self.send(event, timeout, request_id)
        if not invocation.done.wait(timeout + 5):
            raise AssertionError("no answer in time; log:\n" + self.log())
        return invocation

    def result(self, event=None, **how):
        invocation = self.invoke(event, **how)
        assert invocation.kind == "response", (invocation.kind, invocation.answers[0][2], self.log())
        return invocation.json

    def error(self, event=None, **how):
        invocation = self.invoke(event, **how)
        assert invocation.kind == "error", (invocation.kind, invocation.answers[0][2])
        return invocation.json

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def rows(self, sql):
        with sqlite3.connect(self.file) as db:
            return db.execute(sql).fetchall()

    def secrets(self):
        """What neither log nor answers may show: signatures, AWS's credentials, passwords in URLs."""
        found = {"28UijZePE5I4dvukKQqM", "AKIASECRETKEY", *SECRETS}
        for name, value in self.env.items():
            if name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"):
                found.add(value)
            found |= {unquote(p) for p in re.findall(r"://[^/@:]*:([^@/]+)@|[?&]password=([^&]+)", value) for p in p if p}
        return found

    def must_keep_secrets(self):
        said = [("log", self.log() if os.path.exists(self.log_path) else "")]
        said += [("answer", a[2].decode(errors="replace")) for i in self.invocations for a in i.answers]
        for where, text in said:
            shown = [s for s in self.secrets() if s and any(f in text for f in (s, quote(s), json.dumps(s)[1:-1]))]
            assert not shown, f"the {where} shows {shown}: {text}"

    def stop(self):
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
        if self.process:
            self.process.wait()
        self.api.close()
        try:
            self.must_keep_secrets()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except AssertionError:
            if kind is None:  # otherwise there is a failure to tell of already
                raise


FILES = {
    "1_customers.sql": "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);\n",
    "2_orders.sql": "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER);\nINSERT INTO orders VALUES (1, 1);\n",
}



def slow(n):
    """Migrations that keep SQLite busy for about a tenth of a second each, and what they leave when they are done."""
    text = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 500000) " \
           "INSERT INTO t SELECT count(*) FROM c;\n"
    return {"000_t.sql": "CREATE TABLE t (n INTEGER);\n", **{f"{i:03}_slow.sql": text for i in range(1, n + 1)}}


STACK = "arn:aws:cloudformation:us-east-2:123456789012:stack/s/1134083a-2608-1e91-9897-022501a2c456"


def stack_event(kind, capture=None, **more):
    event = {
        "RequestType": kind,
        "ServiceToken": "arn:aws:lambda:us-east-2:123456789012:function:f",
        "ResponseURL": capture.url if capture else "https://cloudformation.invalid/?Signature=28UijZePE5I4dvukKQqM",
        "StackId": STACK,
        "RequestId": str(uuid.uuid4()),
        "LogicalResourceId": "Migration",
        "ResourceType": "Custom::DbMigration",
        "ResourceProperties": {"ServiceToken": "arn:aws:lambda:us-east-2:123456789012:function:f", "MigrationHash": "1"},
    }
    if kind != "Create":
        event["PhysicalResourceId"] = "an-older-id"
    if kind == "Update":
        event["OldResourceProperties"] = {"format": "of an older version"}
    event["ResourceProperties"].update(more.pop("properties", {}))
    event.update(more)
    return event


def run(tests):
    """Runs the functions named test_*, those in argv if there are any, without those that have a - before them there."""
    wanted = [name for name in sys.argv[1:] if not name.startswith("-")]
    left_out = [name[1:] for name in sys.argv[1:] if name.startswith("-")]
    assert all(name in tests for name in wanted + left_out), sys.argv
    failed = 0
    for name, test in list(tests.items()):
        if not name.startswith("test_") or (wanted and name not in wanted) or name in left_out:
            continue
        begun = time.monotonic()
        try:
            test()
            print(f"ok    {name} ({time.monotonic() - begun:.1f} s)", flush=True)
        except Exception as error:  # pylint: disable=broad-except
            import traceback
            failed += 1
            traceback.print_exc()
            print("FAIL ", name, error, flush=True)
    sys.exit(1 if failed else 0)
