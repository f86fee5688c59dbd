# SPDX-License-Identifier: Apache-2.0
"""A migrated database for each test, as pytest fixtures.

    # conftest.py
    pytest_plugins = ["libmigrate.testing"]

    # test_app.py
    def test_it(migrated_sqlite):
        connection = sqlite3.connect(migrated_sqlite.path)

    def test_that(migrated_postgres):
        connection = psycopg.connect(migrated_postgres.url)

The migrations run once; each test gets a clone: a copy of the SQLite file, a PostgreSQL database made
from a template. Options of pytest: ``--migrations DIR`` (else $MIGRATE_SOURCE, else ./migrations) and
``--migrate-postgres URL`` (else $MIGRATE_TEST_POSTGRES), of a server whose user may create databases;
without it such tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Optional
from urllib.parse import urlsplit, urlunsplit

import pytest

from .errors import DatabaseError
from .migrator import Migrator

__all__ = ["Database", "clone_postgres", "drop_postgres", "template_postgres"]


@dataclass(frozen=True)
class Database:
    """A database with every migration applied."""

    #: For libmigrate and, of PostgreSQL, for libpq.
    url: str
    #: Of SQLite its file.
    path: Optional[Path] = None
    #: Of PostgreSQL its name.
    name: Optional[str] = None


def pytest_addoption(parser: Any) -> None:
    """Options of the plug-in."""
    group = parser.getgroup("libmigrate")
    group.addoption("--migrations", metavar="DIR", default=None, help="migrations for the fixtures")
    group.addoption("--migrate-postgres", metavar="URL", default=None, help="server for migrated_postgres")


@pytest.fixture(scope="session")
def migrations_source(request: pytest.FixtureRequest) -> Any:
    """Where migrations come from; override it for another source."""
    said = request.config.getoption("--migrations")
    return said or os.environ.get("MIGRATE_SOURCE") or str(request.config.rootpath / "migrations")


@pytest.fixture(scope="session")
def migrated_sqlite_template(migrations_source: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that is copied for each test."""
    path = tmp_path_factory.mktemp("libmigrate") / "template.db"
    with Migrator("sqlite:%s" % path, migrations_source) as migrator:
        migrator.up()
    return path


@pytest.fixture
def migrated_sqlite(migrated_sqlite_template: Path, tmp_path: Path) -> Database:
    """An SQLite database of this test alone."""
    path = tmp_path / "migrated.db"
    for end in ("", "-wal"):
        part = Path(str(migrated_sqlite_template) + end)
        if part.exists():
            shutil.copyfile(part, str(path) + end)
    return Database(url="sqlite:%s" % path, path=path)


# ---- PostgreSQL --------------------------------------------------------------------------


def with_database(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path="/" + name))


def _on_server(url: str, sql: str) -> None:
    """One statement, sent as a connection is made: it needs no other client library, and leaves nothing of
    ours in the database that is connected to."""
    with Migrator(url, {}, init_sql=sql, log_level="error") as migrator:
        migrator.open()


_IN_USE = "55006"
_PATIENCE_S = 60.0


def _patiently(url: str, sql: str) -> None:
    """Another session in a database that is copied or dropped keeps the server from it, for a moment: a
    vacuum, a client that is being ended."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return _on_server(url, sql)
        except DatabaseError as error:
            if error.sqlstate != _IN_USE or time.monotonic() > until:
                raise
        time.sleep(0.05)


def template_postgres(server: str, source: Any) -> Database:
    """Creates a database on ``server`` and migrates it. To be dropped with drop_postgres()."""
    name = "libmigrate_template_" + uuid.uuid4().hex
    _patiently(server, 'CREATE DATABASE "%s"' % name)
    database = Database(url=with_database(server, name), name=name)
    try:
        with Migrator(database.url, source) as migrator:
            migrator.up()
    except BaseException:
        drop_postgres(server, database)
        raise
    return database


def clone_postgres(server: str, template: Database) -> Database:
    """A copy of ``template``, which nobody may stay connected to."""
    name = "libmigrate_test_" + uuid.uuid4().hex
    _patiently(server, 'CREATE DATABASE "%s" TEMPLATE "%s"' % (name, template.name))
    return Database(url=with_database(server, name), name=name)


def drop_postgres(server: str, database: Database) -> None:
    """Drops it, whoever is still connected."""
    _patiently(server, 'DROP DATABASE IF EXISTS "%s" WITH (FORCE)' % database.name)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> str:
    """URL of a server whose user may create databases."""
    url = request.config.getoption("--migrate-postgres") or os.environ.get("MIGRATE_TEST_POSTGRES")
    if not url:
        pytest.skip("no PostgreSQL server: give --migrate-postgres or $MIGRATE_TEST_POSTGRES")
    return str(url)


@pytest.fixture(scope="session")
def migrated_postgres_template(postgres_server: str, migrations_source: Any) -> Iterator[Database]:
    """The database that is cloned for each test."""
    template = template_postgres(postgres_server, migrations_source)
    yield template
    drop_postgres(postgres_server, template)


@pytest.fixture
def migrated_postgres(postgres_server: str, migrated_postgres_template: Database) -> Iterator[Database]:
    """A PostgreSQL database of this test alone."""
    database = clone_postgres(postgres_server, migrated_postgres_template)
    yield database
    drop_postgres(postgres_server, database)
