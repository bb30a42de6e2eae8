"""Saved views of the list of runs."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import RunViewRow

_VIEW = table(RunViewRow)


def visible(connection: Connection, workspace: str, username: str) -> list[RunViewRow]:
    """Somebody's own views, then those that others share; by name."""
    query = sa.select(_VIEW).where(
        _VIEW.c.workspace == workspace, sa.or_(_VIEW.c.owner == username, _VIEW.c.shared.is_(True))
    )
    found = all_of(connection, RunViewRow, query)
    return sorted(found, key=lambda row: (row.owner != username, row.name.casefold(), row.id))


def of_owner(connection: Connection, workspace: str, username: str) -> list[RunViewRow]:
    """All that somebody keeps."""
    query = sa.select(_VIEW).where(_VIEW.c.workspace == workspace, _VIEW.c.owner == username)
    return all_of(connection, RunViewRow, query)


def get(connection: Connection, workspace: str, view_id: str) -> RunViewRow | None:
    """One of a workspace."""
    return first(connection, RunViewRow, sa.select(_VIEW).where(_VIEW.c.workspace == workspace, _VIEW.c.id == view_id))


def add(connection: Connection, row: RunViewRow) -> None:
    """Insert a view."""
    insert(connection, row)


def put(connection: Connection, row: RunViewRow) -> None:
    """Change a view; one that is gone stays gone."""
    connection.execute(sa.update(_VIEW).where(_VIEW.c.id == row.id).values(**row.model_dump(exclude={"id"})))


def remove(connection: Connection, view_id: str) -> None:
    """Take a view away."""
    connection.execute(sa.delete(_VIEW).where(_VIEW.c.id == view_id))


def remove_private(connection: Connection, workspace: str, username: str) -> None:
    """Somebody leaves: what they kept for themselves goes, and what they share stays."""
    connection.execute(
        sa.delete(_VIEW).where(_VIEW.c.workspace == workspace, _VIEW.c.owner == username, _VIEW.c.shared.is_(False))
    )
