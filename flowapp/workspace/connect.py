"""Proposals for the inputs of cells: by name and type, or by a model when a person asks for it.

Nothing is applied here: an accepted proposal is an operation of the page. Without a configured model, or when it fails, the
proposals go by name and type, and the notice says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from flowapp.access.identity import Identity
from flowapp.assistant.new_inputs import NewInput
from flowapp.assistant.proposals import Proposal
from flowapp.assistant.shapes import is_secret_schema
from flowapp.models import ModelClient, ModelFailed, estimated
from flowapp.notebook.document import Document, Entry
from flowapp.workspace.assistance import Assistance
from flowapp.workspace.assistant_models import AssistantModels, ModelChoice
from flowapp.workspace.connect_asks import Ask, Found, Where, fields_asked, found_for
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.judging import Answer, is_awaited, judged
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.previews import Previews, shown

BY_NAME = "These go by name and type."
NOTHING_OPEN = "There is no open input to ask about."
_HIDDEN = {"ok": True, "text": "(hidden)"}


class Connect:
    """The use-case behind *Connect inputs*."""

    def __init__(self, drafts: Drafts, assistance: Assistance, previews: Previews, models: AssistantModels) -> None:
        self._drafts = drafts
        self._assistance = assistance
        self._previews = previews
        self._models = models

    async def propose(self, identity: Identity, draft_id: str, where: Where, *, use_model: bool) -> dict[str, Any]:
        """`{"proposals", "choices", "notice"}` for the fields that are asked for, in the order of the cells.

        A proposal of kind `wire` has its evaluated value (None for an input of the flow that has none yet), and `valid` says whether the field takes it (None: not known before a run).
        One of kind `input` stands where nothing fits: `input` is what the flow's schema would have more. `choices` are fields that
        several expressions fit equally well.

        Raises:
            BadRequest: there is no such cell or field.
        """
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        asks = await self._asks(draft, where)
        if not asks:
            whose = "All inputs of the flow's cells" if where.whole else "All inputs of this cell"
            return {"proposals": [], "choices": [], "notice": f"{whose} are connected already."}
        choice = await self._models.choice(identity.workspace, "connect") if use_model else ModelChoice.nobody()
        hide = await self._hiding(identity, choice)
        async with choice.client() as model:
            found = await found_for(draft.document, asks, model, hide)
        proposals = [shown_ for each in found for shown_ in await self._shown(draft, each)]
        choices = [
            {**_place(each.ask.entry), "field": one.field, "exprs": list(one.exprs)}
            for each in found
            for one in each.choices
        ]
        return {"proposals": proposals, "choices": choices, "notice": _notice(found, choice, where, proposals, choices)}

    async def sent(self, identity: Identity, draft_id: str, where: Where) -> dict[str, Any]:
        """What would be sent for these fields if the model was asked now, and nothing is: `{"requests", "model", "server", "tokens"}`.

        Each request is `{"cell", "step", "title", "body"}`: the JSON that goes to the model, made by what sends it. `problem` says
        why one would not be sent; `notice` why none is.
        """
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        asks = await self._asks(draft, where)
        choice = await self._models.choice(identity.workspace, "connect")
        hide = await self._hiding(identity, choice)
        async with choice.client() as model:
            requests = [] if model is None else await asyncio.to_thread(bodies, model, asks, hide)
        return to_be_sent(requests, choice, None if asks else NOTHING_OPEN)

    async def _asks(self, draft: OpenDraft, where: Where) -> list[Ask]:
        asked = await asyncio.to_thread(fields_asked, draft.document, where)
        return [
            Ask(entry, targets, await self._assistance.scope(draft, entry))
            for entry, targets in asked
            if _is_there(draft, entry)
        ]

    async def _hiding(self, identity: Identity, choice: ModelChoice) -> Callable[[str], str]:
        return (await self._assistance.redactor(identity)).known if choice.settings else str

    async def _shown(self, draft: OpenDraft, found: Found) -> list[dict[str, Any]]:
        """All proposals for a cell, in the order of its fields; none where somebody has deleted it meanwhile."""
        if not _is_there(draft, found.ask.entry):
            return []
        entry, document = found.ask.entry, draft.document
        there = {field: _reading(field, new) for field, new in found.inputs.items() if new.there}
        wires = [*found.proposals, *there.values()]
        values = await self._previews.values(draft, entry, [(proposal.expr, False) for proposal in wires])
        secret = {target.field for target in found.ask.targets if is_secret_schema(target.schema)}
        by_field: dict[str, dict[str, Any]] = {}
        for proposal, value in zip(wires, values, strict=True):
            by_field[proposal.field] = await _wire(document, entry, proposal, value, hidden=proposal.field in secret)
        for field, new in found.inputs.items():
            if not new.there:
                by_field[field] = as_input(field, new, found.weaker.get(field, ()))
        order = [target.field for target in found.ask.targets]
        return [{**by_field[field], **_place(entry)} for field in order if field in by_field]


def _is_there(draft: OpenDraft, entry: Entry) -> bool:
    return draft.document.entry(entry.cell) is not None


async def _wire(document: Document, entry: Entry, proposal: Proposal, value: Answer, *, hidden: bool) -> dict[str, Any]:
    valid, problem = await asyncio.to_thread(judged, document, entry, proposal.field, proposal.expr, value)
    evaluated: dict[str, Any] | None = _HIDDEN if hidden and valid is not None else await shown(value)
    if valid and is_awaited(document, proposal.expr, value):
        evaluated = None
    if problem and evaluated and evaluated["ok"]:
        evaluated = {**evaluated, "problem": problem}
    said = {"value": None, "evaluated": evaluated, "kind": "wire", "valid": valid, "problem": problem}
    return {**proposal.to_json(), **said}


def as_input(field: str, new: NewInput, weaker: tuple[str, ...]) -> dict[str, Any]:
    """A new input of the flow as a proposal for a field: right by its making, and without a value yet."""
    why = f"shared with {', '.join(new.shared)}" if new.shared else "nothing that comes before fits"
    proposal = Proposal(field, new.expr, why, 0.5, weaker)
    said = {"value": None, "evaluated": None, "kind": "input", "valid": True, "problem": "", "input": new.to_json()}
    return {**proposal.to_json(), **said}


def bodies(model: ModelClient, asks: Sequence[Ask], hide: Callable[[str], str]) -> list[dict[str, Any]]:
    """The request about each cell, or why it would not be sent."""
    found: list[dict[str, Any]] = []
    for ask in asks:
        try:
            found.append({**_place(ask.entry), "body": ask.question(hide).body(model)})
        except ModelFailed as failure:
            found.append({**_place(ask.entry), "body": None, "problem": f"{failure.message} {failure.hint}".strip()})
    return found


def to_be_sent(requests: Sequence[dict[str, Any]], choice: ModelChoice, notice: str | None) -> dict[str, Any]:
    """What would be sent, to whom, and about how much it is."""
    texts = [str(message["content"]) for each in requests if each["body"] for message in each["body"]["messages"]]
    return {
        "requests": list(requests),
        "model": choice.name,
        "server": choice.server,
        "tokens": estimated(*texts),
        "notice": choice.why_not or notice,
    }


def _reading(field: str, new: NewInput) -> Proposal:
    return Proposal(field, new.expr, "the flow has an input of this name and type", 0.7)


def _place(entry: Entry) -> dict[str, Any]:
    return {"cell": entry.cell, "step": entry.step_id, "title": str(entry.module.get("summary") or "")}


def _notice(
    found: Sequence[Found], choice: ModelChoice, where: Where, proposals: Sequence[Any], choices: Sequence[Any]
) -> str | None:
    said = list(dict.fromkeys(each.notice for each in found if each.notice))
    if said:
        return " ".join(said)
    if choice.why_not:
        return f"{BY_NAME} {choice.why_not}"
    if proposals or choices:
        return None
    if where.field:
        return f"Nothing else that comes before fits {where.field} by name and type."
    return "Nothing that comes before clearly fits an open input by name and type."
