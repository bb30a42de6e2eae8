"""Shapes of the last results: which fields a cell's value had, for the lint of the wires that read it.

Read in the background while somebody looks at the draft, once for each result. Shapes hold names and types, never values.
"""

from __future__ import annotations

import asyncio
from typing import Any

from flowapp.notebook.document import CellId
from flowapp.store.errors import StoreError
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.editing import problems_of
from flowapp.workspace.errors import WorkspaceError
from flowapp.workspace.observed import known_of, unread
from flowapp.workspace.open_drafts import OpenDraft

REFRESH_AFTER_S = 0.1


class ResultShapes:
    """Keeps the shapes of the results that a draft's cells read, and tells pages when that makes or ends a problem."""

    def __init__(self, context: Context, drafts: Drafts) -> None:
        self._context = context
        self._events = context.store.events
        self._drafts = drafts
        self._waiting: set[str] = set()

    def refresh_soon(self, draft: OpenDraft) -> None:
        """Look in a moment whether something else is known of the results, unless that is under way already."""
        if draft.id in self._waiting or not self._events.wanted_here(draft.topic) or not _is_news(draft):
            return
        self._waiting.add(draft.id)
        self._context.spawn(self._refresh(draft), "shapes of results")

    async def _refresh(self, draft: OpenDraft) -> None:
        try:
            await asyncio.sleep(REFRESH_AFTER_S)
        finally:
            self._waiting.discard(draft.id)
        if draft.live:
            return  # results are about to change; `settled` comes again
        found: dict[CellId, tuple[str, dict[str, Any]]] = {}
        for cell, digest in unread(draft).items():
            found[cell] = digest, await self._shape(digest)
        async with draft.lock:
            draft.shapes |= found
            if draft.shown is None or not _is_news(draft):
                return
            if await problems_of(draft) != list(draft.shown.problems):
                await self._drafts.tell(draft, "")

    async def _shape(self, digest: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = await self._context.parsed.ask(digest, {"op": "shape"})
        except (WorkspaceError, StoreError):  # too big to look into, or deleted meanwhile: nothing is known of it
            return {}
        return found


def _is_news(draft: OpenDraft) -> bool:
    """Whether more is known, or can be, than the problems that pages show were found with."""
    return bool(unread(draft)) or known_of(draft, draft.states) != draft.known
