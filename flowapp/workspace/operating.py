"""What whoever operates the machine does with people and tokens, on the command line and without a server.

No policy is asked: who can read the data folder and the database could do all of this by hand, and must be able to when no admin
can sign in any more. The audit trail says that it was the command line. A running server notices within seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Connection

from flowapp.access import passwords, scopes
from flowapp.access.identity import ROLES
from flowapp.access.sessions import Sessions
from flowapp.store import audit, identities
from flowapp.store.clock import text_of
from flowapp.store.database import Database
from flowapp.store.tables import MemberRow, TokenRow, UserRow
from flowapp.workspace.errors import AlreadyThere, BadRequest, NotStored
from flowapp.workspace.members import email_in, keep_an_admin, new_user

BY = "command line"


@dataclass(frozen=True, slots=True)
class Account:
    """A person, with their role by workspace."""

    row: UserRow
    roles: dict[str, str]


class Operating:
    """The use-cases. People are named by email or username."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sessions = Sessions(database)

    async def people(self) -> list[Account]:
        """Everybody, by email."""

        def work(connection: Connection) -> list[Account]:
            return [
                Account(row, {place.id: role for place, role in identities.workspaces_of(connection, row.email)})
                for row in identities.all_users(connection)
            ]

        return await self._database.read(work)

    async def add(
        self,
        email: str,
        *,
        username: str = "",
        password: str = "",
        role: str,
        workspace: str,
        super_admin: bool = False,
    ) -> str:
        """Make an account that is a member of a workspace; returns the username.

        Raises:
            AlreadyThere: the email or username is taken.
            BadRequest: not an email, username or role.
            NotStored: there is no such workspace.
            PasswordInvalid: too short or too long.
        """
        email = email_in({"email": email})
        _require_role(role)
        hashed = await passwords.hashed(password) if password else None

        def work(connection: Connection) -> str:
            _require_workspace(connection, workspace)
            if identities.user(connection, email) is not None:
                raise AlreadyThere(f"There is already an account for {email}.", "Change it with `user set-role`.")
            row = new_user(connection, email, username)
            row.password, row.super_admin = hashed, super_admin
            identities.add_user(connection, row)
            identities.set_member(connection, MemberRow(workspace=workspace, email=email, role=role))
            _audited(connection, "user.create", email, role, workspace)
            return row.username

        return await self._database.write(work)

    async def set_password(self, who: str, password: str) -> None:
        """Set a password; all sessions of the person end.

        Raises:
            NotStored: there is no such person.
            PasswordInvalid: too short or too long.
        """
        hashed = await passwords.hashed(password)

        def work(connection: Connection) -> None:
            email = _found(connection, who).email
            identities.change_user(connection, email, password=hashed)
            identities.remove_sessions(connection, email)
            _audited(connection, "user.setpassword", email)

        await self._database.write(work)

    async def set_role(self, who: str, role: str, workspace: str) -> None:
        """Give a person a role in a workspace, which also makes them a member.

        Raises:
            NotStored: there is no such person or workspace.
            BadRequest: there is no such role, or the workspace would have no admin.
        """
        _require_role(role)

        def work(connection: Connection) -> None:
            identities.lock_workspace(connection, workspace)
            _require_workspace(connection, workspace)
            email = _found(connection, who).email
            keep_an_admin(connection, workspace, email, role)
            identities.set_member(connection, MemberRow(workspace=workspace, email=email, role=role))
            _audited(connection, "member.update", email, role, workspace)

        await self._database.write(work)

    async def set_disabled(self, who: str, *, disabled: bool) -> None:
        """Keep somebody out (their sessions end, their tokens rest), or let them in again.

        Raises:
            NotStored: there is no such person.
            BadRequest: nobody would be left who is a super admin.
        """

        def work(connection: Connection) -> None:
            row = _found(connection, who)
            others = [user for user in identities.all_users(connection) if user.email != row.email]
            if disabled and row.super_admin and not any(user.super_admin and not user.disabled for user in others):
                raise BadRequest(f"{row.email} is the only super admin.", "Add another one first.")
            identities.change_user(connection, row.email, disabled=disabled)
            if disabled:
                identities.remove_sessions(connection, row.email)
            _audited(connection, "user.disable" if disabled else "user.enable", row.email)

        await self._database.write(work)

    async def sign_in_token(self, who: str) -> str:
        """A token for `/signin?token=…` that signs the person in once, within 24 hours.

        Raises:
            NotStored: there is no such person.
            BadRequest: the person is disabled.
        """

        def work(connection: Connection) -> str:
            row = _found(connection, who)
            if row.disabled:
                raise BadRequest(f"{row.email} is disabled.", "Let them in again with `user enable`.")
            _audited(connection, "user.signinlink", row.email)
            return row.email

        return await self._sessions.issue_signin_token(await self._database.write(work))

    # --- tokens -----------------------------------------------------------------------------------------------------

    async def create_token(
        self, who: str, label: str, *, days: int | None = None, workspace: str = "", wanted: Sequence[str] = ()
    ) -> str:
        """An API token of a person, without an end if `days` is None, for all their workspaces if none is named.

        Raises:
            NotStored: there is no such person or workspace.
            ScopeInvalid: a scope has another form.
        """
        for text in wanted:
            scopes.parse(text)

        def work(connection: Connection) -> str:
            if workspace:
                _require_workspace(connection, workspace)
            return _found(connection, who).email

        email = await self._database.read(work)
        expires = text_of(datetime.now(UTC) + timedelta(days=days)) if days is not None else None
        return await self._sessions.issue_api_token(
            email, label, expires_at=expires, workspace=workspace or None, scopes=tuple(wanted) or None, by=BY
        )

    async def tokens(self, who: str = "") -> list[TokenRow]:
        """The API tokens of a person, or of everybody; newest first for each person. Those of jobs are left out."""

        def work(connection: Connection) -> list[TokenRow]:
            rows = [_found(connection, who)] if who else identities.all_users(connection)
            found = [token for row in rows for token in identities.tokens_of(connection, row.email, ("api",))]
            return [token for token in found if not token.job]

        return await self._database.read(work)

    async def revoke_token(self, prefix: str) -> str:
        """Revoke the one token that begins so; returns whose it was.

        Raises:
            NotStored: there is none.
            BadRequest: several begin so.
        """

        def work(connection: Connection) -> str:
            found = [
                token
                for row in identities.all_users(connection)
                for token in identities.tokens_of(connection, row.email, ("api",))
                if prefix and token.prefix.startswith(prefix[: len(token.prefix)])
            ]
            if len(found) != 1:
                if found:
                    raise BadRequest(f"{len(found)} tokens begin with {prefix}.", "Say more of it.")
                raise NotStored(f"There is no token that begins with {prefix}.", "`flowapp token list` shows them.")
            identities.remove_token(connection, found[0].hash)
            _audited(connection, "token.delete", found[0].prefix)
            return found[0].email

        return await self._database.write(work)


def _found(connection: Connection, who: str) -> UserRow:
    row = identities.user(connection, who) or identities.user_named(connection, who)
    if row is None:
        raise NotStored(f"There is nobody {who!r}.", "`flowapp user list` shows everybody.")
    return row


def _require_workspace(connection: Connection, workspace: str) -> None:
    if identities.workspace(connection, workspace) is None:
        known = ", ".join(row.id for row in identities.all_workspaces(connection))
        raise NotStored(f"There is no workspace {workspace!r}.", f"There are: {known}.")


def _require_role(role: str) -> None:
    if role not in ROLES:
        raise BadRequest(f"There is no role {role!r}.", f"Use one of {', '.join(ROLES)}.")


def _audited(connection: Connection, action: str, target: str, detail: str = "", workspace: str = "") -> None:
    audit.add(connection, workspace=workspace, by=BY, action=action, target=target, detail=detail)
