#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The CDK Provider framework's own code, run offline against the real bootstrap. FRAMEWORK: the directory
custom-resources/lib/provider-framework/runtime of aws-cdk-lib."""

import contextlib
import http.server
import json
import os
import subprocess
import threading

from doubles import BRIEF, FILES, Function, Server, run, slow, stack_event

HERE = os.path.dirname(os.path.abspath(__file__))
RUNTIME = os.environ["FRAMEWORK"]


@contextlib.contextmanager
def served(f, timeout=30):
    """URL that invokes a function."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            event = self.rfile.read(int(self.headers["Content-Length"]))
            kind, _, body, _ = f.invoke(event, timeout=timeout).answers[0]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"kind": kind, "body": body.decode()}).encode())

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def framework(entry, event, on_event, is_complete=""):
    event = {**event, "ResponseURL": "https://cloudformation.invalid/answer?Signature=28UijZePE5I4dvukKQqM"}
    out = subprocess.run(["node", os.path.join(HERE, "framework.js"), RUNTIME, entry], input=json.dumps(event), text=True,
                         capture_output=True, env={**os.environ, "ON_EVENT": on_event, "IS_COMPLETE": is_complete}, check=True)
    return json.loads(out.stdout)


def test_success():
    with Function(MIGRATE_MODE="cdk-provider") as f, served(f) as url:
        out = framework("onEvent", stack_event("Create"), url)
        assert out["error"] is None and len(out["puts"]) == 1, out
        put = out["puts"][0]["body"]
        assert put["Status"] == "SUCCESS" and put["Data"]["Version"] == "2", put
        assert put["PhysicalResourceId"].startswith("migrate-") and out["puts"][0]["bytes"] <= 4096
        event = stack_event("Update", PhysicalResourceId=put["PhysicalResourceId"])
        again = framework("onEvent", event, url)["puts"][0]["body"]
        assert again["PhysicalResourceId"] == put["PhysicalResourceId"] and again["Data"]["Applied"] == "0"
        event = stack_event("Delete", PhysicalResourceId=put["PhysicalResourceId"])
        assert framework("onEvent", event, url)["puts"][0]["body"]["Status"] == "SUCCESS"
        assert f.rows("SELECT count(*) FROM orders") == [(1,)]
        assert "28UijZePE5I4dvukKQqM" not in f.log()


def test_failure():
    with Function({**FILES, "7_x.sql": "INSERT INTO nowhere VALUES (1);\n"}, MIGRATE_MODE="cdk-provider") as f, served(f) as url:
        out = framework("onEvent", stack_event("Create"), url)
        put = out["puts"][0]["body"]
        assert put["Status"] == "FAILED" and put["Reason"].startswith("7_x.sql:1: no such table: nowhere"), put
        assert put["Reason"].endswith("    at 7_x.sql:1") and out["puts"][0]["bytes"] <= 4096, put
        # The Delete that follows a failed Create does not reach the function.
        event = stack_event("Delete", PhysicalResourceId=put["PhysicalResourceId"])
        assert framework("onEvent", event, "http://127.0.0.1:1/")["puts"][0]["body"]["Status"] == "SUCCESS"


def test_longer_than_a_function_lives():
    files = slow(60)
    env = {"MIGRATE_MODE": "cdk-provider"}
    with Function(files, _HANDLER="bootstrap.onEvent", **env) as f, \
            Function(files, f.database, _HANDLER="bootstrap.isComplete", **env) as g, \
            served(f, BRIEF) as on_event, served(g, BRIEF) as is_complete:
        out = framework("onEvent", stack_event("Create"), on_event, is_complete)
        assert out["error"] is None and not out["puts"] and len(out["started"]) == 1, out
        event = out["started"][0]
        retries = 0
        while True:
            out = framework("isComplete", event, on_event, is_complete)
            if out["puts"]:
                break
            assert json.loads(out["error"]["message"])["RequestType"] == "Create", out  # it is to be asked again
            retries += 1
        put = out["puts"][0]["body"]
        assert retries > 0 and put["Status"] == "SUCCESS" and put["Data"]["Version"] == "060", put
        assert f.rows("SELECT count(*) FROM t") == [(60,)]


run(globals())
