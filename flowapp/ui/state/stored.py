"""Lists of stored things that people write by hand: variables and resources, each with a dialog to make, change and delete it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.jsontext import loads
from flowapp.ui import services
from flowapp.ui.state.dialogs import WrittenState
from flowapp.workspace.errors import BadRequest

_SHOWN_CHARACTERS = 80


@dataclasses.dataclass
class StoredLine:
    """One of the list. `kind` is a resource's type, or "Secret"."""

    path: str
    kind: str
    note: str
    edited_at: str


class StoredState(WrittenState, rx.State, mixin=True):
    """A list that can be searched."""

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
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    @rx.event
    def set_secret(self, secret: bool) -> None:
        """Whether the dialog's variable is a secret."""
        self.secret = secret

    async def _read(self, who: Identity) -> None:
        self.lines = [variable_line(found) for found in await services.workspace().variables.listing(who)]
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
            await variables.update(who, self.original, body)
        else:
            await variables.create(who, body)

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().variables.delete(who, name)


class ResourcesState(StoredState, rx.State):
    """The page Resources. Values are JSON; secrets in them are references to variables (`$var:path`)."""

    resource_type: str = ""

    @rx.event
    async def edit(self, path: str) -> Any:
        """Open the dialog: for a new one where `path` is ""."""

        async def work(who: Identity) -> None:
            found: dict[str, Any] = {"path": f"u/{who.username}/", "value": {}}
            if path:
                found = await services.workspace().resources.get(who, path)
            self.original, self.error, self.path = path, "", str(found["path"])
            self.description = str(found.get("description") or "")
            self.resource_type = str(found.get("resource_type") or "")
            self.value = json.dumps(found["value"], indent=2, ensure_ascii=False)
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    async def _read(self, who: Identity) -> None:
        found = await services.workspace().resources.listing(who, without=frozenset({"state"}), values=False)
        self.lines = [resource_line(one) for one in found]
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
            await resources.update(who, self.original, body)
        else:
            await resources.create(who, body)

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().resources.delete(who, name)


def variable_line(found: Mapping[str, Any]) -> StoredLine:
    """A variable of `workspace.variables.listing` as a line."""
    value = " ".join(str(found.get("value") or "").split())
    parts = (str(found.get("description") or ""), value)
    return StoredLine(
        path=str(found["path"]),
        kind="Secret" if found["is_secret"] else "",
        note=short(" · ".join(part for part in parts if part)),
        edited_at=str(found.get("edited_at") or ""),
    )


def resource_line(found: Mapping[str, Any]) -> StoredLine:
    """A resource of `workspace.resources.listing` as a line."""
    return StoredLine(
        path=str(found["path"]),
        kind=str(found["resource_type"]),
        note=short(str(found.get("description") or "")),
        edited_at=str(found.get("edited_at") or ""),
    )


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
