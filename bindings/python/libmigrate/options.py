# SPDX-License-Identifier: Apache-2.0
"""Options: the library's own table, and how values of Python are written for it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from ._abi import E_OPTION
from ._library import library
from ._text import decode
from .errors import CallerError

__all__ = ["Option", "OptionValue", "options"]

#: None puts the default back. A number given for a duration is in seconds.
OptionValue = Union[
    None, str, bool, int, float, timedelta, "os.PathLike[str]", Sequence[str], Mapping[str, Any]
]


@dataclass(frozen=True)
class Option:
    """A row of the table of options."""

    #: "lock_wait"; one that ends in "." is a prefix.
    key: str
    #: "choice", "duration", "integer", "list" or "text".
    type: str
    #: Of a choice.
    values: Tuple[str, ...]
    default: Optional[str]
    doc: str


def options() -> Tuple[Option, ...]:
    """Every option, in the library's order: the same as in C and on the command line."""
    c = library().c
    rows: List[Option] = []
    while True:
        row = c.migrate_option_at(len(rows))
        if not row:
            return tuple(rows)
        values = decode(c.migrate_option_values(row))
        rows.append(
            Option(
                key=decode(c.migrate_option_key(row)),
                type=decode(c.migrate_option_type(row)),
                values=tuple(values.split("|")) if values else (),
                default=_or_none(c.migrate_option_default(row)),
                doc=decode(c.migrate_option_doc(row)),
            )
        )


def _or_none(text: Optional[bytes]) -> Optional[str]:
    return None if text is None else decode(text)


def _bad(key: str, value: object, why: str) -> CallerError:
    return CallerError("option %s: %r %s" % (key, value, why), status="E_OPTION", status_code=E_OPTION)


def _milliseconds(key: str, value: object, ms: float) -> str:
    if not math.isfinite(ms) or ms < 0 or ms >= 2**62:
        raise _bad(key, value, "is no duration")
    # Never shorter than was asked for.
    return "%dms" % math.ceil(ms) if ms else "0"


def _boolean(key: str, value: bool, row: Optional[Option]) -> str:
    values = row.values if row is not None else ()
    for yes, no in (("1", "0"), ("allow", "deny"), ("auto", "off")):
        if {yes, no} == set(values):
            return yes if value else no
    if row is None:
        return "1" if value else "0"
    raise _bad(key, value, "is not a value of it; write one of %s" % ", ".join(values or ("text",)))


def _text(key: str, value: object, row: Optional[Option]) -> Optional[str]:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return _boolean(key, value, row)
    if isinstance(value, timedelta):
        return _milliseconds(key, value, value / timedelta(milliseconds=1))
    if isinstance(value, (int, float)):
        if row is not None and row.type == "duration":
            return _milliseconds(key, value, value * 1000)
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(_part(key, part) for part in value)
    raise TypeError("option %s: %s cannot be written as text" % (key, type(value).__name__))


def _part(key: str, part: object) -> str:
    if not isinstance(part, str):
        raise TypeError("option %s: a list of str is wanted" % key)
    return part


def written(given: Mapping[str, OptionValue]) -> Iterator[Tuple[str, Optional[str]]]:
    """Keys and texts for migrate_ctx_set(); ``postgres={"key": v}`` becomes ``postgres.key``."""
    table: Dict[str, Option] = {row.key: row for row in options()} if given else {}
    for key, value in given.items():
        if isinstance(value, Mapping):
            for inner, part in value.items():
                full = "%s.%s" % (key, inner)
                yield full, _text(full, part, table.get(full))
        else:
            yield key, _text(key, value, table.get(key))
