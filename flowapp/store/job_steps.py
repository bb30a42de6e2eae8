"""Steps of all flows of a workspace, and the one step of single scripts: what workers ran.

A step is filtered as clients read it (`workspace.job_views`): it has its own times, state and language, the rest is its run's. The one
step of a single script is read as that run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store import jobs
from flowapp.store.clock import now
from flowapp.store.jobs import SCRIPTS, JobFilter, OneOf, Readable, one_of, rights
from flowapp.store.rows import all_of, table
from flowapp.store.runs import FINISHED, UNFINISHED
from flowapp.store.tables import JobRow, RunRow

_RUN = table(RunRow)
_JOB = table(JobRow)
_IS_SINGLE = _RUN.c.kind.in_(SCRIPTS)
_OF_STEP = sa.case(
    (_JOB.c.ended_at.is_(None), "running"),
    (_JOB.c.status.in_(("canceled", "skipped")), _JOB.c.status),
    (_JOB.c.status.in_(("success", "reused")), "success"),
    else_="failure",
)
_OF_SINGLE = sa.case(
    (sa.and_(_RUN.c.status == "canceled", _RUN.c.canceled_by.is_(None)), "failure"),
    # one that is for later has not begun, and waits for nobody
    (sa.and_(_RUN.c.status == "suspended", _RUN.c.started_at.is_(None)), "queued"),
    else_=_RUN.c.status,
)
_CALLS = sa.and_(sa.not_(_IS_SINGLE), _JOB.c.kind.in_(("script", "flow")))
_INSIDE = _RUN.c.path.concat("/")
_STATE = sa.case((_IS_SINGLE, _OF_SINGLE), else_=_OF_STEP)
_STARTED = sa.case((_IS_SINGLE, _RUN.c.started_at), else_=_JOB.c.started_at)
_LATER = sa.case((_IS_SINGLE, sa.func.coalesce(_RUN.c.scheduled_for, _RUN.c.created_at)), else_=_RUN.c.created_at)
#: What the filters of a `JobFilter` look at, by its names.
_COLUMNS: dict[str, sa.ColumnElement[str]] = {
    "created_by": _RUN.c.created_by,
    "schedule": _RUN.c.schedule,
    "script_hash": sa.case((_IS_SINGLE, _RUN.c.script_hash)),
    "tag": sa.case(
        (sa.and_(sa.not_(_IS_SINGLE), _JOB.c.tag != ""), _JOB.c.tag),
        (_RUN.c.tag != "", _RUN.c.tag),
        (_IS_SINGLE, sa.func.coalesce(_RUN.c.language, "flow")),
        (_JOB.c.kind == "flow", "flow"),
        else_=sa.func.coalesce(_JOB.c.language, "flow"),
    ),
    "status": _STATE,
}
_TIMES: dict[str, sa.ColumnElement[str]] = {
    "created_at": sa.case(
        (_IS_SINGLE, _RUN.c.created_at), else_=sa.func.coalesce(_JOB.c.started_at, _RUN.c.created_at)
    ),
    "started_at": sa.case((_STATE.in_(FINISHED), sa.func.coalesce(_STARTED, _RUN.c.created_at)), else_=_STARTED),
    "began_at": sa.func.coalesce(_STARTED, _RUN.c.created_at),
    "ended_at": sa.case((_IS_SINGLE, _RUN.c.ended_at), else_=_JOB.c.ended_at),
    "scheduled_for": sa.case((_STATE.in_(UNFINISHED), _LATER)),
}


@dataclass(frozen=True, slots=True)
class StepFilter:
    """Which steps: those `of_flows` (runs of other kinds than `without`), and of runs of the kinds in `single` the step at that path.

    The rest narrows these; None does not. `kinds` are those of the steps of flows. Of `wanted` all counts but kinds and the parent; by
    paths some are found that are elsewhere: where a step is that calls something, its document says.
    """

    of_flows: bool
    single: tuple[Sequence[str], str] | None
    without: Sequence[str]
    wanted: JobFilter
    kinds: OneOf | None = None
    executors: OneOf | None = None


def page(
    connection: Connection, workspace: str, readable: Readable, wanted: StepFilter, *, offset: int, limit: int
) -> list[tuple[JobRow, RunRow]]:
    """Steps with their runs, by when they began; the newest first unless `oldest_first`."""
    at = sa.func.coalesce(_JOB.c.started_at, _RUN.c.created_at)
    order = (at, _JOB.c.run_id, _JOB.c.path)
    query = (
        sa.select(_JOB)
        .join(_RUN, _RUN.c.id == _JOB.c.run_id)
        .where(_RUN.c.workspace == workspace, *rights(readable), *_among(wanted), *_conditions(wanted.wanted))
        .order_by(*(order if wanted.wanted.oldest_first else (column.desc() for column in order)))
    )
    steps = all_of(connection, JobRow, query.offset(offset).limit(limit))
    runs = all_of(connection, RunRow, sa.select(_RUN).where(_RUN.c.id.in_({step.run_id for step in steps})))
    by_id = {run.id: run for run in runs}
    return [(step, by_id[step.run_id]) for step in steps]


def workers(connection: Connection, runs: Iterable[str], path: str) -> dict[str, str]:
    """Which process ran the step at `path` of each of these runs, by their ids; left out where none has (yet)."""
    query = sa.select(_JOB.c.run_id, _JOB.c.executor).where(_JOB.c.run_id.in_(list(runs)), _JOB.c.path == path)
    return {str(row.run_id): str(row.executor) for row in connection.execute(query) if row.executor}


def _among(wanted: StepFilter) -> Iterable[sa.ColumnElement[bool]]:
    kinds: list[sa.ColumnElement[bool]] = []
    if wanted.of_flows:
        of_flows = _RUN.c.kind.not_in(wanted.without)
        kinds.append(of_flows if wanted.kinds is None else sa.and_(of_flows, one_of(_JOB.c.kind, wanted.kinds)))
    if wanted.single is not None:
        kinds.append(sa.and_(_RUN.c.kind.in_(wanted.single[0]), _JOB.c.path == wanted.single[1]))
    yield sa.or_(sa.false(), *kinds)
    if wanted.executors is not None:
        yield one_of(_JOB.c.executor, wanted.executors)


def _perhaps_at(wanted: JobFilter) -> Iterable[sa.ColumnElement[bool]]:
    exact, start = wanted.lists.get("path"), wanted.prefixes.get("path")
    if exact is not None and not exact.negated:
        yield sa.or_(_CALLS, sa.and_(_IS_SINGLE, _RUN.c.path.in_(exact.values)), *map(_is_in, exact.values))
    if start is not None and not start.negated:
        begins = (jobs.starts(sa.case((_IS_SINGLE, _RUN.c.path), else_=_INSIDE), prefix) for prefix in start.values)
        yield sa.or_(_CALLS, *begins, *map(_is_in, start.values))


def _is_in(path: str) -> sa.ColumnElement[bool]:
    """Whether a path, or the beginning of one, is of something in the step's flow."""
    return sa.and_(sa.not_(_IS_SINGLE), sa.func.substr(path, 1, sa.func.length(_INSIDE)) == _INSIDE)


def _conditions(wanted: JobFilter) -> Iterable[sa.ColumnElement[bool]]:
    yield from _perhaps_at(wanted)
    yield from (one_of(_COLUMNS[name], values) for name, values in wanted.lists.items() if name in _COLUMNS)
    yield from (_TIMES[name] < moment for name, moment in wanted.before.items())
    yield from (_TIMES[name] > moment for name, moment in wanted.after.items())
    if wanted.trigger_kinds is not None:
        yield jobs.triggered_by(wanted.trigger_kinds)
    if wanted.success is not None:  # a question to those that are over
        yield _STATE.in_(("success", "skipped") if wanted.success else ("failure", "canceled"))
    choices: tuple[tuple[bool | None, sa.ColumnElement[bool]], ...] = (
        (wanted.finished, _STATE.in_(FINISHED)),
        (wanted.running, _STATE == "running"),
        (wanted.suspended, _STATE == "suspended"),
        (wanted.skipped, _STATE == "skipped"),
        (wanted.has_null_parent, sa.and_(_IS_SINGLE, _RUN.c.parent_run.is_(None))),
        (wanted.has_schedule, _RUN.c.schedule.is_not(None)),
        (wanted.due, sa.or_(_STATE.in_(FINISHED), _TIMES["scheduled_for"] <= now())),
    )
    yield from (condition if wish else sa.not_(condition) for wish, condition in choices if wish is not None)
