"""Joining a workspace by a link that an admin made.

The link's token is random and stored as a hash. It expires, can be revoked, and lets in as many people as it was made for.
Whoever opens it is either signed in and joins, or names an email and a password: for an account that there is they are its
own, else they make one. An email that somebody typed on a link for everybody is confirmed by nobody: the account is marked
so (`claimed`), admins cannot add it elsewhere by that email, and an identity provider that vouches for the email takes it over.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access import passwords
from flowapp.access.errors import SignInFailed
from flowapp.access.identity import Identity
from flowapp.access.person import Person
from flowapp.access.policy import Target, missing, require
from flowapp.access.tokens import hash_token, new_token
from flowapp.store import audit, identities, invitations
from flowapp.store.clock import now, text_of
from flowapp.store.tables import InvitationRow, MemberRow, UserRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.members import email_in, new_user, role_in
from flowapp.workspace.stored import enter, moment_in, text_in

DAYS = 7
MOST_DAYS = 90
MOST_USES = 100
MOST_OPEN = 100


@dataclass(frozen=True, slots=True)
class Offer:
    """What a good link offers. `email`: the only one that it is for, "" for anybody's."""

    workspace: str
    name: str
    role: str
    email: str


class Invitations:
    """Use-cases about links to join by."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database
        self._sessions = context.sessions
        self._base_url = context.settings.base_url

    # --- for admins ---------------------------------------------------------------------------------------------------

    async def create(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a link: `{"role"?, "uses"?, "email"?, "expiration"?}`. Its `token` and `url` are told this once.

        A link works once and for seven days unless said otherwise; for admins it works once in any case.

        Raises:
            BadRequest: a field is wrong, or there are too many links.
        """
        _ask(identity)
        token, role = new_token("invitation"), role_in(body)
        row = InvitationRow(
            id=secrets.token_hex(6),
            hash=hash_token(token),
            workspace=identity.workspace,
            role=role,
            email=email_in(body) if text_in(body, "email").strip() else "",
            uses=_uses_in(body),
            created_by=identity.username,
            created_at=now(),
            expires_at=_end_in(body),
        )
        if row.uses > 1 and (role == "admin" or row.email):
            raise BadRequest("A link for an admin, or for one email, works once.", "Leave uses out, or make it 1.")

        def work(connection: Connection) -> None:
            identities.lock_workspace(connection, identity.workspace)
            if len(invitations.listing(connection, identity.workspace, now())) >= MOST_OPEN:
                raise BadRequest(f"There are {MOST_OPEN} open invitations.", "Revoke some that nobody needs.")
            invitations.add(connection, row)
            detail = f"{role}, {row.email or f'{row.uses} uses'}"
            _audited(connection, identity.workspace, identity.username, "invitation.create", row.id, detail)

        await self._database.write(work)
        path = f"/join?token={token}"
        return {**_shown(row), "token": token, "path": path, "url": f"{self._base_url}{path}"}

    async def listing(self, identity: Identity) -> list[dict[str, Any]]:
        """The links that still let somebody in, newest first; without their tokens, which nobody knows any more."""
        _ask(identity)
        rows = await self._database.read(lambda c: invitations.listing(c, identity.workspace, now()))
        return [_shown(row) for row in rows]

    async def revoke(self, identity: Identity, invitation_id: str) -> None:
        """Make a link worthless; who has joined by it stays.

        Raises:
            NotFound: there is none.
        """
        _ask(identity)

        def work(connection: Connection) -> None:
            if not invitations.remove(connection, identity.workspace, invitation_id):
                raise missing("invitation")
            _audited(connection, identity.workspace, identity.username, "invitation.delete", invitation_id)

        await self._database.write(work)

    # --- for whoever has the link -------------------------------------------------------------------------------------

    async def look(self, token: str, address: str) -> Offer:
        """What a link offers; looking takes nothing of it.

        Raises:
            SignInFailed: it is worth nothing, for whichever reason.
            TooManyAttempts: too many worthless ones from this address.
        """

        def read(connection: Connection) -> Offer | None:
            row = invitations.good(connection, hash_token(token), now())
            space = identities.workspace(connection, row.workspace) if row is not None else None
            return None if row is None or space is None else Offer(space.id, space.name, row.role, row.email)

        with self._sessions.attempt(address):
            offer = await self._database.read(read)
            if offer is None:
                raise _worthless()
            return offer

    async def accept(self, person: Person, token: str, address: str) -> str:
        """Join as the person who is signed in; returns the workspace's id.

        Raises:
            SignInFailed: the link is worth nothing, or is for another email; which is not told.
            BadRequest: a job asks, or a limited token.
            AlreadyThere: they are a member.
        """
        guard.account_of(self._sessions, person, "account.manage")
        if person.job or person.scopes is not None or person.workspace is not None:
            raise BadRequest("A limited token cannot join a workspace.", "Sign in, then open the link.")

        def work(connection: Connection) -> str:
            user = identities.user(connection, person.email)
            if user is None:
                raise missing("user")
            return _join(connection, token, user, address)

        with self._sessions.attempt(address):
            workspace = await self._database.write(work)
        self._sessions.rights_changed()
        return workspace

    async def join(self, token: str, body: Mapping[str, Any], address: str, device: str) -> str:
        """Join with `{"email"?, "password", "name"?}`, with an account that there is or a new one; returns a session's token.

        Raises:
            SignInFailed: the link is worth nothing or for another email, or the password is not the account's.
            PasswordInvalid: too short or too long.
            TooManyAttempts: too many failures from this address or for this account.
        """
        offer = await self.look(token, address)
        email = offer.email or email_in(body)
        password, name = text_in(body, "password", limit=2000), text_in(body, "name", limit=200)
        hashed = await passwords.hashed(password)
        known = await self._database.read(lambda c: identities.users_by_email(c, email))
        if known:
            email = await self._sessions.prove(known[0].email, password, address)

        def work(connection: Connection) -> str:
            user = identities.user(connection, email)
            if user is None:
                if identities.users_by_email(connection, email):
                    raise _worthless()
                user = new_user(connection, email)
                user.name, user.password, user.claimed = name, hashed, not offer.email
                identities.add_user(connection, user)
                _audited(connection, "", user.username, "user.create", email, "by invitation", address)
            return _join(connection, token, user, address)

        await self._database.write(work)
        self._sessions.rights_changed()
        return await self._sessions.open(email, address, device)


def _join(connection: Connection, token: str, user: UserRow, address: str) -> str:
    digest = hash_token(token)
    row = invitations.good(connection, digest, now())
    if row is None or row.email.lower() not in ("", user.email.lower()):
        raise _worthless()
    identities.lock_workspace(connection, row.workspace)
    if identities.role(connection, row.workspace, user.email) is not None:
        raise AlreadyThere("You are a member of this workspace already.", "Open Flowapp.")
    if not invitations.use(connection, digest, now()):
        raise _worthless()
    identities.set_member(connection, MemberRow(workspace=row.workspace, email=user.email, role=row.role))
    detail = f"{row.role}, invitation {row.id}"
    _audited(connection, row.workspace, user.username, "member.join", user.username, detail, address)
    return row.workspace


def _worthless() -> SignInFailed:
    return SignInFailed(
        "This invitation is not valid.",
        "It may be used up, revoked, out of date, or for somebody else. Ask whoever sent it for a new one.",
    )


def _ask(identity: Identity) -> None:
    enter(identity)
    require(identity, "member.manage", Target(identity.workspace, "user"))


def _uses_in(body: Mapping[str, Any]) -> int:
    uses = body.get("uses")
    if uses is None:
        return 1
    if isinstance(uses, bool) or not isinstance(uses, int) or not 1 <= uses <= MOST_USES:
        raise BadRequest(f"uses must be a whole number from 1 to {MOST_USES}.")
    return uses


def _end_in(body: Mapping[str, Any]) -> str:
    end = moment_in(body, "expiration") or text_of(datetime.now(UTC) + timedelta(days=DAYS))
    if end > text_of(datetime.now(UTC) + timedelta(days=MOST_DAYS, minutes=1)):
        raise BadRequest(f"An invitation is good for {MOST_DAYS} days at most.")
    return end


def _audited(
    connection: Connection, workspace: str, by: str, action: str, target: str, detail: str = "", address: str = ""
) -> None:
    audit.add(connection, workspace=workspace, by=by, action=action, target=target, detail=detail, address=address)


def _shown(row: InvitationRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "workspace_id": row.workspace,
        "role": row.role,
        "email": row.email or None,
        "uses_left": row.uses,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "expiration": row.expires_at,
    }
