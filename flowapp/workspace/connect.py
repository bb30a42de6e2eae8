"""Proposals for the inputs of a cell, by name and type. Nothing is applied here: an accepted proposal is an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.access.identity import Identity
from flowapp.jsontext import loads
from flowapp.notebook.document import CellId, Entry
from flowapp.notebook.schemas import fields_of, transforms_of
from flowapp.workspace import tree
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.picker import Picker
from flowapp.workspace.previews import Previews


class Connect:
    """The use-case behind *Connect inputs*."""

    def __init__(self, drafts: Drafts, picker: Picker, previews: Previews) -> None:
        self._drafts = drafts
        self._picker = picker
        self._previews = previews

    async def propose(self, identity: Identity, draft_id: str, cell: CellId, *, use_model: bool) -> dict[str, Any]:
        """`{"proposals", "notice"}` for the fields of a cell that are not connected yet, in the order of its fields."""
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        entry = draft.document.entry(cell)
        if entry is None:
            raise BadRequest(f"Cell {cell} is no longer there.", "Reload the page.")
        fields = [name for name in fields_of(draft.document, entry).properties if _is_open(entry, name)]
        proposals = [found for name in fields if (found := await self._proposal(draft, entry, name)) is not None]
        notice = None
        if use_model:
            notice = "No model is connected to this version; these proposals go by name and type."
        elif not fields:
            notice = "All inputs of this cell are connected already."
        elif not proposals:
            notice = "Nothing that comes before fits an open input by name and type."
        return {"proposals": proposals, "notice": notice}

    async def _proposal(self, draft: OpenDraft, entry: Entry, field: str) -> dict[str, Any] | None:
        found = await self._picker.suggestions(draft, entry, field)
        if not found:
            return None
        best = found[0]
        (answer,) = await self._previews.values(draft, entry, [(best.candidate.expr, False)])
        if isinstance(answer, str):
            evaluated: dict[str, Any] = {"ok": False, "text": answer}
        else:
            value = loads(answer[0])
            evaluated = {"ok": True, "text": tree.summary(value), "type": tree.type_of(value)}
        return {
            "field": field,
            "expr": best.candidate.expr,
            "value": None,
            "evaluated": evaluated,
            "why": best.why,
            "score": best.score,
            "source": "matcher",
            "alternatives": [match.candidate.expr for match in found[1:]],
        }


def _is_open(entry: Entry, field: str) -> bool:
    """A field without a transform, or with an empty constant."""
    transform = transforms_of(entry).get(field)
    if not isinstance(transform, Mapping):
        return True
    if transform.get("type") == "javascript":
        return not str(transform.get("expr") or "").strip()
    return transform.get("type") == "static" and transform.get("value") in (None, "")
