"""Sharing links of runs. Only the hash of a link's token is here."""

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


def of_run(connection: Connection, run_id: str, now: str) -> list[SharedLinkRow]:
    """The links of a run that still lead somewhere, newest first."""
    query = sa.select(_LINK).where(_LINK.c.run_id == run_id, _LINK.c.expires_at > now)
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


def remove(connection: Connection, run_id: str, link_id: str) -> bool:
    """Revoke one; whether there was one."""
    return connection.execute(sa.delete(_LINK).where(_LINK.c.run_id == run_id, _LINK.c.id == link_id)).rowcount == 1


def remove_expired(connection: Connection, now: str) -> None:
    """Drop those whose time is over."""
    connection.execute(sa.delete(_LINK).where(_LINK.c.expires_at <= now))


def forget(connection: Connection, run_ids: Sequence[str]) -> None:
    """The runs are gone, and so are their links."""
    connection.execute(sa.delete(_LINK).where(_LINK.c.run_id.in_(run_ids)))
