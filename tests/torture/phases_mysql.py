#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills on MySQL and MariaDB, counted by what the server was doing: client and server, at least so often in each phase.

phases_mysql.py --engine mariadb|mysql97 --kill-at PROGRAM [--clients N] [--servers N] [--seed N]

A second session watches the process list and the kill follows as soon as the phase that is wanted shows. Phases: intent to
DDL (the intent is being written), inside DDL, DDL to done (the done mark is), DML to COMMIT, takeover (the run after a
kill, before it has gone on). What must hold is what kills.py says; doubt is allowed for no statement here, as `plan` marks
none. Exit 77: no server is installed."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import kills

PHASES = ("intent to DDL", "inside DDL", "DDL to done", "DML to COMMIT", "takeover")


class Watch:
    """One client that stays, asked over and over."""

    def __init__(self, directory):
        name = shutil.which("mariadb") or shutil.which("mysql")
        self.p = subprocess.Popen([name, "--no-defaults", "-uroot", "-S", os.path.join(directory, "sock"), "--batch",
                                   "--skip-column-names", "--unbuffered"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)

    def running(self):
        """The statement that the run's session is at, "" for none."""
        self.p.stdin.write("SELECT LEFT(info, 400) FROM information_schema.processlist WHERE db = 'subject' AND info IS NOT NULL;"
                           "SELECT '~';\n")
        self.p.stdin.flush()
        found = ""
        for line in self.p.stdout:
            if line == "~\n":
                return found
            found = line
        raise SystemExit("the watching session is gone")

    def stop(self):
        self.p.kill()
        self.p.communicate()


def phase_of(statement):
    words = statement.lstrip("(").upper()
    if "MIGRATE_JOURNAL" in words and words.startswith("INSERT"):
        run = "FOR UPDATE" in words or "'+" in words
        return "DML to COMMIT" if run else "intent to DDL" if "'INTENT'" in words else "DDL to done"
    if words.startswith(("CREATE", "ALTER", "DROP", "RENAME")):
        return None if "MIGRATE_" in words else "inside DDL"
    if words.startswith(("INSERT", "UPDATE", "DELETE", "COMMIT")):
        return "DML to COMMIT"
    return None


class Torture:
    def __init__(self, args, scratch):
        self.args = args
        self.rng = random.Random(args.seed)
        self.engine = kills.Mysql(scratch, "mysql" if args.engine == "mysql97" else "mariadb")
        self.source = os.path.join(scratch, "migrations")
        os.mkdir(self.source)
        self.engine.source(self.source)
        whole = self.engine.fresh("reference")
        began = time.time()
        r = subprocess.run([args.kill_at, whole, self.source, "0", "up"], capture_output=True, text=True)
        if r.returncode:
            raise SystemExit(f"the undisturbed run failed: {r.stderr}")
        self.took = time.time() - began
        self.expected, self.history = self.engine.dump(whole), kills.history(self.engine, whole)
        self.counts = {who: dict.fromkeys(PHASES, 0) for who in ("client", "server")}
        self.missed = 0

    def start(self, url):
        return subprocess.Popen([self.args.kill_at, url, self.source, "0", "up", "reconnect_timeout=60s"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self, who, p):
        if who == "client":
            p.kill()
        else:
            self.engine.kill_server()
        p.wait()

    def in_phase(self, url, who, wanted):
        """One run that is killed when it is where it is wanted, not always at the first occasion."""
        watch = Watch(self.engine.dir)
        passed, last = self.rng.randrange(8), None
        p = self.start(url)
        try:
            while p.poll() is None:
                now = watch.running()
                if phase_of(now) == wanted and now != last:
                    if not passed:
                        break
                    passed -= 1
                last = now
        finally:
            watch.stop()
        hit = p.poll() is None
        self.kill(who, p)
        return hit

    def takeover(self, url, who):
        """The run after a kill, at its connection, its lock and what it looks up."""
        self.in_phase(url, "client", self.rng.choice(PHASES[:4]))
        if who == "client":
            return kills.killed(self.args, url, self.source, self.rng.randrange(1, 8), 0)
        p = self.start(url)
        time.sleep(self.rng.random() * 0.1)
        hit = p.poll() is None
        self.kill(who, p)
        return hit

    def once(self, who, wanted):
        url = self.engine.fresh("subject")
        hit = self.takeover(url, who) if wanted == "takeover" else self.in_phase(url, who, wanted)
        self.counts[who][wanted] += hit
        self.missed += not hit
        kills.run_until_done(self.args, url, self.source)
        where = f"{who} killed in phase {wanted}, seed {self.args.seed}"
        if self.engine.dump(url) != self.expected:
            raise SystemExit(f"schema or rows differ: {where}")
        if kills.history(self.engine, url) != self.history:
            raise SystemExit(f"history differs: {where}\n{kills.history(self.engine, url)}")

    def run(self):
        for who, least in (("client", self.args.clients), ("server", self.args.servers)):
            for wanted in PHASES:
                tries = 0
                while self.counts[who][wanted] < least:
                    tries += 1
                    if tries > 10 * least + 50:
                        raise SystemExit(f"phase {wanted} was met {self.counts[who][wanted]} times in {tries} runs")
                    self.once(who, wanted)
                print(f"{self.args.engine}: {who} killed, {wanted}: {self.counts[who][wanted]}", flush=True)
        print(f"{self.args.engine}: {self.counts}, {self.missed} runs ended first, 0 divergences, 0 doubts, 0 manual steps, "
              f"seed {self.args.seed}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True)
    parser.add_argument("--kill-at", required=True)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--servers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="migrate-phases.")
    os.chmod(scratch, 0o755)
    torture = None
    try:
        torture = Torture(args, scratch)
        torture.run()
    finally:
        if torture:
            torture.engine.stop()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
