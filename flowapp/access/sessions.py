"""Signing in, and finding out who sent a request.

A session or API token is looked up by its hash. Answers are remembered for a few seconds, so that a page's burst of
requests asks the database once; revoking forgets at once.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Connection

from flowapp.access import passwords
from flowapp.access.errors import SignInFailed
from flowapp.access.identity import INSTANCE, Identity
from flowapp.access.job_tokens import PREFIX as JOB_PREFIX
from flowapp.access.job_tokens import JobTokens
from flowapp.access.limits import AttemptLimiter
from flowapp.access.members import identity_with
from flowapp.access.noting import Noting
from flowapp.access.person import SESSION_DAYS, Person, person_of
from flowapp.access.tokens import SHOWN, TokenKind, hash_token, new_token, same_token
from flowapp.jsontext import dumps
from flowapp.store import audit, identities, invitations, shared_links
from flowapp.store.clock import now, text_of
from flowapp.store.database import Database
from flowapp.store.tables import MemberRow, TokenRow, UserRow, WorkspaceRow

SIGNIN_HOURS = 24
FIRST_WORKSPACE = "main"
ADMIN_EMAIL = "admin@flowapp.local"
ADMIN_NAME = "admin"
_REMEMBER_S = 5.0
_REMEMBERED = 1024


class Sessions:
    """Tokens and sessions of one database. `admin_token` (FLOWAPP_TOKEN) signs the first admin in and is their API token."""

    def __init__(self, database: Database, admin_token: str = "") -> None:
        self._database = database
        self._admin_token = admin_token
        self._limiter = AttemptLimiter()
        self._noting = Noting(database)
        self.job_tokens = JobTokens(database)
        self._people: OrderedDict[str, tuple[float, Person]] = OrderedDict()
        self._identities: OrderedDict[tuple[str, str], tuple[float, Identity]] = OrderedDict()

    async def ensure_first(self) -> None:
        """Create the workspace `main` and its admin on first start."""

        def work(connection: Connection) -> None:
            at = now()
            identities.remove_expired(connection, at)
            invitations.remove_spent(connection, at)
            shared_links.remove_expired(connection, at)
            # several servers may start at once: whoever comes second finds the rows there
            row = WorkspaceRow(id=FIRST_WORKSPACE, name="Main", key=new_token("api"), created_at=at)
            identities.add_workspace_unless_there(connection, row)
            admin = UserRow(email=ADMIN_EMAIL, username=ADMIN_NAME, super_admin=True, created_at=at)
            if identities.add_user_unless_there(connection, admin):
                member = MemberRow(workspace=FIRST_WORKSPACE, email=ADMIN_EMAIL, role="admin")
                identities.set_member(connection, member)

        await self._database.write(work)

    async def check(self) -> None:
        """Raise unless the database answers."""
        await self._database.read(lambda connection: identities.workspace(connection, FIRST_WORKSPACE))

    async def issue_signin_token(self, email: str = ADMIN_EMAIL) -> str:
        """A one-time token for `/signin?token=…`, valid for 24 hours."""
        token = new_token("signin")
        await self._add(token, "signin", email, expires=text_of(datetime.now(UTC) + timedelta(hours=SIGNIN_HOURS)))
        return token

    async def issue_api_token(
        self,
        email: str,
        label: str,
        *,
        expires_at: str | None = None,
        workspace: str | None = None,
        scopes: tuple[str, ...] | None = None,
        job: str = "",
        run: str = "",
        by: str = "",
    ) -> str:
        """A token for programs. Without `expires_at` (stored text) it does not expire by itself.

        With `job` and `run` it dies with that job: what a job hands out must not outlive it. `by` is who made it, if that
        is not the person.
        """
        token = new_token("api")
        limited = dumps(list(scopes)) if scopes is not None else None
        bound = f"{run}/{job}" if job else None
        await self._add(
            token, "api", email, label=label, expires=expires_at, workspace=workspace, scopes=limited, job=bound, by=by
        )
        return token

    async def sign_in(self, token: str, address: str, device: str = "") -> str:
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
        return await self.open(email, address, device)

    async def log_in(self, email: str, password: str, address: str, device: str = "") -> str:
        """Exchange email and password for a session token.

        Attempts are limited by address and by account: neither many passwords for one account nor one for many get far.

        Raises:
            SignInFailed: no such person, no password set, a wrong one, or the person is disabled; which is not told.
            TooManyAttempts: too many failures from this address or for this account.
        """
        email = await self.prove(email, password, address)
        return await self.open(email, address, device)

    async def prove(self, email: str, password: str, address: str) -> str:
        """The email as it is stored, of somebody who knows its password; limited and refused as `log_in` is."""
        email = email.strip().replace("\0", "")  # no database takes one, and no email has one
        with self.attempt(address, f"account {email.lower()[:200]}"):
            row = await self._database.read(lambda connection: identities.user(connection, email))
            stored = row.password if row is not None and not row.disabled else None
            if not await passwords.matches(password, stored):
                raise SignInFailed("Email or password is wrong.", "Ask an admin for a new link if you forgot it.")
            return email

    @contextmanager
    def attempt(self, *keys: str) -> Iterator[None]:
        """Something that may be tried a few times a minute only. It counts as failed unless the block ends without an error.

        Raises:
            TooManyAttempts: too many failures of one of the keys.
        """
        for key in keys:
            self._limiter.check(key)
        # counted before the outcome is known: many attempts at once must not all pass before the first has failed
        for key in keys:
            self._limiter.failed(key)
        yield
        for key in keys:
            self._limiter.succeeded(key)
            self._limiter.taken_back()

    async def sign_out(self, token: str) -> None:
        """Revoke one session."""
        digest = hash_token(token)
        self._people.pop(digest, None)

        def work(connection: Connection) -> None:
            row = identities.valid_token(connection, digest, ("session",), now())
            if identities.remove_token(connection, digest) and row is not None:
                by, email = str(row["username"]), str(row["email"])
                audit.add(connection, workspace="", by=by, action="session.close", target=email)

        await self._database.write(work)

    async def revoke_sessions(self, email: str, *, but: str = "") -> int:
        """Revoke all sessions of a person; returns how many there were.

        Args:
            email: whose.
            but: the hash of a session that stays.
        """
        hashes = await self._database.write(lambda connection: identities.remove_sessions(connection, email, but=but))
        for digest in hashes:
            self._people.pop(digest, None)
        return len(hashes)

    async def person(self, token: str) -> Person | None:
        """Who a session, API or job token belongs to; None when it is not valid."""
        if same_token(token, self._admin_token):
            return Person(ADMIN_EMAIL, ADMIN_NAME, "", super_admin=True)
        if token.startswith(JOB_PREFIX):
            return await self._person_of_job(token)
        digest = hash_token(token)
        known = self._people.get(digest)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        row = await self._database.read(
            lambda connection: identities.valid_token(connection, digest, ("session", "api"), now())
        )
        person = None if row is None else person_of(row, digest)
        if person is None or (person.job and not await self._job_lives(person)):
            self._people.pop(digest, None)
            return None
        await self._noting.used(digest)
        if not person.job:  # whether a job lives is asked each time
            self._people[digest] = (time.monotonic() + _REMEMBER_S, person)
        while len(self._people) > _REMEMBERED:
            self._people.popitem(last=False)
        return person

    async def identity(self, person: Person, workspace: str) -> Identity:
        """The person in a workspace; with role "none" (who may do nothing) where they are no member, or their token is not
        for this workspace.
        """
        if person.workspace is not None and person.workspace != workspace:
            return Identity(workspace, person.email, person.username, "none")
        key = (person.email, workspace)
        known = self._identities.get(key)
        if known is None or known[0] <= time.monotonic():

            def work(connection: Connection) -> Identity:
                role = identities.role(connection, workspace, person.email)
                return identity_with(connection, workspace, person.email, person.username, role)

            known = (time.monotonic() + _REMEMBER_S, await self._database.read(work))
            self._identities[key] = known
            while len(self._identities) > _REMEMBERED:
                self._identities.popitem(last=False)
            if known[1].role != "none" and not person.job:
                await self._noting.seen(workspace, person.email)
        over = _over_all(person)
        return replace(known[1], scopes=person.scopes, job=person.job, run=person.run, super_admin=over)

    def account(self, person: Person) -> Identity:
        """The person in no workspace: for questions about their own account and the installation."""
        return Identity(
            INSTANCE,
            person.email,
            person.username,
            "viewer",
            scopes=person.scopes,
            job=person.job,
            super_admin=_over_all(person),
        )

    async def identity_named(self, username: str, workspace: str, job: str = "") -> Identity:
        """The present identity of a username, for what runs on somebody's behalf; role "none" when they have left."""

        def work(connection: Connection) -> Identity:
            found = identities.member_named(connection, workspace, username)
            email, role = found or ("", None)
            return identity_with(connection, workspace, email, username, role)

        return replace(await self._database.read(work), job=job)

    def rights_changed(self) -> None:
        """Memberships, groups or folders have changed: nobody's rights are remembered any more."""
        self._identities.clear()

    def people_changed(self) -> None:
        """Tokens or people have changed: no token is remembered any more."""
        self._people.clear()

    async def _person_of_job(self, token: str) -> Person | None:
        claims = await self.job_tokens.claims(token)
        if claims is None:
            return None
        found = await self._database.read(lambda c: identities.member_named(c, claims.workspace, claims.username))
        if found is None:
            return None
        return Person(found[0], claims.username, "", workspace=claims.workspace, job=claims.job, run=claims.run)

    async def _job_lives(self, person: Person) -> bool:
        return await self._database.read(lambda connection: identities.job_lives(connection, person.run, person.job))

    async def open(self, email: str, address: str, device: str = "") -> str:
        """A session of somebody who has proved who they are; the token.

        Args:
            email: whose.
            address: where they are.
            device: their browser, in words.
        """
        session = new_token("session")
        expires = text_of(datetime.now(UTC) + timedelta(days=SESSION_DAYS))
        await self._add(session, "session", email, expires=expires, address=address, device=device)
        return session

    async def _spend(self, token: str) -> str | None:
        digest = hash_token(token)
        return await self._database.write(lambda connection: identities.use_once(connection, digest, now()))

    async def _add(
        self,
        token: str,
        kind: TokenKind,
        email: str,
        *,
        expires: str | None,
        label: str = "",
        address: str = "",
        device: str = "",
        workspace: str | None = None,
        scopes: str | None = None,
        job: str | None = None,
        by: str = "",
    ) -> None:
        row = TokenRow(
            hash=hash_token(token),
            kind=kind,
            email=email,
            label=label[:200],
            created_at=now(),
            expires_at=expires,
            prefix=token[:SHOWN],
            workspace=workspace,
            scopes=scopes,
            job=job,
            address=address[:100],
            device=device[:100],
        )

        def work(connection: Connection) -> None:
            identities.add_token(connection, row)
            if kind != "signin":
                action = "session.open" if kind == "session" else "token.create"
                user = identities.user(connection, email)
                audit.add(
                    connection,
                    workspace=workspace or "",
                    by=by or (user.username if user is not None else email),
                    action=action,
                    target=email,
                    detail=row.label,
                    address=address,
                )

        await self._database.write(work)


def _over_all(person: Person) -> bool:
    """Whether a person asks as an admin of the installation: a token that is made for one workspace says nothing about it."""
    return person.super_admin and person.workspace is None
