# SPDX-License-Identifier: Apache-2.0
"""The C ABI: the one struct of options, the vtables, and the prototypes. Nothing else is mirrored.

A test compares the layouts with the golden file of the library's own ABI test.
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int32, c_int64, c_size_t
from ctypes import c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Dict, List, Optional, Tuple

from ._version import __version__

#: MIGRATE_VERSION_NUMBER of the headers that this file was written from.
HEADER_VERSION = 100
HEADER_VERSION_TEXT = __version__

OK, DONE, BUSY = 0, 1, 2
E_ARGUMENT, E_MISUSE, E_OPTION, E_UNSUPPORTED = 100, 101, 102, 105
E_NO_DRIVER, E_LOAD, E_URL, E_CALLBACK = 106, 107, 108, 110
E_NOMEM, E_IO = 200, 201
E_SOURCE, E_PARSE, E_SOURCE_MOVED = 300, 305, 309
E_LOCK_LOST, E_FENCED, E_LOCK = 501, 502, 503
E_CONN_LOST = 603
E_STOPPED, E_CANCELLED, E_DEADLINE = 700, 701, 703

UP, DOWN, REDO = 1, 2, 3
RUN_ALL, RUN_SQL = 1, 2
LOAD_SEARCH = 1
CODE_REVERSIBLE, CODE_NO_TRANSACTION = 1, 2
ENTRY_CODE, ENTRY_REVERSIBLE, ENTRY_NO_TRANSACTION = 1, 2, 4
INIT_SQL = 1
CREATE_PAIR = 1
RESOLVE_APPLIED, RESOLVE_NOT_APPLIED, RESOLVE_ALL = 1, 2, 4
EVENT_LOG, EVENT_NOTICE, EVENT_TICK = 1, 2, 15
SIZE_UNKNOWN = 2**64 - 1

Handle = c_void_p
Status = c_int32
ErrorOut = POINTER(c_void_p)


class Text(Structure):
    """migrate_text"""

    _fields_ = [("data", c_void_p), ("len", c_size_t)]


class RunOptions(Structure):
    """migrate_run_options"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("direction", c_uint32),
        ("flags", c_uint32),
        ("target", c_char_p),
        ("steps", c_uint64),
        ("deadline_ms", c_int64),
    ]


class Entry(Structure):
    """migrate_entry"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("path", Text),
        ("size", c_uint64),
        ("cookie", c_uint64),
        ("checksum", c_char_p),
    ]


class Holder(Structure):
    """migrate_holder"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("since_ms", c_int64),
        ("session_id", c_char_p),
        ("application", c_char_p),
        ("host", c_char_p),
        ("user", c_char_p),
        ("doing", c_char_p),
    ]


EventFn = CFUNCTYPE(Status, c_void_p, c_void_p)
ReleaseFn = CFUNCTYPE(None, c_void_p)
CredentialsFn = CFUNCTYPE(Status, c_void_p, c_void_p, ErrorOut)
CodeFn = CFUNCTYPE(Status, c_void_p, c_uint32, c_void_p, ErrorOut)
WriteFn = CFUNCTYPE(Status, c_void_p, c_void_p, c_size_t)
RowFn = CFUNCTYPE(c_int32, c_void_p, c_uint32, POINTER(Text))
StatementFn = CFUNCTYPE(Status, c_void_p, c_void_p)
LambdaSetupFn = CFUNCTYPE(Status, c_void_p, c_void_p, ErrorOut)

ExecFn = CFUNCTYPE(Status, c_void_p, c_char_p, c_size_t, POINTER(Text), c_uint32, RowFn, c_void_p, ErrorOut)
TickFn = CFUNCTYPE(Status, c_void_p)


class Executor(Structure):
    """migrate_executor"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("self", c_void_p),
        ("exec", ExecFn),
        ("tick", TickFn),
    ]


SelfFn = CFUNCTYPE(None, c_void_p)
RewindFn = CFUNCTYPE(Status, c_void_p, c_void_p, ErrorOut)
NextFn = CFUNCTYPE(Status, c_void_p, c_void_p, POINTER(Entry), ErrorOut)
ReadFn = CFUNCTYPE(
    Status,
    c_void_p,
    c_void_p,
    POINTER(Entry),
    c_uint64,
    c_void_p,
    c_size_t,
    POINTER(c_size_t),
    ErrorOut,
)
RunFn = CFUNCTYPE(Status, c_void_p, c_void_p, POINTER(Entry), c_uint32, c_void_p, ErrorOut)
BorrowFn = CFUNCTYPE(Status, c_void_p, POINTER(Entry), POINTER(Text), ErrorOut)
CreateFn = CFUNCTYPE(Status, c_void_p, c_void_p, c_char_p, c_void_p, c_size_t, ErrorOut)


class SourceOps(Structure):
    """migrate_source_ops"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("api", c_uint32),
        ("reserved", c_uint32),
        ("name", c_char_p),
        ("rewind", RewindFn),
        ("next", NextFn),
        ("read", ReadFn),
        ("free", SelfFn),
        ("run", RunFn),
        ("borrow", BorrowFn),
        ("create", CreateFn),
    ]


AcquireFn = CFUNCTYPE(Status, c_void_p, c_void_p, c_char_p, POINTER(c_uint64), POINTER(Holder), ErrorOut)
KeyFn = CFUNCTYPE(Status, c_void_p, c_void_p, c_char_p, ErrorOut)
HolderFn = CFUNCTYPE(Status, c_void_p, c_void_p, c_char_p, POINTER(Holder), ErrorOut)


class LockOps(Structure):
    """migrate_lock_ops"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("api", c_uint32),
        ("renew_every_ms", c_uint32),
        ("ttl_ms", c_uint32),
        ("reserved", c_uint32),
        ("name", c_char_p),
        ("acquire", AcquireFn),
        ("release", KeyFn),
        ("free", SelfFn),
        ("renew", KeyFn),
        ("verify", KeyFn),
        ("inspect", HolderFn),
        ("break_lock", HolderFn),
    ]


def callback(kind: Any) -> Callable[[Callable[..., Any]], Any]:
    """Makes a C function of type ``kind`` from the one it decorates; it lives as long as the module."""
    return lambda function: kind(function)


def has(struct: Structure, member: str) -> bool:
    """MIGRATE_HAS: the other side's struct is long enough to hold ``member``."""
    field = getattr(type(struct), member)
    return bool(struct.struct_size >= field.offset + field.size)


_Prototype = Tuple[Any, List[Any]]
_OUT = POINTER(c_void_p)
_TEXT = c_char_p

PROTOTYPES: Dict[str, _Prototype] = {
    "migrate_version_number": (c_uint32, []),
    "migrate_version_string": (_TEXT, []),
    "migrate_status_name": (_TEXT, [Status]),
    "migrate_status_text": (_TEXT, [Status]),
    "migrate_status_retryable": (c_int32, [Status]),
    # options
    "migrate_option_at": (Handle, [c_size_t]),
    "migrate_option_key": (_TEXT, [Handle]),
    "migrate_option_type": (_TEXT, [Handle]),
    "migrate_option_values": (_TEXT, [Handle]),
    "migrate_option_default": (_TEXT, [Handle]),
    "migrate_option_doc": (_TEXT, [Handle]),
    # context
    "migrate_ctx_new": (Status, [_OUT, ErrorOut]),
    "migrate_ctx_free": (None, [Handle]),
    "migrate_ctx_set": (Status, [Handle, _TEXT, _TEXT, ErrorOut]),
    "migrate_ctx_get": (_TEXT, [Handle, _TEXT]),
    "migrate_ctx_add_driver": (Status, [Handle, c_void_p, ErrorOut]),
    "migrate_ctx_load_driver": (Status, [Handle, _TEXT, _TEXT, c_uint32, ErrorOut]),
    "migrate_ctx_use_dir": (Status, [Handle, _TEXT, ErrorOut]),
    "migrate_ctx_use_source": (Status, [Handle, POINTER(SourceOps), c_void_p, ErrorOut]),
    "migrate_ctx_add_file": (Status, [Handle, _TEXT, _TEXT, c_size_t, ErrorOut]),
    "migrate_ctx_add_code": (
        Status,
        [Handle, _TEXT, _TEXT, c_uint32, CodeFn, c_void_p, ReleaseFn, ErrorOut],
    ),
    "migrate_ctx_use_lock": (Status, [Handle, POINTER(LockOps), c_void_p, ErrorOut]),
    "migrate_ctx_on_event": (None, [Handle, EventFn, c_void_p, ReleaseFn]),
    "migrate_ctx_on_credentials": (None, [Handle, CredentialsFn, c_void_p, ReleaseFn]),
    "migrate_ctx_open": (Status, [Handle, _TEXT, ErrorOut]),
    "migrate_ctx_adopt": (Status, [Handle, _TEXT, c_void_p, ErrorOut]),
    "migrate_ctx_use_dialect": (Status, [Handle, _TEXT, ErrorOut]),
    "migrate_ctx_close": (None, [Handle]),
    "migrate_ctx_stop": (None, [Handle]),
    "migrate_ctx_cancel": (None, [Handle]),
    "migrate_ctx_resume": (None, [Handle]),
    # calls
    "migrate_run": (Status, [Handle, POINTER(RunOptions), _OUT, ErrorOut]),
    "migrate_plan_make": (Status, [Handle, POINTER(RunOptions), _OUT, ErrorOut]),
    "migrate_plan_apply": (Status, [Handle, Handle, _OUT, ErrorOut]),
    "migrate_plan_count": (c_size_t, [Handle]),
    "migrate_plan_json": (_TEXT, [Handle]),
    "migrate_plan_free": (None, [Handle]),
    "migrate_plan_statements": (
        Status,
        [Handle, Handle, c_size_t, StatementFn, c_void_p, ErrorOut],
    ),
    "migrate_plan_script": (Status, [Handle, Handle, WriteFn, c_void_p, ErrorOut]),
    "migrate_statement_text": (c_void_p, [Handle, POINTER(c_size_t)]),
    "migrate_statement_line": (c_uint64, [Handle]),
    "migrate_statement_flags": (c_uint32, [Handle]),
    "migrate_statement_note": (_TEXT, [Handle]),
    "migrate_inspect": (Status, [Handle, _OUT, ErrorOut]),
    "migrate_verify": (Status, [Handle, _OUT, ErrorOut]),
    "migrate_hash": (Status, [Handle, _OUT, ErrorOut]),
    "migrate_baseline": (Status, [Handle, _TEXT, _OUT, ErrorOut]),
    "migrate_resolve": (Status, [Handle, _TEXT, c_uint32, _OUT, ErrorOut]),
    "migrate_init": (Status, [Handle, c_uint32, _OUT, ErrorOut]),
    "migrate_wait": (Status, [Handle, _TEXT, _OUT, ErrorOut]),
    "migrate_create": (Status, [Handle, _TEXT, c_uint32, _OUT, ErrorOut]),
    "migrate_lock_inspect": (Status, [Handle, _OUT, ErrorOut]),
    "migrate_lock_break": (Status, [Handle, Handle, _OUT, ErrorOut]),
    "migrate_report_text": (_TEXT, [Handle]),
    "migrate_report_json": (_TEXT, [Handle]),
    "migrate_report_free": (None, [Handle]),
    # errors
    "migrate_error_status": (Status, [Handle]),
    "migrate_error_message": (_TEXT, [Handle]),
    "migrate_error_hint": (_TEXT, [Handle]),
    "migrate_error_state": (_TEXT, [Handle]),
    "migrate_error_text": (_TEXT, [Handle]),
    "migrate_error_sqlstate": (_TEXT, [Handle]),
    "migrate_error_code": (c_int32, [Handle]),
    "migrate_error_version": (_TEXT, [Handle]),
    "migrate_error_path": (_TEXT, [Handle]),
    "migrate_error_line": (c_uint64, [Handle]),
    "migrate_error_column": (c_uint64, [Handle]),
    "migrate_error_statement": (c_uint64, [Handle]),
    "migrate_error_cause": (Handle, [Handle]),
    "migrate_error_free": (None, [Handle]),
    "migrate_error_make": (Status, [ErrorOut, Status, _TEXT, _TEXT]),
    # events and logins
    "migrate_event_type": (c_uint32, [Handle]),
    "migrate_event_level": (c_uint32, [Handle]),
    "migrate_event_text": (_TEXT, [Handle]),
    "migrate_event_status": (Status, [Handle]),
    "migrate_event_json": (_TEXT, [Handle]),
    "migrate_login_reason": (c_uint32, [Handle]),
    "migrate_login_url": (_TEXT, [Handle]),
    "migrate_login_remaining_ms": (c_int64, [Handle]),
    "migrate_login_set": (Status, [Handle, _TEXT, _TEXT, ErrorOut]),
}

#: Of libmigrate-aws.
AWS_PROTOTYPES: Dict[str, _Prototype] = {
    "migrate_aws_attach": (Status, [Handle, ErrorOut]),
    "migrate_aws_open": (Status, [Handle, _TEXT, ErrorOut]),
    "migrate_lambda_new": (Status, [_OUT, ErrorOut]),
    "migrate_lambda_free": (None, [Handle]),
    "migrate_lambda_set": (Status, [Handle, _TEXT, _TEXT, ErrorOut]),
    "migrate_lambda_env": (Status, [Handle, _TEXT, _TEXT, ErrorOut]),
    "migrate_lambda_on_setup": (None, [Handle, LambdaSetupFn, c_void_p, ReleaseFn]),
    "migrate_lambda_handle": (
        Status,
        [Handle, _TEXT, c_size_t, _TEXT, c_int64, _TEXT, _OUT, ErrorOut],
    ),
    "migrate_lambda_stop": (None, [Handle]),
    "migrate_lambda_reply_body": (c_void_p, [Handle, POINTER(c_size_t)]),
    "migrate_lambda_reply_error_type": (_TEXT, [Handle]),
    "migrate_lambda_reply_text": (_TEXT, [Handle]),
    "migrate_lambda_reply_status": (Status, [Handle]),
    "migrate_lambda_reply_free": (None, [Handle]),
}


def bind(library: ctypes.CDLL, prototypes: Dict[str, _Prototype]) -> Optional[str]:
    """Gives each function its prototype. Name of the first that is not there, or None."""
    for name, (result, arguments) in prototypes.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            return name
        function.restype = result
        function.argtypes = arguments
    return None
