# SPDX-License-Identifier: Apache-2.0
"""What the tests share. $LIBMIGRATE_LIBRARY says where the libraries are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Callable, Dict, Iterator, Mapping, Optional

import pytest
from kills import WHOLE

from libmigrate import Migrator

pytest_plugins = ["libmigrate.testing", "pytester"]

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parents[1]

#: Seconds until what hangs is given up; nothing that works comes near it on any machine.
PATIENCE = 600


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Writes migrations; their directory."""

    def write(files: Mapping[str, str]) -> Path:
        at = tmp_path / "migrations"
        for name, text in files.items():
            path = at / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return at

    return write


def pytest_configure(config: pytest.Config) -> None:
    """Marks of our own."""
    config.addinivalue_line("markers", "slow: takes minutes; run by scripts/test-slow")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An SQLite database."""
    return "sqlite:%s" % (tmp_path / "app.db")


def environment(**more: str) -> Dict[str, str]:
    """Of a child that uses this package."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MIGRATE_") and k != "DATABASE_URL"}
    env["PYTHONPATH"] = str(PACKAGE)
    env.update(more)
    return env


def python(*args: str, cwd: Optional[Path] = None, **more: str) -> "subprocess.CompletedProcess[str]":
    """Runs this Python."""
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        timeout=PATIENCE,
    )


def command_line(*args: str, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """``python -m libmigrate`` in a copy of this process, which need not start Python anew."""
    from libmigrate._cli import main

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            code = 99
            try:
                os.chdir(cwd)
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                sys.stdout, sys.stderr = open(1, "w", encoding="utf-8"), open(2, "w", encoding="utf-8")
                for name in set(os.environ) - set(environment()):
                    del os.environ[name]
                os.environ.update(more)
                code = main(list(args))
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        code = os.WEXITSTATUS(os.waitpid(pid, 0)[1])
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(args, code, out.read().decode("utf-8"), err.read().decode("utf-8"))


def killed_at_every_step(source: Path, fresh: Callable[[], str], stride: int = 1) -> int:
    """Each migration happens exactly once, at whatever step the run is killed. How many kills there were."""
    p = subprocess.Popen(
        [sys.executable, str(PACKAGE / "tests/kills.py"), str(source)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    assert p.stdin is not None and p.stdout is not None
    word, n, kills = "", 1, 0
    while word != "whole":
        p.stdin.write("%d %s\n" % (n, fresh()))
        p.stdin.flush()
        answer = p.stdout.readline()
        assert answer, "step %d: see above" % n
        word, found = json.loads(answer)
        assert found == WHOLE, "killed at step %d" % n
        n += stride
        kills += word == "killed"
    p.stdin.close()
    assert p.wait(PATIENCE) == 0
    return kills


class Server:
    """A database server of the test's own: makes databases."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind = kind
        self.url = url

    def create(self) -> str:
        """An empty database."""
        name = "t" + uuid.uuid4().hex[:12]
        with Migrator(self.url, {}, init_sql="CREATE DATABASE " + name) as m:
            m.open()
        base, _, query = self.url.partition("?")
        if self.kind == "postgres":
            base = base.rsplit("/", 1)[0]
        return base + "/" + name + ("?" + query if query else "")


def _server() -> Iterator[Server]:
    if os.environ.get("PG_URL"):
        yield Server("postgres", os.environ["PG_URL"])
    if os.environ.get("MYSQL_URL"):
        yield Server("mysql", os.environ["MYSQL_URL"])


@pytest.fixture
def server() -> Server:
    """The server that the run was started with."""
    for found in _server():
        return found
    pytest.skip("no server was started for this run")
