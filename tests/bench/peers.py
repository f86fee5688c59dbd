#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line against peers that do the same work, on one machine in one run.

peers.py --build FOLDER [--quick] [--count N]

500 migrations of three statements, a start with nothing to do, and one with 10,000 applied migrations; PostgreSQL and
MariaDB; round trips of 0, 1, 5 and 20 ms by the tests' own proxy, which also counts waits and connections. Peers come from
npm (dbmate, node-pg-migrate) and, where a Go toolchain is there, from Go (golang-migrate, goose); psql and mysql run one
file with the same statements, transactions and history row. Prints ratios, never asserts a time."""

import argparse
import datetime
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOOLS = os.path.join(ROOT, "tests", "tools")
CACHE = os.path.join(ROOT, ".cache", "bench")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def measure(command, env=None, cwd=None):
    """Seconds, CPU seconds and peak kilobytes of a command that has to succeed."""
    with tempfile.NamedTemporaryFile("r") as usage, tempfile.TemporaryFile() as out:
        # GNU time, because a child of this process would count its memory as its own.
        timed = ["/usr/bin/time", "-o", usage.name, "-f", "%e %U %S %M", *command]
        began = time.monotonic()
        r = subprocess.run(timed, env=env, cwd=cwd, stdout=out, stderr=subprocess.STDOUT, check=False)
        took = time.monotonic() - began
        if r.returncode:
            out.seek(0)
            raise RuntimeError(f"{command[0]} failed: {out.read().decode(errors='replace')[-600:]}")
        _, user, system, peak = usage.read().split()
    return took, float(user) + float(system), int(peak)


class Proxy:
    def __init__(self, build, protocol, target, delay_ms):
        self.file = tempfile.NamedTemporaryFile("r", suffix=".json")
        self.port = free_port()
        self.process = subprocess.Popen([os.path.join(build, "tests/tools/proxy"), "-l", str(self.port), "-d",
                                         str(delay_ms / 2), "-p", protocol, "-o", self.file.name, str(target)],
                                        stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        return json.loads(self.file.read().strip().split("\n")[-1])


def migrations(folder, count):
    os.makedirs(folder, exist_ok=True)
    for i in range(1, count + 1):
        with open(os.path.join(folder, f"{20240101000000 + i}_m{i}.sql"), "w", encoding="utf-8") as f:
            f.write(statements(i))


def statements(i):
    return (f"CREATE TABLE t{i} (id int PRIMARY KEY, v varchar(100));\nCREATE INDEX t{i}_v ON t{i} (v);\n"
            f"INSERT INTO t{i} VALUES (1, 'x');\n")


def sections(folder, count, up, down):
    os.makedirs(folder, exist_ok=True)
    for i in range(1, count + 1):
        with open(os.path.join(folder, f"{20240101000000 + i}_m{i}.sql"), "w", encoding="utf-8") as f:
            f.write(f"{up}\n{statements(i)}{down}\nDROP TABLE t{i};\n")


def pairs(folder, count):
    os.makedirs(folder, exist_ok=True)
    for i in range(1, count + 1):
        with open(os.path.join(folder, f"{20240101000000 + i}_m{i}.up.sql"), "w", encoding="utf-8") as f:
            f.write(statements(i))


def client_script(path, count, mysql):
    """One file with the same statements, transactions and a history row."""
    with open(path, "w", encoding="utf-8") as f:
        f.write("CREATE TABLE history (version bigint PRIMARY KEY);\n")
        for i in range(1, count + 1):
            f.write(("" if mysql else "BEGIN;\n") + statements(i) + f"INSERT INTO history VALUES ({i});\n" +
                    ("" if mysql else "COMMIT;\n"))


class Peers:
    """Where the peers are; those that cannot be had are left out and said so."""

    def __init__(self):
        self.left_out = []
        os.makedirs(CACHE, exist_ok=True)
        self.npm()
        self.go()

    def npm(self):
        bin_dir = os.path.join(CACHE, "node_modules", ".bin")
        if not os.path.exists(os.path.join(bin_dir, "dbmate")):
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", CACHE, "dbmate", "node-pg-migrate",
                            "pg"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        native = os.path.join(CACHE, "node_modules", "@dbmate", "linux-x64", "bin", "dbmate")
        self.dbmate = native if os.path.exists(native) else self.missing("dbmate")
        npm_pg = os.path.join(bin_dir, "node-pg-migrate")
        self.node_pg_migrate = npm_pg if os.path.exists(npm_pg) else self.missing("node-pg-migrate")

    def go(self):
        self.goose = self.go_tool("goose", "github.com/pressly/goose/v3/cmd/goose@latest", [])
        self.golang_migrate = self.go_tool("migrate", "github.com/golang-migrate/migrate/v4/cmd/migrate@latest",
                                           ["-tags", "postgres mysql"])

    def go_tool(self, name, package, flags):
        path = os.path.join(CACHE, "bin", name)
        if not os.path.exists(path) and shutil.which("go"):
            subprocess.run(["go", "install", *flags, package], env=dict(os.environ, GOBIN=os.path.dirname(path)),
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return path if os.path.exists(path) else self.missing(name)

    def missing(self, name):
        self.left_out.append(name)
        return None


class Postgres:
    name, protocol = "PostgreSQL", "postgres"

    def __init__(self, build, scratch, peers, count):
        self.build, self.scratch, self.peers, self.count = build, scratch, peers, count
        self.dir, self.port = os.path.join(scratch, "pg"), free_port()
        subprocess.run([os.path.join(TOOLS, "pg_server.sh"), "start", self.dir, str(self.port), "fsync=off"], check=True,
                       stderr=subprocess.DEVNULL)
        migrations(os.path.join(scratch, "ours"), count)
        sections(os.path.join(scratch, "dbmate"), count, "-- migrate:up", "-- migrate:down")
        sections(os.path.join(scratch, "goose"), count, "-- +goose Up", "-- +goose Down")
        sections(os.path.join(scratch, "node"), count, "-- Up Migration", "-- Down Migration")
        pairs(os.path.join(scratch, "pairs"), count)
        client_script(os.path.join(scratch, "psql.sql"), count, False)

    def fresh(self):
        for sql in ("DROP DATABASE IF EXISTS bench WITH (FORCE)", "CREATE DATABASE bench"):
            self.psql("postgres", sql)

    def psql(self, database, sql):
        subprocess.run(["psql", "-Xq", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database, "-c", sql],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def client(self):
        for folder in sorted(os.listdir("/usr/lib/postgresql"), reverse=True) if os.path.isdir("/usr/lib/postgresql") else []:
            path = f"/usr/lib/postgresql/{folder}/bin/psql"  # Debian's psql is a wrapper in Perl
            if os.path.exists(path):
                return path
        return "psql"

    def tools(self, port):
        url = f"postgres://postgres@127.0.0.1:{port}/bench"
        ssl = url + "?sslmode=disable"
        s, p = self.scratch, self.peers
        out = {"libmigrate": [os.path.join(self.build, "tools/migrate/migrate"), "-q", "-d", url, "-s", f"{s}/ours", "up"],
               "psql": [self.client(), "-Xq", "-v", "ON_ERROR_STOP=1", "-f", f"{s}/psql.sql", url]}
        if p.dbmate:
            out["dbmate"] = [p.dbmate, "--no-dump-schema", "-d", f"{s}/dbmate", "-u", ssl, "up"]
        if p.node_pg_migrate:
            out["node-pg-migrate"] = ["env", f"DATABASE_URL={url}", p.node_pg_migrate, "up", "-m", f"{s}/node"]
        if p.golang_migrate:
            out["golang-migrate"] = [p.golang_migrate, "-path", f"{s}/pairs", "-database", ssl, "up"]
        if p.goose:
            out["goose"] = [p.goose, "-dir", f"{s}/goose", "postgres", ssl, "up"]
        return out

    def stop(self):
        subprocess.run([os.path.join(TOOLS, "pg_server.sh"), "stop", self.dir, "immediate"], stderr=subprocess.DEVNULL)


class Mariadb:
    name, protocol = "MariaDB", "mysql"

    def __init__(self, build, scratch, peers, count):
        self.build, self.scratch, self.peers, self.count = build, scratch, peers, count
        self.dir, self.port = os.path.join(scratch, "my"), free_port()
        subprocess.run([os.path.join(TOOLS, "mysql_server.sh"), "start", "mariadb", self.dir, str(self.port),
                        "--innodb-flush-log-at-trx-commit=0"], check=True, stderr=subprocess.DEVNULL)
        client_script(os.path.join(scratch, "mysql.sql"), count, True)

    def fresh(self):
        subprocess.run([os.path.join(TOOLS, "mysql_server.sh"), "sql", self.dir], check=True, text=True,
                       input="DROP DATABASE IF EXISTS bench; CREATE DATABASE bench", stdout=subprocess.DEVNULL)

    def tools(self, port):
        url = f"mysql://root@127.0.0.1:{port}/bench"
        s, p = self.scratch, self.peers
        out = {"libmigrate": [os.path.join(self.build, "tools/migrate/migrate"), "-q", "-d", url, "-s", f"{s}/ours", "up"],
               "mysql": ["sh", "-c", f"exec mariadb --no-defaults --protocol=tcp -h127.0.0.1 -P{port} -uroot bench < {s}/mysql.sql"]}
        if p.dbmate:
            out["dbmate"] = [p.dbmate, "--no-dump-schema", "-d", f"{s}/dbmate", "-u", url, "up"]
        if p.golang_migrate:
            out["golang-migrate"] = [p.golang_migrate, "-path", f"{s}/pairs", "-database",
                                     f"mysql://root@tcp(127.0.0.1:{port})/bench?multiStatements=true", "up"]
        if p.goose:
            out["goose"] = [p.goose, "-dir", f"{s}/goose", "mysql", f"root@tcp(127.0.0.1:{port})/bench", "up"]
        return out

    def stop(self):
        subprocess.run([os.path.join(TOOLS, "mysql_server.sh"), "stop", self.dir, "kill"], stderr=subprocess.DEVNULL)


def one(engine, tool, delay, fresh, runs=1):
    best = None
    for _ in range(runs):
        if fresh:
            engine.fresh()
        proxy = Proxy(engine.build, engine.protocol, engine.port, delay)
        try:
            took, cpu, peak = measure(engine.tools(proxy.port)[tool])
        finally:
            counts = proxy.end()
        row = {"seconds": took, "cpu": cpu, "peak_mb": peak / 1024, "waits": counts["waits"],
               "connections": counts["connections"]}
        if best is None or row["seconds"] < best["seconds"]:
            best = row
    return best


def table(rows, count):
    lines = ["| tool | round trip | seconds | ratio to libmigrate | waits | waits per migration | connections | CPU s | peak MB |",
             "|---|---|---|---|---|---|---|---|---|"]
    base = {d: r["seconds"] for (t, d), r in rows.items() if t == "libmigrate"}
    for (tool, delay), r in rows.items():
        lines.append(f"| {tool} | {delay} ms | {r['seconds']:.2f} | {r['seconds'] / base[delay]:.2f} | {r['waits']} | "
                     f"{r['waits'] / count:.2f} | {r['connections']} | {r['cpu']:.2f} | {r['peak_mb']:.1f} |")
    return lines


def svg(rows, path):
    """Seconds over the round trip, one line a tool, logarithmic."""
    import math
    tools = list(dict.fromkeys(t for t, _ in rows))
    delays = sorted({d for _, d in rows})
    top, bottom = math.log10(max(r["seconds"] for r in rows.values()) * 1.3), math.log10(min(r["seconds"] for r in rows.values()) / 1.3)
    x = lambda d: 70 + delays.index(d) * 150
    y = lambda s: 30 + (top - math.log10(s)) / (top - bottom) * 320
    colours = ["#0b6e4f", "#888888", "#c44900", "#7a28cb", "#1e6fd9", "#b80c49"]
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="760" height="420" font-family="sans-serif" font-size="12">',
           '<rect width="760" height="420" fill="white"/>',
           '<text x="70" y="18">500 migrations on PostgreSQL: seconds (logarithmic) over the round trip</text>']
    for d in delays:
        out.append(f'<text x="{x(d) - 12}" y="380">{d} ms</text>')
    s = 10 ** math.floor(bottom)
    while math.log10(s) <= top:
        if math.log10(s) >= bottom:
            out.append(f'<line x1="60" y1="{y(s):.1f}" x2="{x(delays[-1])}" y2="{y(s):.1f}" stroke="#eeeeee"/>'
                       f'<text x="20" y="{y(s) + 4:.1f}">{s:g} s</text>')
        s *= 10
    for i, tool in enumerate(tools):
        points = [(x(d), y(rows[tool, d]["seconds"])) for d in delays if (tool, d) in rows]
        colour = colours[i % len(colours)]
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="' +
                   " ".join(f"{px},{py:.1f}" for px, py in points) + '"/>')
        out.append(f'<text x="{points[-1][0] + 8}" y="{points[-1][1] + 4:.1f}" fill="{colour}">{tool}</text>')
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")


def machine():
    cpu = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} cores ({cpu}), {pages:.0f} GiB, {platform.system()} {platform.release()}"


def many_applied(engine, scratch, count):
    """Start with nothing to do: once after the run, and with 10,000 applied migrations."""
    folder = os.path.join(scratch, "many")
    os.makedirs(folder, exist_ok=True)
    for i in range(1, count + 1):
        with open(os.path.join(folder, f"{i:05}_m.sql"), "w", encoding="utf-8") as f:
            f.write("SELECT 1;\n")
    engine.fresh()
    command = [os.path.join(engine.build, "tools/migrate/migrate"), "-q", "-d",
               f"{'postgres://postgres' if engine.protocol == 'postgres' else 'mysql://root'}@127.0.0.1:{{}}/bench", "-s", folder, "up"]
    fill = [c.format(engine.port) for c in command]
    measure(fill)
    proxy = Proxy(engine.build, engine.protocol, engine.port, 0)
    took, cpu, peak = measure([c.format(proxy.port) for c in command])
    counts = proxy.end()
    return {"seconds": took, "cpu": cpu, "peak_mb": peak / 1024, "waits": counts["waits"], "connections": counts["connections"]}


def written_by_others(path):
    """The last section of the file, which tests/bench/start/start.py writes."""
    try:
        with open(path, encoding="utf-8") as f:
            text = f.read()
    except FileNotFoundError:
        return ""
    at = text.find("\n## Start in Lambda")
    return text[at:] if at >= 0 else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--count", type=int)
    args = parser.parse_args()
    count = args.count or (60 if args.quick else 500)
    delays = [0, 5] if args.quick else [0, 1, 5, 20]
    peers = Peers()
    scratch = tempfile.mkdtemp(prefix="migrate-bench.")
    os.chmod(scratch, 0o755)
    text = ["# Performance", "",
            "Written by `scripts/bench`, everything in one run on one machine: "
            f"{machine()}, {datetime.date.today().isoformat()}. Read ratios, not seconds. Servers run without fsync; round trips "
            "come from a delaying proxy, which also counts: a wait is a burst of the client after data of the server.", ""]
    if peers.left_out:
        text += [f"Not to be had here, so left out: {', '.join(peers.left_out)}.", ""]
    engines = []
    try:
        for kind in (Postgres, Mariadb):
            engine = kind(args.build, scratch, peers, count)
            engines.append(engine)
            rows, idle = {}, {}
            for tool in engine.tools(0):
                for delay in delays if kind is Postgres else [d for d in delays if d in (0, 5)]:
                    rows[tool, delay] = one(engine, tool, delay, True, 2 if delay == 0 and not args.quick else 1)
                    print(engine.name, tool, f"{delay} ms", json.dumps(rows[tool, delay]), flush=True)
                if tool not in ("psql", "mysql"):
                    idle[tool, 0] = one(engine, tool, 0, False, 3)
                    print(engine.name, tool, "nothing to do", json.dumps(idle[tool, 0]), flush=True)
            many = many_applied(engine, scratch, 1000 if args.quick else 10000)
            text += [f"## {engine.name}: {count} migrations of three statements", ""] + table(rows, count) + ["",
                     f"### {engine.name}: a start with nothing to do", ""] + table(idle, 1) + ["",
                     f"With {1000 if args.quick else 10000} applied migrations: {many['seconds']:.2f} s, {many['waits']} wait(s), "
                     f"{many['connections']} connection(s), peak {many['peak_mb']:.1f} MB.", ""]
            if kind is Postgres:
                plot = rows
            engine.stop()
        text += ["![seconds over the round trip](performance.svg)", ""]
        print("\n".join(text))
        if not args.quick:
            path = os.path.join(ROOT, "docs", "performance.md")
            rest = written_by_others(path)
            with open(path, "w", encoding="utf-8") as f:
                f.write("\n".join(text) + rest)
            svg(plot, os.path.join(ROOT, "docs", "performance.svg"))
    finally:
        for engine in engines:
            engine.stop()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
