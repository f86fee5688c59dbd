# SPDX-License-Identifier: Apache-2.0
"""The function's handler, called as the managed runtime calls it."""

from __future__ import annotations

import pytest

import libmigrate
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
