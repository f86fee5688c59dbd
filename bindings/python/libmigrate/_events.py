# SPDX-License-Identifier: Apache-2.0
"""Events: to the application's callback and to ``logging``."""

from __future__ import annotations

import json
import logging
from typing import Any, Callable, Optional

from . import _abi
from ._bridge import Bridge, find, guarded
from ._library import library
from ._text import decode
from .results import Event

__all__ = ["EventCallback", "Receiver", "logger"]

EventCallback = Callable[[Event], Any]

#: Named "libmigrate"; silent until the application configures logging.
logger = logging.getLogger("libmigrate")
logger.addHandler(logging.NullHandler())

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}


def wanted_level() -> str:
    """The library's log_level for what logging lets through."""
    if logger.isEnabledFor(logging.DEBUG):
        return "debug"
    return "info" if logger.isEnabledFor(logging.INFO) else "warn"


class Receiver:
    """Where the events of one context go."""

    def __init__(self, bridge: Bridge, callback: Optional[EventCallback]) -> None:
        self.bridge = bridge
        self.callback = callback

    def take(self, event: int) -> None:
        c = library().c
        tick = c.migrate_event_type(event) == _abi.EVENT_TICK
        if not tick:
            level = _LEVELS.get(c.migrate_event_level(event), logging.DEBUG)
            if logger.isEnabledFor(level):
                logger.log(level, "%s", decode(c.migrate_event_text(event)))
        if self.callback is not None:
            document = json.loads(decode(c.migrate_event_json(event)))
            self.callback(Event.from_json(document, decode(c.migrate_event_text(event))))


@_abi.callback(_abi.EventFn)
def on_event(user: Optional[int], event: int) -> int:
    """migrate_event_fn. Also where Python gets to handle signals: a TICK comes every 250 ms of waiting."""
    receiver = find(user)
    status = guarded(receiver.bridge, None, receiver.take, event)
    if status:
        receiver.bridge.untold = receiver.bridge.kept  # not every event can end a call
    return status
