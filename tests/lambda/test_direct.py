#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mode direct, and the bootstrap's own manners."""

import json
import os
import re
import signal
import time

from doubles import BRIEF, FILES, Function, run, slow


def test_no_event_is_up():
    with Function() as f:
        for event in (b"", None, {}, {"anything": [1]}, [1], "text", 7):
            out = f.result(event)
            assert out["schema"] == 1 and out["state"] == "current" and out["version"] == "2", out
        assert f.rows("SELECT count(*) FROM orders") == [(1,)]


def test_up_says_what_it_did():
    with Function() as f:
        out = f.result({"command": "up", "to": "1"})
        assert out["applied"] == 1 and out["pending"] == 1 and out["version"] == "1", out
        out = f.result({"command": "up", "steps": 1})
        assert [m["version"] for m in out["migrations"]] == ["2"], out
        assert "StatusCode" not in out and "more" not in out
        assert f.result({"command": "up", "to": 2})["applied"] == 0


def test_plan_status_verify():
    with Function() as f:
        out = f.result({"command": "plan", "sql": True})
        assert [s["version"] for s in out["steps"]] == ["1", "2"] and len(out["steps"][1]["sql"]) == 2, out
        assert f.result({"command": "status"})["pending"] == 2
        f.result({})
        assert f.result({"command": "verify"})["state"] == "current"
        f.write({"1_customers.sql": "CREATE TABLE customers (id INTEGER);\n"})
        out = f.error({"command": "verify"})
        assert out["errorType"] == "E_CHANGED" and out["error"]["class"] == 4, out


def test_failure():
    files = {**FILES, "7_x.sql": "CREATE TABLE seven (id INTEGER);\n\n\nINSERT INTO nowhere VALUES (1);\n"}
    with Function(files) as f:
        invocation = f.invoke()
        assert invocation.kind == "error"
        out = invocation.json
        assert list(out)[:4] == ["errorType", "errorMessage", "trace", "stackTrace"], out
        assert out["errorType"] == "E_SQL" and out["stackTrace"] == [] and "StatusCode" not in out
        assert "nowhere" in out["errorMessage"] and "7_x.sql:4" in out["errorMessage"], out
        assert out["trace"][0].startswith("E_SQL: ") and out["trace"][1] == "    at 7_x.sql:4", out
        assert out["error"]["status"] == "E_SQL" and out["error"]["line"] == 4 and out["error"]["class"] == 6
        assert invocation.headers["Lambda-Runtime-Function-Error-Type"] == "Function.E_SQL"
        assert f.rows("SELECT count(*) FROM sqlite_master WHERE name = 'seven'") == [(0,)]
        f.write({"7_x.sql": "CREATE TABLE seven (id INTEGER);\n"})
        assert f.result()["applied"] == 1


def test_status_codes():
    with Function(MIGRATE_STATUS_CODE="1") as f:
        assert f.result()["StatusCode"] == 200
        f.write({"9_bad.sql": "nonsense;\n"})
        out = f.error()
        assert out["StatusCode"] == 500 and out["errorType"] == "E_SQL"
        assert f.error(b"{")["StatusCode"] == 500


def test_what_an_event_may_ask():
    with Function() as f:
        f.result()
        for command in ("down", "redo", "baseline", "resolve"):
            out = f.error({"command": command, "version": "1", "applied": True} if command == "resolve" else
                          {"command": command, "version": "1"} if command == "baseline" else {"command": command})
            assert "MIGRATE_EVENT_ALLOW" in out["errorMessage"] and command in out["errorMessage"], out
        for key, value in (("database", "sqlite:/tmp/other.db"), ("secret", "s"), ("source", "x"), ("options", {})):
            out = f.error({"command": "up", key: value})
            assert "MIGRATE_EVENT_ALLOW" in out["errorMessage"] and key in out["errorMessage"], out
            assert "MIGRATE_EVENT_ALLOW" in f.error({key: value})["errorMessage"]
    with Function(MIGRATE_EVENT_ALLOW="status") as f:
        assert f.error({})["error"]["class"] == 1
        assert f.result({"command": "status"})["pending"] == 2


def test_allowed_knowingly():
    files = {"1_a.up.sql": "CREATE TABLE a (id INTEGER);\n", "1_a.down.sql": "DROP TABLE a;\n"}
    with Function(files, MIGRATE_EVENT_ALLOW="up,down,redo,source,options,database,status") as f:
        f.result()
        assert f.result({"command": "redo"})["applied"] == 1
        assert f.result({"command": "down", "all": True})["reverted"] == 1
        os.makedirs(os.path.join(f.package, "more"))
        with open(os.path.join(f.package, "more", "5_b.sql"), "w", encoding="utf-8") as file:
            file.write("CREATE TABLE b (id INTEGER, x TEXT DEFAULT '${word}');\n")
        out = f.result({"command": "up", "source": "more", "options": {"placeholder.word": "w", "missing": "allow"}})
        assert out["version"] == "5", out
        for bad in ("../..", "/etc", "/", "nowhere", "more/../../.."):
            assert f.error({"command": "up", "source": bad})["errorType"] == "E_SOURCE"
        other = os.path.join(f.dir, "other.db")
        assert f.result({"command": "up", "database": "sqlite:" + other})["applied"] == 1
        assert os.path.exists(other)


def test_malformed():
    with Function() as f:
        for event in (b"{", b"nonsense", b'{"a":1,"a":2}', b'"\xff"', b"{} {}"):
            out = f.error(event)
            assert out["errorType"] == "E_ARGUMENT" and "line 1" in out["errorMessage"], out
        for event in ({"command": "explode"}, {"command": 7}, {"command": "up", "too": "1"}, {"command": "up", "steps": 0},
                      {"command": "up", "to": []}, {"command": "up", "to": "1", "steps": 1}):
            assert f.error(event)["errorType"] == "E_ARGUMENT", event
        assert f.error({"command": "up", "to": "77"})["errorType"] == "E_NO_VERSION"
        assert f.result()["applied"] == 2


def test_scheduled_event():
    event = {"version": "0", "id": "53dc4d37", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
    with Function() as f:
        assert f.result(event)["applied"] == 2


def test_six_megabytes():
    for chunked in (False, True):
        with Function(chunked=chunked) as f:
            assert f.result({"padding": "x" * (6 * 1024 * 1024)})["applied"] == 2


def test_answer_too_large():
    many = "".join(f"INSERT INTO t VALUES ({i}, '{'x' * 1000}');\n" for i in range(7000))
    with Function({"1_t.sql": "CREATE TABLE t (id INTEGER, x TEXT);\n" + many}) as f:
        out = f.error({"command": "plan", "sql": True})
        assert out["errorType"] == "E_UNSUPPORTED" and "6 MB" in out["errorMessage"], out["errorMessage"]
        assert f.result()["applied"] == 1


def test_same_request_same_answer():
    with Function() as f:
        first = f.invoke(request_id="a")
        again = f.invoke(request_id="a")
        assert first.answers[0][2] == again.answers[0][2] and first.json["applied"] == 2
        assert f.result(request_id="b")["applied"] == 0
        f.write({"9_bad.sql": "nonsense;\n"})
        first = f.invoke(request_id="c")
        f.remove("9_bad.sql")
        assert f.invoke(request_id="c").answers[0][2] == first.answers[0][2] and first.kind == "error"


def test_time_runs_out_and_the_next_goes_on():
    with Function(slow(60), MIGRATE_STATUS_CODE="1") as f:
        calls = []
        while not calls or calls[-1].get("more"):
            invocation = f.invoke(timeout=BRIEF)
            assert invocation.kind == "response", invocation.json
            calls.append(invocation.json)
        assert len(calls) > 1 and calls[0]["StatusCode"] == 202 and calls[0]["state"] == "pending", calls[0]
        assert calls[-1]["StatusCode"] == 200 and calls[-1]["state"] == "current"
        assert f.rows("SELECT count(*) FROM t") == [(60,)]


def test_one_long_statement():
    endless = "CREATE TABLE t (n INTEGER);\nWITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) " \
              "INSERT INTO t SELECT count(*) FROM c;\n"
    with Function({"1_endless.sql": endless}) as f:
        invocation = f.invoke(timeout=BRIEF)
        assert invocation.kind == "response" and invocation.json["more"] is True, invocation.json
        assert invocation.json["error"]["status"] == "E_DEADLINE", invocation.json
        assert f.rows("SELECT count(*) FROM sqlite_master WHERE name = 't'") == [(0,)]
        assert f.result({"command": "status"})["pending"] == 1


def test_no_time_at_all():
    with Function() as f:
        invocation = f.send(None, timeout=0.15)
        assert f.result()["state"] == "current"
        late = [r for r in f.api.refused if r[0] == invocation.request_id]
        assert len(invocation.answers) + len(late) == 1, "one answer, in time where the machine is fast enough"


def test_frozen_past_the_deadline():
    with Function(slow(30)) as f:
        invocation = f.send(None, timeout=2)
        assert invocation.begun.wait(60)
        time.sleep(0.2)
        os.kill(f.process.pid, signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(f.process.pid, signal.SIGCONT)
        out = f.result(timeout=120)
        assert not invocation.answers and out["state"] == "current", out
        assert f.rows("SELECT count(*) FROM t") == [(30,)]


def test_told_to_end():
    with Function(slow(100)) as f:
        invocation = f.send(None, timeout=120)
        assert invocation.begun.wait(30)
        time.sleep(0.5)
        f.process.terminate()
        assert invocation.done.wait(60), f.log()
        assert invocation.kind == "response" and invocation.json["more"] is True, invocation.json
        assert f.process.wait(60) == 0
    with Function() as f:
        f.result()
        assert f.api.ready.wait(60)
        time.sleep(0.1)
        f.process.terminate()
        assert f.process.wait(60) == 0


def test_environment_that_cannot_be_used():
    with Function(database="", MIGRATE_DATABASE_URL=None) as f:
        out = f.error()
        assert out["errorType"] == "E_ARGUMENT" and "MIGRATE_DATABASE_URL" in out["errorMessage"], out
    with Function(MIGRATE_LOCK_WAIT="soon") as f:
        out = f.error()
        assert out["errorType"] == "E_OPTION" and "MIGRATE_LOCK_WAIT" in out["errorMessage"], out
        assert f.error()["errorType"] == "E_OPTION"
    with Function(MIGRATE_MODE="guess") as f:
        f.start()
        assert f.process.wait(60) == 1
        headers, out = f.api.init_errors[0]
        assert out["errorType"] == "E_OPTION" and "guess" in out["errorMessage"], out
        assert headers["Lambda-Runtime-Function-Error-Type"] == "Runtime.E_OPTION" and f.api.nexts == 0
    with Function({}, MIGRATE_SOURCE="/nonexistent") as f:
        assert f.error()["errorType"] == "E_SOURCE"
    with Function(MIGRATE_SOME_DAY="1") as f:
        assert f.result()["applied"] == 2


def test_nothing_is_opened_before_an_invocation():
    with Function() as f:
        f.start()
        assert f.api.ready.wait(60)
        time.sleep(0.2)
        assert not os.path.exists(f.file)
        links = [os.readlink(f"/proc/{f.process.pid}/fd/{n}") for n in os.listdir(f"/proc/{f.process.pid}/fd")]
        assert sum("socket" in link for link in links) == 1, links
        f.result()
        time.sleep(0.2)
        links = [os.readlink(f"/proc/{f.process.pid}/fd/{n}") for n in os.listdir(f"/proc/{f.process.pid}/fd")]
        assert not any("app.db" in link for link in links), links


def test_logs():
    with Function({**FILES, "3_bad.sql": "nonsense\n'\n\n';\n"}, AWS_LAMBDA_LOG_FORMAT="JSON") as f:
        f.error(request_id="id-1")
        lines = [json.loads(line) for line in f.log().splitlines()]
        assert lines and all(line["requestId"] == "id-1" for line in lines), lines
        for line in lines:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"]), line
        assert any(line["level"] == "ERROR" and "E_SQL" in line["message"] for line in lines)
        assert any("customers" in line["message"] for line in lines), lines
    with Function(AWS_LAMBDA_LOG_LEVEL="WARN") as f:
        f.result()
        assert f.log() == "", f.log()
    with Function() as f:
        f.result(request_id="id-2")
        assert all(" RequestId: id-2 " in line for line in f.log().splitlines()) and f.log()


def test_secrets_stay_secret():
    urls = ("postgres://u:hunter2secret@127.0.0.1:1/db", "mysql://u:hunter2secret@127.0.0.1:1/db",
            "postgres://u@127.0.0.1:1/db?password=hunter2secret", "nonsense://u:hunter2secret@h/db")
    for url in urls:
        with Function(database=url, AWS_LAMBDA_LOG_LEVEL="TRACE", MIGRATE_CONNECT_TIMEOUT="1s") as f:
            invocation = f.invoke()
            assert invocation.kind == "error"
            assert b"hunter2secret" not in invocation.answers[0][2] and "hunter2secret" not in f.log(), f.log()


def test_the_handler_says_is_complete():
    with Function(_HANDLER="bootstrap.isComplete") as f:
        assert f.error({})["errorType"] == "E_ARGUMENT"  # no event of CloudFormation's


def test_the_database_is_free_afterwards():
    with Function(slow(60)) as f:
        assert f.result(timeout=BRIEF)["more"] is True
        out = f.result({"command": "up", "to": "0"})
        assert out["applied"] == 0


run(globals())
