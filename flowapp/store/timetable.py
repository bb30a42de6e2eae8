"""What is due: suspended runs that want their next segment, and runs that were stored but never begun.

A server that begins a run takes it by a conditional update that moves `wake_at` on: of several servers one begins it, and
where that one is killed before it did, the run is due again a little later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.clock import text_of
from flowapp.store.rows import table
from flowapp.store.tables import RunRow

AT_ONCE = 200
"""How many runs one look takes; what is left is due at once again."""
_RUN = table(RunRow)


@dataclass(frozen=True, slots=True)
class Due:
    """A run that wants to go on, and when it wanted that."""

    run_id: str
    wake_at: str | None


def due_runs(connection: Connection, moment: datetime) -> list[Due]:
    """Suspended runs whose `wake_at` has come, the longest waiting first."""
    query = (
        sa.select(_RUN.c.id, _RUN.c.wake_at)
        .where(_RUN.c.wake_at <= text_of(moment), _RUN.c.status == "suspended")
        .order_by(_RUN.c.wake_at)
        .limit(AT_ONCE)
    )
    return [Due(row.id, row.wake_at) for row in connection.execute(query)]


def next_wake(connection: Connection, moment: datetime) -> str | None:
    """The earliest `wake_at` of a suspended run after `moment`."""
    query = (
        sa.select(_RUN.c.wake_at)
        .where(_RUN.c.wake_at > text_of(moment), _RUN.c.status == "suspended")
        .order_by(_RUN.c.wake_at)
        .limit(1)
    )
    found = connection.execute(query).scalar()
    return None if found is None else str(found)


def forgotten_runs(connection: Connection, moment: datetime, older_than: timedelta) -> list[Due]:
    """Runs that were stored a while ago, or canceled, and have not begun: their server may have died between the two."""
    query = (
        sa.select(_RUN.c.id, _RUN.c.wake_at)
        .where(
            _RUN.c.status == "queued",
            sa.or_(_RUN.c.created_at <= text_of(moment - older_than), _RUN.c.canceled_by.is_not(None)),
            sa.or_(_RUN.c.wake_at.is_(None), _RUN.c.wake_at <= text_of(moment)),
        )
        .order_by(_RUN.c.created_at)
        .limit(AT_ONCE)
    )
    return [Due(row.id, row.wake_at) for row in connection.execute(query)]


def take(connection: Connection, due: Due, status: str, until: datetime) -> bool:
    """Whether this server is the one that begins the run; it is not due again before `until`."""
    was = _RUN.c.wake_at.is_(None) if due.wake_at is None else _RUN.c.wake_at == due.wake_at
    done = connection.execute(
        sa.update(_RUN).where(_RUN.c.id == due.run_id, _RUN.c.status == status, was).values(wake_at=text_of(until))
    )
    return done.rowcount == 1
