"""The page Groups: their members, and who names them before one is deleted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import reflex as rx

from flowapp.access.identity import EVERYBODY, Identity
from flowapp.access.policy import Target
from flowapp.ui import services
from flowapp.ui.state.parts import PartsState
from flowapp.workspace import guard


@dataclasses.dataclass
class GroupLine:
    """A group of the list. `mine`: the person may change it."""

    name: str
    note: str
    members: str
    mine: bool


class GroupsState(PartsState, rx.State):
    """The list, and a dialog with the members of one and its instance group. A part's right is always "member" here."""

    groups: rx.Field[list[GroupLine]] = rx.field(default_factory=list)
    mine: bool = False
    summary: str = ""
    link: str = ""

    @rx.event
    async def edit(self, name: str) -> Any:
        """Open the dialog: for a new one where `name` is ""."""

        async def work(who: Identity) -> None:
            workspace = services.workspace()
            found: dict[str, Any] = {"summary": "", "members": []}
            if name:
                found = await workspace.groups.get(who, name)
            self.original, self.error, self.summary = name, "", str(found["summary"])
            self.link = str(found.get("instance_group") or "")
            self._show({str(member): "member" for member in found["members"]})
            self.known = [str(one["username"]) for one in await workspace.members.listing(who)]
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    async def _read(self, who: Identity) -> None:
        self.mine = guard.may(who, "group.manage", Target(who.workspace, "group"))
        self.groups = [group_line(one, self.mine) for one in await services.workspace().groups.listing(who)]
        self.loaded = True

    async def _users(self, who: Identity, name: str) -> list[str]:
        return await services.workspace().groups.users(who, name)

    async def _store(self, who: Identity, form: Mapping[str, str]) -> None:
        groups = services.workspace().groups
        body: dict[str, Any] = {"summary": form.get("summary", ""), "members": [part.who for part in self.parts]}
        if "instance_group" in form:
            body["instance_group"] = form["instance_group"].strip()
        if self.original:
            await groups.update(who, self.original, body)
        else:
            await groups.create(who, {**body, "name": form.get("name", "").strip()})

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().groups.delete(who, name)


def group_line(found: Mapping[str, Any], mine: bool) -> GroupLine:
    """A group of `workspace.groups.listing` as a line. The group of everybody cannot be changed."""
    members = sorted({*map(str, found["members"]), *map(str, found.get("instance_members") or ())})
    count = "1 member" if len(members) == 1 else f"{len(members)} members"
    shown = ", ".join(members[:5]) + (f" and {len(members) - 5} more" if len(members) > 5 else "")
    linked = f"linked to {found['instance_group']}" if found.get("instance_group") else ""
    return GroupLine(
        name=str(found["name"]),
        note=" · ".join(part for part in (str(found["summary"] or ""), shown, linked) if part),
        members=count,
        mine=mine and found["name"] != EVERYBODY,
    )
