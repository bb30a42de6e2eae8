"""Values that resources have and had: each change of a value, the newest of which is the present one.

Values that programs write all the time (`UNKEPT`) are not kept. Of the others, the last `KEPT` are, with at most `KEPT_TEXT`
characters besides the present one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import ResourceRow, ResourceVersionRow

_VERSION = table(ResourceVersionRow)
UNKEPT = frozenset({"state", "cache"})
"""Types of resources whose values change all the time."""
KEPT = 50
KEPT_TEXT = 20_000_000


def record(connection: Connection, row: ResourceRow) -> None:
    """A resource has just been written, in this transaction: keep its value, if it is another one than before.

    The writer holds the resource's row, so nobody else counts its versions at the same time.
    """
    if row.resource_type in UNKEPT:
        forget(connection, row.workspace, row.path)
        return
    newest = first(connection, ResourceVersionRow, _of(row.workspace, row.path))
    if newest is not None and newest.value == row.value:
        return
    version = ResourceVersionRow(
        workspace=row.workspace,
        path=row.path,
        version=newest.version + 1 if newest else 1,
        value=row.value,
        created_by=row.edited_by,
        created_at=row.edited_at,
    )
    insert(connection, version)
    _drop(connection, _beyond(connection, row.workspace, row.path))


def listing(connection: Connection, workspace: str, path: str) -> list[ResourceVersionRow]:
    """The versions of a resource, newest first, without their values."""
    columns = [sa.literal("").label("value") if column.name == "value" else column for column in _VERSION.c]
    return all_of(connection, ResourceVersionRow, _of(workspace, path, columns))


def by_id(connection: Connection, workspace: str, version_id: int) -> ResourceVersionRow | None:
    """One version, by its id over all resources."""
    query = sa.select(_VERSION).where(_VERSION.c.workspace == workspace, _VERSION.c.id == version_id)
    return first(connection, ResourceVersionRow, query)


def clear(connection: Connection, workspace: str, path: str) -> int:
    """Take away all but the present value; how many there were."""
    ids = [row.id for row in listing(connection, workspace, path)][1:]
    _drop(connection, ids)
    return len(ids)


def forget(connection: Connection, workspace: str, path: str) -> None:
    """The resource is gone: what comes to its path has none of its values."""
    connection.execute(sa.delete(_VERSION).where(_VERSION.c.workspace == workspace, _VERSION.c.path == path))


def follow(connection: Connection, workspace: str, path: str, target: str) -> None:
    """The resource goes to another path, where there is none, and its versions go along."""
    mine = (_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    connection.execute(sa.update(_VERSION).where(*mine).values(path=target))


def _of(workspace: str, path: str, columns: Sequence[sa.ColumnElement[Any]] = ()) -> sa.Select[Any]:
    where = (_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    return sa.select(*(columns or _VERSION.c)).where(*where).order_by(_VERSION.c.id.desc())


def _beyond(connection: Connection, workspace: str, path: str) -> list[int | None]:
    """Ids of versions that are too many, or too large together; never the present one's."""
    sizes = _of(workspace, path, (_VERSION.c.id, sa.func.length(_VERSION.c.value).label("size")))
    _present, *earlier = connection.execute(sizes).all()
    total, found = 0, []
    for number, row in enumerate(earlier, 2):
        total += row.size
        if number > KEPT or total > KEPT_TEXT:
            found.append(row.id)
    return found


def _drop(connection: Connection, ids: Sequence[int | None]) -> None:
    if ids:
        connection.execute(sa.delete(_VERSION).where(_VERSION.c.id.in_(ids)))
