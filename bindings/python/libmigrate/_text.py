# SPDX-License-Identifier: Apache-2.0
"""Text on its way to and from C."""

from __future__ import annotations

import ctypes
import os
from typing import Optional

from ._abi import E_ARGUMENT, Text
from .errors import CallerError

__all__ = ["decode", "decode_or_none", "encode", "encode_path", "fill_text", "read_text"]


def decode(text: Optional[bytes]) -> str:
    """Text of an accessor; one of a foreign encoding still becomes readable."""
    return "" if text is None else text.decode("utf-8", "replace")


def decode_or_none(text: Optional[bytes]) -> Optional[str]:
    """Likewise, None staying None."""
    return None if text is None else text.decode("utf-8", "replace")


def encode(text: object, what: str) -> bytes:
    """UTF-8 for a NUL-terminated parameter. TypeError, CallerError."""
    if not isinstance(text, str):
        raise TypeError("%s: str is wanted, not %s" % (what, type(text).__name__))
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as why:
        raise CallerError(
            "%s: not Unicode text: %s" % (what, why), status="E_ARGUMENT", status_code=E_ARGUMENT
        ) from None
    if b"\0" in data:
        raise CallerError("%s: it holds a NUL character" % what, status="E_ARGUMENT", status_code=E_ARGUMENT)
    return data


def encode_path(path: object, what: str) -> bytes:
    """A path as the file system has it."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError("%s: a path is wanted, not %s" % (what, type(path).__name__))
    data = os.fsencode(path)
    if b"\0" in data:
        raise CallerError("%s: it holds a NUL character" % what, status="E_ARGUMENT", status_code=E_ARGUMENT)
    return data


def fill_text(text: Text, data: bytes) -> None:
    """Points ``text`` at ``data``, which the caller keeps alive."""
    text.data = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value
    text.len = len(data)


def read_text(text: Text) -> Optional[str]:
    """A copy of what C lends; None is SQL NULL."""
    if text.data is None:
        return None
    return ctypes.string_at(text.data, text.len).decode("utf-8", "replace")
