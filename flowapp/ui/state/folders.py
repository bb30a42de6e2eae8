"""The page Folders: who owns each, who writes in it and who sees it, and what is stored there before one is deleted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.access.policy import Target
from flowapp.ui import services
from flowapp.ui.state.parts import Part, PartsState
from flowapp.workspace import guard

#: What a part in a folder is, as the page says it.
RIGHTS = (("owner", "owns it"), ("write", "writes in it"), ("read", "sees and runs"))


@dataclasses.dataclass
class FolderLine:
    """A folder of the list. `mine`: the person may change it. `owners`, `writers`, `viewers` are names in one text."""

    name: str
    note: str
    owners: str
    writers: str
    viewers: str
    mine: bool


class FoldersState(PartsState, rx.State):
    """The list, and a dialog with who has a part in one. `may_make`: the person may make a folder."""

    folders: rx.Field[list[FolderLine]] = rx.field(default_factory=list)
    may_make: bool = False
    title: str = ""
    summary: str = ""

    @rx.event
    async def edit(self, name: str) -> Any:
        """Open the dialog: for a new one where `name` is ""."""

        async def work(who: Identity) -> None:
            workspace = services.workspace()
            found: dict[str, Any] = {"owners": [who.permissioned_as], "extra_perms": {}}
            if name:
                found = await workspace.folders.get(who, name)
            self.original, self.error = name, ""
            shown = str(found.get("display_name") or "")
            self.title, self.summary = "" if shown == name else shown, str(found.get("summary") or "")
            self._show(parts_of(found), "write")
            people = [f"u/{one['username']}" for one in await workspace.members.listing(who)]
            self.known = people + [f"g/{group}" for group in await workspace.groups.names(who)]
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    async def _read(self, who: Identity) -> None:
        self.may_make = guard.may(who, "folder.create", Target(who.workspace, "folder"))
        found = await services.workspace().folders.listing(who)
        self.folders = [
            folder_line(one, guard.may(who, "folder.manage", guard.folder_target(who, str(one["name"]))))
            for one in found
        ]
        self.loaded = True

    async def _users(self, who: Identity, name: str) -> list[str]:
        found = await services.workspace().folders.usage(who, name)
        return [f"{count} {kind if count > 1 else kind.removesuffix('s')}" for kind, count in found.items() if count]

    async def _store(self, who: Identity, form: Mapping[str, str]) -> None:
        folders = services.workspace().folders
        body = {
            "display_name": form.get("title", "").strip(),
            "summary": form.get("summary", "").strip(),
            **rights_of(self.parts),
        }
        if self.original:
            await folders.update(who, self.original, body)
        else:
            await folders.create(who, {**body, "name": form.get("name", "").strip()})

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().folders.delete(who, name)


def parts_of(found: Mapping[str, Any]) -> dict[str, str]:
    """Who has which part in a folder of `workspace.folders`: owners first."""
    owners = {str(name): "owner" for name in found["owners"]}
    others = {str(name): "write" if write else "read" for name, write in found["extra_perms"].items()}
    return {**owners, **{name: right for name, right in others.items() if name not in owners}}


def rights_of(parts: list[Part]) -> dict[str, Any]:
    """What `workspace.folders` takes for these parts."""
    return {
        "owners": [part.who for part in parts if part.right == "owner"],
        "extra_perms": {part.who: part.right == "write" for part in parts if part.right != "owner"},
    }


def folder_line(found: Mapping[str, Any], mine: bool) -> FolderLine:
    """A folder of `workspace.folders.listing` as a line."""
    parts = parts_of(found)
    names = {right: ", ".join(who for who, had in parts.items() if had == right) for right, _ in RIGHTS}
    shown = str(found.get("display_name") or "")
    return FolderLine(
        name=str(found["name"]),
        note=" · ".join(
            part for part in ("" if shown == found["name"] else shown, str(found["summary"] or "")) if part
        ),
        owners=names["owner"] or "admins",
        writers=names["write"],
        viewers=names["read"],
        mine=mine,
    )
