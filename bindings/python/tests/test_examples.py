# SPDX-License-Identifier: Apache-2.0
"""The examples of frameworks, run."""

from __future__ import annotations

import importlib.util

import pytest
from conftest import ROOT, python

import libmigrate


def load(name):
    spec = importlib.util.spec_from_file_location("example_" + name, ROOT / "examples" / name / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_fastapi(tmp_path, monkeypatch):
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    from fastapi.testclient import TestClient

    monkeypatch.setenv("DATABASE", str(tmp_path / "app.db"))
    for _start in range(2):
        with TestClient(load("fastapi").app) as client:
            assert client.get("/health").json() == {"schema": "0004"}
            assert client.get("/customers/1").json() == {"name": "Ada Lovelace"}
            assert client.get("/customers/9").status_code == 404


def test_fastapi_does_not_start_on_a_failure(tmp_path, monkeypatch, folder):
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    from fastapi.testclient import TestClient

    monkeypatch.setenv("DATABASE", str(tmp_path / "app.db"))
    monkeypatch.setenv("MIGRATIONS", str(folder({"1_a.sql": "nonsense;"})))
    with pytest.raises(libmigrate.DatabaseError):
        with TestClient(load("fastapi").app):
            pass


def test_sqlalchemy(tmp_path):
    pytest.importorskip("sqlalchemy")
    from sqlalchemy import create_engine

    script = str(ROOT / "examples/sqlalchemy/app.py")
    ran = python(script, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "Grace Hopper 12900" in ran.stdout and (tmp_path / "app.db").exists()
    app = load("sqlalchemy")
    again = app.migrate(create_engine("sqlite:///%s" % (tmp_path / "app.db")))
    assert again.applied == 0 and again.current
    url = app.database_url(create_engine("postgresql+psycopg://u:p%40ss@db.example.org:5433/app?sslmode=require"))
    assert url == "postgres://u:p%40ss@db.example.org:5433/app?sslmode=require"


def test_sqlalchemy_lends_its_connection():
    pytest.importorskip("sqlalchemy")
    if hasattr(libmigrate._library.library().c, "migrate_sqlite_driver"):
        pytest.skip("libmigrate brings its own SQLite")
    from sqlalchemy import create_engine, text

    engine = create_engine("sqlite://")
    assert load("sqlalchemy").migrate(engine).current
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM customers")).scalar() == 2
