"""Folders `f/<name>`: who owns them, who may write and who may look."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.store.rows import all_of, first, table, upsert
from flowapp.store.tables import (
    FlowVersionRow,
    FolderRow,
    ResourceRow,
    ScheduleRow,
    ScriptRow,
    VariableRow,
)

Right = Literal["owner", "write", "read", "none"]
_FOLDER = table(FolderRow)
_HOLDING = (FlowVersionRow, ScriptRow, VariableRow, ResourceRow, ScheduleRow)


def get(connection: Connection, workspace: str, name: str) -> FolderRow | None:
    """One folder."""
    query = sa.select(_FOLDER).where(_FOLDER.c.workspace == workspace, _FOLDER.c.name == name)
    return first(connection, FolderRow, query)


def listing(connection: Connection, workspace: str) -> list[FolderRow]:
    """All folders by name."""
    query = sa.select(_FOLDER).where(_FOLDER.c.workspace == workspace).order_by(_FOLDER.c.name)
    return all_of(connection, FolderRow, query)


def put(connection: Connection, row: FolderRow) -> None:
    """Create or replace a folder."""
    upsert(connection, row)


def delete(connection: Connection, workspace: str, name: str) -> bool:
    """Take a folder's row away; whether there was one. What has a path in it stays."""
    where = (_FOLDER.c.workspace == workspace, _FOLDER.c.name == name)
    return connection.execute(sa.delete(_FOLDER).where(*where)).rowcount > 0


def usage(connection: Connection, workspace: str, name: str) -> dict[str, int]:
    """How many things of each kind have a path in the folder (deleted and archived versions too)."""
    found = {}
    for kind in _HOLDING:
        rows = table(kind)
        inside = sa.and_(rows.c.workspace == workspace, rows.c.path.startswith(f"f/{name}/", autoescape=True))
        count = connection.execute(sa.select(sa.func.count(sa.distinct(rows.c.path))).where(inside)).scalar()
        found[str(kind.__tablename__)] = int(count or 0)
    return found


def rights(connection: Connection, workspace: str, username: str, groups: frozenset[str]) -> dict[str, Right]:
    """What somebody with these groups may do in each folder that there is."""
    return {row.name: right_of(row, username, groups) for row in listing(connection, workspace)}


def right_of(row: FolderRow, username: str, groups: frozenset[str]) -> Right:
    """What somebody may do in a folder: the most that their name or one of their groups is given."""
    names = {f"u/{username}", *(f"g/{group}" for group in groups)}
    if names & set(loads(row.owners)):
        return "owner"
    given = [bool(write) for name, write in loads(row.extra_perms).items() if name in names]
    if not given:
        return "none"
    return "write" if any(given) else "read"
