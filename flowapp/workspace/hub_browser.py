"""The hub's pages: what all hubs list, one script with its inputs, and a new flow that begins with it.

A script of a hub belongs to nobody: every member may look. Taking one over is an ordinary act of the workspace, with its rights.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.hub import Hub, HubEntry, HubPath, HubScript, Origin, Shelf, best
from flowapp.jsontext import JsonText, loads
from flowapp.languages import by_name, label_of
from flowapp.signatures import SignatureProblem, infer
from flowapp.workspace import guard
from flowapp.workspace.new_drafts import NewDrafts, read_document
from flowapp.workspace.stored import enter

#: So many scripts are answered at most.
MOST = 1000


class HubBrowser:
    """Use-cases of the pages `/hub`."""

    def __init__(self, hub: Hub, new_drafts: NewDrafts) -> None:
        self._hub = hub
        self._new_drafts = new_drafts

    async def listing(
        self,
        identity: Identity,
        *,
        text: str = "",
        app: str = "",
        language: str = "",
        limit: int = 100,
        remote: bool = True,
        again: bool = False,
    ) -> dict[str, Any]:
        """`{"scripts", "total", "apps", "languages", "hubs"}`: the best matches first, `limit` of `total`.

        `apps` and `languages` are `{"name", "label", "count"}` of everything listed; a language without a name is one that the hub
        does not tell. `hubs` say of each hub `{"name", "origin", "count", "problem", "asked"}`: what does not answer has a sentence
        in `problem`. Without `remote` a hub over HTTP is not asked, and lists what it said a moment ago; with `again` it is, though it failed a moment ago.
        """
        enter(identity)
        if again:
            self._hub.forget_failure()
        shelves = await self._hub.shelves(remote=remote)
        homes = {entry.path: shelf for shelf in shelves for entry in shelf.entries}
        listed = [entry for shelf in shelves for entry in shelf.entries]
        wanted = [
            entry
            for entry in listed
            if (not app or entry.app == app) and (not language or (entry.language or "unknown") == language)
        ]
        matching = best(wanted, text)
        return {
            "scripts": [_line(entry, homes[entry.path]) for entry in matching[: max(1, min(limit, MOST))]],
            "total": len(matching),
            "apps": [{"name": name, "label": name, "count": count} for name, count in _counted(e.app for e in listed)],
            "languages": [
                {"name": name, "label": _language(name), "count": count}
                for name, count in _counted(entry.language or "unknown" for entry in listed)
            ],
            "hubs": [_hub(shelf) for shelf in shelves],
        }

    async def show(self, identity: Identity, path: str) -> dict[str, Any]:
        """One script: what it is, its code and inputs, its other versions, and what the identity may do with it.

        `problem` says why the inputs cannot be read from the code. Versions are those that hubs list without being asked over HTTP again.

        Raises:
            HubError: it cannot be had.
        """
        enter(identity)
        script, source = await self._hub.found(path)
        schema, problem = await asyncio.to_thread(_inputs, script)
        known = by_name(script.language)
        return {
            **_named(script, source.origin, source.name),
            "content": script.content,
            "editor": known.editor if known is not None else "plaintext",
            "description": script.description,
            "lock": script.lock,
            "schema": schema,
            "problem": problem,
            "versions": await self._versions(HubPath.parse(script.path)),
            "mine": f"u/{identity.username}/",
            "may_use": guard.may(identity, "draft.create", guard.workspace_target(identity)),
            "may_copy": guard.may(
                identity, "script.write", guard.script_target(identity, f"u/{identity.username}/{script.version}")
            ),
        }

    async def begin(self, identity: Identity, path: str) -> dict[str, str]:
        """A draft whose one step is the script: `{"id", "path"}` of the draft.

        Raises:
            HubError: the script cannot be had.
            NotAllowed: the identity makes no drafts.
        """
        require(identity, "draft.create", guard.workspace_target(identity))
        script = await self._hub.script(path)
        title = script.summary or HubPath.parse(script.path).name
        called = {"type": "script", "path": script.path, "input_transforms": {}}
        step: dict[str, Any] = {"id": "a", "summary": script.summary, "value": called}
        if script.kind == "approval":  # it only makes the message: what waits is the step
            step["suspend"] = {"required_events": 1}
        flow = {"summary": title, "value": {"modules": [step]}}
        document = await asyncio.to_thread(read_document, flow, "")
        schema, _ = await asyncio.to_thread(_inputs, script)
        if schema:
            cell = document.outline.by_step["a"].cell
            document = replace(document, beside={**document.beside, cell: {"schema": schema}})
        return await self._new_drafts.store_new(identity, document, "", title)

    async def _versions(self, path: HubPath) -> list[dict[str, Any]]:
        """All listed versions of the app's script of the same name, the newest first."""
        shelves = await self._hub.shelves(remote=False)
        same = [e for shelf in shelves for e in shelf.entries if (e.app, e.name) == (path.app, path.name)]
        found = {int(entry.version): entry.path for entry in same} | {int(path.version): str(path)}
        return [{"id": number, "path": found[number]} for number in sorted(found, reverse=True)]


def _inputs(script: HubScript) -> tuple[dict[str, Any], str]:
    """The JSON Schema of what a script takes, and why it cannot be read. What the hub says counts before the code."""
    told = _schema(script.schema)
    if told.get("properties"):
        return told, ""
    found = infer(script.language, script.content, "main")
    if isinstance(found, SignatureProblem):
        return told, found.message
    return found.schema if found.schema.get("properties") else told, ""


def _schema(text: JsonText | None) -> dict[str, Any]:
    value = loads(text) if text is not None else None
    return value if isinstance(value, dict) else {}


def _counted(names: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(names).items())


def _language(name: str) -> str:
    return "Not told" if name == "unknown" else label_of(name)


def _named(entry: HubEntry | HubScript, origin: Origin, hub: str) -> dict[str, Any]:
    path = HubPath.parse(entry.path)
    return {
        "path": entry.path,
        "version_id": int(path.version),
        "app": path.app,
        "name": path.name,
        "summary": entry.summary,
        "kind": entry.kind,
        "language": entry.language,
        "language_label": label_of(entry.language) if entry.language else "",
        "origin": origin,
        "hub": hub,
    }


def _line(entry: HubEntry, shelf: Shelf) -> dict[str, Any]:
    return _named(entry, shelf.origin, shelf.name)


def _hub(shelf: Shelf) -> dict[str, Any]:
    return {
        "name": shelf.name,
        "origin": shelf.origin,
        "count": len(shelf.entries),
        "problem": f"{shelf.problem.message} {shelf.problem.hint}".strip() if shelf.problem else "",
        "asked": shelf.asked,
    }
