"""The list of stored scripts, and the dialog that begins a new one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.languages import by_name, label_of
from flowapp.ui import services
from flowapp.ui.state.dialogs import DialogState
from flowapp.workspace import guard
from flowapp.workspace.errors import BadRequest


@dataclasses.dataclass
class ScriptLine:
    """One of the list. `language` is for people."""

    path: str
    summary: str
    language: str
    by: str
    created_at: str


class ScriptsState(DialogState, rx.State):
    """The page Scripts. `mine` is how paths of the person's own begin; `makes`: the person may write scripts."""

    makes: bool = True
    lines: rx.Field[list[ScriptLine]] = rx.field(default_factory=list)
    query: str = ""
    mine: str = ""

    @rx.var
    def shown(self) -> list[ScriptLine]:
        """Those that match the search."""
        needle = self.query.strip().casefold()
        return [line for line in self.lines if needle in f"{line.path} {line.summary} {line.language}".casefold()]

    @rx.event
    def search(self, query: str) -> None:
        """Narrow the list that this page already has."""
        self.query = query[:200]

    @rx.event
    async def begin(self) -> Any:
        """Open the dialog for a new one."""

        async def work(who: Identity) -> None:
            self.mine, self.error = f"u/{who.username}/", ""
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    async def _read(self, who: Identity) -> None:
        self.lines = [script_line(found) for found in await services.workspace().scripts.listing(who)]
        self.makes = guard.may(who, "script.write", guard.script_target(who, f"u/{who.username}/"))
        self.loaded = True

    async def _users(self, who: Identity, name: str) -> list[str]:
        return await services.workspace().usages.of(who, "script", name)

    async def _store(self, who: Identity, form: Mapping[str, str]) -> Any:
        workspace = services.workspace()
        language = by_name(form.get("language", ""))
        if language is None or not language.runnable:
            raise BadRequest("Choose a language.", "One of the list.")
        body = {"content": language.starter_code, "language": language.name}
        found = await workspace.script_uses.signature(who, body)
        path = form.get("path", "").strip()
        await workspace.scripts.create(
            who, {**body, "path": path, "summary": form.get("summary", ""), "schema": found["schema"]}
        )
        return rx.redirect(f"/scripts/p/{quote(path)}")

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().scripts.archive(who, path=name)


def script_line(found: Mapping[str, Any]) -> ScriptLine:
    """A script of `workspace.scripts.listing` as a line."""
    return ScriptLine(
        path=str(found["path"]),
        summary=str(found.get("summary") or ""),
        language=label_of(str(found["language"])),
        by=str(found.get("created_by") or ""),
        created_at=str(found.get("created_at") or ""),
    )
