"""Deployed versions of flows."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.numbers import next_version
from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import FlowVersionRow, RunRow

_VERSION = table(FlowVersionRow)


def latest(connection: Connection, workspace: str, path: str) -> FlowVersionRow | None:
    """The version that runs when somebody runs `path`; None when there is none or it is archived."""
    query = (
        sa.select(_VERSION)
        .where(_VERSION.c.workspace == workspace, _VERSION.c.path == path)
        .order_by(_VERSION.c.version.desc())
    )
    row = first(connection, FlowVersionRow, query)
    return None if row is None or row.archived else row


def newest_number(connection: Connection, workspace: str, path: str) -> int | None:
    """The number of the version that `latest` is."""
    where = (_VERSION.c.workspace == workspace, _VERSION.c.path == path, _VERSION.c.archived.is_(False))
    number: int | None = connection.execute(sa.select(sa.func.max(_VERSION.c.version)).where(*where)).scalar()
    return number


def version(connection: Connection, workspace: str, path: str, number: int) -> FlowVersionRow | None:
    """One version, archived or not."""
    query = sa.select(_VERSION).where(
        _VERSION.c.workspace == workspace, _VERSION.c.path == path, _VERSION.c.version == number
    )
    return first(connection, FlowVersionRow, query)


def by_id(connection: Connection, workspace: str, version_id: int) -> FlowVersionRow | None:
    """The version with this id over all flows, archived or not."""
    query = sa.select(_VERSION).where(_VERSION.c.workspace == workspace, _VERSION.c.id == version_id)
    return first(connection, FlowVersionRow, query)


def versions(connection: Connection, workspace: str, path: str) -> list[FlowVersionRow]:
    """All versions, newest first; `document` is left empty."""
    query = _without_document().where(_VERSION.c.workspace == workspace, _VERSION.c.path == path)
    return all_of(connection, FlowVersionRow, query.order_by(_VERSION.c.version.desc()))


def list_latest(connection: Connection, workspace: str) -> list[FlowVersionRow]:
    """The newest version of each flow that is not archived; `document` is left empty."""
    newest = (
        sa.select(_VERSION.c.path, sa.func.max(_VERSION.c.version).label("version"))
        .where(_VERSION.c.workspace == workspace)
        .group_by(_VERSION.c.path)
        .subquery()
    )
    query = (
        _without_document()
        .join(newest, sa.and_(_VERSION.c.path == newest.c.path, _VERSION.c.version == newest.c.version))
        .where(_VERSION.c.workspace == workspace, _VERSION.c.archived.is_(False))
        .order_by(_VERSION.c.path)
    )
    return all_of(connection, FlowVersionRow, query)


def add(connection: Connection, row: FlowVersionRow) -> int:
    """Insert `row` as the next version of its path; returns the version number."""
    row.version = next_version(connection, row.workspace, row.path)
    insert(connection, row)
    return row.version


def _without_document() -> sa.Select[tuple[object, ...]]:
    columns = [c for c in _VERSION.c if c.name != "document"]
    return sa.select(*columns, sa.literal("").label("document"))


def last_runs(connection: Connection, workspace: str) -> tuple[dict[str, RunRow], dict[str, RunRow]]:
    """The newest run of each flow by path, and of the cells of each draft by draft id."""
    runs = table(RunRow)
    newest = (
        sa.select(sa.func.max(runs.c.number))
        .where(runs.c.workspace == workspace)
        .group_by(runs.c.kind, sa.case((runs.c.kind == "cells", runs.c.draft_id), else_=runs.c.path))
    )
    rows = all_of(connection, RunRow, sa.select(runs).where(runs.c.workspace == workspace, runs.c.number.in_(newest)))
    by_path = {row.path: row for row in rows if row.kind != "cells"}
    by_draft = {row.draft_id: row for row in rows if row.kind == "cells" and row.draft_id is not None}
    return by_path, by_draft
