"""What happens to a wait while nobody answers: a reminder, an escalation, votes that are handed on; each noted for the trail.

What is planned stands in the wait's own row, and whoever does it takes it away there, in the transaction that does it: on any number
of servers it happens once, and a server that is killed has done it or has not.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import dumps
from flowapp.openflow.approval_extras import ExtrasInvalid, extras_of
from flowapp.store import approval_messages
from flowapp.store.approval_queries import ApprovalQueries
from flowapp.store.approval_shapes import terms_of
from flowapp.store.clock import now, text_of
from flowapp.store.rows import all_of, insert, table
from flowapp.store.tables import ApprovalNoteRow, SuspensionRow

Kind = Literal["opened", "reminded", "escalated", "delegated", "taken_back", "told"]
_WAIT = table(SuspensionRow)
_NOTE = table(ApprovalNoteRow)
_READ = ApprovalQueries()


def plan(row: SuspensionRow) -> None:
    """Set when a new wait reminds and escalates, by its own settings: never at or after its end."""
    try:
        extras = extras_of(terms_of(row).get("extras"))
    except ExtrasInvalid:
        return  # the engine refuses such a step before it waits
    row.remind_at = _moment(row, extras.remind_after)
    row.escalate_at = _moment(row, extras.escalate_after)


def due(connection: Connection, moment: datetime) -> list[SuspensionRow]:
    """Open waits that are to remind or to escalate by now."""
    at = text_of(moment)
    planned = sa.or_(_WAIT.c.remind_at <= at, _WAIT.c.escalate_at <= at)
    return all_of(connection, SuspensionRow, sa.select(_WAIT).where(_WAIT.c.status == "open", planned).limit(100))


def next_due(connection: Connection) -> str | None:
    """When the next open wait is to remind or to escalate."""
    query = sa.select(sa.func.min(_WAIT.c.remind_at), sa.func.min(_WAIT.c.escalate_at)).where(_WAIT.c.status == "open")
    found = [str(one) for one in connection.execute(query).one() if one is not None]
    return min(found, default=None)


def nudge(connection: Connection, row: SuspensionRow, moment: datetime) -> bool:
    """Do what a wait has planned up to now; False when that has been done, or the wait is over. Its run must be locked."""
    at = text_of(moment)
    done = False
    if row.escalate_at is not None and row.escalate_at <= at and _take(connection, row, "escalate_at"):
        to = extras_of(terms_of(row).get("extras")).escalate_to
        set_terms(connection, row, escalated=True)
        note(connection, row, "escalated", whom=", ".join(to))
        approval_messages.queue(connection, row, "escalated", to)
        done = True
    if row.remind_at is not None and row.remind_at <= at and _take(connection, row, "remind_at"):
        note(connection, row, "reminded")
        approval_messages.queue(connection, row, "reminded")
        done = True
    return done


def hand_on(connection: Connection, row: SuspensionRow, giver: str, to: str) -> None:
    """Note that one member's vote is another's now; "" takes it back. Whoever calls has asked whether they may."""
    handed = {name: whom for name, whom in (terms_of(row).get("delegates") or {}).items() if name != giver}
    if to:
        handed[giver] = to
    set_terms(connection, row, delegates=handed)
    note(connection, row, "delegated" if to else "taken_back", giver, to)
    if to:
        approval_messages.queue(connection, row, "delegated", (f"u/{to}",))


def opened(connection: Connection, row: SuspensionRow, who: str) -> bool:
    """Note that somebody has seen the request, the first time that they do."""
    known = any(one.kind == "opened" and one.who == who for one in _READ.notes_of(connection, row.run_id, row.path))
    if not known:
        note(connection, row, "opened", who)
    return not known


def note(connection: Connection, row: SuspensionRow, kind: Kind, who: str = "", whom: str = "") -> None:
    """Add to the trail of a wait."""
    add(connection, row.run_id, row.path, kind, who, whom)


def add(connection: Connection, run_id: str, path: str, kind: Kind, who: str = "", whom: str = "") -> None:
    """The same where there may be no wait yet."""
    insert(connection, ApprovalNoteRow(run_id=run_id, path=path, at=now(), kind=kind, who=who[:200], whom=whom))


def set_terms(connection: Connection, row: SuspensionRow, **changed: object) -> None:
    """Change terms of a wait, in its row and in `row`."""
    row.terms = dumps({**terms_of(row), **changed})
    mine = sa.and_(_WAIT.c.run_id == row.run_id, _WAIT.c.path == row.path)
    connection.execute(sa.update(_WAIT).where(mine).values(terms=row.terms))


def _take(connection: Connection, row: SuspensionRow, name: Literal["remind_at", "escalate_at"]) -> bool:
    mine = sa.and_(_WAIT.c.run_id == row.run_id, _WAIT.c.path == row.path, _WAIT.c.status == "open")
    taken = connection.execute(sa.update(_WAIT).where(mine, _WAIT.c[name] == getattr(row, name)).values({name: None}))
    return taken.rowcount == 1


def _moment(row: SuspensionRow, seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        at = text_of(datetime.fromisoformat(row.created_at) + timedelta(seconds=seconds))
    except OverflowError:
        return None
    return at if row.timeout_at is None or at < row.timeout_at else None
