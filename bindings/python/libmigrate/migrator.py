# SPDX-License-Identifier: Apache-2.0
"""The Migrator: one source, one database, options."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Iterator, List, Optional, Tuple

from . import _abi
from ._bridge import drop, find, guarded, register
from ._context import Context, misuse
from ._text import decode_or_none, encode
from .errors import CallerError
from .options import written
from .plan import Plan
from .results import LockInfo, Report, Statement

__all__ = ["Migrator"]


class Migrator(Context):
    """Migrations of one source for one database.

    ``database`` is a URL (``sqlite:FILE``, ``postgres://…``, ``mysql://…``, ``mariadb://…``); it is
    connected to when a call first needs it. ``source`` is a directory, a mapping of paths to texts, or
    an object like Source. ``dialect`` instead of a database plans as for an empty one. ``on_event``
    receives every Event. ``credentials`` is asked at every connect. ``lock`` is an option's value or
    an object like Lock. Every other keyword is an option of the library: ``lock_wait="10s"``,
    ``placeholder={"OWNER": "app"}``.

    It is used by one thread at a time; a second one waits. stop() and cancel() come from any thread.
    """

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
            if isinstance(deadline, bool) or not isinstance(deadline, (int, float)):
                raise TypeError("deadline: a number of seconds is wanted, not %s" % type(deadline).__name__)
            if not 0 < deadline < 2**40:
                raise CallerError(
                    "deadline: %r is no number of seconds" % deadline,
                    status="E_ARGUMENT",
                    status_code=_abi.E_ARGUMENT,
                )
            options.deadline_ms = max(1, int(deadline * 1000))
        options.flags = (_abi.RUN_ALL if all and direction != _abi.UP else 0) | (_abi.RUN_SQL if sql else 0)
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
            raise misuse("no database is given", "Migrator(database='sqlite:app.db')")
        if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float))):
            raise TypeError("timeout: a number of seconds is wanted, not %s" % type(timeout).__name__)
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
                status = self._c.migrate_lock_break(handle, seen, ctypes.byref(out), ctypes.byref(err))
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


def _plan_handle(plan: object) -> ctypes.c_void_p:
    if not isinstance(plan, Plan):
        raise TypeError("plan: what plan() returned is wanted, not %s" % type(plan).__name__)
    return plan._handle()


@_abi.callback(_abi.StatementFn)
def _on_statement(user: Optional[int], statement: int) -> int:
    bridge, take = find(user)
    return guarded(bridge, None, take, statement)


@_abi.callback(_abi.WriteFn)
def _on_piece(user: Optional[int], data: Optional[int], length: int) -> int:
    bridge, take = find(user)
    return guarded(bridge, None, take, ctypes.string_at(data, length) if data else b"")
