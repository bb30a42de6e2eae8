"""Groups of people of the whole installation, by email. What they give in a workspace is in `groups`."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert_new, table, upsert
from flowapp.store.tables import GroupRow, InstanceGroupMemberRow, InstanceGroupRow, UserRow, WorkspaceRow

_GROUP = table(InstanceGroupRow)
_IN = table(InstanceGroupMemberRow)
_OF_WORKSPACE = table(GroupRow)
_WORKSPACE = table(WorkspaceRow)
_USER = table(UserRow)
_AT_ONCE = 500  #: emails that one query names


def lock(connection: Connection) -> None:
    """Make other transactions that change or link instance groups wait for the end of this one.

    Otherwise a group might be linked, or get somebody, while it is deleted: the next one of its name would have both.
    SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('instance groups', 13))"))


def get(connection: Connection, name: str) -> InstanceGroupRow | None:
    """One group."""
    return first(connection, InstanceGroupRow, sa.select(_GROUP).where(_GROUP.c.name == name))


def listing(connection: Connection) -> list[InstanceGroupRow]:
    """All groups by name."""
    return all_of(connection, InstanceGroupRow, sa.select(_GROUP).order_by(_GROUP.c.name))


def put(connection: Connection, row: InstanceGroupRow) -> None:
    """Create a group, or change what is said of it; who is in it stays."""
    upsert(connection, row)


def delete(connection: Connection, name: str) -> None:
    """Take a group away, and who is in it. Links to it are `groups.unlink`'s."""
    connection.execute(sa.delete(_IN).where(_IN.c.name == name))
    connection.execute(sa.delete(_GROUP).where(_GROUP.c.name == name))


def emails(connection: Connection, name: str) -> list[str]:
    """Who is in a group, sorted."""
    query = sa.select(_IN.c.email).where(_IN.c.name == name)
    return sorted(str(found) for found in connection.execute(query).scalars())


def all_emails(connection: Connection) -> dict[str, list[str]]:
    """Who is in which group, sorted; a group without anybody is missing."""
    found: dict[str, list[str]] = {}
    for row in connection.execute(sa.select(_IN.c.name, _IN.c.email)):
        found.setdefault(str(row.name), []).append(str(row.email))
    return {name: sorted(people) for name, people in found.items()}


def size(connection: Connection) -> int:
    """How many people are in all groups together; who is in two counts twice."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(_IN)).scalar_one())


def spellings(connection: Connection, emails: Iterable[str]) -> dict[str, str]:
    """Each email with its spelling in the one account that `identities.users_by_email` finds; itself where that is none, or several.

    Who is in a group counts letter by letter, so that an account that looks like another one gets nothing of it.
    """
    wanted = list(dict.fromkeys(emails))
    small = sorted({email.lower() for email in wanted})
    kept: dict[str, list[str]] = {}
    for start in range(0, len(small), _AT_ONCE):
        query = sa.select(_USER.c.email).where(sa.func.lower(_USER.c.email).in_(small[start : start + _AT_ONCE]))
        for email in connection.execute(query).scalars():
            kept.setdefault(str(email).lower(), []).append(str(email))
    found = {email: kept.get(email.lower(), []) for email in wanted}
    return {email: ones[0] if len(ones) == 1 else email for email, ones in found.items()}


def add(connection: Connection, name: str, email: str) -> bool:
    """Put somebody into a group; whether they were not in it."""
    return insert_new(connection, InstanceGroupMemberRow(name=name, email=email))


def add_all(connection: Connection, name: str, people: Iterable[str]) -> None:
    """Put several into a group that none of them is in."""
    rows = [{"name": name, "email": email} for email in people]
    if rows:
        connection.execute(sa.insert(_IN), rows)


def remove(connection: Connection, name: str, email: str) -> bool:
    """Take somebody out of a group; whether they were in it."""
    return connection.execute(sa.delete(_IN).where(_IN.c.name == name, _IN.c.email == email)).rowcount > 0


def links(connection: Connection) -> dict[str, list[tuple[str, str, str]]]:
    """Id and name of a workspace and its group that is linked, by instance group; one that nobody linked is missing."""
    query = (
        sa.select(_OF_WORKSPACE.c.instance_group, _WORKSPACE.c.id, _WORKSPACE.c.name, _OF_WORKSPACE.c.name)
        .join(_WORKSPACE, _WORKSPACE.c.id == _OF_WORKSPACE.c.workspace)
        .where(_OF_WORKSPACE.c.instance_group != "")
        .order_by(_WORKSPACE.c.id, _OF_WORKSPACE.c.name)
    )
    found: dict[str, list[tuple[str, str, str]]] = {}
    for instance_group, workspace, title, group in connection.execute(query):
        found.setdefault(str(instance_group), []).append((str(workspace), str(title), str(group)))
    return found
