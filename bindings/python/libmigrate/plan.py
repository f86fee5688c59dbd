# SPDX-License-Identifier: Apache-2.0
"""What a run would do."""

from __future__ import annotations

import ctypes
import json
import weakref
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Optional, Tuple

from ._text import decode
from .results import Step

__all__ = ["Plan"]


class _Owned:
    """A migrate_plan, freed with the last Plan that has it."""

    def __init__(self, c: Any, out: ctypes.c_void_p) -> None:
        self.value = out
        finalizer = weakref.finalize(self, c.migrate_plan_free, ctypes.c_void_p(out.value))
        finalizer.atexit = False


@dataclass(frozen=True)
class Plan:
    """What a run would do, step by step. ``Migrator.apply(plan)`` does exactly that or nothing."""

    #: Of the database now.
    state: Optional[str]
    steps: Tuple[Step, ...]
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _owned: Optional[_Owned] = field(default=None, repr=False, compare=False)

    @classmethod
    def _take(cls, c: Any, out: ctypes.c_void_p) -> "Plan":
        owned = _Owned(c, out)
        document = json.loads(decode(c.migrate_plan_json(out)))
        return cls(
            state=document.get("state"),
            steps=tuple(Step.from_json(row) for row in document.get("steps") or ()),
            raw=document,
            _owned=owned,
        )

    def _handle(self) -> ctypes.c_void_p:
        if self._owned is None:
            raise TypeError("plan: this one was not made by Migrator.plan()")
        return self._owned.value

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __bool__(self) -> bool:
        """There is something to do."""
        return bool(self.steps)
