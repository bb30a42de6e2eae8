"""The steps of one loop of a run, by iteration. The rows are those of `job`; only what is asked for is read of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.store.rows import table
from flowapp.store.tables import JobRow, RunRow

_JOB = table(JobRow)
_RUN = table(RunRow)
#: How the meta of a loop begins of which only one iteration ran (`engine/one_iteration`). No other text that the meta may hold
#: can be taken for it.
ONLY = '{"only":'


@dataclass(frozen=True, slots=True)
class Alone:
    """A run of one iteration by itself."""

    run_id: str
    run_number: int
    status: str


def statuses(connection: Connection, run_id: str, loop: str) -> dict[int, str]:
    """The iterations that began, by index: `failure` where a step of the iteration's own list failed, else `success`.

    `loop` is the path before the bracket: `loop`, or `loop~2` for its second attempt.
    """
    rows = connection.execute(sa.select(_JOB.c.path, _JOB.c.status).where(*_inside(run_id, f"{loop}[")))
    found: dict[int, str] = {}
    own = re.compile(re.escape(loop) + r"\[(\d+)\]\.([^.\[]+)")
    for path, status in rows:
        match = own.match(path)
        if match is None:
            continue
        index = int(match.group(1))
        failed = status in ("failure", "canceled") and match.end() == len(path)
        if failed or index not in found:
            found[index] = "failure" if failed else "success"
    return dict(sorted(found.items()))


def reused(connection: Connection, run_id: str, loop: str) -> int:
    """How many iterations took all that their scripts gave from the result store."""
    scripts = (*_inside(run_id, f"{loop}["), _JOB.c.language.is_not(None), _JOB.c.status != "skipped")
    rows = connection.execute(sa.select(_JOB.c.path, _JOB.c.status).where(*scripts))
    own = re.compile(re.escape(loop) + r"\[(\d+)\]")
    whole: dict[str, bool] = {}
    for path, status in rows:
        match = own.match(path)
        if match is not None:
            whole[match.group(1)] = whole.get(match.group(1), True) and status == "reused"
    return sum(whole.values())


def alone(connection: Connection, draft_id: str, loop: str, after: int) -> dict[int, Alone]:
    """The last run of each iteration that ran by itself in a draft, by index: those after the run of this number.

    Neither one that has not ended, nor one that there was no item for.
    """
    query = (
        sa.select(_RUN.c.id, _RUN.c.number, _JOB.c.status, _JOB.c.meta)
        .join(_JOB, _JOB.c.run_id == _RUN.c.id)
        .where(_RUN.c.draft_id == draft_id, _RUN.c.kind == "cells", _RUN.c.number > after)
        .where(_JOB.c.path == loop, _JOB.c.meta.startswith(ONLY, autoescape=True), _JOB.c.ended_at.is_not(None))
        .order_by(_RUN.c.number)
    )
    found: dict[int, Alone] = {}
    for run_id, number, status, text in connection.execute(query):
        meta = loads(text)
        if meta["only"] < meta.get("iterations", 0):
            found[meta["only"]] = Alone(run_id, number, status)
    return dict(sorted(found.items()))


def paths(connection: Connection, run_id: str, loop: str, index: int) -> dict[str, str]:
    """The last step of each id in one iteration: step id → path."""
    query = sa.select(_JOB.c.step_id, _JOB.c.path).where(*_inside(run_id, f"{loop}[{index}]."))
    return {str(step): str(path) for step, path in connection.execute(query.order_by(_JOB.c.started_at, _JOB.c.path))}


def _inside(run_id: str, prefix: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (_JOB.c.run_id == run_id, _JOB.c.path.startswith(prefix, autoescape=True))
