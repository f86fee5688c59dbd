#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kill the client anywhere, run again until it is done, compare with an undisturbed run.

kills.py --engine sqlite|postgres|mysql|mariadb --kill-at PROGRAM [--kills N] [--seed N] [--servers N]

Half of the kills are at an event (the boundaries of statements, migrations, lock and connection, one after the other),
half at a random time. --servers N kills the server N times instead (postgres, mysql, mariadb). What must hold: the schema
and every row as in the undisturbed run, each migration once in the history, no doubt but where `plan` marked it (nothing
here is), no manual step. Exit 77: no server is installed."""

import argparse
import difflib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, "..", "tools")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.write(text)


def common_source(folder):
    """What every engine runs: DDL, counters that show a second run, many rows, a repeatable."""
    write(folder, "V01__tables.sql",
          "CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL);\n"
          "CREATE TABLE notes (id INTEGER PRIMARY KEY, body VARCHAR(200));\n"
          "INSERT INTO counters VALUES (1, 0);\nINSERT INTO counters VALUES (2, 0);\n")
    for i in range(2, 9):
        write(folder, f"V{i:02}__step.sql",
              f"UPDATE counters SET n = n + 1 WHERE id = 1;\n"
              f"ALTER TABLE notes ADD COLUMN c{i} INTEGER DEFAULT {i};\n"
              f"INSERT INTO notes (id, body) VALUES ({i}, 'v{i};--');\n"
              f"CREATE INDEX notes_c{i} ON notes (c{i});\n"
              f"UPDATE counters SET n = n + {i} WHERE id = 2;\n")
    rows = ", ".join(f"({1000 + k}, 'row {k}')" for k in range(200))
    write(folder, "V09__rows.sql",
          f"INSERT INTO notes (id, body) VALUES {rows};\nUPDATE counters SET n = n * 2 + 1 WHERE id = 2;\n")
    write(folder, "R__view.sql", "DROP VIEW IF EXISTS totals;\n"
          "CREATE VIEW totals AS SELECT SUM(n) AS total FROM counters;\n")


class Sqlite:
    dialect = "sqlite"

    def __init__(self, scratch):
        self.scratch = scratch
        self.wal = False

    def source(self, folder):
        common_source(folder)
        write(folder, "V10__rebuild.sql",
              "PRAGMA foreign_keys = OFF;\nCREATE TABLE child (id INTEGER PRIMARY KEY, c INTEGER REFERENCES counters(id));\n"
              "INSERT INTO child VALUES (1, 1);\nCREATE TABLE counters_new (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, x TEXT);\n"
              "INSERT INTO counters_new (id, n) SELECT id, n FROM counters;\nDROP VIEW IF EXISTS totals;\nDROP TABLE counters;\n"
              "ALTER TABLE counters_new RENAME TO counters;\nPRAGMA foreign_keys = ON;\n")
        write(folder, "V11__alone.sql",
              "-- migrate: no-transaction\nUPDATE counters SET n = n + 100 WHERE id = 1;\nVACUUM;\n"
              "UPDATE counters SET n = n + 1000 WHERE id = 2;\n")

    def fresh(self, name):
        path = os.path.join(self.scratch, name + ".db")
        for end in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(path + end):
                os.unlink(path + end)
        if self.wal:
            subprocess.run(["sqlite3", path, "PRAGMA journal_mode=WAL"], check=True, stdout=subprocess.DEVNULL)
        self.wal = not self.wal
        return "sqlite:" + path

    def dump(self, url):
        path = url[len("sqlite:"):]
        integrity = subprocess.run(["sqlite3", path, "PRAGMA integrity_check"], check=True, capture_output=True, text=True)
        out = subprocess.run(["sqlite3", path, ".dump"], check=True, capture_output=True, text=True).stdout
        lines = [l for l in out.split("\n") if "migrate_" not in l]
        return integrity.stdout + "\n".join(sorted(lines))

    def query(self, url, sql):
        return subprocess.run(["sqlite3", url[len("sqlite:"):], sql], check=True, capture_output=True, text=True).stdout

    def stop(self):
        pass


class Postgres:
    dialect = "postgres"

    def __init__(self, scratch):
        self.dir = os.path.join(scratch, "pg")
        self.port = free_port()
        r = subprocess.run([os.path.join(TOOLS, "pg_server.sh"), "start", self.dir, str(self.port)])
        if r.returncode == 77:
            sys.exit(77)
        if r.returncode:
            sys.exit("the server did not start")
        self.env = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(self.port), PGUSER="postgres")

    def psql(self, database, sql):
        return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql], env=self.env,
                              check=True, capture_output=True, text=True).stdout

    def source(self, folder):
        common_source(folder)
        write(folder, "V10__concurrently.sql", "CREATE INDEX CONCURRENTLY notes_body ON notes (body);\n")
        write(folder, "V11__alone.sql",
              "-- migrate: no-transaction\nUPDATE counters SET n = n + 100 WHERE id = 1;\nVACUUM notes;\n"
              "CREATE INDEX CONCURRENTLY notes_both ON notes (body, c2);\nUPDATE counters SET n = n + 1000 WHERE id = 2;\n"
              "DROP INDEX CONCURRENTLY notes_body;\n")
        write(folder, "V12__copy.sql", "COPY counters (id, n) FROM STDIN;\n" +
              "".join(f"{k}\t{k}\n" for k in range(100, 160)) + "\\.\n")

    def fresh(self, name):
        for attempt in range(50):
            try:
                self.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                self.psql("postgres", f"CREATE DATABASE {name}")
                break
            except subprocess.CalledProcessError:
                time.sleep(0.1)
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def dump(self, url):
        out = subprocess.run(["pg_dump", "--inserts", "-T", "migrate_*", url], check=True, capture_output=True, text=True)
        return "\n".join(sorted(l for l in out.stdout.split("\n") if not l.startswith(("--", "\\"))))

    def query(self, url, sql):
        return self.psql(url, sql)

    def kill_server(self):
        with open(os.path.join(self.dir, "pid"), encoding="ascii") as f:
            pid = int(f.read())
        children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
        os.kill(pid, signal.SIGKILL)
        for child in children:
            try:
                os.kill(int(child), signal.SIGKILL)
            except ProcessLookupError:
                pass
        lock = os.path.join(self.dir, "data", "postmaster.pid")
        for _ in range(40):  # backends may take a moment to be gone
            time.sleep(0.2)
            if os.path.exists(lock):
                os.unlink(lock)
            r = subprocess.run([os.path.join(TOOLS, "pg_server.sh"), "start", self.dir, str(self.port)],
                               capture_output=True, text=True)
            if r.returncode == 0:
                return
        raise SystemExit(f"the server did not come back: {r.stderr}")

    def stop(self):
        subprocess.run([os.path.join(TOOLS, "pg_server.sh"), "stop", self.dir, "immediate"])


class Mysql:
    dialect = "mysql"

    def __init__(self, scratch, flavour):
        self.dir = os.path.join(scratch, flavour)
        self.port = free_port()
        self.flavour = flavour
        self.start()

    def start(self):
        r = subprocess.run([os.path.join(TOOLS, "mysql_server.sh"), "start", self.flavour, self.dir, str(self.port)])
        if r.returncode == 77:
            sys.exit(77)
        if r.returncode:
            sys.exit("the server did not start")

    def sql(self, text):
        return subprocess.run([os.path.join(TOOLS, "mysql_server.sh"), "sql", self.dir], input=text, check=True,
                              capture_output=True, text=True).stdout

    def source(self, folder):
        common_source(folder)
        write(folder, "V10__more.sql",
              "CREATE TABLE copy_of AS SELECT * FROM notes;\nALTER TABLE copy_of ADD PRIMARY KEY (id);\n"
              "UPDATE counters SET n = n + 100 WHERE id = 1;\nRENAME TABLE copy_of TO kept;\n"
              "CREATE PROCEDURE bump() BEGIN UPDATE counters SET n = n + 1 WHERE id = 2; END;\n"
              "CREATE TRIGGER kept_in BEFORE INSERT ON kept FOR EACH ROW BEGIN SET NEW.body = 'x;y'; END;\n"
              "INSERT INTO kept (id, body) VALUES (1, 'a');\nDROP TABLE kept;\n")

    def fresh(self, name):
        self.sql(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return f"mysql://root@127.0.0.1:{self.port}/{name}"

    def dump(self, url):
        name = url.rsplit("/", 1)[1]
        tables = self.sql(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{name}' "
                          "AND table_name NOT LIKE 'migrate\\_%' ORDER BY 1").split()
        text = []
        for t in tables:
            text.append(self.sql(f"SHOW CREATE TABLE {name}.{t}"))
            text.append(self.sql(f"SELECT * FROM {name}.{t} ORDER BY 1"))
        text.append(self.sql("SELECT routine_name, routine_definition FROM information_schema.routines "
                             f"WHERE routine_schema = '{name}' ORDER BY 1"))
        text.append(self.sql("SELECT trigger_name, action_statement FROM information_schema.triggers "
                             f"WHERE trigger_schema = '{name}' ORDER BY 1"))
        return "\n".join(text).replace(f"`{name}`.", "")

    def query(self, url, sql):
        name = url.rsplit("/", 1)[1]
        return self.sql(f"USE {name}; {sql}")

    def kill_server(self):
        subprocess.run([os.path.join(TOOLS, "mysql_server.sh"), "stop", self.dir, "kill"], check=True)
        self.start()

    def stop(self):
        subprocess.run([os.path.join(TOOLS, "mysql_server.sh"), "stop", self.dir, "kill"])


def history(engine, url):
    rows = engine.query(url, "SELECT kind, version, state, statements, done FROM migrate_history ORDER BY kind, version")
    journal = engine.query(url, "SELECT COUNT(*) FROM migrate_journal WHERE direction <> 'K'")
    return rows + "journal " + journal


def run_until_done(args, url, source, limit=40):
    """Runs again until it is done; a failure of classes 5 to 7 may pass, anything else is a defect."""
    for _ in range(limit):
        r = subprocess.run([args.kill_at, url, source, "0", "up"], capture_output=True, text=True)
        if r.returncode == 0:
            return
        if r.returncode not in (5, 6, 7):
            raise SystemExit(f"exit {r.returncode} after a kill: {r.stderr}")
        time.sleep(0.2)
    raise SystemExit(f"not done after {limit} runs: {r.stderr}")


def killed(args, url, source, n, seconds):
    """One run that is killed: at event n, or after some time."""
    p = subprocess.Popen([args.kill_at, url, source, str(n), "up"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if n:
        return p.wait() == -signal.SIGKILL
    time.sleep(seconds)
    alive = p.poll() is None
    p.kill()
    p.wait()
    return alive


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True)
    parser.add_argument("--kill-at", required=True)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--servers", type=int, default=0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    rng = random.Random(args.seed)
    scratch = tempfile.mkdtemp(prefix="migrate-kills.")
    os.chmod(scratch, 0o755)
    engine = None
    try:
        if args.engine == "sqlite":
            if not shutil.which("sqlite3"):
                print("skipped: no sqlite3 program")
                sys.exit(77)
            engine = Sqlite(scratch)
        elif args.engine == "postgres":
            engine = Postgres(scratch)
        else:
            engine = Mysql(scratch, "mysql" if args.engine == "mysql97" else "mariadb")
        source = os.path.join(scratch, "migrations")
        os.mkdir(source)
        engine.source(source)

        began = time.time()
        whole = engine.fresh("reference")
        r = subprocess.run([args.kill_at, whole, source, "0", "up"], capture_output=True, text=True)
        if r.returncode:
            raise SystemExit(f"the undisturbed run failed: {r.stderr}")
        events = int(r.stdout)
        took = time.time() - began
        expected, expected_history = engine.dump(whole), history(engine, whole)
        counts = {"event": 0, "time": 0, "late": 0, "server": 0}
        total = args.servers or args.kills
        for i in range(total):
            url = engine.fresh("subject")
            if args.servers:
                p = subprocess.Popen([args.kill_at, url, source, "0", "up", "reconnect_timeout=20s"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(rng.random() * took)
                engine.kill_server()
                p.wait()
                counts["server"] += 1
            else:
                for _ in range(rng.choice((1, 1, 1, 2, 3))):
                    n = 1 + (i // 2) % events if i % 2 == 0 else 0
                    hit = killed(args, url, source, n, rng.random() * took)
                    counts[("event" if n else "time") if hit else "late"] += 1
            run_until_done(args, url, source)
            found = engine.dump(url)
            if found != expected:
                lines = difflib.unified_diff(expected.split("\n"), found.split("\n"), "expected", "found", lineterm="", n=0)
                raise SystemExit(f"schema or rows differ after kill {i}, seed {args.seed}:\n" + "\n".join(list(lines)[:20]))
            if history(engine, url) != expected_history:
                raise SystemExit(f"history differs after kill {i}, seed {args.seed}:\n{history(engine, url)}")
        print(f"{args.engine}: {total} runs disturbed ({counts}), {events} events, 0 divergences, 0 manual steps, "
              f"seed {args.seed}")
    finally:
        if engine:
            engine.stop()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
