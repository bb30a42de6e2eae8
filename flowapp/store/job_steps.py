"""Steps of all flows of a workspace, and the one step of single scripts: what workers ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.jobs import OneOf, Readable, one_of, rights
from flowapp.store.rows import all_of, table
from flowapp.store.tables import JobRow, RunRow

_RUN = table(RunRow)
_JOB = table(JobRow)


@dataclass(frozen=True, slots=True)
class StepFilter:
    """Which steps: those `of_flows` (runs of other kinds than `without`), and of runs of the kinds in `single` the step at that path.

    The rest narrows these; None does not.
    """

    of_flows: bool
    single: tuple[Sequence[str], str] | None
    without: Sequence[str]
    executors: OneOf | None = None
    created_by: OneOf | None = None
    finished: bool | None = None
    oldest_first: bool = False


def page(
    connection: Connection, workspace: str, readable: Readable, wanted: StepFilter, *, offset: int, limit: int
) -> list[tuple[JobRow, RunRow]]:
    """Steps with their runs, by when they began; the newest first unless `oldest_first`."""
    at = sa.func.coalesce(_JOB.c.started_at, _RUN.c.created_at)
    order = (at, _JOB.c.run_id, _JOB.c.path)
    query = (
        sa.select(_JOB)
        .join(_RUN, _RUN.c.id == _JOB.c.run_id)
        .where(_RUN.c.workspace == workspace, *rights(readable), *_conditions(wanted))
        .order_by(*(order if wanted.oldest_first else (column.desc() for column in order)))
    )
    steps = all_of(connection, JobRow, query.offset(offset).limit(limit))
    runs = all_of(connection, RunRow, sa.select(_RUN).where(_RUN.c.id.in_({step.run_id for step in steps})))
    by_id = {run.id: run for run in runs}
    return [(step, by_id[step.run_id]) for step in steps]


def workers(connection: Connection, runs: Iterable[str], path: str) -> dict[str, str]:
    """Which process ran the step at `path` of each of these runs, by their ids; left out where none has (yet)."""
    query = sa.select(_JOB.c.run_id, _JOB.c.executor).where(_JOB.c.run_id.in_(list(runs)), _JOB.c.path == path)
    return {str(row.run_id): str(row.executor) for row in connection.execute(query) if row.executor}


def _conditions(wanted: StepFilter) -> Iterable[sa.ColumnElement[bool]]:
    kinds: list[sa.ColumnElement[bool]] = []
    if wanted.of_flows:
        kinds.append(_RUN.c.kind.not_in(wanted.without))
    if wanted.single is not None:
        kinds.append(sa.and_(_RUN.c.kind.in_(wanted.single[0]), _JOB.c.path == wanted.single[1]))
    yield sa.or_(sa.false(), *kinds)
    if wanted.executors is not None:
        yield one_of(_JOB.c.executor, wanted.executors)
    if wanted.created_by is not None:
        yield one_of(_RUN.c.created_by, wanted.created_by)
    if wanted.finished is not None:
        yield _JOB.c.ended_at.is_not(None) if wanted.finished else _JOB.c.ended_at.is_(None)
