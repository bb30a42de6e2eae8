"""Where a workspace keeps the files of its scripts: a part of its settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy.engine import Connection

from flowapp.store import identities

DEFAULT = ""
"""The name of the storage that is meant where none is named."""
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
    storages = {name: asdict(one) for name, one in chosen.items()}
    identities.change_setting(connection, workspace_id, _KEY, {"storages": storages, "by": by} if storages else None)
