"""Code of clients' folders, kept for a day under its hash."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, insert_new, table
from flowapp.store.tables import TempScriptRow

_SCRIPT = table(TempScriptRow)


def keep(connection: Connection, row: TempScriptRow, since: str) -> None:
    """Keep a row from now on; those of its workspace that were made before `since` go."""
    connection.execute(
        sa.delete(_SCRIPT).where(
            _SCRIPT.c.workspace == row.workspace, (_SCRIPT.c.created_at < since) | (_SCRIPT.c.hash == row.hash)
        )
    )
    insert_new(connection, row)


def contents(connection: Connection, workspace: str, hashes: Collection[str]) -> dict[str, str]:
    """Code by hash, of those that are there."""
    query = sa.select(_SCRIPT).where(_SCRIPT.c.workspace == workspace, _SCRIPT.c.hash.in_(hashes))
    return {row.hash: row.content for row in all_of(connection, TempScriptRow, query)}
