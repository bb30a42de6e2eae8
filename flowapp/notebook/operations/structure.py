"""Structure: inserting, deleting and moving cells, and the branches of a branch cell.

A broken wire is not an illegal document: deleting or moving a producer leaves its readers as they are, and undo has to be
able to restore any state that was there before. No operation is refused for a wire; lint reports broken ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flowapp.notebook import errors
from flowapp.notebook.copies import fresh_modules
from flowapp.notebook.document import SINGLE_SLOTS, CellId, Document, Entry, StepId, list_path, nested_modules
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations.common import edited, name_of, without_form
from flowapp.notebook.operations.types import (
    AddBranch,
    Applied,
    DeleteCell,
    InsertCell,
    MoveCell,
    Nested,
    PasteCells,
    RemoveBranch,
)
from flowapp.notebook.trees import Path, drop_at, get_at, insert_at, set_at
from flowapp.openflow.walk import id_of, kind_of, slots, tools, well_formed_id

#: Lists that a container has to have.
_LISTS = {
    "forloopflow": ("modules",),
    "whileloopflow": ("modules",),
    "branchone": ("branches", "default"),
    "branchall": ("branches",),
}


def insert(document: Document, operation: InsertCell) -> Applied | Rejected:
    """Apply `InsertCell`."""
    place = _place(document, operation.parent, operation.slot)
    if isinstance(place, Rejected):
        return place
    module = _named(document, operation)
    if isinstance(module, Rejected):
        return module
    known = {module["id"]: Nested(operation.cell, operation.beside), **operation.nested}
    added = _adopted(document, [module], known, operation.cell)
    if isinstance(added, Rejected):
        return added
    if operation.slot in SINGLE_SLOTS:
        flow = set_at(document.flow, place, module)
    else:
        flow = insert_at(document.flow, place, max(0, operation.index), module)
    return Applied(
        document=edited(added, flow),
        inverse=(DeleteCell(operation.cell),),
        touched=_added(document, added),
        label=f"Inserted `{module['id']}`",
    )


def paste(document: Document, operation: PasteCells) -> Applied | Rejected:
    """Apply `PasteCells`."""
    if operation.slot in SINGLE_SLOTS:
        return errors.no_such_place(operation.slot)
    place = _place(document, operation.parent, operation.slot)
    if isinstance(place, Rejected):
        return place
    if not operation.cells or len(operation.cells) != len(operation.modules):
        return errors.bad_module("each module needs a cell of its own")
    if reason := faulty(list(operation.modules)):
        return errors.bad_module(reason)
    modules = fresh_modules(document, operation.modules)
    added, flow = document, document.flow
    present = get_at(flow, place)
    at = min(max(0, operation.index), len(present) if isinstance(present, list) else 0)
    for number, (cell, module) in enumerate(zip(operation.cells, modules, strict=True)):
        adopted = _adopted(added, [module], {module["id"]: Nested(cell)}, cell)
        if isinstance(adopted, Rejected):
            return adopted
        added, flow = adopted, insert_at(flow, place, at + number, module)
    names = ", ".join(f"`{module['id']}`" for module in modules[:3])
    return Applied(
        document=edited(added, flow),
        inverse=tuple(DeleteCell(cell) for cell in reversed(operation.cells)),
        touched=_added(document, added),
        label=f"Pasted {names}" if len(modules) <= 3 else f"Pasted {len(modules)} cells",
    )


def delete(document: Document, operation: DeleteCell) -> Applied | Rejected:
    """Apply `DeleteCell`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    gone = document.outline.within(entry)
    inverse = InsertCell(
        cell=entry.cell,
        parent=entry.parent,
        slot=entry.slot,
        index=entry.index,
        module=entry.module,
        beside=document.about(entry.cell),
        nested=_kept(document, gone[1:]),
    )
    return Applied(
        document=edited(_without(document, gone), drop_at(document.flow, entry.path)),
        inverse=(inverse,),
        touched=frozenset(each.cell for each in gone),
        label=f"Deleted {name_of(entry)}",
    )


def move(document: Document, operation: MoveCell) -> Applied | Rejected:
    """Apply `MoveCell`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    inside = {each.cell for each in document.outline.within(entry)}
    if operation.parent in inside:
        return errors.move_into_itself()
    if operation.slot in SINGLE_SLOTS or entry.slot in SINGLE_SLOTS:
        return errors.no_such_place(operation.slot)
    if isinstance(place := _place(document, operation.parent, operation.slot), Rejected):
        return place
    without = edited(document, drop_at(document.flow, entry.path))
    # The container's own keys may have shifted by the removal; its place is looked up again without the cell.
    held = replace(without, cells={step: cell for step, cell in document.cells.items() if cell not in inside})
    place = _place(held, operation.parent, operation.slot)
    assert not isinstance(place, Rejected)
    flow = insert_at(without.flow, place, max(0, operation.index), entry.module)
    return Applied(
        document=edited(document, flow),
        inverse=(MoveCell(entry.cell, entry.parent, entry.slot, entry.index),),
        touched=frozenset(inside),
        label=f"Moved {name_of(entry)}",
    )


def add_branch(document: Document, operation: AddBranch) -> Applied | Rejected:
    """Apply `AddBranch`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    if entry.kind not in ("branchone", "branchall"):
        return errors.no_branches(operation.cell)
    branch = {"modules": [], **operation.branch}
    if not _is_branch(branch):
        return errors.bad_module("a branch has a list of modules")
    if reason := faulty(branch["modules"]):
        return errors.bad_module(reason)
    if not all(id_of(step) for module in branch["modules"] for _, step in nested_modules(module)):
        return errors.bad_module("its id is missing")
    added = _adopted(document, branch["modules"], operation.nested, operation.cell)
    if isinstance(added, Rejected):
        return added
    at = len(_branches(entry)) if operation.index > len(_branches(entry)) else max(0, operation.index)
    flow = insert_at(document.flow, (*entry.path, "value", "branches"), at, branch)
    return Applied(
        document=edited(added, flow),
        inverse=(RemoveBranch(operation.cell, at),),
        touched=frozenset({operation.cell}) | _added(document, added),
        label=f"Added a branch to {name_of(entry)}",
    )


def remove_branch(document: Document, operation: RemoveBranch) -> Applied | Rejected:
    """Apply `RemoveBranch`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    branches = _branches(entry)
    if entry.kind not in ("branchone", "branchall") or not 0 <= operation.index < len(branches):
        return errors.no_branches(operation.cell)
    if not isinstance(branches[operation.index], dict):
        return errors.no_branches(operation.cell)
    path: Path = (*entry.path, "value", "branches", operation.index)
    gone = [each for each in document.outline.within(entry) if each.path[: len(path)] == path]
    inverse = AddBranch(operation.cell, operation.index, branches[operation.index], _kept(document, gone))
    return Applied(
        document=edited(_without(document, gone), drop_at(document.flow, path)),
        inverse=(inverse,),
        touched=frozenset({operation.cell, *(each.cell for each in gone)}),
        label=f"Removed a branch of {name_of(entry)}",
    )


def _place(document: Document, parent: CellId | None, slot: str) -> Path | Rejected:
    """Keys to the list (or the single place) that a slot names."""
    if parent is None and slot in SINGLE_SLOTS:
        path: Path = ("value", SINGLE_SLOTS[slot])
        return errors.no_such_place(slot) if get_at(document.flow, path) else path
    container = document.entry(parent) if parent is not None else None
    if parent is not None and container is None:
        return errors.cell_not_found(parent)
    return list_path(container, slot) or errors.no_such_place(slot)


def _named(document: Document, operation: InsertCell) -> dict[str, Any] | Rejected:
    """The module to insert, with an id for itself and for each module nested in it."""
    module = dict(operation.module)
    if reason := faulty([module]):
        return errors.bad_module(reason)
    inner = frozenset(id_of(step) for _, step in nested_modules(module))
    for path, step in list(nested_modules(module)):
        if id_of(step):
            continue
        fresh = operation.slot if operation.slot in SINGLE_SLOTS and not path else document.fresh_step_id(inner)
        inner |= {fresh}
        # The id comes first, as in documents that people write.
        now = get_at(module, path)
        module = set_at(module, path, {"id": fresh, **{key: value for key, value in now.items() if key != "id"}})
    return module


def _adopted(
    document: Document, modules: Iterable[dict[str, Any]], known: Mapping[StepId, Nested], prefix: CellId
) -> Document | Rejected:
    """The document (its flow unchanged) with cell ids, beside data and used step ids for new modules."""
    cells = dict(document.cells)
    beside = dict(document.beside)
    taken = set(cells.values())
    for module in modules:
        for _, step in nested_modules(module):
            step_id = step["id"]
            if step_id in cells:
                return errors.step_id_taken(step_id)
            nested = known.get(step_id) or Nested(f"{prefix}.{step_id}")
            if nested.cell in taken:
                return errors.duplicate_cell(nested.cell)
            if refused := without_form(nested.beside):
                return refused
            taken.add(nested.cell)
            cells[step_id] = nested.cell
            if nested.beside:
                beside[nested.cell] = dict(nested.beside)
    tool_ids = {str(tool.get("id")) for module in modules for _, step in nested_modules(module) for tool in tools(step)}
    return replace(document, cells=cells, beside=beside, used=document.used | frozenset(cells) | tool_ids)


def faulty(modules: list[Any]) -> str | None:
    """Why these are no modules, or None. An id may be missing."""
    for module in modules:
        if not isinstance(module, dict) or not isinstance(module.get("value"), dict):
            return "it has no value"
        if not kind_of(module):
            return "its value has no type"
        if module.get("id") and not well_formed_id(str(module["id"])):
            return "its id is not a step id"
        if reason := _faulty_value(module["value"]):
            return reason
        for slot, inner in slots(module).items():
            if reason := faulty(inner):
                return f"in {slot}: {reason}"
    return None


def _faulty_value(value: dict[str, Any]) -> str | None:
    if not isinstance(value.get("input_transforms", {}), dict):
        return "its inputs are no object"
    if value["type"] == "rawscript" and not (
        isinstance(value.get("content"), str) and isinstance(value.get("language"), str)
    ):
        return "a script has content and a language"
    for key in _LISTS.get(value["type"], ()):
        if not isinstance(value.get(key), list):
            return f"its {key} are no list"
    if "branches" in _LISTS.get(value["type"], ()) and not all(map(_is_branch, value["branches"])):
        return "a branch has a list of modules"
    return None


def _is_branch(branch: Any) -> bool:
    return isinstance(branch, dict) and isinstance(branch.get("modules"), list)


def _added(before: Document, after: Document) -> frozenset[CellId]:
    return frozenset(after.cells.values()) - frozenset(before.cells.values())


def _kept(document: Document, entries: Iterable[Entry]) -> dict[StepId, Nested]:
    return {entry.step_id: Nested(entry.cell, document.about(entry.cell)) for entry in entries}


def _without(document: Document, entries: Iterable[Entry]) -> Document:
    gone = {entry.cell for entry in entries}
    return replace(
        document,
        cells={step: cell for step, cell in document.cells.items() if cell not in gone},
        beside={cell: about for cell, about in document.beside.items() if cell not in gone},
    )


def _branches(entry: Entry) -> list[Any]:
    found = entry.module["value"].get("branches")
    return found if isinstance(found, list) else []
