"""What each cell reads: other cells' results and the flow's inputs.

Built from the expressions of the document with a real parser, so text in strings and comments is no wire. A reference to a
step that comes later, or that is gone, is a broken wire: its value is null when the flow runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from flowapp.notebook.document import CellId, Document, Entry, StepId
from flowapp.notebook.sites import Site, sites_of
from flowapp.notebook.trees import ByIdentity
from flowapp.openflow.references import References, find

Broken: TypeAlias = Literal["gone", "later"]

PREVIOUS = "previous_result"


@dataclass(frozen=True, slots=True)
class Wire:
    """One field of a cell reads one step. `producer` is None when the wire is broken, and `broken` says how."""

    reader: CellId
    field: str
    step_id: StepId
    producer: CellId | None
    broken: Broken | None = None


@dataclass(frozen=True, slots=True)
class InputRead:
    """One field of a cell reads one flow input by name, or (`name` None) all of them."""

    reader: CellId
    field: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Reads:
    """What one cell reads. `iteration`: the item of a loop around it, or the arguments its container was entered with."""

    wires: tuple[Wire, ...] = ()
    inputs: tuple[InputRead, ...] = ()
    iteration: bool = False

    @property
    def step_ids(self) -> tuple[StepId, ...]:
        """The steps that are read, each once, in the order of first use."""
        return tuple(dict.fromkeys(wire.step_id for wire in self.wires if wire.producer is not None))


@dataclass(frozen=True, slots=True)
class Graph:
    """The wires of a document: of each cell by itself, and of each top-level cell with all that is nested in it.

    In `units` only producers outside of the unit are named, and by their top-level cell.
    """

    own: Mapping[CellId, Reads]
    units: Mapping[CellId, Reads]


def graph_of(document: Document) -> Graph:
    """The wires of a document; computed once per document."""
    found = document._memo.get("graph")
    if found is None:
        found = document._memo["graph"] = _build(document)
    assert isinstance(found, Graph)
    return found


def uses_of(module: Mapping[str, Any]) -> tuple[tuple[Site, References], ...]:
    """The expressions of a module and what each refers to; remembered as long as the module is the same object."""
    return _uses(module)


_uses: ByIdentity[tuple[tuple[Site, References], ...]] = ByIdentity(
    lambda module: tuple((site, find(site.expr)) for site in sites_of(module))
)


def reads_previous(site: Site, references: References) -> bool:
    """Whether an expression reads the result of the step before."""
    if references.previous_result:
        return True
    return "result" in references.names and not site.is_input and not site.after_run


def passes_previous(entry: Entry) -> bool:
    """Whether a step may answer the result of the step before without naming it: an identity, a skipped step, an empty branch."""
    module, value = entry.module, entry.module["value"]
    if entry.kind == "identity" or module.get("skip_if"):
        return True
    if entry.kind == "branchone":
        branches = value.get("branches") or []
        return not value.get("default") or any(
            not branch.get("modules") for branch in branches if isinstance(branch, dict)
        )
    return False


def passes_arguments(entry: Entry) -> bool:
    """Whether a step may answer or take all arguments of the flow: an empty body, inputs passed on as they are."""
    module, value = entry.module, entry.module["value"]
    if module.get("pass_flow_input_directly") or value.get("pass_flow_input_directly"):
        return True
    if entry.kind == "branchall":
        return any(not branch.get("modules") for branch in value.get("branches") or [] if isinstance(branch, dict))
    return entry.kind in ("forloopflow", "whileloopflow") and not value.get("modules")


def _build(document: Document) -> Graph:
    outline = document.outline
    own = {entry.cell: _reads(document, entry) for entry in outline.entries}
    units = {unit.cell: _outside(document, unit, own) for unit in outline.units}
    return Graph(own, units)


def _reads(document: Document, entry: Entry) -> Reads:
    wires: list[Wire] = []
    inputs: list[InputRead] = []
    iteration = False
    for site, references in uses_of(entry.module):
        field = site.field
        # Sorted: a set of texts has another order in each process, and views are compared.
        wires += [_wire(document, entry, field, step_id) for step_id in sorted(references.results)]
        if references.whole_results:
            wires += _all_before(document, entry, field)
        for name in sorted(references.flow_input):
            if entry.in_loop and (name == "iter" or name.startswith("iter_parent")):
                iteration = True
            else:
                inputs.append(InputRead(entry.cell, field, name))
        if references.whole_flow_input:
            inputs.append(InputRead(entry.cell, field, None))
            iteration |= entry.in_loop
        if reads_previous(site, references):
            iteration |= _previous(document, entry, field, wires, inputs)
    if passes_previous(entry):
        iteration |= _previous(document, entry, PREVIOUS, wires, inputs)
    if passes_arguments(entry):
        inputs.append(InputRead(entry.cell, "flow_input", None))
    return Reads(tuple(dict.fromkeys(wires)), tuple(dict.fromkeys(inputs)), iteration)


def _wire(document: Document, entry: Entry, field: str, step_id: StepId) -> Wire:
    producer = document.outline.by_step.get(step_id)
    if producer is None:
        return Wire(entry.cell, field, step_id, None, "gone")
    if producer.last >= entry.order or producer.slot == "preprocessor":
        # It comes later, or is the cell itself or a container around it.
        return Wire(entry.cell, field, step_id, None, "later")
    return Wire(entry.cell, field, step_id, producer.cell)


def _all_before(document: Document, entry: Entry, field: str) -> Iterator[Wire]:
    for other in document.outline.entries:
        if other.order >= entry.order:
            return
        if other.last < entry.order and other.slot != "preprocessor":
            yield Wire(entry.cell, field, other.step_id, other.cell)


def _previous(document: Document, entry: Entry, field: str, wires: list[Wire], inputs: list[InputRead]) -> bool:
    """Add what `previous_result` reads in this place; whether that is the iteration or entry of a container."""
    if entry.slot in ("preprocessor", "failure"):
        return False
    if entry.previous is not None:
        step_id = document.outline.by_cell[entry.previous].step_id
        wires.append(Wire(entry.cell, field, step_id, entry.previous))
        return False
    # The first step of the flow, of an iteration or of a branch gets the flow's arguments.
    inputs.append(InputRead(entry.cell, field, None))
    return entry.parent is not None


def _outside(document: Document, unit: Entry, own: Mapping[CellId, Reads]) -> Reads:
    outline = document.outline
    members = outline.within(unit)
    if len(members) == 1 and all(_is_unit(outline.by_cell[w.producer]) for w in own[unit.cell].wires if w.producer):
        return own[unit.cell]
    wires: list[Wire] = []
    inputs: list[InputRead] = []
    for member in members:
        for wire in own[member.cell].wires:
            producer = outline.by_cell[wire.producer] if wire.producer else None
            if producer is None:
                wires.append(wire)
            elif producer.unit != unit.cell:
                top = outline.by_cell[producer.unit]
                wires.append(Wire(wire.reader, wire.field, wire.step_id, top.cell))
        inputs += own[member.cell].inputs
    return Reads(tuple(dict.fromkeys(wires)), tuple(dict.fromkeys(inputs)))


def _is_unit(entry: Entry) -> bool:
    return entry.parent is None
