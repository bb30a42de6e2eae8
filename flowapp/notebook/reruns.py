"""Why a cell computed although it had a result: what its last record and the one before it tell apart."""

from __future__ import annotations

from collections.abc import Iterator

from flowapp.notebook import words
from flowapp.notebook.causes import definition_causes
from flowapp.notebook.document import Document, Entry
from flowapp.notebook.records import FLOW_INPUT, CellRecord, reads_of

#: More say nothing to a person.
MOST = 8


def why_ran(
    document: Document, entry: Entry, before: CellRecord | None, after: CellRecord, *, anew: bool
) -> tuple[str, ...]:
    """The reasons, in words, for a top-level cell that computed; empty where there was no result that it could have taken.

    Args:
        document: what the run executed.
        entry: the cell in it.
        before: what the cell did last before this run.
        after: what it did now.
        anew: somebody ran it although it was up to date.
    """
    if before is None or entry.parent is not None or after.reused_from is not None or after.status == "skipped":
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
