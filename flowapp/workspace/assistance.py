"""What the assistant's matcher and model get to see of a draft: small samples of the results that a cell can read."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from flowapp.access.identity import Identity
from flowapp.assistant import Scope, scope_of
from flowapp.notebook.document import Entry
from flowapp.workspace.context import Context
from flowapp.workspace.known_secrets import redactor_of
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.previews import Previews
from flowapp.workspace.redaction import Redactor
from flowapp.workspace.scope import Source, in_reach, loops_around, source_of

NEAREST = 40
KEPT = 400


class Assistance:
    """Makes the assistant's scope of a cell."""

    def __init__(self, context: Context, previews: Previews) -> None:
        self._context = context
        self._previews = previews
        self._samples: OrderedDict[str, Any] = OrderedDict()

    async def scope(self, draft: OpenDraft, entry: Entry) -> Scope:
        """The sources of a cell with samples of their values; a step without a result is described by its signature."""
        document = draft.document  # as it is now, whatever is edited meanwhile
        results = await self.samples(draft, in_reach(document, entry)[-NEAREST:])
        loop = next((found for found in loops_around(document, entry) if found.kind == "forloopflow"), None)
        item = await self._previews.first_item(draft, loop) if loop is not None else {"value": None}
        if item["value"] is None:
            return await asyncio.to_thread(scope_of, document, entry.cell, results)
        return await asyncio.to_thread(scope_of, document, entry.cell, results, item["value"])

    async def redactor(self, identity: Identity) -> Redactor:
        """Hides the secrets that somebody may use from what a model gets."""
        return await redactor_of(self._context, identity)

    async def samples(self, draft: OpenDraft, entries: Sequence[Entry]) -> dict[str, Any]:
        """Samples of the results of cells by step id; cells without a result are left out."""
        results: dict[str, Any] = {}
        for entry in entries:
            source = source_of(draft, entry)
            if source is not None:
                results[entry.step_id] = await self._sample(source)
        return results

    async def _sample(self, source: Source) -> Any:
        """A value with its lists and texts cut short."""
        if source.digest not in self._samples:
            self._samples[source.digest] = await self._context.parsed.ask(source.digest, {"op": "sample"}, source.text)
            while len(self._samples) > KEPT:
                self._samples.popitem(last=False)
        return self._samples[source.digest]
