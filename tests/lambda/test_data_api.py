#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The function over the RDS Data API: the example that uses it, end to end, and statements that no invocation lives long
enough for. The API is a double that executes on real servers."""

import os
import subprocess
import sys
import time

from doubles import BOOTSTRAP, BRIEF, Capture, Function, run, stack_event

sys.path.insert(0, os.path.join(os.environ["SOURCE_ROOT"], "tests", "aws"))
import data_api_double  # noqa: E402

LAYER = os.path.join(os.environ["SOURCE_ROOT"], "examples", "aws", "custom-resource-data-api", "layer")
CLUSTER = "arn:aws:rds:eu-west-1:123456789012:cluster:c"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf"
KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ARGV = {"postgres": ["--engine", "postgres", "--server", "127.0.0.1:" + os.environ["PG_PORT"], "--user", "postgres"],
        "mysql": ["--engine", "mysql", "--server", "127.0.0.1:" + os.environ["MYSQL_PORT"], "--user", "root"]}
numbers = iter(range(1, 1000))


class Api:
    """A double, and a database of its own behind it."""

    def __init__(self, engine):
        self.name = f"l{next(numbers)}"
        self.postgres = engine == "postgres"
        self.server, self.api = data_api_double.start(ARGV[engine])
        first = self.api.engine.connect(None)
        self.api.engine.run(first, "CREATE DATABASE " + self.name, None)
        first.close()
        self.own = self.connect()
        self.url = f"rds-data://{CLUSTER}/{self.name}?secret={SECRET}"
        self.env = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": KEY, "AWS_SESSION_TOKEN": "TOKENTOKEN",
                    "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
                    "AWS_ENDPOINT_URL_RDS_DATA": f"http://127.0.0.1:{self.server.server_address[1]}"}

    def connect(self):
        return self.api.engine.connect(self.name)

    def ask(self, sql):
        return [list(row) for row in self.api.engine.run(self.own, sql, None)[0] or []]

    def sent(self, words):
        return len([sql for _, sql in self.api.calls if sql and sql.startswith("/* libmigrate ") and words in sql])

    def runs(self, words):
        """Is the database at work on such a statement of ours?"""
        if self.postgres:
            sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '/* libmigrate %%%s%%'"
        else:
            sql = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '/* libmigrate %%%s%%'"
        return self.ask(sql % words)[0][0] > 0

    def time_goes_by(self):
        """More than half a minute: leases expire."""
        self.api.engine.run(self.own, "UPDATE migrate_lock SET expires_at = '2001-01-01 00:00:00'", None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.api.lose_all()
        self.own.close()


def silent(f):
    for secret in (KEY, "TOKENTOKEN", "28UijZePE5I4dvukKQqM", "AKIASECRETKEY"):
        assert secret not in f.log(), secret


# ---- the example

def read_layer():
    return {name: open(os.path.join(LAYER, name), encoding="utf-8").read() for name in os.listdir(LAYER)}


def under_opt(f, folder):
    """Starts the function with @folder as /opt, where that may be done."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        f.env["MIGRATE_SOURCE"] = folder
        return f.start()
    with open(f.log_path, "ab") as log:
        f.process = subprocess.Popen(["unshare", "-m", "sh", "-c", 'mount --bind "$0" /opt && exec "$1"', folder, BOOTSTRAP],
                                     env=f.env, cwd=f.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return f


def test_example_end_to_end():
    """Event, secret, files in a layer, database, answer, failure; nothing of it in a package's own folder."""
    capture = Capture()
    with Api("postgres") as api, Function({}, api.url, MIGRATE_MODE="cfn", **api.env) as f:
        os.rmdir(os.path.join(f.package, "migrations"))
        opt = os.path.join(f.dir, "layer")
        os.mkdir(opt)

        def put(name, text):
            with open(os.path.join(opt, name), "w", encoding="utf-8") as file:
                file.write(text)

        def stack(kind):
            assert f.result(stack_event(kind, capture), timeout=120) == {}, f.log()
            return capture.json

        for name, text in read_layer().items():
            put(name, text)
        under_opt(f, opt)
        out = stack("Create")
        assert out["Status"] == "SUCCESS" and out["Data"]["Applied"] == "3", out
        # Semicolons in quotes cut nothing, and 010 comes behind 002.
        assert api.ask("SELECT note FROM servers ORDER BY note LIMIT 1") == [["first; and second"]]
        assert api.ask("SELECT reason FROM blocked") == [["spam; of all kinds"]]
        put("011_broken.sql", "CREATE TABLE half (id int);\n\nINSERT INTO nowhere VALUES (1);\n")
        out = stack("Update")
        assert out["Status"] == "FAILED" and "011_broken.sql:3" in out["Reason"] and "nowhere" in out["Reason"], out
        assert api.ask("SELECT to_regclass('half') IS NULL") == [[True]]
        os.remove(os.path.join(opt, "011_broken.sql"))
        assert stack("Update")["Data"]["Applied"] == "0"
        # Delete runs nothing again: the original went through all files once more.
        api.api.calls.clear()
        assert stack("Delete")["Status"] == "SUCCESS" and not api.api.calls
        assert len(capture.puts) == 4
        silent(f)
    capture.close()


def test_paused_cluster_and_refused_secret():
    capture = Capture()
    with Api("postgres") as api, Function(None, api.url, MIGRATE_MODE="cfn", **api.env) as f:
        api.api.settings["resuming"] = 2
        assert f.result(stack_event("Create", capture), timeout=120) == {}
        assert capture.json["Status"] == "SUCCESS", capture.json
    with Api("postgres") as api, Function(None, api.url.replace("s-AbCdEf", "s-refused"), MIGRATE_MODE="cfn", **api.env) as f:
        assert f.result(stack_event("Create", capture), timeout=120) == {}
        assert capture.json["Status"] == "FAILED" and "password authentication failed" in capture.json["Reason"], capture.json
        silent(f)
    capture.close()


# ---- statements that are longer than any invocation

TABLE = {"1_t.sql": "CREATE TABLE t (a int, b int);\nINSERT INTO t VALUES (1, 2);\n"}


class Blocked:
    """A statement that waits until the test lets it."""

    def __init__(self, api):
        self.other = api.connect()
        if api.postgres:
            self.words = "CREATE INDEX CONCURRENTLY"
            self.file = {"2_i.sql": "CREATE INDEX CONCURRENTLY i ON t (a);\nCREATE INDEX CONCURRENTLY j ON t (b);\n"}
            self.found = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid"
            api.api.engine.run(self.other, "BEGIN", None)
            api.api.engine.run(self.other, "UPDATE t SET b = 3", None)
        else:
            self.words = "CREATE INDEX"
            self.file = {"2_i.sql": "CREATE INDEX i ON t (a);\nCREATE INDEX j ON t (b);\n"}
            self.found = "SELECT count(DISTINCT index_name) FROM information_schema.statistics WHERE table_name = 't' " \
                         "AND table_schema = DATABASE()"
            api.api.engine.run(self.other, "LOCK TABLES t READ", None)

    def release(self):
        self.other.close()


def detached(api, f, call, is_left):
    """Invocations, each too short, around one statement; it is sent once and awaited by all of them."""
    f.write(TABLE)
    assert call(120) is not None
    blocked = Blocked(api)
    f.write(blocked.file)
    for more in range(20):
        assert is_left(call(BRIEF + more))  # as much as this machine needs to come so far
        if api.runs(blocked.words):
            break
        api.time_goes_by()  # it came to an end before the statement was sent
    assert api.runs(blocked.words), "the statement goes on without the function"
    assert is_left(call(BRIEF))
    api.time_goes_by()  # what the first one held has expired, but its statement is seen at work
    assert is_left(call(BRIEF))
    assert api.runs(blocked.words) and api.sent(blocked.words) == 1, api.sent(blocked.words)
    blocked.release()
    for _ in range(100):
        if not api.runs(blocked.words):
            break
        time.sleep(0.05)
    api.time_goes_by()
    out = call(120)
    assert not is_left(out), out
    assert api.ask(blocked.found) == [[2]] and api.sent(blocked.words) == 2
    assert api.ask("SELECT count(*) FROM migrate_journal WHERE direction <> 'K'") == [[0]]
    silent(f)
    return out


def test_longer_than_an_invocation():
    for engine in ("postgres", "mysql"):
        with Api(engine) as api, Function({}, api.url, MIGRATE_STATUS_CODE="1", **api.env) as f:
            answers = []

            def call(timeout):
                answers.append(f.result(timeout=timeout))
                return answers[-1]

            out = detached(api, f, call, lambda out: out.get("more", False))
            assert out["state"] == "current" and out["StatusCode"] == 200, out
            told = [a for a in answers if "goes on in the database" in a.get("error", {}).get("message", "")]
            assert len(told) == 1 and told[0]["StatusCode"] == 202 and told[0]["state"] != "current", answers
            assert "waits for the statement" in told[0]["error"]["hint"] and "nothing was changed" not in str(told), told


def test_longer_than_an_invocation_is_complete():
    with Api("mysql") as api, Function({}, api.url, MIGRATE_MODE="cdk-is-complete", **api.env) as f:
        event = stack_event("Create")
        out = detached(api, f, lambda timeout: f.result(event, timeout=timeout), lambda out: not out["IsComplete"])
        assert out["Data"]["Version"] == "2", out


run(globals())
