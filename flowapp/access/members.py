"""The identity of a person in a workspace, as its tables say at this moment."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flowapp.access.identity import EVERYBODY, ROLES, Identity
from flowapp.store import acls, folders, groups, identities


def member(connection: Connection, workspace: str, email: str) -> Identity | None:
    """The present identity of a person by email, inside a larger read or write; None for nobody."""
    user = identities.user(connection, email)
    if user is None or user.disabled:
        return None
    return identity_with(connection, workspace, email, user.username, identities.role(connection, workspace, email))


def identity_with(connection: Connection, workspace: str, email: str, username: str, role: str | None) -> Identity:
    """The identity with a role: its groups, what it may do in each folder, and what single things give. With no role it may nothing."""
    valid = next((name for name in ROLES if name == role), None)
    if valid is None:
        return Identity(workspace, email, username, "none")
    member_of = groups.of_user(connection, workspace, username) | {EVERYBODY}
    return Identity(
        workspace,
        email,
        username,
        valid,
        member_of,
        folders.rights(connection, workspace, username, member_of),
        grants=acls.given(connection, workspace, username, member_of),
    )
