# SPDX-License-Identifier: Apache-2.0
"""Migration locks written in Python, for those kept outside the database.

Whatever lock is used, the fence in the database keeps two writers apart; a lock saves them work.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, List, Optional, Protocol, Tuple, Union, runtime_checkable

from . import _abi
from ._bridge import Bridge, drop, find, guarded
from ._text import encode
from .errors import LockError

__all__ = ["Holder", "Lock", "LockLost"]


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as far as known."""

    session_id: Optional[str] = None
    application: Optional[str] = None
    host: Optional[str] = None
    user: Optional[str] = None
    doing: Optional[str] = None
    since: Optional[datetime] = None


class LockLost(LockError):
    """What a lock raises when another has it."""

    def __init__(self, message: str = "another has the lock") -> None:
        super().__init__(message, status="E_LOCK_LOST", status_code=_abi.E_LOCK_LOST)


@runtime_checkable
class Lock(Protocol):
    """A lock. Attributes ``renew_every`` and ``ttl`` (seconds, 0: it does not expire) and the methods
    ``renew(key)``, ``verify(key)``, ``inspect(key) -> Holder | None`` and ``break_lock(key, holder)``
    are optional. All run on the thread that uses the Migrator. ``renew`` returns within 100 ms.
    """

    def acquire(self, key: str) -> Union[None, int, Holder]:
        """Tries once and does not wait. None or a number (larger than any holder's before): it is
        ours. A Holder: another has it."""
        ...

    def release(self, key: str) -> None:
        """Gives it up. LockLost if it was not ours any more."""
        ...


_TEXTS = ("session_id", "application", "host", "user", "doing")


@dataclass
class Adapter:
    """What ``self`` is in C."""

    bridge: Bridge
    lock: Any
    #: Texts given to C live until the next call.
    lent: List[bytes] = field(default_factory=list)

    def _fill(self, out: Any, holder: Holder) -> None:
        if not isinstance(holder, Holder):
            raise TypeError("a Holder is wanted, not %s" % type(holder).__name__)
        if not out:
            return
        struct = out.contents
        self.lent = []
        if holder.since is not None and _abi.has(struct, "since_ms"):
            struct.since_ms = int(holder.since.timestamp() * 1000)
        for name in _TEXTS:
            text = getattr(holder, name)
            if text is not None and _abi.has(struct, name):
                data = encode(text, name)
                self.lent.append(data)
                setattr(struct, name, data)

    def acquire(self, key: bytes, token: Any, out: Any) -> int:
        got = self.lock.acquire(key.decode("utf-8"))
        if isinstance(got, Holder):
            self._fill(out, got)
            return _abi.BUSY
        if got is not None and (not isinstance(got, int) or not 0 <= got < 2**64):
            raise TypeError("acquire() returns None, a number or a Holder")
        token[0] = got or 0
        return _abi.OK

    def call(self, name: str, key: bytes) -> None:
        getattr(self.lock, name)(key.decode("utf-8"))

    def inspect(self, key: bytes, out: Any) -> int:
        holder = self.lock.inspect(key.decode("utf-8"))
        if holder is None:
            return _abi.DONE
        self._fill(out, holder)
        return _abi.OK

    def break_lock(self, key: bytes, holder: Any) -> None:
        self.lock.break_lock(key.decode("utf-8"), _read_holder(holder))


def _read_holder(holder: Any) -> Optional[Holder]:
    if not holder:
        return None
    struct = holder.contents
    texts: Dict[str, Optional[str]] = {}
    for name in _TEXTS:
        data = getattr(struct, name) if _abi.has(struct, name) else None
        texts[name] = None if data is None else data.decode("utf-8", "replace")
    since = struct.since_ms if _abi.has(struct, "since_ms") else 0
    return Holder(since=datetime.fromtimestamp(since / 1000) if since else None, **texts)


@_abi.callback(_abi.AcquireFn)
def _acquire(self: int, _host: int, key: bytes, token: Any, holder: Any, err: Any) -> int:
    adapter = find(self)
    return guarded(adapter.bridge, err, adapter.acquire, key, token, holder)


def _key_member(name: str) -> Any:
    @_abi.callback(_abi.KeyFn)
    def member(self: int, _host: int, key: bytes, err: Any) -> int:
        adapter = find(self)
        return guarded(adapter.bridge, err, adapter.call, name, key)

    return member


@_abi.callback(_abi.SelfFn)
def _free(self: int) -> None:
    drop(self)


@_abi.callback(_abi.HolderFn)
def _inspect(self: int, _host: int, key: bytes, holder: Any, err: Any) -> int:
    adapter = find(self)
    return guarded(adapter.bridge, err, adapter.inspect, key, holder)


@_abi.callback(_abi.HolderFn)
def _break(self: int, _host: int, key: bytes, holder: Any, err: Any) -> int:
    adapter = find(self)
    return guarded(adapter.bridge, err, adapter.break_lock, key, holder)


_MEMBERS = {
    "renew": _key_member("renew"),
    "verify": _key_member("verify"),
    "inspect": _inspect,
    "break_lock": _break,
}
_RELEASE = _key_member("release")

# One for each shape of lock: what outlives every context must not grow with their number.
_known: Dict[Tuple[Any, ...], _abi.LockOps] = {}


def _ms(seconds: float) -> int:
    ms = int(seconds * 1000)
    if not 0 <= ms < 2**32:
        raise ValueError("a lock's renew_every and ttl are seconds")
    return ms


def ops_for(lock: object) -> _abi.LockOps:
    """The vtable for a lock: a member that it has not got is absent in C too."""
    has = tuple(name for name in _MEMBERS if callable(getattr(lock, name, None)))
    renew_every, ttl = _ms(getattr(lock, "renew_every", 0)), _ms(getattr(lock, "ttl", 0))
    shape = (has, renew_every, ttl)
    if shape not in _known:
        ops = _abi.LockOps()
        ops.struct_size = ctypes.sizeof(ops)
        ops.api = 1
        ops.renew_every_ms, ops.ttl_ms = renew_every, ttl
        ops.name = b"python"
        ops.acquire, ops.release, ops.free = _acquire, _RELEASE, _free
        for name in has:
            setattr(ops, name, _MEMBERS[name])
        _known[shape] = ops
    return _known[shape]
