# SPDX-License-Identifier: Apache-2.0
"""What the command line prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .errors import MigrateError
from .plan import Plan
from .results import Report

__all__ = ["Result", "failure", "plan", "status"]


@dataclass(frozen=True)
class Result:
    """Of a command, for machines and for people."""

    document: Mapping[str, Any]
    text: str
    code: int = 0


def _table(rows: Sequence[Sequence[str]]) -> List[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows]


def status(report: Report) -> str:
    """State and version, then a row for each migration."""
    lines = ["state    %s" % report.state, "version  %s" % (report.version or "(none)")]
    if report.pending:
        lines.append("pending  %d" % report.pending)
    rows = [("VERSION", "NAME", "STATE", "STATEMENTS", "APPLIED AT", "TIME")]
    for m in report.migrations:
        at = "" if m.applied_at is None else m.applied_at.strftime("%Y-%m-%d %H:%M:%SZ")
        count = "" if m.statements is None else str(m.statements)
        time = "" if m.applied_at is None else "%d ms" % m.elapsed_ms
        rows.append((m.version or "R:" + m.name, m.name, m.state, count, at, time))
    if len(rows) > 1:
        lines += [""] + _table(rows)
    return "\n".join(lines)


def plan(made: Plan) -> str:
    """A row for each step, then its statements if the plan has them."""
    if not made.steps:
        return "nothing to do"
    rows = [("VERSION", "NAME", "DIRECTION", "TRANSACTION", "STATEMENTS", "REMARKS")]
    for step in made.steps:
        remarks = ["destructive"] if step.destructive else []
        remarks += ["may be in doubt after a crash"] if step.may_doubt else []
        count = "" if step.statements is None else str(step.statements)
        yes = "yes" if step.transaction else "no"
        version = step.version or "R:" + step.name
        rows.append((version, step.name, step.direction, yes, count, ", ".join(remarks)))
    lines = _table(rows)
    for step in made.steps:
        if step.sql is not None:
            lines += ["", "-- %s %s" % (step.version, step.name)]
            lines += ["%s\n;" % text for text in step.sql]
    return "\n".join(lines)


def _error(error: MigrateError) -> Dict[str, Any]:
    cause = error.__cause__
    return {
        "status": error.status,
        "class": error.status_code // 100,
        "message": error.message,
        "hint": error.hint,
        "state": error.state,
        "sqlstate": error.sqlstate,
        "code": error.code or 0,
        "version": error.version or "",
        "path": error.path,
        "line": error.line or 0,
        "column": error.column or 0,
        "statement": error.statement or 0,
        "cause": _error(cause) if isinstance(cause, MigrateError) else None,
    }


def failure(error: MigrateError) -> Mapping[str, Any]:
    """The JSON of a failure: the report that came with it, or the error alone."""
    report: Optional[Report] = error.report
    if report is not None and "error" in report.raw:
        return report.raw
    return {"schema": 1, "error": _error(error)}
