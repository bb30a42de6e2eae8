"""Workspaces, people, memberships and token hashes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from flowapp.jsontext import dumps
from flowapp.store.rows import all_of, first, insert, insert_new, table, upsert
from flowapp.store.runs import FINISHED
from flowapp.store.tables import JobRow, MemberRow, RunRow, TokenRow, UserRow, WorkspaceRow

_WORKSPACE = table(WorkspaceRow)
_USER = table(UserRow)
_MEMBER = table(MemberRow)
_TOKEN = table(TokenRow)
_RUN = table(RunRow)
_JOB = table(JobRow)


def workspace(connection: Connection, workspace_id: str) -> WorkspaceRow | None:
    """One workspace."""
    return first(connection, WorkspaceRow, sa.select(_WORKSPACE).where(_WORKSPACE.c.id == workspace_id))


def lock_workspace(connection: Connection, workspace_id: str) -> None:
    """Make other transactions that lock the workspace wait for the end of this one.

    What is looked at before it is changed (the head of a path, the last admin) must not change in between, on any server.
    SQLite has one writer anyway.
    """
    connection.execute(sa.select(_WORKSPACE.c.id).where(_WORKSPACE.c.id == workspace_id).with_for_update())


def change_setting(connection: Connection, workspace_id: str, name: str, value: Any) -> None:
    """Inside a write: set one setting of a workspace (a JSON value; None takes it away). Others stay."""
    mine = _WORKSPACE.c.id == workspace_id
    kept = json.loads(connection.execute(sa.select(_WORKSPACE.c.settings).where(mine).with_for_update()).scalar_one())
    settings = {key: item for key, item in kept.items() if key != name}
    if value is not None:
        settings[name] = value
    connection.execute(sa.update(_WORKSPACE).where(mine).values(settings=dumps(settings)))


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


def add_workspace_unless_there(connection: Connection, row: WorkspaceRow) -> bool:
    """Insert a workspace unless there is one with its id; whether it was inserted."""
    return insert_new(connection, row)


def add_user_unless_there(connection: Connection, row: UserRow) -> bool:
    """Insert a person unless there is one with that email; whether they were inserted."""
    return insert_new(connection, row)


def add_user(connection: Connection, row: UserRow) -> None:
    """Insert a person."""
    insert(connection, row)


def set_member(connection: Connection, row: MemberRow) -> None:
    """Give a person a role in a workspace, in place of any role they had. When they were last seen stays."""
    where = (_MEMBER.c.workspace == row.workspace, _MEMBER.c.email == row.email)
    if connection.execute(sa.update(_MEMBER).where(*where).values(role=row.role)).rowcount == 0:
        upsert(connection, row)


def note_seen(connection: Connection, workspace_id: str, email: str, at: str) -> None:
    """A member was here."""
    where = (_MEMBER.c.workspace == workspace_id, _MEMBER.c.email == email)
    connection.execute(sa.update(_MEMBER).where(*where).values(seen_at=at))


def note_used(connection: Connection, token_hash: str, at: str) -> None:
    """A session or token was used."""
    connection.execute(sa.update(_TOKEN).where(_TOKEN.c.hash == token_hash).values(used_at=at))


def remove_member(connection: Connection, workspace_id: str, email: str) -> bool:
    """Take somebody out of a workspace; whether they were in it."""
    where = (_MEMBER.c.workspace == workspace_id, _MEMBER.c.email == email)
    return connection.execute(sa.delete(_MEMBER).where(*where)).rowcount > 0


def members(connection: Connection, workspace_id: str) -> list[tuple[UserRow, str]]:
    """The people of a workspace with their roles, by username."""
    query = (
        sa.select(_USER, _MEMBER.c.role.label("member_role"))
        .join(_MEMBER, _MEMBER.c.email == _USER.c.email)
        .where(_MEMBER.c.workspace == workspace_id)
        .order_by(_USER.c.username)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [(UserRow(**{k: v for k, v in row.items() if k != "member_role"}), str(row["member_role"])) for row in rows]


def seen(connection: Connection, workspace_id: str) -> dict[str, str]:
    """When each member was last here, by email; who never was is missing."""
    query = sa.select(_MEMBER.c.email, _MEMBER.c.seen_at).where(_MEMBER.c.workspace == workspace_id)
    return {str(row.email): str(row.seen_at) for row in connection.execute(query) if row.seen_at}


def workspaces_of(connection: Connection, email: str) -> list[tuple[WorkspaceRow, str]]:
    """The workspaces that somebody is in with their role there, by id."""
    query = (
        sa.select(_WORKSPACE, _MEMBER.c.role.label("member_role"))
        .join(_MEMBER, _MEMBER.c.workspace == _WORKSPACE.c.id)
        .where(_MEMBER.c.email == email)
        .order_by(_WORKSPACE.c.id)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [
        (WorkspaceRow(**{k: v for k, v in row.items() if k != "member_role"}), str(row["member_role"])) for row in rows
    ]


def user_named(connection: Connection, username: str) -> UserRow | None:
    """The person with a username."""
    return first(connection, UserRow, sa.select(_USER).where(_USER.c.username == username))


def names(connection: Connection, usernames: Iterable[str]) -> dict[str, str]:
    """What people are called, by username; who has no name, or is gone, is missing."""
    query = sa.select(_USER.c.username, _USER.c.name).where(_USER.c.username.in_(sorted(set(usernames))))
    return {row.username: row.name for row in connection.execute(query) if row.name}


def user_of_oidc(connection: Connection, subject: str) -> UserRow | None:
    """The person whom an identity provider signs in under this issuer and subject."""
    return first(connection, UserRow, sa.select(_USER).where(_USER.c.oidc == subject))


def users_by_email(connection: Connection, email: str) -> list[UserRow]:
    """The people with an email, however its letters are written: addresses differ in more than case nowhere."""
    return all_of(connection, UserRow, sa.select(_USER).where(sa.func.lower(_USER.c.email) == email.lower()))


def all_users(connection: Connection) -> list[UserRow]:
    """Everybody who has an account, by email."""
    return all_of(connection, UserRow, sa.select(_USER).order_by(_USER.c.email))


def all_workspaces(connection: Connection) -> list[WorkspaceRow]:
    """Every workspace, by id."""
    return all_of(connection, WorkspaceRow, sa.select(_WORKSPACE).order_by(_WORKSPACE.c.id))


def change_user(connection: Connection, email: str, **values: object) -> None:
    """Set columns of a person: password, name, disabled, super_admin."""
    connection.execute(sa.update(_USER).where(_USER.c.email == email).values(**values))


def workspace_key(connection: Connection, workspace_id: str) -> str | None:
    """The secret that signatures of a workspace are made with."""
    found = connection.execute(sa.select(_WORKSPACE.c.key).where(_WORKSPACE.c.id == workspace_id)).scalar()
    return None if found is None else str(found)


def job_lives(connection: Connection, run_id: str, job_id: str) -> bool:
    """Whether a job may still act: its run is not over, and the job itself has not ended."""
    status = connection.execute(sa.select(_RUN.c.status).where(_RUN.c.id == run_id)).scalar()
    if status is None or status in FINISHED:
        return False
    ended = sa.select(_JOB.c.ended_at).where(_JOB.c.id == job_id)
    return connection.execute(ended).scalar() is None


def tokens_of(connection: Connection, email: str, kinds: tuple[str, ...]) -> list[TokenRow]:
    """A person's tokens, newest first."""
    query = sa.select(_TOKEN).where(_TOKEN.c.email == email, _TOKEN.c.kind.in_(kinds))
    return all_of(connection, TokenRow, query.order_by(_TOKEN.c.created_at.desc()))


def remove_by_prefix(connection: Connection, email: str, prefix: str) -> list[str]:
    """Revoke a person's tokens that begin so; returns their hashes."""
    where = (_TOKEN.c.email == email, _TOKEN.c.prefix == prefix, _TOKEN.c.kind != "signin")
    hashes = [str(found) for found in connection.execute(sa.select(_TOKEN.c.hash).where(*where)).scalars()]
    connection.execute(sa.delete(_TOKEN).where(*where))
    return hashes


def add_token(connection: Connection, row: TokenRow) -> None:
    """Insert a token's hash."""
    insert(connection, row)


def valid_token(connection: Connection, token_hash: str, kinds: tuple[str, ...], now: str) -> RowMapping | None:
    """Token and its person (kind, expires_at, used_at, workspace, scopes, job, email, username, super_admin).

    None when it is unknown, expired or of another kind, or the person is disabled.
    """
    query = (
        sa.select(
            _TOKEN.c.kind,
            _TOKEN.c.expires_at,
            _TOKEN.c.used_at,
            _TOKEN.c.workspace,
            _TOKEN.c.scopes,
            _TOKEN.c.job,
            _USER.c.email,
            _USER.c.username,
            _USER.c.super_admin,
        )
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


def remove_all_tokens(connection: Connection, email: str) -> None:
    """Revoke everything that lets a person in: sessions, tokens, links."""
    connection.execute(sa.delete(_TOKEN).where(_TOKEN.c.email == email))


def remove_sessions(connection: Connection, email: str, *, but: str = "") -> list[str]:
    """Revoke all sessions of a person; returns their hashes. `but`: one that stays."""
    where = (_TOKEN.c.email == email, _TOKEN.c.kind == "session", _TOKEN.c.hash != but)
    hashes = [str(found) for found in connection.execute(sa.select(_TOKEN.c.hash).where(*where)).scalars()]
    connection.execute(sa.delete(_TOKEN).where(*where))
    return hashes


def remove_links(connection: Connection, email: str) -> None:
    """Revoke the one-time links that would sign a person in."""
    connection.execute(sa.delete(_TOKEN).where(_TOKEN.c.email == email, _TOKEN.c.kind == "signin"))


def remove_expired(connection: Connection, now: str) -> None:
    """Drop tokens that can no longer be used."""
    connection.execute(sa.delete(_TOKEN).where(_TOKEN.c.expires_at.is_not(None), _TOKEN.c.expires_at <= now))
