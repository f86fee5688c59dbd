# SPDX-License-Identifier: Apache-2.0
"""What calls return: frozen, made from the library's JSON, free of any handle.

``raw`` is the whole JSON document; keys that a newer library adds are there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Dict, Mapping, Optional, Tuple

__all__ = ["Event", "LockInfo", "Migration", "Report", "Statement", "Step"]


def _instant(text: Optional[str]) -> Optional[datetime]:
    if not text:
        return None
    text = text.rstrip("Z")
    form = "%Y-%m-%dT%H:%M:%S.%f" if "." in text else "%Y-%m-%dT%H:%M:%S"
    try:
        return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


_KINDS = {"V": "versioned", "R": "repeatable", "B": "baseline"}


@dataclass(frozen=True)
class Migration:
    """A migration as a row of a report or the subject of an event."""

    version: str
    name: str
    #: "versioned", "repeatable" or "baseline".
    kind: str
    #: "pending", "applied", "failed", "doubt", "changed", "missing", "reverted" or "baseline".
    state: str
    #: In its source; None if it is not there any more.
    path: Optional[str]
    #: "sha256:…" of its text or code.
    checksum: Optional[str]
    #: None: not counted.
    statements: Optional[int]
    #: How many of them are settled as executed.
    done: int
    #: It runs inside a transaction.
    transaction: bool
    #: By the database's clock.
    applied_at: Optional[datetime]
    elapsed_ms: int
    #: "up" or "down": what this call did with it.
    direction: Optional[str] = None
    #: What a person should know: its last error, what is in doubt.
    note: Optional[str] = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Migration":
        """Made from a row of the library's JSON."""
        kind = row.get("kind") or ""
        return cls(
            version=row.get("version") or "",
            name=row.get("name") or "",
            kind=_KINDS.get(kind, kind),
            state=row.get("state") or "",
            path=row.get("path"),
            checksum=row.get("checksum"),
            statements=row.get("statements"),
            done=row.get("done") or 0,
            transaction=bool(row.get("transaction")),
            applied_at=_instant(row.get("applied_at")),
            elapsed_ms=row.get("elapsed_ms") or 0,
            direction=row.get("direction"),
            note=row.get("note"),
            raw=row,
        )


@dataclass(frozen=True)
class Report:
    """What a call did or found."""

    #: "current", "pending", "failed", "doubt", "ahead" or "drift"; None: not known.
    state: Optional[str]
    #: Newest applied version, "" for none.
    version: str
    #: How many are left to apply.
    pending: int
    #: Of a status or verification all migrations, otherwise those the call touched.
    migrations: Tuple[Migration, ...]
    applied: int
    reverted: int
    elapsed_ms: int
    lock_wait_ms: int
    round_trips: int
    #: Kind of database and what the server says it is.
    database: Optional[str]
    server: Optional[str]
    #: A summary for people.
    text: str
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def current(self) -> bool:
        """All is applied and sound: what an application wants to see at its start."""
        return self.state == "current"

    @classmethod
    def from_json(cls, document: Mapping[str, Any], text: str = "") -> "Report":
        """Made from a report's JSON and text."""
        return cls(
            state=document.get("state"),
            version=document.get("version") or "",
            pending=document.get("pending") or 0,
            migrations=tuple(Migration.from_json(m) for m in document.get("migrations") or ()),
            applied=document.get("applied") or 0,
            reverted=document.get("reverted") or 0,
            elapsed_ms=document.get("elapsed_ms") or 0,
            lock_wait_ms=document.get("lock_wait_ms") or 0,
            round_trips=document.get("round_trips") or 0,
            database=document.get("database"),
            server=document.get("server") or None,
            text=text,
            raw=document,
        )


@dataclass(frozen=True)
class Step:
    """A step of a plan: a migration that would run."""

    version: str
    name: str
    #: "up" or "down".
    direction: str
    transaction: bool
    #: None: not counted.
    statements: Optional[int]
    #: What drops data, and what a crash may leave in doubt; each says why.
    destructive: Tuple[Any, ...]
    may_doubt: Tuple[Any, ...]
    kind: str
    state: str
    path: Optional[str]
    checksum: Optional[str]
    #: The statements as they go to the server, if the plan was made with ``sql=True``.
    sql: Optional[Tuple[str, ...]] = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Step":
        """Made from a step of a plan's JSON."""
        kind = row.get("kind") or ""
        sql = row.get("sql")
        return cls(
            version=row.get("version") or "",
            name=row.get("name") or "",
            direction=row.get("direction") or "",
            transaction=bool(row.get("transaction")),
            statements=row.get("statements"),
            destructive=tuple(row.get("destructive") or ()),
            may_doubt=tuple(row.get("may_doubt") or ()),
            kind=_KINDS.get(kind, kind),
            state=row.get("state") or "",
            path=row.get("path"),
            checksum=row.get("checksum"),
            sql=None if sql is None else tuple(sql),
            raw=row,
        )


@dataclass(frozen=True)
class Statement:
    """A statement of a plan's step, as it goes to the server."""

    text: str
    #: Line of its file on which it begins, from 1.
    line: int
    destructive: bool
    may_doubt: bool
    #: It cannot run in a transaction or a batch.
    alone: bool
    #: Why it is flagged.
    note: Optional[str]


@dataclass(frozen=True)
class LockInfo:
    """Who holds the migration lock."""

    held: bool
    #: A sentence for people.
    text: str
    #: What is known of the holder.
    holder: Optional[Mapping[str, Any]]
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Mapping[str, Any], text: str) -> "LockInfo":
        """Made from a report's JSON and text."""
        return cls(
            held=document.get("state") == "locked",
            text=text,
            holder=document.get("holder"),
            raw=document,
        )


@dataclass(frozen=True)
class Event:
    """Something that happened during a call."""

    #: "log", "notice", "connected", "wait_lock", "locked", "unlocked", "run_begin", "run_end",
    #: "migration_begin", "migration_end", "statement", "progress", "blocked", "retry", "tick"
    type: str
    #: "error", "warn", "info" or "debug".
    level: str
    #: One line for people, of every type.
    text: str
    #: How what has ended ended, "E_SQL"; None elsewhere and if it ended well.
    status: Optional[str] = None
    migration: Optional[Migration] = None
    index: int = 0
    total: int = 0
    elapsed_ms: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Dict[str, Any], text: str) -> "Event":
        """Made from an event's JSON and its line for people."""
        row = document.get("migration")
        status = document.get("status")
        return cls(
            type=document.get("event") or "",
            level=document.get("level") or "",
            text=text,
            status=None if status in (None, "OK") else status,
            migration=None if row is None else Migration.from_json(row),
            index=document.get("index") or 0,
            total=document.get("total") or 0,
            elapsed_ms=document.get("elapsed_ms") or 0,
            raw=document,
        )
