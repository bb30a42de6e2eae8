"""What single things give people and groups, beside what their path gives.

A thing is a kind and a path (of a group: its name). Whoever deletes a thing, or moves it, takes what it gives away, or along.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, table, upsert
from flowapp.store.tables import AclRow

Given = Literal["write", "read"]
_ACL = table(AclRow)


def given(
    connection: Connection, workspace: str, username: str, groups: frozenset[str]
) -> dict[tuple[str, str], Given]:
    """What somebody with these groups is given, by kind and path: the most that their name or one of their groups is."""
    names = [f"u/{username}", *(f"g/{group}" for group in groups)]
    found: dict[tuple[str, str], Given] = {}
    rows = all_of(connection, AclRow, sa.select(_ACL).where(_ACL.c.workspace == workspace, _ACL.c.who.in_(names)))
    for row in rows:
        if row.write or (row.kind, row.path) not in found:
            found[row.kind, row.path] = "write" if row.write else "read"
    return found


def of_thing(connection: Connection, workspace: str, kind: str, path: str) -> dict[str, bool]:
    """Who is given what: true may write, false may look."""
    return of_things(connection, workspace, kind, [path]).get(path, {})


def of_things(
    connection: Connection, workspace: str, kind: str, paths: Iterable[str] | None = None
) -> dict[str, dict[str, bool]]:
    """The same by path, of those that give anything; of all of a kind where no paths are named."""
    query = sa.select(_ACL).where(_ACL.c.workspace == workspace, _ACL.c.kind == kind)
    if paths is not None:
        query = query.where(_ACL.c.path.in_(list(paths)))
    found: dict[str, dict[str, bool]] = {}
    for row in all_of(connection, AclRow, query.order_by(_ACL.c.path, _ACL.c.who)):
        found.setdefault(row.path, {})[row.who] = row.write
    return found


def of_person(connection: Connection, workspace: str, who: str) -> list[AclRow]:
    """What things give a person or group by name."""
    query = sa.select(_ACL).where(_ACL.c.workspace == workspace, _ACL.c.who == who)
    return all_of(connection, AclRow, query.order_by(_ACL.c.kind, _ACL.c.path))


def give(connection: Connection, row: AclRow) -> None:
    """Give somebody something, in place of what they were given before."""
    upsert(connection, row)


def take(connection: Connection, workspace: str, kind: str, path: str, who: str) -> bool:
    """Take it away; whether there was anything."""
    where = (*_thing(workspace, kind, path), _ACL.c.who == who)
    return connection.execute(sa.delete(_ACL).where(*where)).rowcount > 0


def forget(connection: Connection, workspace: str, kind: str, path: str) -> None:
    """A thing is deleted: what comes to its path gives nothing of what it gave."""
    connection.execute(sa.delete(_ACL).where(*_thing(workspace, kind, path)))


def follow(connection: Connection, workspace: str, kind: str, path: str, target: str) -> None:
    """A thing goes to another path, and what it gives goes along."""
    forget(connection, workspace, kind, target)
    connection.execute(sa.update(_ACL).where(*_thing(workspace, kind, path)).values(path=target))


def forget_person(connection: Connection, workspace: str, who: str) -> None:
    """A person or group is gone: whoever comes under the name is given nothing."""
    connection.execute(sa.delete(_ACL).where(_ACL.c.workspace == workspace, _ACL.c.who == who))


def _thing(workspace: str, kind: str, path: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (_ACL.c.workspace == workspace, _ACL.c.kind == kind, _ACL.c.path == path)
