"""Whether a step of a draft is another one than in the version that the draft comes from. What was read of a version is kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from flowapp.jsontext import canonical, hash_of
from flowapp.notebook.document import Entry
from flowapp.openflow.merge.parts import VOLATILE, parts_of_module
from flowapp.openflow.walk import walk
from flowapp.store import flows
from flowapp.store.stores import Store
from flowapp.workspace.new_drafts import read_document
from flowapp.workspace.open_drafts import OpenDraft

KEPT = 64
"""Versions, of which each is a hash per step."""


class StepChanges:
    """Compares steps with deployed ones."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[tuple[str, str, int], Mapping[str, str]] = OrderedDict()

    async def changed(self, draft: OpenDraft, entry: Entry) -> bool:
        """Whether the step is new, or differs in what counts when versions are brought together; not in steps within it."""
        version = draft.base_version
        if version is None:
            return False
        steps = await self._steps(draft.row.workspace, draft.row.path, version)
        return steps is not None and steps.get(entry.step_id) != _mark(entry.module)

    async def _steps(self, workspace: str, path: str, number: int) -> Mapping[str, str] | None:
        at = (workspace, path, number)
        if at in self._kept:
            self._kept.move_to_end(at)
            return self._kept[at]
        row = await self._store.database.read(lambda c: flows.version(c, workspace, path, number))
        if row is None:
            return None
        self._kept[at] = await asyncio.to_thread(_marks, row.document)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[at]


def _marks(text: str) -> dict[str, str]:
    """Of each step of a version, as a draft of it would have it."""
    return {place.step_id: _mark(place.module) for place in walk(read_document(None, text).flow)}


def _mark(module: Mapping[str, Any]) -> str:
    parts = parts_of_module(module).items()
    said = [[part.kind, part.name, item] for part, item in parts if part.kind not in VOLATILE]
    return hash_of(canonical(sorted(said, key=lambda one: (one[0], one[1]))))
