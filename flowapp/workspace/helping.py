"""The assistant of a notebook: questions about the flow answered, and changes of it proposed by a model.

Nothing is applied here. A change that a person takes is an operation of the page like any other, with undo and all.
"""

from __future__ import annotations

from typing import Any

from flowapp.access.identity import Identity
from flowapp.assistant.edits import LONGEST_INSTRUCTION, MODES, Edit, Mode, Request, help_with
from flowapp.models.client import ModelClient
from flowapp.models.errors import ModelFailed
from flowapp.notebook.codec import encode
from flowapp.notebook.document import CellId
from flowapp.workspace.assistance import Assistance
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.new_drafts import new_cell_id
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.redaction import HIDDEN, Redactor

CUT = "Code that held a secret was left out: the model did not see it whole. Use a variable instead of writing a secret down."
NO_MODEL = "No model is configured. Set OPENAI_API_KEY or OPENAI_BASE_URL, and start the server again."


class Helping:
    """The use-case behind the panel *Assistant*."""

    def __init__(self, drafts: Drafts, assistance: Assistance, model: ModelClient | None) -> None:
        self._drafts = drafts
        self._assistance = assistance
        self._model = model

    async def help(
        self, identity: Identity, draft_id: str, instruction: str, *, mode: str, cell: CellId | None, dry: bool = False
    ) -> dict[str, Any]:
        """`{"message", "proposals", "notice", "model"}`; with `dry` nothing is asked, and `sent` is what would be.

        A proposal is `{"label", "why", "step", "before", "after", "language", "inputs", "problems", "ops"}`.

        Args:
            identity: who asks; somebody who may edit the draft.
            draft_id: the draft.
            instruction: a question or a wish, in words.
            mode: ask (words only) or edit (changes too).
            cell: the cell that is meant, if it is one.
            dry: only tell what would be sent.

        Raises:
            BadRequest: there are no words, too many, or no such cell or mode.
        """
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        wish = instruction.strip()
        found: Mode | None = next((known for known in MODES if known == mode), None)
        if found is None:
            raise BadRequest(f"There is no mode {mode!r}.", "Use ask or edit.")
        if not wish or len(wish) > LONGEST_INSTRUCTION:
            raise BadRequest(
                "Say what you want to know or to have changed.", f"In at most {LONGEST_INSTRUCTION} characters."
            )
        redactor = await self._assistance.redactor(identity)
        request = await self._request(draft, wish, found, cell, redactor)
        name = self._model.model if self._model else None
        if dry:
            return {"sent": f"{request.system}\n\n{request.question}", "model": name}
        if self._model is None:
            return {"message": "", "proposals": [], "notice": NO_MODEL, "model": None}
        try:
            given = await help_with(self._model, request, new_cell_id)
        except ModelFailed as failure:
            return {
                "message": "",
                "proposals": [],
                "notice": f"{failure.message} {failure.hint}".strip(),
                "model": name,
            }
        whole = [edit for edit in given.edits if HIDDEN not in (edit.after or "")]
        notice = given.notice if len(whole) == len(given.edits) else f"{CUT} {given.notice or ''}".strip()
        proposals = [_shown(edit) for edit in whole]
        return {"message": given.message, "proposals": proposals, "notice": notice, "model": name}

    async def _request(
        self, draft: OpenDraft, wish: str, mode: Mode, cell: CellId | None, redactor: Redactor
    ) -> Request:
        entry = draft.document.entry(cell) if cell else None
        if cell and entry is None:
            raise BadRequest(f"Cell {cell} is no longer there.", "Reload the page.")
        errors = {
            known.step_id: redactor.text(f"{record.error.name}: {record.error.message[:500]}")
            + (f" (line {record.error.line})" if record.error.line else "")
            for known in draft.document.outline.entries
            if (record := draft.records.get(known.cell)) is not None and record.error is not None
        }
        samples = await self._assistance.samples(draft, draft.document.outline.entries)
        results = {step: redactor.value(sample) for step, sample in samples.items()}
        return Request(draft.document, wish, mode, entry.step_id if entry else None, results, errors, redactor.known)


def _shown(edit: Edit) -> dict[str, Any]:
    return {
        "label": edit.label,
        "why": edit.why,
        "step": edit.step,
        "before": edit.before,
        "after": edit.after,
        "language": edit.language,
        "inputs": [{"field": name, "expr": expr} for name, expr in edit.inputs],
        "problems": [problem.to_json() for problem in edit.problems],
        "ops": [encode(operation) for operation in edit.operations],
    }
