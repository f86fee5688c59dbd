# SPDX-License-Identifier: Apache-2.0
"""Layouts, prototypes, types, fixtures, guide, wheel."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys

import pytest
from conftest import PACKAGE, ROOT, environment, python

import libmigrate
from libmigrate import _abi

STRUCTS = {
    "migrate_text": _abi.Text,
    "migrate_run_options": _abi.RunOptions,
    "migrate_entry": _abi.Entry,
    "migrate_executor": _abi.Executor,
    "migrate_source_ops": _abi.SourceOps,
    "migrate_lock_ops": _abi.LockOps,
    "migrate_holder": _abi.Holder,
}


def golden():
    found, last = {}, ""
    for line in (ROOT / "tests/abi/golden/layout.txt").read_text().splitlines():
        name, number = line.split()
        if line.startswith(" "):
            found[last][1][name] = int(number)
        else:
            last = name
            found[name] = (int(number), {})
    return found


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_layouts(name):
    size, members = golden()[name]
    struct = STRUCTS[name]
    ours = {field[0]: getattr(struct, field[0]).offset for field in struct._fields_}
    assert ctypes.sizeof(struct) <= size
    assert ours == {k: v for k, v in members.items() if k in ours}
    assert list(ours) == list(members)[: len(ours)]


def headers():
    texts = [p.read_text() for p in sorted((ROOT / "include/migrate").glob("*.h"))]
    text = re.sub(r"/\*.*?\*/", "", "\n".join(texts), flags=re.S)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    return re.sub(r"\s+", " ", text)


C_TYPES = {
    "migrate_status": "i",
    "int32_t": "i",
    "uint32_t": "I",
    "int64_t": "q",
    "uint64_t": "Q",
    "size_t": "Q",
    "void": None,
}


def kind_of(declared):
    declared = declared.strip()
    if "*" in declared or declared.rstrip().endswith("_fn") or re.search(r"_fn \w+$", declared):
        return "P"
    words = [w for w in declared.split() if w != "const"]
    return C_TYPES[words[0]]


def kind_of_ctype(t):
    if t is None:
        return None
    if t in (ctypes.c_char_p, ctypes.c_void_p) or not hasattr(t, "_type_") or not isinstance(t._type_, str):
        return "P"
    return {"i": "i", "I": "I", "l": "q", "L": "Q"}[t._type_]


def test_prototypes():
    """Every function of the table is declared like that in the headers."""
    text = headers()
    for name, (result, arguments) in {**_abi.PROTOTYPES, **_abi.AWS_PROTOTYPES}.items():
        found = re.search(r"MIGRATE_API (?:MIGRATE_NODISCARD )?([^;()]*?)\b%s\(([^;]*?)\);" % name, text)
        assert found, name
        assert kind_of_ctype(result) == kind_of(found.group(1)), name
        declared = [] if found.group(2).strip() == "void" else found.group(2).split(",")
        assert [kind_of_ctype(a) for a in arguments] == [kind_of(d) for d in declared], name


def test_everything_in_the_headers_is_bound():
    """A function that is added to the library is bound, or named here with the reason why not."""
    elsewhere = {
        # what they say is read from the JSON
        "migrate_error_json", "migrate_plan_step", "migrate_report_json_write", "migrate_report_state",
        "migrate_report_version", "migrate_report_pending", "migrate_report_applied",
        "migrate_report_reverted", "migrate_report_elapsed_ms", "migrate_report_count",
        "migrate_report_item", "migrate_report_each", "migrate_event_item", "migrate_event_index",
        "migrate_event_total", "migrate_event_elapsed_ms", "migrate_state_name", "migrate_ctx_asked",
        # by name, when a driver is linked into the library
        "migrate_sqlite_driver", "migrate_postgres_driver", "migrate_mysql_driver", "migrate_rds_data_driver",
        # for authors of drivers in C
        "migrate_conformance_driver", "migrate_conformance_source", "migrate_conformance_lock",
        "migrate_conformance_file",
    }  # fmt: skip
    text = headers()
    declared = set(re.findall(r"\b(migrate_[a-z0-9_]+) ?\((?!\*)", text))
    declared = {d for d in declared if not d.startswith("migrate_item_") and not d.endswith("_fn")}
    bound = set(_abi.PROTOTYPES) | set(_abi.AWS_PROTOTYPES)
    assert declared - bound - elsewhere == set()


def test_versions_agree():
    text = (ROOT / "include/migrate/version.h").read_text()
    assert '"%s"' % libmigrate.__version__ in text
    major, minor, patch = (int(n) for n in libmigrate.__version__.split("."))
    assert _abi.HEADER_VERSION == major * 10000 + minor * 100 + patch


def test_status_numbers_agree():
    text = (ROOT / "include/migrate/status.h").read_text()
    numbers = {m[0]: int(m[1]) for m in re.findall(r"#define MIGRATE_(E_\w+) +(\d+)", text)}
    for name in dir(_abi):
        if name.startswith("E_"):
            assert getattr(_abi, name) == numbers[name], name
    assert issubclass(libmigrate.errors.class_of(699), libmigrate.DatabaseError)


def test_options_are_those_of_the_guide():
    guide = (ROOT / "docs/guide/options.md").read_text()
    keys = [k.replace("NAME", "") for k in re.findall(r"^\| `([^`]+)` \|", guide, flags=re.M)]
    assert [o.key for o in libmigrate.options()] == keys


def test_the_guides_first_lines(tmp_path):
    guide = (ROOT / "docs/guide/python.md").read_text()
    first = re.search(r"```python\n(.*?)```", guide, flags=re.S).group(1)
    assert len(first.strip().splitlines()) <= 10
    for _n in range(2):
        ran = python("-c", first, cwd=tmp_path)
        assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "app.db").exists()


def test_the_guides_other_blocks_are_python():
    guide = (ROOT / "docs/guide/python.md").read_text()
    for block in re.findall(r"```python\n(.*?)```", guide, flags=re.S):
        compile(block, "python.md", "exec")


def test_types(tmp_path):
    mypy = subprocess.run(
        [sys.executable, "-m", "mypy", "--version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    if mypy.returncode:
        pytest.skip("no mypy in this Python")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path)],
        cwd=PACKAGE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    assert ran.returncode == 0, ran.stdout


def test_import_takes_no_more_than_it_needs():
    text = (
        "import sys, libmigrate; before = set(sys.modules); from libmigrate import *; AsyncMigrator; "
        "print('asyncio' in before, 'asyncio' in sys.modules, hasattr(libmigrate, 'nope'))"
    )
    ran = python("-c", text)
    assert ran.stdout.split() == ["False", "True", "False"], ran.stderr


def test_fixtures(pytester, monkeypatch):
    pytester.makeconftest("pytest_plugins = ['libmigrate.testing']")
    folder = pytester.mkdir("migrations")
    (folder / "1_a.sql").write_text("CREATE TABLE a (x INTEGER);")
    pytester.makepyfile(
        """
        import sqlite3
        import pytest

        @pytest.mark.parametrize("n", [1, 2])
        def test_it(migrated_sqlite, n):
            c = sqlite3.connect(str(migrated_sqlite.path))
            assert c.execute("SELECT count(*) FROM a").fetchone() == (0,)
            c.execute("INSERT INTO a VALUES (1)")
            c.commit()

        def test_that(migrated_postgres):
            pass
        """
    )
    monkeypatch.delenv("MIGRATE_TEST_POSTGRES", raising=False)
    monkeypatch.delenv("MIGRATE_SOURCE", raising=False)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, skipped=1)


def test_wheel(tmp_path):
    """It installs into an empty environment without a compiler, and needs no library but its own."""
    folder = os.environ.get("LIBMIGRATE_LIBRARY")
    if not folder or not os.path.isdir(folder):
        pytest.skip("$LIBMIGRATE_LIBRARY is no folder")
    have = subprocess.run([sys.executable, "-c", "import venv, ensurepip"], stderr=subprocess.PIPE)
    if have.returncode:
        pytest.skip("no venv in this Python")
    env = environment()
    ran = subprocess.run(
        [str(ROOT / "scripts/wheel"), folder, str(tmp_path / "dist")],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    assert ran.returncode == 0, ran.stdout
    wheel = ran.stdout.split()[-1]
    assert re.search(r"libmigrate-[0-9.]+-py3-none-linux_\w+\.whl$", wheel)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "-q"]
    subprocess.run([*pip, "install", "--no-index", wheel], check=True, env=env)
    again = subprocess.check_output([str(ROOT / "scripts/wheel"), folder, str(tmp_path / "again")], env=env)
    with open(wheel, "rb") as one, open(again.decode().strip(), "rb") as other:
        assert one.read() == other.read()
    text = (
        "import libmigrate, sys\n"
        "with libmigrate.Migrator('sqlite:x.db', {'1_a.sql': 'SELECT 1;'}) as m: m.up()\n"
        "print(libmigrate.library_path())\n"
    )
    env = {"PATH": "/usr/bin:/bin"}
    ran = subprocess.run(
        [str(venv / "bin/python"), "-c", text],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert str(venv) in ran.stdout
