# SPDX-License-Identifier: Apache-2.0
"""Sources of migrations written in Python."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Iterable, List, Optional, Protocol, Union, runtime_checkable

from . import _abi
from ._bridge import Bridge, drop, find, guarded
from ._text import encode, fill_text
from .code import CodeMigration
from .errors import SourceError

__all__ = ["Source", "SourceEntry"]

#: A path (relative, "/" between parts), or a migration that is code.
SourceEntry = Union[str, CodeMigration]


@runtime_checkable
class Source(Protocol):
    """Where migrations come from. Versions, kinds and directives are read from paths and text by the
    library, so every source has every convention.

    A source may also have ``create(path: str, text: bytes) -> None``, for ``Migrator.new()``.
    """

    def files(self) -> Iterable[SourceEntry]:
        """Every file, in any order."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of a file, which do not change while a run lasts."""
        ...


class Nothing:
    """A source without any migration."""

    def files(self) -> Iterable[SourceEntry]:
        return ()

    def read(self, path: str) -> bytes:
        raise KeyError(path)


@dataclass
class Adapter:
    """What ``self`` is in C: the source and where its listing is."""

    bridge: Bridge
    source: Any
    entries: List[SourceEntry]
    at: int = 0
    path: bytes = b""
    checksum: Optional[bytes] = None
    body_of: Optional[int] = None
    body: bytes = b""

    def rewind(self) -> None:
        self.entries = list(self.source.files())
        self.at = 0
        self.body_of = None

    def next(self, out: _abi.Entry) -> int:
        if self.at == len(self.entries):
            return _abi.DONE
        entry = self.entries[self.at]
        code = entry if isinstance(entry, CodeMigration) else None
        self.path = encode(entry if code is None else code.path, "path of a source's file")
        self.checksum = None
        fill_text(out.path, self.path)
        out.size = _abi.SIZE_UNKNOWN
        out.cookie = self.at
        if code is not None:
            out.flags = _abi.ENTRY_CODE
            out.flags |= _abi.ENTRY_REVERSIBLE if code.down is not None else 0
            out.flags |= 0 if code.transaction else _abi.ENTRY_NO_TRANSACTION
            if code.checksum is not None:
                self.checksum = encode(code.checksum, "checksum")
                out.checksum = self.checksum
        self.at += 1
        return _abi.OK

    def read(self, entry: Any, offset: int, buf: int, cap: int, got: Any) -> None:
        number = entry.contents.cookie
        if self.body_of != number:
            path = self.entries[number]
            assert isinstance(path, str)
            body = self.source.read(path)
            if not isinstance(body, (bytes, bytearray, memoryview)):
                raise TypeError("read() of a source returns bytes, not %s" % type(body).__name__)
            self.body, self.body_of = bytes(body), number
        part = self.body[offset : offset + cap]
        ctypes.memmove(buf, part, len(part))
        got[0] = len(part)

    def run(self, entry: Any, direction: int, executor: int) -> None:
        code = self.entries[entry.contents.cookie]
        if not isinstance(code, CodeMigration):
            raise SourceError("%s is no code" % code, status="E_SOURCE", status_code=_abi.E_SOURCE)
        code.carry_out(self.bridge, direction, executor)

    def create(self, path: bytes, data: Optional[int], length: int) -> None:
        text = ctypes.string_at(data, length) if data else b""
        self.source.create(path.decode("utf-8"), text)


@_abi.callback(_abi.RewindFn)
def _rewind(self: int, _host: int, err: Any) -> int:
    adapter = find(self)
    return guarded(adapter.bridge, err, adapter.rewind)


@_abi.callback(_abi.NextFn)
def _next(self: int, _host: int, out: Any, err: Any) -> int:
    adapter = find(self)
    return guarded(adapter.bridge, err, adapter.next, out.contents)


@_abi.callback(_abi.ReadFn)
def _read(self: int, _host: int, entry: Any, offset: int, buf: int, cap: int, got: Any, err: Any) -> int:
    adapter = find(self)
    return guarded(adapter.bridge, err, adapter.read, entry, offset, buf, cap, got)


@_abi.callback(_abi.SelfFn)
def _free(self: int) -> None:
    drop(self)


@_abi.callback(_abi.RunFn)
def _run(self: int, _host: int, entry: Any, direction: int, executor: int, err: Any) -> int:
    adapter = find(self)
    return guarded(adapter.bridge, err, adapter.run, entry, direction, executor)


@_abi.callback(_abi.CreateFn)
def _create(self: int, _host: int, path: bytes, data: int, length: int, err: Any) -> int:
    adapter = find(self)
    return guarded(adapter.bridge, err, adapter.create, path, data, length)


def _ops(create: bool) -> _abi.SourceOps:
    ops = _abi.SourceOps()
    ops.struct_size = ctypes.sizeof(ops)
    ops.api = 1
    ops.name = b"python"
    ops.rewind, ops.next, ops.read, ops.free, ops.run = _rewind, _next, _read, _free, _run
    if create:
        ops.create = _create
    return ops


# Vtables outlive every context.
_PLAIN, _CREATING = _ops(False), _ops(True)


def ops_for(source: object) -> _abi.SourceOps:
    """The vtable for a source: a member that it has not got is absent in C too."""
    return _CREATING if callable(getattr(source, "create", None)) else _PLAIN
