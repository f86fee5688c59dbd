# SPDX-License-Identifier: Apache-2.0
"""The function's handler, called as the managed runtime calls it."""

from __future__ import annotations

import importlib.util
import json
import logging
import sqlite3

import pytest
from conftest import ROOT

import libmigrate
from libmigrate import CallerError, aws_lambda
from libmigrate.aws_lambda import InvocationFailed, Lambda


class Context:
    """What the managed runtime hands over."""

    def __init__(self, request_id="r1", ms=60000):
        self.aws_request_id = request_id
        self.invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:migrate"
        self._ms = ms

    def get_remaining_time_in_millis(self):
        return self._ms


@pytest.fixture
def make(url, folder):
    try:
        libmigrate._library.aws()
    except libmigrate.LibraryError as why:
        pytest.skip(str(why))
    made = []

    def make(files, **environment):
        env = {"MIGRATE_DATABASE_URL": url, "MIGRATE_SOURCE": str(folder(files))}
        env.update(environment)
        handler = Lambda(env)
        made.append(handler)
        return handler

    yield make
    for handler in made:
        handler.close()


def test_up_and_status(make):
    handler = make({"1_a.sql": "CREATE TABLE a (x);"})
    reply = handler({"command": "up"}, Context())
    assert reply["applied"] == 1
    assert handler({"command": "status"}, Context("r2"))["state"] == "current"
    handler.stop()


def test_a_failure_is_raised_by_its_name(make):
    handler = make({"1_a.sql": "SELECT nope;"})
    with pytest.raises(InvocationFailed) as told:
        handler({"command": "up"}, Context())
    assert type(told.value).__name__ == "E_SQL" and "nope" in str(told.value)
    assert told.value.reply


@pytest.mark.parametrize("event", [None, 1, "x", [], {"command": "drop"}, {"command": None}, {"x": {}}])
def test_garbage(make, event):
    handler = make({"1_a.sql": "SELECT 1;"})
    try:
        handler(event, Context())
    except InvocationFailed as failed:
        assert type(failed).__name__.startswith("E_")


# ---- what the five systems that call a function send ---------------------------------------


def doubles():
    spec = importlib.util.spec_from_file_location("doubles", ROOT / "tests/lambda/doubles.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CREATE = {"1_a.sql": "CREATE TABLE a (x);"}


def test_plain_invoke_and_schedule(make):
    scheduled = {"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
    for event in ({}, None, scheduled):
        assert make(CREATE)(event, Context())["state"] == "current"


def test_step_functions(make, tmp_path):
    handler = make(CREATE, MIGRATE_EVENT_ALLOW="up,database", MIGRATE_STATUS_CODE="1")
    assert handler({}, Context())["StatusCode"] == 200
    items = [{"database": "sqlite:%s/%d.db" % (tmp_path, n)} for n in range(3)]
    reply = handler({"Items": items, "BatchInput": {"command": "up"}}, Context("r2"))
    assert reply["failed"] == 0 and [r["ok"] for r in reply["results"]] == [True, True, True]


def test_sqs(make, tmp_path):
    handler = make(CREATE, MIGRATE_EVENT_ALLOW="up,database")
    bodies = [{"database": "sqlite:%s/q.db" % tmp_path}, {"command": "explode"}]
    records = [
        {"messageId": str(n), "eventSource": "aws:sqs", "body": json.dumps(body), "attributes": {}}
        for n, body in enumerate(bodies)
    ]
    assert handler({"Records": records}, Context()) == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_cloudformation(make, folder):
    capture = doubles().Capture()
    try:
        handler = make(CREATE, MIGRATE_MODE="cfn")
        handler(doubles().stack_event("Create", capture), Context())
        assert capture.json["Status"] == "SUCCESS" and capture.json["Data"]["Version"] == "1"
        folder({"2_b.sql": "nonsense;"})
        event = doubles().stack_event("Update", capture)
        handler(event, Context("r2"))
        assert capture.json["Status"] == "FAILED" and "2_b.sql" in capture.json["Reason"]
        handler(doubles().stack_event("Delete", capture), Context("r3"))
        assert capture.json["Status"] == "SUCCESS" and len(capture.puts) == 3
    finally:
        capture.close()


def test_provider_framework(make):
    event = doubles().stack_event("Create")
    handler = make(CREATE, MIGRATE_MODE="cdk-provider", _HANDLER="libmigrate.aws_lambda.onEvent")
    reply = handler(event, Context())
    assert reply["PhysicalResourceId"] and "IsComplete" not in reply
    event["PhysicalResourceId"] = reply["PhysicalResourceId"]
    complete = make(CREATE, MIGRATE_MODE="cdk-provider", _HANDLER="libmigrate.aws_lambda.isComplete")
    reply = complete(event, Context("r2"))
    assert reply["IsComplete"] is True and reply["Data"]["Version"] == "1"
    assert aws_lambda.onEvent is aws_lambda.isComplete is aws_lambda.handler


# ---- what is Python's own -------------------------------------------------------------------


def test_a_variable_that_cannot_be_used_is_the_answer(make, caplog):
    capture = doubles().Capture()
    try:
        handler = make(CREATE, MIGRATE_MODE="cfn", MIGRATE_LOCK_WAIT="soon")
        assert "MIGRATE_LOCK_WAIT" in caplog.text
        handler(doubles().stack_event("Create", capture), Context())
        assert capture.json["Status"] == "FAILED" and "MIGRATE_LOCK_WAIT" in capture.json["Reason"]
    finally:
        capture.close()
    with pytest.raises(CallerError):
        make(CREATE, MIGRATE_MODE="sideways")


def test_migrations_in_python(make, url):
    files = {"1_a.sql": "CREATE TABLE a (x);", "2_b.py": "def up(execute):\n    execute('INSERT INTO a VALUES (7)')\n"}
    assert make(files)({}, Context())["applied"] == 2
    with sqlite3.connect(url[len("sqlite:") :]) as c:
        assert c.execute("SELECT x FROM a").fetchall() == [(7,)]
    with pytest.raises(InvocationFailed) as told:
        make(files, MIGRATE_EVENT_ALLOW="up,source")({}, Context())
    assert type(told.value).__name__ == "E_UNSUPPORTED" and "2_b.py" in str(told.value)
    with pytest.raises(InvocationFailed) as told:
        make({"3_c.py": "def up(execute):\n    raise KeyError('lost')\n"})({}, Context("r2"))
    assert "KeyError" in str(told.value) and "3_c.py" in str(told.value)


def test_what_it_did_is_logged(make, caplog):
    caplog.set_level(logging.INFO, logger="libmigrate")
    make(CREATE)({}, Context())
    assert "1 a applied" in caplog.text
