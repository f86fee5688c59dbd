# SPDX-License-Identifier: Apache-2.0
"""Migrations that are Python: ``migrations/20240101_add_users.py`` with ``up(execute)`` and, to be
reversible, ``down(execute)``.

The file is not imported but run anew for each migration, from the text whose hash is its checksum.
``transaction = False`` at its top level asks for no transaction.
"""

from __future__ import annotations

import ast
import ctypes
import hashlib
import inspect
import os
import re
import types
from dataclasses import dataclass
from decimal import Decimal
from datetime import date, datetime, time
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple, Union

from . import _abi
from ._bridge import Bridge, drop, find, guarded, read_error, register, release
from ._text import encode, fill_text, read_text
from .errors import CallerError, SourceError

__all__ = ["CodeMigration", "Execute", "Param", "Row"]

#: A value for a ``?``; it goes to the server as text.
Param = Union[None, str, int, float, bool, Decimal, date, time, datetime]
Row = Tuple[Optional[str], ...]
#: What ``up`` and ``down`` are.
Code = Callable[["Execute"], Any]


def _param(value: object) -> Optional[bytes]:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bool):
        return b"1" if value else b"0"
    if isinstance(value, (int, float, Decimal)):
        return str(value).encode("ascii")
    if isinstance(value, datetime):
        return value.isoformat(" ").encode("ascii")
    if isinstance(value, (date, time)):
        return value.isoformat().encode("ascii")
    raise TypeError(
        "a parameter is str, a number, a date or None, not %s; write other values into the SQL"
        % type(value).__name__
    )


class Execute:
    """Runs SQL for a code migration, inside the engine's transaction, lock and journal.

    ``execute(sql)`` runs one or more statements and returns the rows of the last one that has any,
    as tuples of text. ``execute(sql, params)`` runs one statement with a value for each ``?``.
    """

    def __init__(self, bridge: Bridge, executor: int, direction: int) -> None:
        self._bridge = bridge
        self._x: Any = ctypes.cast(executor, ctypes.POINTER(_abi.Executor))
        self._address = executor
        self._valid = True
        #: "up" or "down".
        self.direction = "down" if direction == _abi.DOWN else "up"

    def _check(self) -> None:
        if not self._valid:
            raise CallerError(
                "execute() was called after its migration had returned",
                status="E_MISUSE",
                status_code=_abi.E_MISUSE,
            )

    def __call__(self, sql: str, params: Sequence[Param] = ()) -> List[Row]:
        """Runs SQL. DatabaseError and the like; letting it pass ends the migration."""
        rows: List[Row] = []
        self.each(rows.append, sql, params)
        return rows

    def each(self, on_row: Callable[[Row], Any], sql: str, params: Sequence[Param] = ()) -> None:
        """Runs SQL and gives each row to ``on_row`` as it comes, however many."""
        self._check()
        if not isinstance(sql, str):
            raise TypeError("sql: str is wanted, not %s" % type(sql).__name__)
        if isinstance(params, (str, bytes)):
            raise TypeError("params: a sequence of values is wanted")
        text = sql.encode("utf-8")
        values = [_param(value) for value in params]
        array = (_abi.Text * len(values))()
        for slot, value in zip(array, values):
            if value is not None:
                fill_text(slot, value)
        err = ctypes.c_void_p()
        failed: List[BaseException] = []
        number = register((self._bridge, on_row, failed))
        # While the statement runs Ctrl-C cancels it; it does not raise in the middle of our own lines.
        before, self._bridge.in_user = self._bridge.in_user, False
        try:
            status = self._x.contents.exec(
                self._address,
                text,
                len(text),
                array,
                len(values),
                _on_row,
                number,
                ctypes.byref(err),
            )
        finally:
            self._bridge.in_user = before
            drop(number)
        if failed and status == _abi.OK:  # to C it only wants no more rows
            self._bridge.kept = None
            raise failed[0]
        self._bridge.check(status, err)

    def tick(self) -> None:
        """For code that waits or computes: raises when the run has to stop. Call it now and then."""
        self._check()
        status = self._x.contents.tick(self._address)
        if status:
            raise read_error(status, None)

    def _end(self) -> None:
        self._valid = False


@_abi.callback(_abi.RowFn)
def _on_row(user: Optional[int], n: int, columns: Any) -> int:
    bridge, on_row, failed = find(user)

    def give() -> None:
        on_row(tuple(read_text(columns[i]) for i in range(n)))

    status = guarded(bridge, None, give)
    if status:
        failed.append(bridge.kept)
    return status


@dataclass(frozen=True)
class CodeMigration:
    """A migration that is code. ``path`` gives its version and name, ``checksum`` is its identity."""

    path: str
    up: Code
    down: Optional[Code] = None
    checksum: Optional[str] = None
    #: False: each execute() commits by itself, under the journal.
    transaction: bool = True

    def carry_out(self, bridge: Bridge, direction: int, executor: int) -> None:
        """Runs it. Whatever it raises."""
        code = self.down if direction == _abi.DOWN else self.up
        if code is None:
            raise CallerError(
                "%s has no down()" % self.path,
                status="E_UNSUPPORTED",
                status_code=_abi.E_UNSUPPORTED,
            )
        execute = Execute(bridge, executor, direction)
        try:
            result = code(execute)
            if inspect.iscoroutine(result):
                result.close()
                raise TypeError(
                    "%s: %s() is a coroutine function; it has to be a plain one"
                    % (self.path, execute.direction)
                )
        finally:
            execute._end()


@_abi.callback(_abi.CodeFn)
def run_code(user: Optional[int], direction: int, executor: int, err: Any) -> int:
    """migrate_code_fn; ``user`` is a pair of bridge and CodeMigration."""
    bridge, migration = find(user)
    return guarded(bridge, err, migration.carry_out, bridge, direction, executor)


# ---- files ---------------------------------------------------------------------------

# As the layouts tell SQL files from others: a version first, or Flyway's letters.
_NAME = re.compile(r"(?:[0-9]|[VB][0-9]|R__).*\.py\Z")


def _source_error(status: str, code: int, message: str, path: str, line: Optional[int]) -> SourceError:
    place = path if line is None else "%s:%d" % (path, line)
    return SourceError(
        message,
        status=status,
        status_code=code,
        text="%s: %s" % (place, message),
        path=path,
        line=line,
    )


def _paths(folder: str) -> Iterator[str]:
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "__pycache__")
        for name in sorted(files):
            if _NAME.match(name):
                yield os.path.relpath(os.path.join(at, name), folder).replace(os.sep, "/")


def _facts(text: bytes, path: str) -> Tuple[bool, bool]:
    """Whether it has down(), and whether it runs in a transaction; nothing of it is run for that."""
    try:
        tree = ast.parse(text, path)
    except (SyntaxError, ValueError) as why:
        raise _source_error(
            "E_PARSE", _abi.E_PARSE, "not Python: %s" % why, path, getattr(why, "lineno", None)
        ) from None
    functions = set()
    transaction = True
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name in ("up", "down"):
            raise _source_error(
                "E_PARSE",
                _abi.E_PARSE,
                "%s() has to be a plain function" % node.name,
                path,
                node.lineno,
            )
        if isinstance(node, ast.FunctionDef):
            functions.add(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            if any(isinstance(t, ast.Name) and t.id == "transaction" for t in node.targets):
                transaction = bool(node.value.value)
    if "up" not in functions:
        raise _source_error("E_PARSE", _abi.E_PARSE, "it defines no up(execute)", path, None)
    return "down" in functions, transaction


class _File:
    """The functions of a file, made anew for every run from the text that was hashed."""

    def __init__(self, folder: str, path: str, text: bytes) -> None:
        self._file = os.path.join(folder, *path.split("/"))
        self._path = path
        self._text = text

    def function(self, name: str) -> Code:
        def run(execute: Execute) -> Any:
            with open(self._file, "rb") as now:
                if now.read() != self._text:
                    raise _source_error(
                        "E_SOURCE_MOVED",
                        _abi.E_SOURCE_MOVED,
                        "the file changed while it was being run",
                        self._path,
                        None,
                    )
            module = types.ModuleType("libmigrate_migration")
            module.__file__ = self._file
            exec(compile(self._text, self._file, "exec", dont_inherit=True), module.__dict__)
            return module.__dict__[name](execute)

        return run


def checksum(text: bytes) -> str:
    """Of a file: the same with every line end, as those of SQL files."""
    if text.startswith(b"\xef\xbb\xbf"):
        text = text[3:]
    plain = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return "sha256:" + hashlib.sha256(plain).hexdigest()


def read_folder(folder: str) -> Iterator[CodeMigration]:
    """The code migrations in a directory, in order of path. SourceError."""
    for path in _paths(folder):
        try:
            with open(os.path.join(folder, *path.split("/")), "rb") as file:
                text = file.read()
        except OSError as why:
            raise _source_error("E_SOURCE", _abi.E_SOURCE, str(why), path, None) from why
        reversible, transaction = _facts(text, path)
        file_code = _File(folder, path, text)
        yield CodeMigration(
            path=path,
            up=file_code.function("up"),
            down=file_code.function("down") if reversible else None,
            checksum=checksum(text),
            transaction=transaction,
        )


def add(c: Any, handle: int, bridge: Bridge, migration: CodeMigration) -> Tuple[int, ctypes.c_void_p]:
    """migrate_ctx_add_code()"""
    flags = 0
    if migration.down is not None:
        flags |= _abi.CODE_REVERSIBLE
    if not migration.transaction:
        flags |= _abi.CODE_NO_TRANSACTION
    path = encode(migration.path, "path")
    sum_ = None if migration.checksum is None else encode(migration.checksum, "checksum")
    err = ctypes.c_void_p()
    status = c.migrate_ctx_add_code(
        handle,
        path,
        sum_,
        flags,
        run_code,
        register((bridge, migration)),
        release,
        ctypes.byref(err),
    )
    return status, err


def reload_check(known: CodeMigration, now: CodeMigration) -> None:
    """A context keeps the code it was given. SourceError if the file says something else now."""
    if known.checksum != now.checksum:
        raise _source_error(
            "E_SOURCE_MOVED",
            _abi.E_SOURCE_MOVED,
            "the file changed since this Migrator read it: make a new one",
            known.path,
            None,
        )


def gone(path: str) -> SourceError:
    """A context keeps the code it was given, also when the file is removed."""
    return _source_error(
        "E_SOURCE_MOVED",
        _abi.E_SOURCE_MOVED,
        "the file is gone since this Migrator read it: make a new one",
        path,
        None,
    )
