"""Changing what is stored of a flow as a whole: archiving, renaming, deleting all of its versions."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, table
from flowapp.store.tables import FlowVersionRow

_VERSION = table(FlowVersionRow)


def newest(connection: Connection, workspace: str, path: str) -> FlowVersionRow | None:
    """The newest version, archived or not."""
    query = sa.select(_VERSION).where(_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    return first(connection, FlowVersionRow, query.order_by(_VERSION.c.version.desc()))


def heads(connection: Connection, workspace: str, *, archived: bool = False) -> list[FlowVersionRow]:
    """The newest version of every flow with its document, last stored first."""
    latest = sa.select(sa.func.max(_VERSION.c.id)).where(_VERSION.c.workspace == workspace).group_by(_VERSION.c.path)
    query = sa.select(_VERSION).where(_VERSION.c.id.in_(latest), _VERSION.c.archived.is_(archived))
    return all_of(connection, FlowVersionRow, query.order_by(_VERSION.c.id.desc()))


def archive(connection: Connection, workspace: str, path: str, archived: bool) -> int:
    """Archive all versions, or bring them back; how many there are."""
    where = (_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    return connection.execute(sa.update(_VERSION).where(*where).values(archived=archived)).rowcount


def rename(connection: Connection, workspace: str, path: str, target: str) -> None:
    """Give all versions another path, at which there must be none."""
    where = (_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    connection.execute(sa.update(_VERSION).where(*where).values(path=target))


def delete(connection: Connection, workspace: str, path: str) -> int:
    """Take all versions away; how many there were. Runs keep the document that they ran."""
    where = (_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    return connection.execute(sa.delete(_VERSION).where(*where)).rowcount
