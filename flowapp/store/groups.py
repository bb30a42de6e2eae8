"""Groups of members of a workspace."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store import acls
from flowapp.store.rows import all_of, first, table, upsert
from flowapp.store.tables import GroupMemberRow, GroupRow

_GROUP = table(GroupRow)
_IN = table(GroupMemberRow)


def get(connection: Connection, workspace: str, name: str) -> GroupRow | None:
    """One group."""
    return first(connection, GroupRow, sa.select(_GROUP).where(_GROUP.c.workspace == workspace, _GROUP.c.name == name))


def listing(connection: Connection, workspace: str) -> list[GroupRow]:
    """All groups by name."""
    query = sa.select(_GROUP).where(_GROUP.c.workspace == workspace).order_by(_GROUP.c.name)
    return all_of(connection, GroupRow, query)


def put(connection: Connection, row: GroupRow) -> None:
    """Create a group, or change its summary."""
    upsert(connection, row)


def delete(connection: Connection, workspace: str, name: str) -> bool:
    """Take a group and its memberships away; whether there was one."""
    connection.execute(sa.delete(_IN).where(_IN.c.workspace == workspace, _IN.c.name == name))
    acls.forget(connection, workspace, "group", name)
    acls.forget_person(connection, workspace, f"g/{name}")
    where = (_GROUP.c.workspace == workspace, _GROUP.c.name == name)
    return connection.execute(sa.delete(_GROUP).where(*where)).rowcount > 0


def members(connection: Connection, workspace: str, name: str) -> list[str]:
    """Usernames in a group, sorted."""
    query = sa.select(_IN.c.username).where(_IN.c.workspace == workspace, _IN.c.name == name)
    return sorted(str(found) for found in connection.execute(query).scalars())


def of_user(connection: Connection, workspace: str, username: str) -> frozenset[str]:
    """Names of the groups that somebody is in."""
    query = sa.select(_IN.c.name).where(_IN.c.workspace == workspace, _IN.c.username == username)
    return frozenset(str(found) for found in connection.execute(query).scalars())


def add_member(connection: Connection, workspace: str, name: str, username: str) -> None:
    """Put somebody into a group; again is no fault."""
    upsert(connection, GroupMemberRow(workspace=workspace, name=name, username=username))


def remove_member(connection: Connection, workspace: str, name: str, username: str) -> bool:
    """Take somebody out of a group; whether they were in it."""
    where = (_IN.c.workspace == workspace, _IN.c.name == name, _IN.c.username == username)
    return connection.execute(sa.delete(_IN).where(*where)).rowcount > 0


def remove_everywhere(connection: Connection, workspace: str, username: str) -> None:
    """Take somebody out of all groups of a workspace."""
    connection.execute(sa.delete(_IN).where(_IN.c.workspace == workspace, _IN.c.username == username))
