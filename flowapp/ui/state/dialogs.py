"""What lists of things that people write have in common: a dialog to make or change one, and a question before one is deleted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.errors import FlowappError
from flowapp.ui.state.page import PageState
from flowapp.workspace.errors import BadRequest


class DeletionState(PageState, rx.State, mixin=True):
    """`deleting` names the one that may be deleted ("" for none), `users` who uses it."""

    loaded: bool = False
    deleting: str = ""
    users: rx.Field[list[str]] = rx.field(default_factory=list)

    @rx.event
    async def ask(self, name: str) -> Any:
        """Ask before deleting, with a list of who uses it."""

        async def work(who: Identity) -> None:
            self.users = await self._users(who, name)
            self.deleting = name
            self._opens_dialog()

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
            name, self.deleting = self.deleting, ""
            await self._remove(who, name)
            await self._read(who)

        return await self._as_person(work)

    @abstractmethod
    async def _read(self, who: Identity) -> None: ...

    @abstractmethod
    async def _users(self, who: Identity, name: str) -> list[str]: ...

    @abstractmethod
    async def _remove(self, who: Identity, name: str) -> None: ...


class DialogState(DeletionState, rx.State, mixin=True):
    """`original` names the one that the dialog changes ("" for a new one)."""

    editing: bool = False
    original: str = ""
    error: str = ""

    @rx.event
    async def load(self) -> Any:
        """Read the list; a dialog that was open before a reload is not open any more."""
        if self._has_old_dialog():
            self.editing, self.deleting = False, ""
        return await self._as_person(self._read)

    @rx.event
    def close(self, opened: bool) -> None:
        """The dialog is closed without saving."""
        self.editing, self.error = opened, ""

    @rx.event
    async def save(self, form: dict[str, Any]) -> Any:
        """Store what the dialog holds; what is wrong with it is said there, and nothing that was typed is lost."""

        async def work(who: Identity) -> Any:
            try:
                then = await self._store(who, {str(name): str(text) for name, text in form.items()})
            except FlowappError as refused:
                self._says(refused)
                return None
            self.editing = False
            await self._read(who)
            return then

        self.error = ""
        return await self._as_person(work)

    def _says(self, refused: FlowappError) -> None:
        """Say in the dialog what was refused: the page's own notice stands behind it."""
        self.error = f"{refused.message} {refused.hint}".strip()

    @abstractmethod
    async def _store(self, who: Identity, form: Mapping[str, str]) -> Any:
        """Store it; what is returned is the handler's answer, such as a page to go to."""


class WrittenState(DialogState, rx.State, mixin=True):
    """A list of things that have a path, a value and words for what they are for.

    `mine`: the person may change what the dialog shows.
    """

    mine: bool = True
    path: str = ""
    value: str = ""
    description: str = ""
    _read_at: str | None = None

    def _reads(self, found: Mapping[str, Any]) -> None:
        """The dialog shows a thing as it was stored at this moment."""
        self._read_at = str(found.get("edited_at") or "")

    def _writes_over(self, found: Mapping[str, Any]) -> None:
        """Refuse, once, to write over what somebody stored after the dialog had been opened; saving again does it.

        Raises:
            BadRequest: somebody did.
        """
        at = str(found.get("edited_at") or "")
        if self._read_at in (None, at):
            return
        self._read_at = at
        raise BadRequest(
            "Somebody changed this after you had opened it, and nothing of yours is stored yet.",
            "Look at it in another tab, or save again to write over their change.",
        )
