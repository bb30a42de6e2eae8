"""What lists of runs say beside a run: the numbers of runs that they name, and the approvals they wait for."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import table
from flowapp.store.tables import RunRow, SuspensionRow

_RUN = table(RunRow)
_WAIT = table(SuspensionRow)


def numbers(connection: Connection, workspace: str, run_ids: Collection[str]) -> dict[str, int]:
    """The numbers of runs of a workspace by id, as far as they are still there."""
    if not run_ids:
        return {}
    query = sa.select(_RUN.c.id, _RUN.c.number).where(_RUN.c.workspace == workspace, _RUN.c.id.in_(run_ids))
    return {row.id: row.number for row in connection.execute(query)}


def asking(connection: Connection, run_ids: Collection[str]) -> dict[str, list[str]]:
    """The places (paths of steps) after which runs wait for people just now, by run, the longest waiting first."""
    if not run_ids:
        return {}
    query = (
        sa.select(_WAIT.c.run_id, _WAIT.c.path)
        .where(_WAIT.c.run_id.in_(run_ids), _WAIT.c.status == "open")
        .order_by(_WAIT.c.created_at, _WAIT.c.path)
    )
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.run_id, []).append(row.path)
    return found
