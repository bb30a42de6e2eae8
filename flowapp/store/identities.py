"""Workspaces, people, memberships and token hashes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from flowapp.store.rows import first, insert, table
from flowapp.store.tables import MemberRow, TokenRow, UserRow, WorkspaceRow

_WORKSPACE = table(WorkspaceRow)
_USER = table(UserRow)
_MEMBER = table(MemberRow)
_TOKEN = table(TokenRow)


def workspace(connection: Connection, workspace_id: str) -> WorkspaceRow | None:
    """One workspace."""
    return first(connection, WorkspaceRow, sa.select(_WORKSPACE).where(_WORKSPACE.c.id == workspace_id))


def user(connection: Connection, email: str) -> UserRow | None:
    """One person."""
    return first(connection, UserRow, sa.select(_USER).where(_USER.c.email == email))


def role(connection: Connection, workspace_id: str, email: str) -> str | None:
    """A person's role in a workspace; None for somebody who is no member."""
    query = sa.select(_MEMBER.c.role).where(_MEMBER.c.workspace == workspace_id, _MEMBER.c.email == email)
    found = connection.execute(query).scalar()
    return None if found is None else str(found)


def member_named(connection: Connection, workspace_id: str, username: str) -> tuple[str, str] | None:
    """Email and role of the member with that username, unless disabled."""
    query = (
        sa.select(_USER.c.email, _MEMBER.c.role)
        .join(_MEMBER, _MEMBER.c.email == _USER.c.email)
        .where(_USER.c.username == username, _MEMBER.c.workspace == workspace_id, _USER.c.disabled.is_(False))
    )
    found = connection.execute(query).first()
    return None if found is None else (str(found.email), str(found.role))


def add_workspace(connection: Connection, row: WorkspaceRow) -> None:
    """Insert a workspace."""
    insert(connection, row)


def add_user(connection: Connection, row: UserRow) -> None:
    """Insert a person."""
    insert(connection, row)


def set_member(connection: Connection, row: MemberRow) -> None:
    """Give a person a role in a workspace, in place of any role they had."""
    where = (_MEMBER.c.workspace == row.workspace, _MEMBER.c.email == row.email)
    connection.execute(sa.delete(_MEMBER).where(*where))
    insert(connection, row)


def add_token(connection: Connection, row: TokenRow) -> None:
    """Insert a token's hash."""
    insert(connection, row)


def valid_token(connection: Connection, token_hash: str, kinds: tuple[str, ...], now: str) -> RowMapping | None:
    """Token and its person (email, username, kind, expires_at), when neither is expired, used or disabled."""
    query = (
        sa.select(_TOKEN.c.kind, _TOKEN.c.expires_at, _USER.c.email, _USER.c.username)
        .join(_USER, _USER.c.email == _TOKEN.c.email)
        .where(
            _TOKEN.c.hash == token_hash,
            _TOKEN.c.kind.in_(kinds),
            sa.or_(_TOKEN.c.expires_at.is_(None), _TOKEN.c.expires_at > now),
            _USER.c.disabled.is_(False),
        )
    )
    return connection.execute(query).mappings().first()


def use_once(connection: Connection, token_hash: str, now: str) -> str | None:
    """Spend a one-time sign-in token; the email it signs in, or None when it is unknown, spent or expired."""
    statement = (
        sa.update(_TOKEN)
        .where(
            _TOKEN.c.hash == token_hash,
            _TOKEN.c.kind == "signin",
            _TOKEN.c.used_at.is_(None),
            sa.or_(_TOKEN.c.expires_at.is_(None), _TOKEN.c.expires_at > now),
        )
        .values(used_at=now)
    )
    if connection.execute(statement).rowcount != 1:
        return None
    return str(connection.execute(sa.select(_TOKEN.c.email).where(_TOKEN.c.hash == token_hash)).scalar_one())


def remove_token(connection: Connection, token_hash: str) -> bool:
    """Revoke a token."""
    return connection.execute(sa.delete(_TOKEN).where(_TOKEN.c.hash == token_hash)).rowcount == 1


def remove_sessions(connection: Connection, email: str) -> list[str]:
    """Revoke all sessions of a person; returns their hashes."""
    where = (_TOKEN.c.email == email, _TOKEN.c.kind == "session")
    hashes = [str(found) for found in connection.execute(sa.select(_TOKEN.c.hash).where(*where)).scalars()]
    connection.execute(sa.delete(_TOKEN).where(*where))
    return hashes


def remove_expired(connection: Connection, now: str) -> None:
    """Drop tokens that can no longer be used."""
    connection.execute(sa.delete(_TOKEN).where(_TOKEN.c.expires_at.is_not(None), _TOKEN.c.expires_at <= now))
