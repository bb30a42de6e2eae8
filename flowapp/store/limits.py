"""Concurrency keys and debouncing: who may go now, who waits, and who goes for whom.

Every question about a key is answered inside one transaction that holds the key's lock, so two servers never give the same
place away. What a dead server left behind counts for nothing: a place is held only while its run is unfinished.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.clock import text_of
from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.runs import UNFINISHED
from flowapp.store.tables import DebounceRow, RunRow, SlotRow

_SLOT, _DEBOUNCE, _RUN = table(SlotRow), table(DebounceRow), table(RunRow)
ASK_AGAIN = timedelta(seconds=30)
"""How long a job waits at most before it asks again, should nobody have told it that its turn has come."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """A job that asks for a place."""

    job_id: str
    run_id: str
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """When a debounced job goes: `delay` after the last of its key, `longest` after the first, or with the `most`-th."""

    delay: timedelta
    longest: timedelta | None = None
    most: int | None = None
    accumulate: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """Go (`due` None and `instead` None), wait until `due`, or end for the sake of the job `instead`.

    `args` is the text of the arguments with what other jobs gave added; `woken` are runs that should look again.
    """

    due: str | None = None
    instead: str | None = None
    args: JsonText | None = None
    woken: tuple[str, ...] = ()


def take(connection: Connection, key: str, most: int, waiter: Waiter, now: datetime) -> str | None:
    """Take one of the key's `most` places. None when the job has it, else the stored time at which to ask again."""
    _lock(connection, key)
    _sweep(connection, key, now)
    mine = first(connection, SlotRow, sa.select(_SLOT).where(_SLOT.c.key == key, _SLOT.c.job_id == waiter.job_id))
    if mine is not None and mine.started_at is not None and mine.until is None:
        return None
    moment = text_of(now)
    if mine is None or mine.until is not None:
        # a job that had a place, and asks again after it has given it back, is a new attempt
        connection.execute(sa.delete(_SLOT).where(_SLOT.c.key == key, _SLOT.c.job_id == waiter.job_id))
        who = {"job_id": waiter.job_id, "run_id": waiter.run_id}
        insert(connection, SlotRow(key=key, asked_at=moment, priority=waiter.priority, **who))
    if waiter.job_id in {row.job_id for row in _next(connection, key, most)}:
        mine_now = (_SLOT.c.key == key, _SLOT.c.job_id == waiter.job_id)
        connection.execute(sa.update(_SLOT).where(*mine_now).values(started_at=moment))
        return None
    soonest = connection.execute(sa.select(sa.func.min(_SLOT.c.until)).where(_SLOT.c.key == key)).scalar()
    latest = text_of(now + ASK_AGAIN)
    return latest if soonest is None else min(str(soonest), latest)


def give_back(
    connection: Connection, key: str, most: int, job_id: str, window: timedelta, now: datetime
) -> tuple[str, ...]:
    """The job has ended: its place is free when `window` has passed since.

    Returns the runs whose turn has come; with a window, those that now can know when it will come.
    """
    _lock(connection, key)
    where = (_SLOT.c.key == key, _SLOT.c.job_id == job_id)
    if window > timedelta(0):
        connection.execute(sa.update(_SLOT).where(*where).values(until=text_of(now + window)))
    else:
        connection.execute(sa.delete(_SLOT).where(*where))
    _sweep(connection, key, now)
    rows = _waiting(connection, key, most) if window > timedelta(0) else _next(connection, key, most)
    return tuple(dict.fromkeys(row.run_id for row in rows))


def give_back_all(connection: Connection, run_id: str) -> None:
    """A run is over: it waits for nothing and its jobs count no more (those that ended by themselves count out their window)."""
    connection.execute(sa.delete(_SLOT).where(_SLOT.c.run_id == run_id, _SLOT.c.until.is_(None)))


def give_up(connection: Connection, run_id: str, jobs: list[str]) -> None:
    """Some jobs of a run have been stopped while they waited: they want no place any more."""
    for start in range(0, len(jobs), 500):
        these = _SLOT.c.job_id.in_(jobs[start : start + 500])
        connection.execute(sa.delete(_SLOT).where(_SLOT.c.run_id == run_id, _SLOT.c.until.is_(None), these))


def debounce(
    connection: Connection, key: str, waiter: Waiter, rule: Rule, args: JsonText | None, now: datetime
) -> Turn:
    """Ask whether a job goes. Asking again, also after a crash, gives the answer that counts by then."""
    _lock(connection, key)
    mine = (_DEBOUNCE.c.key == key, _DEBOUNCE.c.job_id == waiter.job_id)
    row = first(connection, DebounceRow, sa.select(_DEBOUNCE).where(*mine))
    if row is None:
        return _arrive(connection, key, waiter, rule, args, now)
    if row.instead is not None:
        return Turn(instead=row.instead)
    if not row.gone and row.due > text_of(now):
        return Turn(due=row.due)
    connection.execute(sa.update(_DEBOUNCE).where(*mine).values(gone=True))
    return Turn(args=JsonText(row.args) if row.args else None)


def forget(connection: Connection, run_ids: list[str]) -> None:
    """Remove what is noted of runs that are deleted."""
    connection.execute(sa.delete(_DEBOUNCE).where(_DEBOUNCE.c.run_id.in_(run_ids)))
    connection.execute(sa.delete(_SLOT).where(_SLOT.c.run_id.in_(run_ids)))


def _arrive(connection: Connection, key: str, waiter: Waiter, rule: Rule, args: JsonText | None, now: datetime) -> Turn:
    """A job comes new: it goes for the one that waits, if one does, and waits itself."""
    query = (
        sa.select(_DEBOUNCE)
        .join(_RUN, _RUN.c.id == _DEBOUNCE.c.run_id)
        .where(_DEBOUNCE.c.key == key, _DEBOUNCE.c.instead.is_(None), _DEBOUNCE.c.gone.is_(False))
        .where(_RUN.c.status.in_(UNFINISHED))
    )
    before = first(connection, DebounceRow, query)
    first_at, count = text_of(now), 1
    woken: tuple[str, ...] = ()
    if before is not None:
        first_at, count, woken = before.first_at, before.count + 1, (before.run_id,)
        args = _added(rule.accumulate, before.args, args)
        where = (_DEBOUNCE.c.key == key, _DEBOUNCE.c.job_id == before.job_id)
        connection.execute(sa.update(_DEBOUNCE).where(*where).values(instead=waiter.job_id, args=None))
    due = now + rule.delay
    if rule.longest is not None:
        due = min(due, datetime.fromisoformat(first_at) + rule.longest)
    at_once = due <= now or (rule.most is not None and count >= rule.most)
    insert(
        connection,
        DebounceRow(
            key=key,
            job_id=waiter.job_id,
            run_id=waiter.run_id,
            first_at=first_at,
            due=text_of(now if at_once else due),
            count=count,
            args=args if rule.accumulate else None,
            gone=at_once,
        ),
    )
    if at_once:
        return Turn(args=args if rule.accumulate and before is not None else None, woken=woken)
    return Turn(due=text_of(due), woken=woken)


def _added(names: tuple[str, ...], before: str | None, args: JsonText | None) -> JsonText | None:
    """The arguments with the earlier job's arrays of these names put in front of its own."""
    if not names or args is None:
        return args
    value, earlier = loads(args), loads(JsonText(before)) if before else {}
    if not isinstance(value, dict) or not isinstance(earlier, Mapping):
        return args
    for name in names:
        old, new = earlier.get(name), value.get(name)
        if isinstance(old, list) and (new is None or isinstance(new, list)):
            value[name] = [*old, *(new or [])]
    return dumps(value)


def _next(connection: Connection, key: str, most: int) -> list[SlotRow]:
    """The waiting jobs for which there is a place now: by priority, then in the order in which they asked."""
    taken = sa.select(sa.func.count()).select_from(_SLOT).where(_SLOT.c.key == key, _SLOT.c.started_at.is_not(None))
    free = most - int(connection.execute(taken).scalar_one())
    return _waiting(connection, key, free) if free > 0 else []


def _waiting(connection: Connection, key: str, count: int) -> list[SlotRow]:
    """The first of the waiting jobs: by priority, then in the order in which they asked."""
    query = (
        sa.select(_SLOT)
        .where(_SLOT.c.key == key, _SLOT.c.started_at.is_(None))
        .order_by(_SLOT.c.priority.desc(), _SLOT.c.asked_at, _SLOT.c.job_id)
        .limit(count)
    )
    return all_of(connection, SlotRow, query)


def _sweep(connection: Connection, key: str, now: datetime) -> None:
    """Drop what no longer counts: windows that have passed, jobs whose run is over or gone."""
    lives = sa.select(_RUN.c.id).where(_RUN.c.id == _SLOT.c.run_id, _RUN.c.status.in_(UNFINISHED)).exists()
    over = sa.or_(_SLOT.c.until <= text_of(now), sa.and_(_SLOT.c.until.is_(None), ~lives))
    connection.execute(sa.delete(_SLOT).where(_SLOT.c.key == key, over))


def _lock(connection: Connection, key: str) -> None:
    """SQLite has one writer; PostgreSQL needs to be told that questions about this key wait for each other."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 11))"), {"key": key})
