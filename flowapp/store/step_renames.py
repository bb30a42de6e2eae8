"""In which versions the steps of a flow got other names: by these a draft of an older version finds what is said of them now."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import insert, table
from flowapp.store.tables import StepRenameRow

_RENAME = table(StepRenameRow)


def add(connection: Connection, workspace: str, path: str, version: int, names: Mapping[str, str]) -> None:
    """A version has these new names of steps (old → new)."""
    for before, after in names.items():
        insert(connection, StepRenameRow(workspace=workspace, path=path, version=version, before=before, after=after))


def since(connection: Connection, workspace: str, path: str, version: int) -> list[dict[str, str]]:
    """The names (old → new) that each version after `version` brought, oldest first."""
    query = sa.select(_RENAME).where(*_of(workspace, path), _RENAME.c.version > version).order_by(_RENAME.c.version)
    found: dict[int, dict[str, str]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["version"], {})[row["before"]] = row["after"]
    return list(found.values())


def follow_flow(connection: Connection, workspace: str, path: str, target: str) -> None:
    """The flow has another path."""
    connection.execute(sa.update(_RENAME).where(*_of(workspace, path)).values(path=target))


def forget_flow(connection: Connection, workspace: str, path: str) -> None:
    """The flow is gone."""
    connection.execute(sa.delete(_RENAME).where(*_of(workspace, path)))


def _of(workspace: str, path: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (_RENAME.c.workspace == workspace, _RENAME.c.path == path)
