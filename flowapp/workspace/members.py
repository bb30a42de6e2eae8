"""The people of a workspace: who they are, and with which role."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import INSTANCE, ROLES, Identity
from flowapp.access.policy import Action, Target, missing, require, right_at
from flowapp.store import acls, audit, groups, identities, references, run_views
from flowapp.store.clock import now
from flowapp.store.tables import MemberRow, UserRow
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.stored import ALL, Page, enter, flag_in, required_text, text_in

EMAIL = re.compile(r"^[^@\s]{1,100}@[^@\s]{1,150}$")
_USERNAME = re.compile(r"^[A-Za-z][A-Za-z0-9_-]{0,49}$")


class Members:
    """Use-cases about members. All members see each other; admins change who is one."""

    def __init__(self, context: Context) -> None:
        self._database = context.store.database
        self._sessions = context.sessions

    async def whoami(self, identity: Identity) -> dict[str, Any]:
        """The caller in this workspace, with the folders they have a part in."""
        enter(identity)
        row = await self._database.read(lambda c: identities.user(c, identity.email))
        if row is None:
            raise missing("user")
        rights = (
            identity.folders.items() if identity.role != "admin" else [(name, "owner") for name in identity.folders]
        )
        return {
            **_shown(row, identity.role, identity.workspace),
            "is_super_admin": identity.super_admin,
            "groups": sorted(identity.groups),
            "folders": sorted(name for name, right in rights if right in ("write", "owner")),
            "folders_read": sorted(name for name, right in rights if right != "none"),
            "folders_owners": sorted(name for name, right in rights if right == "owner"),
        }

    async def listing(self, identity: Identity, page: Page = ALL) -> list[dict[str, Any]]:
        """All members by username, with when each was last here (to a few minutes, None for never)."""
        _ask(identity, "member.read")
        rows, seen = await self._database.read(
            lambda c: (identities.members(c, identity.workspace), identities.seen(c, identity.workspace))
        )
        return [
            {**_shown(row, role, identity.workspace), "last_seen": seen.get(row.email)} for row, role in page.of(rows)
        ]

    async def get(self, identity: Identity, username: str) -> dict[str, Any]:
        """One member.

        Raises:
            NotFound: nobody of that name is a member.
        """
        _ask(identity, "member.read")
        return _shown(*await self._database.read(lambda c: _found(c, identity.workspace, username)), identity.workspace)

    async def email_of(self, identity: Identity, username: str) -> str:
        """A member's email.

        Raises:
            NotFound: nobody of that name is a member.
        """
        return str((await self.get(identity, username))["email"])

    async def exists(self, identity: Identity, username: Any) -> bool:
        """Whether a member has that username."""
        _ask(identity, "member.read")
        wanted = username if isinstance(username, str) and "\0" not in username else ""
        return await self._database.read(lambda c: identities.member_named(c, identity.workspace, wanted)) is not None

    async def owns(self, identity: Identity, path: str) -> bool:
        """Whether what has that path is the caller's own."""
        enter(identity)
        return right_at(identity, path) == "owner"

    async def add(self, identity: Identity, body: Mapping[str, Any]) -> str:
        """Make somebody a member: `{"email", "username"?, "is_admin"?, "operator"?, "role"?}`. Returns the username.

        Somebody whom nobody knows yet gets an account, without a password: see `welcome`.

        Raises:
            AlreadyThere: they are a member, or another person has the username.
            BadRequest: not an email or username, or nobody has confirmed that the email is that person's.
        """
        username, _ = await self._add(identity, body)
        return username

    async def welcome(self, identity: Identity, body: Mapping[str, Any]) -> tuple[str, str]:
        """`add`, and for whom nobody knew yet the path of a page that signs them in once, within a day, to set a password.

        Nobody else gets one: a link for an account that was there already would let an admin of one workspace be that person.

        Returns:
            Username and path; the path is "" for somebody who has an account.
        """
        username, made = await self._add(identity, body)
        if not made:
            return username, ""
        token = await self._sessions.issue_signin_token(email_in(body))
        return username, f"/signin?token={token}&next=/account"

    async def _add(self, identity: Identity, body: Mapping[str, Any]) -> tuple[str, bool]:
        _ask(identity, "member.manage")
        email, role = email_in(body), role_in(body)
        wanted = text_in(body, "username", limit=60)

        def work(connection: Connection) -> tuple[str, bool]:
            identities.lock_workspace(connection, identity.workspace)
            row = identities.user(connection, email)
            made = row is None
            if row is None:
                row = new_user(connection, email, wanted)
                identities.add_user(connection, row)
                _audited(connection, replace(identity, workspace=INSTANCE), "user.create", email)
            elif row.claimed and identities.role(connection, identity.workspace, email) is None:
                raise BadRequest(
                    f"The account of {email} was made with an open invitation, so nobody knows whether the address is theirs.",
                    "Send the person an invitation link instead.",
                )
            elif wanted and wanted != row.username:
                raise AlreadyThere(f"{email} has the username {row.username} already.", "Leave username out.")
            if identities.role(connection, identity.workspace, email) is not None:
                raise AlreadyThere(f"{email} is a member already.", "Change the role instead.")
            identities.set_member(connection, MemberRow(workspace=identity.workspace, email=email, role=role))
            _audited(connection, identity, "member.add", row.username, role)
            return row.username, made

        added = await self._database.write(work)
        self._sessions.rights_changed()
        return added

    async def update(self, identity: Identity, username: str, body: Mapping[str, Any]) -> None:
        """Give a member another role.

        Raises:
            NotFound: nobody of that name is a member.
            BadRequest: the workspace would have no admin.
        """
        _ask(identity, "member.manage")
        if flag_in(body, "disabled"):
            raise BadRequest("A member cannot be disabled in one workspace.", "Take the person out of the workspace.")

        def work(connection: Connection) -> None:
            identities.lock_workspace(connection, identity.workspace)
            row, before = _found(connection, identity.workspace, username)
            role = role_in(body, before)
            keep_an_admin(connection, identity.workspace, row.email, role)
            identities.set_member(connection, MemberRow(workspace=identity.workspace, email=row.email, role=role))
            _audited(connection, identity, "member.update", username, role)

        await self._database.write(work)
        self._sessions.rights_changed()

    async def holdings(self, identity: Identity, username: str) -> list[str]:
        """What is somebody's in the workspace: looked at before they are taken out of it.

        Raises:
            NotFound: nobody of that name is a member.
            BadRequest: they are the last admin.
        """
        _ask(identity, "member.manage")

        def read(connection: Connection) -> list[str]:
            row, _ = _found(connection, identity.workspace, username)
            keep_an_admin(connection, identity.workspace, row.email, "none")
            return references.of_member(connection, identity.workspace, username)

        return await self._database.read(read)

    async def remove(self, identity: Identity, username: str) -> None:
        """Take somebody out of the workspace and its groups; what they made stays.

        Raises:
            NotFound: nobody of that name is a member.
            BadRequest: the workspace would have no admin.
        """
        _ask(identity, "member.manage")

        def work(connection: Connection) -> None:
            identities.lock_workspace(connection, identity.workspace)
            row, _ = _found(connection, identity.workspace, username)
            keep_an_admin(connection, identity.workspace, row.email, "none")
            identities.remove_member(connection, identity.workspace, row.email)
            groups.remove_everywhere(connection, identity.workspace, username)
            acls.forget_person(connection, identity.workspace, f"u/{username}")
            run_views.remove_private(connection, identity.workspace, username)
            _audited(connection, identity, "member.remove", username)

        await self._database.write(work)
        self._sessions.rights_changed()


def email_in(body: Mapping[str, Any]) -> str:
    """The email of a body.

    Raises:
        BadRequest: it is none.
    """
    email = required_text(body, "email").strip()
    if not EMAIL.match(email):
        raise BadRequest(f"{email[:80]!r} is not an email address.")
    return email


def new_user(connection: Connection, email: str, username: str = "") -> UserRow:
    """A person to insert, with the username given, or one made of the email that nobody has.

    Raises:
        AlreadyThere: another person has the username.
        BadRequest: it cannot be one.
    """
    if username and not _USERNAME.match(username):
        raise BadRequest(f"{username[:60]!r} cannot be a username.", "Begin with a letter; letters, digits, _ and -.")
    if username and identities.user_named(connection, username) is not None:
        raise AlreadyThere(f"The username {username} is taken.", "Choose another one.")
    base = re.sub(r"[^A-Za-z0-9_-]", "_", email.partition("@")[0])[:40].lstrip("_-0123456789") or "user"
    found, number = username or base, 2
    while not username and identities.user_named(connection, found) is not None:
        found, number = f"{base}_{number}", number + 1
    return UserRow(email=email, username=found, created_at=now())


def _ask(identity: Identity, action: Action) -> None:
    enter(identity)
    require(identity, action, Target(identity.workspace, "user"))


def _found(connection: Connection, workspace: str, username: str) -> tuple[UserRow, str]:
    row = identities.user_named(connection, username)
    role = identities.role(connection, workspace, row.email) if row is not None else None
    if row is None or role is None:
        raise missing("user")
    return row, role


def role_in(body: Mapping[str, Any], default: str = "developer") -> str:
    """The role of a body: `role`, or Windmill's `is_admin` and `operator`.

    Raises:
        BadRequest: there is no such role.
    """
    role = text_in(body, "role", limit=20)
    if role:
        if role not in ROLES:
            raise BadRequest(f"There is no role {role!r}.", f"Use one of {', '.join(ROLES)}.")
        return role
    if body.get("is_admin") is None and body.get("operator") is None:
        return default
    if flag_in(body, "is_admin"):
        return "admin"
    if flag_in(body, "operator"):
        return "operator"
    return "developer" if default in ("admin", "operator") else default


def keep_an_admin(connection: Connection, workspace: str, email: str, role: str) -> None:
    """Refuse a change of somebody's role that leaves the workspace without an admin.

    Raises:
        BadRequest: it does.
    """
    admins = {user.email for user, known in identities.members(connection, workspace) if known == "admin"}
    if role != "admin" and admins == {email}:
        raise BadRequest(
            "This is the last admin, and a workspace has at least one.", "Make somebody else an admin first."
        )


def _audited(connection: Connection, identity: Identity, action: str, username: str, detail: str = "") -> None:
    audit.add(
        connection, workspace=identity.workspace, by=identity.username, action=action, target=username, detail=detail
    )


def _shown(row: UserRow, role: str, workspace: str) -> dict[str, Any]:
    return {
        "workspace_id": workspace,
        "email": row.email,
        "username": row.username,
        "name": row.name or None,
        "role": role,
        "is_admin": role == "admin",
        "operator": role in ("operator", "viewer"),
        "is_super_admin": row.super_admin,
        "created_at": row.created_at,
        "disabled": row.disabled,
    }
