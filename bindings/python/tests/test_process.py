# SPDX-License-Identifier: Apache-2.0
"""Signals, kills, forks, threads, memory: what a process may do to a Migrator."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from conftest import PATIENCE, environment, killed_at_every_step, python
from kills import FILES as kills_files

import libmigrate
from libmigrate import AsyncMigrator, CallerError, Migrator, Stopped

SLOW = (
    "CREATE TABLE t AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c "
    "WHERE x < 40000000000) SELECT count(*) FROM c;"
)


def child(text, *args):
    return subprocess.Popen(
        [sys.executable, "-c", text, *args],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )


INTERRUPTED = """
import sys
from libmigrate import Migrator
def event(e):
    if e.type == "migration_begin":
        print("begun", flush=True)
with Migrator(sys.argv[1], {"1_a.sql": sys.argv[2]}, on_event=event if sys.argv[3] else None) as m:
    if not sys.argv[3]:
        print("begun", flush=True)
    try:
        m.up()
    except KeyboardInterrupt:
        print("interrupted", m.status().pending)
"""


@pytest.mark.parametrize("with_callback", ["", "1"])
def test_ctrl_c_cancels_the_call(url, with_callback):
    p = child(INTERRUPTED, url, SLOW, with_callback)
    assert p.stdout.readline() == "begun\n"
    time.sleep(0.3)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=PATIENCE)
    assert (out, p.returncode) == ("interrupted 1\n", 0), err


def test_ctrl_c_in_code(url):
    text = """
import sys, time
from libmigrate import Migrator
def up(execute):
    execute("CREATE TABLE a (x)")
    print("begun", flush=True)
    time.sleep(60)
with Migrator(sys.argv[1], {}) as m:
    m.add_code("1_a.py", up)
    try:
        m.up()
    except KeyboardInterrupt:
        print("interrupted", m.status().pending)
"""
    p = child(text, url)
    assert p.stdout.readline() == "begun\n"
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=PATIENCE)
    assert (out, p.returncode) == ("interrupted 1\n", 0), err


def test_a_handler_of_the_application_is_left_alone(url):
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        with Migrator(url, {"1_a.sql": "SELECT 1;"}) as m:
            mine = signal.getsignal(signal.SIGINT)
            m.up()
            assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_killed_at_every_step(tmp_path, folder):
    numbers = itertools.count()
    kills = killed_at_every_step(folder(kills_files), lambda: "sqlite:%s/%d.db" % (tmp_path, next(numbers)))
    assert kills > 20


KILLED = """
import sys, os
from libmigrate import Migrator
with Migrator(sys.argv[1], sys.argv[2]) as m:
    m.up()
"""


@pytest.mark.slow
def test_killed_anywhere_and_run_again(url, folder):
    """By somebody else, at any moment."""
    files = {"0000_a.sql": "CREATE TABLE a (v TEXT);"}
    for n in range(1, 6):
        files["%04d_sql.sql" % (2 * n)] = "INSERT INTO a VALUES ('sql%d');" % n
        files["%04d_code.py" % (2 * n + 1)] = (
            "import time\n"
            "def up(execute):\n"
            "    execute('INSERT INTO a VALUES (?)', ['code%d'])\n"
            "    time.sleep(0.02)\n"
            "    execute('UPDATE a SET v = v || ? WHERE v = ?', ['!', 'code%d'])\n" % (n, n)
        )
    source = folder(files)
    for delay in range(6, 60, 3):
        p = child(KILLED, url, str(source))
        time.sleep(delay / 100)
        p.kill()
        p.communicate()
    with Migrator(url, source) as m:
        assert m.up().current
        assert m.verify().current
    with sqlite3.connect(url[len("sqlite:") :]) as c:
        rows = sorted(r for (r,) in c.execute("SELECT v FROM a"))
    assert rows == sorted(["sql%d" % n for n in range(1, 6)] + ["code%d!" % n for n in range(1, 6)])


def test_fork_after_load(url, folder):
    m = Migrator(url, folder({"1_a.sql": "CREATE TABLE a (x);"}))
    m.status()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = "nothing"
        try:
            m.stop()
            m.close()
            try:
                m.up()
            except CallerError as error:
                said = error.status
            with Migrator(url, folder({})) as own:
                said += " %d" % own.up().applied
        finally:
            os.write(write, said.encode())
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"E_MISUSE 1"
    os.waitpid(pid, 0)
    assert m.up().applied == 0 and m.status().current
    m.close()


def test_threads(tmp_path, folder):
    source = folder(
        {"1_a.sql": "CREATE TABLE a (x);", "2_b.py": "def up(execute):\n    execute('SELECT 1')\n"}
    )
    failures = []

    def work(n):
        try:
            for _ in range(5):
                with Migrator("sqlite:%s/%d.db" % (tmp_path, n), source) as m:
                    m.up()
                    assert m.status().current
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == []


def test_one_migrator_and_many_threads(url, folder):
    failures = []
    with Migrator(url, folder({"1_a.sql": "CREATE TABLE a (x);"})) as m:

        def work():
            try:
                for _ in range(20):
                    m.up()
                    assert m.status().current
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert failures == []


def test_many_processes_one_database(url, folder):
    source = folder({"%d_a.sql" % n: "CREATE TABLE a%d (x);" % n for n in range(1, 11)})
    children = [child(KILLED, url, str(source)) for _ in range(6)]
    for p in children:
        _out, err = p.communicate(timeout=PATIENCE)
        assert p.returncode == 0, err
    with Migrator(url, source) as m:
        assert m.verify().current


MEMORY = """
import gc, json, os, sys
from libmigrate import Migrator, DatabaseError
def up(execute):
    execute("SELECT 1")
class Source:
    def files(self): return ["1_a.sql"]
    def read(self, path): return b"SELECT 1;"
class Lock:
    def acquire(self, key): return None
    def release(self, key): pass
def cycle(n):
    with Migrator(sys.argv[1], Source(), lock=Lock(), on_event=lambda e: None,
                  credentials=lambda login: None) as m:
        m.add_code("2_b.py", up)
        m.up()
        m.plan()
        m.status()
    with Migrator("sqlite::memory:", {"1_a.sql": "SELECT nope;"}) as m:
        try:
            m.up()
        except DatabaseError:
            pass
def used():
    gc.collect()
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096 // 1024, len(os.listdir("/proc/self/fd"))
for n in range(200):
    cycle(n)
seen = [used()]
for batch in range(5):
    for n in range(200):
        cycle(n)
    seen.append(used())
from libmigrate import _bridge
print(json.dumps([[after[0] - before[0] for before, after in zip(seen, seen[1:])],
                  seen[-1][1] - seen[0][1], len(_bridge._objects)]))
"""


def test_memory_is_flat_over_1000_cycles(url):
    """A leak grows with every batch of 200; the allocator's own ups and downs do not."""
    ran = python("-c", MEMORY, url)
    assert ran.returncode == 0, ran.stderr
    grown, descriptors, objects = json.loads(ran.stdout)
    assert min(grown) < 64 and sum(grown) < 2048 and descriptors == 0 and objects == 0, ran.stdout


# ---- asyncio -----------------------------------------------------------------------------


def test_asyncio(url, folder):
    async def main():
        async with AsyncMigrator(url, folder({"1_a.sql": "CREATE TABLE a (x);"})) as m:
            assert (await m.status()).pending == 1
            assert (await m.up()).applied == 1
            assert (await m.verify()).current
            assert (await m.hash()).startswith("sha256:")

    asyncio.run(main())


def test_a_cancelled_task_cancels_the_statement(url):
    async def main():
        async with AsyncMigrator(url, {"1_a.sql": SLOW}) as m:
            task = asyncio.ensure_future(m.up())
            await asyncio.sleep(0.5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await m.status()).pending == 1

    asyncio.run(main())


def test_stop_from_a_signal_handler(url):
    def alarm(event):
        if event.type == "migration_begin" and event.migration.version == "2":
            signal.setitimer(signal.ITIMER_REAL, 0.3)

    with Migrator(url, {"1_a.sql": "SELECT 1;"}, on_event=alarm) as m:
        before = signal.signal(signal.SIGALRM, lambda *_: m.cancel())
        try:
            m.add_file("2_b.sql", SLOW)
            with pytest.raises(Stopped):
                m.up()
        finally:
            signal.signal(signal.SIGALRM, before)
        m.resume()
        assert m.status().version == "1"


def test_library_is_found_and_checked(tmp_path):
    from libmigrate import _abi, _library

    _library.check_version(_abi.HEADER_VERSION, "x", "x")
    _library.check_version(_abi.HEADER_VERSION + 1, "x", "x")
    for bad in (_abi.HEADER_VERSION - 1, 10000):
        with pytest.raises(libmigrate.LibraryError) as told:
            _library.check_version(bad, "9.9.9", "/x/libmigrate.so.0")
        assert "9.9.9" in str(told.value) and _abi.HEADER_VERSION_TEXT in str(told.value)
    text = (
        "import libmigrate\n"
        "try:\n    libmigrate.options()\n"
        "except libmigrate.LibraryError as e:\n    print(e)"
    )
    ran = python("-c", text, LIBMIGRATE_LIBRARY=str(tmp_path))
    assert "libmigrate.so.0 cannot be loaded" in ran.stdout and "LIBMIGRATE_LIBRARY" in ran.stdout
    libc = subprocess.run(
        ["sh", "-c", "ls /lib/*/libc.so.6 /lib64/libc.so.6 2>/dev/null"], stdout=subprocess.PIPE
    )
    ran = python("-c", text, LIBMIGRATE_LIBRARY=libc.stdout.decode().split()[0])
    assert "is not libmigrate" in ran.stdout
