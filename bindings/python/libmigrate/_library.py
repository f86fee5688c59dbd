# SPDX-License-Identifier: Apache-2.0
"""Finds libmigrate.so.0 and the drivers beside it.

Looked for in this order: ``$LIBMIGRATE_LIBRARY`` (the file, or the folder that holds it), the
libraries inside this package, and where the dynamic linker looks.
"""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple

from . import _abi
from .errors import LibraryError

__all__ = ["Driver", "Library", "aws", "driver_for", "library", "library_path"]

SONAME = "libmigrate.so.0"
VARIABLE = "LIBMIGRATE_LIBRARY"
BUNDLED = Path(__file__).resolve().parent / "_lib"


class Driver(NamedTuple):
    """One of the project's own drivers: its name and its library."""

    name: str
    file: str


_SQLITE = Driver("sqlite", "libmigrate-sqlite.so.0")
_POSTGRES = Driver("postgres", "libmigrate-postgres.so.0")
_MYSQL = Driver("mysql", "libmigrate-mysql.so.0")
_AWS = Driver("rds_data", "libmigrate-aws.so.0")

SCHEMES: Dict[str, Driver] = {
    "sqlite": _SQLITE,
    "postgres": _POSTGRES,
    "postgresql": _POSTGRES,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "rds-data": _AWS,
}


class Library:
    """The loaded library. ``folder`` is where its drivers are, None: the linker knows."""

    def __init__(self, c: ctypes.CDLL, path: str, folder: Optional[Path]) -> None:
        self.c: Any = c
        self.path = path
        self.folder = folder

    def beside(self, file: str) -> Tuple[str, bool]:
        """What to load for ``file``, and whether the dynamic linker has to search for it."""
        if self.folder is not None:
            path = self.folder / file
            if path.exists():
                return str(path), False
        return file, True


_guard = threading.Lock()
_loaded: Optional[Library] = None
_aws_loaded: Optional[Any] = None


def _candidate() -> Tuple[str, Optional[Path], str]:
    said = os.environ.get(VARIABLE)
    if said:
        path = Path(said)
        if path.is_dir():
            path = path / SONAME
        return str(path), path.parent, "$%s" % VARIABLE
    if (BUNDLED / SONAME).exists():
        return str(BUNDLED / SONAME), BUNDLED, "inside the package"
    return SONAME, None, "where the dynamic linker looks"


def _fail(message: str, hint: str) -> LibraryError:
    return LibraryError(message, status="E_LOAD", status_code=_abi.E_LOAD, hint=hint)


def check_version(number: int, text: str, path: str) -> None:
    """Raises LibraryError if this package cannot use a library of that version."""
    wanted = _abi.HEADER_VERSION_TEXT
    if number >= _abi.HEADER_VERSION and number // 10000 == _abi.HEADER_VERSION // 10000:
        return
    older = number < _abi.HEADER_VERSION
    raise _fail(
        "%s is libmigrate %s; this package was made for %s" % (path, text, wanted),
        "install libmigrate %s or later" % wanted
        if older
        else "install a libmigrate package for Python that was made for %s" % text,
    )


def _open() -> Library:
    path, folder, where = _candidate()
    try:
        c = ctypes.CDLL(path)
    except OSError as why:
        raise _fail(
            "%s cannot be loaded (%s): %s" % (SONAME, where, why),
            "install libmigrate, or set %s to the library or its folder" % VARIABLE,
        ) from None
    try:
        c.migrate_version_number.restype = ctypes.c_uint32
        c.migrate_version_number.argtypes = []
        c.migrate_version_string.restype = ctypes.c_char_p
        c.migrate_version_string.argtypes = []
        number, text = c.migrate_version_number(), c.migrate_version_string().decode()
    except AttributeError:
        raise _fail("%s is not libmigrate" % path, "correct %s" % VARIABLE) from None
    check_version(number, text, path)
    missing = _abi.bind(c, _abi.PROTOTYPES)
    if missing is not None:
        raise _fail(
            "%s says it is libmigrate %s but has no %s()" % (path, text, missing),
            "install libmigrate anew: it is not a released version",
        )
    return Library(c, path, folder)


def library() -> Library:
    """The library, loaded when first asked for. LibraryError."""
    global _loaded
    if _loaded is None:
        with _guard:
            if _loaded is None:
                _loaded = _open()
    return _loaded


def library_path() -> str:
    """What was loaded: a path, or the name that the dynamic linker found."""
    return library().path


def aws() -> Any:
    """libmigrate-aws, loaded only when something asks for it."""
    global _aws_loaded
    lib = library()
    if hasattr(lib.c, "migrate_aws_attach"):
        _abi.bind(lib.c, _abi.AWS_PROTOTYPES)
        return lib.c
    with _guard:
        if _aws_loaded is None:
            path, _search = lib.beside(_AWS.file)
            try:
                loaded = ctypes.CDLL(path)
            except OSError as why:
                raise _fail(
                    "libmigrate-aws, which this needs, cannot be loaded: %s" % why,
                    "install the package that holds it",
                ) from None
            missing = _abi.bind(loaded, _abi.AWS_PROTOTYPES)
            if missing is not None:
                raise _fail("%s has no %s()" % (path, missing), "install libmigrate and its parts anew")
            _aws_loaded = loaded
    return _aws_loaded


def driver_for(url: str) -> Optional[Driver]:
    """The driver of a URL's scheme, or None if it is none of ours."""
    scheme, colon, _rest = url.partition(":")
    return SCHEMES.get(scheme.lower()) if colon else None
