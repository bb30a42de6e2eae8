"""A flow as the notebook edits it, and the outline of its cells.

`flow` is plain OpenFlow JSON and is exported as it is. What only the notebook knows lies beside it, keyed by the stable
cell id: switches, kept values, the last good schema, where notes stand. Nothing here changes a document; operations do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.notebook.errors import DocumentUnusable
from flowapp.notebook.trees import Path, set_at
from flowapp.openflow.walk import LOOP_KINDS, kind_of, new_step_id, slots

CellId: TypeAlias = str
StepId: TypeAlias = str

#: Where a module that is not in a list of modules stands in the flow's value.
SINGLE_SLOTS = {"preprocessor": "preprocessor_module", "failure": "failure_module"}


#: The key in `beside` for what belongs to no cell.
FLOW = "flow"
#: In there: which deployed version of its flow the document holds besides the one that it was made from.
TAKEN_IN = "taken_in"


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell in its place. `order` counts cells in document order; `last` is the order of its last nested cell."""

    cell: CellId
    step_id: StepId
    module: dict[str, Any]
    #: keys from the flow's root to the module
    path: Path
    parent: CellId | None
    slot: str
    index: int
    depth: int
    #: the top-level cell that this cell runs with (itself at the top)
    unit: CellId
    order: int
    last: int
    #: the cell before it in the same list, whose result is `previous_result`
    previous: CellId | None
    in_loop: bool

    @property
    def kind(self) -> str:
        """The module's `value.type`, or an empty text."""
        return kind_of(self.module)


@dataclass(frozen=True, slots=True)
class Outline:
    """All cells of a document in order. `units` are the top-level ones, which are what runs and is planned."""

    entries: tuple[Entry, ...]
    by_cell: Mapping[CellId, Entry]
    by_step: Mapping[StepId, Entry]
    units: tuple[Entry, ...]

    def within(self, entry: Entry) -> tuple[Entry, ...]:
        """The cell and all that are nested in it, in document order."""
        return self.entries[entry.order : entry.last + 1]


@dataclass(frozen=True, slots=True)
class Document:
    """An immutable notebook document.

    Raises nothing by itself; build one with `of` (from OpenFlow) or `from_json` (as saved).
    """

    #: OpenFlow JSON; never changed in place
    flow: dict[str, Any]
    #: step id → cell id
    cells: Mapping[StepId, CellId]
    #: cell id → what only the notebook knows; notes lie under `note:<id>`, and what belongs to the flow itself under `flow`
    beside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: step ids that were ever given out
    used: frozenset[StepId] = frozenset()
    #: sample values of the flow's inputs by name
    sample: Mapping[str, Any] = field(default_factory=dict)
    _memo: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, flow: Mapping[str, Any], new_id: Callable[[], CellId]) -> Document:
        """A document of an OpenFlow. Steps without an id get the next free one; each step gets a cell id.

        Raises:
            DocumentUnusable: no list of modules, or a step id that occurs twice.
        """
        named = _with_step_ids(dict(flow))
        steps = [step for step, *_ in _steps(named)]
        twice = sorted({step for step in steps if steps.count(step) > 1})
        if twice:
            raise DocumentUnusable(
                f"Step id {twice[0]} occurs more than once.", "Give each step an id of its own, nested steps included."
            )
        return cls(flow=named, cells={step: new_id() for step in steps}, used=frozenset(steps))

    @classmethod
    def from_json(cls, text: str) -> Document:
        """A document as `to_json` wrote it.

        Raises:
            DocumentUnusable: the text is not a saved document.
        """
        try:
            data = loads(text)
            return cls(
                flow=data["flow"],
                cells=dict(data["cells"]),
                beside=dict(data["beside"]),
                used=frozenset(data["used"]),
                sample=dict(data["sample"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DocumentUnusable("The saved notebook cannot be read.", "Restore an earlier version.") from error

    def to_json(self) -> JsonText:
        """Compact JSON text of all of it, for saving."""
        return dumps(
            {
                "flow": self.flow,
                "cells": dict(self.cells),
                "beside": dict(self.beside),
                "used": sorted(self.used),
                "sample": dict(self.sample),
            }
        )

    @property
    def outline(self) -> Outline:
        """The cells in their places; computed once per document."""
        found: Outline | None = self._memo.get("outline")
        if found is None:
            found = self._memo["outline"] = _outline(self)
        return found

    def entry(self, cell: CellId) -> Entry | None:
        """The cell in its place, or None."""
        return self.outline.by_cell.get(cell)

    @property
    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        """The kept values of the flow's inputs: a name for each set → values by input."""
        found: Mapping[str, Mapping[str, Any]] = (self.beside.get(FLOW) or {}).get("samples") or {}
        return found

    @property
    def taken_in(self) -> Mapping[str, Any] | None:
        """The deployed version that was taken in last: see `TakeIn`."""
        return (self.beside.get(FLOW) or {}).get(TAKEN_IN)

    def about(self, cell: CellId) -> Mapping[str, Any]:
        """What lies beside a cell."""
        return self.beside.get(cell) or {}

    def fresh_step_id(self, also_taken: frozenset[StepId] = frozenset()) -> StepId:
        """The next step id that was never used in this document."""
        return new_step_id(self.used | frozenset(self.cells) | also_taken)

    def flow_args(self) -> dict[str, Any]:
        """The arguments a run in the notebook gets: sample values, and schema defaults where there is no sample."""
        return {**_defaults(self.flow.get("schema")), **self.sample}


def nested_modules(module: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The module itself and all modules nested in it, in document order, each with the keys that lead to it."""
    yield path, module
    for slot, modules in slots(module).items():
        for index, inner in enumerate(modules):
            yield from nested_modules(inner, (*path, "value", *slot_keys(slot), index))


def slot_keys(slot: str) -> Path:
    """Keys from a container's value to the list of modules that a slot names."""
    return ("branches", int(slot.removeprefix("branches/")), "modules") if slot.startswith("branches/") else (slot,)


def list_path(entry: Entry | None, slot: str) -> Path | None:
    """Keys from the flow's root to the list of modules that `slot` of a container (None: the flow) names.

    None where that kind of cell has no such slot.
    """
    if entry is None:
        return ("value", "modules") if slot == "modules" else None
    if slot not in slots(entry.module) and not (slot == "default" and entry.kind == "branchone"):
        return None
    return (*entry.path, "value", *slot_keys(slot))


def _defaults(schema: Any) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return {}
    return {
        name: about["default"]
        for name, about in properties.items()
        if isinstance(about, dict) and about.get("default") is not None
    }


def _steps(flow: Mapping[str, Any]) -> Iterator[tuple[StepId, Path, dict[str, Any]]]:
    value = flow.get("value")
    if not isinstance(value, dict) or not isinstance(value.get("modules"), list):
        raise DocumentUnusable("The flow has no list of modules.", "An OpenFlow document has value.modules.")
    for slot in ("preprocessor_module", "modules", "failure_module"):
        found = value.get(slot)
        modules = found if isinstance(found, list) else [] if found is None else [found]
        for index, top in enumerate(modules):
            at: Path = ("value", slot, index) if slot == "modules" else ("value", slot)
            for path, module in nested_modules(top, at):
                if not isinstance(module, dict) or not isinstance(module.get("value"), dict):
                    raise DocumentUnusable("A step of the flow has no value.", "Each module has an id and a value.")
                if not isinstance(module.get("id") or "", str):
                    raise DocumentUnusable("A step id is not a text.", "Step ids look like a, b2 or load-rows.")
                yield module.get("id") or "", path, module


def _with_step_ids(flow: dict[str, Any]) -> dict[str, Any]:
    taken = frozenset(step for step, *_ in _steps(flow) if step)
    missing = [path for step, path, _ in _steps(flow) if not step]
    for path in missing:
        fresh = {"preprocessor_module": "preprocessor", "failure_module": "failure"}.get(str(path[-1]))
        if fresh is None or fresh in taken:
            fresh = new_step_id(taken)
        taken |= {fresh}
        flow = set_at(flow, (*path, "id"), fresh)
    return flow


def _outline(document: Document) -> Outline:
    builder = _OutlineBuilder(document.cells)
    value = document.flow["value"]
    if isinstance(value.get("preprocessor_module"), dict):
        builder.add([value["preprocessor_module"]], ("value",), "preprocessor", None, 0, False)
    builder.add(value["modules"], ("value", "modules"), "modules", None, 0, False)
    if isinstance(value.get("failure_module"), dict):
        builder.add([value["failure_module"]], ("value",), "failure", None, 0, False)
    return builder.outline()


class _OutlineBuilder:
    def __init__(self, cells: Mapping[StepId, CellId]) -> None:
        self._cells = cells
        self._entries: list[Entry | None] = []

    def add(
        self,
        modules: list[dict[str, Any]],
        list_at: Path,
        slot: str,
        parent: tuple[CellId, CellId] | None,
        depth: int,
        in_loop: bool,
    ) -> None:
        """Add a list of modules; `parent` is the container's cell and its unit."""
        previous: CellId | None = None
        for index, module in enumerate(modules):
            step_id = module["id"]
            cell = self._cells[step_id]
            order = len(self._entries)
            self._entries.append(None)
            path: Path = (*list_at, SINGLE_SLOTS[slot]) if slot in SINGLE_SLOTS else (*list_at, index)
            unit = parent[1] if parent else cell
            loops = in_loop or kind_of(module) in LOOP_KINDS
            for inner_slot, inner in slots(module).items():
                self.add(inner, (*path, "value", *slot_keys(inner_slot)), inner_slot, (cell, unit), depth + 1, loops)
            self._entries[order] = Entry(
                cell=cell,
                step_id=step_id,
                module=module,
                path=path,
                parent=parent[0] if parent else None,
                slot=slot,
                index=index,
                depth=depth,
                unit=unit,
                order=order,
                last=len(self._entries) - 1,
                previous=previous,
                in_loop=in_loop,
            )
            previous = cell

    def outline(self) -> Outline:
        entries = tuple(entry for entry in self._entries if entry is not None)
        return Outline(
            entries=entries,
            by_cell={entry.cell: entry for entry in entries},
            by_step={entry.step_id: entry for entry in entries},
            units=tuple(entry for entry in entries if entry.parent is None and entry.slot == "modules"),
        )
