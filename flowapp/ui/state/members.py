"""The page People: who is in the workspace with which role, and the links by which others may join."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import reflex as rx

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.access.policy import Target
from flowapp.ui import services
from flowapp.ui.state.dialogs import DialogState
from flowapp.workspace import guard
from flowapp.workspace.errors import BadRequest

#: What the page offers: how long an invitation is good for, in days.
DAYS = (1, 7, 30, 90)


@dataclasses.dataclass
class MemberLine:
    """A member of the list. `seen_at` is "" for somebody who never was here."""

    username: str
    title: str
    email: str
    role: str
    seen_at: str


@dataclasses.dataclass
class InvitationLine:
    """An open invitation of the list."""

    name: str
    title: str
    note: str
    expires_at: str


class MembersState(DialogState, rx.State):
    """The members. `mine`: the person may change who is one; `over`: they run the installation. `link` is shown once."""

    members: rx.Field[list[MemberLine]] = rx.field(default_factory=list)
    mine: bool = False
    over: bool = False
    email: str = ""
    role: str = "developer"
    link: str = ""

    @rx.event
    async def edit(self, username: str) -> Any:
        """Open the dialog: for somebody new where `username` is ""."""

        async def work(who: Identity) -> None:
            found: dict[str, Any] = {"email": "", "role": "developer"}
            if username:
                found = await services.workspace().members.get(who, username)
            self.original, self.error = username, ""
            self.email, self.role = str(found["email"]), str(found["role"])
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    @rx.event
    async def make_link(self, username: str) -> Any:
        """A link that signs somebody in once, for who has lost their password."""

        async def work(_: Identity) -> None:
            path = await services.workspace().accounts.sign_in_link(await self._person(), {"username": username})
            self.editing, self.link = False, self._address(path)
            self._opens_dialog()

        return await self._as_person(work)

    @rx.event
    def close_link(self, opened: bool) -> None:
        """The link has been copied; it is not shown again."""
        if not opened:
            self.link = ""

    async def _read(self, who: Identity) -> None:
        found = await services.workspace().members.listing(who)
        self.members = [member_line(one) for one in found]
        self.mine = guard.may(who, "member.manage", Target(who.workspace, "user"))
        self.over = who.super_admin
        if self._has_old_dialog():
            self.link = ""
        self.loaded = True

    async def _users(self, who: Identity, name: str) -> list[str]:
        return await services.workspace().members.holdings(who, name)

    async def _store(self, who: Identity, form: Mapping[str, str]) -> None:
        members = services.workspace().members
        if self.original:
            await members.update(who, self.original, {"role": form.get("role", "")})
            return
        body = {"email": form.get("email", ""), "role": form.get("role", "")}
        _, path = await members.welcome(who, body)
        self.link = self._address(path) if path else ""

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().members.remove(who, name)


class InvitationsState(DialogState, rx.State):
    """The links that still let somebody in, for admins. `link` is the new one's address, shown once."""

    invitations: rx.Field[list[InvitationLine]] = rx.field(default_factory=list)
    mine: bool = False
    link: str = ""

    @rx.event
    async def edit(self, _name: str) -> Any:
        """Open the dialog for a new one; one that there is can only be revoked."""

        async def work(who: Identity) -> None:
            await services.workspace().invitations.listing(who)  # refuses who may not
            self.error = ""
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    @rx.event
    def close_link(self, opened: bool) -> None:
        """The link has been copied; it is not shown again."""
        if not opened:
            self.link = ""

    async def _read(self, who: Identity) -> None:
        try:
            found = await services.workspace().invitations.listing(who)
            self.invitations, self.mine = [invitation_line(one) for one in found], True
        except NotAllowed:
            self.invitations, self.mine = [], False
        if self._has_old_dialog():
            self.link = ""
        self.loaded = True

    async def _users(self, who: Identity, name: str) -> list[str]:
        await services.workspace().invitations.listing(who)  # refuses who may not
        return []

    async def _store(self, who: Identity, form: Mapping[str, str]) -> None:
        uses, days = (_whole(form, name) for name in ("uses", "days"))
        end = (datetime.now(UTC) + timedelta(days=min(days, 10_000))).isoformat()
        body = {"role": form.get("role", ""), "email": form.get("email", ""), "uses": uses, "expiration": end}
        made = await services.workspace().invitations.create(who, body)
        self.link = self._address(str(made["path"]))

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().invitations.revoke(who, name)


def member_line(found: Mapping[str, Any]) -> MemberLine:
    """A member of `workspace.members.listing` as a line."""
    return MemberLine(
        username=str(found["username"]),
        title=str(found.get("name") or found["username"]),
        email=f"{found['username']} · {found['email']}" if found.get("name") else str(found["email"]),
        role=str(found["role"]),
        seen_at=str(found.get("last_seen") or ""),
    )


def invitation_line(found: Mapping[str, Any]) -> InvitationLine:
    """An invitation of `workspace.invitations.listing` as a line."""
    uses = int(found["uses_left"])
    left = "works once" if uses == 1 else f"works {uses} times more"
    return InvitationLine(
        name=str(found["id"]),
        title=str(found.get("email") or "Whoever has the link"),
        note=f"as {found['role']} · {left} · by {found['created_by']}",
        expires_at=str(found["expiration"]),
    )


def _whole(form: Mapping[str, str], name: str) -> int:
    text = form.get(name, "").strip() or "1"
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise BadRequest(f"{name.capitalize()} must be a whole number.")
    return int(text)
