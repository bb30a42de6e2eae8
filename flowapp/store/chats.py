"""Conversations with flows: the runs of one person that carry the same memory id, one for each message."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import table
from flowapp.store.runs import rows_of
from flowapp.store.tables import RunRow

_RUN = table(RunRow)


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation. `first` is the run of its first message; times are ISO 8601."""

    id: str
    first: RunRow
    messages: int
    last_at: str


def listing(connection: Connection, workspace: str, path: str, by: str, limit: int) -> list[Conversation]:
    """Somebody's conversations with the flow at `path`, the latest first, at most `limit`."""
    query = (
        sa.select(
            _RUN.c.memory_id,
            sa.func.min(_RUN.c.number).label("first"),
            sa.func.count().label("messages"),
            sa.func.max(_RUN.c.created_at).label("last_at"),
        )
        .where(*_theirs(workspace, path, by), _RUN.c.memory_id.is_not(None))
        .group_by(_RUN.c.memory_id)
        .order_by(sa.desc("last_at"), sa.desc("first"))
        .limit(limit)
    )
    found = connection.execute(query).all()
    numbers = [row.first for row in found]
    firsts = rows_of(
        RunRow, connection.execute(sa.select(_RUN).where(_RUN.c.workspace == workspace, _RUN.c.number.in_(numbers)))
    )
    by_number = {run.number: run for run in firsts}
    # a first run may have been deleted between the two reads
    return [
        Conversation(row.memory_id, by_number[row.first], row.messages, row.last_at)
        for row in found
        if row.first in by_number
    ]


def messages(connection: Connection, workspace: str, path: str, by: str, conversation: str, limit: int) -> list[RunRow]:
    """The runs of somebody's conversation, the oldest first: the latest `limit` of them."""
    query = (
        sa.select(_RUN)
        .where(*_theirs(workspace, path, by), _RUN.c.memory_id == conversation)
        .order_by(_RUN.c.number.desc())
        .limit(limit)
    )
    return rows_of(RunRow, connection.execute(query))[::-1]


def _theirs(workspace: str, path: str, by: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (_RUN.c.workspace == workspace, _RUN.c.path == path, _RUN.c.kind == "flow", _RUN.c.created_by == by)
