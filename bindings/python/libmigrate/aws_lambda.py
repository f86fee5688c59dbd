# SPDX-License-Identifier: Apache-2.0
"""The AWS Lambda function, for the managed runtime of Python.

Set the function's handler to ``libmigrate.aws_lambda.handler``; everything else is said by environment
variables and the event, as the guide of the function says. Of a pair behind the CDK's Provider framework
the handlers are ``libmigrate.aws_lambda.onEvent`` and ``libmigrate.aws_lambda.isComplete``.
``make_handler()`` takes settings instead.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import threading
from typing import Any, Callable, List, Mapping, Optional

from . import _abi, code
from ._bridge import Bridge, find, guarded, register, release, take_error
from ._events import Receiver, logger, on_event
from ._library import SCHEMES, aws, library
from ._text import decode, decode_or_none, encode
from .errors import CallerError, MigrateError

__all__ = ["InvocationFailed", "Lambda", "handler", "isComplete", "make_handler", "onEvent"]


class InvocationFailed(Exception):
    """The invocation failed. Its class is named like the status, as Lambda shows it; ``reply`` is the
    body that the function's contract says."""

    def __init__(self, text: str, reply: Mapping[str, Any]) -> None:
        super().__init__(text)
        self.reply = reply


def _failure(error_type: str, text: str, body: Mapping[str, Any]) -> InvocationFailed:
    # Lambda's errorType is the name of the exception's class.
    made: InvocationFailed = type(error_type, (InvocationFailed,), {"__module__": __name__})(text, body)
    return made


class Lambda:
    """A configured handler: call it with event and context. It serves one invocation at a time."""

    def __init__(
        self,
        environment: Optional[Mapping[str, str]] = None,
        settings: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._aws = aws()
        self._turn = threading.Lock()
        self._bridge = Bridge()
        out, err = ctypes.c_void_p(), ctypes.c_void_p()
        self._check(self._aws.migrate_lambda_new(ctypes.byref(out), ctypes.byref(err)), err)
        self._handle = out
        try:
            self._configure(os.environ if environment is None else environment, settings or {})
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _check(status: int, err: ctypes.c_void_p) -> None:
        if status:
            raise take_error(status, err)

    def _configure(self, environment: Mapping[str, str], settings: Mapping[str, str]) -> None:
        for name, value in environment.items():
            self._offer(name, value)
        for key, value in settings.items():
            err = ctypes.c_void_p()
            status = self._aws.migrate_lambda_set(
                self._handle, encode(key, "key"), encode(value, key), ctypes.byref(err)
            )
            self._check(status, err)
        self._source = _Source(environment, settings)
        number = register((self._bridge, self._prepare))
        self._aws.migrate_lambda_on_setup(self._handle, _on_setup, number, release)

    def _offer(self, name: str, value: str) -> None:
        """A variable. One that cannot be used is the answer to every invocation, so that whoever waits for
        one is told; without a mode nobody knows how to answer."""
        err = ctypes.c_void_p()
        status = self._aws.migrate_lambda_env(
            self._handle, os.fsencode(name), os.fsencode(value), ctypes.byref(err)
        )
        if not status:
            return
        error = take_error(status, err)
        if status == _abi.E_NOMEM or name == "MIGRATE_MODE":
            raise error
        logger.error("%s", error)

    def _prepare(self, context: int) -> None:
        """Sets up the context of an invocation."""
        library().c.migrate_ctx_on_event(context, on_event, register(Receiver(self._bridge, None)), release)
        _add_drivers(context)
        for migration in self._source.code():
            self._check(*code.add(library().c, context, self._bridge, migration))

    def __call__(self, event: Any, context: Any) -> Any:
        """Serves one invocation: what Lambda is to return. InvocationFailed."""
        text = json.dumps(event).encode("utf-8")
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        ms = int(remaining()) if callable(remaining) else 2**62
        request_id = encode(str(getattr(context, "aws_request_id", "") or ""), "request id")
        arn = getattr(context, "invoked_function_arn", None)
        with self._turn:
            if self._handle.value is None:
                raise CallerError("this handler is closed", status="E_MISUSE", status_code=_abi.E_MISUSE)
            self._bridge.kept = None
            out, err = ctypes.c_void_p(), ctypes.c_void_p()
            status = self._aws.migrate_lambda_handle(
                self._handle,
                text,
                len(text),
                request_id,
                ms,
                None if arn is None else encode(str(arn), "function ARN"),
                ctypes.byref(out),
                ctypes.byref(err),
            )
            self._check(status, err)
            try:
                return self._reply(out)
            finally:
                self._aws.migrate_lambda_reply_free(out)

    def _reply(self, reply: ctypes.c_void_p) -> Any:
        length = ctypes.c_size_t()
        data = self._aws.migrate_lambda_reply_body(reply, ctypes.byref(length))
        body = json.loads(ctypes.string_at(data, length.value) or b"null")
        failed = decode_or_none(self._aws.migrate_lambda_reply_error_type(reply))
        if failed is None:
            return body
        # Kept to the length that whoever called has room for.
        said = body.get("errorMessage") if isinstance(body, dict) else None
        raise _failure(failed, said or decode(self._aws.migrate_lambda_reply_text(reply)), body)

    def stop(self) -> None:
        """Asks the running invocation to stop between statements. Any thread, any signal handler."""
        if self._handle.value is not None:
            self._aws.migrate_lambda_stop(self._handle)

    def close(self) -> None:
        """Frees it. No invocation may be under way."""
        handle, self._handle = self._handle, ctypes.c_void_p()
        self._aws.migrate_lambda_free(handle)


class _Source:
    """The function's own directory of migrations, for those that are Python."""

    def __init__(self, environment: Mapping[str, str], settings: Mapping[str, str]) -> None:
        self._root = environment.get("LAMBDA_TASK_ROOT") or "."
        self._said = settings.get("source") or environment.get("MIGRATE_SOURCE")
        allow = settings.get("event_allow") or environment.get("MIGRATE_EVENT_ALLOW") or ""
        self._events_choose = "source" in allow.replace(" ", "").split(",")

    def folder(self) -> str:
        if self._said is not None:
            absolute = self._said.startswith("/") or os.path.isdir(self._said)
            return self._said if absolute else os.path.join(self._root, self._said)
        usual = os.path.join(self._root, "migrations")
        return usual if os.path.isdir(usual) else "/opt/migrations"

    def code(self) -> List[code.CodeMigration]:
        """SourceError, or CallerError where they might be another directory's."""
        found = list(code.read_folder(self.folder()))
        if found and self._events_choose:
            raise CallerError(
                "%s is Python, which runs only where events cannot choose the source" % found[0].path,
                status="E_UNSUPPORTED",
                status_code=_abi.E_UNSUPPORTED,
                hint="take source out of MIGRATE_EVENT_ALLOW",
            )
        return found


def _add_drivers(context: int) -> None:
    """Every driver that is installed: the event or a secret says which one it is."""
    lib = library()
    loaded = set()
    for driver in SCHEMES.values():
        if driver.name in loaded:
            continue
        loaded.add(driver.name)
        err = ctypes.c_void_p()
        function = getattr(lib.c, "migrate_%s_driver" % driver.name, None)
        if function is not None:
            function.restype, function.argtypes = ctypes.c_void_p, []
            status = lib.c.migrate_ctx_add_driver(context, function(), ctypes.byref(err))
        else:
            path, search = lib.beside(driver.file)
            status = lib.c.migrate_ctx_load_driver(
                context,
                os.fsencode(path),
                driver.name.encode(),
                _abi.LOAD_SEARCH if search else 0,
                ctypes.byref(err),
            )
        if status == _abi.E_LOAD:
            lib.c.migrate_error_free(err)  # not installed: nobody may need it
        elif status:
            raise take_error(status, err)


@_abi.callback(_abi.LambdaSetupFn)
def _on_setup(user: Optional[int], context: int, err: Any) -> int:
    bridge, prepare = find(user)
    return guarded(bridge, err, prepare, context)


def make_handler(
    settings: Optional[Mapping[str, str]] = None,
    environment: Optional[Mapping[str, str]] = None,
) -> Callable[[Any, Any], Any]:
    """A handler with settings of its own: keys of the function's contract or options of the library."""
    return Lambda(environment, settings)


_guard = threading.Lock()
_one: Optional[Lambda] = None


def handler(event: Any, context: Any) -> Any:
    """The handler; configured by the environment at its first invocation."""
    global _one
    with _guard:
        if _one is None:
            # The function's log is the one place that says what it did; its level may be set otherwise.
            if logger.level == logging.NOTSET and "AWS_LAMBDA_LOG_LEVEL" not in os.environ:
                logger.setLevel(logging.INFO)
            try:
                _one = Lambda()
            except MigrateError as error:
                raise _failure(error.status, str(error), {}) from None
    return _one(event, context)


#: By their names the library knows which of the Provider framework's two handlers it is.
onEvent = isComplete = handler
