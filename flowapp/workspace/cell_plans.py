"""What starts a run of cells: the plan as the engine reads it, and what the observer has to know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowapp.notebook.document import CellId, Document, StepId
from flowapp.notebook.plan import Plan
from flowapp.notebook.records import Taken
from flowapp.notebook.staleness import CellState
from flowapp.notebook.trials import Trial
from flowapp.openflow.walk import LOOP_KINDS
from flowapp.workspace.cell_records import Chosen
from flowapp.workspace.cells import CellRun
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.open_drafts import OpenDraft

MODES_OF_ONE = frozenset({"auto", "old_results"})


def chosen_of(document: Document, cells: Sequence[CellId], mode: str, index: int | None) -> Chosen | None:
    """The one iteration that is to run; None: all of what is named runs.

    Raises:
        BadRequest: what is named is not one loop at the top level, or the mode is of several cells.
    """
    if index is None:
        return None
    entry = document.entry(cells[0]) if len(cells) == 1 else None
    if entry is None or entry.kind not in LOOP_KINDS:
        raise BadRequest("Only one loop has an iteration to choose.", "Name the cell of one loop.")
    if entry.parent is not None:
        outer = document.outline.by_cell[entry.unit].step_id
        message = f"{entry.step_id} runs with {outer}: its iterations cannot be run by themselves."
        raise BadRequest(message, f"Run {outer}, or move the loop out of it.")
    if mode not in MODES_OF_ONE:
        raise BadRequest(f"An iteration cannot be run in the mode {mode!r}.", "Use auto or old_results.")
    return Chosen(entry.cell, entry.step_id, index)


def binding(
    draft: OpenDraft, document: Document, planned: Plan, anew: list[str], chosen: Chosen | None = None
) -> CellRun:
    """What the observer has to know of a run that begins."""
    by_step = document.outline.by_step
    taken: dict[str, Taken] = {}
    for step_id in planned.given:
        for entry in document.outline.within(by_step[step_id]):
            record = draft.records.get(entry.cell)
            if record is not None and record.has_result:
                taken[entry.step_id] = Taken(record.result, record.run_id)
    return CellRun(draft.id, document, planned.on_old_inputs, taken, frozenset(anew), chosen)


def _never(document: Document) -> list[str]:
    """The steps whose results are neither kept nor taken: they say so themselves, or have effects outside."""
    return [entry.step_id for entry in document.outline.entries if _counts_each_time(document.about(entry.cell))]


def _counts_each_time(about: Mapping[str, Any]) -> bool:
    return about.get("outside_effects") is True or about.get("reuse") == "never"


def anew(
    draft: OpenDraft,
    document: Document,
    states: Mapping[CellId, CellState],
    targets: Sequence[CellId],
    chosen: Chosen | None,
) -> list[str]:
    """The steps that somebody runs although they are up to date: who asks for that wants them computed again.

    A chosen iteration is up to date when it has run by itself and nothing of it is out of date, or when its whole loop is.
    """
    outline = document.outline
    units = {outline.by_cell[cell].unit for cell in targets if cell in outline.by_cell}
    current = {cell for cell in units if cell in states and not states[cell].needs_run}
    if chosen is not None and _ran(draft, document, states, chosen):
        current.add(chosen.cell)
    return [inner.step_id for unit in outline.units if unit.cell in current for inner in outline.within(unit)]


def _ran(draft: OpenDraft, document: Document, states: Mapping[CellId, CellState], chosen: Chosen) -> bool:
    inside = document.outline.within(document.outline.by_cell[chosen.cell])[1:]
    records = (draft.records.get(entry.cell) for entry in inside)
    ran = any(record and record.iteration and record.iteration.index == chosen.index for record in records)
    return ran and not any(states[entry.cell].base in ("stale", "failed", "blocked") for entry in inside)


def having(draft: OpenDraft, document: Document) -> tuple[StepId, ...]:
    """The top-level steps that have a result which a trial may read."""
    units = document.outline.units
    return tuple(unit.step_id for unit in units if unit.cell in draft.records and draft.records[unit.cell].has_result)


def plan_json(
    document: Document,
    draft: OpenDraft,
    planned: Plan,
    notebook: str,
    anew: list[str],
    tried: Trial | None,
    chosen: Chosen | None,
) -> dict[str, Any]:
    """The plan of the run as its row keeps it."""
    given: dict[str, Any] = {}
    for step_id in planned.given:
        record = draft.records[document.outline.by_step[step_id].cell]
        given[step_id] = {"run_id": record.run_id, "path": record.path, "result": record.result}
    return {
        "run": tried.steps if tried else steps(document, planned.run),
        "given": given,
        "reuse": True,
        "never": _never(document),
        "anew": anew,
        "on_old_inputs": planned.on_old_inputs,
        "notebook": notebook,
        "iteration": chosen.to_json() if chosen else None,
    }


def steps(document: Document, cells: Sequence[CellId]) -> list[str]:
    """The step ids of cells."""
    return [document.outline.by_cell[cell].step_id for cell in cells]


def summary(document: Document, planned: Plan, chosen: Chosen | None) -> str:
    """What the run is called in lists."""
    names = [
        f"{step_id} (iteration {chosen.index + 1})" if chosen and step_id == chosen.step_id else step_id
        for step_id in steps(document, planned.run)
    ]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    flow = str(document.flow.get("summary") or "")
    return f"{flow}: {shown}" if flow else shown
