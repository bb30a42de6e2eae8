"""Run plans: which cells a press of a key runs, on which results, and what has to be asked before.

Only top-level cells are planned; nested ones run with their container. Nothing upstream runs again behind anyone's back:
only what has no current result does, and the cell says so before the press (`CellState.runs_first`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from flowapp.notebook.document import CellId, Document, Entry, StepId
from flowapp.notebook.staleness import CellState, Kind
from flowapp.notebook.wires import Graph, graph_of

Mode: TypeAlias = Literal["auto", "old_results", "stale", "all", "up_to", "from"]
MODES: frozenset[str] = frozenset(get_args(Mode))

#: States in which there is a result to read, current or not.
_READABLE: frozenset[Kind] = frozenset({"fresh", "reused", "stale", "skipped"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does.

    `run` are top-level cells in document order; `given` the steps whose present result is taken as it is. `on_old_inputs`:
    something given, or read through it, is out of date. `asks` are cells of the run that are marked as having effects
    outside, nested ones included.
    """

    run: tuple[CellId, ...] = ()
    given: tuple[StepId, ...] = ()
    on_old_inputs: bool = False
    asks: tuple[CellId, ...] = ()


def plan(document: Document, states: Mapping[CellId, CellState], targets: Sequence[CellId], mode: Mode) -> Plan:
    """Plan a run.

    * `auto`: the targets, after the cells they read from that have no current result.
    * `old_results`: the targets on the results that are there; only what has no result at all runs first.
    * `stale`: every cell without a current result.
    * `all`: every cell.
    * `up_to`: the first target, and before it every cell without a current result.
    * `from`: the first target and every cell after it, after what these read from that has no current result.

    Targets that are gone are passed over; nested ones stand for their top-level cell.
    """
    outline = document.outline
    units = outline.units
    wanted = {outline.by_cell[cell].unit for cell in targets if cell in outline.by_cell}
    chosen = [unit for unit in units if unit.cell in wanted]
    planner = _Planner(graph_of(document), states)
    match mode:
        case "auto":
            run = planner.with_missing(chosen)
        case "old_results":
            run = planner.with_missing(chosen, old_results=True)
        case "stale":
            run = planner.with_missing(unit for unit in units if states[unit.cell].needs_run)
        case "all":
            run = {unit.cell for unit in units}
        case "up_to":
            last = chosen[0].order if chosen else -1
            before = [unit for unit in units if unit.order < last and states[unit.cell].needs_run]
            run = planner.with_missing([*before, *chosen[:1]])
        case "from":
            run = planner.with_missing(unit for unit in units if chosen and unit.order >= chosen[0].order)
    return _finished(document, planner, states, run)


def not_yet(document: Document, planned: Plan, busy: Container[CellId]) -> tuple[CellId, ...]:
    """The cells of a plan that cannot run while those in `busy` are at work: these themselves, and what reads from them or waits likewise."""
    units = graph_of(document).units
    found: list[CellId] = []
    for cell in planned.run:
        producers = [wire.producer for wire in units[cell].wires if wire.producer is not None]
        if cell in busy or any(producer in busy or producer in found for producer in producers):
            found.append(cell)
    return tuple(found)


def just(document: Document, states: Mapping[CellId, CellState], run: Iterable[CellId]) -> Plan:
    """The plan that runs these top-level cells and no other."""
    return _finished(document, _Planner(graph_of(document), states), states, set(run))


class _Planner:
    def __init__(self, graph: Graph, states: Mapping[CellId, CellState]) -> None:
        self._graph = graph
        self._states = states

    def producers(self, cell: CellId) -> list[CellId]:
        """The top-level cells that a unit reads from."""
        found = (wire.producer for wire in self._graph.units[cell].wires)
        return [producer for producer in found if producer is not None and producer in self._graph.units]

    def with_missing(self, targets: Iterable[Entry], *, old_results: bool = False) -> set[CellId]:
        """The targets, and all they need that has no result that may be taken."""
        run = {target.cell for target in targets}
        waiting = list(run)
        while waiting:
            for producer in self.producers(waiting.pop()):
                if producer not in run and not self._usable(producer, old_results):
                    run.add(producer)
                    waiting.append(producer)
        return run

    def _usable(self, cell: CellId, old_results: bool) -> bool:
        """Whether a cell's result may be taken. A pinned cell runs along: handing on its value costs nothing."""
        state = self._states[cell]
        if state.base == "pinned":
            return False
        return state.base in _READABLE and (old_results or not state.needs_run)


def _finished(document: Document, planner: _Planner, states: Mapping[CellId, CellState], run: set[CellId]) -> Plan:
    outline = document.outline
    read = {producer for cell in run for producer in planner.producers(cell)} - run
    given = [unit for unit in outline.units if unit.cell in read and states[unit.cell].base in _READABLE]
    inside = [entry for unit in outline.units if unit.cell in run for entry in outline.within(unit)]
    return Plan(
        run=tuple(unit.cell for unit in outline.units if unit.cell in run),
        given=tuple(unit.step_id for unit in given),
        on_old_inputs=any(states[unit.cell].needs_run for unit in given),
        asks=tuple(entry.cell for entry in inside if document.about(entry.cell).get("outside_effects") is True),
    )
