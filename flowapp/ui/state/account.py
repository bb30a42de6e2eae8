"""The page Account: one's own password, sessions and tokens."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.errors import FlowappError
from flowapp.ui import services
from flowapp.ui.state.dialogs import DialogState
from flowapp.ui.state.page import PageState
from flowapp.workspace.errors import BadRequest

#: How long a new token may be good for, in days ("" for ever), and in words.
LIFETIMES = (("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "Until it is revoked"))
#: What a new token may be limited to.
LIMITS = (("", "Everything that I may"), ("read", "Only reading"), ("scopes", "Only these scopes"))


@dataclasses.dataclass
class SessionLine:
    """A session of one's own. `name` revokes it; `here` is the one of this browser."""

    name: str
    title: str
    note: str
    used_at: str
    here: bool


@dataclasses.dataclass
class TokenLine:
    """A token of one's own."""

    name: str
    title: str
    note: str
    used_at: str
    expires_at: str


class AccountState(PageState, rx.State):
    """Who one is, one's password and sessions. `said` is what has just been done."""

    loaded: bool = False
    email: str = ""
    username: str = ""
    has_password: bool = False
    error: str = ""
    said: str = ""
    sessions: rx.Field[list[SessionLine]] = rx.field(default_factory=list)

    @rx.event
    async def load(self) -> Any:
        """Read it all."""
        self.error = self.said = ""
        return await self._as_person(self._read)

    @rx.event
    async def set_password(self, form: dict[str, Any]) -> Any:
        """Set the password; all other sessions end."""

        async def work(who: Identity) -> None:
            given = {name: str(form.get(name) or "") for name in ("current", "password", "again")}
            try:
                if given["password"] != given.pop("again"):
                    raise BadRequest("The two new passwords differ.", "Type the same one twice.")
                await services.workspace().accounts.set_password(await self._person(), given)
            except FlowappError as refused:
                self.error = f"{refused.message} {refused.hint}".strip()
                return
            self.said = "Your password is set. All your other sessions have ended."
            await self._read(who)

        self.error = self.said = ""
        return await self._as_person(work)

    @rx.event
    async def end(self, name: str) -> Any:
        """End one session."""

        async def work(who: Identity) -> None:
            await services.workspace().accounts.delete_token(await self._person(), name)
            await self._read(who)

        return await self._as_person(work)

    @rx.event
    async def end_others(self) -> Any:
        """End all sessions but this browser's."""

        async def work(who: Identity) -> None:
            await services.workspace().accounts.end_other_sessions(await self._person())
            await self._read(who)

        return await self._as_person(work)

    async def _read(self, _: Identity) -> None:
        accounts, person = services.workspace().accounts, await self._person()
        me = await accounts.whoami(person)
        self.email, self.username = str(me["email"]), str(me["username"])
        self.has_password = await accounts.has_password(person)
        self.sessions = session_lines(await accounts.tokens(person))
        self.loaded = True


class TokensState(DialogState, rx.State):
    """One's tokens for programs. `link` is a new one's text, which is shown once."""

    tokens: rx.Field[list[TokenLine]] = rx.field(default_factory=list)
    limit: str = ""
    link: str = ""

    @rx.event
    async def edit(self, _name: str) -> Any:
        """Open the dialog for a new one; one that there is can only be revoked."""

        async def work(_: Identity) -> None:
            await services.workspace().accounts.tokens(await self._person())  # refuses who may not
            self.error = self.limit = ""
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    @rx.event
    def set_limit(self, limit: str) -> None:
        """What the new token is limited to."""
        self.limit = limit

    @rx.event
    def close_link(self, opened: bool) -> None:
        """The token has been copied; it is not shown again."""
        if not opened:
            self.link = ""

    async def _read(self, _: Identity) -> None:
        self.tokens = token_lines(await services.workspace().accounts.tokens(await self._person()))
        if self._has_old_dialog():
            self.link = ""
        self.loaded = True

    async def _users(self, _: Identity, name: str) -> list[str]:
        await services.workspace().accounts.tokens(await self._person())  # refuses who may not
        return []

    async def _store(self, who: Identity, form: Mapping[str, str]) -> None:
        body = token_body(form, who.workspace)
        self.link = await services.workspace().accounts.create_token(await self._person(), body)

    async def _remove(self, _: Identity, name: str) -> None:
        await services.workspace().accounts.delete_token(await self._person(), name)


def token_body(form: Mapping[str, str], workspace: str) -> dict[str, Any]:
    """What `accounts.create_token` takes, of the dialog's form.

    Raises:
        BadRequest: a field is wrong.
    """
    label, days, limit = (form.get(name, "").strip() for name in ("label", "days", "limit"))
    if not label:
        raise BadRequest("Say what the token is for.", "By its name you will know which one to revoke.")
    if days not in dict(LIFETIMES) or limit not in dict(LIMITS):
        raise BadRequest("Choose from the lists.")
    scopes = form.get("scopes", "").split()
    if limit == "scopes" and not scopes:
        raise BadRequest("Name at least one scope.", "One on each line, such as jobs:run:flows:f/team/*.")
    return {
        "label": label,
        **({"expiration": (datetime.now(UTC) + timedelta(days=int(days))).isoformat()} if days else {}),
        **({"read_only": True} if limit == "read" else {}),
        **({"scopes": scopes} if limit == "scopes" else {}),
        **({"workspace_id": workspace} if form.get("here") else {}),
    }


def session_lines(found: list[dict[str, Any]]) -> list[SessionLine]:
    """The sessions of `accounts.tokens` as lines, this browser's first."""
    lines = [
        SessionLine(
            name=str(one["token_prefix"]),
            title=str(one["device"] or "Unknown browser"),
            note=f"from {one['address']}" if one["address"] else "",
            used_at=str(one["last_used_at"]),
            here=bool(one["current"]),
        )
        for one in found
        if one["kind"] == "session"
    ]
    return sorted(lines, key=lambda line: not line.here)


def token_lines(found: list[dict[str, Any]]) -> list[TokenLine]:
    """The tokens of `accounts.tokens` as lines."""
    return [
        TokenLine(
            name=str(one["token_prefix"]),
            title=str(one["label"] or "Without a name"),
            note=" · ".join(part for part in (f"{one['token_prefix']}…", _limits(one)) if part),
            used_at=str(one["last_used_at"]),
            expires_at=str(one["expiration"] or ""),
        )
        for one in found
        if one["kind"] == "api"
    ]


def _limits(one: Mapping[str, Any]) -> str:
    scopes = one["scopes"]
    may = "all that you may" if scopes is None else ", ".join(scopes) or "nothing"
    return f"{may} · only in {one['workspace_id']}" if one["workspace_id"] else may
