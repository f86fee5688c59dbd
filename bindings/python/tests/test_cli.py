# SPDX-License-Identifier: Apache-2.0
"""``python -m libmigrate`` against the command line's contract, and against ``migrate`` where it is given."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import PATIENCE, command_line, environment, python

FILES = {
    "0001_a.up.sql": "CREATE TABLE a (x INTEGER);",
    "0001_a.down.sql": "DROP TABLE a;",
    "0002_b.py": "def up(execute):\n    execute('INSERT INTO a VALUES (1)')\n"
    "def down(execute):\n    execute('DELETE FROM a')\n",
}


def cli(at, *args, **env):
    return command_line("-d", "sqlite:app.db", *args, cwd=at, **env)


def of_json(at, *args, **env):
    ran = cli(at, "--json", *args, **env)
    document = json.loads(ran.stdout)
    assert document["schema"] == 1 and ran.stdout.startswith('{"schema"')
    return ran.returncode, document


def test_verbs(tmp_path, folder):
    folder(FILES)
    assert cli(tmp_path, "status", "--check").returncode == 4
    code, plan = of_json(tmp_path, "plan", "--sql")
    assert code == 0 and [s["version"] for s in plan["steps"]] == ["0001", "0002"]
    assert "0001" in cli(tmp_path, "plan").stdout
    code, up = of_json(tmp_path, "up", "--steps", "1")
    assert (code, up["applied"], up["pending"]) == (0, 1, 1)
    assert cli(tmp_path, "up").returncode == 0
    assert cli(tmp_path, "status", "--check").returncode == 0
    assert of_json(tmp_path, "down")[1]["reverted"] == 1
    assert of_json(tmp_path, "redo", "--all")[1]["reverted"] == 1
    assert of_json(tmp_path, "verify")[0] == 0
    assert of_json(tmp_path, "hash")[1]["hash"].startswith("sha256:")
    assert "migrate_history" in of_json(tmp_path, "init", "--sql")[1]["sql"]
    assert of_json(tmp_path, "wait", "--timeout", "5s")[0] == 0
    assert of_json(tmp_path, "lock")[1]["state"] == "free"
    assert cli(tmp_path, "new", "c", "--pair").stdout.split() == ["0003_c.up.sql", "0003_c.down.sql"]
    assert cli(tmp_path, "plan", "--script", "--to", "0003").returncode in (0, 1)
    assert of_json(tmp_path, "version")[1]["library"].count(".") == 2
    assert "usage" in cli(tmp_path, "help").stdout
    assert of_json(tmp_path, "plan", "--dialect", "postgres")[0] == 0


def test_exit_codes(tmp_path, folder):
    folder({"0001_a.sql": "SELECT nope;"})
    code, document = of_json(tmp_path, "up")
    assert (code, document["error"]["status"], document["error"]["class"]) == (6, "E_SQL", 6)
    ran = cli(tmp_path, "up")
    assert ran.returncode == 6 and ran.stdout == "" and ran.stderr.startswith("error: 0001_a.sql:1:")
    for bad in (
        ["up", "--steps", "0"],
        ["frobnicate"],
        [],
        ["up", "--to", "1", "--steps", "1"],
        ["resolve", "1"],
    ):
        assert cli(tmp_path, *bad).returncode == 1, bad
    assert of_json(tmp_path, "up", "-o", "zzz=1")[1]["error"]["status"] == "E_OPTION"
    assert cli(tmp_path, "baseline", "77").returncode == 1
    folder({"0002_b.py": "def up(execute):\n    {}['x']\n", "0001_a.sql": "SELECT 1;"})
    ran = cli(tmp_path, "up")
    assert ran.returncode == 1 and "KeyError" in ran.stderr and "0002_b.py" in ran.stderr


def test_environment(tmp_path, folder):
    folder({"0001_a.sql": "CREATE TABLE ${Name} (x);"})
    env = {
        "MIGRATE_DATABASE_URL": "sqlite:other.db",
        "MIGRATE_SOURCE": "migrations",
        "MIGRATE_PLACEHOLDER__Name": "t",
        "MIGRATE_NO_SUCH_THING": "1",
        "MIGRATE_POSTGRES__APPLICATION_NAME": "x",
    }
    ran = python("-m", "libmigrate", "up", cwd=tmp_path, **env)
    assert ran.returncode == 0, ran.stderr
    assert "MIGRATE_NO_SUCH_THING" in ran.stderr and "POSTGRES" not in ran.stderr
    assert (tmp_path / "other.db").exists()


def test_two_signals(tmp_path, folder):
    slow = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 40000000000) "
    folder({"0001_a.sql": "CREATE TABLE a AS %s SELECT count(*) FROM c;" % slow})
    p = subprocess.Popen(
        [sys.executable, "-m", "libmigrate", "-v", "-d", "sqlite:app.db", "up"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    while "applying" not in p.stderr.readline():
        pass
    p.send_signal(signal.SIGTERM)
    time.sleep(0.6)
    p.send_signal(signal.SIGINT)  # another number: two that are pending together stay two
    p.communicate(timeout=PATIENCE)
    assert p.returncode == 7


@pytest.mark.skipif(not os.environ.get("CLI_EXE"), reason="no migrate to compare with: $CLI_EXE")
def test_same_json_as_migrate(tmp_path, folder):
    files = dict(FILES)
    del files["0002_b.py"]
    folder(files)

    def shape(value):
        if isinstance(value, dict):
            return {k: shape(v) for k, v in value.items()}
        return [shape(v) for v in value] if isinstance(value, list) else type(value).__name__

    commands = [
        "plan",
        "plan --sql",
        "status",
        "up",
        "status",
        "verify",
        "down",
        "redo --all",
        "lock",
        "hash",
        "wait",
    ]
    commands += ["up --steps x", "baseline 99", "up -o zzz=1", "init --sql", "plan --script"]
    for command in commands:
        words = command.split()
        theirs = subprocess.run(
            [os.environ["CLI_EXE"], "-d", "sqlite:theirs.db", "--json", *words],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        ours = command_line("-d", "sqlite:ours.db", "--json", *words, cwd=tmp_path)
        assert ours.returncode == theirs.returncode, command
        assert shape(json.loads(ours.stdout)) == shape(json.loads(theirs.stdout)), command
