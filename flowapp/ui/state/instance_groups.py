"""The part of the page Groups that super admins have: lists of people for all workspaces, and where each is linked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import reflex as rx

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.ui import services
from flowapp.ui.state.dialogs import DialogState


@dataclasses.dataclass
class InstanceGroupLine:
    """An instance group of the list."""

    name: str
    note: str
    people: str


class InstanceGroupsState(DialogState, rx.State):
    """The list, and a dialog with one's summary and emails, a line each. `over`: the person runs the installation."""

    groups: rx.Field[list[InstanceGroupLine]] = rx.field(default_factory=list)
    over: bool = False
    summary: str = ""
    emails: str = ""

    @rx.event
    async def edit(self, name: str) -> Any:
        """Open the dialog: for a new one where `name` is ""."""

        async def work(_: Identity) -> None:
            found: dict[str, Any] = {"summary": "", "emails": []}
            if name:
                found = await services.workspace().instance_groups.get(await self._person(), name)
            self.original, self.error = name, ""
            self.summary, self.emails = str(found["summary"] or ""), "\n".join(found["emails"])
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    async def _read(self, _: Identity) -> None:
        try:
            found = await services.workspace().instance_groups.listing(await self._person(), linked=True)
        except NotAllowed:
            self.over, self.groups = False, []
        else:
            self.over, self.groups = True, [instance_group_line(one) for one in found]
        self.loaded = True

    async def _users(self, _: Identity, name: str) -> list[str]:
        found = await services.workspace().instance_groups.get(await self._person(), name)
        return [f"g/{group} in {one['workspace_name']}" for one in found["workspaces"] for group in one["groups"]]

    async def _store(self, _: Identity, form: Mapping[str, str]) -> None:
        kept, person = services.workspace().instance_groups, await self._person()
        summary = form.get("summary", "").strip()
        emails = form.get("emails", "").replace(",", " ").split()
        if self.original:
            # people who are as the dialog has shown them stay as others have made them meanwhile
            changed = {} if emails == self.emails.split() else {"emails": emails}
            await kept.update(person, self.original, {"new_summary": summary, **changed})
        else:
            await kept.create(person, {"name": form.get("name", "").strip(), "summary": summary, "emails": emails})

    async def _remove(self, _: Identity, name: str) -> None:
        await services.workspace().instance_groups.delete(await self._person(), name)


def instance_group_line(found: Mapping[str, Any]) -> InstanceGroupLine:
    """A group of `workspace.instance_groups.listing` as a line: what it is for, and where it counts."""
    places = [f"g/{group} in {one['workspace_name']}" for one in found["workspaces"] for group in one["groups"]]
    shown = ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
    count = len(found["emails"])
    return InstanceGroupLine(
        name=str(found["name"]),
        note=" · ".join(part for part in (str(found["summary"] or ""), shown or "linked nowhere") if part),
        people="1 person" if count == 1 else f"{count} people",
    )
