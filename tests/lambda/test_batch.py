#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many databases in one event: items, a Distributed Map's batches, messages of a queue."""

import json
import os
import sqlite3

from doubles import BRIEF, FILES, Function, run

ALLOW = {"MIGRATE_EVENT_ALLOW": "up,status,database,secret"}


def url(f, name):
    return "sqlite:" + os.path.join(f.dir, name)


def tables(f, name):
    with sqlite3.connect(os.path.join(f.dir, name)) as db:
        return {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE name IN ('customers', 'orders')")}


def broken(f, name):
    with sqlite3.connect(os.path.join(f.dir, name)) as db:
        db.execute("CREATE TABLE orders (other INTEGER)")
    return url(f, name)


def test_items():
    with Function(**ALLOW) as f:
        event = {"items": [{"database": url(f, "a"), "id": "first"}, {"database": broken(f, "b"), "id": 2},
                           {"database": url(f, "c"), "to": "1"}]}
        out = f.result(event)
        assert list(out) == ["results", "failed"] and out["failed"] == 1, out
        a, b, c = out["results"]
        assert a["ok"] and a["applied"] == 2 and a["id"] == "first" and a["version"] == "2"
        assert not b["ok"] and b["error"]["status"] == "E_SQL" and b["id"] == 2, b
        assert c["ok"] and c["version"] == "1" and tables(f, "c") == {"customers"}
        assert tables(f, "a") == {"customers", "orders"}


def test_all_failed():
    with Function(MIGRATE_STATUS_CODE="1", **ALLOW) as f:
        out = f.error({"items": [{"database": broken(f, "a")}, {"database": broken(f, "b")}]})
        assert out["errorType"] == "E_SQL" and out["failed"] == 2 and len(out["results"]) == 2, out
        assert out["StatusCode"] == 500
        out = f.error({"items": [{"database": "nonsense"}, 7]})
        assert out["failed"] == 2


def test_distributed_map():
    with Function(MIGRATE_STATUS_CODE="1", **ALLOW) as f:
        event = {"BatchInput": {"command": "up", "to": "1"}, "Items": [{"database": url(f, "a"), "tenant": "x"},
                                                                       {"database": url(f, "b"), "to": "2"}]}
        out = f.result(event)
        assert out["failed"] == 0 and out["StatusCode"] == 200
        assert [r["version"] for r in out["results"]] == ["1", "2"], out
        out = f.result({"command": "status", "items": [{"database": url(f, "a")}]})
        assert out["results"][0]["pending"] == 1
        assert f.result({"items": []}) == {"results": [], "failed": 0, "StatusCode": 200}


def test_not_allowed():
    with Function() as f:
        out = f.error({"items": [{"database": url(f, "a")}]})
        assert "MIGRATE_EVENT_ALLOW" in out["errorMessage"] and not os.path.exists(os.path.join(f.dir, "a"))


def test_time_runs_out():
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c;\n"
    with Function(MIGRATE_STATUS_CODE="1", MIGRATE_EVENT_ALLOW="up,database,source") as f:
        os.mkdir(os.path.join(f.package, "endless"))
        with open(os.path.join(f.package, "endless", "1_endless.sql"), "w", encoding="utf-8") as file:
            file.write(endless)
        items = [{"database": url(f, f"db{i}")} for i in range(12)]
        for item in items[1:]:
            item["source"] = "endless"
        out = f.result({"items": items}, timeout=BRIEF)
        assert out["more"] is True and out["StatusCode"] == 202 and out["failed"] == 11, out
        assert [r["ok"] for r in out["results"]] == [True] + 11 * [False], out
        assert all(r["more"] is True for r in out["results"][1:]), out
        for item in items[1:]:
            del item["source"]
        out = f.result({"items": items}, timeout=60)
        assert out["failed"] == 0 and "more" not in out and out["StatusCode"] == 200, out
        assert [r["applied"] for r in out["results"]] == [0] + 11 * [2], out


def message(n, body):
    return {"messageId": f"m{n}", "receiptHandle": "x", "body": body if isinstance(body, str) else json.dumps(body),
            "attributes": {"ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:tenants"}


def test_queue():
    with Function(**ALLOW) as f:
        records = [message(1, {"database": url(f, "a")}), message(2, {"database": broken(f, "b")}), message(3, "{not json"),
                   message(4, {"items": [{"database": url(f, "d")}]}), message(5, {"command": "down"})]
        out = f.result({"Records": records})
        assert out == {"batchItemFailures": [{"itemIdentifier": f"m{n}"} for n in (2, 3, 5)]}, out
        assert tables(f, "a") == tables(f, "d") == {"customers", "orders"}
        assert f.result({"Records": [message(1, {"database": url(f, "a")})]}) == {"batchItemFailures": []}
        assert f.result({"Records": [message(9, "")]}) == {"batchItemFailures": []}


def test_ordered_queue():
    with Function(**ALLOW) as f:
        records = [message(1, {"database": url(f, "a")}), message(2, {"database": broken(f, "b")}),
                   message(3, {"database": url(f, "c")})]
        for r in records:
            r["eventSourceARN"] += ".fifo"
        out = f.result({"Records": records})
        assert out == {"batchItemFailures": [{"itemIdentifier": "m2"}, {"itemIdentifier": "m3"}]}, out
        assert not os.path.exists(os.path.join(f.dir, "c"))


assert FILES
run(globals())
