"""Where a workspace keeps the files of its scripts: a part of its settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import dumps
from flowapp.store import identities
from flowapp.store.rows import table
from flowapp.store.tables import WorkspaceRow

DEFAULT = ""
"""The name of the storage that is meant where none is named."""
_WORKSPACE = table(WorkspaceRow)
_KEY = "object_storage"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A place that an admin chose: the path of an S3 resource, and a mark of what it was at that moment."""

    path: str
    mark: str


def of(connection: Connection, workspace_id: str) -> tuple[dict[str, Chosen], str]:
    """What is chosen, by the name of the storage, and the member whose rights read the resources."""
    row = identities.workspace(connection, workspace_id)
    found = json.loads(row.settings or "{}").get(_KEY) if row is not None else None
    if not isinstance(found, dict):
        return {}, ""
    chosen = {name: Chosen(str(one["path"]), str(one["mark"])) for name, one in found["storages"].items()}
    return chosen, str(found.get("by") or "")


def change(connection: Connection, workspace_id: str, chosen: Mapping[str, Chosen], by: str) -> None:
    """Inside a write: keep files in these buckets from now on; none is the server's own folder. Other settings stay."""
    mine = _WORKSPACE.c.id == workspace_id
    kept = json.loads(connection.execute(sa.select(_WORKSPACE.c.settings).where(mine).with_for_update()).scalar_one())
    settings: dict[str, Any] = {name: value for name, value in kept.items() if name != _KEY}
    if chosen:
        settings[_KEY] = {"storages": {name: asdict(one) for name, one in chosen.items()}, "by": by}
    connection.execute(sa.update(_WORKSPACE).where(mine).values(settings=dumps(settings)))
