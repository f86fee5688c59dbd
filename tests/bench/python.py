#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The binding of Python against alembic and yoyo: import to ready, a call with nothing to do, 500 migrations.

    python.py --build FOLDER [--quick]

Every figure is of a process of its own that has the same migrations (three statements each, a transaction each), best of
some. "Ready" is imported, set up and connected. Prints a table of ratios, never asserts a time."""

import argparse
import datetime
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from peers import ROOT, TOOLS, free_port, machine, migrations, statements

WORKERS = {
    "libmigrate": """
from libmigrate import Migrator
m = Migrator(url, folder).open()
ready()
m.up()
done()
""",
    "alembic": """
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
config = Config()
config.set_main_option("script_location", folder)
connection = create_engine(url).connect()
config.attributes["connection"] = connection
ready()
command.upgrade(config, "head")
done()
""",
    "yoyo": """
from yoyo import get_backend, read_migrations
backend = get_backend(url)
ready()
found = read_migrations(folder)
with backend.lock():
    backend.apply_migrations(backend.to_apply(found))
done()
""",
}

AROUND = """
import sys, time
began = time.perf_counter()
url, folder = sys.argv[1:]
import json, resource
figures = {}
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def ready():
    global at
    at = time.perf_counter()
    figures.update(ready=at - began, ready_mb=peak())
def done():
    figures.update(call=time.perf_counter() - at, peak_mb=peak())
%s
print(json.dumps(figures))
"""

ENVIRONMENT = """
from alembic import context
context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
"""


def alembic(folder, count):
    os.makedirs(os.path.join(folder, "versions"))
    with open(os.path.join(folder, "env.py"), "w", encoding="utf-8") as f:
        f.write(ENVIRONMENT)
    for i in range(1, count + 1):
        lines = "".join("    op.execute(%r)\n" % line.rstrip(";") for line in statements(i).splitlines())
        with open(os.path.join(folder, "versions", f"r{i}.py"), "w", encoding="utf-8") as f:
            f.write(f"from alembic import op\nrevision = 'r{i}'\ndown_revision = {f'r{i - 1}' if i > 1 else None!r}\n"
                    f"def upgrade():\n{lines}def downgrade():\n    op.execute('DROP TABLE t{i}')\n")


class Sqlite:
    name = "SQLite"

    def __init__(self, scratch):
        self.file = os.path.join(scratch, "app.db")

    def fresh(self):
        for end in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(self.file + end):
                os.remove(self.file + end)

    def url(self, tool):
        return {"libmigrate": "sqlite:"}.get(tool, "sqlite:///") + self.file

    def count(self):
        connection = sqlite3.connect(self.file)
        try:
            return connection.execute("SELECT count(*) FROM sqlite_master WHERE name GLOB 't[0-9]*_v'").fetchone()[0]
        finally:
            connection.close()

    def stop(self):
        pass


class Postgres:
    name = "PostgreSQL"

    def __init__(self, scratch):
        self.dir, self.port = os.path.join(scratch, "pg"), free_port()
        subprocess.run([os.path.join(TOOLS, "pg_server.sh"), "start", self.dir, str(self.port), "fsync=off"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def sql(self, database, text):
        import psycopg
        with psycopg.connect(f"postgres://postgres@127.0.0.1:{self.port}/{database}", autocommit=True) as c:
            found = c.execute(text)
            return found.fetchone()[0] if found.description else None

    def fresh(self):
        self.sql("postgres", "DROP DATABASE IF EXISTS bench WITH (FORCE)")
        self.sql("postgres", "CREATE DATABASE bench")

    def url(self, tool):
        return {"libmigrate": "postgres"}.get(tool, "postgresql+psycopg") + f"://postgres@127.0.0.1:{self.port}/bench"

    def count(self):
        return self.sql("bench", "SELECT count(*) FROM pg_indexes WHERE indexname ~ '^t[0-9]+_v$'")

    def stop(self):
        subprocess.run([os.path.join(TOOLS, "pg_server.sh"), "stop", self.dir, "immediate"], stderr=subprocess.DEVNULL)


def run(tool, url, folder, env):
    ran = subprocess.run([sys.executable, "-c", AROUND % WORKERS[tool], url, folder], env=env, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{tool} failed: {ran.stderr[-800:]}")
    return json.loads(ran.stdout.splitlines()[-1])


def measure(engine, tool, folder, count, env):
    """All figures of a tool: the best of two fresh databases, and of seven starts with nothing to do."""
    rows = []
    for _ in range(2):
        engine.fresh()
        rows.append(run(tool, engine.url(tool), folder, env))
        assert engine.count() == count, (tool, engine.count())
    idle = [run(tool, engine.url(tool), folder, env) for _ in range(7)]
    return {"ready": min(r["ready"] for r in idle), "ready_mb": min(r["ready_mb"] for r in idle),
            "idle": min(r["call"] for r in idle), "idle_mb": min(r["peak_mb"] for r in idle),
            "all": min(r["call"] for r in rows), "all_mb": min(r["peak_mb"] for r in rows)}


def table(found, count):
    yield (f"| database | tool | import to ready | ratio | MB | nothing to do | ratio | MB | {count} migrations | ratio | MB |")
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for (database, tool), r in found.items():
        base = found[database, "libmigrate"]
        cells = [database, tool]
        for key in ("ready", "idle", "all"):
            seconds = f"{r[key]:.2f} s" if key == "all" else f"{r[key] * 1000:.0f} ms"
            cells += [seconds, f"{r[key] / base[key]:.1f}", f"{r[key + '_mb']:.0f}"]
        yield "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    count = 50 if args.quick else 500
    scratch = tempfile.mkdtemp(prefix="migrate-bench-python.")
    os.chmod(scratch, 0o755)
    libraries = os.path.join(scratch, "lib")
    os.makedirs(libraries)
    for at, _, names in os.walk(os.path.join(args.build, "lib")):
        for name in names:
            if name.startswith("libmigrate") and name.endswith(".so.0"):
                os.symlink(os.path.realpath(os.path.join(at, name)), os.path.join(libraries, name))
    env = dict(os.environ, LIBMIGRATE_LIBRARY=libraries, PYTHONPATH=os.path.join(ROOT, "bindings", "python"))
    folders = {tool: os.path.join(scratch, tool) for tool in WORKERS}
    migrations(folders["libmigrate"], count)
    migrations(folders["yoyo"], count)
    alembic(folders["alembic"], count)
    found, engines = {}, []
    try:
        for kind in (Sqlite, Postgres):
            engine = kind(scratch)
            engines.append(engine)
            for tool in WORKERS:
                found[engine.name, tool] = measure(engine, tool, folders[tool], count, env)
    finally:
        for engine in engines:
            engine.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    print("\n".join(table(found, count)))
    print(f"\nPython {sys.version.split()[0]}, {machine()}, {datetime.date.today()}.")


main()
