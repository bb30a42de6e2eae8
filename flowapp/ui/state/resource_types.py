"""The page Types of resources: what the values of each look like, and how many resources are of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.access.policy import Target
from flowapp.ui import services
from flowapp.ui.state.stored import StoredLine, StoredState, json_of, short
from flowapp.workspace import guard
from flowapp.workspace.errors import BadRequest

_NEW = {"type": "object", "properties": {}}


class ResourceTypesState(StoredState, rx.State):
    """The list and its dialog. `path` is the type's name, which it keeps; `value` its schema; `mine` whether the person may change types."""

    mine: bool = False

    @rx.event
    async def edit(self, name: str) -> Any:
        """Open the dialog: for a new one where `name` is ""."""

        async def work(who: Identity) -> None:
            found: dict[str, Any] = {"name": "", "schema": _NEW}
            if name:
                found = await services.workspace().resource_types.get(who, name)
            self.original, self.error, self.path = name, "", str(found["name"])
            self.description = str(found.get("description") or "")
            self.value = json.dumps(found.get("schema") or _NEW, indent=2, ensure_ascii=False)
            self.mine = _may_write(who)
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    async def _read(self, who: Identity) -> None:
        workspace = services.workspace()
        self.mine = _may_write(who)
        counts = await workspace.resources.counts(who)
        self.lines = [type_line(one, counts) for one in await workspace.resource_types.listing(who)]
        self.loaded = True

    async def _users(self, who: Identity, name: str) -> list[str]:
        return await services.workspace().usages.of(who, "resource_type", name)

    async def _store(self, who: Identity, form: Mapping[str, str]) -> None:
        types = services.workspace().resource_types
        if "value" not in form:
            raise BadRequest("The fields are not loaded yet.", "Save again in a moment.")
        body = {"description": form.get("description", ""), "schema": json_of(form["value"])}
        if self.original:
            await types.update(who, self.original, body)
        else:
            await types.create(who, {**body, "name": form.get("path", "").strip()})

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().resource_types.delete(who, name)


def _may_write(who: Identity) -> bool:
    return guard.may(who, "resource_type.write", Target(who.workspace, "resource type"))


def type_line(found: Mapping[str, Any], counts: Mapping[str, int]) -> StoredLine:
    """A type of `workspace.resource_types.listing` as a line."""
    name = str(found["name"])
    count = counts.get(name, 0)
    return StoredLine(
        path=name,
        kind="" if not count else "1 resource" if count == 1 else f"{count:,} resources",
        note=short(str(found.get("description") or "")),
        edited_at=str(found.get("edited_at") or ""),
    )
