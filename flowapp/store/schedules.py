"""Schedules, the ticks that they have had, and what is still to be done about the runs that came of them.

A tick is taken by moving `next_at` on, in the transaction that stores its run: on any number of servers one of them does it,
and a server that is killed has either done both or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import dumps, loads
from flowapp.store.clock import now, text_of
from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.runs import FINISHED, UNFINISHED
from flowapp.store.tables import RunRow, ScheduleRow, TickRow

AT_ONCE = 100
"""How many schedules or ended runs one look takes; what is left is due at once again."""
_SCHEDULE = table(ScheduleRow)
_TICK = table(TickRow)
_RUN = table(RunRow)
_RECENT = 20


@dataclass(frozen=True, slots=True)
class EndedTick:
    """A run of a schedule that is over; `run` is None where it has been removed."""

    tick: TickRow
    run: RunRow | None


def _is(workspace: str, path: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _SCHEDULE.c.workspace == workspace, _SCHEDULE.c.path == path


def add(connection: Connection, row: ScheduleRow) -> None:
    """Insert a schedule."""
    insert(connection, row)


def get(connection: Connection, workspace: str, path: str) -> ScheduleRow | None:
    """One schedule."""
    return first(connection, ScheduleRow, sa.select(_SCHEDULE).where(*_is(workspace, path)))


def change(connection: Connection, workspace: str, path: str, values: Mapping[str, Any]) -> bool:
    """Set columns of a schedule; False when there is none."""
    done = connection.execute(sa.update(_SCHEDULE).where(*_is(workspace, path)).values(**values))
    return done.rowcount == 1


def remove(connection: Connection, workspace: str, path: str) -> bool:
    """Delete a schedule; runs that it started go on, and nothing follows from their end."""
    connection.execute(sa.delete(_TICK).where(_TICK.c.workspace == workspace, _TICK.c.schedule == path))
    return connection.execute(sa.delete(_SCHEDULE).where(*_is(workspace, path))).rowcount == 1


def listing(
    connection: Connection, workspace: str, *, runs: str | None = None, is_flow: bool | None = None, start: str = ""
) -> list[ScheduleRow]:
    """Schedules by path; `runs` is the path of what they run, `start` how their own path begins."""
    query = sa.select(_SCHEDULE).where(_SCHEDULE.c.workspace == workspace)
    if runs is not None:
        query = query.where(_SCHEDULE.c.script_path == runs)
    if is_flow is not None:
        query = query.where(_SCHEDULE.c.is_flow.is_(is_flow))
    if start:
        query = query.where(_SCHEDULE.c.path.startswith(start, autoescape=True))
    return all_of(connection, ScheduleRow, query.order_by(_SCHEDULE.c.path))


# --- ticks ----------------------------------------------------------------------------------------------------------


def due(connection: Connection, moment: datetime) -> list[ScheduleRow]:
    """Schedules whose next tick has come, the longest overdue first."""
    query = sa.select(_SCHEDULE).where(_SCHEDULE.c.next_at <= text_of(moment), _SCHEDULE.c.enabled.is_(True))
    return all_of(connection, ScheduleRow, query.order_by(_SCHEDULE.c.next_at).limit(AT_ONCE))


def next_due(connection: Connection, moment: datetime) -> str | None:
    """The earliest tick after `moment`."""
    query = sa.select(sa.func.min(_SCHEDULE.c.next_at)).where(
        _SCHEDULE.c.next_at > text_of(moment), _SCHEDULE.c.enabled.is_(True)
    )
    found = connection.execute(query).scalar()
    return None if found is None else str(found)


def claim(connection: Connection, row: ScheduleRow, following: str | None) -> bool:
    """Take the tick at `row.next_at`; False when another server has it, or the schedule was changed since it was read."""
    done = connection.execute(
        sa.update(_SCHEDULE)
        .where(
            *_is(row.workspace, row.path),
            _SCHEDULE.c.next_at == row.next_at,
            _SCHEDULE.c.edited_at == row.edited_at,
            _SCHEDULE.c.enabled.is_(True),
        )
        .values(next_at=following)
    )
    return done.rowcount == 1


def note_error(connection: Connection, row: ScheduleRow, message: str | None, *, stop: bool = False) -> None:
    """Say why a schedule's latest tick came to nothing, or that it did not; `stop`: it has no next tick."""
    options = loads(row.options)
    if options.get("error") == message and not stop:
        return
    options = {name: value for name, value in options.items() if name != "error"}
    if message is not None:
        options["error"] = message
    values: dict[str, Any] = {"options": dumps(options), **({"next_at": None} if stop else {})}
    connection.execute(
        sa.update(_SCHEDULE)
        .where(*_is(row.workspace, row.path), _SCHEDULE.c.edited_at == row.edited_at)
        .values(**values)
    )


def add_tick(connection: Connection, tick: TickRow) -> None:
    """Note that a schedule has a run, so that its end has consequences."""
    insert(connection, tick)


def unfinished(connection: Connection, workspace: str, path: str) -> RunRow | None:
    """A run of the schedule that has not ended."""
    query = sa.select(_RUN).where(_RUN.c.workspace == workspace, _RUN.c.schedule == path, _RUN.c.status.in_(UNFINISHED))
    return first(connection, RunRow, query.order_by(_RUN.c.created_at))


def end_at_once(connection: Connection, run_id: str, status: str, result: str, *, failed: bool) -> None:
    """Make a run that was stored just now, and is not to begin, one that is over."""
    at = now()
    connection.execute(
        sa.update(_RUN)
        .where(_RUN.c.id == run_id)
        .values(status=status, result=result, failed=failed, started_at=at, ended_at=at)
    )


# --- what follows from the end of a run -----------------------------------------------------------------------------


def ended_ticks(connection: Connection) -> list[EndedTick]:
    """Runs of schedules that have ended and whose consequences are still to be drawn, in the order of their ends."""
    query = (
        sa.select(_TICK.c.run_id)
        .outerjoin(_RUN, _RUN.c.id == _TICK.c.run_id)
        .where(sa.or_(_RUN.c.id.is_(None), _RUN.c.status.in_(FINISHED)))
        .order_by(_RUN.c.ended_at, _TICK.c.scheduled_for)
        .limit(AT_ONCE)
    )
    ids: Sequence[str] = list(connection.execute(query).scalars())
    if not ids:
        return []
    ticks = {row.run_id: row for row in all_of(connection, TickRow, sa.select(_TICK).where(_TICK.c.run_id.in_(ids)))}
    runs = {row.id: row for row in all_of(connection, RunRow, sa.select(_RUN).where(_RUN.c.id.in_(ids)))}
    return [EndedTick(ticks[run_id], runs.get(run_id)) for run_id in ids if run_id in ticks]


def counting(connection: Connection, tick: TickRow) -> ScheduleRow | None:
    """The schedule whose counters this transaction is to move on for a tick; None where that has been done, or it is gone.

    Until the transaction ends, no other server counts for the same schedule.
    """
    locked = change(connection, tick.workspace, tick.schedule, {"failures": _SCHEDULE.c.failures})
    query = sa.select(_TICK.c.run_id).where(_TICK.c.run_id == tick.run_id, _TICK.c.todo.is_(None))
    if not locked or connection.execute(query).first() is None:
        return None
    return get(connection, tick.workspace, tick.schedule)


def set_todo(connection: Connection, run_id: str, todo: str) -> None:
    """Note what follows from the end of a run; the tick stays until that is done."""
    connection.execute(sa.update(_TICK).where(_TICK.c.run_id == run_id).values(todo=todo))


def hold_tick(connection: Connection, run_id: str) -> bool:
    """Keep other servers from working on a tick until this transaction ends; False when it is done with."""
    held = sa.update(_TICK).where(_TICK.c.run_id == run_id).values(missed=_TICK.c.missed)
    return connection.execute(held).rowcount == 1


def close_tick(connection: Connection, run_id: str) -> None:
    """All that follows from the end of a run is done."""
    connection.execute(sa.delete(_TICK).where(_TICK.c.run_id == run_id))


def last_failure(connection: Connection, workspace: str, path: str, before: str) -> RunRow | None:
    """The run of a schedule that failed last before a moment."""
    query = sa.select(_RUN).where(
        _RUN.c.workspace == workspace,
        _RUN.c.schedule == path,
        _RUN.c.status == "failure",
        _RUN.c.ended_at <= before,
        _RUN.c.scheduled_for.is_not(None),
    )
    return first(connection, RunRow, query.order_by(_RUN.c.ended_at.desc()))


def recent_runs(connection: Connection, workspace: str, path: str) -> list[RunRow]:
    """The latest runs of a schedule that have ended, newest first."""
    query = sa.select(_RUN).where(_RUN.c.workspace == workspace, _RUN.c.schedule == path, _RUN.c.status.in_(FINISHED))
    return all_of(connection, RunRow, query.order_by(_RUN.c.created_at.desc()).limit(_RECENT))
