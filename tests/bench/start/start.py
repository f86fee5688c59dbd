#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bootstrap for Lambda from exec() to its first request, beside an empty one in C and handlers in Python and Node that
do the same work; then one migration with nothing to do, on PostgreSQL.

start.py --bootstrap FILE --empty FILE --measure FILE --python PROGRAM --node PROGRAM --modules FOLDER [--quick]

PG_URL is a server of its own (tests/tools/with_pg.sh). All in one run, in turns, so that other work on the machine hits all
of them alike. Writes its section of docs/performance.md, unless --quick."""

import argparse
import datetime
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.dirname(HERE))
from peers import machine  # noqa: E402  pylint: disable=wrong-import-position

TITLE = "## Start in Lambda"


class Runtime:
    def __init__(self, name, command, migrates=True, per_round=8, mode=None):
        self.name, self.command, self.migrates, self.per_round = name, command, migrates, per_round
        self.more = {"MIGRATE_MODE": mode} if mode else {}
        self.starts, self.works = [], []
        self.calls = None

    def measure(self, program, env):
        env = {**env, **self.more}
        out = subprocess.run([program, str(self.per_round), *self.command], env=env, stdout=subprocess.PIPE, text=True, check=True)
        self.starts += [tuple(map(int, line.split())) for line in out.stdout.splitlines()]
        if not self.migrates:
            return
        out = subprocess.run([program, "-m", "1", *self.command], env=env, stdout=subprocess.PIPE, text=True, check=True)
        for line in out.stdout.splitlines():
            *numbers, answer = line.split()
            assert answer == "result", (self.name, line)
            self.works.append(tuple(map(int, numbers)))

    def count_calls(self, program, env):
        """System calls before the one that sends the first request."""
        with tempfile.NamedTemporaryFile("r") as trace:
            # What the handler says when its Runtime API goes away is of no interest.
            subprocess.run([program, "1", shutil.which("strace"), "-f", "-qq", "-s", "64", "-o", trace.name, *self.command],
                           env={**env, **self.more}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            lines = trace.read().splitlines()
        calls = [line for line in lines if "resumed>" not in line and not line.endswith("+++") and "--- SIG" not in line]
        self.calls = next(i for i, line in enumerate(calls) if "GET /2018" in line)

    def start_us(self):
        return statistics.median(s[0] for s in self.starts)

    def fastest_us(self):
        """The fastest tenth: what others do on the machine makes nothing faster."""
        return statistics.mean(sorted(s[0] for s in self.starts)[:max(1, len(self.starts) // 10)])

    def row(self, bootstrap):
        start = self.start_us()
        cells = [self.name, f"{start / 1000:.2f}", f"{start / bootstrap.start_us():.2f}", f"{self.fastest_us() / 1000:.2f}",
                 f"{self.fastest_us() / bootstrap.fastest_us():.2f}", str(self.calls),
                 f"{statistics.median(s[1] for s in self.starts):.0f}", f"{statistics.median(s[3] for s in self.starts) / 1024:.1f}"]
        if self.works:
            both = statistics.median(w[0] + w[4] for w in self.works)
            cells += [f"{statistics.median(w[4] for w in self.works) / 1000:.1f}", f"{both / 1000:.1f}",
                      f"{max(w[5] for w in self.works) / 1024:.1f}"]
        else:
            cells += ["", "", ""]
        return "| " + " | ".join(cells) + " |"


def report(runtimes, args, versions):
    empty, bootstrap, in_mode, python, node = runtimes
    ratio = {r.name: (r.start_us() / empty.start_us(), r.fastest_us() / empty.fastest_us()) for r in (bootstrap, in_mode)}
    lines = [TITLE, "",
             f"Written by `scripts/bench --start` on {machine()}, {datetime.date.today().isoformat()}, load {os.getloadavg()[0]:.0f} "
             "while it ran: read ratios, not milliseconds. Process start to the first `/next`, medians of "
             f"{len(bootstrap.starts)} starts ({len(python.starts)} of Python and Node), taken in turns; system calls until "
             "that request; page faults and memory once the answer is awaited. Then one invocation with nothing to migrate, on "
             "PostgreSQL without TLS (10 files, all applied). The handlers in Python and Node bring psycopg and pg and a bare "
             "loop in the place of Lambda's own runtime client, which would add to their time. libmigrate prepares its handler "
             "while it waits for the answer to that request.", "",
             "| runtime | start ms | ratio to libmigrate | fastest tenth, ms | ratio | system calls | page faults | ready MB "
             "| migration ms | start and migration ms | peak MB |", "|---|---|---|---|---|---|---|---|---|---|---|"]
    lines += [r.row(bootstrap) for r in runtimes]
    lines += ["", "What an empty static program needs, the bootstrap needs {:.2f} times (the fastest tenth: {:.2f}), with a mode "
              "{:.2f} times ({:.2f}).".format(*ratio[bootstrap.name], *ratio[in_mode.name])
              + f" Python needs {python.start_us() / bootstrap.start_us():.0f} times the bootstrap's, Node "
              f"{node.start_us() / bootstrap.start_us():.0f} times. "
              f"It is one static program of {os.path.getsize(args.bootstrap) / 1e6:.2f} MB with all drivers; {versions}.", ""]
    return "\n".join(lines)


def write(text):
    path = os.path.join(ROOT, "docs", "performance.md")
    with open(path, encoding="utf-8") as file:
        old = file.read()
    at = old.find("\n" + TITLE)
    with open(path, "w", encoding="utf-8") as file:
        file.write((old if at < 0 else old[:at]).rstrip("\n") + "\n\n" + text)


def first_line(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")[0]


def main():
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "empty", "measure", "python", "node", "modules"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="migrate-start.")
    runtimes = [Runtime("empty, C", [args.empty], False), Runtime("libmigrate", [args.bootstrap]),
                Runtime("libmigrate, `MIGRATE_MODE=cfn`", [args.bootstrap], False, mode="cfn"),
                Runtime("Python", [args.python, os.path.join(HERE, "handler.py")], per_round=1),
                Runtime("Node", [args.node, os.path.join(HERE, "handler.js")], per_round=1)]
    try:
        for i in range(1, 11):
            with open(os.path.join(scratch, f"{i:02}_m.sql"), "w", encoding="utf-8") as file:
                file.write(f"CREATE TABLE t{i} (id integer PRIMARY KEY);\n")
        env = {"PATH": "/usr/bin:/bin", "MIGRATE_DATABASE_URL": os.environ["PG_URL"] + "?sslmode=disable", "MIGRATE_SOURCE": scratch,
               "NODE_PATH": args.modules, "_HANDLER": "bootstrap"}
        for runtime in (r for r in runtimes if r.migrates):
            subprocess.run([args.measure, "-m", "1", *runtime.command], env=env, stdout=subprocess.DEVNULL, check=True)
        for _ in range(5 if args.quick else 25):
            for runtime in runtimes:
                runtime.measure(args.measure, env)
        for runtime in runtimes:
            runtime.count_calls(args.measure, env)
        text = report(runtimes, args, f"{first_line(args.python, '--version')}, Node {first_line(args.node, '--version')}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(text)
    if not args.quick:
        write(text)


main()
