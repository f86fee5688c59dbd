# SPDX-License-Identifier: Apache-2.0
"""The C connection inside a connection of Python.

``sqlite3`` does not tell its ``sqlite3 *``. In CPython it is the first member of the connection object;
before it is used, what can be checked is: that the module and our driver use one and the same SQLite
library, and that the pointer answers like the connection.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import sys
from typing import Any, Optional, Tuple

from . import _abi
from ._library import SCHEMES, Library
from .errors import CallerError

__all__ = ["native_of"]


def _refuse(why: str) -> CallerError:
    return CallerError(
        "this sqlite3 connection cannot be adopted: %s" % why,
        status="E_UNSUPPORTED",
        status_code=_abi.E_UNSUPPORTED,
        hint="give the file as database='sqlite:FILE' instead",
    )


def _symbol(library: Any, name: str) -> Optional[int]:
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    except AttributeError:
        return None


def _sqlite_of(module_file: Optional[str], lib: Library) -> Any:
    """The SQLite library, if sqlite3 and the driver share it."""
    if module_file is None:
        raise _refuse("the sqlite3 module is built into this Python")
    bundled = hasattr(lib.c, "migrate_sqlite_driver")
    path = lib.path if bundled else lib.beside(SCHEMES["sqlite"].file)[0]
    try:
        theirs, ours = ctypes.CDLL(module_file), ctypes.CDLL(path)
    except OSError as why:
        raise _refuse(str(why)) from None
    a, b = (_symbol(each, "sqlite3_db_filename") for each in (theirs, ours))
    if a is None or b is None or a != b:
        raise _refuse("Python's sqlite3 and libmigrate use two different copies of SQLite")
    return ours


def _check(sqlite: Any, pointer: int, connection: sqlite3.Connection) -> None:
    sqlite.sqlite3_db_filename.restype = ctypes.c_char_p
    sqlite.sqlite3_db_filename.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    sqlite.sqlite3_get_autocommit.restype = ctypes.c_int
    sqlite.sqlite3_get_autocommit.argtypes = [ctypes.c_void_p]
    said = next((row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"), "")
    found = os.fsdecode(sqlite.sqlite3_db_filename(pointer, b"main") or b"")
    if found != (said or "") or bool(sqlite.sqlite3_get_autocommit(pointer)) == connection.in_transaction:
        raise _refuse("its C connection was not found")


def _sqlite_pointer(connection: sqlite3.Connection, lib: Library) -> int:
    if sys.implementation.name != "cpython":
        raise _refuse("only CPython's is known")
    import _sqlite3

    connection.in_transaction  # raises where it is closed or another thread's
    connection.execute("SELECT 1").close()
    sqlite = _sqlite_of(getattr(_sqlite3, "__file__", None), lib)
    # After the object's head, which is longer in a debug build.
    at = id(connection) + object.__basicsize__
    pointer = ctypes.c_void_p.from_address(at).value
    if not pointer:
        raise _refuse("it is closed")
    _check(sqlite, pointer, connection)
    return pointer


def native_of(connection: object, driver: Optional[str], lib: Library) -> Tuple[str, int]:
    """Driver and C connection. CallerError, TypeError."""
    if isinstance(connection, sqlite3.Connection):
        return "sqlite", _sqlite_pointer(connection, lib)
    if isinstance(connection, int) and not isinstance(connection, bool):
        if driver is None:
            raise TypeError("adopt(): with a pointer, driver='sqlite', 'postgres' or 'mysql' is wanted")
        if connection <= 0:
            raise TypeError("adopt(): not a pointer")
        return driver, connection
    raise TypeError(
        "adopt(): a sqlite3.Connection or the address of a C connection is wanted, not %s"
        % type(connection).__name__
    )
