# SPDX-License-Identifier: Apache-2.0
"""What the tests share. $LIBMIGRATE_LIBRARY says where the libraries are."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Callable, Dict, Iterator, Mapping, Optional

import pytest

from libmigrate import Migrator

pytest_plugins = ["libmigrate.testing", "pytester"]

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parents[1]


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
        timeout=120,
    )


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
