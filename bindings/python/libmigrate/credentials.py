# SPDX-License-Identifier: Apache-2.0
"""Credentials that are asked for at every connect, so that a rotated password just works."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Union

from . import _abi
from ._bridge import Bridge, find, guarded, take_error
from ._library import library
from ._text import decode, encode

__all__ = ["Credentials", "Login"]

#: Any of user, password, token, role, host, port, database, again; None: the URL alone.
Answer = Optional[Mapping[str, Union[None, str, int]]]


@dataclass(frozen=True)
class Login:
    """A question for credentials."""

    #: "first", or "rejected": the server refused the last answer.
    reason: str
    #: The URL to connect to, without any password.
    url: str
    #: Seconds left for an answer; None: no limit.
    remaining: Optional[float]


#: Who is asked.
Credentials = Callable[[Login], Answer]


def _answer(provider: Credentials, login: int) -> None:
    c = library().c
    remaining = c.migrate_login_remaining_ms(login)
    question = Login(
        reason="rejected" if c.migrate_login_reason(login) else "first",
        url=decode(c.migrate_login_url(login)),
        remaining=None if remaining >= 2**62 else remaining / 1000,
    )
    answer = provider(question)
    if answer is None:
        return
    if not isinstance(answer, Mapping):
        raise TypeError("credentials are a mapping or None, not %s" % type(answer).__name__)
    for key, value in answer.items():
        if value is None:
            continue
        text = str(int(value)) if isinstance(value, int) else value
        err = ctypes.c_void_p()
        status = c.migrate_login_set(
            login, encode(key, "key"), encode(text, "credentials: %s" % key), ctypes.byref(err)
        )
        if status:
            raise take_error(status, err)


@_abi.callback(_abi.CredentialsFn)
def on_credentials(user: Optional[int], login: int, err: Any) -> int:
    """migrate_credentials_fn; ``user`` is a pair of bridge and provider."""
    bridge, provider = find(user)
    assert isinstance(bridge, Bridge)
    return guarded(bridge, err, _answer, provider, login)
