"""Jobs as clients list them: runs by many filters, and the children of a place in a run.

What the asking person may read is part of the query, so that pages are full and nothing is counted that they may not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.clock import now
from flowapp.store.rows import all_of, table
from flowapp.store.runs import FINISHED, UNFINISHED
from flowapp.store.tables import JobRow, RunRow

_RUN = table(RunRow)
_JOB = table(JobRow)
#: Kinds of runs that are no flow: a script, and what only made locks.
SCRIPTS = ("script", "preview", "dependencies", "flowdependencies")
#: Columns of texts that a filter may name several values of.
LISTS = ("created_by", "path", "kind", "tag", "schedule", "script_hash", "draft_id", "status")

#: What clients are shown as the tag of a run.
_TAG = sa.case(
    (_RUN.c.tag != "", _RUN.c.tag),
    (_RUN.c.kind.in_(SCRIPTS), sa.func.coalesce(_RUN.c.language, "flow")),
    else_="flow",
)
_TRIGGER = sa.func.coalesce(_RUN.c.trigger, "")
_LATER = sa.func.coalesce(_RUN.c.scheduled_for, _RUN.c.created_at)
#: Times that clients are shown another way than they are stored: what is over has begun, and is for no time to come.
_TIMES: dict[str, sa.ColumnElement[str]] = {
    "started_at": sa.case(
        (_RUN.c.status.in_(FINISHED), sa.func.coalesce(_RUN.c.started_at, _RUN.c.created_at)), else_=_RUN.c.started_at
    ),
    "began_at": sa.func.coalesce(_RUN.c.started_at, _RUN.c.created_at),
    "scheduled_for": sa.case((_RUN.c.status.in_(UNFINISHED), _LATER)),
}


@dataclass(frozen=True, slots=True)
class Readable:
    """Which runs somebody may read. `everything`: all of the workspace.

    Otherwise their own, and those of flows and scripts under no closed prefix (`u/bob/`) unless under an open one, or of one of
    the open flows and scripts themselves.
    `paths` limits it further to these exact paths, where a token is limited; `cells`: to those of cells too.
    """

    everything: bool = False
    username: str = ""
    open_prefixes: tuple[str, ...] = ()
    closed_prefixes: tuple[str, ...] = ()
    open_flows: tuple[str, ...] = ()
    open_scripts: tuple[str, ...] = ()
    paths: tuple[str, ...] | None = None
    cells: bool = True


@dataclass(frozen=True, slots=True)
class OneOf:
    """Values of a filter; `negated` means none of them."""

    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What to list; None (or empty) does not filter. Times are stored texts.

    `lists` are by column (see `LISTS`), `before` and `after` by column of a time (`began_at`: of the start, or where there is none yet
    of the making), `prefixes` by column. A run without a tag of its own counts
    as one of `tag` "flow", or of its language where it is a script's.
    """

    lists: dict[str, OneOf] = field(default_factory=dict)
    prefixes: dict[str, OneOf] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    trigger_kinds: OneOf | None = None
    parent_job: str | None = None
    finished: bool | None = None
    running: bool | None = None
    suspended: bool | None = None
    success: bool | None = None
    skipped: bool | None = None
    has_null_parent: bool | None = None
    has_schedule: bool | None = None
    due: bool | None = None
    oldest_first: bool = False


def page(
    connection: Connection, workspace: str, readable: Readable, wanted: JobFilter, *, offset: int, limit: int
) -> list[RunRow]:
    """Runs by filter, newest first (unless `oldest_first`)."""
    order = (_RUN.c.created_at, _RUN.c.number)
    by = order if wanted.oldest_first else tuple(column.desc() for column in order)
    query = sa.select(_RUN).where(*_conditions(workspace, readable, wanted)).order_by(*by)
    return all_of(connection, RunRow, query.offset(offset).limit(limit))


def count(connection: Connection, workspace: str, readable: Readable, wanted: JobFilter) -> int:
    """How many runs a filter finds."""
    query = sa.select(sa.func.count()).select_from(_RUN).where(*_conditions(workspace, readable, wanted))
    return int(connection.execute(query).scalar() or 0)


def paths(connection: Connection, workspace: str) -> list[str]:
    """The paths that runs of a workspace have."""
    query = sa.select(_RUN.c.path).where(_RUN.c.workspace == workspace).distinct()
    return [str(row.path) for row in connection.execute(query)]


def started_by(connection: Connection, run_id: str) -> list[RunRow]:
    """The unfinished runs that a run (or a step of it) started through the API."""
    steps = sa.select(_JOB.c.id).where(_JOB.c.run_id == run_id)
    parents = sa.or_(_RUN.c.parent_run == run_id, _RUN.c.parent_run.in_(steps))
    query = sa.select(_RUN).where(parents, _RUN.c.status.in_(UNFINISHED), _RUN.c.id != run_id)
    return all_of(connection, RunRow, query.order_by(_RUN.c.number))


def level(connection: Connection, run_id: str, prefix: str = "") -> list[JobRow]:
    """The steps that stand directly under `prefix` (`loop[3].`, `call/`, or "" for the flow's own)."""
    rest = sa.func.substr(_JOB.c.path, len(prefix) + 1)
    query = (
        sa.select(_JOB)
        .where(_JOB.c.run_id == run_id, starts(_JOB.c.path, prefix))
        .where(rest.not_like("%[%"), rest.not_like("%/%"))
        .order_by(_JOB.c.started_at, _JOB.c.path)
    )
    return all_of(connection, JobRow, query)


def count_level(connection: Connection, run_id: str, prefix: str) -> int:
    """How many steps stand directly under `prefix`."""
    rest = sa.func.substr(_JOB.c.path, len(prefix) + 1)
    query = (
        sa.select(sa.func.count())
        .select_from(_JOB)
        .where(_JOB.c.run_id == run_id, starts(_JOB.c.path, prefix))
        .where(rest.not_like("%[%"), rest.not_like("%/%"))
    )
    return int(connection.execute(query).scalar() or 0)


def unfinished(connection: Connection, run_id: str) -> list[JobRow]:
    """The steps of a run that have not ended."""
    return all_of(connection, JobRow, sa.select(_JOB).where(_JOB.c.run_id == run_id, _JOB.c.ended_at.is_(None)))


class Inside(NamedTuple):
    """A step in an iteration or branch, as far as the status of the container needs it. Times are stored texts."""

    path: str
    status: str
    started_at: str | None
    ended_at: str | None


def inside(connection: Connection, run_id: str, path: str) -> list[Inside]:
    """The steps directly in the iterations or branches of a container, in the order in which they started."""
    start = f"{path}["
    rest = sa.func.substr(_JOB.c.path, len(start) + 1)
    query = (
        sa.select(_JOB.c.path, _JOB.c.status, _JOB.c.started_at, _JOB.c.ended_at)
        .where(_JOB.c.run_id == run_id, starts(_JOB.c.path, start))
        .where(rest.not_like("%[%"), rest.not_like("%/%"))
        .order_by(_JOB.c.started_at)
    )
    return [Inside(*row) for row in connection.execute(query)]


def named(connection: Connection, run_id: str, prefix: str, step_id: str) -> list[JobRow]:
    """The steps of one id under a prefix, in the order in which they started."""
    query = sa.select(_JOB).where(_JOB.c.run_id == run_id, _JOB.c.step_id == step_id, starts(_JOB.c.path, prefix))
    return all_of(connection, JobRow, query.order_by(_JOB.c.started_at, _JOB.c.path))


def containers(connection: Connection, workspace: str, limit: int) -> list[tuple[str, str, str, int, str | None]]:
    """`(run_id, path, kind, attempt, meta)` of the newest loops and branches of a workspace."""
    kinds = ("forloopflow", "whileloopflow", "branchone", "branchall")
    query = (
        sa.select(_JOB.c.run_id, _JOB.c.path, _JOB.c.kind, _JOB.c.attempt, _JOB.c.meta)
        .where(_JOB.c.workspace == workspace, _JOB.c.kind.in_(kinds))
        .order_by(_JOB.c.started_at.desc())
        .limit(limit)
    )
    return [(row.run_id, row.path, row.kind, row.attempt, row.meta) for row in connection.execute(query)]


def set_progress(connection: Connection, run_id: str, path: str, percent: int) -> bool:
    """Note how far a run (`path` "") or a step is; False when there is no such row (yet)."""
    if not path:
        change = sa.update(_RUN).where(_RUN.c.id == run_id)
    else:
        change = sa.update(_JOB).where(_JOB.c.run_id == run_id, _JOB.c.path == path)
    return connection.execute(change.values(progress=percent)).rowcount > 0


def _conditions(workspace: str, readable: Readable, wanted: JobFilter) -> Sequence[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [_RUN.c.workspace == workspace, *rights(readable)]
    for name, values in wanted.lists.items():
        found.append(one_of(_TAG if name == "tag" else _RUN.c[name], values))
    found += [_one_prefix(_RUN.c[name], prefixes) for name, prefixes in wanted.prefixes.items()]
    found += [_time(name) < moment for name, moment in wanted.before.items()]
    found += [_time(name) > moment for name, moment in wanted.after.items()]
    if wanted.trigger_kinds is not None:
        found.append(triggered_by(wanted.trigger_kinds))
    if wanted.parent_job is not None:
        found.append(_RUN.c.parent_run == wanted.parent_job)
    if wanted.success is not None:  # a question to those that are over
        found.append(_RUN.c.status.in_(("success", "skipped") if wanted.success else ("failure", "canceled")))
    choices: tuple[tuple[bool | None, sa.ColumnElement[bool]], ...] = (
        (wanted.finished, _RUN.c.status.in_(FINISHED)),
        (wanted.running, _RUN.c.status == "running"),
        # one that is for later has not begun, and waits for nobody
        (wanted.suspended, sa.and_(_RUN.c.status == "suspended", _RUN.c.started_at.is_not(None))),
        (wanted.skipped, _RUN.c.status == "skipped"),
        (wanted.has_null_parent, _RUN.c.parent_run.is_(None)),
        (wanted.has_schedule, _RUN.c.schedule.is_not(None)),
        (wanted.due, sa.or_(_RUN.c.status.in_(FINISHED), _TIMES["scheduled_for"] <= now())),
    )
    found += [condition if wish else sa.not_(condition) for wish, condition in choices if wish is not None]
    return found


def rights(readable: Readable) -> Iterable[sa.ColumnElement[bool]]:
    """What a query of runs asks for, to find no others than these."""
    if not readable.everything:
        path = _RUN.c.path.concat("/")
        allowed = sa.or_(sa.false(), *(starts(path, prefix) for prefix in readable.open_prefixes))
        closed = sa.or_(sa.false(), *(starts(path, prefix) for prefix in readable.closed_prefixes))
        open_ = sa.and_(_RUN.c.kind != "cells", _RUN.c.path != "", _RUN.c.private.is_(False))
        named = [
            sa.and_(_RUN.c.kind == kind, _RUN.c.path.in_(paths))
            for kind, paths in (("flow", readable.open_flows), ("script", readable.open_scripts))
            if paths
        ]
        team = sa.and_(open_, sa.or_(allowed, sa.not_(closed), *named))
        yield sa.or_(_RUN.c.created_by == readable.username, team)
    if readable.paths is not None:
        is_cells = _RUN.c.kind == "cells"
        limited = sa.and_(sa.not_(is_cells), _RUN.c.path.in_(readable.paths))
        yield sa.or_(limited, is_cells) if readable.cells else limited


def _one_prefix(column: sa.ColumnElement[Any], wanted: OneOf) -> sa.ColumnElement[bool]:
    found = sa.or_(sa.false(), *(starts(column, prefix) for prefix in wanted.values))
    return sa.not_(found) if wanted.negated else found


def _time(name: str) -> sa.ColumnElement[str]:
    found = _TIMES.get(name)
    return _RUN.c[name] if found is None else found


def triggered_by(kinds: OneOf) -> sa.ColumnElement[bool]:
    """Whether a run began in one of these ways, or in none of them."""
    found = sa.or_(sa.false(), *map(_triggered, kinds.values))
    return sa.not_(found) if kinds.negated else found


def _triggered(kind: str) -> sa.ColumnElement[bool]:
    """A schedule's runs are its, whatever is known of how they began."""
    if kind == "schedule":
        return sa.or_(_RUN.c.schedule.is_not(None), starts(_TRIGGER, '{"kind":"schedule"'))
    return sa.and_(_RUN.c.schedule.is_(None), starts(_TRIGGER, f'{{"kind":"{kind}"'))


def starts(column: Any, prefix: str) -> sa.ColumnElement[bool]:
    """Case counts: LIKE does not mind it on SQLite."""
    found: sa.ColumnElement[bool] = sa.func.substr(column, 1, len(prefix)) == prefix
    return found


def one_of(column: sa.ColumnElement[Any], wanted: OneOf) -> sa.ColumnElement[bool]:
    """Whether a column has one of these values, or none of them."""
    if not wanted.negated:
        return column.in_(wanted.values)
    return sa.or_(column.is_(None), column.not_in(wanted.values))
