"""Wiring: the input fields of cells, the text of single expressions, and renaming steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowapp.notebook import errors
from flowapp.notebook.document import SINGLE_SLOTS, Document, Entry
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations.common import edited, name_of, with_beside, with_value
from flowapp.notebook.operations.types import (
    Applied,
    Operation,
    RenameStep,
    SetBeside,
    SetExpression,
    SetInput,
)
from flowapp.notebook.sites import sites_of
from flowapp.notebook.trees import MISSING, Path, get_at
from flowapp.openflow import expressions
from flowapp.openflow.references import rename
from flowapp.openflow.walk import inputs_of, inputs_pointer, step_ids, valid_step_id

#: Kinds of modules that take input transforms.
WITH_INPUTS = frozenset({"rawscript", "script", "flow", "aiagent"})
_ACTIVE = {"static": "value", "javascript": "expr"}


def set_input(document: Document, operation: SetInput) -> Applied | Rejected:
    """Apply `SetInput`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    if entry.kind not in WITH_INPUTS:
        return errors.no_inputs(operation.cell)
    at = (*_inputs_path(entry), operation.field)
    old = inputs_of(entry.module).get(operation.field)
    new: Any = MISSING if operation.transform is None else dict(operation.transform)
    changed = with_value(document, entry, at, new)
    inverse: list[Operation] = [SetInput(operation.cell, operation.field, old)]
    kept = document.about(operation.cell).get("kept") or {}
    wanted = _kept_beside(kept.get(operation.field), old, operation.transform)
    key = f"kept/{operation.field}"
    if wanted != kept.get(operation.field):
        changed = with_beside(changed, operation.cell, key, wanted)
    if kept.get(operation.field) != _kept_beside(wanted, operation.transform, old):
        inverse.append(SetBeside(operation.cell, key, kept.get(operation.field)))
    return Applied(
        document=changed,
        inverse=tuple(inverse),
        touched=frozenset({operation.cell}),
        label=f"Changed `{operation.field}` of {name_of(entry)}",
    )


def set_expression(document: Document, operation: SetExpression) -> Applied | Rejected:
    """Apply `SetExpression`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    old = get_at(entry.module, operation.path)
    if not isinstance(old, str) or all(site.path != operation.path for site in sites_of(entry.module)):
        return errors.unknown_setting("/".join(str(key) for key in operation.path))
    return Applied(
        document=with_value(document, entry, operation.path, operation.expr),
        inverse=(SetExpression(operation.cell, operation.path, old),),
        touched=frozenset({operation.cell}),
        label=f"Changed an expression of {name_of(entry)}",
    )


def rename_step(document: Document, operation: RenameStep) -> Applied | Rejected:
    """Apply `RenameStep`: the step's id, every expression that refers to it, and the flow's own mentions of it."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    if entry.slot in SINGLE_SLOTS:
        return errors.step_id_fixed(entry.step_id)
    old, new = entry.step_id, operation.step_id
    if not valid_step_id(new):
        return errors.step_id_invalid(new)
    if new != old and (new in document.cells or new in step_ids(document.flow)):
        return errors.step_id_taken(new)
    renamed = expressions.rename_step(document.flow, old, new)
    changed = {old if each.step_id == new else each.step_id for each in renamed.changed}
    restore = [
        SetExpression(reader.cell, site.path, site.expr)
        for reader in document.outline.entries
        for site in sites_of(reader.module)
        # The way back is not the same way: the text named `new` before, or its form had to change.
        if rename(rename(site.expr, old, new), new, old) != site.expr
    ]
    cells = {(new if step == old else step): cell for step, cell in document.cells.items()}
    return Applied(
        document=replace(edited(document, renamed.flow), cells=cells, used=document.used | {new}),
        inverse=(RenameStep(operation.cell, old), *restore),
        touched=frozenset({operation.cell, *(document.cells[step] for step in changed if step is not None)}),
        label=f"Renamed `{old}` to `{new}`",
    )


def _inputs_path(entry: Entry) -> Path:
    return tuple(inputs_pointer(entry.module).split("/")[1:])


def _kept_beside(
    kept: Mapping[str, Any] | None, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """The value of the inactive kind to keep for a field: the one that `new` replaces, or what was kept already."""
    if new is None:
        return None
    active = _ACTIVE.get(str(new.get("type")))
    was = _ACTIVE.get(str(old.get("type"))) if isinstance(old, Mapping) else None
    found = {key: value for key, value in (kept or {}).items() if key != active}
    if isinstance(old, Mapping) and was is not None and was != active and old.get(was) not in (None, ""):
        found[was] = old[was]
    return found or None
