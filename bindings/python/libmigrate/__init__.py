# SPDX-License-Identifier: Apache-2.0
"""Schema migrations that survive being killed: libmigrate for Python.

>>> from libmigrate import Migrator
>>> with Migrator("sqlite:app.db", "migrations") as migrator:
...     migrator.up()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._library import library as _load
from ._library import library_path
from ._version import __version__
from .code import CodeMigration, Execute
from .credentials import Credentials, Login
from .errors import (
    Bug,
    CallerError,
    DatabaseError,
    LibraryError,
    LockError,
    MigrateError,
    ProcessError,
    SourceError,
    StateError,
    Stopped,
)
from .locks import Holder, Lock, LockLost
from .migrator import Migrator
from .options import Option, OptionValue, options
from .plan import Plan
from .results import Event, LockInfo, Migration, Report, Statement, Step
from .sources import Source, SourceEntry

if TYPE_CHECKING:
    from .aio import AsyncMigrator

__all__ = [
    "__version__",
    "AsyncMigrator",
    "Bug",
    "CallerError",
    "CodeMigration",
    "Credentials",
    "DatabaseError",
    "Event",
    "Execute",
    "Holder",
    "LibraryError",
    "Lock",
    "LockError",
    "LockInfo",
    "LockLost",
    "Login",
    "MigrateError",
    "Migration",
    "Migrator",
    "Option",
    "OptionValue",
    "Plan",
    "ProcessError",
    "Report",
    "Source",
    "SourceEntry",
    "SourceError",
    "StateError",
    "Statement",
    "Step",
    "Stopped",
    "library_path",
    "library_version",
    "options",
]


def library_version() -> str:
    """Version of the library in use, which may be newer than this package."""
    version: bytes = _load().c.migrate_version_string()
    return version.decode()


def __getattr__(name: str) -> Any:
    # asyncio is a third of what there is to import, and few need it.
    if name == "AsyncMigrator":
        from .aio import AsyncMigrator

        globals()[name] = AsyncMigrator
        return AsyncMigrator
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
