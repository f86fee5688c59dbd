# SPDX-License-Identifier: Apache-2.0
"""Every call, on SQLite."""

from __future__ import annotations

import dataclasses
import logging
import pickle
import sqlite3
from datetime import timedelta, timezone

import pytest

import libmigrate
from libmigrate import CallerError, DatabaseError, Migrator, SourceError, StateError, Stopped

PAIR = {
    "0001_a.up.sql": "CREATE TABLE a (x INTEGER);",
    "0001_a.down.sql": "DROP TABLE a;",
    "0002_b.up.sql": "CREATE TABLE b (x INTEGER);",
    "0002_b.down.sql": "DROP TABLE b;",
}


def tables(url):
    with sqlite3.connect(url[len("sqlite:") :]) as c:
        rows = c.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return sorted(name for (name,) in rows if not name.startswith("migrate_"))


def test_up_down_redo(url, folder):
    with Migrator(url, folder(PAIR)) as m:
        report = m.up(steps=1)
        assert (report.state, report.applied, report.pending, report.version) == ("pending", 1, 1, "0001")
        report = m.up()
        assert report.current and report.applied == 1 and len(report.migrations) == 1
        assert m.up().applied == 0
        assert tables(url) == ["a", "b"]
        assert m.redo().reverted == 1
        report = m.down()
        assert report.migrations[0].direction == "down" and tables(url) == ["a"]
        assert m.up(to="0002").applied == 1
        assert m.down(all=True).reverted == 2
        assert tables(url) == []
        assert m.up(deadline=60).applied == 2
        assert m.down(to="0001").reverted == 1


def test_status_and_verify(url, folder):
    source = folder(PAIR)
    with Migrator(url, source) as m:
        assert [r.state for r in m.status().migrations] == ["pending", "pending"]
        m.up()
        row = m.status().migrations[0]
        assert (row.version, row.name, row.kind, row.state) == ("0001", "a", "versioned", "applied")
        assert row.applied_at.tzinfo is timezone.utc and row.checksum.startswith("sha256:")
        assert m.verify().current
        (source / "0001_a.up.sql").write_text("CREATE TABLE a (y INTEGER);")
        with pytest.raises(StateError) as told:
            m.verify()
        assert told.value.status == "E_CHANGED" and told.value.report.migrations[0].state == "changed"


def test_no_migrations_is_a_source(url):
    with Migrator(url, {}) as m:
        assert m.up().applied == 0 and m.status().current and m.hash()
        m.add_file("1_a.sql", "CREATE TABLE a (x);")
        m.add_code("2_b.py", lambda execute: execute("INSERT INTO a VALUES (1)"))
        assert m.up().applied == 2


def test_plan(url, folder):
    source = folder(PAIR)
    with Migrator(url, source) as m:
        plan = m.plan(sql=True)
        assert len(plan) == 2 and plan and [s.direction for s in plan] == ["up", "up"]
        assert plan.steps[0].sql == ("CREATE TABLE a (x INTEGER)",)
        statement = next(m.statements(plan, 1))
        assert (statement.text, statement.line) == ("CREATE TABLE b (x INTEGER)", 1)
        assert "CREATE TABLE b (x INTEGER)" in m.script(plan)
        assert m.apply(plan).applied == 2
        with pytest.raises(StateError) as told:
            m.apply(plan)
        assert told.value.status == "E_STALE"
        destructive = m.plan("down").steps[0]
        assert destructive.destructive and next(m.statements(m.plan("down"), 0)).destructive
        assert not m.plan()
        with pytest.raises(IndexError):
            m.statements(plan, 2)


def test_a_plan_outlives_its_context(url, folder):
    source = folder(PAIR)
    with Migrator(url, source) as m:
        plan = m.plan()
    with Migrator(url, source) as m:
        assert m.apply(plan).applied == 2


def test_plan_of_a_dialect(folder):
    with Migrator(source=folder(PAIR), dialect="postgres") as m:
        assert len(m.plan()) == 2
        assert "CREATE TABLE" in m.init_sql()
        with pytest.raises(CallerError) as told:
            m.up()
        assert told.value.status == "E_MISUSE"


def test_baseline_and_init(url, folder):
    with Migrator(url, folder(PAIR)) as m:
        assert "migrate_history" in m.init_sql()
        m.init()
        report = m.baseline("0001")
        assert report.version == "0001" and [r.state for r in m.status().migrations][0] == "baseline"
        with pytest.raises(StateError) as told:
            m.baseline("0002")
        assert told.value.status == "E_NOT_EMPTY"
        with pytest.raises(CallerError):
            m.resolve("0001", applied=True)


def test_new_hash_wait_lock(url, folder):
    with Migrator(url, folder(PAIR)) as m:
        assert m.hash().startswith("sha256:")
        assert m.new("add users", pair=True) == ("0003_add_users.up.sql", "0003_add_users.down.sql")
        m.wait(timeout=5)
        assert m.get("wait_timeout") == "60s"
        m.up()
        m.wait()
        assert not m.lock().held and "SQLite" in m.lock().text
        with pytest.raises(CallerError) as told:
            m.break_lock()
        assert told.value.status == "E_UNSUPPORTED"


def test_an_error_says_where(url, folder):
    with Migrator(url, folder({"1_a.sql": "SELECT 1;\n\n  INSERT INTO nope VALUES (1);\n"})) as m:
        with pytest.raises(DatabaseError) as told:
            m.up()
    error = told.value
    assert (error.path, error.line, error.column, error.statement) == ("1_a.sql", 3, 3, 2)
    assert (error.status, error.status_code, error.code) == ("E_SQL", 602, 1)
    assert error.version == "1" and error.hint and error.state and error.message == "no such table: nope"
    assert "1_a.sql:3:3: no such table: nope" in str(error) and error.report.pending == 1
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is DatabaseError and copy.__dict__ == error.__dict__ and str(copy) == str(error)


def test_classes(url, folder, tmp_path):
    with Migrator(url, folder({"1_a.sql": "SELECT 'x"})) as m:
        with pytest.raises(SourceError) as told:
            m.up()
        assert told.value.status == "E_PARSE" and told.value.path == "1_a.sql"
    with Migrator("nope:x", folder({})) as m:
        with pytest.raises(CallerError) as no_driver:
            m.up()
        assert no_driver.value.status == "E_NO_DRIVER"
    with Migrator("sqlite:%s/no/such/dir/x.db" % tmp_path, {}) as m:
        with pytest.raises(libmigrate.MigrateError):
            m.up()


def test_stop_is_sticky(url, folder):
    with Migrator(url, folder(PAIR)) as m:
        m.stop()
        with pytest.raises(Stopped) as told:
            m.up()
        assert told.value.status == "E_STOPPED" and told.value.status_code // 100 == 7
        m.resume()
        assert m.up().applied == 2


def test_cancel_ends_a_statement(url, folder):
    slow = (
        "CREATE TABLE t AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c "
        "WHERE x < 4000000000) SELECT count(*) FROM c;"
    )
    with Migrator(url, {"1_slow.sql": slow}) as m:
        import threading

        timer = threading.Timer(0.5, m.cancel)
        timer.start()
        with pytest.raises(Stopped) as told:
            m.up()
        timer.join()
        assert told.value.status == "E_CANCELLED"


def test_events_and_logging(url, folder, caplog):
    seen = []
    caplog.set_level(logging.DEBUG, logger="libmigrate")
    with Migrator(url, folder(PAIR), on_event=seen.append) as m:
        m.up()
    kinds = [e.type for e in seen]
    assert kinds.count("migration_end") == 2 and "connected" in kinds and "run_end" in kinds
    begin = next(e for e in seen if e.type == "migration_begin")
    assert begin.migration.version == "0001" and begin.total == 2 and begin.text
    assert all(dataclasses.is_dataclass(e) for e in seen)
    assert any("0001 a applied" in r.getMessage() for r in caplog.records)
    with pytest.raises(dataclasses.FrozenInstanceError):
        begin.type = "x"


def test_an_event_callbacks_exception_comes_back(url, folder):
    class Mine(Exception):
        pass

    mine = Mine("no")

    def callback(event):
        if event.type == "migration_end":
            raise mine

    with Migrator(url, folder(PAIR), on_event=callback) as m:
        with pytest.raises(Mine) as told:
            m.up()
        assert told.value is mine
        assert m.get("layout") == "auto"
    with Migrator(url, folder(PAIR)) as m:
        assert m.status().version == "0001"


@pytest.mark.parametrize("type_", ["connected", "run_begin", "migration_end", "run_end"])
@pytest.mark.parametrize("kind", [ValueError, SystemExit])
def test_what_a_listener_raises_is_never_lost(url, folder, type_, kind):
    wanted = [type_]

    def callback(event):
        if event.type in wanted:
            raise kind("listener")

    with Migrator(url, folder(PAIR), on_event=callback) as m:
        if (type_, kind) == ("run_end", ValueError):
            with pytest.warns(RuntimeWarning, match="listener"):
                assert m.up().current
        else:
            with pytest.raises(kind, match="listener"):
                m.up()
        wanted.clear()
        assert m.up().current, "it can be used afterwards"


def test_not_from_inside_a_call(url, folder):
    caught = []

    def callback(event):
        for call in (m.status, m.close, m.resume):
            try:
                call()
            except CallerError as error:
                caught.append(error.status)
        assert m.get("lock_wait") == "5m"

    with Migrator(url, folder(PAIR), on_event=callback) as m:
        m.up()
    assert caught and set(caught) == {"E_MISUSE"}


def test_options(url, folder):
    table = {o.key: o for o in libmigrate.options()}
    assert table["lock_wait"].default == "5m" and table["lock_wait"].type == "duration"
    assert table["out_of_order"].values == ("deny", "allow")
    with Migrator(
        url,
        {"1_a.sql": "CREATE TABLE ${NAME} (x);"},
        lock_wait=timedelta(milliseconds=1500),
        connect_timeout=2,
        out_of_order=True,
        contexts=["a", "b"],
        placeholder={"NAME": "named"},
        retries=7,
    ) as m:
        assert (m.get("lock_wait"), m.get("connect_timeout")) == ("1500ms", "2000ms")
        assert (m.get("out_of_order"), m.get("contexts"), m.get("retries")) == ("allow", "a,b", "7")
        m.up()
        m.set(retries=None)
        assert m.get("retries") == table["retries"].default
    assert tables(url) == ["named"]
    with pytest.raises(CallerError) as told:
        Migrator(url, {}, no_such_option="x")
    assert told.value.status == "E_OPTION"


def test_closed(url, folder):
    m = Migrator(url, folder(PAIR))
    m.up()
    m.disconnect()
    assert m.status().current
    m.close()
    m.close()
    m.stop()
    assert m.closed and "closed" in repr(m)
    with pytest.raises(CallerError):
        m.status()
