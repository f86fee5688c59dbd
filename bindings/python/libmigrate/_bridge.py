# SPDX-License-Identifier: Apache-2.0
"""Between C and Python: what a callback is given, and how exceptions get through a call.

No exception ever leaves a callback into C. It is kept beside the callback's ``user``; the callback
returns a status; the wrapper of the call raises what was kept, as it was.
"""

from __future__ import annotations

import ctypes
import itertools
import signal
import threading
import warnings
from types import FrameType
from typing import Any, Callable, Dict, List, Optional

from . import _abi
from ._library import library
from ._text import decode, decode_or_none
from .errors import MigrateError, class_of
from .results import Report

__all__ = ["Bridge", "drop", "find", "guarded", "read_error", "register", "take_error"]

# What C calls `user` or `self` is a number that means an object here: C never holds a pointer to one.
_objects: Dict[int, Any] = {}
_numbers = itertools.count(1)


def register(thing: Any) -> int:
    """A number for ``thing``, which stays alive until drop()."""
    number = next(_numbers)
    _objects[number] = thing
    return number


def find(number: Optional[int]) -> Any:
    """What register() was given."""
    return _objects[number or 0]


def drop(number: Optional[int]) -> None:
    """The C side needs it no more."""
    _objects.pop(number or 0, None)


@_abi.callback(_abi.ReleaseFn)
def release(user: Optional[int]) -> None:
    """migrate_release_fn"""
    drop(user)


# After these a connection may be gone: some servers end a session to end its statement.
_LOSING = frozenset([_abi.E_LOCK_LOST, _abi.E_FENCED, _abi.E_CONN_LOST, _abi.E_CANCELLED, _abi.E_DEADLINE])


class Bridge:
    """Of one context: what its callbacks share with the call that runs."""

    def __init__(self) -> None:
        self.handle: Optional[int] = None
        #: The exception that a callback ended with.
        self.kept: Optional[BaseException] = None
        #: What a listener raised, or anyone who meant to end the process, and no failure has told yet.
        self.untold: Optional[BaseException] = None
        #: Python code of the application is running inside a callback.
        self.in_user = False
        self.interrupted = False
        #: We cancelled the call ourselves.
        self.cancelled = False
        #: The call may have lost its connection.
        self.lost = False
        self._raised = False
        self._previous: Any = None

    # ---- Ctrl-C ------------------------------------------------------------------

    def begin(self) -> None:
        """A call starts. Where Ctrl-C would raise KeyboardInterrupt anywhere, it now cancels the call,
        which then raises it: inside a callback between two lines of ours it would be lost."""
        self.kept = self.untold = None
        self.interrupted = self.cancelled = self.lost = self._raised = False
        self._previous = None
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return
        try:
            self._previous = signal.signal(signal.SIGINT, self._on_interrupt)
        except ValueError:  # an interpreter within another
            self._previous = None

    def end(self) -> None:
        """The call is over. KeyboardInterrupt if it was interrupted."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None
        if self.interrupted:
            self.interrupted = False
            self.kept = self.untold = None
            raise KeyboardInterrupt
        untold, self.untold = self.untold, None
        if untold is not None:
            _tell(untold)

    def tell(self) -> None:
        """Raises what a listener raised while there was nothing yet that it could end."""
        untold, self.untold = self.untold, None
        if untold is not None:
            raise untold

    def _on_interrupt(self, _number: int, _frame: Optional[FrameType]) -> None:
        self.interrupted = True
        self.cancel()
        # The application's own code may wait for something that we cannot cancel.
        if self.in_user and not self._raised:
            self._raised = True
            raise KeyboardInterrupt

    def cancel(self) -> None:
        """Cancels the call that runs."""
        self.cancelled = True
        if self.handle is not None:
            library().c.migrate_ctx_cancel(self.handle)

    # ---- exceptions --------------------------------------------------------------

    def keep(self, error: BaseException, err: Any) -> int:
        """Keeps what a callback raised, and returns what the callback is to return."""
        self.kept = error
        if not isinstance(error, Exception):
            self.untold = error
            self.interrupted = self.interrupted or isinstance(error, KeyboardInterrupt)
            self.cancel()
        status, hint = _abi.E_CALLBACK, None
        if isinstance(error, MigrateError):
            status, hint = error.status_code, error.hint
            message = error.message
        else:
            message = "%s: %s" % (type(error).__name__, _words(error))
        if not err:
            return status
        made: int = library().c.migrate_error_make(
            err, status, _plain(message), None if hint is None else _plain(hint)
        )
        return made

    def check(self, status: int, err: ctypes.c_void_p, report: Optional[Report] = None) -> None:
        """Raises what a failed call is to raise; frees ``err``."""
        kept, self.kept = self.kept, None
        if status == _abi.OK:
            return
        if kept is self.untold:
            self.untold = None
        chain = _statuses(err)
        self.lost = self.lost or not _LOSING.isdisjoint(chain + [status])
        error = take_error(status, err, report)
        if kept is None:
            raise error
        if isinstance(kept, MigrateError):
            if kept.status_code == status:
                _enrich(kept, error)
                raise kept
        elif _abi.E_CALLBACK in chain or not isinstance(kept, Exception):
            raise kept
        raise error from kept


def _tell(error: BaseException) -> None:
    """The call came to its end in spite of what a callback raised."""
    if not isinstance(error, Exception):
        raise error
    words = "%s: %s" % (type(error).__name__, _words(error))
    warnings.warn("a listener failed when all was done: " + words, RuntimeWarning, stacklevel=2)


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(it has no text)"


def _plain(text: str) -> bytes:
    return text.replace("\0", " ").encode("utf-8", "replace")


def _enrich(kept: MigrateError, whole: MigrateError) -> None:
    """The engine knows place and state too; the object stays the one that was raised."""
    for name, value in vars(whole).items():
        if value is not None:
            setattr(kept, name, value)
    kept.args = whole.args


def guarded(bridge: Bridge, err: Any, fn: Callable[..., Optional[int]], *args: Any) -> int:
    """Runs ``fn`` for a callback; its status, MIGRATE_OK for None."""
    before = bridge.in_user
    try:
        bridge.in_user = True
        status = fn(*args)
        bridge.in_user = before
        return _abi.OK if status is None else status
    except BaseException as error:
        bridge.in_user = before
        return bridge.keep(error, err)


def _statuses(err: ctypes.c_void_p) -> List[int]:
    c = library().c
    found: List[int] = []
    at = err.value
    while at:
        found.append(c.migrate_error_status(at))
        at = c.migrate_error_cause(at)
    return found


def read_error(status: int, at: Optional[int], report: Optional[Report] = None) -> MigrateError:
    """The exception for a status and a borrowed migrate_error."""
    c = library().c
    name = decode(c.migrate_status_name(status))
    retryable = bool(c.migrate_status_retryable(status))
    kind = class_of(status)
    if not at:
        return kind(
            decode(c.migrate_status_text(status)),
            status=name,
            status_code=status,
            retryable=retryable,
            report=report,
        )
    return kind(
        decode(c.migrate_error_message(at)),
        status=name,
        status_code=status,
        text=decode(c.migrate_error_text(at)),
        hint=decode_or_none(c.migrate_error_hint(at)),
        state=decode_or_none(c.migrate_error_state(at)),
        sqlstate=decode_or_none(c.migrate_error_sqlstate(at)),
        code=c.migrate_error_code(at) or None,
        version=decode(c.migrate_error_version(at)) or None,
        path=decode_or_none(c.migrate_error_path(at)),
        line=c.migrate_error_line(at) or None,
        column=c.migrate_error_column(at) or None,
        statement=c.migrate_error_statement(at) or None,
        retryable=retryable,
        report=report,
    )


def take_error(status: int, err: ctypes.c_void_p, report: Optional[Report] = None) -> MigrateError:
    """Likewise, with causes as ``__cause__``; frees ``err``."""
    c = library().c
    first = error = read_error(status, err.value, report)
    at = c.migrate_error_cause(err.value) if err.value else None
    while at:
        cause = read_error(c.migrate_error_status(at), at)
        error.__cause__ = cause
        error = cause
        at = c.migrate_error_cause(at)
    c.migrate_error_free(err)
    err.value = None
    return first
