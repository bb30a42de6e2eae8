"""Wishes to cancel: of a run and of all that its jobs have started, in one transaction.

Whoever dies after that loses nothing: each of these runs says itself that it is to end, and is due. What a job starts while the wish is
written is either stored before, and found here, or waits for the row of the job's run and sees the wish (`wish_of`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.clock import now
from flowapp.store.rows import all_of, table
from flowapp.store.runs import UNFINISHED
from flowapp.store.tables import JobRow, RunRow

_RUN, _JOB = table(RunRow), table(JobRow)
_IDS_AT_ONCE = 500


def mark(connection: Connection, run_id: str, by: str, reason: str) -> list[RunRow]:
    """Note who canceled a run that is not over (the first one counts), for what it has started too.

    All these runs, that one first; none when it is over or gone.
    """
    _wish(connection, (run_id,), by, reason)
    found = all_of(connection, RunRow, sa.select(_RUN).where(_RUN.c.id == run_id, _RUN.c.status.in_(UNFINISHED)))
    return [*found, *mark_started(connection, run_id, by, reason)] if found else []


def mark_started(connection: Connection, run_id: str, by: str, reason: str) -> list[RunRow]:
    """The same for all that a run has started, which is over itself, or has its wish."""
    found: list[RunRow] = []
    level, seen = [run_id], {run_id}
    # each level when the one above has its wish: until then that one may start more
    while level := [one for one in _started(connection, level) if one not in seen]:
        seen.update(level)
        _wish(connection, level, by, _because(reason, run_id))
        found += _rows(connection, level)
    return found


def started(connection: Connection, run_id: str) -> list[RunRow]:
    """The unfinished runs that a run has started, and those that these have."""
    found: list[RunRow] = []
    level, seen = [run_id], {run_id}
    while level := [one for one in _started(connection, level) if one not in seen]:
        seen.update(level)
        found += _rows(connection, level)
    return found


def wish_of(connection: Connection, run_id: str) -> tuple[str, str] | None:
    """Who canceled the run of a job that starts another one, and why. Inside of the write that stores the new run, before it does."""
    query = sa.select(_RUN.c.canceled_by, _RUN.c.canceled_reason)
    ends = _RUN.c.status.in_((*UNFINISHED, "canceled"))
    # whoever writes the wish at this moment waits, and then finds the new run (SQLite has one writer anyway)
    found = connection.execute(query.where(_RUN.c.id == run_id, ends).with_for_update(read=True)).first()
    if found is None or found.canceled_by is None:
        return None
    return str(found.canceled_by), _because(str(found.canceled_reason or ""), run_id)


def give(connection: Connection, run_id: str, wish: tuple[str, str]) -> None:
    """A new run begins with the wish of the one that starts it."""
    _wish(connection, (run_id,), *wish)


def _because(reason: str, run_id: str) -> str:
    return reason if "(canceled with job " in reason else f"{reason} (canceled with job {run_id})".strip()


def _started(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Of the unfinished runs, which are few, those that any of these or one of their steps has started."""
    found: list[str] = []
    step = _RUN.outerjoin(_JOB, _JOB.c.id == _RUN.c.parent_run)
    for part in _parts(ids):
        by = sa.or_(_RUN.c.parent_run.in_(part), _RUN.c.root_run.in_(part), _JOB.c.run_id.in_(part))
        query = sa.select(_RUN.c.id).select_from(step).where(_RUN.c.status.in_(UNFINISHED), by)
        found += connection.execute(query.order_by(_RUN.c.id)).scalars()
    return sorted(set(found))


def _wish(connection: Connection, ids: Sequence[str], by: str, reason: str) -> None:
    # it is due: whoever finds it at rest, or sees it come to rest, begins the segment that ends it
    values = {
        "canceled_by": sa.func.coalesce(_RUN.c.canceled_by, by),
        "canceled_reason": sa.func.coalesce(_RUN.c.canceled_reason, reason),
        "wake_at": now(),
    }
    for part in _parts(ids):
        connection.execute(sa.update(_RUN).where(_RUN.c.id.in_(part), _RUN.c.status.in_(UNFINISHED)).values(values))


def _rows(connection: Connection, ids: Sequence[str]) -> list[RunRow]:
    found: list[RunRow] = []
    for part in _parts(ids):
        found += all_of(connection, RunRow, sa.select(_RUN).where(_RUN.c.id.in_(part), _RUN.c.status.in_(UNFINISHED)))
    return found


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[start : start + _IDS_AT_ONCE]
