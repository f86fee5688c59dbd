#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CloudFormation's custom resources, answered by PUT or through the CDK's Provider framework."""

import hashlib
import json
import os
import re
import signal
import time

from doubles import BRIEF, FILES, STACK, Capture, Function, run, slow, stack_event

OUR_ID = "migrate-" + hashlib.sha256((STACK + "Migration").encode()).hexdigest()[:24]
PAIRS = {f"{n}_{t}.{d}.sql": f"{'CREATE TABLE' if d == 'up' else 'DROP TABLE'} {t}{' (id INTEGER)' if d == 'up' else ''};\n"
         for n, t in ((1, "a"), (2, "b"), (3, "c")) for d in ("up", "down")}


ENDLESS = {"1_t.sql": "CREATE TABLE t (n INTEGER);\nWITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
                      "INSERT INTO t SELECT count(*) FROM c;\n"}


class Cfn(Function):
    def __init__(self, files=None, capture=None, **env):
        super().__init__(files, MIGRATE_MODE="cfn", **env)
        self.capture = capture or Capture()

    def stack(self, kind, timeout=30, **more):
        """The body that was PUT; Lambda always gets {}."""
        before = len(self.capture.puts)
        assert self.result(stack_event(kind, self.capture, **more), timeout=timeout) == {}
        assert len(self.capture.puts) == before + 1, self.capture.puts
        body = self.capture.puts[-1][2]
        assert len(body) <= 4096, len(body)
        return json.loads(body)

    def stop(self):
        super().stop()
        self.capture.close()


def test_put_byte_for_byte():
    with Cfn() as f:
        event = stack_event("Create", f.capture, RequestId="5d478078-13e9-baf0-464a-7ef285ecc786")
        assert f.result(event) == {}
        path, headers, body = f.capture.puts[0]
        assert path == f.capture.url[f.capture.url.index("/arn"):], path
        assert body == (b'{"Status":"SUCCESS","PhysicalResourceId":"' + OUR_ID.encode() + b'","StackId":"' + STACK.encode() +
                        b'","RequestId":"5d478078-13e9-baf0-464a-7ef285ecc786","LogicalResourceId":"Migration",'
                        b'"Data":{"Version":"2","Applied":"2","Response":"2 migrations applied; the database is at 2"}}'), body
        lower = {name.lower(): value for name, value in headers}
        assert lower["content-type"] == "" and lower["content-length"] == str(len(body)), headers
        assert set(lower) <= {"host", "content-type", "content-length", "user-agent", "accept"}, headers


def test_life():
    with Cfn(PAIRS) as f:
        out = f.stack("Create", properties={"Target": "2"})
        assert out["Status"] == "SUCCESS" and out["PhysicalResourceId"] == OUR_ID and out["Data"]["Version"] == "2"
        out = f.stack("Update", PhysicalResourceId="kept")
        assert out["PhysicalResourceId"] == "kept" and out["Data"]["Applied"] == "1" and out["Data"]["Version"] == "3"
        out = f.stack("Update", properties={"MigrationHash": "2"})
        assert out["Data"]["Applied"] == "0"
        before = f.rows("SELECT name FROM sqlite_master ORDER BY 1")
        out = f.stack("Delete", PhysicalResourceId="any-id-at-all")
        assert out["Status"] == "SUCCESS" and out["PhysicalResourceId"] == "any-id-at-all", out
        assert f.rows("SELECT name FROM sqlite_master ORDER BY 1") == before


def test_delete_first():
    with Cfn({"1_bad.sql": "nonsense;\n"}) as f:
        assert f.stack("Delete", PhysicalResourceId="s-Migration-1ABC")["Status"] == "SUCCESS"
        assert not os.path.exists(f.file)
    with Cfn(MIGRATE_DATABASE_URL=None, MIGRATE_LOCK_WAIT="soon") as f:
        assert f.stack("Delete")["Status"] == "SUCCESS"


def test_rollback():
    for how in ({}, {"MIGRATE_AHEAD": "deny"}):
        with Cfn(PAIRS, **how) as f:
            f.stack("Create")
            assert f.stack("Update", properties={"Target": "1"})["Status"] == "SUCCESS"
            f.remove("3_c.up.sql")
            f.remove("3_c.down.sql")
            out = f.stack("Update")
            assert out["Status"] == "SUCCESS" and out["Data"]["Applied"] == "0" and out["Data"]["Version"] == "3", out
            assert f.stack("Update", properties={"Target": "3"})["Status"] == "SUCCESS"
            assert f.rows("SELECT count(*) FROM sqlite_master WHERE name = 'c'") == [(1,)]
            assert f.stack("Update", properties={"Target": "99"})["Status"] == "SUCCESS"


def test_failure():
    with Cfn({**FILES, "7_x.sql": "CREATE TABLE seven (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n"}) as f:
        out = f.stack("Create")
        assert out["Status"] == "FAILED" and out["PhysicalResourceId"] == OUR_ID and "Data" not in out, out
        for part in ("E_SQL", "class 6", "7_x.sql:2", "nowhere"):
            assert part in out["Reason"], out["Reason"]
        assert f.stack("Create", properties={"Target": "88"})["Status"] == "FAILED"
        out = f.stack("Create", properties={"Command": "down"})
        assert out["Status"] == "FAILED" and "MIGRATE_EVENT_ALLOW" in out["Reason"], out
        out = f.stack("Create", properties={"Source": "other"})
        assert out["Status"] == "FAILED" and "MIGRATE_EVENT_ALLOW" in out["Reason"], out


def test_told_what():
    with Cfn(PAIRS, MIGRATE_EVENT_ALLOW="up,down,source") as f:
        f.stack("Create")
        assert f.stack("Update", properties={"Command": "down", "Target": "1"})["Data"]["Version"] == "1"
        os.rename(os.path.join(f.package, "migrations"), os.path.join(f.package, "v2"))
        assert f.stack("Update", properties={"Source": "v2"})["Data"]["Version"] == "3"


def test_4096_bytes():
    for filler in ("x", "\u00e4", "\u20ac", "\U0001f600", '"'):
        with Cfn({"1_x.sql": "SELECT * FROM [" + filler.replace('"', "\"") * 3000 + "];\n"}) as f:
            f.invoke(stack_event("Create", f.capture))
            body = f.capture.puts[0][2]
            out = json.loads(body.decode("utf-8"))
            assert out["Status"] == "FAILED" and len(body) <= 4096, len(body)
            assert out["StackId"] == STACK and out["LogicalResourceId"] == "Migration"
    with Cfn({"1_x.sql": "nonsense;\n"}) as f:
        out = f.stack("Create", LogicalResourceId="L" * 3000, RequestId="R" * 600)
        assert len(f.capture.puts[0][2]) <= 4096 and out["LogicalResourceId"] == "L" * 3000


def test_time_runs_out():
    for files in (ENDLESS, slow(60)):
        with Cfn(files) as f:
            out = f.stack("Create", timeout=BRIEF)
            assert out["Status"] == "FAILED" and re.search("E_(DEADLINE|MORE_WORK)", out["Reason"]), out


def test_the_same_event_twice():
    with Cfn() as f:
        event = stack_event("Create", f.capture)
        assert f.result(event, request_id="r") == {} and f.result(event, request_id="r") == {}
        assert f.result(event, request_id="another") == {}
        assert [p[2] for p in f.capture.puts] == [f.capture.puts[0][2]] * 3
        assert f.capture.json["Data"]["Applied"] == "2"


def test_put_again():
    capture = Capture([500, 503])
    with Cfn(capture=capture) as f:
        assert f.result(stack_event("Create", capture)) == {}
        assert len(capture.puts) == 3 and len({p[2] for p in capture.puts}) == 1
    capture = Capture([403] * 9)
    with Cfn(capture=capture) as f:
        event = stack_event("Create", capture)
        out = f.error(event, request_id="r")
        assert len(capture.puts) == 1 and "403" in out["errorMessage"], out
        capture.statuses = []
        assert f.result(event, request_id="r") == {}
        assert f.rows("SELECT count(*) FROM orders") == [(1,)]


def test_nobody_to_answer():
    with Cfn() as f:
        out = f.error(stack_event("Create", f.capture, ResponseURL="http://example.invalid/x"))
        assert "ResponseURL" in out["errorMessage"], out
        assert f.error({})["errorType"] == "E_ARGUMENT"
        assert f.error(b"{")["errorType"] == "E_ARGUMENT"
        event = stack_event("Create", f.capture, RequestType="Explode")
        assert f.result(event) == {} and f.capture.json["Status"] == "FAILED"
        event = stack_event("Create", f.capture, ResponseURL="http://127.0.0.1:1/x")
        out = f.error(event, timeout=BRIEF)
        assert "delivered" in out["errorMessage"], out


def test_url_is_never_told():
    with Cfn(AWS_LAMBDA_LOG_LEVEL="TRACE") as f:
        for capture in (f.capture, None):
            event = stack_event("Create", capture)
            invocation = f.invoke(event)
            for secret in (b"28UijZePE5I4dvukKQqM", b"AKIASECRETKEY"):
                assert secret not in f.log().encode() and secret not in invocation.answers[0][2]


def test_frozen():
    with Cfn(slow(30)) as f:
        invocation = f.send(stack_event("Create", f.capture), timeout=2)
        assert invocation.begun.wait(60)
        time.sleep(0.2)
        os.kill(f.process.pid, signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(f.process.pid, signal.SIGCONT)
        assert f.stack("Update", timeout=120)["Status"] == "SUCCESS"
        assert not invocation.answers and len(f.capture.puts) <= 2


# ---- the CDK's Provider framework

def test_provider():
    with Function(PAIRS, MIGRATE_MODE="cdk-provider") as f:
        out = f.result(stack_event("Create", properties={"Target": "2"}))
        assert out == {"PhysicalResourceId": OUR_ID,
                       "Data": {"Version": "2", "Applied": "2", "Response": "2 migrations applied; the database is at 2"}}, out
        assert f.result(stack_event("Update", PhysicalResourceId="kept"))["PhysicalResourceId"] == "kept"
        assert f.result(stack_event("Delete", PhysicalResourceId="kept")) == {"PhysicalResourceId": "kept"}
        assert f.rows("SELECT count(*) FROM sqlite_master WHERE name IN ('a', 'b', 'c')") == [(3,)]
        assert f.result(stack_event("Update", properties={"Target": "1"}))["Data"]["Version"] == "3"


def test_provider_fails():
    with Function({"7_x.sql": "SELECT '" + "\u20ac" * 900 + "' FROM [" + "\u20ac" * 2000 + "];\n"}, MIGRATE_MODE="cdk-provider") as f:
        out = f.error(stack_event("Create"))
        assert out["errorType"] == "E_SQL" and len(out["errorMessage"].encode()) <= 1500, out
        assert out["trace"][0].startswith("E_SQL: ") and out["trace"][1] == "    at 7_x.sql:1", out["trace"]
        assert f.error({})["errorType"] == "E_ARGUMENT"


def test_provider_without_is_complete():
    with Function(slow(60), MIGRATE_MODE="cdk-provider") as f:
        invocation = f.invoke(stack_event("Create"), timeout=BRIEF)
        assert invocation.kind == "error" and invocation.json["errorType"] in ("E_MORE_WORK", "E_DEADLINE"), invocation.json


def test_provider_with_is_complete():
    for env in ({"_HANDLER": "bootstrap.onEvent"}, {"MIGRATE_IS_COMPLETE": "1"}):
        with Function(slow(40), MIGRATE_MODE="cdk-provider", **env) as f:
            event = stack_event("Create")
            invocation = f.invoke(event, timeout=BRIEF)
            assert invocation.kind == "response", invocation.answers
            out = invocation.json
            event.update(out)
            answers = []
            with Function(slow(40), f.database, _HANDLER="bootstrap.isComplete", MIGRATE_MODE="cdk-provider") as g:
                while not answers or not answers[-1]["IsComplete"]:
                    answers.append(g.result(event, timeout=BRIEF))
                    assert len(answers) < 40
            assert answers[-1]["IsComplete"] is True and all(a == {"IsComplete": False} for a in answers[:-1]), answers
            assert answers[-1]["Data"]["Version"] == "040", answers
            assert f.rows("SELECT count(*) FROM t") == [(40,)]


def test_is_complete():
    with Function(MIGRATE_MODE="cdk-is-complete") as f:
        out = f.result(stack_event("Create"))
        assert out["IsComplete"] is True and out["Data"]["Version"] == "2"
        assert f.result(stack_event("Delete")) == {"IsComplete": True}
        f.write({"9_bad.sql": "nonsense;\n"})
        assert f.error(stack_event("Update"))["errorType"] == "E_SQL"


run(globals())
