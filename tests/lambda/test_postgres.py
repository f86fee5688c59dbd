#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The function on a real PostgreSQL: time-outs that unlock, two invocations at once, a freeze."""

import os
import signal
import subprocess
import threading
import time

from doubles import BRIEF, Capture, Function, run, stack_event
from on_postgres import Pg, URL, numbers, psql


def nap(n, seconds):
    return {"0_t.sql": "CREATE TABLE t (n int);\n",
            **{f"{i}_nap.sql": f"SELECT pg_sleep({seconds});\nINSERT INTO t VALUES ({i});\n" for i in range(1, n + 1)}}


def test_direct():
    with Pg(nap(2, 0)) as f:
        out = f.result()
        assert out["database"] == "postgres" and out["applied"] == 3 and out["state"] == "current", out
        assert f.sessions() == 0
        f.write({"3_bad.sql": "CREATE TABLE u (id int);\nSELECT 1 FROM nowhere;\n"})
        out = f.error()
        assert out["error"]["sqlstate"] == "42P01" and out["trace"][1] == "    at 3_bad.sql:2", out
        assert f.sql("SELECT to_regclass('u') IS NULL") == "t"
        assert f.sessions() == 0


def test_time_runs_out():
    with Pg(nap(8, 0.4)) as f:
        calls = []
        while not calls or calls[-1].get("more"):
            invocation = f.invoke(timeout=BRIEF)
            assert invocation.kind == "response", invocation.json
            assert f.sessions() == 0
            calls.append(invocation.json)
        assert len(calls) > 1
        assert f.sql("SELECT count(*), count(DISTINCT n) FROM t") == "8|8"


def test_a_statement_without_end():
    with Pg({"1_t.sql": "CREATE TABLE t (n int);\nSELECT pg_sleep(600);\n"}) as f:
        invocation = f.invoke(timeout=BRIEF)
        assert invocation.kind == "response" and invocation.json["more"] is True, invocation.json
        assert f.sessions() == 0 and f.sql("SELECT to_regclass('t') IS NULL") == "t"
        assert f.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0"
    capture = Capture()
    with Pg({"1_t.sql": "SELECT pg_sleep(600);\n"}, MIGRATE_MODE="cfn") as f:
        assert f.result(stack_event("Create", capture), timeout=BRIEF) == {}
        assert capture.json["Status"] == "FAILED", capture.json
        assert f.sessions() == 0
    capture.close()


def test_somebody_else_holds_a_lock():
    with Pg({"1_t.sql": "CREATE TABLE t (n int);\n"}) as f:
        f.result()
        f.write({"2_t.sql": "ALTER TABLE t ADD COLUMN m int;\n"})
        other = subprocess.Popen(["psql", "-Xq", f.url], stdin=subprocess.PIPE, text=True)
        other.stdin.write("BEGIN; LOCK TABLE t;\n")
        other.stdin.flush()
        while f.sql("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass") == "0":
            time.sleep(0.02)
        invocation = f.invoke(timeout=BRIEF)
        assert invocation.json["more"] is True, invocation.answers
        other.stdin.close()
        other.wait()
        assert f.result()["applied"] == 1


def test_two_at_once():
    with Pg(nap(4, 0.2)) as f, Function({}, f.url) as g:
        g.write(nap(4, 0.2))
        answers = []
        threads = [threading.Thread(target=lambda who=who: answers.append(who.result())) for who in (f, g)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(a["applied"] for a in answers) == [0, 5], answers
        assert f.sql("SELECT count(*) FROM t") == "4"


def test_frozen_past_the_deadline():
    with Pg(nap(3, 0.3)) as f:
        invocation = f.send(None, timeout=2)
        assert invocation.begun.wait(60)
        time.sleep(0.4)
        os.kill(f.process.pid, signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(f.process.pid, signal.SIGCONT)
        out = f.result(timeout=120)
        assert not invocation.answers and out["state"] == "current"
        assert f.sql("SELECT count(*), count(DISTINCT n) FROM t") == "3|3"


def test_killed():
    with Pg(nap(3, 0.3)) as f:
        invocation = f.send(None, timeout=120)
        assert invocation.begun.wait(60)
        time.sleep(0.5)
        f.process.kill()
        f.process.wait()
        with Function(nap(3, 0.3), f.url) as g:
            assert g.result()["state"] == "current"
        assert f.sql("SELECT count(*), count(DISTINCT n) FROM t") == "3|3"


def test_server_that_does_not_answer():
    # An address that takes connections and says nothing.
    import socket
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(8)
    url = f"postgres://postgres@127.0.0.1:{silent.getsockname()[1]}/postgres"
    with Function(database=url) as f:
        invocation = f.invoke(timeout=BRIEF)
        assert invocation.kind == "error", invocation.answers
        assert invocation.json["errorType"] in ("E_DEADLINE", "E_CONNECT", "E_CANCELLED"), invocation.json
    silent.close()


def test_many_databases():
    names = [f"t{next(numbers)}" for _ in range(3)]
    for name in names:
        psql(f"CREATE DATABASE {name}")
    with Pg(nap(1, 0), MIGRATE_EVENT_ALLOW="up,database") as f:
        base = URL.rsplit("/", 1)[0]
        out = f.result({"items": [{"database": f"{base}/{name}"} for name in [*names, "nowhere"]]})
        assert [r["ok"] for r in out["results"]] == [True, True, True, False] and out["failed"] == 1, out
        assert out["results"][3]["error"]["status"] == "E_NO_DATABASE", out


run(globals())
