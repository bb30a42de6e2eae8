"""Invitations: links by which people join a workspace. Only the hash of a link's token is here."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.tables import InvitationRow

_INVITATION = table(InvitationRow)


def add(connection: Connection, row: InvitationRow) -> None:
    """Insert an invitation."""
    insert(connection, row)


def listing(connection: Connection, workspace: str, now: str) -> list[InvitationRow]:
    """The invitations of a workspace that still let somebody in, newest first."""
    query = sa.select(_INVITATION).where(_INVITATION.c.workspace == workspace, *_good(now))
    return all_of(connection, InvitationRow, query.order_by(_INVITATION.c.created_at.desc()))


def good(connection: Connection, token_hash: str, now: str) -> InvitationRow | None:
    """The invitation of a token; None when it is unknown, used up, revoked or expired."""
    query = sa.select(_INVITATION).where(_INVITATION.c.hash == token_hash, *_good(now))
    return first(connection, InvitationRow, query)


def use(connection: Connection, token_hash: str, now: str) -> bool:
    """Take one use of it, whoever else does at that moment; whether there was one left."""
    where = (_INVITATION.c.hash == token_hash, *_good(now))
    done = connection.execute(sa.update(_INVITATION).where(*where).values(uses=_INVITATION.c.uses - 1))
    return done.rowcount == 1


def remove(connection: Connection, workspace: str, invitation_id: str) -> bool:
    """Revoke one; whether there was one."""
    where = (_INVITATION.c.workspace == workspace, _INVITATION.c.id == invitation_id)
    return connection.execute(sa.delete(_INVITATION).where(*where)).rowcount == 1


def remove_spent(connection: Connection, now: str) -> None:
    """Drop those that let nobody in any more."""
    connection.execute(sa.delete(_INVITATION).where(sa.or_(_INVITATION.c.uses <= 0, _INVITATION.c.expires_at <= now)))


def _good(now: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _INVITATION.c.uses > 0, _INVITATION.c.expires_at > now
