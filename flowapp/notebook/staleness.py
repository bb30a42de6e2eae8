"""The state of every cell, and why it is out of date.

A cell's result is current when its definition and everything it read are what they were, and nothing that it reads from
is itself to be run again. The whole downstream cone is marked at edit time, so a cell never looks current while a run
would change it: whatever a run recomputes was marked before.

A run of one chosen iteration of a loop is judged apart from the loop. The cells in it get records of their own, which say so
(`CellRecord.iteration`) and are current as long as the cells, what they read, and what the items come from are what they were.
The loop keeps the record of its last whole run, and nothing of the iteration enters into its state, or into that of any cell
that reads it.

    live?            -> queued | running | waiting
    pinned           -> pinned           a stand-in value; not run
    no record        -> never | blocked  blocked: something it reads from failed
    record failed    -> failed           never a result
    record, causes   -> stale
    record, none     -> fresh | reused | skipped
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from flowapp.notebook import words
from flowapp.notebook.causes import Cause, definition_causes
from flowapp.notebook.definition import SETTING, definition_of
from flowapp.notebook.document import CellId, Document, Entry, StepId
from flowapp.notebook.records import (
    FLOW_INPUT,
    CellRecord,
    Iteration,
    Live,
    ReusedFrom,
    pinned_value,
    reads_now,
    reads_of,
)
from flowapp.notebook.stand_ins import in_force, stand_ins_of
from flowapp.notebook.wires import Reads, Wire, graph_of

Kind: TypeAlias = Literal[
    "never", "queued", "running", "fresh", "reused", "stale", "pinned", "failed", "waiting", "skipped", "blocked"
]


#: States in which a cell has no current result: a run of a reader runs it first.
NEEDS_RUN: frozenset[Kind] = frozenset({"never", "stale", "failed", "blocked"})


@dataclass(frozen=True, slots=True)
class CellState:
    """The state of a cell as it is shown. `base` is the state without what it is doing right now."""

    kind: Kind
    base: Kind
    text: str
    causes: tuple[Cause, ...] = ()
    #: step ids of the top-level cells that running this one runs first
    runs_first: tuple[StepId, ...] = ()
    at: str | None = None
    since: str | None = None
    duration_ms: float | None = None
    run_number: int | None = None
    run_id: str | None = None
    path: str | None = None
    progress: int | None = None
    #: the run that the record is of, which `run_number` counts; `run_id` is the one that is under way
    ran_in: str | None = None
    #: the run that computed a reused result; `run_number` is the one that took it
    reused_from: ReusedFrom | None = None
    #: why the cell computed although there was a result before
    ran_because: tuple[str, ...] = ()
    #: the iteration, from 0, that the cell ran in by itself
    iteration: int | None = None

    @property
    def needs_run(self) -> bool:
        """Whether the cell has no current result."""
        return self.base in NEEDS_RUN

    def to_json(self) -> dict[str, Any]:
        """The state as pages get it."""
        data: dict[str, Any] = {
            "kind": self.kind,
            "text": self.text,
            "causes": [cause.to_json() for cause in self.causes],
            "runs_first": list(self.runs_first),
            "at": self.at,
            "duration_ms": self.duration_ms,
            "run_number": self.run_number,
        }
        live = {"since": self.since, "run_id": self.run_id, "path": self.path, "progress": self.progress}
        reused = self.reused_from.to_json() if self.reused_from else None
        because = list(self.ran_because) or None
        more = {
            **live,
            "reused_from": reused,
            "ran_because": because,
            "iteration": self.iteration,
            "ran_in": self.ran_in,
        }
        return {**data, **{name: value for name, value in more.items() if value not in (None, "")}}


def states(
    document: Document,
    records: Mapping[CellId, CellRecord],
    live: Mapping[CellId, Live],
    now: datetime | None = None,
    heads: Mapping[str, str] | None = None,
) -> dict[CellId, CellState]:
    """The state of every cell, in document order.

    Args:
        document: the document.
        records: what cells last did; a cell without one never ran.
        live: cells that are queued, running or waiting.
        now: for "3 h old" and running times; its time zone is the one of clock times in texts. Without it both are left out.
        heads: the present versions of stored scripts, hash by path; of those that are not in it nothing is said.
    """
    work = _judged(document, records, heads or {})
    return {
        entry.cell: _shown(entry, work.base[entry.cell], work.causes[entry.cell], work, live.get(entry.cell), now)
        for entry in document.outline.entries
    }


def _judged(document: Document, records: Mapping[CellId, CellRecord], heads: Mapping[str, str]) -> _Work:
    """All cells judged. One press of a key asks several times for the same document and records, with other live cells."""
    last: _Work | None = document._memo.get("judged")
    if last is not None and last.records == records and last.heads == heads:
        return last
    work = _Work(document, dict(records), dict(heads))  # copies: the caller's may change in place
    for entry in document.outline.entries:
        work.base[entry.cell], work.causes[entry.cell] = work.judge(entry)
        work.runs_first(entry)  # now, while only the cells above are judged: nothing below can be run first
    document._memo["judged"] = work
    return work


class _Work:
    """The cells judged so far. Cells are judged in document order, so producers come before their readers."""

    def __init__(self, document: Document, records: Mapping[CellId, CellRecord], heads: Mapping[str, str]) -> None:
        self.document = document
        self.records = records
        self.heads = heads
        #: the versions of stored scripts that went into a cell's result, with those of the cells inside of it
        self.scripts = _scripts(document, records)
        self.base: dict[CellId, Kind] = {}
        self.causes: dict[CellId, tuple[Cause, ...]] = {}
        self._graph = graph_of(document)
        self._bits = {unit.cell: 1 << number for number, unit in enumerate(document.outline.units)}
        self._step_ids = {1 << number: unit.step_id for number, unit in enumerate(document.outline.units)}
        #: for each unit, the units to run before it, as bits
        self._first: dict[CellId, int] = {}

    def judge(self, entry: Entry) -> tuple[Kind, tuple[Cause, ...]]:
        """The state without live cells, and its causes."""
        reads = reads_of(self.document, entry.cell)
        record = self.records.get(entry.cell)
        if pinned_value(entry.module)[0]:
            return "pinned", ()
        if record is None or record.status == "canceled":
            failed = tuple(self._failed_producers(reads))
            return ("blocked", failed) if failed else ("never", ())
        causes = tuple(_causes(self, entry, record, reads))
        if record.status == "failure" or record.result is None:
            return "failed", causes
        if causes:
            return "stale", causes
        if record.status == "skipped":
            return "skipped", ()
        return ("reused" if record.reused_from is not None else "fresh"), ()

    def runs_first(self, entry: Entry) -> tuple[StepId, ...]:
        """The top-level cells without a current result that this cell's unit reads from, however far up."""
        bits = self._first_bits(entry)
        found: list[StepId] = []
        while bits:
            lowest = bits & -bits
            found.append(self._step_ids[lowest])
            bits ^= lowest
        return tuple(found)

    def _first_bits(self, entry: Entry) -> int:
        found = self._first.get(entry.unit)
        if found is None:
            found = 0
            unit = self._graph.units.get(entry.unit)
            for wire in unit.wires if unit else ():
                if wire.producer in self._bits and self.base.get(wire.producer) in NEEDS_RUN:
                    found |= self._bits[wire.producer] | self._first.get(wire.producer, 0)
            self._first[entry.unit] = found
        return found

    def _failed_producers(self, reads: Reads) -> Iterator[Cause]:
        for wire in reads.wires:
            if wire.producer and self.base.get(wire.producer) in ("failed", "blocked"):
                blocker = self.document.outline.by_cell[wire.producer]
                yield Cause("failed", words.upstream_failed(blocker.step_id), blocker.cell, blocker.step_id, wire.field)


def _scripts(document: Document, records: Mapping[CellId, CellRecord]) -> dict[CellId, list[tuple[str, str]]]:
    found: dict[CellId, list[tuple[str, str]]] = {}
    for cell, record in records.items():
        entry = document.entry(cell) if record.scripts or record.iteration is not None else None
        while entry is not None:
            ran = record.scripts_of_whole if entry.cell != cell and entry.parent is None else record.scripts
            found.setdefault(entry.cell, []).extend(ran.items())
            entry = document.entry(entry.parent) if entry.parent else None
    return found


def _causes(work: _Work, entry: Entry, record: CellRecord, reads: Reads) -> Iterator[Cause]:
    now = reads_now(work.document, entry.cell, work.records)
    broken = [wire for wire in reads.wires if wire.producer is None]
    lost = record.reads.keys() - now.keys()
    missing = [wire for wire in broken if any(key.startswith("results.") for key in lost)]
    changed = list(definition_causes(work.document, entry, record, {wire.field for wire in missing}))
    yield from changed
    for path, version in work.scripts.get(entry.cell, ()):
        if work.heads.get(path, version) != version:
            yield Cause("code", words.script_changed(path), entry.cell, entry.step_id)
    yield from (_missing(wire) for wire in missing)
    seen: set[tuple[CellId, str]] = set()
    for wire in reads.wires:
        if wire.producer is not None and (wire.producer, wire.field) not in seen:
            seen.add((wire.producer, wire.field))
            cause = _upstream(work, wire, wire.producer, record, now)
            if cause:
                yield cause
    for read in reads.inputs:
        key = FLOW_INPUT if read.name is None else f"{FLOW_INPUT}.{read.name}"
        if record.reads.get(key) != now[key]:
            yield Cause("flow_input", words.flow_input_changed(read.name), field=read.field)
    if reads.iteration and entry.parent:
        yield from _entered_anew(work, work.document.outline.by_cell[entry.parent], record)
    if lost and not changed and not missing:
        yield Cause("missing", words.source_lost())


def _entered_anew(work: _Work, container: Entry, record: CellRecord) -> Iterator[Cause]:
    """Why the item, or the arguments, that a cell got from the container around it are not what it would get now."""
    alone = record.iteration
    if alone is not None and container.parent is None:
        if _items_changed(work, container, alone):
            say = words.loop_changed if container.kind == "whileloopflow" else words.items_stale
            yield Cause("upstream", say(container.step_id), container.cell, container.step_id)
    elif work.base.get(container.cell) == "stale":
        yield Cause("upstream", words.container_stale(container.step_id), container.cell, container.step_id)


def _items_changed(work: _Work, loop: Entry, alone: Iteration) -> bool:
    """Whether the loop says, or reads, anything else as its items than it did when the iteration ran."""
    field, document = "iterator", work.document
    said, says = alone.definition, definition_of(document, loop.cell)
    if (said.settings, said.inputs.get(SETTING + field)) != (says.settings, says.inputs.get(SETTING + field)):
        return True  # a fixed list is among the settings
    reads, now = reads_of(document, loop.cell), reads_now(document, loop.cell, work.records)
    wires = [wire for wire in reads.wires if (wire.reader, wire.field) == (loop.cell, field)]
    then = CellRecord("success", alone.definition, alone.reads)
    if any(wire.producer and _upstream(work, wire, wire.producer, then, now) for wire in wires):
        return True
    if any(wire.producer is None for wire in wires) and any(key not in now for key in alone.reads):
        return True  # what it read comes later now
    names = [read.name for read in reads.inputs if (read.reader, read.field) == (loop.cell, field)]
    keys = [FLOW_INPUT if name is None else f"{FLOW_INPUT}.{name}" for name in names]
    return any(alone.reads.get(key) != now[key] for key in keys)


def _upstream(work: _Work, wire: Wire, cell: CellId, record: CellRecord, now: Mapping[str, str]) -> Cause | None:
    """Why what comes through a wire is not what was read, or None."""
    producer = work.document.outline.by_cell[cell]
    base, step_id = work.base.get(cell), producer.step_id
    where = (cell, step_id, wire.field)
    if base in ("failed", "blocked"):
        return Cause("failed", words.upstream_failed(step_id), *where)
    if base == "never":
        return Cause("missing", words.upstream_missing(step_id), *where)
    if base == "stale":
        return Cause("upstream", words.upstream_stale(wire.field, step_id), *where)
    keys = (f"results.{cell}", f"run.{cell}")
    if any(key in now and record.reads.get(key) != now[key] for key in keys):
        return Cause("upstream", words.upstream_changed(wire.field, step_id), *where)
    return None


def _missing(wire: Wire) -> Cause:
    return Cause("missing", words.wire_broken(wire.field, wire.step_id, wire.broken), None, wire.step_id, wire.field)


def _shown(
    entry: Entry, base: Kind, causes: tuple[Cause, ...], work: _Work, live: Live | None, now: datetime | None
) -> CellState:
    record = work.records.get(entry.cell)
    kind: Kind = live.kind if live else base
    parent = work.document.entry(entry.parent) if entry.parent else None
    name = in_force(entry.module, stand_ins_of(work.document, entry.cell)) if kind == "pinned" else None
    return CellState(
        kind=kind,
        base=base,
        text=words.badge(kind, record, causes, live, now, entry.module, parent.step_id if parent else None, name),
        causes=causes,
        runs_first=work.runs_first(entry),
        at=record.finished_at or None if record else None,
        since=(live.since or None) if live else None,
        duration_ms=record.duration_ms if record else None,
        run_number=record.run_number or None if record else None,
        run_id=(live.run_id or None) if live else None,
        path=(live.path or None) if live else None,
        progress=live.progress if live else None,
        ran_in=(record.run_id or None) if record else None,
        reused_from=record.reused_from if record else None,
        ran_because=record.ran_because if record and kind == "fresh" else (),
        iteration=record.iteration.index if record and record.iteration else None,
    )
