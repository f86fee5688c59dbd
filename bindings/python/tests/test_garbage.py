# SPDX-License-Identifier: Apache-2.0
"""Garbage to every entry point: an exception of ours, TypeError or ValueError; never a crash."""

from __future__ import annotations

import inspect
import sqlite3

import pytest

import libmigrate
from libmigrate import CallerError, MigrateError, Migrator

GARBAGE = [
    None,
    0,
    -1,
    2**70,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "\0",
    "a\0b",
    "\ud800",
    "x" * 100000,
    "../../../etc/passwd",
    "%s%n%s",
    b"bytes",
    [],
    ["\0"],
    {},
    {"a": 1},
    object(),
    lambda *a: None,
    True,
]
FINE = (MigrateError, TypeError, ValueError, OverflowError, IndexError, AttributeError)

METHODS = [
    "up",
    "down",
    "redo",
    "plan",
    "apply",
    "statements",
    "script",
    "baseline",
    "resolve",
    "new",
    "set",
    "get",
    "add_file",
    "add_code",
    "adopt",
    "load_driver",
    "wait",
]


@pytest.mark.parametrize("name", METHODS)
def test_calls(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parameters = list(inspect.signature(getattr(Migrator, name)).parameters.values())[1:]
    for i, _parameter in enumerate(parameters):
        for value in GARBAGE:
            for rest in ("1", None, 1, value):
                with Migrator("sqlite:x.db", {"1_a.sql": "SELECT 1;"}, wait_timeout="10ms") as m:
                    arguments = {}
                    for j, p in enumerate(parameters):
                        if p.kind is p.VAR_KEYWORD:
                            arguments["lock_wait"] = value
                        elif j == i:
                            arguments[p.name] = value
                        elif p.default is p.empty:
                            arguments[p.name] = rest
                    if (
                        name == "adopt"
                        and isinstance(value, int)
                        and not isinstance(value, bool)
                        and value > 0
                    ):
                        continue  # a wild pointer is the caller's own doing
                    if name == "adopt" and isinstance(rest, int) and rest > 0:
                        continue
                    try:
                        getattr(m, name)(**arguments)
                    except FINE:
                        pass


@pytest.mark.parametrize("name", ["database", "source", "dialect", "on_event", "credentials", "lock", "any"])
def test_construction(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for value in GARBAGE:
        arguments = {"database": "sqlite:x.db", "source": {}}
        arguments["lock_wait" if name == "any" else name] = value
        if name == "dialect":
            del arguments["database"]
        try:
            with Migrator(**arguments) as m:
                m.up()
        except FINE:
            pass
        for key in ("zzz", "", "a\0", "placeholder."):
            if isinstance(value, dict):
                continue  # other keys, or none
            with pytest.raises(FINE):
                Migrator("sqlite:x.db", {}, **{key: value if value is not None else "x"})


def test_callbacks_that_return_garbage(tmp_path):
    for value in GARBAGE:

        class Source:
            def files(self):
                return value

            def read(self, path):
                return value

        class Files(Source):
            def files(self):
                return ["1_a.sql"]

        class Paths(Source):
            def files(self):
                return [value]

        class Lock:
            def acquire(self, key):
                return value

            def release(self, key):
                return value

            def inspect(self, key):
                return value

        for source in (Source(), Files(), Paths()):
            for lock in (None, Lock()):
                try:
                    with Migrator(
                        "sqlite:%s/x.db" % tmp_path,
                        source,
                        lock=lock,
                        lock_wait="0",
                        on_event=lambda e: value,
                        credentials=lambda login: value,
                    ) as m:
                        m.lock()
                        m.up()
                except FINE:
                    pass


def test_execute(tmp_path):
    for value in GARBAGE:

        def up(execute):
            for arguments in ((value,), ("SELECT ?", value), ("SELECT ?", [value]), ("SELECT 1", ["x"])):
                try:
                    execute(*arguments)
                except FINE:
                    pass

        with Migrator("sqlite::memory:", {}) as m:
            m.add_code("1_a.py", up)
            try:
                m.up()
            except FINE:
                pass


def shares_sqlite():
    """Python's sqlite3 and libmigrate use one library; not where libmigrate brings its own."""
    return not hasattr(libmigrate._library.library().c, "migrate_sqlite_driver")


def test_adopt_with_two_sqlites():
    if shares_sqlite():
        pytest.skip("there is one")
    with Migrator(source={}) as m:
        with pytest.raises(CallerError) as told:
            m.adopt(sqlite3.connect(":memory:"))
    assert "two different copies of SQLite" in str(told.value) and "sqlite:FILE" in told.value.hint


@pytest.mark.skipif(not shares_sqlite(), reason="libmigrate brings its own SQLite")
def test_adopt_refuses_what_it_should(tmp_path):
    closed = sqlite3.connect(":memory:")
    closed.close()
    busy = sqlite3.connect(":memory:", isolation_level=None)
    busy.execute("BEGIN")
    with Migrator(source={}) as m:
        with pytest.raises(sqlite3.ProgrammingError):
            m.adopt(closed)
        with pytest.raises(MigrateError) as told:
            m.adopt(busy)
        assert told.value.status == "E_MISUSE"
        with pytest.raises(TypeError):
            m.adopt("sqlite")


@pytest.mark.skipif(not shares_sqlite(), reason="libmigrate brings its own SQLite")
def test_adopt(tmp_path):
    connection = sqlite3.connect(":memory:")
    with Migrator(source={"1_a.sql": "CREATE TABLE a (x);"}) as m:
        assert m.adopt(connection) is m
        m.up()
        m.disconnect()
        connection.execute("INSERT INTO a VALUES (1)")
        connection.commit()
        m.adopt(connection)
        assert m.status().current
    assert connection.execute("SELECT x FROM a").fetchall() == [(1,)]
    connection.close()


def test_version_of_the_library():
    assert libmigrate.library_version().count(".") == 2 and libmigrate.library_path()
