# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL, MySQL and MariaDB: the tests are run once under each server ($PG_URL, $MYSQL_URL)."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit, urlunsplit

import pytest
from conftest import PATIENCE, environment, killed_at_every_step
from kills import FILES as kills_files

from libmigrate import DatabaseError, Holder, LockError, MigrateError, Migrator, Stopped

SLEEP = {"postgres": "SELECT pg_sleep(900);", "mysql": "SELECT sleep(900);"}
LONG = {"postgres": "execute('SELECT pg_sleep(900)')", "mysql": "execute('SELECT sleep(900)')"}


@pytest.fixture
def database(server):
    return server.create()


def rows(url, sql):
    """What a query says, asked by a migration that leaves its history elsewhere."""
    found = []

    def up(execute):
        found.extend(execute(sql))

    with Migrator(url, {}, table_prefix="scratch_%d_" % time.monotonic_ns()) as m:
        m.add_code("1_x.py", up)
        m.up()
    return found


def test_up_down_status(database, folder):
    files = {
        "1_a.up.sql": "CREATE TABLE a (x INTEGER, y VARCHAR(20));",
        "1_a.down.sql": "DROP TABLE a;",
        "2_b.py": "def up(execute):\n"
        "    execute('INSERT INTO a VALUES (?, ?)', [1, 'ä?'])\n"
        "    execute('INSERT INTO a VALUES (?, ?)', [2, None])\n"
        "    assert execute('SELECT x, y FROM a ORDER BY x') == [('1', 'ä?'), ('2', None)]\n"
        "def down(execute):\n"
        "    execute('DELETE FROM a')\n",
    }
    with Migrator(database, folder(files)) as m:
        m.wait(timeout=10)
        assert m.up().applied == 2 and m.verify().current
        assert m.redo(all=True).applied == 2
        assert m.status().database in ("postgres", "mysql", "mariadb")
        assert rows(database, "SELECT count(*) FROM a") == [("2",)]
        assert not m.lock().held
        assert "CREATE TABLE" in m.init_sql()


def test_an_error_has_the_servers_codes(server, database):
    with Migrator(database, {"1_a.sql": "SELECT 1;\nSELECT * FROM nope;"}) as m:
        with pytest.raises(DatabaseError) as told:
            m.up()
    assert told.value.sqlstate == {"postgres": "42P01", "mysql": "42S02"}[server.kind]
    assert told.value.line == 2 and (told.value.code == 1146) == (server.kind == "mysql")


def test_code_that_raises(server, database):
    """It is rolled back; where the engine cannot, the next run goes on behind what is done."""
    failing = [True]

    def up(execute):
        execute("INSERT INTO a VALUES (1)")
        if failing:
            raise KeyError("x")
        execute("INSERT INTO a VALUES (2)")

    with Migrator(database, {"1_a.sql": "CREATE TABLE a (x INTEGER);"}) as m:
        m.add_code("2_b.py", up)
        with pytest.raises(KeyError):
            m.up()
        left = {"postgres": [], "mysql": [("1",)]}[server.kind]
        assert rows(database, "SELECT x FROM a") == left
        failing.clear()
        assert m.up().current
        assert rows(database, "SELECT x FROM a ORDER BY x") == [("1",), ("2",)]


def test_cancel(server, database):
    with Migrator(database, {"1_a.sql": SLEEP[server.kind]}) as m:
        timer = threading.Timer(1, m.cancel)
        timer.start()
        with pytest.raises(Stopped):
            m.up()
        timer.join()
        m.resume()
        assert m.status().pending == 1


INTERRUPTED = """
import sys
from libmigrate import Migrator
def event(e):
    if e.type == "run_begin":
        print("begun", flush=True)
with Migrator(sys.argv[1], sys.argv[2], on_event=event) as m:
    try:
        m.up()
    except KeyboardInterrupt:
        print("interrupted", m.status().pending)
"""


@pytest.mark.parametrize("code", [False, True])
def test_ctrl_c(server, database, folder, code):
    if code:
        source = folder({"1_a.py": "def up(execute):\n    %s\n" % LONG[server.kind]})
    else:
        source = folder({"1_a.sql": SLEEP[server.kind]})
    p = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, database, str(source)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    assert p.stdout.readline() == "begun\n"
    time.sleep(0.7)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=PATIENCE)
    assert (out, p.returncode) == ("interrupted 1\n", 0), err


def test_a_held_lock(server, database):
    def up(execute):
        with Migrator(database, {"1_a.sql": "SELECT 1;"}, lock_wait="1s") as other:
            assert other.lock().held
            with pytest.raises(LockError) as told:
                other.up()
            assert told.value.status == "E_LOCK_TIMEOUT"

    with Migrator(database, {}) as m:
        m.add_code("1_a.py", up)
        m.up()


def parts(url):
    split = urlsplit(url)
    netloc = split.netloc.rpartition("@")[2]
    return urlunsplit(split._replace(netloc=netloc)), split.username


def test_credentials(database):
    bare, user = parts(database)
    asked = []

    def credentials(login):
        asked.append(login)
        return {"user": user}

    with Migrator(bare, {"1_a.sql": "SELECT 1;"}, credentials=credentials) as m:
        m.up()
    assert asked[0].reason == "first" and asked[0].url.startswith(bare.split("?")[0])


def test_a_providers_exception_comes_back(database):
    class Sealed(Exception):
        pass

    sealed = Sealed("the vault is sealed")

    def credentials(login):
        raise sealed

    with Migrator(parts(database)[0], {}, credentials=credentials) as m:
        with pytest.raises(Sealed) as told:
            m.up()
        assert told.value is sealed


def test_a_lock_in_python(database):
    class Shelf:
        renew_every, ttl = 0.2, 600.0

        def __init__(self):
            self.renewed = 0
            self.held = False

        def acquire(self, key):
            if self.held:
                return Holder(session_id="x")
            self.held = True
            return 1

        def release(self, key):
            self.held = False

        def renew(self, key):
            self.renewed += 1

    shelf = Shelf()
    sleep = {"postgres": "SELECT pg_sleep(1.5);", "mysql": "SELECT sleep(1.5);"}
    kind = "postgres" if database.startswith("postgres") else "mysql"
    with Migrator(database, {"1_a.sql": sleep[kind]}, lock=shelf) as m:
        m.up()
    assert shelf.renewed >= 1 and not shelf.held


KILLED = """
import sys
from libmigrate import Migrator
with Migrator(sys.argv[1], sys.argv[2]) as m:
    m.up()
"""


@pytest.mark.parametrize("stride", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_every_step(server, folder, stride):
    """Exactly once, also where DDL commits by itself."""
    kills = killed_at_every_step(folder(kills_files), server.create, stride)
    assert kills > 20 // stride


@pytest.mark.slow
def test_killed_anywhere_and_run_again(server, database, folder):
    """By somebody else, at any moment."""
    files = {"0000_a.sql": "CREATE TABLE a (v VARCHAR(40));"}
    for n in range(1, 5):
        files["%04d_sql.sql" % (2 * n)] = "INSERT INTO a VALUES ('sql%d');" % n
        files["%04d_code.py" % (2 * n + 1)] = (
            "import time\n"
            "def up(execute):\n"
            "    execute('CREATE TABLE made%d (x INTEGER)')\n"
            "    time.sleep(0.02)\n"
            "    execute('INSERT INTO a VALUES (?)', ['code%d'])\n"
            "    time.sleep(0.02)\n"
            "    execute('INSERT INTO made%d VALUES (?)', [%d])\n" % (n, n, n, n)
        )
    source = folder(files)
    for delay in range(12, 70, 4):
        p = subprocess.Popen(
            [sys.executable, "-c", KILLED, database, str(source)], env=environment(), stderr=subprocess.PIPE
        )
        time.sleep(delay / 100)
        p.kill()
        p.communicate()
    with Migrator(database, source) as m:
        assert m.up().current and m.verify().current
    found = sorted(v for (v,) in rows(database, "SELECT v FROM a"))
    assert found == sorted(["sql%d" % n for n in range(1, 5)] + ["code%d" % n for n in range(1, 5)])
    for n in range(1, 5):
        assert rows(database, "SELECT x FROM made%d" % n) == [(str(n),)]


def test_postgres_fixture(server, pytester, monkeypatch):
    if server.kind != "postgres":
        pytest.skip("of PostgreSQL")
    pytester.makeconftest("pytest_plugins = ['libmigrate.testing']")
    (pytester.mkdir("migrations") / "1_a.sql").write_text("CREATE TABLE a (x INTEGER);")
    pytester.makepyfile(
        """
        import pytest
        from libmigrate import Migrator

        names = set()

        @pytest.mark.parametrize("n", [1, 2, 3])
        def test_it(migrated_postgres, n):
            names.add(migrated_postgres.name)
            assert len(names) == n
            with Migrator(migrated_postgres.url, "migrations") as m:
                assert m.status().current
        """
    )
    monkeypatch.delenv("MIGRATE_SOURCE", raising=False)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--migrate-postgres", server.url)
    result.assert_outcomes(passed=3)
    left = rows(server.url, "SELECT count(*) FROM pg_database WHERE datname LIKE 'libmigrate_t%'")
    assert left == [("0",)]


def test_garbage_urls(server):
    for bad in ("", "/", "?x=y", "/%00", "/\x7f", ":x/y", "@/"):
        with Migrator(
            "%s://127.0.0.1:1%s" % (server.kind, bad), {}, connect_timeout="1s", reconnect_timeout="0"
        ) as m:
            with pytest.raises(MigrateError):
                m.up()


def test_sqlalchemy_example(server, database, folder):
    if server.kind != "postgres":
        pytest.skip("of PostgreSQL")
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    from sqlalchemy import create_engine, text
    from test_examples import load

    engine = create_engine(database.replace("postgres://", "postgresql+psycopg://", 1))
    source = folder({"1_a.sql": "CREATE TABLE a (x INTEGER);", "2_b.sql": "INSERT INTO a VALUES (7);"})
    assert load("sqlalchemy").migrate(engine, source).applied == 2
    with engine.connect() as connection:
        assert connection.execute(text("SELECT x FROM a")).scalar() == 7
    engine.dispose()


def test_beside_another_client_library(server, database):
    """psycopg and libmigrate in one process, both at work, also at once."""
    if server.kind != "postgres":
        pytest.skip("of PostgreSQL")
    psycopg = pytest.importorskip("psycopg")
    working, failures = threading.Event(), []

    def count(connection):
        try:
            while working.is_set():
                assert connection.execute("SELECT 1").fetchone() == (1,)
        except BaseException as error:
            failures.append(error)

    connection = psycopg.connect(database, autocommit=True)
    working.set()
    thread = threading.Thread(target=count, args=(connection,))
    thread.start()
    files = {"%02d_a.sql" % n: "CREATE TABLE a%d (x INTEGER);" % n for n in range(1, 21)}
    with Migrator(database, files) as m:
        m.up()
        working.clear()
        thread.join()
        connection.execute("INSERT INTO a20 VALUES (1)")
        assert m.status().current
    assert failures == [] and rows(database, "SELECT x FROM a20") == [("1",)]
    connection.close()
