"""Accounts and workspaces of the installation: who one is, one's tokens and password, making people and workspaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access import passwords, scopes
from flowapp.access.errors import PasswordWrong
from flowapp.access.identity import Identity
from flowapp.access.person import Person
from flowapp.access.policy import Action, missing
from flowapp.access.tokens import new_token
from flowapp.jsontext import loads
from flowapp.store import audit, identities
from flowapp.store.clock import now
from flowapp.store.tables import MemberRow, TokenRow, UserRow, WorkspaceRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.members import email_in, new_user
from flowapp.workspace.stored import ALL, Page, flag_in, moment_in, name_of, required_text, text_in

MAX_TOKENS = 200


class Accounts:
    """Use-cases outside of any workspace. They take the person whose token it is."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database
        self._sessions = context.sessions

    async def whoami(self, person: Person) -> dict[str, Any]:
        """The caller's account."""
        identity = self._ask(person, "account.read")
        row = await self._database.read(lambda c: identities.user(c, person.email))
        if row is None:
            raise missing("user")
        workspaces = await self._database.read(lambda c: identities.workspaces_of(c, person.email))
        operator_only = bool(workspaces) and all(role in ("operator", "viewer") for _, role in workspaces)
        return {**_account(row), "super_admin": identity.super_admin, "operator_only": operator_only}

    # --- tokens -----------------------------------------------------------------------------------------------------

    async def create_token(self, person: Person, body: Mapping[str, Any]) -> str:
        """A new API token: `{"label"?, "expiration"?, "scopes"?, "workspace_id"?, "read_only"?}`.

        It may never do more than the token that asks for it: scopes and workspace are inherited, and what a job makes
        ends with that job.

        Raises:
            BadRequest: a field is wrong, or the new token would be wider.
            ScopeInvalid: a scope has another form.
        """
        self._ask(person, "account.manage")
        wanted = _scopes_in(body)
        if person.scopes is not None:
            if wanted is not None and not set(wanted) <= set(person.scopes):
                raise BadRequest("A token cannot have scopes that the token lacks which makes it.")
            wanted = wanted if wanted is not None else person.scopes
        workspace = text_in(body, "workspace_id", limit=60) or None
        if person.workspace is not None and workspace not in (None, person.workspace):
            raise BadRequest("A token that is made for one workspace cannot make one for another.")
        expires = moment_in(body, "expiration")
        if person.expires_at is not None and (person.scopes is not None or person.workspace is not None):
            expires = min(expires or person.expires_at, person.expires_at)  # a limited token does not outlive itself
        await self._require_few(person)
        return await self._sessions.issue_api_token(
            person.email,
            text_in(body, "label"),
            expires_at=expires,
            workspace=person.workspace or workspace,
            scopes=wanted,
            job=person.job,
            run=person.run,
        )

    async def tokens(self, person: Person, page: Page = ALL) -> list[dict[str, Any]]:
        """The caller's tokens and sessions, newest first, by their first characters."""
        self._ask(person, "account.manage")
        rows = await self._database.read(lambda c: identities.tokens_of(c, person.email, ("api", "session")))
        return [_token(row, person) for row in page.of(rows)]

    async def delete_token(self, person: Person, prefix: str) -> str:
        """Revoke one of the caller's tokens by its first ten characters; at once, on this server.

        Raises:
            NotFound: there is none.
        """
        self._ask(person, "account.manage")

        def work(connection: Connection) -> int:
            gone = len(identities.remove_by_prefix(connection, person.email, prefix))
            if not gone:
                raise missing("token")
            audit.add(connection, workspace="", by=person.username, action="token.delete", target=prefix[:10])
            return gone

        await self._database.write(work)
        self._sessions.people_changed()
        return prefix

    async def end_other_sessions(self, person: Person) -> int:
        """End the caller's sessions but the one that asks; returns how many there were."""
        self._ask(person, "account.manage")
        ended = await self._sessions.revoke_sessions(person.email, but=person.token_hash)

        def work(connection: Connection) -> None:
            detail = f"{ended} others"
            audit.add(
                connection, workspace="", by=person.username, action="session.end", target=person.email, detail=detail
            )

        await self._database.write(work)
        return ended

    async def _require_few(self, person: Person) -> None:
        rows = await self._database.read(lambda c: identities.tokens_of(c, person.email, ("api",)))
        if len([row for row in rows if row.expires_at is None or row.expires_at > now()]) >= MAX_TOKENS:
            raise BadRequest(f"You have {MAX_TOKENS} tokens already.", "Delete some that are not in use.")

    # --- people -----------------------------------------------------------------------------------------------------

    async def set_password(self, person: Person, body: Mapping[str, Any]) -> None:
        """Set one's own password: `{"password", "current"?}`; all one's other sessions end, and links that would open one.

        Where there is a password, `current` must be it: a session or token that was stolen is not enough. A job cannot set
        one, nor can a token with scopes or for one workspace.

        Raises:
            PasswordInvalid: too short or too long.
            BadRequest: a job asks, or a limited token.
            PasswordWrong: `current` is not the present password.
            TooManyAttempts: it was not, too often.
        """
        self._ask(person, "account.manage")
        if person.job:
            raise BadRequest("A job cannot set its person's password.")
        if person.scopes is not None or person.workspace is not None:
            # whoever knows the password signs in without the limits of this token
            raise BadRequest("A limited token cannot set a password.", "Sign in, or use a token without limits.")
        await self._prove_current(person, text_in(body, "current", limit=2000))
        hashed = await passwords.hashed(text_in(body, "password"))

        def work(connection: Connection) -> None:
            identities.change_user(connection, person.email, password=hashed)
            identities.remove_links(connection, person.email)
            audit.add(connection, workspace="", by=person.username, action="user.setpassword", target=person.email)

        await self._database.write(work)
        await self._sessions.revoke_sessions(person.email, but=person.token_hash)

    async def has_password(self, person: Person) -> bool:
        """Whether the caller can sign in by a password."""
        self._ask(person, "account.read")
        row = await self._database.read(lambda c: identities.user(c, person.email))
        return row is not None and row.password is not None

    async def _prove_current(self, person: Person, current: str) -> None:
        row = await self._database.read(lambda c: identities.user(c, person.email))
        if row is None or row.password is None:
            return
        with self._sessions.attempt(f"account {person.email.lower()[:200]}"):
            if not await passwords.matches(current, row.password):
                raise PasswordWrong(
                    "That is not your present password.", "Send it as current; an admin can make a link."
                )

    async def create_user(self, person: Person, body: Mapping[str, Any]) -> str:
        """Make an account: `{"email", "password"?, "username"?, "name"?, "super_admin"?}`; returns the username.

        Raises:
            AlreadyThere: the email or username is taken.
            PasswordInvalid: too short or too long.
        """
        self._ask(person, "instance.manage")
        email = email_in(body)
        password = text_in(body, "password")
        hashed = await passwords.hashed(password) if password else None
        wanted, full_name, super_admin = text_in(body, "username"), text_in(body, "name"), flag_in(body, "super_admin")

        def work(connection: Connection) -> str:
            if identities.user(connection, email) is not None:
                raise AlreadyThere(f"There is already an account for {email}.")
            row = new_user(connection, email, wanted)
            row.name, row.password, row.super_admin = full_name, hashed, super_admin
            identities.add_user(connection, row)
            audit.add(connection, workspace="", by=person.username, action="user.create", target=email)
            return row.username

        return await self._database.write(work)

    async def sign_in_link(self, person: Person, body: Mapping[str, Any]) -> str:
        """The path of a page that signs somebody in once, within a day: `{"username"}`. For super admins.

        Raises:
            NotFound: nobody has that username.
        """
        self._ask(person, "instance.manage")
        username = required_text(body, "username")

        def work(connection: Connection) -> str:
            row = identities.user_named(connection, username)
            if row is None or row.disabled:
                raise missing("user")
            audit.add(connection, workspace="", by=person.username, action="user.link", target=row.email)
            return row.email

        token = await self._sessions.issue_signin_token(await self._database.write(work))
        return f"/signin?token={token}&next=/account"

    async def everybody(self, person: Person, page: Page = ALL) -> list[dict[str, Any]]:
        """All accounts of the installation by email; for super admins."""
        self._ask(person, "instance.manage")
        rows = await self._database.read(identities.all_users)
        return [_account(row) for row in page.of(rows)]

    # --- workspaces -------------------------------------------------------------------------------------------------

    async def workspaces(self, person: Person) -> dict[str, Any]:
        """`{"email", "workspaces": [{"id", "name", "username", …}]}`: the workspaces that the caller is in."""
        self._ask(person, "account.read")
        rows = await self._database.read(lambda c: identities.workspaces_of(c, person.email))
        shown = [
            {
                "id": row.id,
                "name": row.name,
                "username": person.username,
                "owner": "",
                "color": None,
                "is_dev_workspace": False,
                "disabled": False,
                "operator_settings": None,
            }
            for row, _ in rows
            if person.workspace in (None, row.id)
        ]
        return {"email": person.email, "workspaces": shown}

    async def workspace_exists(self, person: Person, workspace_id: Any) -> bool:
        """Whether the caller is in the workspace; for a super admin, whether there is one."""
        identity = self._ask(person, "account.read")
        wanted = workspace_id if isinstance(workspace_id, str) and "\0" not in workspace_id else ""
        if identity.super_admin:
            return await self._database.read(lambda c: identities.workspace(c, wanted)) is not None
        return any(row["id"] == wanted for row in (await self.workspaces(person))["workspaces"])

    async def create_workspace(self, person: Person, body: Mapping[str, Any]) -> str:
        """Make a workspace, with the caller as its admin; returns its id.

        Raises:
            AlreadyThere: the id is taken.
        """
        self._ask(person, "instance.manage")
        workspace_id = name_of(body.get("id"), "workspace")
        name = required_text(body, "name")[:100]

        def work(connection: Connection) -> None:
            if identities.workspace(connection, workspace_id) is not None:
                raise AlreadyThere(f"There is already a workspace {workspace_id}.", "Choose another id.")
            row = WorkspaceRow(id=workspace_id, name=name, key=new_token("api"), created_at=now())
            identities.add_workspace(connection, row)
            member = MemberRow(workspace=workspace_id, email=person.email, role="admin")
            identities.set_member(connection, member)
            audit.add(
                connection, workspace=workspace_id, by=person.username, action="workspace.create", target=workspace_id
            )

        await self._database.write(work)
        self._sessions.rights_changed()
        return workspace_id

    async def names_are_made(self, person: Person) -> bool:
        """Whether usernames are made from emails where none is given. They are."""
        self._ask(person, "account.read")
        return True

    def _ask(self, person: Person, action: Action) -> Identity:
        return guard.account_of(self._sessions, person, action)


def _scopes_in(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    wanted = body.get("scopes")
    if wanted is not None and (not isinstance(wanted, list) or not all(isinstance(item, str) for item in wanted)):
        raise BadRequest("scopes must be a list of texts.", 'Send {"scopes": ["scripts:read"]}.')
    for text in wanted or ():
        scopes.parse(text)
    if flag_in(body, "read_only"):
        if wanted:
            raise BadRequest("A token is read-only, or has scopes, not both.")
        return (scopes.READ_ONLY,)
    return tuple(wanted) if wanted is not None else None


def _account(row: UserRow) -> dict[str, Any]:
    return {
        "email": row.email,
        "username": row.username,
        "name": row.name or None,
        "login_type": "password",
        "super_admin": row.super_admin,
        "verified": True,
        "first_time_user": False,
        "role_source": "manual",
        "disabled": row.disabled,
        "devops": False,
    }


def _token(row: TokenRow, person: Person) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "current": row.hash == person.token_hash,
        "device": row.device,
        "address": row.address,
        "label": row.label or ("session" if row.kind == "session" else ""),
        "token_prefix": row.prefix,
        "created_at": row.created_at,
        "expiration": row.expires_at,
        "last_used_at": row.used_at or row.created_at,
        "scopes": None if row.scopes is None else loads(row.scopes),
        "workspace_id": row.workspace,
        "email": row.email,
    }
