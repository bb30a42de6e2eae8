"""The audit trail. Append-only: there is no function that changes or removes a row."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.clock import now
from flowapp.store.rows import all_of, insert, table
from flowapp.store.tables import AuditRow

_AUDIT = table(AuditRow)


def add(
    connection: Connection, *, workspace: str, by: str, action: str, target: str, detail: str = "", address: str = ""
) -> None:
    """Record who did what, in the same transaction as the deed. `detail` never holds values or code."""
    row = AuditRow(
        workspace=workspace, at=now(), by=by, action=action, target=target, detail=detail[:500], address=address
    )
    insert(connection, row)


def latest(connection: Connection, workspace: str, limit: int = 100) -> list[AuditRow]:
    """The newest rows first."""
    query = sa.select(_AUDIT).where(_AUDIT.c.workspace == workspace).order_by(_AUDIT.c.id.desc()).limit(limit)
    return all_of(connection, AuditRow, query)
