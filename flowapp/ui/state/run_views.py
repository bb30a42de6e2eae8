"""Saved views above the list of runs: which there are, and keeping, changing and deleting one.

Which view is open stands in the address (`/runs?view=…`), as filters do, so that it can be sent to a colleague.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.access.policy import Target
from flowapp.ui import services
from flowapp.ui.state.dialogs import DialogState
from flowapp.workspace import guard
from flowapp.workspace.run_query import RunQuery


@dataclasses.dataclass
class ViewChip:
    """A view in the row. `note` says whose it is and what it lists; the others say what may be done with it."""

    id: str = ""
    href: str = ""
    name: str = ""
    note: str = ""
    shared: bool = False
    may_edit: bool = False
    may_share: bool = False
    may_delete: bool = False


class RunViewsState(DialogState, rx.State):
    """The row of views. `open` is the one of the address, with an empty id where there is none; `query` is the
    filter of the address that can be kept, `may_share` whether the person shares what they keep. `asked` is the view that the
    question before deleting is about.
    """

    views: rx.Field[list[ViewChip]] = rx.field(default_factory=list)
    open: rx.Field[ViewChip] = rx.field(default_factory=ViewChip)
    query: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    may_share: bool = False
    asked: rx.Field[ViewChip] = rx.field(default_factory=ViewChip)
    _dialog_at: str = ""

    @rx.event
    def begin(self) -> None:
        """Open the dialog, to keep the filter of the address."""
        self.original, self.error, self.editing = "", "", True
        self._opens_dialog()

    @rx.event
    def change(self) -> None:
        """Open the dialog, to rename or share the view that is open."""
        self.original, self.error, self.editing = self.open.id, "", True
        self._opens_dialog()

    @rx.event
    async def delete(self) -> Any:
        """Delete the view that was asked about, and go to all runs."""

        async def work(who: Identity) -> Any:
            name, self.deleting = self.deleting, ""
            await self._remove(who, name)
            await self._read(who)
            return rx.redirect("/runs")

        return await self._as_person(work)

    def _opens_dialog(self) -> None:
        super()._opens_dialog()
        self._dialog_at = self.router.url.query

    def _has_old_dialog(self) -> bool:
        """A dialog is about the view or the filter of the address that it was opened on."""
        return super()._has_old_dialog() or self._dialog_at != self.router.url.query

    async def _read(self, who: Identity) -> None:
        given = self.router.url.query_parameters
        found = [view_chip(one) for one in await services.workspace().run_filters.listing(who)]
        wanted = str(given.get("view", ""))
        self.views = found
        self.open = next((one for one in found if one.id == wanted), ViewChip())
        self.query = {} if wanted else RunQuery.of(given).given()
        self.may_share = guard.may(who, "run_view.share", Target(who.workspace, "run view", owner=who.username))
        self.loaded = True

    async def _users(self, who: Identity, name: str) -> list[str]:
        self.asked = view_chip(await services.workspace().run_filters.get(who, name))
        return []

    async def _store(self, who: Identity, form: Mapping[str, str]) -> Any:
        workspace = services.workspace()
        body = {"name": form.get("name", ""), "shared": form.get("shared") == "true"}
        if self.original:
            await workspace.run_filters.update(who, self.original, body)
            return None
        made = await workspace.run_filters.create(who, {**body, **self.query})
        return rx.redirect(view_address(str(made["id"])))

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().run_filters.delete(who, name)


def view_address(view_id: str, page: int = 1) -> str:
    """The address of a page of a view."""
    return "/runs?" + urlencode({"view": view_id, **({"page": page} if page > 1 else {})})


def view_chip(found: Mapping[str, Any]) -> ViewChip:
    """A view of `workspace.run_filters.listing` as a chip."""
    whose = "" if found["mine"] else f"Shared by {found['owner_name']}"
    mine = "Shared with the workspace" if found["shared"] else "Only you see it"
    what = ", ".join(RunQuery.of(found).given().values())
    return ViewChip(
        id=str(found["id"]),
        href=view_address(str(found["id"])),
        name=str(found["name"]),
        note=f"{found['name']}: {what}. {whose or mine}.",
        shared=bool(found["shared"]),
        may_edit=bool(found["may"]["edit"]),
        may_share=bool(found["may"]["share"]),
        may_delete=bool(found["may"]["delete"]),
    )
