# SPDX-License-Identifier: Apache-2.0
"""A context of the library: made, set up, connected, used by one thread at a time, freed."""

from __future__ import annotations

import ctypes
import json
import os
import threading
import weakref
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Iterator, List, Mapping, Optional, Type, TypeVar, Union

from . import _abi, code, locks, sources
from ._adopt import native_of
from ._bridge import Bridge, register, release
from ._events import EventCallback, Receiver, on_event, wanted_level
from ._library import SCHEMES, Driver, aws, driver_for, library
from ._text import decode, decode_or_none, encode, encode_path
from .code import CodeMigration
from .credentials import Credentials, on_credentials
from .errors import CallerError
from .locks import Lock
from .options import OptionValue, written
from .results import Report
from .sources import Source

__all__ = ["AnySource", "Context", "misuse"]

#: A directory, files in memory (path to text), or a source of the application's own.
AnySource = Union[str, "os.PathLike[str]", Mapping[str, Union[str, bytes]], Source]

C = TypeVar("C", bound="Context")

_AWS_OPTIONS = ("secret", "ssm_parameter", "iam")


def misuse(message: str, hint: Optional[str] = None) -> CallerError:
    return CallerError(message, status="E_MISUSE", status_code=_abi.E_MISUSE, hint=hint)


def _free(handle: int, pid: int) -> None:
    # What a child of fork() has is its parent's.
    if os.getpid() == pid:
        library().c.migrate_ctx_free(handle)


class Context:
    """What a Migrator is made of: a migrate_ctx, set up, connected when needed, freed once."""

    def __init__(
        self,
        database: Optional[str] = None,
        source: AnySource = "migrations",
        *,
        dialect: Optional[str] = None,
        on_event: Optional[EventCallback] = None,
        credentials: Optional[Credentials] = None,
        lock: Union[None, str, Lock] = None,
        **options: OptionValue,
    ) -> None:
        self._lib = library()
        self._c: Any = self._lib.c
        self._pid = os.getpid()
        self._turn = threading.RLock()
        self._owner: Optional[int] = None
        self._life = threading.RLock()
        self._bridge = Bridge()
        self._url = None if database is None else _url(database)
        self._dialect = None if dialect is None else encode(dialect, "dialect")
        self._opened = False
        self._adopted: object = None
        self._asked = False
        self._folder: Optional[str] = None
        self._code: Dict[str, CodeMigration] = {}
        self._drivers: List[str] = []
        if self._url is not None and self._dialect is not None:
            raise TypeError("database and dialect cannot both be given")
        self._handle = self._new()
        self._finalizer = weakref.finalize(self, _free, self._handle, self._pid)
        # At the end of the process nothing is lost by not closing, and a thread may be in a call.
        self._finalizer.atexit = False
        try:
            self._set_up(source, on_event, credentials, lock, options)
        except BaseException:
            self.close()
            raise

    # ---- making ------------------------------------------------------------------

    def _new(self) -> int:
        out, err = ctypes.c_void_p(), ctypes.c_void_p()
        self._bridge.check(self._c.migrate_ctx_new(ctypes.byref(out), ctypes.byref(err)), err)
        assert out.value is not None
        self._bridge.handle = out.value
        return out.value

    def _set_up(
        self,
        source: AnySource,
        on_event_: Optional[EventCallback],
        credentials: Optional[Credentials],
        lock: Union[None, str, Lock],
        options: Mapping[str, OptionValue],
    ) -> None:
        for what, fn in (("on_event", on_event_), ("credentials", credentials)):
            if fn is not None and not callable(fn):
                raise TypeError("%s: a function is wanted, not %s" % (what, type(fn).__name__))
        receiver = Receiver(self._bridge, on_event_)
        self._c.migrate_ctx_on_event(self._handle, on_event, register(receiver), release)
        if credentials is not None:
            number = register((self._bridge, credentials))
            self._c.migrate_ctx_on_credentials(self._handle, on_credentials, number, release)
        if "log_level" not in options:
            self._set("log_level", wanted_level())
        for key, value in written(options):
            self._set(key, value)
        if lock is not None:
            self._set_lock(lock)
        self._set_source(source)

    def _set(self, key: str, value: Optional[str]) -> None:
        text = None if value is None else encode(value, "option %s" % key)
        self._checked("migrate_ctx_set", encode(key, "option"), text)

    def _set_lock(self, lock: Union[str, Lock]) -> None:
        if isinstance(lock, str):
            self._set("lock", lock)
            return
        if not isinstance(lock, Lock):
            raise TypeError(
                "lock: 'auto', 'session', 'lease', 'none' or an object with acquire() and release()"
            )
        ops = locks.ops_for(lock)
        number = register(locks.Adapter(self._bridge, lock))
        self._checked("migrate_ctx_use_lock", ctypes.byref(ops), number)

    def _set_source(self, source: AnySource) -> None:
        if isinstance(source, (str, os.PathLike)):
            path = encode_path(source, "source")
            self._folder = os.fsdecode(path)
            self._checked("migrate_ctx_use_dir", path)
        elif isinstance(source, Mapping):
            if not source:  # no migrations is a source, too
                self._set_source(sources.Nothing())
            for name, text in source.items():
                self.add_file(name, text)
        elif isinstance(source, Source):
            ops = sources.ops_for(source)
            number = register(sources.Adapter(self._bridge, source, []))
            self._checked("migrate_ctx_use_source", ctypes.byref(ops), number)
        else:
            raise TypeError(
                "source: a directory, a mapping of paths to texts, or an object with files() and"
                " read() is wanted, not %s" % type(source).__name__
            )

    # ---- calling -----------------------------------------------------------------

    @contextmanager
    def _call(self) -> Iterator[int]:
        """One call at a time, on a handle that is ours and alive."""
        if self._owner == threading.get_ident():
            raise misuse("a Migrator cannot be used from inside a call of its own")
        if os.getpid() != self._pid:
            raise misuse(
                "this Migrator belongs to the process that fork() copied",
                "make a new one in the child",
            )
        with self._turn:
            if not self._finalizer.alive:
                raise misuse("this Migrator is closed")
            self._owner = threading.get_ident()
            try:
                self._bridge.begin()
                try:
                    yield self._handle
                finally:
                    self._end()
            finally:
                self._owner = None

    def _end(self) -> None:
        if self._bridge.cancelled and not self._asked:
            self._c.migrate_ctx_resume(self._handle)
        if self._bridge.lost and self._reopens():
            self._disconnect(self._handle)
        self._bridge.end()

    def _reopens(self) -> bool:
        """The next call can connect anew: it is ours, and no SQLite database in memory goes with it."""
        if not self._opened or self._adopted is not None or self._dialect is not None:
            return False
        return self._url is None or driver_for(self._url) is not SCHEMES["sqlite"]

    def _checked(self, name: str, *arguments: Any) -> None:
        """A C function of this context without a result."""
        with self._call() as handle:
            err = ctypes.c_void_p()
            status = getattr(self._c, name)(handle, *arguments, ctypes.byref(err))
            self._bridge.check(status, err)

    def _plainly(self, handle: int, name: str, *arguments: Any) -> None:
        err = ctypes.c_void_p()
        self._bridge.check(getattr(self._c, name)(handle, *arguments, ctypes.byref(err)), err)

    def _report(self, name: str, *arguments: Any, needs: str = "database source") -> Report:
        """A C function that gives a report, which comes with the exception if there is one."""
        with self._call() as handle:
            self._prepare(handle, needs)
            return self._take(handle, name, *arguments)

    def _take(self, handle: int, name: str, *arguments: Any) -> Report:
        out, err = ctypes.c_void_p(), ctypes.c_void_p()
        status = getattr(self._c, name)(handle, *arguments, ctypes.byref(out), ctypes.byref(err))
        try:
            report = None if out.value is None else self._read_report(out.value)
        finally:
            self._c.migrate_report_free(out)
        self._bridge.check(status, err, report)
        return Report.from_json({}) if report is None else report

    def _read_report(self, report: int) -> Report:
        document = json.loads(decode(self._c.migrate_report_json(report)))
        return Report.from_json(document, decode(self._c.migrate_report_text(report)))

    def _prepare(self, handle: int, needs: str) -> None:
        if "source" in needs:
            self._read_code(handle)
        if "database" in needs and not self._opened:
            self._open(handle)
            self._bridge.tell()

    def _read_code(self, handle: int) -> None:
        if self._folder is None or not os.path.isdir(self._folder):
            return
        found = {each.path: each for each in code.read_folder(self._folder)}
        for path, known in self._code.items():
            if path not in found:
                raise code.gone(path)
            code.reload_check(known, found[path])
        for path, migration in found.items():
            if path not in self._code:
                self._add_code(handle, migration)
                self._code[path] = migration

    def _add_code(self, handle: int, migration: CodeMigration) -> None:
        status, err = code.add(self._c, handle, self._bridge, migration)
        self._bridge.check(status, err)

    # ---- connecting --------------------------------------------------------------

    def _load(self, handle: int, driver: Driver) -> None:
        if driver.name in self._drivers:
            return
        function = getattr(self._c, "migrate_%s_driver" % driver.name, None)
        if function is not None:  # all in one library
            function.restype = ctypes.c_void_p
            function.argtypes = []
            self._plainly(handle, "migrate_ctx_add_driver", function())
        else:
            path, search = self._lib.beside(driver.file)
            flags = _abi.LOAD_SEARCH if search else 0
            self._plainly(handle, "migrate_ctx_load_driver", os.fsencode(path), driver.name.encode(), flags)
        self._drivers.append(driver.name)

    def _aws_wanted(self, handle: int) -> bool:
        for key in _AWS_OPTIONS:
            value = self._c.migrate_ctx_get(handle, key.encode())
            if value and value != b"0":
                return True
        return False

    def _open(self, handle: int) -> None:
        if self._dialect is not None:
            self._plainly(handle, "migrate_ctx_use_dialect", self._dialect)
        elif self._aws_wanted(handle):
            self._open_by_aws(handle)
        elif self._url is None:
            raise misuse("no database is given", "Migrator(database='sqlite:app.db')")
        else:
            self._load_for_url(handle, self._url)
            self._plainly(handle, "migrate_ctx_open", encode(self._url, "database"))
        self._opened = True

    def _load_for_url(self, handle: int, url: str) -> None:
        driver = driver_for(url)
        if driver is not None:
            self._load(handle, driver)

    def _open_by_aws(self, handle: int) -> None:
        library_ = aws()
        if self._url is not None:
            self._load_for_url(handle, self._url)
        else:
            # The secret says which engine it is.
            for scheme in ("postgres", "mysql"):
                try:
                    self._load(handle, SCHEMES[scheme])
                except CallerError:
                    pass
        err = ctypes.c_void_p()
        url = None if self._url is None else encode(self._url, "database")
        self._bridge.check(library_.migrate_aws_open(handle, url, ctypes.byref(err)), err)

    def open(self: C) -> C:
        """Connects now rather than when it is first needed."""
        with self._call() as handle:
            if not self._opened:
                self._open(handle)
                self._bridge.tell()
        return self

    def adopt(self: C, connection: object, driver: Optional[str] = None) -> C:
        """Uses a connection that is open: a ``sqlite3.Connection`` (of CPython, where its module and
        libmigrate share one SQLite library), or the address of a C connection with its ``driver``. It is
        left alone until disconnect() or close(), and comes back in the state it came."""
        with self._call() as handle:
            name, native = native_of(connection, driver, self._lib)
            encoded = encode(name, "driver")
            known = SCHEMES.get(name)
            if known is not None:
                self._load(handle, known)
            self._plainly(handle, "migrate_ctx_adopt", encoded, native)
            self._opened = True
            self._adopted = connection
        return self

    def disconnect(self) -> None:
        """Closes the connection, or gives an adopted one back; the next call that needs one connects."""
        with self._call() as handle:
            self._disconnect(handle)

    def _disconnect(self, handle: int) -> None:
        self._c.migrate_ctx_close(handle)
        self._opened = False
        self._adopted = None

    def load_driver(self, file: Union[str, "os.PathLike[str]"], name: Optional[str] = None) -> None:
        """Loads a driver that is not the project's own. ``name`` None: taken from the file's."""
        path = encode_path(file, "file")
        if b"/" not in path:
            path = b"./" + path
        encoded = None if name is None else encode(name, "name")
        self._checked("migrate_ctx_load_driver", path, encoded, 0)

    # ---- options and migrations --------------------------------------------------

    def set(self, **options: OptionValue) -> None:
        """Sets options; None puts a default back. What concerns the connection counts from the next."""
        for key, value in written(options):
            self._set(key, value)

    def get(self, key: str) -> Optional[str]:
        """Value of an option in force, or None if it has none. Also inside callbacks."""
        if os.getpid() != self._pid:
            raise misuse("this Migrator belongs to the process that fork() copied")
        name = encode(key, "option")
        if self._owner == threading.get_ident():
            return decode_or_none(self._c.migrate_ctx_get(self._handle, name))
        with self._call() as handle:
            return decode_or_none(self._c.migrate_ctx_get(handle, name))

    def add_file(self, path: str, text: Union[str, bytes]) -> None:
        """Adds a migration file that is in memory."""
        data = text.encode("utf-8") if isinstance(text, str) else text
        if not isinstance(data, (bytes, bytearray)):
            raise TypeError("text: str or bytes is wanted, not %s" % type(text).__name__)
        data = bytes(data)
        self._checked("migrate_ctx_add_file", encode(path, "path"), data, len(data))

    def add_code(
        self,
        path: str,
        up: code.Code,
        down: Optional[code.Code] = None,
        *,
        checksum: Optional[str] = None,
        transaction: bool = True,
    ) -> None:
        """Adds a migration that is code; ``path`` gives its version and name ("20240101_x.py")."""
        for what, fn in (("up", up), ("down", down)):
            if not callable(fn) and (what == "up" or fn is not None):
                raise TypeError("%s: a function is wanted, not %s" % (what, type(fn).__name__))
        migration = CodeMigration(path, up, down, checksum, transaction)
        with self._call() as handle:
            self._add_code(handle, migration)

    # ---- from other threads and signal handlers ----------------------------------

    def stop(self) -> None:
        """Asks the running call, and those to come until resume(), to stop between statements: it raises
        Stopped. From any thread and any signal handler."""
        self._ask("migrate_ctx_stop")

    def cancel(self) -> None:
        """Likewise, and cancels the running statement at once."""
        self._ask("migrate_ctx_cancel")

    def _ask(self, name: str) -> None:
        with self._life:
            if self._finalizer.alive and os.getpid() == self._pid:
                self._asked = True
                getattr(self._c, name)(self._handle)

    def resume(self) -> None:
        """Takes stop() and cancel() back. Between calls."""
        with self._call() as handle:
            self._asked = False
            self._c.migrate_ctx_resume(handle)

    # ---- ending ------------------------------------------------------------------

    def close(self) -> None:
        """Closes the connection and frees everything. Again: nothing happens."""
        if os.getpid() != self._pid:
            self._finalizer.detach()
            return
        if self._owner == threading.get_ident():
            raise misuse("a Migrator cannot be closed from inside a call of its own")
        with self._turn, self._life:
            self._bridge.handle = None
            self._finalizer()
            self._adopted = None

    @property
    def closed(self) -> bool:
        """close() was called."""
        return not self._finalizer.alive

    def __enter__(self: C) -> C:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "connected" if self._opened else "not connected"
        return "<libmigrate.Migrator, %s>" % state


def _url(database: object) -> str:
    if isinstance(database, Path):
        raise TypeError("database: a URL is wanted; of a file it is 'sqlite:FILE'")
    encode(database, "database")
    assert isinstance(database, str)
    return database
