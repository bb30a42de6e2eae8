"""Sharing links of runs and flows. Only the hash of a link's token is here."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import SharedLinkRow

_LINK = table(SharedLinkRow)


def add(connection: Connection, row: SharedLinkRow) -> None:
    """Insert a link."""
    insert(connection, row)


def of(connection: Connection, workspace: str, kind: str, target: str, now: str) -> list[SharedLinkRow]:
    """The links of a run (by its id) or flow (by its path) that still lead somewhere, newest first."""
    query = sa.select(_LINK).where(*_leading_to(workspace, kind, target), _LINK.c.expires_at > now)
    return all_of(connection, SharedLinkRow, query.order_by(_LINK.c.created_at.desc()))


def good(connection: Connection, token_hash: str, now: str) -> SharedLinkRow | None:
    """The link of a token; None when it is unknown, revoked or expired."""
    return first(
        connection, SharedLinkRow, sa.select(_LINK).where(_LINK.c.hash == token_hash, _LINK.c.expires_at > now)
    )


def note_opened(connection: Connection, link_id: str, now: str) -> None:
    """One more visit."""
    where = _LINK.c.id == link_id
    connection.execute(sa.update(_LINK).where(where).values(opened=_LINK.c.opened + 1, opened_at=now))


def remove(connection: Connection, workspace: str, kind: str, target: str, link_id: str) -> bool:
    """Revoke one of a run or flow; whether there was one."""
    where = (*_leading_to(workspace, kind, target), _LINK.c.id == link_id)
    return connection.execute(sa.delete(_LINK).where(*where)).rowcount == 1


def remove_expired(connection: Connection, now: str) -> None:
    """Drop those whose time is over."""
    connection.execute(sa.delete(_LINK).where(_LINK.c.expires_at <= now))


def forget_runs(connection: Connection, run_ids: Sequence[str]) -> None:
    """The runs are gone, and so are their links."""
    connection.execute(sa.delete(_LINK).where(_LINK.c.kind == "run", _LINK.c.target.in_(run_ids)))


def forget_flow(connection: Connection, workspace: str, path: str) -> None:
    """The flow is gone, and so are its links: what is stored at its path later is another one."""
    connection.execute(sa.delete(_LINK).where(*_leading_to(workspace, "flow", path)))


def follow_flow(connection: Connection, workspace: str, path: str, target: str) -> None:
    """The flow has another path; its links go along."""
    connection.execute(sa.update(_LINK).where(*_leading_to(workspace, "flow", path)).values(target=target))


def _leading_to(workspace: str, kind: str, target: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (_LINK.c.workspace == workspace, _LINK.c.kind == kind, _LINK.c.target == target)
