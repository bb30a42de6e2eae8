"""Groups of members of a workspace.

Somebody is in one because it names them, or because it is linked to an instance group that has their email. What is asked for
rights (`of_user`, `everybody_in`) knows both. The link passes over an account whose email nobody has confirmed (`claimed`): it
is in a group only where that names it.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store import acls
from flowapp.store.rows import all_of, first, table, upsert
from flowapp.store.tables import GroupMemberRow, GroupRow, InstanceGroupMemberRow, MemberRow, UserRow

_GROUP = table(GroupRow)
_IN = table(GroupMemberRow)
_LISTED = table(InstanceGroupMemberRow)
_USER = table(UserRow)
_MEMBER = table(MemberRow)


def get(connection: Connection, workspace: str, name: str) -> GroupRow | None:
    """One group."""
    return first(connection, GroupRow, sa.select(_GROUP).where(_GROUP.c.workspace == workspace, _GROUP.c.name == name))


def listing(connection: Connection, workspace: str) -> list[GroupRow]:
    """All groups by name."""
    query = sa.select(_GROUP).where(_GROUP.c.workspace == workspace).order_by(_GROUP.c.name)
    return all_of(connection, GroupRow, query)


def put(connection: Connection, row: GroupRow) -> None:
    """Create a group; a row of that name is replaced."""
    upsert(connection, row)


def change(connection: Connection, workspace: str, name: str, **values: str) -> None:
    """Change the summary or the link of a group; the rest stays."""
    where = (_GROUP.c.workspace == workspace, _GROUP.c.name == name)
    connection.execute(sa.update(_GROUP).where(*where).values(**values))


def unlink(connection: Connection, instance_group: str) -> list[tuple[str, str]]:
    """Take away every link to an instance group; workspace and name of the groups that had one."""
    linked = _GROUP.c.instance_group == instance_group
    found = [(str(row.workspace), str(row.name)) for row in connection.execute(sa.select(_GROUP).where(linked))]
    connection.execute(sa.update(_GROUP).where(linked).values(instance_group=""))
    return sorted(found)


def delete(connection: Connection, workspace: str, name: str) -> bool:
    """Take a group and its memberships away; whether there was one."""
    connection.execute(sa.delete(_IN).where(_IN.c.workspace == workspace, _IN.c.name == name))
    acls.forget(connection, workspace, "group", name)
    acls.forget_person(connection, workspace, f"g/{name}")
    where = (_GROUP.c.workspace == workspace, _GROUP.c.name == name)
    return connection.execute(sa.delete(_GROUP).where(*where)).rowcount > 0


def members(connection: Connection, workspace: str, name: str) -> list[str]:
    """Usernames that a group itself names, sorted."""
    query = sa.select(_IN.c.username).where(_IN.c.workspace == workspace, _IN.c.name == name)
    return sorted(str(found) for found in connection.execute(query).scalars())


def members_by_link(connection: Connection, workspace: str, name: str) -> list[str]:
    """Usernames of the members of the workspace whom the linked instance group has, sorted."""
    query = (
        sa.select(_USER.c.username)
        .select_from(_linked())
        .join(_MEMBER, sa.and_(_MEMBER.c.email == _USER.c.email, _MEMBER.c.workspace == _GROUP.c.workspace))
        .where(_GROUP.c.workspace == workspace, _GROUP.c.name == name)
    )
    return sorted(str(found) for found in connection.execute(query).scalars())


def everybody_in(connection: Connection, workspace: str, name: str) -> list[str]:
    """Usernames of all who count as members of a group, sorted."""
    return sorted({*members(connection, workspace, name), *members_by_link(connection, workspace, name)})


def of_user(connection: Connection, workspace: str, username: str) -> frozenset[str]:
    """Names of the groups that a member of the workspace is in."""
    named = sa.select(_IN.c.name).where(_IN.c.workspace == workspace, _IN.c.username == username)
    by_link = (
        sa.select(_GROUP.c.name)
        .select_from(_linked())
        .where(_GROUP.c.workspace == workspace, _USER.c.username == username)
    )
    return frozenset(str(found) for found in connection.execute(sa.union(named, by_link)).scalars())


def _linked() -> sa.Join:
    """Groups with the people of the instance group that each is linked to. No instance group has the name ""."""
    listed = _GROUP.join(_LISTED, _LISTED.c.name == _GROUP.c.instance_group)
    return listed.join(_USER, sa.and_(_USER.c.email == _LISTED.c.email, _USER.c.claimed.is_(False)))


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
