# SPDX-License-Identifier: Apache-2.0
"""For asyncio: the same calls, each in a thread, so that the event loop goes on."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Callable, Optional, Tuple, Type, TypeVar

from .migrator import Migrator
from .plan import Plan
from .results import LockInfo, Report

__all__ = ["AsyncMigrator", "call"]

T = TypeVar("T")


async def call(migrator: Migrator, method: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Runs a method of ``migrator`` in a thread. Cancelling the task cancels the statement that runs, and
    waits until the call has ended and its lock is given back."""
    work = asyncio.ensure_future(asyncio.to_thread(method, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if work.done():
            raise
        migrator.cancel()
        while not work.done():
            try:
                await asyncio.wait({work})
            except asyncio.CancelledError:
                continue
        work.exception()  # it has been told of: nobody else asks
        migrator.resume()
        raise


class AsyncMigrator:
    """A Migrator whose calls are awaited. Takes what Migrator takes; callbacks run in the call's thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        #: The Migrator that does the work.
        self.migrator = Migrator(*args, **kwargs)

    async def open(self) -> None:
        """See Migrator.open()."""
        await call(self.migrator, self.migrator.open)

    async def up(
        self,
        *,
        to: Optional[str] = None,
        steps: Optional[int] = None,
        deadline: Optional[float] = None,
    ) -> Report:
        """See Migrator.up()."""
        m = self.migrator
        return await call(m, m.up, to=to, steps=steps, deadline=deadline)

    async def down(
        self,
        *,
        to: Optional[str] = None,
        steps: Optional[int] = None,
        all: bool = False,
        deadline: Optional[float] = None,
    ) -> Report:
        """See Migrator.down()."""
        m = self.migrator
        return await call(m, m.down, to=to, steps=steps, all=all, deadline=deadline)

    async def redo(
        self,
        *,
        to: Optional[str] = None,
        steps: Optional[int] = None,
        all: bool = False,
        deadline: Optional[float] = None,
    ) -> Report:
        """See Migrator.redo()."""
        m = self.migrator
        return await call(m, m.redo, to=to, steps=steps, all=all, deadline=deadline)

    async def plan(
        self,
        direction: str = "up",
        *,
        to: Optional[str] = None,
        steps: Optional[int] = None,
        all: bool = False,
        sql: bool = False,
    ) -> Plan:
        """See Migrator.plan()."""
        m = self.migrator
        return await call(m, m.plan, direction, to=to, steps=steps, all=all, sql=sql)

    async def apply(self, plan: Plan) -> Report:
        """See Migrator.apply()."""
        return await call(self.migrator, self.migrator.apply, plan)

    async def status(self) -> Report:
        """See Migrator.status()."""
        return await call(self.migrator, self.migrator.status)

    async def verify(self) -> Report:
        """See Migrator.verify()."""
        return await call(self.migrator, self.migrator.verify)

    async def baseline(self, version: str) -> Report:
        """See Migrator.baseline()."""
        return await call(self.migrator, self.migrator.baseline, version)

    async def resolve(self, version: str, *, applied: bool, all: bool = False) -> Report:
        """See Migrator.resolve()."""
        m = self.migrator
        return await call(m, m.resolve, version, applied=applied, all=all)

    async def init(self) -> Report:
        """See Migrator.init()."""
        return await call(self.migrator, self.migrator.init)

    async def init_sql(self) -> str:
        """See Migrator.init_sql()."""
        return await call(self.migrator, self.migrator.init_sql)

    async def wait(self, timeout: Optional[float] = None) -> None:
        """See Migrator.wait()."""
        await call(self.migrator, self.migrator.wait, timeout)

    async def lock(self) -> LockInfo:
        """See Migrator.lock()."""
        return await call(self.migrator, self.migrator.lock)

    async def break_lock(self) -> LockInfo:
        """See Migrator.break_lock()."""
        return await call(self.migrator, self.migrator.break_lock)

    async def new(self, name: str, *, pair: bool = False) -> Tuple[str, ...]:
        """See Migrator.new()."""
        return await call(self.migrator, self.migrator.new, name, pair=pair)

    async def hash(self) -> str:
        """See Migrator.hash()."""
        return await call(self.migrator, self.migrator.hash)

    async def script(self, plan: Optional[Plan] = None) -> str:
        """See Migrator.script()."""
        return await call(self.migrator, self.migrator.script, plan)

    def stop(self) -> None:
        """See Migrator.stop()."""
        self.migrator.stop()

    def cancel(self) -> None:
        """See Migrator.cancel()."""
        self.migrator.cancel()

    def resume(self) -> None:
        """See Migrator.resume()."""
        self.migrator.resume()

    async def close(self) -> None:
        """See Migrator.close()."""
        await call(self.migrator, self.migrator.close)

    async def __aenter__(self) -> "AsyncMigrator":
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()
