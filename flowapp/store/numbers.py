"""Numbers that count up and are never given out twice, however many servers ask and whatever is deleted meanwhile."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flowapp.store.sql import Sql

_NEXT = (
    "INSERT INTO counter (name, value) VALUES (:name, coalesce(({highest}), 0) + 1) "
    "ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value"
)
_RUN = Sql(_NEXT.format(highest="SELECT max(number) FROM run WHERE workspace = :workspace"))
_VERSION = Sql(
    _NEXT.format(highest="SELECT max(version) FROM flow_version WHERE workspace = :workspace AND path = :path")
)


def next_run(connection: Connection, workspace: str) -> int:
    """Inside a write: the number of a new run. Other servers that make a run in this workspace wait for the commit."""
    return int(_RUN.run(connection, {"name": f"run:{workspace}", "workspace": workspace}).scalar_one())


def next_version(connection: Connection, workspace: str, path: str) -> int:
    """Inside a write: the number of a flow's next version."""
    values = {"name": f"flow:{workspace}:{path}", "workspace": workspace, "path": path}
    return int(_VERSION.run(connection, values).scalar_one())
