"""What each cell reads: other cells' results and the flow's inputs.

Built from the expressions of the document with a real parser, so text in strings and comments is no wire. A reference to a
step that comes later, or that is gone, is a broken wire: its value is null when the flow runs.

`resume`, `resumes` and `approvers` are a wire to the step right before, if the flow waits after it for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from flowapp.notebook.document import CellId, Document, Entry, StepId
from flowapp.notebook.sites import Site, sites_of
from flowapp.notebook.trees import ByIdentity
from flowapp.openflow.references import References, find
from flowapp.openflow.waits import answers_read, required_events, sees_answers
from flowapp.openflow.walk import kind_of, slots

Broken: TypeAlias = Literal["gone", "later"]
#: What is read of a step: its result, or what people answered after it.
Part: TypeAlias = Literal["result", "answers"]

PREVIOUS = "previous_result"


@dataclass(frozen=True, slots=True)
class Wire:
    """One field of a cell reads one step. `producer` is None when the wire is broken, and `broken` says how."""

    reader: CellId
    field: str
    step_id: StepId
    producer: CellId | None
    broken: Broken | None = None
    part: Part = "result"


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
    """The wires of a document: of each cell by itself, and of each container with all that is nested in it.

    In `units`, the top-level cells, only producers outside of the unit are named, and by their top-level cell. `nested` are the
    cells in containers: producers outside of the cell, those of other units by their top-level cell.
    """

    own: Mapping[CellId, Reads]
    units: Mapping[CellId, Reads]
    nested: Mapping[CellId, Reads]


def graph_of(document: Document) -> Graph:
    """The wires of a document; computed once per document."""
    found: Graph | None = document._memo.get("graph")
    if found is None:
        found = document._memo["graph"] = _build(document)
    return found


def uses_of(module: Mapping[str, Any]) -> tuple[tuple[Site, References], ...]:
    """The expressions of a module and what each refers to; remembered as long as the module is the same object."""
    return _uses(module)


_uses: ByIdentity[tuple[tuple[Site, References], ...]] = ByIdentity(
    lambda module: tuple((site, find(site.expr)) for site in sites_of(module))
)


@dataclass(frozen=True, slots=True)
class _Use:
    """What one expression refers to, sorted: a set of texts has another order in each process, and views are compared."""

    field: str
    results: tuple[StepId, ...]
    whole_results: bool
    inputs: tuple[str, ...]
    whole_input: bool
    previous: bool
    answers: bool


@dataclass(frozen=True, slots=True)
class _Uses:
    """What a module refers to, wherever it stands."""

    expressions: tuple[_Use, ...]
    passes_previous: bool
    passes_arguments: bool


def _summary(module: Any) -> _Uses:
    return _Uses(
        expressions=tuple(
            _Use(
                field=site.field,
                results=tuple(sorted(references.results)),
                whole_results=references.whole_results,
                inputs=tuple(sorted(references.flow_input)),
                whole_input=references.whole_flow_input,
                previous=_reads_previous(site, references),
                answers=sees_answers(site.field) and bool(answers_read(references)),
            )
            for site, references in uses_of(module)
        ),
        passes_previous=_passes_previous(module),
        passes_arguments=_passes_arguments(module),
    )


_summary_of: ByIdentity[_Uses] = ByIdentity(_summary)


def _reads_previous(site: Site, references: References) -> bool:
    """Whether an expression reads the result of the step before."""
    if references.previous_result:
        return True
    return "result" in references.names and not site.is_input and not site.after_run


def _passes_previous(module: Mapping[str, Any]) -> bool:
    """Whether a step may answer the result of the step before without naming it.

    So do an identity, a step that may be skipped, and a branch cell with an empty branch.
    """
    kind = kind_of(module)
    if kind == "identity" or module.get("skip_if"):
        return True
    return kind == "branchone" and not all(slots(module).values())


def _passes_arguments(module: Mapping[str, Any]) -> bool:
    """Whether a step may answer or take all arguments of the flow: an empty body, inputs passed on as they are."""
    if module.get("pass_flow_input_directly") or module["value"].get("pass_flow_input_directly"):
        return True
    return kind_of(module) in ("branchall", "forloopflow", "whileloopflow") and not all(slots(module).values())


def _build(document: Document) -> Graph:
    outline = document.outline
    own = {entry.cell: _reads(document, entry) for entry in outline.entries}
    units = {unit.cell: _outside(document, unit, own) for unit in outline.units}
    inside = (entry for entry in outline.entries if entry.parent is not None)
    return Graph(own, units, {entry.cell: _around(document, entry, own) for entry in inside})


def _reads(document: Document, entry: Entry) -> Reads:
    wires: list[Wire] = []
    inputs: list[InputRead] = []
    iteration = False
    uses = _summary_of(entry.module)
    for use in uses.expressions:
        wires += [_wire(document, entry, use.field, step_id) for step_id in use.results]
        if use.whole_results:
            wires += _all_before(document, entry, use.field)
        for name in use.inputs:
            if entry.in_loop and (name == "iter" or name.startswith("iter_parent")):
                iteration = True
            else:
                inputs.append(InputRead(entry.cell, use.field, name))
        if use.whole_input:
            inputs.append(InputRead(entry.cell, use.field, None))
            iteration |= entry.in_loop
        if use.previous:
            iteration |= _previous(document, entry, use.field, wires, inputs)
        if use.answers:
            wires += _answers(document, entry, use.field)
    if uses.passes_previous:
        iteration |= _previous(document, entry, PREVIOUS, wires, inputs)
    if uses.passes_arguments:
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


def _answers(document: Document, entry: Entry, field: str) -> Iterator[Wire]:
    """What people answered: only the step right after the wait sees it, and only in the same list of steps."""
    before = document.outline.by_cell[entry.previous] if entry.previous is not None else None
    if before is not None and required_events(before.module):
        yield Wire(entry.cell, field, before.step_id, before.cell, part="answers")


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
                wires.append(replace(wire, producer=top.cell))
        inputs += own[member.cell].inputs
    return Reads(tuple(dict.fromkeys(wires)), tuple(dict.fromkeys(inputs)))


def _around(document: Document, entry: Entry, own: Mapping[CellId, Reads]) -> Reads:
    """What a nested cell reads with all that is in it. An item of its own counts as one of the loop around it."""
    by_cell = document.outline.by_cell
    members = [own[member.cell] for member in document.outline.within(entry)]
    wires: list[Wire] = []
    for wire in (wire for reads in members for wire in reads.wires):
        producer = by_cell[wire.producer] if wire.producer else None
        if producer is None or producer.unit == entry.unit:
            if producer is None or not entry.order <= producer.order <= entry.last:
                wires.append(wire)
        else:
            wires.append(replace(wire, producer=producer.unit))
    inputs = dict.fromkeys(read for reads in members for read in reads.inputs)
    return Reads(tuple(dict.fromkeys(wires)), tuple(inputs), any(reads.iteration for reads in members))


def _is_unit(entry: Entry) -> bool:
    return entry.parent is None
