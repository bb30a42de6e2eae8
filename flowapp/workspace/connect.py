"""Proposals for the inputs of a cell: by name and type, or by a model when a person asks for it.

Nothing is applied here: an accepted proposal is an operation of the page. Without a configured model, or when it fails, the
proposals go by name and type, and the notice says so.
"""

from __future__ import annotations

from typing import Any

from flowapp.access.identity import Identity
from flowapp.assistant import propose, targets_of
from flowapp.models.client import ModelClient
from flowapp.notebook.document import CellId
from flowapp.workspace.assistance import Assistance
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.previews import Previews, shown

NO_MODEL = "No model is configured, so these go by name and type. Set OPENAI_API_KEY or OPENAI_BASE_URL to use one."


class Connect:
    """The use-case behind *Connect inputs*."""

    def __init__(self, drafts: Drafts, assistance: Assistance, previews: Previews, model: ModelClient | None) -> None:
        self._drafts = drafts
        self._assistance = assistance
        self._previews = previews
        self._model = model

    async def propose(self, identity: Identity, draft_id: str, cell: CellId, *, use_model: bool) -> dict[str, Any]:
        """`{"proposals", "notice"}` for the fields of a cell that are not connected yet, each with its evaluated value."""
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        entry = draft.document.entry(cell)
        if entry is None:
            raise BadRequest(f"Cell {cell} is no longer there.", "Reload the page.")
        targets = targets_of(draft.document, cell)
        if not targets:
            return {"proposals": [], "notice": "All inputs of this cell are connected already."}
        title = str(entry.module.get("summary") or entry.step_id)
        scope = await self._assistance.scope(draft, entry)
        model = self._model if use_model else None
        hide = (await self._assistance.redactor(identity)).known if model else str
        found = await propose(model, title, targets, scope, hide)
        values = await self._previews.values(draft, entry, [(proposal.expr, False) for proposal in found.proposals])
        proposals = [
            {**proposal.to_json(), "value": None, "evaluated": await shown(value)}
            for proposal, value in zip(found.proposals, values, strict=True)
        ]
        notice = found.notice
        if notice is None and use_model and self._model is None:
            notice = NO_MODEL
        if notice is None and not proposals:
            notice = "Nothing that comes before clearly fits an open input by name and type."
        return {"proposals": proposals, "notice": notice}
