"""Lists of stored things that people write by hand: variables and resources, each with a dialog to make, change and delete it."""

from __future__ import annotations

import dataclasses
import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.errors import FlowappError
from flowapp.jsontext import loads
from flowapp.ui import services
from flowapp.ui.state.page import PageState
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.usages import Kind

_SHOWN_CHARACTERS = 80


@dataclasses.dataclass
class StoredLine:
    """One of the list. `kind` is a resource's type, or "Secret"."""

    path: str
    kind: str
    note: str
    edited_at: str


class StoredState(PageState, rx.State, mixin=True):
    """What both lists share. `original` is the path of the one that the dialog changes ("" for a new one)."""

    loaded: bool = False
    lines: rx.Field[list[StoredLine]] = rx.field(default_factory=list)
    query: str = ""
    editing: bool = False
    original: str = ""
    path: str = ""
    value: str = ""
    description: str = ""
    secret: bool = False
    resource_type: str = ""
    error: str = ""
    deleting: str = ""
    users: rx.Field[list[str]] = rx.field(default_factory=list)

    @rx.var
    def shown(self) -> list[StoredLine]:
        """Those that match the search."""
        needle = self.query.strip().casefold()
        return [line for line in self.lines if needle in f"{line.path} {line.kind} {line.note}".casefold()]

    @rx.event
    async def load(self) -> Any:
        """Read the list; a dialog that was open before a reload is not open any more."""
        self.editing, self.deleting, self.query = False, "", ""
        return await self._as_person(self._read)

    @rx.event
    def search(self, query: str) -> None:
        """Narrow the list that this page already has."""
        self.query = query[:200]

    @rx.event
    async def edit(self, path: str) -> Any:
        """Open the dialog: for a new one where `path` is ""."""

        async def work(who: Identity) -> None:
            found = await self._get(who, path) if path else {"path": f"u/{who.username}/"}
            self.original, self.error = path, ""
            self.path, self.description = str(found["path"]), str(found.get("description") or "")
            self.secret = bool(found.get("is_secret", not path))
            self.resource_type = str(found.get("resource_type") or "")
            self.value = self._text(found)
            self.editing = True

        return await self._as_person(work)

    @rx.event
    def close(self, opened: bool) -> None:
        """The dialog is closed without saving."""
        self.editing, self.error = opened, ""

    @rx.event
    async def save(self, form: dict[str, Any]) -> Any:
        """Store what the dialog holds; what is wrong with it is said there, and nothing that was typed is lost."""

        async def work(who: Identity) -> None:
            try:
                await self._store(who, {str(name): str(text) for name, text in form.items()})
            except FlowappError as refused:
                self.error = f"{refused.message} {refused.hint}".strip()
                return
            self.editing = False
            await self._read(who)

        self.error = ""
        return await self._as_person(work)

    @rx.event
    async def ask(self, path: str) -> Any:
        """Ask before deleting, with a list of who uses it."""

        async def work(who: Identity) -> None:
            self.users = await services.workspace().usages.of(who, self._kind(), path)
            self.deleting = path

        return await self._as_person(work)

    @rx.event
    def keep(self, opened: bool) -> None:
        """Do not delete."""
        if not opened:
            self.deleting = ""

    @rx.event
    async def delete(self) -> Any:
        """Delete what was asked about."""

        async def work(who: Identity) -> None:
            path, self.deleting = self.deleting, ""
            await self._remove(who, path)
            await self._read(who)

        return await self._as_person(work)

    async def _read(self, who: Identity) -> None:
        self.lines = [self._line(found) for found in await self._list(who)]
        self.loaded = True

    @abstractmethod
    def _kind(self) -> Kind: ...

    @abstractmethod
    async def _list(self, who: Identity) -> list[dict[str, Any]]: ...

    @abstractmethod
    async def _get(self, who: Identity, path: str) -> dict[str, Any]: ...

    @abstractmethod
    async def _store(self, who: Identity, form: Mapping[str, str]) -> None: ...

    @abstractmethod
    async def _remove(self, who: Identity, path: str) -> None: ...

    @abstractmethod
    def _text(self, found: Mapping[str, Any]) -> str: ...

    @abstractmethod
    def _line(self, found: Mapping[str, Any]) -> StoredLine: ...


class VariablesState(StoredState, rx.State):
    """The page Variables. A secret's value never comes to the page: an empty field leaves it as it is."""

    @rx.event
    def set_secret(self, secret: bool) -> None:
        """Whether the dialog's variable is a secret."""
        self.secret = secret

    def _kind(self) -> Kind:
        return "variable"

    async def _list(self, who: Identity) -> list[dict[str, Any]]:
        return await services.workspace().variables.listing(who)

    async def _get(self, who: Identity, path: str) -> dict[str, Any]:
        return await services.workspace().variables.get(who, path, decrypt=False)

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

    async def _remove(self, who: Identity, path: str) -> None:
        await services.workspace().variables.delete(who, path)

    def _text(self, found: Mapping[str, Any]) -> str:
        return str(found.get("value") or "")

    def _line(self, found: Mapping[str, Any]) -> StoredLine:
        value = " ".join(str(found.get("value") or "").split())
        parts = (str(found.get("description") or ""), value)
        return StoredLine(
            path=str(found["path"]),
            kind="Secret" if found["is_secret"] else "",
            note=_short(" · ".join(part for part in parts if part)),
            edited_at=str(found.get("edited_at") or ""),
        )


class ResourcesState(StoredState, rx.State):
    """The page Resources. Values are JSON; secrets in them are references to variables (`$var:path`)."""

    types: rx.Field[list[str]] = rx.field(default_factory=list)

    def _kind(self) -> Kind:
        return "resource"

    async def _list(self, who: Identity) -> list[dict[str, Any]]:
        types = await services.workspace().resource_types.listing(who)
        self.types = [str(one["name"]) for one in types]
        return await services.workspace().resources.listing(who, without=frozenset({"state"}), values=False)

    async def _get(self, who: Identity, path: str) -> dict[str, Any]:
        return await services.workspace().resources.get(who, path)

    async def _store(self, who: Identity, form: Mapping[str, str]) -> None:
        resources = services.workspace().resources
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

    async def _remove(self, who: Identity, path: str) -> None:
        await services.workspace().resources.delete(who, path)

    def _text(self, found: Mapping[str, Any]) -> str:
        return json.dumps(found["value"], indent=2, ensure_ascii=False) if "value" in found else "{}"

    def _line(self, found: Mapping[str, Any]) -> StoredLine:
        return StoredLine(
            path=str(found["path"]),
            kind=str(found["resource_type"]),
            note=_short(str(found.get("description") or "")),
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


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
