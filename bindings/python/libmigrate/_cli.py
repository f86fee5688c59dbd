# SPDX-License-Identifier: Apache-2.0
"""The command line: arguments, environment, signals, exit codes. Its contract is docs/guide/cli.md."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

from . import _abi, _print
from ._events import logger
from ._library import library
from .errors import CallerError, MigrateError, Stopped
from .migrator import Migrator
from .options import options as option_table

PLACES = ("DATABASE_URL", "SOURCE")
DRIVERS = {"sqlite": "sqlite", "postgres": "postgres", "mysql": "mysql", "rds_data": "rds-data"}


class Usage(CallerError):
    """Arguments that make no sense."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            status="E_ARGUMENT",
            status_code=_abi.E_ARGUMENT,
            hint="see `python -m libmigrate --help`",
        )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(message)


def _globals(parser: argparse.ArgumentParser) -> None:
    """They may stand before the command and after it."""
    no = argparse.SUPPRESS
    parser.add_argument("-d", "--database", metavar="URL", default=no, help="$MIGRATE_DATABASE_URL")
    parser.add_argument("-s", "--source", metavar="DIR", default=no, help="$MIGRATE_SOURCE")
    parser.add_argument("-o", metavar="KEY=VALUE", dest="option", action="append", default=no)
    parser.add_argument("--json", action="store_true", default=no, help="one JSON object on stdout")
    parser.add_argument("-q", dest="quiet", action="store_true", default=no, help="errors only")
    parser.add_argument("-v", dest="verbose", action="count", default=no, help="more; twice: all")


def _select(parser: argparse.ArgumentParser, everything: bool) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--to", metavar="VERSION")
    which.add_argument("--steps", metavar="N")
    if everything:
        which.add_argument("--all", action="store_true")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m libmigrate",
        allow_abbrev=False,
        description="Schema migrations that survive being killed.",
    )
    _globals(parser)
    parser.add_argument("--version", action="store_true", dest="show_version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        _globals(made)
        return made

    _select(command("up", "apply what is pending"), False)
    _select(command("down", "revert, one step unless told otherwise"), True)
    _select(command("redo", "revert, then apply the same again"), True)
    plan = command("plan", "what would run, in order")
    plan.add_argument("direction", nargs="?", choices=("up", "down", "redo"), default="up")
    _select(plan, True)
    plan.add_argument("--sql", action="store_true", help="print the statements")
    plan.add_argument("--script", action="store_true", help="one script with history")
    plan.add_argument("--dialect", metavar="D", help="without a database: as on an empty one")
    init = command("init", "create our own tables beforehand, or print how")
    init.add_argument("--sql", action="store_true")
    init.add_argument("--dialect", metavar="D")
    status = command("status", "every migration and its state")
    status.add_argument("--check", action="store_true", help="exit 4 unless all is applied and sound")
    command("verify", "is what is applied as its files say?")
    baseline = command("baseline", "record all up to VERSION as applied without running it")
    baseline.add_argument("version")
    resolve = command("resolve", "settle a statement in doubt")
    resolve.add_argument("version")
    how = resolve.add_mutually_exclusive_group(required=True)
    how.add_argument("--applied", action="store_true")
    how.add_argument("--not-applied", action="store_true")
    resolve.add_argument("--all", action="store_true", help="the whole migration")
    lock = command("lock", "who holds the migration lock")
    lock.add_argument("--break", action="store_true", dest="break_it")
    new = command("new", "create the next file in the source's own convention")
    new.add_argument("name")
    new.add_argument("--pair", action="store_true", help="one to apply, one to revert")
    command("hash", "one hash of the whole source")
    wait = command("wait", "until the database accepts connections and is writable")
    wait.add_argument("--timeout", metavar="60s")
    command("version", "version of package and library")
    command("help", "this text")
    return parser


# ---- environment -----------------------------------------------------------------------


def _key(name: str) -> str:
    """LOCK_WAIT: lock_wait. PLACEHOLDER__Name: placeholder.Name. POSTGRES__KEY: postgres.key."""
    head, dot, rest = name.partition("__")
    if not dot:
        return name.lower()
    return head.lower() + "." + (rest if head == "PLACEHOLDER" else rest.lower())


def _from_environment(environ: Mapping[str, str], url: Optional[str]) -> Dict[str, str]:
    rows = {row.key for row in option_table()}
    prefixes = tuple(key for key in rows if key.endswith("."))
    found: Dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith("MIGRATE_") or name[8:] in PLACES:
            continue
        key = _key(name[8:])
        head, dot, _rest = key.partition(".")
        known = key in rows or (bool(prefixes) and key.startswith(prefixes) and not key.endswith("."))
        if dot and not known and head in DRIVERS:
            if url is None or not url.lower().startswith(DRIVERS[head]):
                continue
            known = True
        if not known:
            logger.warning("environment variable %s is no option of ours; ignored", name)
        elif value or dot:
            found[key] = value
    return found


def _settings(args: argparse.Namespace, environ: Mapping[str, str], url: Optional[str]) -> Dict[str, Any]:
    found: Dict[str, Any] = dict(_from_environment(environ, url))
    for setting in getattr(args, "option", []):
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise Usage("-o %s: write KEY=VALUE" % setting)
        found[key] = value
    verbose = getattr(args, "verbose", 0)
    if getattr(args, "quiet", False):
        found["log_level"] = "error"
    elif verbose:
        found["log_level"] = "info" if verbose == 1 else "debug"
    return found


# ---- commands --------------------------------------------------------------------------


def _steps(args: argparse.Namespace) -> Dict[str, Any]:
    chosen: Dict[str, Any] = {}
    if args.to is not None:
        chosen["to"] = args.to
    if args.steps is not None:
        if not args.steps.isdigit() or int(args.steps) == 0:
            raise Usage("--steps %s is no number of migrations" % args.steps)
        chosen["steps"] = int(args.steps)
    if getattr(args, "all", False):
        chosen["all"] = True
    return chosen


def _plan(m: Migrator, args: argparse.Namespace) -> _print.Result:
    chosen = _steps(args)
    if args.direction == "up":
        chosen.pop("all", None)
    plan = m.plan(args.direction, sql=args.sql, **chosen)
    if args.script:
        script = m.script(plan)
        return _print.Result({"schema": 1, "script": script}, script.rstrip("\n"))
    return _print.Result(plan.raw, _print.plan(plan))


def _init(m: Migrator, args: argparse.Namespace) -> _print.Result:
    if args.sql:
        sql = m.init_sql()
        return _print.Result({"schema": 1, "sql": sql}, sql)
    report = m.init()
    return _print.Result(report.raw, report.text)


def _status(m: Migrator, args: argparse.Namespace) -> _print.Result:
    report = m.status()
    code = 4 if args.check and not report.current else 0
    return _print.Result(report.raw, _print.status(report), code)


def _report(fn: Callable[..., Any], **chosen: Any) -> _print.Result:
    report = fn(**chosen)
    return _print.Result(report.raw, report.text)


def _resolve(m: Migrator, args: argparse.Namespace) -> _print.Result:
    return _report(m.resolve, version=args.version, applied=args.applied, all=args.all)


def _lock(m: Migrator, args: argparse.Namespace) -> _print.Result:
    info = m.break_lock() if args.break_it else m.lock()
    return _print.Result(info.raw, info.text)


def _new(m: Migrator, args: argparse.Namespace) -> _print.Result:
    paths = m.new(args.name, pair=args.pair)
    return _print.Result(
        {"schema": 1, "text": "\n".join(paths), "migrations": [{"path": p} for p in paths]},
        "\n".join(paths),
    )


def _hash(m: Migrator, _args: argparse.Namespace) -> _print.Result:
    text = m.hash()
    return _print.Result({"schema": 1, "hash": text}, text)


def _wait(m: Migrator, args: argparse.Namespace) -> _print.Result:
    if args.timeout is not None:
        m.set(wait_timeout=args.timeout)
    m.wait()
    text = "the database accepts connections and is writable"
    return _print.Result({"schema": 1, "text": text}, text)


_COMMANDS: Dict[str, Callable[[Migrator, argparse.Namespace], _print.Result]] = {
    "up": lambda m, a: _report(m.up, **_steps(a)),
    "down": lambda m, a: _report(m.down, **_steps(a)),
    "redo": lambda m, a: _report(m.redo, **_steps(a)),
    "plan": _plan,
    "init": _init,
    "status": _status,
    "verify": lambda m, a: _report(m.verify),
    "baseline": lambda m, a: _report(m.baseline, version=a.version),
    "resolve": _resolve,
    "lock": _lock,
    "new": _new,
    "hash": _hash,
    "wait": _wait,
}


# ---- main ------------------------------------------------------------------------------


def _on_signals(migrator: Migrator) -> None:
    """The first one stops between statements, the second cancels."""
    seen: List[int] = []

    def handler(number: int, _frame: Any) -> None:
        seen.append(number)
        if len(seen) == 1:
            migrator.stop()
        else:
            migrator.cancel()

    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)


def _logging(args: argparse.Namespace) -> None:
    level = logging.WARNING
    if getattr(args, "quiet", False):
        level = logging.ERROR
    elif getattr(args, "verbose", 0):
        level = logging.INFO if args.verbose == 1 else logging.DEBUG
    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(logging.Formatter("%(message)s"))
    # What failed is told once, at the end.
    to_stderr.addFilter(lambda record: record.levelno < logging.ERROR)
    logger.handlers = [to_stderr]
    logger.propagate = False
    logger.setLevel(level)


def _run(args: argparse.Namespace, environ: Mapping[str, str]) -> _print.Result:
    url = getattr(args, "database", None)
    url = url or environ.get("MIGRATE_DATABASE_URL") or environ.get("DATABASE_URL") or None
    source = getattr(args, "source", None) or environ.get("MIGRATE_SOURCE") or "migrations"
    settings = _settings(args, environ, url)
    settings.setdefault("client", "python -m libmigrate")
    dialect = getattr(args, "dialect", None)
    if args.command == "init" and dialect is not None and not args.sql:
        raise Usage("--dialect is for --sql: without a database nothing can be created")
    with Migrator(None if dialect else url, source, dialect=dialect) as migrator:
        migrator.set(**settings)
        _on_signals(migrator)
        return _COMMANDS[args.command](migrator, args)


def _parse(argv: Sequence[str]) -> Tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = _parser()
    return parser, parser.parse_args(list(argv))


def _version(as_json: bool) -> _print.Result:
    text = library().c.migrate_version_string().decode()
    return _print.Result(
        {"schema": 1, "version": _abi.HEADER_VERSION_TEXT, "library": text},
        "libmigrate %s for Python, library %s" % (_abi.HEADER_VERSION_TEXT, text),
    )


def _dispatch(argv: Sequence[str]) -> _print.Result:
    parser, args = _parse(argv)
    if args.show_version or args.command == "version":
        return _version(getattr(args, "json", False))
    if args.command == "help":
        return _print.Result({"schema": 1, "text": parser.format_help()}, parser.format_help().rstrip())
    if args.command is None:
        raise Usage("no command is given")
    _logging(args)
    return _run(args, os.environ)


def main(argv: Sequence[str]) -> int:
    """Runs the command line; its exit code."""
    as_json = "--json" in argv
    try:
        result = _dispatch(argv)
    except MigrateError as error:
        if as_json:
            print(json.dumps(_print.failure(error), ensure_ascii=False))
        print("error: %s" % error, file=sys.stderr)
        return error.status_code // 100
    except KeyboardInterrupt:
        stopped = Stopped("interrupted", status="E_CANCELLED", status_code=_abi.E_CANCELLED)
        if as_json:
            print(json.dumps(_print.failure(stopped)))
        print("error: interrupted", file=sys.stderr)
        return 7
    except Exception as raised:
        # What a migration of Python or a callback raised.
        told = CallerError("%s: %s" % (type(raised).__name__, raised))
        if as_json:
            print(json.dumps(_print.failure(told), ensure_ascii=False))
        else:
            import traceback

            traceback.print_exc()
        print("error: %s" % told, file=sys.stderr)
        return 1
    return _give(result, as_json)


def _give(result: _print.Result, as_json: bool) -> int:
    text = json.dumps(result.document, ensure_ascii=False) if as_json else result.text
    try:
        if text:
            print(text, flush=True)
    except OSError as why:
        print("error: standard output: %s" % why, file=sys.stderr)
        return 2
    return result.code
