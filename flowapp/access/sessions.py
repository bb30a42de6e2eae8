"""Signing in, and finding out who sent a request.

A session or API token is looked up by its hash. Answers are remembered for a few seconds, so that a page's burst of
requests asks the database once; revoking forgets at once.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Connection

from flowapp.access.errors import SignInFailed
from flowapp.access.identity import ROLES, Identity
from flowapp.access.limits import AttemptLimiter
from flowapp.access.tokens import hash_token, new_token, same_token
from flowapp.store import audit, identities
from flowapp.store.clock import now, text_of
from flowapp.store.database import Database
from flowapp.store.tables import MemberRow, TokenRow, UserRow, WorkspaceRow

SESSION_DAYS = 30
SIGNIN_HOURS = 24
FIRST_WORKSPACE = "main"
ADMIN_EMAIL = "admin@flowapp.local"
ADMIN_NAME = "admin"
_REMEMBER_S = 5.0
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Person:
    """Who a token belongs to, before any workspace is named."""

    email: str
    username: str
    token_hash: str


class Sessions:
    """Tokens and sessions of one database. `admin_token` (FLOWAPP_TOKEN) signs the first admin in and is their API token."""

    def __init__(self, database: Database, admin_token: str = "") -> None:
        self._database = database
        self._admin_token = admin_token
        self._limiter = AttemptLimiter()
        self._people: OrderedDict[str, tuple[float, Person]] = OrderedDict()
        self._identities: OrderedDict[tuple[str, str], tuple[float, Identity]] = OrderedDict()

    async def ensure_first(self) -> None:
        """Create the workspace `main` and its admin on first start."""

        def work(connection: Connection) -> None:
            at = now()
            identities.remove_expired(connection, at)
            if identities.workspace(connection, FIRST_WORKSPACE) is None:
                row = WorkspaceRow(id=FIRST_WORKSPACE, name="Main", key=new_token("api"), created_at=at)
                identities.add_workspace(connection, row)
            if identities.user(connection, ADMIN_EMAIL) is None:
                admin = UserRow(email=ADMIN_EMAIL, username=ADMIN_NAME, super_admin=True, created_at=at)
                identities.add_user(connection, admin)
                member = MemberRow(workspace=FIRST_WORKSPACE, email=ADMIN_EMAIL, role="admin")
                identities.set_member(connection, member)

        await self._database.write(work)

    async def check(self) -> None:
        """Raise unless the database answers."""
        await self._database.read(lambda connection: identities.workspace(connection, FIRST_WORKSPACE))

    async def issue_signin_token(self, email: str = ADMIN_EMAIL) -> str:
        """A one-time token for `/signin?token=…`, valid for 24 hours."""
        token = new_token("signin")
        await self._add(token, "signin", email, timedelta(hours=SIGNIN_HOURS))
        return token

    async def issue_api_token(self, email: str, label: str) -> str:
        """A token for programs; it does not expire by itself."""
        token = new_token("api")
        await self._add(token, "api", email, None, label)
        return token

    async def sign_in(self, token: str, address: str) -> str:
        """Exchange a sign-in token (one-time, or FLOWAPP_TOKEN) for a session token.

        Raises:
            SignInFailed: the token is unknown, spent or expired.
            TooManyAttempts: too many failures from this address.
        """
        self._limiter.check(address)
        email = ADMIN_EMAIL if same_token(token, self._admin_token) else await self._spend(token)
        if email is None:
            self._limiter.failed(address)
            raise SignInFailed(
                "This sign-in token is not valid.",
                "It may have been used already or be out of date. The server prints a new link when it starts.",
            )
        self._limiter.succeeded(address)
        session = new_token("session")
        await self._add(session, "session", email, timedelta(days=SESSION_DAYS), address=address)
        return session

    async def sign_out(self, token: str) -> None:
        """Revoke one session."""
        digest = hash_token(token)
        self._people.pop(digest, None)
        await self._database.write(lambda connection: identities.remove_token(connection, digest))

    async def revoke_sessions(self, email: str) -> int:
        """Revoke all sessions of a person; returns how many there were."""
        hashes = await self._database.write(lambda connection: identities.remove_sessions(connection, email))
        for digest in hashes:
            self._people.pop(digest, None)
        return len(hashes)

    async def person(self, token: str) -> Person | None:
        """Who a session or API token belongs to; None when it is not valid."""
        if same_token(token, self._admin_token):
            return Person(ADMIN_EMAIL, ADMIN_NAME, "")
        digest = hash_token(token)
        known = self._people.get(digest)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        row = await self._database.read(
            lambda connection: identities.valid_token(connection, digest, ("session", "api"), now())
        )
        if row is None:
            self._people.pop(digest, None)
            return None
        person = Person(str(row["email"]), str(row["username"]), digest)
        self._people[digest] = (time.monotonic() + _REMEMBER_S, person)
        while len(self._people) > _REMEMBERED:
            self._people.popitem(last=False)
        return person

    async def identity(self, person: Person, workspace: str) -> Identity:
        """The person in a workspace; with role "none" (who may do nothing) where they are no member."""
        key = (person.email, workspace)
        known = self._identities.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        role = await self._database.read(lambda connection: identities.role(connection, workspace, person.email))
        valid = next((name for name in ROLES if name == role), None)
        identity = Identity(workspace, person.email, person.username, valid or "none")
        self._identities[key] = (time.monotonic() + _REMEMBER_S, identity)
        while len(self._identities) > _REMEMBERED:
            self._identities.popitem(last=False)
        return identity

    async def identity_named(self, username: str, workspace: str) -> Identity:
        """The present identity of a username, for what runs on somebody's behalf; role "none" when they have left."""
        found = await self._database.read(lambda connection: identities.member_named(connection, workspace, username))
        email, role = found or ("", "")
        return Identity(workspace, email, username, next((name for name in ROLES if name == role), "none"))

    async def _spend(self, token: str) -> str | None:
        digest = hash_token(token)
        return await self._database.write(lambda connection: identities.use_once(connection, digest, now()))

    async def _add(
        self, token: str, kind: str, email: str, lifetime: timedelta | None, label: str = "", address: str = ""
    ) -> None:
        expires = None if lifetime is None else text_of(datetime.now(UTC) + lifetime)
        row = TokenRow(
            hash=hash_token(token), kind=kind, email=email, label=label, created_at=now(), expires_at=expires
        )

        def work(connection: Connection) -> None:
            identities.add_token(connection, row)
            if kind != "signin":
                action = "session.open" if kind == "session" else "token.create"
                audit.add(
                    connection, workspace="", by=email, action=action, target=email, detail=label, address=address
                )

        await self._database.write(work)
