"""Why a cell computed although it had a result: what its last record and the one before it tell apart."""

from __future__ import annotations

from collections.abc import Iterator

from flowapp.notebook import words
from flowapp.notebook.causes import definition_causes
from flowapp.notebook.definition import SETTING
from flowapp.notebook.document import Document, Entry
from flowapp.notebook.records import FLOW_INPUT, CellRecord, Iteration, reads_of
from flowapp.openflow.walk import LOOP_KINDS

#: More say nothing to a person.
MOST = 8


def why_ran(
    document: Document, entry: Entry, before: CellRecord | None, after: CellRecord, *, anew: bool
) -> tuple[str, ...]:
    """The reasons, in words, for a cell that computed; empty where there was no result that it could have taken.

    They are those of a top-level cell, or of a cell in a loop in an iteration that ran by itself before as well: in a whole run one of
    many iterations is like none before.

    Args:
        document: what the run executed.
        entry: the cell in it.
        before: what the cell did last before this run.
        after: what it did now.
        anew: somebody ran it although it was up to date.
    """
    if before is None or after.reused_from is not None or after.status == "skipped":
        return ()
    if entry.parent is not None and not (_of_one_index(before, after) and _once(document, entry)):
        return ()
    if before.run_id == after.run_id:  # another attempt
        return before.ran_because
    if not before.has_result:
        return (words.failed_before(),) if before.status == "failure" else ()
    changed = tuple(dict.fromkeys(_changed(document, entry, before, after)))[:MOST]
    about = document.about(entry.cell)
    if about.get("reuse") == "never" or about.get("outside_effects") is True:
        return (*changed, words.never_reused(effects=about.get("reuse") != "never"))
    if changed:
        return changed
    if anew:
        return (words.ran_anew(),)
    lasts = entry.module.get("cache_ttl")
    return (words.expired(lasts) if isinstance(lasts, int | float) and lasts > 0 else words.nothing_kept(),)


def _of_one_index(before: CellRecord, after: CellRecord) -> bool:
    one, other = before.iteration, after.iteration
    return one is not None and other is not None and one.index == other.index


def _once(document: Document, entry: Entry) -> bool:
    """Whether a cell runs at most once in an iteration of its top-level loop: no other loop is around it."""
    around = document.entry(entry.parent) if entry.parent else None
    while around is not None and around.parent is not None:
        if around.kind in LOOP_KINDS:
            return False
        around = document.entry(around.parent)
    return True


def _other_items(document: Document, entry: Entry, before: CellRecord, after: CellRecord) -> bool:
    one, other, loop = before.iteration, after.iteration, document.outline.by_cell[entry.unit]
    return one is not None and other is not None and _items(document, loop, one) != _items(document, loop, other)


def _items(document: Document, loop: Entry, of: Iteration) -> tuple[object, ...]:
    """All that the items of a loop came from when one of its iterations ran."""
    field, reads = "iterator", reads_of(document, loop.cell)
    wires = [wire for wire in reads.wires if (wire.reader, wire.field) == (loop.cell, field)]
    keys = [f"{kind}.{wire.producer}" for wire in wires for kind in ("results", "run")]
    inputs = [read.name for read in reads.inputs if (read.reader, read.field) == (loop.cell, field)]
    keys += [FLOW_INPUT if name is None else f"{FLOW_INPUT}.{name}" for name in inputs]
    said = of.definition.settings, of.definition.inputs.get(SETTING + field)
    return (*said, *(of.reads.get(key) for key in keys))


def _changed(document: Document, entry: Entry, before: CellRecord, after: CellRecord) -> Iterator[str]:
    for cause in definition_causes(document, entry, before, set()):
        yield cause.text
    for path, version in after.scripts.items():
        if before.scripts.get(path, version) != version:
            yield words.script_changed(path)
    reads = reads_of(document, entry.cell)
    for wire in reads.wires:
        if wire.producer is not None and any(
            key in before.reads and key in after.reads and before.reads[key] != after.reads[key]
            for key in (f"results.{wire.producer}", f"run.{wire.producer}")
        ):
            yield words.upstream_changed(wire.field, document.outline.by_cell[wire.producer].step_id)
    for read in reads.inputs:
        key = FLOW_INPUT if read.name is None else f"{FLOW_INPUT}.{read.name}"
        if key in before.reads and before.reads[key] != after.reads.get(key):
            yield words.flow_input_changed(read.name)
    if reads.iteration and _other_items(document, entry, before, after):
        loop = document.outline.by_cell[entry.unit]
        say = words.loop_changed if loop.kind == "whileloopflow" else words.items_changed
        yield say(loop.step_id)
