"""Types of resources: the JSON Schema of their values. A resource may name a type that is not stored."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert_new, table, upsert
from flowapp.store.tables import ResourceTypeRow

_TYPE = table(ResourceTypeRow)


def get(connection: Connection, workspace: str, name: str) -> ResourceTypeRow | None:
    """One type."""
    return first(
        connection, ResourceTypeRow, sa.select(_TYPE).where(_TYPE.c.workspace == workspace, _TYPE.c.name == name)
    )


def add(connection: Connection, row: ResourceTypeRow) -> bool:
    """Insert a type; False when there is one of that name already."""
    return insert_new(connection, row)


def put(connection: Connection, row: ResourceTypeRow) -> None:
    """Create or replace a type."""
    upsert(connection, row)


def delete(connection: Connection, workspace: str, name: str) -> bool:
    """Take a type away; whether there was one. Resources of it stay."""
    where = (_TYPE.c.workspace == workspace, _TYPE.c.name == name)
    return connection.execute(sa.delete(_TYPE).where(*where)).rowcount > 0


def listing(connection: Connection, workspace: str) -> list[ResourceTypeRow]:
    """All types by name."""
    query = sa.select(_TYPE).where(_TYPE.c.workspace == workspace).order_by(_TYPE.c.name)
    return all_of(connection, ResourceTypeRow, query)
