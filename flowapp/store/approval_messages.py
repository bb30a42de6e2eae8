"""Messages about waits for people: what is to be sent, and who is sending it just now.

They are put in by the transaction of what they tell of, so none is missing and none tells of what did not happen. Whoever sends
one holds it for a while (`hold`); a server that dies with it leaves it to the next. A message may therefore come twice, with the
same link.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.openflow.approval_extras import Channel, ExtrasInvalid, extras_of
from flowapp.store import groups, identities, message_settings
from flowapp.store.approval_queries import ApprovalQueries
from flowapp.store.approval_shapes import terms_of
from flowapp.store.clock import now, text_of
from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import ApprovalMessageRow, RunRow, SuspensionRow

Reason = Literal["asked", "reminded", "escalated", "delegated"]
AT_ONCE = 20
HELD = timedelta(seconds=90)
"""How long a message is left alone while it is being sent."""
WAITS = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600, 3600, 3600))
"""How long to wait before each further attempt; after the last one the message is given up."""
MOST_RECIPIENTS = 200
_EVERYBODY = "all"
_MESSAGE = table(ApprovalMessageRow)
_RUN = table(RunRow)
_READ = ApprovalQueries()


def queue(connection: Connection, wait: SuspensionRow, reason: Reason, also: Sequence[str] = ()) -> None:
    """Inside the transaction of what it tells of: have everybody told whom the step or the workspace names, and `also`.

    `also` are names (`u/…`, `g/…`); what is handed on concerns nobody else. Whoever has answered, and whoever must not answer
    because they started the run, is not told.
    """
    run = first(connection, RunRow, sa.select(_RUN).where(_RUN.c.id == wait.run_id))
    if run is None:
        return
    channels, as_user = _channels(connection, wait, run)
    done = {event.email or event.approver for event in _READ.events_of(connection, wait.run_id, wait.path)}
    if terms_of(wait).get("self_approval_disabled"):
        done |= set(_addresses(connection, wait.workspace, {f"u/{run.created_by}", run.permissioned_as}))
    told: set[tuple[str, str]] = set()
    for channel in channels:
        wanted = () if not channel.to else also if reason == "delegated" else (*channel.to, *also)
        found = _addresses(connection, wait.workspace, wanted) if channel.to else [""]
        if channel.to and not found:
            _put(connection, wait, reason, channel.resource, as_user, "", "None of those named has an address.")
        for address in found[:MOST_RECIPIENTS]:
            if (not address or address not in done) and (channel.resource, address) not in told:
                told.add((channel.resource, address))
                _put(connection, wait, reason, channel.resource, as_user, address)


def due(connection: Connection, moment: datetime) -> list[ApprovalMessageRow]:
    """Messages that are to be sent now, the oldest first."""
    query = sa.select(_MESSAGE).where(_MESSAGE.c.due_at <= text_of(moment)).order_by(_MESSAGE.c.due_at)
    return all_of(connection, ApprovalMessageRow, query.limit(AT_ONCE))


def next_due(connection: Connection) -> str | None:
    """When the next message is to be sent."""
    found = connection.execute(sa.select(sa.func.min(_MESSAGE.c.due_at))).scalar()
    return None if found is None else str(found)


def hold(connection: Connection, message: ApprovalMessageRow, moment: datetime) -> bool:
    """Take a message for sending; False when somebody else has. One about a wait that is over is dropped instead."""
    wait = _READ.get(connection, message.run_id, message.path)
    mine = sa.and_(_MESSAGE.c.id == message.id, _MESSAGE.c.due_at == message.due_at)
    if wait is None or wait.status != "open":
        connection.execute(sa.update(_MESSAGE).where(mine).values(status="dropped", due_at=None, ended_at=now()))
        return False
    held = {"due_at": text_of(moment + HELD), "attempts": message.attempts + 1}
    return connection.execute(sa.update(_MESSAGE).where(mine).values(**held)).rowcount == 1


def sent(connection: Connection, message_id: str) -> None:
    """It has arrived."""
    done = {"status": "sent", "due_at": None, "ended_at": now(), "error": ""}
    connection.execute(sa.update(_MESSAGE).where(_MESSAGE.c.id == message_id).values(**done))


def refused(connection: Connection, message_id: str, error: str, moment: datetime) -> None:
    """It could not be sent: it is tried again a while later, or given up. `error` is a sentence for people."""
    row = first(connection, ApprovalMessageRow, sa.select(_MESSAGE).where(_MESSAGE.c.id == message_id))
    if row is None or row.status != "due":
        return
    values: dict[str, object] = {"error": error[:500]}
    if row.attempts <= len(WAITS):
        values["due_at"] = text_of(moment + WAITS[max(0, row.attempts - 1)])
    else:
        values |= {"status": "failed", "due_at": None, "ended_at": now()}
    connection.execute(sa.update(_MESSAGE).where(_MESSAGE.c.id == message_id).values(**values))


def _channels(connection: Connection, wait: SuspensionRow, run: RunRow) -> tuple[Sequence[Channel], str]:
    """Where messages go, and with whose rights their resources are read."""
    try:
        own = extras_of(terms_of(wait).get("extras")).messages
    except ExtrasInvalid:
        own = ()
    if own is not None:
        return own, run.permissioned_as.removeprefix("u/") or run.created_by
    settings = message_settings.of(connection, wait.workspace)
    return (settings.channels, settings.by) if settings is not None else ((), "")


def _addresses(connection: Connection, workspace: str, names: Iterable[str]) -> list[str]:
    """E-mail addresses of members and groups by name; what is an address already stays."""
    return list(dict.fromkeys(one for name in names for one in _of_name(connection, workspace, name)))


def _of_name(connection: Connection, workspace: str, name: str) -> Iterator[str]:
    kind, _, rest = name.partition("/")
    if name == f"g/{_EVERYBODY}":
        yield from (user.email for user, _ in identities.members(connection, workspace) if not user.disabled)
    elif kind in ("u", "g") and rest:
        for username in [rest] if kind == "u" else groups.everybody_in(connection, workspace, rest):
            found = identities.member_named(connection, workspace, username)
            if found is not None:
                yield found[0]
    elif "@" in name:
        yield name


def _put(
    connection: Connection,
    wait: SuspensionRow,
    reason: Reason,
    resource: str,
    as_user: str,
    recipient: str,
    error: str = "",
) -> None:
    moment = now()
    insert(
        connection,
        ApprovalMessageRow(
            id=str(uuid.uuid4()),
            run_id=wait.run_id,
            path=wait.path,
            workspace=wait.workspace,
            reason=reason,
            resource=resource,
            as_user=as_user,
            recipient=recipient,
            resume_id=secrets.randbelow(2**32),
            status="failed" if error else "due",
            due_at=None if error else moment,
            created_at=moment,
            ended_at=moment if error else None,
            error=error,
        ),
    )
