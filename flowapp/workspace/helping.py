"""The assistant of a notebook: questions about the flow answered, and changes of it proposed by a model.

Nothing is applied here. A change that a person takes is an operation of the page like any other, with undo and all.
"""

from __future__ import annotations

from flowapp.access.identity import Identity
from flowapp.assistant.edits import LONGEST_INSTRUCTION, MODES, Mode, Request
from flowapp.assistant.samples import fields_of
from flowapp.notebook.document import CellId
from flowapp.workspace.assistance import Assistance
from flowapp.workspace.assistant_models import AssistantModels
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.questions import Question, Questions
from flowapp.workspace.redaction import Redactor

#: What is asked for where words may be missing.
WORDLESS = {"sample": "Make a typical sample of the input.", "result": "Make a typical sample of the result."}


class Helping:
    """The use-case behind the panel *Assistant*."""

    def __init__(self, drafts: Drafts, assistance: Assistance, models: AssistantModels) -> None:
        self._drafts = drafts
        self._assistance = assistance
        self._models = models
        self._asked = Questions()

    async def question(
        self, identity: Identity, draft_id: str, instruction: str, *, mode: str, cell: CellId | None
    ) -> Question:
        """A question that can be looked at or asked; nothing is sent yet.

        Args:
            identity: who asks; somebody who may edit the draft.
            draft_id: the draft.
            instruction: a question or a wish, in words.
            mode: ask (words only), edit (changes too), sample (sample data for the flow's input) or result (sample data for the result
                of the cell); for samples, words may be missing.
            cell: the cell that is meant, if it is one.

        Raises:
            BadRequest: there are no words, too many, or no such cell or mode.
        """
        draft = await self._drafts.open(identity, "draft.edit", draft_id)
        wish = instruction.strip()
        found: Mode | None = next((known for known in MODES if known == mode), None)
        if found is None:
            raise BadRequest(f"There is no mode {mode!r}.", f"Use one of {', '.join(MODES)}.")
        wish = wish or WORDLESS.get(found, "")
        if found == "sample" and not fields_of(draft.document):
            raise BadRequest(
                "The flow has no input that a sample can be made for.",
                "Add a field to the flow input; secrets and resources are yours to choose.",
            )
        if found == "result" and cell is None:
            raise BadRequest("A sample of a result is made for a cell, and none is named.", 'Send its id as "cell".')
        if not wish or len(wish) > LONGEST_INSTRUCTION:
            raise BadRequest(
                "Say what you want to know or to have changed.", f"In at most {LONGEST_INSTRUCTION} characters."
            )
        redactor = await self._assistance.redactor(identity)
        request = await self._request(draft, wish, found, cell, redactor)
        return Question(request, await self._models.choice(identity.workspace, "edit"), self._asked)

    def stop(self) -> None:
        """Stop asking: the server stops, and answers that are still coming would hold it up."""
        self._asked.stop()

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
