"""Proposals for the inputs of a cell: by name and type, or by a model when a person asks for it.

Nothing is applied here: an accepted proposal is an operation of the page. Without a configured model, or when it fails, the
proposals go by name and type, and the notice says so.
"""

from __future__ import annotations

from typing import Any

from flowapp.access.identity import Identity
from flowapp.assistant import propose, targets_of
from flowapp.notebook.document import CellId
from flowapp.workspace.assistance import Assistance
from flowapp.workspace.assistant_models import AssistantModels, ModelChoice
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.previews import Previews, shown

BY_NAME = "These go by name and type."


class Connect:
    """The use-case behind *Connect inputs*."""

    def __init__(self, drafts: Drafts, assistance: Assistance, previews: Previews, models: AssistantModels) -> None:
        self._drafts = drafts
        self._assistance = assistance
        self._previews = previews
        self._models = models

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
        choice = await self._models.choice(identity.workspace, "connect") if use_model else ModelChoice.nobody()
        hide = (await self._assistance.redactor(identity)).known if choice.settings else str
        async with choice.client() as model:
            found = await propose(model, title, targets, scope, hide)
        values = await self._previews.values(draft, entry, [(proposal.expr, False) for proposal in found.proposals])
        proposals = [
            {**proposal.to_json(), "value": None, "evaluated": await shown(value)}
            for proposal, value in zip(found.proposals, values, strict=True)
        ]
        notice = found.notice
        if notice is None and choice.why_not:
            notice = f"{BY_NAME} {choice.why_not}"
        if notice is None and not proposals:
            notice = "Nothing that comes before clearly fits an open input by name and type."
        return {"proposals": proposals, "notice": notice}
