# SPDX-License-Identifier: Apache-2.0
"""What a call raises: one class for each class of status, which says what to do about it.

``CallerError``    fix the call
``ProcessError``   this process: memory, files
``SourceError``    fix the migrations
``StateError``     history and source disagree: a person decides
``LockError``      the migration lock: try again
``DatabaseError``  the database
``Stopped``        asked to stop, or out of time: the same call goes on from there
``Bug``            in the library, or in a driver, source or lock
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Optional, Tuple, Type

if TYPE_CHECKING:
    from .results import Report

__all__ = [
    "Bug",
    "CallerError",
    "DatabaseError",
    "LibraryError",
    "LockError",
    "MigrateError",
    "ProcessError",
    "SourceError",
    "StateError",
    "Stopped",
]


class MigrateError(Exception):
    """A call failed. ``str()`` is the whole message for people, ``.message`` its first line.

    What is not known of a failure is None.
    """

    #: Name of the status, ``"E_SQL"``.
    status: str
    #: Its number; the hundreds digit is the class and the exit code of the command line.
    status_code: int
    #: What failed, in one line.
    message: str
    #: What to do about it.
    hint: Optional[str]
    #: What state the database is in now.
    state: Optional[str]
    #: Five characters by the server.
    sqlstate: Optional[str]
    #: Number by the server or its client library.
    code: Optional[int]
    #: Version of the migration concerned.
    version: Optional[str]
    #: Its file, with line and column from 1.
    path: Optional[str]
    line: Optional[int]
    column: Optional[int]
    #: Number of the statement in its migration, from 1.
    statement: Optional[int]
    #: The same call can succeed later with nothing changed by a person.
    retryable: bool
    #: How far the call got, if it learnt anything.
    report: Optional["Report"]

    def __init__(
        self,
        message: str,
        *,
        status: str = "E_CALLBACK",
        status_code: int = 110,
        text: Optional[str] = None,
        hint: Optional[str] = None,
        state: Optional[str] = None,
        sqlstate: Optional[str] = None,
        code: Optional[int] = None,
        version: Optional[str] = None,
        path: Optional[str] = None,
        line: Optional[int] = None,
        column: Optional[int] = None,
        statement: Optional[int] = None,
        retryable: bool = False,
        report: Optional["Report"] = None,
    ) -> None:
        if text is None:
            text = message if hint is None else "%s\nhint: %s" % (message, hint)
        super().__init__(text)
        self.status = status
        self.status_code = status_code
        self.message = message
        self.hint = hint
        self.state = state
        self.sqlstate = sqlstate
        self.code = code
        self.version = version
        self.path = path
        self.line = line
        self.column = column
        self.statement = statement
        self.retryable = retryable
        self.report = report

    def __reduce__(self) -> Tuple[object, ...]:
        # The keyword arguments live in __dict__, so that an error can cross to another process.
        return (_rebuild, (type(self), self.args, dict(self.__dict__)))


class CallerError(MigrateError):
    """Class 1: the call itself is at fault."""


class LibraryError(CallerError):
    """libmigrate.so.0 is not there, or is not one that this package can use."""


class ProcessError(MigrateError):
    """Class 2: memory, descriptors or disk of this machine."""


class SourceError(MigrateError):
    """Class 3: the migrations cannot be read."""


class StateError(MigrateError):
    """Class 4: history and source disagree, or a statement is in doubt; a person decides."""


class LockError(MigrateError):
    """Class 5: the migration lock."""


class DatabaseError(MigrateError):
    """Class 6: the database."""


class Stopped(MigrateError):
    """Class 7: stopped, cancelled or out of time; the same call goes on from there."""


class Bug(MigrateError):
    """Class 9: a bug in the library, or in a driver, source or lock."""


_CLASSES: Dict[int, Type[MigrateError]] = {
    1: CallerError,
    2: ProcessError,
    3: SourceError,
    4: StateError,
    5: LockError,
    6: DatabaseError,
    7: Stopped,
    9: Bug,
}


def class_of(status_code: int) -> Type[MigrateError]:
    """The class of exceptions for a status, also for one that a newer library adds."""
    return _CLASSES.get(status_code // 100, MigrateError)


def _rebuild(kind: Type[MigrateError], args: Tuple[str, ...], facts: Dict[str, object]) -> MigrateError:
    error = kind(args[0])
    error.__dict__.update(facts)
    return error
