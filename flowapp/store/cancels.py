"""Wishes to cancel: of a run and of all that its jobs have started, in one transaction.

Whoever dies after that loses nothing: each of these runs says itself that it is to end, and is due. What a job starts while the wish is
written is either stored before, and found here, or waits for the row of the job's run and sees the wish (`wish_of`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
    seen: set[str] = set()
    # again when these have their wish: until then each may start more
    while more := [one for one in _started(connection, run_id) if one not in seen]:
        seen.update(more)
        _wish(connection, more, by, _because(reason, run_id))
        found += _rows(connection, more)
    return found


def started(connection: Connection, run_id: str) -> list[RunRow]:
    """The unfinished runs that a run has started, and those that these have, also by way of others that are over."""
    return _rows(connection, _started(connection, run_id))


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


def _started(connection: Connection, run_id: str) -> list[str]:
    """Of the unfinished runs, which are few, those whose start leads back to this one, from step to run to step."""
    query = sa.select(_RUN.c.id, _RUN.c.parent_run, _RUN.c.root_run).where(
        _RUN.c.status.in_(UNFINISHED), sa.or_(_RUN.c.parent_run.is_not(None), _RUN.c.root_run.is_not(None))
    )
    above = {row.id: _named(row) for row in connection.execute(query)}
    candidates = sorted(above)
    missing = set[str]().union(*above.values()) - above.keys()
    while missing:
        found = _above(connection, sorted(missing))
        above |= {one: found.get(one, frozenset()) for one in missing}
        missing = set[str]().union(*found.values()) - above.keys()
    return [one for one in candidates if one != run_id and _leads_to(above, one, run_id)]


def _above(connection: Connection, ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """What started each of these runs, and the run of each of these steps."""
    found: dict[str, frozenset[str]] = {}
    for part in _parts(ids):
        steps = connection.execute(sa.select(_JOB.c.id, _JOB.c.run_id).where(_JOB.c.id.in_(part)))
        found |= {row.id: frozenset((row.run_id,)) for row in steps}
        runs = connection.execute(sa.select(_RUN.c.id, _RUN.c.parent_run, _RUN.c.root_run).where(_RUN.c.id.in_(part)))
        found |= {row.id: _named(row) for row in runs}
    return found


def _named(row: sa.Row[*tuple[Any, ...]]) -> frozenset[str]:
    return frozenset(name for name in (row.parent_run, row.root_run) if name is not None)


def _leads_to(above: Mapping[str, frozenset[str]], start: str, end: str) -> bool:
    seen, todo = {start}, [start]
    while todo:
        for one in above.get(todo.pop(), frozenset()) - seen:
            if one == end:
                return True
            seen.add(one)
            todo.append(one)
    return False


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
