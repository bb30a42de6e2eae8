"""Flows for the tests of the document core: small ones by hand, random ones, and a simulated run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from hypothesis import strategies as st

from flowapp.notebook import CellRecord, Document, Plan, Taken, definition_of, reads_taken
from flowapp.notebook.definition import Definition
from flowapp.notebook.operations import types as ops
from flowapp.notebook.records import Iteration, reads_of
from flowapp.notebook.wires import graph_of

Json = dict[str, Any]


def script(step_id: str, inputs: Mapping[str, str | Json] | None = None, code: str | None = None, **more: Any) -> Json:
    """A Python step; inputs are expressions, or whole transforms."""
    transforms = {
        name: {"type": "javascript", "expr": given} if isinstance(given, str) else given
        for name, given in (inputs or {}).items()
    }
    text = f"def main({', '.join(transforms)}):\n    return 1\n" if code is None else code
    value = {"type": "rawscript", "language": "python3", "content": text, "input_transforms": transforms}
    return {"id": step_id, "value": value, **more}


def loop(step_id: str, iterator: str, modules: list[Json], **more: Any) -> Json:
    """A for loop over an expression."""
    transform = {"type": "javascript", "expr": iterator}
    value = {"type": "forloopflow", "iterator": transform, "skip_failures": False, "modules": modules, **more}
    return {"id": step_id, "value": value}


def branch(step_id: str, branches: list[tuple[str, list[Json]]], default: list[Json]) -> Json:
    """A branch on conditions."""
    cases = [{"summary": "", "expr": expr, "modules": modules} for expr, modules in branches]
    return {"id": step_id, "value": {"type": "branchone", "branches": cases, "default": default}}


def flow(*modules: Json, schema: Json | None = None, **value: Any) -> Json:
    """A flow of these modules."""
    found: Json = {"summary": "A flow", "value": {"modules": list(modules), **value}}
    return found if schema is None else {**found, "schema": schema}


def document(*modules: Json, sample: Json | None = None, **more: Any) -> Document:
    """A document in which the cell of step `a` is called `cell_a`."""
    made = Document.of(flow(*modules, **more), ids())
    cells = {step: f"cell_{step}" for step in made.cells}
    return Document(made.flow, cells, used=made.used, sample=sample or {})


def ids() -> Callable[[], str]:
    """A source of cell ids."""
    numbers = count()
    return lambda: f"c{next(numbers)}"


@dataclass
class Bench:
    """A notebook without an engine: it keeps records, and runs plans by making up results."""

    document: Document
    records: dict[str, CellRecord] = field(default_factory=dict)
    runs: int = 0

    def run(self, plan: Plan, new_values: bool = True, failing: frozenset[str] = frozenset()) -> set[str]:
        """Run a plan; answers the cells that had to be computed, which are those whose fingerprint changed.

        With `new_values` each computed result is one that was never seen; otherwise results depend on the code only.
        """
        self.runs += 1
        outline = self.document.outline
        taken: dict[str, Taken] = {}
        for step_id in plan.given:
            record = self.records[outline.by_step[step_id].cell]
            taken[step_id] = Taken(record.result, record.run_id)
        computed: set[str] = set()
        for cell in plan.run:
            entry = outline.by_cell[cell]
            definition, reads = definition_of(self.document, cell), reads_taken(self.document, cell, taken)
            old = self.records.get(cell)
            if old and old.has_result and (old.definition, old.reads) == (definition, reads):
                result, run_id = old.result, old.run_id
            else:
                run_id = f"run{self.runs}"
                computed.add(cell)
                result = f"r{self.runs}-{cell}" if new_values else f"r-{definition.code}"
            failed = cell in failing
            self.records[cell] = CellRecord(
                status="failure" if failed else "success",
                definition=definition,
                reads=reads,
                result=result,
                run_id=run_id,
                run_number=self.runs,
                path=entry.step_id,
            )
            if not failed:
                taken[entry.step_id] = Taken(result, run_id)
        return computed

    def iterate(self, plan: Plan, loop: str, index: int, new_values: bool = True) -> set[str]:
        """Run one iteration of a loop that is the last of a plan; answers the cells in it that had to be computed.

        A nested cell depends on what it says, reads, and on where the items come from if it reads them (through the container
        around it, where there is one).
        """
        self.run(replace(plan, run=tuple(cell for cell in plan.run if cell != loop)), new_values)
        outline = self.document.outline
        taken = {
            entry.step_id: Taken(record.result, record.run_id)
            for entry in outline.units
            if (record := self.records.get(entry.cell)) is not None and entry.cell != loop
        }
        about = definition_of(self.document, loop), reads_taken(self.document, loop, taken)
        computed: set[str] = set()
        # what is in a container has run when the container ends
        for entry in sorted(outline.within(outline.by_cell[loop])[1:], key=lambda entry: (entry.last, -entry.order)):
            definition, reads = definition_of(self.document, entry.cell), reads_taken(self.document, entry.cell, taken)
            old, run_id = self.records.get(entry.cell), f"run{self.runs}"
            result: str | None
            if old and old.iteration and self._same(old, definition, reads, about, index, loop, entry.cell):
                result, run_id = old.result, old.run_id
            else:
                computed.add(entry.cell)
                result = f"r{self.runs}-{entry.cell}" if new_values else f"r-{definition.code}"
            self.records[entry.cell] = CellRecord(
                "success", definition, reads, result, run_id, self.runs, iteration=Iteration(index, *about)
            )
            taken[entry.step_id] = Taken(result, run_id)
        return computed

    def _same(
        self,
        old: CellRecord,
        definition: Definition,
        reads: Mapping[str, str],
        about: tuple[Definition, Mapping[str, str]],
        index: int,
        loop: str,
        cell: str,
    ) -> bool:
        then = old.iteration
        if then is None or (old.definition, old.reads, then.index) != (definition, reads, index):
            return False
        if not graph_of(self.document).own[cell].iteration:
            return True
        wires = [
            wire for wire in reads_of(self.document, loop).wires if (wire.reader, wire.field) == (loop, "iterator")
        ]
        keys = [f"{kind}.{wire.producer}" for wire in wires for kind in ("results", "run")]
        keys += [key for key in about[1] if key.startswith("flow_input")]
        items = about[0].settings, about[0].inputs.get(":iterator"), [about[1].get(key) for key in keys]
        before = (
            then.definition.settings,
            then.definition.inputs.get(":iterator"),
            [then.reads.get(key) for key in keys],
        )
        return items == before


# Random flows

EXPRESSIONS = [
    "results.{step}",
    "results.{step}.rows[0]",
    'results["{step}"].x + 1',
    "previous_result.k",
    "flow_input.n",
    "flow_input",
    "flow_input.iter.value",
    "results",
    "Object.keys(results).length",
    "'results.{step} is text'",
    "1 + 1",
]
STEP_IDS = [*"abcdefgh", "my-step", "zz"]


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """An expression over the scope, possibly of steps that are not there."""
    return draw(st.sampled_from(EXPRESSIONS)).format(step=draw(st.sampled_from(STEP_IDS)))


@st.composite
def transforms(draw: st.DrawFn) -> Json:
    """A static or a javascript transform."""
    if draw(st.booleans()):
        return {"type": "javascript", "expr": draw(expressions())}
    return {
        "type": "static",
        "value": draw(st.sampled_from([None, 0, 1, "x", "results.a", {"k": [1]}, "$var:f/team/one"])),
    }


@st.composite
def modules(draw: st.DrawFn, depth: int = 0) -> Json:
    """A module without an id; containers up to two levels."""
    kinds = ["script", "script", "script", "identity"] + (["loop", "branchone", "branchall"] if depth < 2 else [])
    kind = draw(st.sampled_from(kinds))
    inner = st.lists(modules(depth=depth + 1), max_size=2)
    more: Json = draw(st.sampled_from([{}, {}, {}, {"summary": "T"}, {"summary": None}, {"timeout": 5}]))
    if draw(st.integers(0, 9)) == 0:
        more = {**more, "skip_if": {"expr": draw(expressions())}}
    if kind == "script":
        fields = draw(st.dictionaries(st.sampled_from(["x", "y", "a/b"]), transforms(), max_size=2))
        code = draw(
            st.sampled_from(["def main(x, y):\n    return x\n", "def main(y=1):\n    pass\n", "def main(", "x = 1"])
        )
        return script("", fields, code, **more)
    if kind == "identity":
        return {"id": "", "value": {"type": "identity"}, **more}
    if kind == "loop":
        return {**loop("", draw(expressions()), draw(inner)), **more}
    branches = [{"summary": "", "expr": draw(expressions()), "modules": m} for m in draw(st.lists(inner, max_size=2))]
    if kind == "branchall":
        return {"id": "", "value": {"type": "branchall", "branches": branches}, **more}
    return {"id": "", "value": {"type": "branchone", "branches": branches, "default": draw(inner)}, **more}


@st.composite
def documents(draw: st.DrawFn, max_size: int = 4) -> Document:
    """A random document: steps get ids in order; sample values for `n`."""
    found = flow(*draw(st.lists(modules(), min_size=1, max_size=max_size)))
    made = Document.of(found, ids())
    return Document(made.flow, made.cells, used=made.used, sample={"n": draw(st.integers(0, 3))})


CELLS = st.sampled_from([*(f"c{number}" for number in range(10)), "new1", "new2"])
PARENTS = st.one_of(st.none(), st.sampled_from([f"c{number}" for number in range(6)]))
SLOTS = st.sampled_from(["modules", "modules", "modules", "branches/0", "branches/1", "default", "failure"])
INDEXES = st.integers(0, 4)
TEXTS = st.sampled_from(["", "text", "def main(x, z):\n    pass\n", "def main(y):\n    return 1\n", "def ("])
NAMES = st.sampled_from(["one", "two", ""])
KINDS = st.sampled_from(["variable", "resource"])
NAMED = st.sampled_from(["f/team/one", "f/team/two", ""])
NOTES = st.sampled_from(["n1", "n2"])
FIELDS = st.sampled_from(["x", "y", "a/b"])
KEYS = st.sampled_from(["iterator", "timeout", "skip_if", "summary", "parallel", "branches/0/expr", "nope"])
VALUES = st.sampled_from([None, 3, {"type": "javascript", "expr": "results.a"}, {"expr": "results.b"}])


def operations() -> st.SearchStrategy[ops.Operation]:
    """Any operation on the cells `c0` … `c9`, of which many are not there."""
    return st.one_of(
        st.builds(ops.InsertCell, CELLS, PARENTS, SLOTS, INDEXES, modules(depth=1)),
        st.builds(ops.PasteCells, st.tuples(CELLS), PARENTS, SLOTS, INDEXES, st.tuples(modules(depth=1))),
        st.builds(
            ops.PasteCells, st.just(("new1", "new2")), PARENTS, SLOTS, INDEXES, st.tuples(modules(), modules(depth=1))
        ),
        st.builds(ops.ReplaceFlow, documents().map(lambda made: made.flow), st.just("other")),
        st.builds(
            ops.TakeIn, st.sampled_from([None, {"path": "f/a", "version": 2}, {"path": "f/a", "version": 3}, {}])
        ),
        st.builds(ops.BindNames, st.tuples(st.fixed_dictionaries({"kind": KINDS, "path": NAMED, "to": NAMED}))),
        st.builds(ops.DeleteCell, CELLS),
        st.builds(ops.MoveCell, CELLS, PARENTS, SLOTS, INDEXES),
        st.builds(ops.AddBranch, CELLS, INDEXES, st.just({"summary": "", "expr": "true", "modules": []})),
        st.builds(ops.RemoveBranch, CELLS, INDEXES),
        st.builds(ops.SetCode, CELLS, TEXTS),
        st.builds(ops.SetLanguage, CELLS, st.sampled_from(["deno", "python3", "klingon"])),
        st.builds(ops.SetTitle, CELLS, st.one_of(st.none(), TEXTS)),
        st.builds(ops.RenameStep, CELLS, st.sampled_from(["a", "b", "q", "my-step", "failure", "rows"])),
        st.builds(ops.SetInput, CELLS, FIELDS, st.one_of(st.none(), transforms())),
        st.builds(ops.SetSetting, CELLS, KEYS, VALUES),
        st.builds(ops.SetFlowSetting, st.sampled_from(["same_worker", "skip_expr", "nope"]), VALUES),
        st.builds(ops.RenameFlowInput, st.sampled_from(["n", "m"]), st.sampled_from(["n", "m", "x"])),
        st.builds(ops.SetSchema, st.sampled_from([None, {"properties": {"n": {"default": 1}}}])),
        st.builds(ops.SetSample, FIELDS, VALUES),
        st.builds(ops.SetSample, FIELDS, remove=st.just(True)),
        st.builds(ops.KeepSample, NAMES),
        st.builds(ops.UseSample, NAMES),
        st.builds(ops.DropSample, NAMES),
        st.builds(ops.KeepStandIn, CELLS, NAMES, VALUES),
        st.builds(ops.RenameStandIn, CELLS, NAMES, NAMES),
        st.builds(ops.UseStandIn, CELLS, NAMES),
        st.builds(ops.DropStandIn, CELLS, NAMES),
        st.builds(ops.SetFlow, TEXTS, st.sampled_from([None, "d"])),
        st.builds(ops.SetBeside, CELLS, st.sampled_from(["collapsed", "reuse"]), st.sampled_from([None, True])),
        st.builds(ops.InsertNote, NOTES, PARENTS, TEXTS),
        st.builds(ops.SetNote, NOTES, TEXTS),
        st.builds(ops.MoveNote, NOTES, PARENTS),
        st.builds(ops.DeleteNote, NOTES),
    )
