"""Versions of stored scripts."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import first, table
from flowapp.store.tables import ScriptRow

_SCRIPT = table(ScriptRow)


def latest(connection: Connection, workspace: str, path: str) -> ScriptRow | None:
    """The version that runs when somebody runs `path`; None when there is none, or it is archived or deleted."""
    query = (
        sa.select(_SCRIPT)
        .where(_SCRIPT.c.workspace == workspace, _SCRIPT.c.path == path)
        .order_by(_SCRIPT.c.id.desc())
    )
    row = first(connection, ScriptRow, query)
    return None if row is None or row.archived or row.deleted else row


def by_hash(connection: Connection, workspace: str, script_hash: str) -> ScriptRow | None:
    """One version, archived or not; None when there is none or it is deleted."""
    query = sa.select(_SCRIPT).where(
        _SCRIPT.c.workspace == workspace, _SCRIPT.c.hash == script_hash, _SCRIPT.c.deleted.is_(False)
    )
    return first(connection, ScriptRow, query)
