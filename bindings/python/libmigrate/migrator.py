# SPDX-License-Identifier: Apache-2.0
"""The Migrator: one source, one database, options."""

from __future__ import annotations

import ctypes
import json
import os
import threading
import weakref
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple, Type, Union

from . import _abi, code, locks, sources
from ._adopt import native_of
from ._bridge import Bridge, drop, find, guarded, register, release
from ._events import EventCallback, Receiver, on_event, wanted_level
from ._library import Driver, aws, driver_for, library
from ._text import decode, decode_or_none, encode, encode_path
from .code import CodeMigration
from .credentials import Credentials, on_credentials
from .errors import CallerError
from .locks import Lock
from .options import OptionValue, written
from .results import LockInfo, Report, Statement
from .plan import Plan
from .sources import Source

__all__ = ["Migrator"]

#: A directory, files in memory (path to text), or a source of the application's own.
AnySource = Union[str, "os.PathLike[str]", Mapping[str, Union[str, bytes]], Source]

_AWS_OPTIONS = ("secret", "ssm_parameter", "iam")


def _misuse(message: str, hint: Optional[str] = None) -> CallerError:
    return CallerError(message, status="E_MISUSE", status_code=_abi.E_MISUSE, hint=hint)


def _free(handle: int, pid: int) -> None:
    # What a child of fork() has is its parent's.
    if os.getpid() == pid:
        library().c.migrate_ctx_free(handle)


class Migrator:
    """Migrations of one source for one database.

    ``database`` is a URL (``sqlite:FILE``, ``postgres://…``, ``mysql://…``, ``mariadb://…``); it is
    connected to when a call first needs it. ``source`` is a directory, a mapping of paths to texts, or
    an object like Source. ``dialect`` instead of a database plans as for an empty one. ``on_event``
    receives every Event. ``credentials`` is asked at every connect. ``lock`` is an option's value or
    an object like Lock. Every other keyword is an option of the library: ``lock_wait="10s"``,
    ``placeholder={"OWNER": "app"}``.

    It is used by one thread at a time; a second one waits. stop() and cancel() come from any thread.
    """

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
            raise _misuse("a Migrator cannot be used from inside a call of its own")
        if os.getpid() != self._pid:
            raise _misuse(
                "this Migrator belongs to the process that fork() copied",
                "make a new one in the child",
            )
        with self._turn:
            if not self._finalizer.alive:
                raise _misuse("this Migrator is closed")
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
        interrupted = self._bridge.interrupted
        if interrupted and not self._asked:
            self._c.migrate_ctx_resume(self._handle)
        self._bridge.end()

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
            self._plainly(
                handle, "migrate_ctx_load_driver", os.fsencode(path), driver.name.encode(), flags
            )
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
            raise _misuse("no database is given", "Migrator(database='sqlite:app.db')")
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
                    self._load(handle, driver_for(scheme + ":") or Driver("", ""))
                except CallerError:
                    pass
        err = ctypes.c_void_p()
        url = None if self._url is None else encode(self._url, "database")
        self._bridge.check(library_.migrate_aws_open(handle, url, ctypes.byref(err)), err)

    def open(self) -> "Migrator":
        """Connects now rather than when it is first needed."""
        with self._call() as handle:
            if not self._opened:
                self._open(handle)
        return self

    def adopt(self, connection: object, driver: Optional[str] = None) -> "Migrator":
        """Uses a connection that is open: a ``sqlite3.Connection`` (of CPython, where its module and
        libmigrate share one SQLite library), or the address of a C connection with its ``driver``. It is
        left alone until disconnect() or close(), and comes back in the state it came."""
        with self._call() as handle:
            name, native = native_of(connection, driver, self._lib)
            encoded = encode(name, "driver")
            for known in (driver_for(name + ":"),):
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
            raise _misuse("this Migrator belongs to the process that fork() copied")
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

    # ---- what acts ---------------------------------------------------------------

    def _options(
        self,
        direction: int,
        to: Optional[str],
        steps: Optional[int],
        all: bool,
        deadline: Optional[float],
        sql: bool = False,
    ) -> _abi.RunOptions:
        options = _abi.RunOptions()
        options.struct_size = ctypes.sizeof(options)
        options.direction = direction
        if sum((to is not None, steps is not None, bool(all))) > 1:
            raise TypeError("only one of to, steps and all can be given")
        if to is not None:
            options.target = encode(to, "to")
        if steps is not None:
            if isinstance(steps, bool) or not isinstance(steps, int):
                raise TypeError("steps: int is wanted, not %s" % type(steps).__name__)
            if not 1 <= steps < 2**63:
                raise CallerError(
                    "steps: %d is no number of migrations" % steps,
                    status="E_ARGUMENT",
                    status_code=_abi.E_ARGUMENT,
                )
            options.steps = steps
        if deadline is not None:
            if not 0 < deadline < 2**40:
                raise CallerError(
                    "deadline: %r is no number of seconds" % deadline,
                    status="E_ARGUMENT",
                    status_code=_abi.E_ARGUMENT,
                )
            options.deadline_ms = max(1, int(deadline * 1000))
        options.flags = (_abi.RUN_ALL if all and direction != _abi.UP else 0) | (
            _abi.RUN_SQL if sql else 0
        )
        return options

    def up(
        self,
        *,
        to: Optional[str] = None,
        steps: Optional[int] = None,
        deadline: Optional[float] = None,
    ) -> Report:
        """Applies what is pending: all, up to version ``to``, or the next ``steps``. ``deadline`` is in
        seconds from now; what is left then is for the next call (Stopped)."""
        options = self._options(_abi.UP, to, steps, False, deadline)
        return self._report("migrate_run", ctypes.byref(options))

    def down(
        self,
        *,
        to: Optional[str] = None,
        steps: Optional[int] = None,
        all: bool = False,
        deadline: Optional[float] = None,
    ) -> Report:
        """Reverts: one migration, the last ``steps``, those after ``to``, or ``all``."""
        options = self._options(_abi.DOWN, to, steps, all, deadline)
        return self._report("migrate_run", ctypes.byref(options))

    def redo(
        self,
        *,
        to: Optional[str] = None,
        steps: Optional[int] = None,
        all: bool = False,
        deadline: Optional[float] = None,
    ) -> Report:
        """Reverts, then applies the same again."""
        options = self._options(_abi.REDO, to, steps, all, deadline)
        return self._report("migrate_run", ctypes.byref(options))

    def baseline(self, version: str) -> Report:
        """Records all up to ``version`` as applied without running it."""
        return self._report("migrate_baseline", encode(version, "version"))

    def resolve(self, version: str, *, applied: bool, all: bool = False) -> Report:
        """Settles the statement in doubt of ``version``, or with ``all`` the whole migration."""
        if not isinstance(applied, bool):
            raise TypeError("applied: True or False is wanted")
        flags = _abi.RESOLVE_APPLIED if applied else _abi.RESOLVE_NOT_APPLIED
        flags |= _abi.RESOLVE_ALL if all else 0
        return self._report("migrate_resolve", encode(version, "version"), flags)

    def init(self) -> Report:
        """Creates our own tables where they are absent; a run does so by itself."""
        return self._report("migrate_init", 0, needs="database")

    def init_sql(self) -> str:
        """The SQL that creates them, for an owner with more rights."""
        report = self._report("migrate_init", _abi.INIT_SQL, needs="database")
        return report.text

    def wait(self, timeout: Optional[float] = None) -> None:
        """Waits until the database accepts connections and is writable, ``timeout`` seconds at most
        (option wait_timeout otherwise). Stopped when it does not."""
        if self._url is None:
            raise _misuse("no database is given", "Migrator(database='sqlite:app.db')")
        with self._call() as handle:
            before = None
            if timeout is not None:
                before = self._c.migrate_ctx_get(handle, b"wait_timeout")
                text = dict(written({"wait_timeout": timeout}))["wait_timeout"] or "0"
                self._plainly(handle, "migrate_ctx_set", b"wait_timeout", text.encode())
            try:
                if self._opened and self._adopted is None:
                    self._disconnect(handle)
                self._load_for_url(handle, self._url)
                self._take(handle, "migrate_wait", encode(self._url, "database"))
            finally:
                if before is not None:
                    self._plainly(handle, "migrate_ctx_set", b"wait_timeout", before)

    def new(self, name: str, *, pair: bool = False) -> Tuple[str, ...]:
        """Creates the next migration in the source's own convention; the paths in the source."""
        report = self._report(
            "migrate_create", encode(name, "name"), _abi.CREATE_PAIR if pair else 0, needs="source"
        )
        return tuple(m.path for m in report.migrations if m.path is not None)

    def break_lock(self) -> LockInfo:
        """Takes the migration lock from the holder that lock() names now, and ends his session."""
        with self._call() as handle:
            self._prepare(handle, "database")
            seen, out, err = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
            try:
                status = self._c.migrate_lock_inspect(handle, ctypes.byref(seen), ctypes.byref(err))
                self._bridge.check(status, err)
                status = self._c.migrate_lock_break(
                    handle, seen, ctypes.byref(out), ctypes.byref(err)
                )
                report = None if out.value is None else self._read_report(out.value)
                self._bridge.check(status, err, report)
                report = Report.from_json({}) if report is None else report
                return LockInfo.from_json(report.raw, report.text)
            finally:
                self._c.migrate_report_free(seen)
                self._c.migrate_report_free(out)

    # ---- what looks --------------------------------------------------------------

    def status(self) -> Report:
        """Every migration and its state."""
        return self._report("migrate_inspect")

    def verify(self) -> Report:
        """Checks that what is applied is sound. StateError with a ``report`` of all findings if not."""
        return self._report("migrate_verify")

    def hash(self) -> str:
        """One hash over the whole source, the same on every machine and with every line end."""
        report = self._report("migrate_hash", needs="source")
        return report.text

    def lock(self) -> LockInfo:
        """Who holds the migration lock."""
        report = self._report("migrate_lock_inspect", needs="database")
        return LockInfo.from_json(report.raw, report.text)

    def plan(
        self,
        direction: str = "up",
        *,
        to: Optional[str] = None,
        steps: Optional[int] = None,
        all: bool = False,
        sql: bool = False,
    ) -> Plan:
        """What a run would do, in order: nothing is locked or written. ``sql`` keeps the statements."""
        directions = {"up": _abi.UP, "down": _abi.DOWN, "redo": _abi.REDO}
        if direction not in directions:
            raise CallerError(
                "direction: %r is none of up, down, redo" % (direction,),
                status="E_ARGUMENT",
                status_code=_abi.E_ARGUMENT,
            )
        options = self._options(directions[direction], to, steps, all, None, sql)
        with self._call() as handle:
            self._prepare(handle, "database source")
            out, err = ctypes.c_void_p(), ctypes.c_void_p()
            status = self._c.migrate_plan_make(
                handle, ctypes.byref(options), ctypes.byref(out), ctypes.byref(err)
            )
            self._bridge.check(status, err)
            return Plan._take(self._c, out)

    def apply(self, plan: Plan) -> Report:
        """Carries a plan out, if database and source are as when it was made; StateError if not."""
        return self._report("migrate_plan_apply", _plan_handle(plan))

    def statements(self, plan: Plan, index: int) -> Iterator[Statement]:
        """The statements of step ``index`` of a plan."""
        if isinstance(index, bool) or not isinstance(index, int):
            raise TypeError("index: int is wanted")
        if not 0 <= index < len(plan.steps):
            raise IndexError("the plan has no step %d" % index)
        found: List[Statement] = []

        def take(statement: int) -> None:
            found.append(self._read_statement(statement))

        self._walk("migrate_plan_statements", plan, (index,), _on_statement, take)
        return iter(found)

    def script(self, plan: Optional[Plan] = None) -> str:
        """A script that psql, mysql or sqlite3 runs by hand, our history and fence included, of what
        up() would do or of ``plan``."""
        plan = self.plan() if plan is None else plan
        pieces: List[bytes] = []
        self._walk("migrate_plan_script", plan, (), _on_piece, pieces.append)
        return b"".join(pieces).decode("utf-8", "replace")

    def _walk(
        self,
        name: str,
        plan: Plan,
        arguments: Tuple[Any, ...],
        trampoline: Any,
        take: Callable[[Any], None],
    ) -> None:
        number = register((self._bridge, take))
        try:
            with self._call() as handle:
                self._prepare(handle, "database source")
                self._plainly(handle, name, _plan_handle(plan), *arguments, trampoline, number)
        finally:
            drop(number)

    def _read_statement(self, statement: int) -> Statement:
        c = self._c
        length = ctypes.c_size_t()
        data = c.migrate_statement_text(statement, ctypes.byref(length))
        flags = c.migrate_statement_flags(statement)
        return Statement(
            text=ctypes.string_at(data, length.value).decode("utf-8", "replace") if data else "",
            line=c.migrate_statement_line(statement),
            destructive=bool(flags & 1),
            may_doubt=bool(flags & 2),
            alone=bool(flags & 4),
            note=decode_or_none(c.migrate_statement_note(statement)),
        )

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
            raise _misuse("a Migrator cannot be closed from inside a call of its own")
        with self._turn, self._life:
            self._bridge.handle = None
            self._finalizer()
            self._adopted = None

    @property
    def closed(self) -> bool:
        """close() was called."""
        return not self._finalizer.alive

    def __enter__(self) -> "Migrator":
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


def _plan_handle(plan: object) -> ctypes.c_void_p:
    if not isinstance(plan, Plan):
        raise TypeError("plan: what plan() returned is wanted, not %s" % type(plan).__name__)
    return plan._handle()


@_abi.StatementFn
def _on_statement(user: Optional[int], statement: int) -> int:
    bridge, take = find(user)
    return guarded(bridge, None, take, statement)


@_abi.WriteFn
def _on_piece(user: Optional[int], data: Optional[int], length: int) -> int:
    bridge, take = find(user)
    return guarded(bridge, None, take, ctypes.string_at(data, length) if data else b"")
