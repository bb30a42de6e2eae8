"""The document as a whole: another one put in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowapp.notebook import errors
from flowapp.notebook.document import FLOW, SINGLE_SLOTS, CellId, Document, Entry, StepId
from flowapp.notebook.errors import DocumentUnusable, Rejected
from flowapp.notebook.operations.structure import faulty
from flowapp.notebook.operations.types import Applied, Nested, ReplaceFlow

#: What lies beside a cell and does not depend on what the cell is.
_HABITS = frozenset({"collapsed", "outside_effects", "reuse"})
_LONGEST_LABEL = 80


def replace_flow(document: Document, operation: ReplaceFlow) -> Applied | Rejected:
    """Apply `ReplaceFlow`."""
    value = operation.flow.get("value")
    modules = value.get("modules") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(modules, list):
        return errors.bad_module("a flow has a value with a list of modules")
    singles = [value[key] for key in SINGLE_SLOTS.values() if value.get(key) is not None]
    if reason := faulty([*modules, *singles]):
        return errors.bad_module(reason)
    try:
        other = Document.of(operation.flow, lambda: "")
    except DocumentUnusable as error:
        return errors.bad_module(error.message)
    cells = {step: _cell_of(document, operation, step) for step in other.cells}
    twice = sorted({cell for cell in cells.values() if list(cells.values()).count(cell) > 1})
    if twice:
        return errors.duplicate_cell(twice[0])
    kept = {entry.step_id: Nested(entry.cell, document.about(entry.cell)) for entry in document.outline.entries}
    changed = replace(document, flow=other.flow, cells=cells, used=document.used | frozenset(cells))
    notes = {key: about for key, about in document.beside.items() if key.startswith("note:") or key == FLOW}
    besides = {entry.cell: _beside(document, operation, entry) for entry in changed.outline.entries}
    return Applied(
        document=replace(changed, beside={**notes, **{cell: about for cell, about in besides.items() if about}}),
        inverse=(ReplaceFlow(document.flow, operation.prefix, "", kept),),
        touched=frozenset(document.cells.values()) | frozenset(cells.values()),
        label=operation.label.strip()[:_LONGEST_LABEL] or "Replaced the flow",
    )


def _cell_of(document: Document, operation: ReplaceFlow, step: StepId) -> CellId:
    nested = operation.nested.get(step)
    return nested.cell if nested else document.cells.get(step) or f"{operation.prefix}.{step}"


def _beside(document: Document, operation: ReplaceFlow, entry: Entry) -> dict[str, Any]:
    """What lies beside a cell afterwards: all of it where the module is the same one, else only what is no part of it."""
    nested = operation.nested.get(entry.step_id)
    if nested is not None:
        return dict(nested.beside)
    before = document.outline.by_step.get(entry.step_id)
    about = dict(document.about(entry.cell))
    if before is not None and before.module == entry.module:
        return about
    return {key: value for key, value in about.items() if key in _HABITS}
