"""Stored scripts: versions by hash, the newest of a path is its head.

A version never changes but for `archived` and `deleted`. A deleted version keeps its row, without its code, so that runs
that name its hash still find out what it was.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import ScriptRow

_SCRIPT = table(ScriptRow)
_LARGE = ("content", "lock", "schema_text", "bundle")


def new_hash(row: ScriptRow) -> str:
    """An id for a new version: 16 hex digits. It is no digest of the code: the same code may be stored again."""
    parts = (row.workspace, row.path, row.content, row.parent_hash or "", os.urandom(16).hex())
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def latest(connection: Connection, workspace: str, path: str) -> ScriptRow | None:
    """The version that runs when somebody runs `path`; None when there is none or it is archived."""
    row = head(connection, workspace, path)
    return None if row is None or row.archived else row


def head(connection: Connection, workspace: str, path: str) -> ScriptRow | None:
    """The newest version at `path` that is not deleted, archived or not."""
    return first(connection, ScriptRow, _at(workspace, path).order_by(_SCRIPT.c.id.desc()))


def by_hash(connection: Connection, workspace: str, script_hash: str) -> ScriptRow | None:
    """One version, archived or not; None when it is deleted."""
    query = sa.select(_SCRIPT).where(
        _SCRIPT.c.workspace == workspace, _SCRIPT.c.hash == script_hash, _SCRIPT.c.deleted.is_(False)
    )
    return first(connection, ScriptRow, query)


def versions(connection: Connection, workspace: str, path: str) -> list[ScriptRow]:
    """All versions at `path`, newest first, without code, lock and schema."""
    query = _light().where(_SCRIPT.c.workspace == workspace, _SCRIPT.c.path == path, _SCRIPT.c.deleted.is_(False))
    return all_of(connection, ScriptRow, query.order_by(_SCRIPT.c.id.desc()))


def ancestors(connection: Connection, row: ScriptRow, limit: int = 100) -> list[str]:
    """Hashes of the versions that this one comes from, newest first; a version may have moved here from another path."""
    found: list[str] = []
    parent = row.parent_hash
    while parent is not None and parent not in found and len(found) < limit:
        found.append(parent)
        query = sa.select(_SCRIPT.c.parent_hash).where(_SCRIPT.c.workspace == row.workspace, _SCRIPT.c.hash == parent)
        parent = connection.execute(query).scalar()
    return found


def heads(connection: Connection, workspace: str, *, archived: bool = False, code: bool = False) -> list[ScriptRow]:
    """The newest version of every path, newest first; `code`: with code, lock and schema."""
    newest = (
        sa.select(sa.func.max(_SCRIPT.c.id))
        .where(_SCRIPT.c.workspace == workspace, _SCRIPT.c.deleted.is_(False))
        .group_by(_SCRIPT.c.path)
    )
    query = (sa.select(_SCRIPT) if code else _light()).where(_SCRIPT.c.id.in_(newest), _SCRIPT.c.archived.is_(archived))
    return all_of(connection, ScriptRow, query.order_by(_SCRIPT.c.id.desc()))


def heads_of(connection: Connection, workspace: str, paths: Iterable[str]) -> dict[str, str]:
    """The hashes of the newest versions at some paths; of archived and missing ones there are none."""
    found = {path: latest(connection, workspace, path) for path in paths}
    return {path: row.hash for path, row in found.items() if row is not None}


def add(connection: Connection, row: ScriptRow) -> str:
    """Insert `row` as the new head of its path; returns its hash, made here when it has none."""
    row.hash = row.hash or new_hash(row)
    row.id = insert(connection, row)
    return row.hash


def archive_path(connection: Connection, workspace: str, path: str, *, archived: bool = True) -> int:
    """Archive (or bring back) all versions at `path`; how many there are."""
    where = (_SCRIPT.c.workspace == workspace, _SCRIPT.c.path == path, _SCRIPT.c.deleted.is_(False))
    return connection.execute(sa.update(_SCRIPT).where(*where).values(archived=archived)).rowcount


def archive_hash(connection: Connection, workspace: str, script_hash: str) -> bool:
    """Archive one version; whether there is one."""
    where = (_SCRIPT.c.workspace == workspace, _SCRIPT.c.hash == script_hash, _SCRIPT.c.deleted.is_(False))
    return connection.execute(sa.update(_SCRIPT).where(*where).values(archived=True)).rowcount > 0


def delete_hash(connection: Connection, workspace: str, script_hash: str) -> bool:
    """Take one version away with its code; whether there was one."""
    where = (_SCRIPT.c.workspace == workspace, _SCRIPT.c.hash == script_hash, _SCRIPT.c.deleted.is_(False))
    emptied = {"content": "", "lock": None, "schema_text": None, "bundle": None, "archived": True, "deleted": True}
    return connection.execute(sa.update(_SCRIPT).where(*where).values(**emptied)).rowcount > 0


def delete_path(connection: Connection, workspace: str, path: str) -> int:
    """Take all versions at `path` away with their code; how many there were."""
    where = (_SCRIPT.c.workspace == workspace, _SCRIPT.c.path == path, _SCRIPT.c.deleted.is_(False))
    emptied = {"content": "", "lock": None, "schema_text": None, "bundle": None, "archived": True, "deleted": True}
    return connection.execute(sa.update(_SCRIPT).where(*where).values(**emptied)).rowcount


def _at(workspace: str, path: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(_SCRIPT).where(
        _SCRIPT.c.workspace == workspace, _SCRIPT.c.path == path, _SCRIPT.c.deleted.is_(False)
    )


def _light() -> sa.Select[tuple[object, ...]]:
    columns = [c for c in _SCRIPT.c if c.name not in _LARGE]
    return sa.select(
        *columns,
        sa.literal("").label("content"),
        sa.null().label("lock"),
        sa.null().label("schema_text"),
        sa.null().label("bundle"),
    )
