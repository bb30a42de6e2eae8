"""The audit trail. Append-only: there is no function that changes or removes a row."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.clock import now
from flowapp.store.origin import ORIGIN
from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import AuditRow

_AUDIT = table(AuditRow)


def add(
    connection: Connection, *, workspace: str, by: str, action: str, target: str, detail: str = "", address: str = ""
) -> None:
    """Record who did what, in the same transaction as the deed. `detail` never holds values or code.

    `address`: where from; the present request's where nobody says another one.
    """
    row = AuditRow(
        workspace=workspace,
        at=now(),
        by=by,
        action=action,
        target=target,
        detail=detail[:500],
        address=address or ORIGIN.get(),
    )
    insert(connection, row)


def latest(connection: Connection, workspace: str, limit: int = 100) -> list[AuditRow]:
    """The newest rows first."""
    query = sa.select(_AUDIT).where(_AUDIT.c.workspace == workspace).order_by(_AUDIT.c.id.desc()).limit(limit)
    return all_of(connection, AuditRow, query)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows of the trail; an empty field takes all.

    `actions` and `without` are whole actions (`script.create`), `verbs` the words after the dot, `without_verbs` those that
    must not be there. `area` is the word before the dot, `about` a part of the target. `since` and `until` are stored times, the second excluded; `before_id` pages on from a row.
    """

    by: str = ""
    target: str = ""
    about: str = ""
    area: str = ""
    actions: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    without_verbs: frozenset[str] = frozenset()
    since: str = ""
    until: str = ""
    before_id: int | None = None


def listing(
    connection: Connection, workspaces: tuple[str, ...], wanted: AuditFilter, *, offset: int = 0, limit: int = 100
) -> list[AuditRow]:
    """The newest rows first, of those that the filter takes. "" among the workspaces: what concerns the installation."""
    query = sa.select(_AUDIT).where(_AUDIT.c.workspace.in_(workspaces))
    if wanted.by:
        query = query.where(_AUDIT.c.by == wanted.by)
    if wanted.target:
        query = query.where(_AUDIT.c.target == wanted.target)
    if wanted.about:
        query = query.where(_AUDIT.c.target.icontains(wanted.about, autoescape=True))
    if wanted.area:
        query = query.where(_AUDIT.c.action.startswith(f"{wanted.area}.", autoescape=True))
    if wanted.actions:
        query = query.where(_AUDIT.c.action.in_(wanted.actions))
    if wanted.without:
        query = query.where(_AUDIT.c.action.not_in(wanted.without))
    if wanted.verbs:
        query = query.where(_ends_in(wanted.verbs))
    if wanted.without_verbs:
        query = query.where(sa.not_(_ends_in(wanted.without_verbs)))
    if wanted.since:
        query = query.where(_AUDIT.c.at >= wanted.since)
    if wanted.until:
        query = query.where(_AUDIT.c.at < wanted.until)
    if wanted.before_id is not None:
        query = query.where(_AUDIT.c.id < wanted.before_id)
    return all_of(connection, AuditRow, query.order_by(_AUDIT.c.id.desc()).offset(offset).limit(limit))


def get(connection: Connection, workspace: str, row_id: int) -> AuditRow | None:
    """One row."""
    return first(connection, AuditRow, sa.select(_AUDIT).where(_AUDIT.c.workspace == workspace, _AUDIT.c.id == row_id))


def _ends_in(verbs: frozenset[str]) -> sa.ColumnElement[bool]:
    return sa.or_(*(_AUDIT.c.action.endswith(f".{verb}", autoescape=True) for verb in sorted(verbs)))
