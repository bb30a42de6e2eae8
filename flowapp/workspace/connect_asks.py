"""What *Connect inputs* is asked for: one field, the open fields of a cell, or those of all cells of a flow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any

from flowapp.assistant import Proposal, Scope, Target, equals, propose, targets_of, weaker
from flowapp.assistant.model import Question, asking
from flowapp.assistant.new_inputs import Need, NewInput, needs_one, new_inputs
from flowapp.assistant.targets import is_open
from flowapp.models import ModelClient
from flowapp.notebook.document import CellId, Document, Entry
from flowapp.notebook.schemas import transforms_of
from flowapp.workspace.errors import BadRequest

#: So many cells are asked about at the same time.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Where:
    """Which fields: those of the whole flow, or of a cell, or one (`field`) of it."""

    cell: CellId = ""
    field: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """The fields of one cell, with what they can be wired to."""

    entry: Entry
    targets: Sequence[Target]
    scope: Scope

    @property
    def title(self) -> str:
        """What the cell is called."""
        return str(self.entry.module.get("summary") or self.entry.step_id)

    def question(self, hide: Callable[[str], str]) -> Question:
        """What a model is asked about the cell; `hide` takes secrets out of it."""
        return asking(self.title, self.targets, self.scope, hide)


@dataclass(frozen=True, slots=True)
class Choice:
    """A field for which several expressions fit equally well: a person has to say which one is meant."""

    field: str
    exprs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for one cell. `inputs` are by field, for those that nothing fits; `weaker` what might be meant all the same."""

    ask: Ask
    proposals: Sequence[Proposal] = ()
    choices: Sequence[Choice] = ()
    inputs: Mapping[str, NewInput] = dataclass_field(default_factory=dict)
    weaker: Mapping[str, tuple[str, ...]] = dataclass_field(default_factory=dict)
    notice: str | None = None


def fields_asked(document: Document, where: Where) -> list[tuple[Entry, list[Target]]]:
    """The cells with the fields that are asked for; cells without any are left out.

    Raises:
        BadRequest: there is no such cell or field.
    """
    if where.whole:
        cells = [entry for entry in document.outline.entries if entry.slot != "preprocessor"]
        asked = [(entry, targets_of(document, entry.cell)) for entry in cells]
        return [(entry, targets) for entry, targets in asked if targets]
    entry = document.entry(where.cell)
    if entry is None:
        raise BadRequest(f"Cell {where.cell} is no longer there.", "Reload the page.")
    if not where.field:
        targets = targets_of(document, entry.cell)
        return [(entry, targets)] if targets else []
    every = targets_of(document, entry.cell, only_open=False)
    one = [replace(target, asked=True) for target in every if target.field == where.field]
    if not one:
        names = ", ".join(target.field for target in every) or "none"
        raise BadRequest(f"{entry.step_id} has no input {where.field!r}.", f"Its inputs are: {names}.")
    return [(entry, one)]


async def found_for(
    document: Document, asks: Sequence[Ask], client: ModelClient | None, hide: Callable[[str], str]
) -> list[Found]:
    """What the matcher, and a model where there is one, find for each cell; a few cells are asked about at a time."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(ask: Ask) -> Found:
        async with turns:
            given = await propose(client, ask.title, ask.targets, ask.scope, hide)
        present = transforms_of(ask.entry)
        proposals = [each for each in given.proposals if not _is_there(present.get(each.field), each.expr)]
        open_ = [target for target in ask.targets if target.field not in {each.field for each in given.proposals}]
        choices, unlikely = await asyncio.to_thread(_undecided, open_, ask.scope)
        return Found(ask, proposals, choices, {}, unlikely, given.notice)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(ask)) for ask in asks]
    return await asyncio.to_thread(_with_inputs, document, [task.result() for task in tasks])


def _is_there(transform: Any, expr: str) -> bool:
    """Whether a field reads this very expression already."""
    return isinstance(transform, Mapping) and str(transform.get("expr") or "").strip() == expr


def _undecided(targets: Sequence[Target], scope: Scope) -> tuple[list[Choice], dict[str, tuple[str, ...]]]:
    """Of fields without a proposal: those that several things fit equally well, and what is not likely enough for the others."""
    choices = [Choice(target.field, equals(target, scope)) for target in targets]
    return [one for one in choices if one.exprs], {target.field: weaker(target, scope) for target in targets}


def _with_inputs(document: Document, found: Sequence[Found]) -> list[Found]:
    """The same with an input of the flow for each field that lacks a value and that nothing fits."""
    needs: list[Need] = []
    for each in found:
        entry, present = each.ask.entry, transforms_of(each.ask.entry)
        fitted = {item.field for item in each.proposals} | {item.field for item in each.choices}
        lacking = [one for one in each.ask.targets if one.field not in fitted and is_open(present.get(one.field))]
        needs += [Need(entry, target) for target in lacking if needs_one(entry, target)]
    made = list(zip(needs, new_inputs(document, needs), strict=True))
    return [
        replace(each, inputs={need.target.field: new for need, new in made if need.entry.cell == each.ask.entry.cell})
        for each in found
    ]
