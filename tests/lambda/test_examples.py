#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples for AWS, each by its own event on a real PostgreSQL, with its own files and configuration; and beside it the
fault that such systems had."""

import http.server
import json
import os
import re
import shutil
import stat
import subprocess
import threading

from doubles import Capture, Function, Server, run, stack_event
from on_postgres import Pg

EXAMPLES = os.path.join(os.environ["SOURCE_ROOT"], "examples", "aws")


def files(*path):
    """Name -> text of all files below."""
    root = os.path.join(EXAMPLES, *path)
    found = {}
    for where, _, names in os.walk(root):
        for name in names:
            full = os.path.join(where, name)
            with open(full, encoding="utf-8") as file:
                found[os.path.relpath(full, root)] = file.read()
    return found


def environment(example, name="app.ts"):
    """The literal MIGRATE_ variables of a stack."""
    with open(os.path.join(EXAMPLES, example, name), encoding="utf-8") as file:
        text = file.read()
    return {k: v for k, v in re.findall(r"(?<!\w)(MIGRATE_\w+): '?([\w.,-]+)'?(?=[ ,}\n])", text)
            if k not in ("MIGRATE_SECRET", "MIGRATE_DATABASE_URL") and not v.startswith(("cluster", "secret", "Fn"))}


def test_cdk_provider():
    env = environment("cdk-provider")
    assert env == {"MIGRATE_MODE": "cdk-provider", "MIGRATE_LAYOUT": "sections"}, env
    with Pg(files("cdk-provider", "migrations"), **env) as f:
        out = f.result(stack_event("Create", properties={"migrationDirectoryHash": "1"}))
        assert out["Data"]["Version"] == "1693910400000" and out["Data"]["Applied"] == "2", out
        assert f.sql("SELECT count(*) FROM orders") == "0"
        assert f.result(stack_event("Update", properties={"migrationDirectoryHash": "2"}))["Data"]["Applied"] == "0"
        assert list(f.result(stack_event("Delete"))) == ["PhysicalResourceId"]
        # A failure that is returned counts as a success; it has to be an error of the function.
        f.write({"1700000000000_bad.sql": "-- Up Migration\nCREATE TABLE orders (id int);\n"})
        out = f.error(stack_event("Update"))
        assert out["error"]["sqlstate"] == "42P07" and out["trace"][1] == "    at 1700000000000_bad.sql:2", out
        f.remove("1700000000000_bad.sql")
        assert f.result(stack_event("Update"))["Data"]["Version"] == "1693910400000"


def test_custom_resource_data_api():
    env = environment("custom-resource-data-api")
    assert env == {"MIGRATE_MODE": "cfn"}, env
    layer = files("custom-resource-data-api", "layer")
    capture = Capture()
    with Pg({}, **env) as f:
        os.rmdir(os.path.join(f.package, "migrations"))
        f.env["MIGRATE_SOURCE"] = os.path.join(f.dir, "opt")
        os.mkdir(f.env["MIGRATE_SOURCE"])
        for name, text in layer.items():
            with open(os.path.join(f.env["MIGRATE_SOURCE"], name), "w", encoding="utf-8") as file:
                file.write(text)
        assert f.result(stack_event("Create", capture)) == {}
        assert capture.json["Status"] == "SUCCESS" and capture.json["Data"]["Response"].startswith("3 migrations applied")
        # What split(";") cut apart; and in the order of their numbers, or there were nothing to select.
        assert f.sql("SELECT note FROM servers LIMIT 1") == "first; and second"
        assert f.sql("SELECT reason FROM blocked") == "spam; of all kinds"
        # Delete answers once, and runs nothing again.
        assert f.result(stack_event("Delete", capture)) == {}
        assert len(capture.puts) == 2 and f.sql("SELECT count(*) FROM servers") == "2"
    capture.close()


def test_layer_under_opt():
    """/opt is where Lambda puts a layer; here in a mount namespace of the test's own, where that may be made."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        print("skipped: no mount namespace may be made here")
        return
    with Function({}) as f:
        os.rmdir(os.path.join(f.package, "migrations"))
        opt = os.path.join(f.dir, "opt")
        os.mkdir(opt)
        with open(os.path.join(opt, "1_a.sql"), "w", encoding="utf-8") as file:
            file.write("CREATE TABLE a (id INTEGER);\n")
        script = 'mount --bind "$0" /opt && exec "$1"'
        log = open(f.log_path, "ab")
        import doubles
        f.process = subprocess.Popen(["unshare", "-m", "sh", "-c", script, opt, doubles.BOOTSTRAP], env=f.env, cwd=f.dir,
                                     stdout=log, stderr=log)
        log.close()
        assert f.result()["version"] == "1", f.log()
        os.mkdir(os.path.join(opt, "migrations"))
        os.rename(os.path.join(opt, "1_a.sql"), os.path.join(opt, "migrations", "1_a.sql"))
        assert f.result()["state"] == "current"


def test_serverless_framework():
    env = environment("serverless-framework", "serverless.yml")
    assert env == {"MIGRATE_LAYOUT": "versioned"}, env
    with Pg(files("serverless-framework", "migrations"), **env) as f:
        out = f.result(b"")  # `serverless invoke` without data
        assert out["version"] == "v2/01" and out["applied"] == 4, out
        f.sql("INSERT INTO users (name, user_ref) VALUES ('a', 'b')")
        assert f.sql("UPDATE users SET name = 'c' RETURNING updated_at >= created_at") == "t"
        assert f.result({})["applied"] == 0
        f.write({"v2/02_bad.sql": "SELECT 1 FROM nowhere;\n"})
        assert f.error(b"")["errorType"] == "E_SQL"  # the original logged it and answered as if all were well


def test_cdk_liquibase():
    env = environment("cdk-liquibase")
    assert env == {"MIGRATE_MODE": "cdk-provider", "MIGRATE_LAYOUT": "liquibase"}, env
    with Pg(files("cdk-liquibase", "migrations"), _HANDLER="bootstrap.onEvent", **env) as f:
        event = stack_event("Create", properties={"changeLogHash": "1"})
        event.update(f.result(event))
        assert f.sql("SELECT demo.count_persons()") == "0"
        with Function(files("cdk-liquibase", "migrations"), f.url, _HANDLER="bootstrap.isComplete", **env) as g:
            out = g.result(event)
            assert out["IsComplete"] is True and out["Data"]["Applied"] == "0", out


AWS = """#!/usr/bin/env python3
import base64, json, os, sys, urllib.request
a = sys.argv[1:]
assert a[:2] == ["lambda", "invoke"] and a[a.index("--function-name") + 1] == "f", a
answer = json.load(urllib.request.urlopen(os.environ["INVOKE"]))
open("out.json", "w").write(answer["body"])
print(base64.b64encode(answer["log"][-4096:].encode()).decode())
"""


class Invoker:
    """`aws lambda invoke` for a function under the double."""

    def __init__(self, f):
        self.calls = 0
        self.timeout = 30
        invoker = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                invoker.calls += 1
                body = f.invoke(b"{}", timeout=invoker.timeout).answers[0][2].decode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"body": body, "log": f.log()}).encode())

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.bin = os.path.join(f.dir, "bin")
        os.mkdir(self.bin)
        with open(os.path.join(self.bin, "aws"), "w", encoding="utf-8") as file:
            file.write(AWS)
        os.chmod(file.name, os.stat(file.name).st_mode | stat.S_IXUSR)
        self.dir = f.dir

    def run(self):
        env = {**os.environ, "PATH": self.bin + ":" + os.environ["PATH"], "DB_MIGRATE_FUNCTION_NAME": "f",
               "INVOKE": f"http://127.0.0.1:{self.server.server_address[1]}/"}
        return subprocess.run(["sh", os.path.join(EXAMPLES, "pipeline", "invoke.sh")], cwd=self.dir, env=env,
                              capture_output=True, text=True)


def test_pipeline():
    env = environment("pipeline")
    assert env == {"MIGRATE_STATUS_CODE": "1"}, env
    migrations = files("pipeline", "migrations")
    with Pg(migrations, **env) as f:
        assert f.result(b"")["StatusCode"] == 200
        f.write({"20220101000000_bad.up.sql": "SELECT 1 FROM nowhere;\n"})
        assert f.error(b"")["StatusCode"] == 500
    if not shutil.which("jq"):
        print("skipped: invoke.sh, for want of jq")
        return
    with Pg(migrations, **env) as f:
        invoker = Invoker(f)
        out = invoker.run()
        assert out.returncode == 0 and "the database is at 20211118093015" in out.stdout, (out, f.log())
        f.write({"20220101000000_bad.up.sql": "SELECT 1 FROM nowhere;\n"})
        out = invoker.run()
        assert out.returncode == 1 and "nowhere" in out.stdout, out
        f.remove("20220101000000_bad.up.sql")
        f.write({f"2023010100000{n}_nap.up.sql": "SELECT pg_sleep(0.5);\n" for n in range(6)})
        invoker.timeout, invoker.calls = 3, 0
        out = invoker.run()
        assert out.returncode == 0 and invoker.calls > 1 and "more work is left" in out.stdout, out
    # A crash that the original took for success: nothing to connect to, no StatusCode of its own.
    with Function(migrations, "postgres://postgres@127.0.0.1:1/x", MIGRATE_CONNECT_TIMEOUT="1s", **env) as f:
        assert Invoker(f).run().returncode == 1


run(globals())
