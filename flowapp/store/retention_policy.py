"""How many days a workspace keeps its runs: a part of its settings."""

from __future__ import annotations

import json

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store import identities
from flowapp.store.rows import table
from flowapp.store.tables import WorkspaceRow

DEFAULT_DAYS = 30
MOST_DAYS = 36_500
_WORKSPACE = table(WorkspaceRow)
_KEY = "retention_days"


def own_days(settings: str) -> int | None:
    """The days that a workspace's settings (JSON text) name; 0 keeps runs for ever, None leaves it to `DEFAULT_DAYS`."""
    found = json.loads(settings or "{}").get(_KEY)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= MOST_DAYS else None


def days_of(settings: str) -> int:
    """The days that count for a workspace with these settings."""
    own = own_days(settings)
    return DEFAULT_DAYS if own is None else own


def of_all(connection: Connection) -> list[tuple[str, int]]:
    """Each workspace with the days that count for it."""
    query = sa.select(_WORKSPACE.c.id, _WORKSPACE.c.settings)
    return [(row.id, days_of(row.settings)) for row in connection.execute(query)]


def change(connection: Connection, workspace_id: str, days: int | None) -> None:
    """Inside a write: keep the workspace's runs for so many days (None: as many as by default). Other settings stay."""
    identities.change_setting(connection, workspace_id, _KEY, days)
