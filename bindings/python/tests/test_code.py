# SPDX-License-Identifier: Apache-2.0
"""Migrations that are Python, and sources, locks and credentials in Python."""

from __future__ import annotations

import sqlite3

import pytest

from libmigrate import (
    CallerError,
    CodeMigration,
    DatabaseError,
    Holder,
    LockError,
    LockLost,
    Migrator,
    SourceError,
    StateError,
    Stopped,
)

TABLE = "CREATE TABLE a (x INTEGER, y TEXT);"
CODE = """
def up(execute):
    execute("INSERT INTO a VALUES (?, ?)", [1, None])
    execute("INSERT INTO a VALUES (2, 'it''s'); INSERT INTO a VALUES (3, '?')")
    rows = execute("SELECT x, y FROM a ORDER BY x")
    assert rows == [("1", None), ("2", "it's"), ("3", "?")], rows
    seen = []
    execute.each(seen.append, "SELECT x FROM a WHERE x > ?", [1])
    assert len(seen) == 2 and execute.direction == "up"
    execute.tick()

def down(execute):
    execute("DELETE FROM a")
"""


def count(url):
    with sqlite3.connect(url[len("sqlite:") :]) as c:
        return c.execute("SELECT count(*) FROM a").fetchone()[0]


@pytest.mark.parametrize("kind", [ValueError, SystemExit])
def test_what_is_raised_for_a_row_comes_back(url, kind):
    def refuse(row):
        raise kind(row[0])

    def up(execute):
        execute("INSERT INTO a VALUES (7, NULL)")
        execute.each(refuse, "SELECT x FROM a")

    with Migrator(url, {"1_a.sql": TABLE}) as m:
        m.add_code("2_b.py", up)
        with pytest.raises(kind, match="7"):
            m.up()
        assert m.status().version == "1" and count(url) == 0


def test_in_version_order(url, folder):
    source = folder({"0001_a.sql": TABLE, "0002_fill.py": CODE, "0003_b.sql": "UPDATE a SET x = x + 1;"})
    (source / "helper.py").write_text("raise SystemExit('must not be run')")
    (source / "__init__.py").write_text("raise SystemExit('must not be run')")
    with Migrator(url, source) as m:
        assert [r.path for r in m.status().migrations] == ["0001_a.sql", "0002_fill.py", "0003_b.sql"]
        assert m.up().applied == 3 and count(url) == 3
        assert m.verify().current
    folder({"0004_c.py": "def up(execute):\n    execute('DELETE FROM a')\n"})
    with Migrator(url, source) as m:
        m.up()
        with pytest.raises(StateError) as told:
            m.down()
        assert told.value.status == "E_IRREVERSIBLE"


def test_down(url, folder):
    with Migrator(url, folder({"0001_a.sql": TABLE, "0002_fill.py": CODE})) as m:
        m.up()
        assert m.down().reverted == 1 and count(url) == 0


def test_rolled_back_when_it_raises(url, folder):
    source = folder(
        {
            "1_a.sql": TABLE,
            "2_b.py": "def up(execute):\n    execute('INSERT INTO a VALUES (1, 2)')\n    {}['x']\n",
        }
    )
    with Migrator(url, source) as m:
        with pytest.raises(KeyError) as told:
            m.up()
        assert told.traceback[-1].path.name == "2_b.py"
        assert count(url) == 0 and m.status().version == "1"


def test_the_databases_words_reach_the_code(url, folder):
    source = folder(
        {
            "1_a.py": "from libmigrate import DatabaseError\n"
            "def up(execute):\n"
            "    execute('CREATE TABLE a (x)')\n"
            "    execute('SELECT * FROM nope')\n"
        }
    )
    with Migrator(url, source) as m:
        with pytest.raises(DatabaseError) as told:
            m.up()
    assert "no such table: nope" in str(told.value) and told.value.status == "E_SQL"
    assert any(entry.path.name == "1_a.py" for entry in told.traceback)


def test_a_changed_file_is_seen(url, folder):
    source = folder({"1_a.py": "def up(execute):\n    execute('CREATE TABLE a (x)')\n"})
    with Migrator(url, source) as m:
        m.up()
        (source / "1_a.py").write_text("def up(execute):\n    execute('CREATE TABLE b (x)')\n")
        with pytest.raises(SourceError) as told:
            m.status()
        assert told.value.status == "E_SOURCE_MOVED"
    with Migrator(url, source) as m:
        assert m.status().migrations[0].state == "changed"
    (source / "1_a.py").write_bytes(b"\xef\xbb\xbfdef up(execute):\r\n    execute('CREATE TABLE a (x)')\r\n")
    with Migrator(url, source) as m:
        assert m.status().current


@pytest.mark.parametrize(
    "text", ["def up(:\n", "x = 1\n", "async def up(execute): pass\n", "def up(execute):\n    \0\n"]
)
def test_bad_files_are_the_sources_fault(url, folder, text):
    with Migrator(url, folder({"1_a.py": text})) as m:
        with pytest.raises(SourceError) as told:
            m.status()
        assert told.value.path == "1_a.py"


def test_added_code(url):
    kept = []

    def up(execute):
        kept.append(execute)
        execute("CREATE TABLE a (x)")

    with Migrator(url, {}) as m:
        m.add_code("1_a.py", up, lambda execute: execute("DROP TABLE a"), checksum="sha256:" + "0" * 64)
        with pytest.raises(SourceError) as told:
            m.add_code("1_a.py", up)
        assert told.value.status == "E_DUPLICATE"
    with Migrator(url, {}) as m:
        m.add_code("1_a.py", up, lambda execute: execute("DROP TABLE a"))
        m.up()
        m.down()
        with pytest.raises(CallerError):
            kept[0]("SELECT 1")


def test_no_transaction_control_from_code(url):
    with Migrator(url, {}) as m:
        m.add_code("1_a.py", lambda execute: execute("COMMIT"))
        with pytest.raises(SourceError) as told:
            m.up()
        assert told.value.status == "E_TRANSACTION"


def test_cancel_from_code(url):
    with Migrator(url, {}) as m:

        def up(execute):
            m.cancel()
            while True:
                execute.tick()

        m.add_code("1_a.py", up)
        with pytest.raises(Stopped) as told:
            m.up()
        assert told.value.status == "E_CANCELLED"


# ---- sources -----------------------------------------------------------------------------


class Memory:
    def __init__(self, files):
        self.texts = dict(files)
        self.code = []

    def files(self):
        return list(self.texts) + self.code

    def read(self, path):
        return self.texts[path]

    def create(self, path, text):
        self.texts[path] = text


def test_source(url):
    source = Memory({"1_a.sql": TABLE.encode(), "3_c.sql": b"INSERT INTO a VALUES (9, 'z');" * 5000})
    source.code.append(
        CodeMigration(
            "2_b.py",
            lambda execute: execute("INSERT INTO a VALUES (1, 'x')"),
            lambda execute: execute("DELETE FROM a"),
        )
    )
    with Migrator(url, source) as m:
        assert m.up().applied == 3 and count(url) == 5001
        (path,) = m.new("more")
        assert path in source.texts


class Broken(Exception):
    pass


@pytest.mark.parametrize("where", ["files", "read", "type"])
def test_a_sources_exception_comes_back(url, where):
    broken = Broken("the shelf is empty")

    class Bad:
        def files(self):
            if where == "files":
                raise broken
            return ["1_a.sql"]

        def read(self, path):
            if where == "read":
                raise broken
            return "not bytes"

    with Migrator(url, Bad()) as m:
        with pytest.raises((Broken, TypeError)) as told:
            m.up()
        assert told.value is broken or where == "type"


def test_an_uncreating_source(url):
    class Plain:
        def files(self):
            return []

        def read(self, path):
            return b""

    with Migrator(url, Plain()) as m:
        with pytest.raises(CallerError) as told:
            m.new("x")
        assert told.value.status == "E_UNSUPPORTED"


# ---- locks -------------------------------------------------------------------------------


class Shelf:
    """A lock in memory."""

    def __init__(self):
        self.holder = None
        self.calls = []

    def acquire(self, key):
        self.calls.append("acquire")
        if self.holder:
            return self.holder
        self.holder = Holder(session_id="me")
        return len(self.calls)

    def release(self, key):
        self.calls.append("release")
        if not self.holder:
            raise LockLost()
        self.holder = None

    def inspect(self, key):
        return self.holder

    def break_lock(self, key, holder):
        assert holder == self.holder
        self.holder = None


def test_lock(url, folder):
    shelf = Shelf()
    with Migrator(url, folder({"1_a.sql": TABLE}), lock=shelf, lock_wait="0") as m:
        assert not m.lock().held
        m.up()
        assert shelf.calls == ["acquire", "release"] and shelf.holder is None


def test_a_held_lock(url, folder):
    shelf = Shelf()
    shelf.holder = Holder(session_id="s1", application="other", host="h", user="u", doing="things")
    with Migrator(url, folder({"1_a.sql": TABLE}), lock=shelf, lock_wait="0") as m:
        with pytest.raises(LockError) as told:
            m.up()
        assert told.value.status == "E_LOCK_TIMEOUT"
        assert m.lock().held and "other" in m.lock().text
        m.break_lock()
        assert m.up().applied == 1


def test_a_locks_exception_comes_back(url, folder):
    broken = Broken("no lock service")

    class Bad(Shelf):
        def acquire(self, key):
            raise broken

    with Migrator(url, folder({"1_a.sql": TABLE}), lock=Bad(), lock_wait="0") as m:
        with pytest.raises(Broken) as told:
            m.up()
        assert told.value is broken
