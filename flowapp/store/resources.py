"""Resources by path: typed JSON values (JSON text). Whatever is written is kept as a version too (`resource_versions`)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store import resource_versions
from flowapp.store.rows import all_of, first, insert_new, table, upsert
from flowapp.store.tables import ResourceRow

_RESOURCE = table(ResourceRow)


def get(connection: Connection, workspace: str, path: str) -> ResourceRow | None:
    """One resource."""
    query = sa.select(_RESOURCE).where(_RESOURCE.c.workspace == workspace, _RESOURCE.c.path == path)
    return first(connection, ResourceRow, query)


def add(connection: Connection, row: ResourceRow) -> bool:
    """Insert a resource; False when there is one at that path already."""
    added = insert_new(connection, row)
    if added:
        resource_versions.record(connection, row)
    return added


def put(connection: Connection, row: ResourceRow) -> None:
    """Create or replace a resource."""
    upsert(connection, row)
    resource_versions.record(connection, row)


def move(connection: Connection, path: str, row: ResourceRow) -> bool:
    """Write a resource that was at `path` at the row's own path, with its versions; False when there is one already."""
    if not insert_new(connection, row):
        return False
    connection.execute(sa.delete(_RESOURCE).where(_RESOURCE.c.workspace == row.workspace, _RESOURCE.c.path == path))
    resource_versions.follow(connection, row.workspace, path, row.path)
    resource_versions.record(connection, row)
    return True


def delete(connection: Connection, workspace: str, path: str) -> bool:
    """Take a resource and its versions away; whether there was one."""
    resource_versions.forget(connection, workspace, path)
    where = (_RESOURCE.c.workspace == workspace, _RESOURCE.c.path == path)
    return connection.execute(sa.delete(_RESOURCE).where(*where)).rowcount > 0


def listing(connection: Connection, workspace: str, start: str = "") -> list[ResourceRow]:
    """All resources whose path begins with `start`, by path."""
    query = sa.select(_RESOURCE).where(_RESOURCE.c.workspace == workspace)
    if start:
        query = query.where(_RESOURCE.c.path.startswith(start, autoescape=True))
    return all_of(connection, ResourceRow, query.order_by(_RESOURCE.c.path))
