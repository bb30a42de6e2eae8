"""The document as a whole: another one put in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowapp.notebook import errors
from flowapp.notebook.document import FLOW, SINGLE_SLOTS, TAKEN_IN, CellId, Document, Entry, StepId
from flowapp.notebook.errors import DocumentUnusable, Rejected
from flowapp.notebook.operations.common import with_beside, without_form
from flowapp.notebook.operations.structure import faulty
from flowapp.notebook.operations.types import Applied, BindNames, Nested, ReplaceFlow, TakeIn
from flowapp.openflow.stored_names import LONGEST_PATH, StoredName, bound, is_path, mentions

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
    for nested in operation.nested.values():
        if refused := without_form(nested.beside):
            return refused
    changed = replace(document, flow=other.flow, cells=cells, used=document.used | frozenset(cells))
    notes = {key: about for key, about in document.beside.items() if key.startswith("note:") or key == FLOW}
    besides = {entry.cell: _beside(document, operation, entry) for entry in changed.outline.entries}
    return Applied(
        document=replace(changed, beside={**notes, **{cell: about for cell, about in besides.items() if about}}),
        inverse=(_back(document, operation.prefix),),
        touched=frozenset(document.cells.values()) | frozenset(cells.values()),
        label=operation.label.strip()[:_LONGEST_LABEL] or "Replaced the flow",
    )


def take_in(document: Document, operation: TakeIn) -> Applied | Rejected:
    """Apply `TakeIn`."""
    about = operation.deployed
    if about is not None and not (isinstance(about.get("path"), str) and isinstance(about.get("version"), int)):
        return errors.bad_operation("A deployed version has a path and a version, a number.")
    steps = {} if about is None else about.get("steps", {})
    if not isinstance(steps, Mapping) or not all(isinstance(step, str) for step in steps.values()):
        return errors.bad_operation("The steps of a deployed version are a name for each cell.")
    changed = with_beside(document, FLOW, TAKEN_IN, None if about is None else dict(about))
    label = "" if about is None else taken_in_label(about["version"])
    return Applied(changed, (TakeIn(document.taken_in),), frozenset(), label)


def taken_in_label(version: int) -> str:
    """What the list of edits calls it."""
    return f"Took in version {version}"


def bind_names(document: Document, operation: BindNames) -> Applied | Rejected:
    """Apply `BindNames`."""
    bindings: dict[StoredName, str] = {}
    for about in operation.bindings:
        kind, path, to = (about.get(key) for key in ("kind", "path", "to"))
        if kind not in ("variable", "resource") or not isinstance(path, str) or not isinstance(to, str) or not to:
            return errors.bad_operation(
                "A binding has a kind (variable or resource), a path, and a path to name instead (to)."
            )
        if not is_path(to):
            return errors.bad_operation(
                f"This is no path to name instead: {to[:80]!r}. It has letters, digits and _ / . @ - only, {LONGEST_PATH} at most."
            )
        bindings[StoredName(kind, path)] = to
    flow = bound(document.flow, bindings)
    if flow is document.flow:
        return errors.nothing_named()
    changed = replace(document, flow=flow)
    before = document.outline.by_cell
    touched = frozenset(one.cell for one in changed.outline.entries if one.module is not before[one.cell].module)
    named = len({one.name for one in mentions(document.flow)} & bindings.keys())
    label = f"Bound {named} name{'' if named == 1 else 's'} anew"
    return Applied(changed, (_back(document, "bound"),), touched, label)


def _back(document: Document, prefix: CellId) -> ReplaceFlow:
    """What makes the document's flow and cells again what they are now."""
    kept = {entry.step_id: Nested(entry.cell, document.about(entry.cell)) for entry in document.outline.entries}
    return ReplaceFlow(document.flow, prefix, "", kept)


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
