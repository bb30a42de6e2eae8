"""Lists of stored things that people write by hand: variables and resources, each with a dialog to make, change and delete it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, Target
from flowapp.errors import FlowappError
from flowapp.jsontext import loads
from flowapp.ui import services
from flowapp.ui.state.dialogs import WrittenState
from flowapp.workspace import guard
from flowapp.workspace.errors import BadRequest

_SHOWN_CHARACTERS = 80
_LONGEST_SHOWN = 100_000


@dataclasses.dataclass
class StoredLine:
    """One of the list. `kind` is a resource's type, or "Secret"; `mine`: the person may change it."""

    path: str
    kind: str
    note: str
    edited_at: str
    mine: bool = True


class StoredState(WrittenState, rx.State, mixin=True):
    """A list that can be searched. `makes`: the person may make one."""

    makes: bool = True
    lines: rx.Field[list[StoredLine]] = rx.field(default_factory=list)
    query: str = ""

    @rx.var
    def shown(self) -> list[StoredLine]:
        """Those that match the search."""
        needle = self.query.strip().casefold()
        return [line for line in self.lines if needle in f"{line.path} {line.kind} {line.note}".casefold()]

    @rx.event
    def search(self, query: str) -> None:
        """Narrow the list that this page already has."""
        self.query = query[:200]


class VariablesState(StoredState, rx.State):
    """The page Variables. A secret's value never comes to the page: an empty field leaves it as it is."""

    secret: bool = False

    @rx.event
    async def edit(self, path: str) -> Any:
        """Open the dialog: for a new one where `path` is ""."""

        async def work(who: Identity) -> None:
            found: dict[str, Any] = {"path": f"u/{who.username}/", "is_secret": True}
            if path:
                found = await services.workspace().variables.get(who, path, decrypt=False)
            self.original, self.error, self.path = path, "", str(found["path"])
            self.description, self.value = str(found.get("description") or ""), str(found.get("value") or "")
            self.secret = bool(found["is_secret"])
            self.mine = _may_write(who, "variable", self.path)
            self._reads(found)
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    @rx.event
    def set_secret(self, secret: bool) -> None:
        """Whether the dialog's variable is a secret."""
        self.secret = secret

    async def _read(self, who: Identity) -> None:
        found = await services.workspace().variables.listing(who)
        self.lines = [variable_line(one, mine=_may_write(who, "variable", one["path"])) for one in found]
        self.makes = _may_write(who, "variable", f"u/{who.username}/")
        self.loaded = True

    async def _users(self, who: Identity, name: str) -> list[str]:
        return await services.workspace().usages.of(who, "variable", name)

    async def _store(self, who: Identity, form: Mapping[str, str]) -> None:
        variables = services.workspace().variables
        body: dict[str, Any] = {
            "path": form.get("path", ""),
            "description": form.get("description", ""),
            "is_secret": self.secret,
        }
        value = form.get("value", "")
        if value or not self.secret or not self.original:
            body["value"] = value
        if self.original:
            self._writes_over(await variables.get(who, self.original, decrypt=False))
            await variables.update(who, self.original, body)
        else:
            await variables.create(who, body)

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().variables.delete(who, name)


@dataclasses.dataclass
class EarlierValue:
    """A value that the resource of the dialog had; `at` is when it came, by whom."""

    id: str
    at: str
    by: str


class ResourcesState(StoredState, rx.State):
    """The page Resources. Values are JSON; secrets in them are references to variables (`$var:path`).

    `earlier` are the values that the dialog's resource had before, newest first; `seen` is the id of the one that is shown ("" for
    none), `seen_value` its text, and `seen_gone` what it refers to that is not there any more, in one text.
    """

    resource_type: str = ""
    earlier: rx.Field[list[EarlierValue]] = rx.field(default_factory=list)
    seen: str = ""
    seen_value: str = ""
    seen_gone: str = ""

    @rx.event
    async def edit(self, path: str) -> Any:
        """Open the dialog: for a new one where `path` is ""."""

        async def work(who: Identity) -> None:
            found: dict[str, Any] = {"path": f"u/{who.username}/", "value": {}}
            self.earlier, self.seen = [], ""
            if path:
                found = await services.workspace().resources.get(who, path)
                kept = await services.workspace().resource_history.of(who, path)
                self.earlier = [earlier_value(one) for one in kept["versions"][1:]]
            self.original, self.error, self.path = path, "", str(found["path"])
            self.description = str(found.get("description") or "")
            self.resource_type = str(found.get("resource_type") or "")
            self.value = json.dumps(found["value"], indent=2, ensure_ascii=False)
            self.mine = _may_write(who, "resource", self.path)
            self._reads(found)
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    @rx.event
    async def look(self, version: str) -> Any:
        """Show one of the earlier values, or put it away again."""

        async def work(who: Identity) -> None:
            if version == self.seen:
                self.seen = ""
                return
            try:
                found = await services.workspace().resource_history.get(who, _number(version))
            except FlowappError as refused:
                self._says(refused)
                return
            text = json.dumps(found["value"], indent=2, ensure_ascii=False)
            self.seen, self.seen_gone = version, ", ".join(found["missing_references"])
            self.seen_value = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}\n… and more"

        self.error = ""
        return await self._as_person(work)

    @rx.event
    async def bring_back(self, version: str) -> Any:
        """Give the resource an earlier value again; the dialog closes, because it shows another one."""

        async def work(who: Identity) -> None:
            try:
                await services.workspace().resource_history.restore(who, _number(version))
            except FlowappError as refused:
                self._says(refused)
                return
            self.editing = False
            await self._read(who)

        self.error = ""
        return await self._as_person(work)

    async def _read(self, who: Identity) -> None:
        found = await services.workspace().resources.listing(who, without=frozenset({"state"}), values=False)
        self.lines = [resource_line(one, mine=_may_write(who, "resource", one["path"])) for one in found]
        self.makes = _may_write(who, "resource", f"u/{who.username}/")
        self.loaded = True

    async def _users(self, who: Identity, name: str) -> list[str]:
        return await services.workspace().usages.of(who, "resource", name)

    async def _store(self, who: Identity, form: Mapping[str, str]) -> None:
        resources = services.workspace().resources
        if "value" not in form:
            raise BadRequest("The form of the value is not loaded yet.", "Save again in a moment.")
        body = {
            "path": form.get("path", ""),
            "description": form.get("description", ""),
            "resource_type": form.get("resource_type", "").strip() or "any",
            "value": json_of(form.get("value", "")),
        }
        if self.original:
            self._writes_over(await resources.get(who, self.original))
            await resources.update(who, self.original, body)
        else:
            await resources.create(who, body)

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().resources.delete(who, name)


def _may_write(who: Identity, kind: Literal["variable", "resource"], path: str) -> bool:
    action: Action = "variable.write" if kind == "variable" else "resource.write"
    return guard.may(who, action, Target(who.workspace, kind, path=path))


def variable_line(found: Mapping[str, Any], *, mine: bool = True) -> StoredLine:
    """A variable of `workspace.variables.listing` as a line."""
    value = " ".join(str(found.get("value") or "").split())
    parts = (str(found.get("description") or ""), value)
    return StoredLine(
        path=str(found["path"]),
        kind="Secret" if found["is_secret"] else "",
        note=short(" · ".join(part for part in parts if part)),
        edited_at=str(found.get("edited_at") or ""),
        mine=mine,
    )


def resource_line(found: Mapping[str, Any], *, mine: bool = True) -> StoredLine:
    """A resource of `workspace.resources.listing` as a line."""
    return StoredLine(
        path=str(found["path"]),
        kind=str(found["resource_type"]),
        note=short(str(found.get("description") or "")),
        edited_at=str(found.get("edited_at") or ""),
        mine=mine,
    )


def _number(version: str) -> int:
    """The id of a version, which a browser sends as it likes; 0, which none has, for what is no number."""
    return int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0


def earlier_value(found: Mapping[str, Any]) -> EarlierValue:
    """A version of `workspace.resource_history.of` as a line."""
    return EarlierValue(id=str(found["id"]), at=str(found["created_at"]), by=str(found["created_by"]))


def json_of(text: str) -> Any:
    """The value that a person typed as JSON.

    Raises:
        BadRequest: it is no JSON; the message says where.
    """
    try:
        return loads(text)
    except ValueError as error:
        raise BadRequest(f"The value is not JSON: {error}.", 'Texts need quotes: "…".') from None


def short(text: str) -> str:
    """A text as a line shows it."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
