"""The part of a dialog that says who has which part in something: rows that are added, changed and taken away until one saves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import reflex as rx

from flowapp.ui.state.dialogs import DialogState

#: Beyond this a list of names belongs into a group.
_MOST = 200


@dataclasses.dataclass
class Part:
    """Somebody and their right. What is saved is looked at by the use-case, as every body of a request is."""

    who: str
    right: str


class PartsState(DialogState, rx.State, mixin=True):
    """`known` are the names that may be added, `adding` the one that is chosen."""

    parts: rx.Field[list[Part]] = rx.field(default_factory=list)
    known: rx.Field[list[str]] = rx.field(default_factory=list)
    adding: str = ""
    adding_right: str = "member"

    @rx.var
    def others(self) -> list[str]:
        """The names that have no part yet."""
        there = {part.who for part in self.parts}
        return [name for name in self.known if name not in there]

    @rx.event
    def choose(self, name: str) -> None:
        """Somebody was chosen, to be added next."""
        self.adding = name

    @rx.event
    def choose_right(self, right: str) -> None:
        """What who is added next may do."""
        self.adding_right = right

    @rx.event
    def add_part(self) -> None:
        """Add who was chosen."""
        there = {part.who for part in self.parts}
        if self.adding and self.adding not in there and len(self.parts) < _MOST:
            self.parts = [*self.parts, Part(self.adding, self.adding_right)]
        self.adding = ""

    @rx.event
    def set_right(self, who: str, right: str) -> None:
        """Give somebody another right."""
        self.parts = [Part(part.who, right if part.who == who else part.right) for part in self.parts]

    @rx.event
    def drop_part(self, who: str) -> None:
        """Take somebody away."""
        self.parts = [part for part in self.parts if part.who != who]

    def _show(self, parts: Mapping[str, str], adding_right: str = "member") -> None:
        self.parts = [Part(who, right) for who, right in parts.items()]
        self.adding, self.adding_right = "", adding_right
