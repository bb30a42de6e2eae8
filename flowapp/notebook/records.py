"""What a cell last did, as the store keeps it, and what it read then and would read now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from flowapp.jsontext import canonical, dumps, hash_of
from flowapp.notebook.definition import Definition
from flowapp.notebook.document import CellId, Document, StepId
from flowapp.notebook.trees import ByIdentity
from flowapp.notebook.wires import Reads, graph_of

Status: TypeAlias = Literal["success", "failure", "canceled", "skipped"]

#: Stands in a record for "there was no value to read".
NO_VALUE = ""
FLOW_INPUT = "flow_input"


@dataclass(frozen=True, slots=True)
class ReusedFrom:
    """The run that computed a reused result, and when (ISO 8601). Records of before run ids were kept have none."""

    run_number: int
    at: str
    run_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, within that of the record and of the state."""
        return {"run_number": self.run_number, "at": self.at, **({"run_id": self.run_id} if self.run_id else {})}


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell failed. `line` is a line of the user's code, from 1."""

    name: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Iteration:
    """The one iteration that ran by itself, from 0, and the loop as it was then: what its items came from.

    A cell in a loop whose record has it gave its result in a run of that iteration alone. It says nothing of the loop: the loop's own record
    is that of its last whole run, and neither its result nor its state is touched.
    """

    index: int
    definition: Definition
    #: what the loop read, as in the record of a whole run
    reads: Mapping[str, str] = field(default_factory=dict)
    #: the versions of stored scripts that ran in the cell in the last whole run of the loop, whose result depends on them
    scripts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, within that of the record."""
        definition, reads, scripts = self.definition.to_json(), dict(self.reads), dict(self.scripts)
        return {"index": self.index, "definition": definition, "reads": reads, "scripts": scripts}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Iteration:
        """As `to_json` wrote it."""
        reads, scripts = dict(data.get("reads") or {}), dict(data.get("scripts") or {})
        return cls(int(data["index"]), Definition.from_json(data["definition"]), reads, scripts)


@dataclass(frozen=True, slots=True)
class CellRecord:
    """What a cell last did. A failed one is never a result, whatever it holds."""

    status: Status
    definition: Definition
    #: what it read (keys as in `reads_taken`), by content hash
    reads: Mapping[str, str] = field(default_factory=dict)
    #: hash of the result
    result: str | None = None
    run_id: str = ""
    run_number: int = 0
    path: str = ""
    #: ISO 8601, UTC
    finished_at: str = ""
    duration_ms: float | None = None
    reused_from: ReusedFrom | None = None
    error: CellError | None = None
    #: the versions of stored scripts that ran: the cell's own, and those that its code imports; hash by path
    scripts: Mapping[str, str] = field(default_factory=dict)
    #: run with the consent that inputs were out of date
    on_old_inputs: bool = False
    #: why it computed although there was a result before, in words
    ran_because: tuple[str, ...] = ()
    #: of a cell in a loop: it ran in this iteration only
    iteration: Iteration | None = None

    @property
    def has_result(self) -> bool:
        """Whether there is a result to read. Skipped steps hand on the result before them."""
        return self.status in ("success", "skipped") and self.result is not None

    @property
    def scripts_of_whole(self) -> Mapping[str, str]:
        """The versions of stored scripts that count for the loop around the cell: those of its last whole run."""
        return self.scripts if self.iteration is None else self.iteration.scripts

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as the store keeps it."""
        reused, error = self.reused_from, self.error
        return {
            "status": self.status,
            "definition": self.definition.to_json(),
            "reads": dict(self.reads),
            "result": self.result,
            "run_id": self.run_id,
            "run_number": self.run_number,
            "path": self.path,
            "finished_at": self.finished_at,
            "duration_ms": self.duration_ms,
            "reused_from": reused.to_json() if reused else None,
            "error": {"name": error.name, "message": error.message, "line": error.line} if error else None,
            "scripts": dict(self.scripts),
            "on_old_inputs": self.on_old_inputs,
            "ran_because": list(self.ran_because),
            "iteration": self.iteration.to_json() if self.iteration else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CellRecord:
        """A record as `to_json` wrote it.

        Raises:
            KeyError: a part without a default is missing.
        """
        reused, error = data.get("reused_from"), data.get("error")
        return cls(
            status=data["status"],
            definition=Definition.from_json(data["definition"]),
            reads=dict(data.get("reads") or {}),
            result=data.get("result"),
            run_id=data.get("run_id") or "",
            run_number=data.get("run_number") or 0,
            path=data.get("path") or "",
            finished_at=data.get("finished_at") or "",
            duration_ms=data.get("duration_ms"),
            reused_from=ReusedFrom(**reused) if reused else None,
            error=CellError(error["name"], error["message"], error.get("line")) if error else None,
            scripts=dict(data.get("scripts") or {}),
            on_old_inputs=bool(data.get("on_old_inputs")),
            ran_because=tuple(data.get("ran_because") or ()),
            iteration=Iteration.from_json(data["iteration"]) if data.get("iteration") else None,
        )


@dataclass(frozen=True, slots=True)
class Live:
    """What a cell is doing now. `position` counts from 1 in the queue; `since` is ISO 8601.

    `run_id` and `path` are the step that is running, for who wants to see what it prints. `progress` is how far it is, in
    percent, where it has said so.
    """

    kind: Literal["queued", "running", "waiting"]
    position: int | None = None
    since: str = ""
    run_id: str = ""
    path: str = ""
    progress: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of a step as a run had it: its hash (None: no result), and the run in which the step last executed."""

    result: str | None
    run_id: str = ""


def reads_taken(document: Document, cell: CellId, taken: Mapping[StepId, Taken]) -> dict[str, str]:
    """What a cell read in a run, for its record: content hashes by key.

    Keys are `results.<cell id>`, `flow_input.<name>` and `flow_input` (as a whole); `run.<cell id>` names the run of a
    container whose inner steps are read, or of a step after which people answered.

    Args:
        document: the document that the run executed; its `flow_args` were the run's arguments.
        cell: the cell that finished.
        taken: every step that had a result in the run, given ones included.
    """

    def source(step_id: StepId, _cell: CellId) -> Taken:
        return taken.get(step_id, Taken(None))

    return _hashes(document, cell, source)


def reads_now(document: Document, cell: CellId, records: Mapping[CellId, CellRecord]) -> dict[str, str]:
    """What a cell would read from the results there are. Keys as in `reads_taken`."""

    def source(_step_id: StepId, producer: CellId) -> Taken:
        record = records.get(producer)
        return Taken(record.result, record.run_id) if record is not None and record.has_result else Taken(None)

    return _hashes(document, cell, source)


def reads_of(document: Document, cell: CellId) -> Reads:
    """The wires of a cell; of a container those that lead outside of it."""
    graph = graph_of(document)
    return graph.units.get(cell) or graph.nested.get(cell) or graph.own[cell]


def pinned_value(module: Mapping[str, Any]) -> tuple[bool, Any]:
    """Whether a stand-in value is switched on for a module, and that value."""
    mock = module.get("mock")
    if isinstance(mock, dict) and mock.get("enabled") is True:
        return True, mock.get("return_value")
    return False, None


def _hashes(document: Document, cell: CellId, source: Callable[[StepId, CellId], Taken]) -> dict[str, str]:
    reads = reads_of(document, cell)
    outline = document.outline
    found: dict[str, str] = {}
    for wire in reads.wires:
        if wire.producer is None:
            continue
        producer = outline.by_cell[wire.producer]
        pinned, value = pinned_value(producer.module)
        taken = Taken(_value_hash(value)) if pinned else source(producer.step_id, producer.cell)
        found[f"results.{producer.cell}"] = taken.result or NO_VALUE
        if (wire.step_id != producer.step_id or wire.part == "answers") and not pinned:
            # An inner step of a container is read from outside, or what people answered after a step: the producer's result
            # does not tell all of it.
            found[f"run.{producer.cell}"] = taken.run_id
    for read in reads.inputs:
        if read.name is None:
            found[FLOW_INPUT] = _input_hash(document, None)
        else:
            found[f"{FLOW_INPUT}.{read.name}"] = _input_hash(document, read.name)
    return found


def _input_hash(document: Document, name: str | None) -> str:
    hashes: dict[str | None, str] = document._memo.setdefault("input_hashes", {})
    if not hashes:
        args = document.flow_args()
        hashes.update({key: _value_hash(value) for key, value in args.items()})
        # The key None stands for all of them; a value's hash stands in for the value.
        hashes[None] = hash_of(canonical({str(key): value for key, value in hashes.items()}))
    return hashes.get(name, NO_VALUE)


_object_hash: ByIdentity[str] = ByIdentity(lambda value: hash_of(canonical(value)), size=512)


def _value_hash(value: Any) -> str:
    return _object_hash(value) if isinstance(value, (dict, list)) else hash_of(dumps(value))
