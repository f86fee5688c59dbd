# SPDX-License-Identifier: Apache-2.0
"""Runs migrations in a process that kills itself at its n-th step, then once more to the end.

    python kills.py SOURCE

Reads a line "N URL" of a fresh database each; a step is an event, or a call of step() in a migration. Answers
with "killed" or, when the run had fewer steps than N, "whole", and what the database holds then, in JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback

from libmigrate import Migrator

#: In the order of their versions; the third commits as it goes wherever DDL does, the fourth everywhere.
FILES = {
    "0001_a.sql": "CREATE TABLE a (v VARCHAR(40));\nINSERT INTO a VALUES ('sql1');",
    "0002_rows.py": """
from __main__ import step
def up(execute):
    for n in (1, 2, 3):
        step()
        execute("INSERT INTO a VALUES (?)", ["rows%d" % n])
    step()
""",
    "0003_tables.py": """
from __main__ import step
def up(execute):
    for n in (1, 2):
        step()
        execute("CREATE TABLE made%d (x VARCHAR(40))" % n)
        step()
        execute("INSERT INTO a VALUES (?)", ["made%d" % n])
""",
    "0004_alone.py": """
from __main__ import step
transaction = False
def up(execute):
    execute("CREATE TABLE alone (x VARCHAR(40))")
    step()
    execute("INSERT INTO a VALUES ('alone1')")
    step()
    execute("UPDATE a SET v = 'alone2' WHERE v = 'alone1'")
    step()
""",
    "0005_b.sql": "INSERT INTO a VALUES ('sql2');",
}
WHOLE = sorted(["sql1", "rows1", "rows2", "rows3", "made1", "made2", "alone2", "sql2"])

left = 0


def step(_event: object = None) -> None:
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def migrate(url: str, source: str) -> None:
    with Migrator(url, source, on_event=step, log_level="debug") as m:
        m.up()
        m.verify()


def killed(n: int, url: str, source: str) -> bool:
    global left
    pid = os.fork()
    if pid == 0:
        left = n
        code = 3
        try:
            migrate(url, source)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        sys.exit("the run that was to be killed at step %d failed" % n)
    return os.WIFSIGNALED(status)


def holds(url: str) -> list:
    found = []

    def up(execute):
        found.extend(v for (v,) in execute("SELECT v FROM a"))
        for table in ("made1", "made2", "alone"):
            assert execute("SELECT * FROM %s" % table) == []

    with Migrator(url, {}, table_prefix="looking_") as m:
        m.add_code("1_look.py", up)
        m.up()
    return sorted(found)


def main() -> None:
    source = sys.argv[1]
    for line in sys.stdin:
        number, url = line.split()
        word = "killed" if killed(int(number), url, source) else "whole"
        migrate(url, source)
        print(json.dumps([word, holds(url)]), flush=True)


if __name__ == "__main__":
    main()
