"""What an expression of a cell can see, from the results there are: the same names and values as in a run.

Pure, but for the hashes: values themselves are read by whoever evaluates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flowapp.jsontext import JsonText, dumps, hash_of
from flowapp.notebook.document import CellId, Document, Entry
from flowapp.notebook.records import pinned_value
from flowapp.workspace.open_drafts import OpenDraft


@dataclass(frozen=True, slots=True)
class Source:
    """One readable result: a stored value by its hash, or a pinned value as text."""

    digest: str
    text: JsonText | None = None


@dataclass(frozen=True, slots=True)
class CellScope:
    """What the expressions of one cell see."""

    entry: Entry
    results: dict[str, Source] = field(default_factory=dict)
    #: step ids that are in reach but have no result yet
    missing: frozenset[str] = frozenset()
    previous: Source | None = None
    args: dict[str, Any] = field(default_factory=dict)
    #: the loops around the cell, the innermost first
    loops: tuple[Entry, ...] = ()


def in_reach(document: Document, entry: Entry) -> list[Entry]:
    """The cells whose results the cell can read, in document order: those before it in its own list and in the lists around."""
    lists = _lists(document, entry)
    return [other for other in document.outline.entries if _reads(entry, other, lists)]


def reaches(document: Document, entry: Entry, other: Entry) -> bool:
    """Whether the cell can read the other one's result."""
    return _reads(entry, other, _lists(document, entry))


def _lists(document: Document, entry: Entry) -> set[tuple[CellId | None, str]]:
    """The lists of cells that the cell stands in: its own, that of its container, and so on."""
    lists: set[tuple[CellId | None, str]] = set()
    here: Entry | None = entry
    while here is not None:
        lists.add((here.parent, here.slot))
        here = document.outline.by_cell.get(here.parent) if here.parent else None
    return lists


def _reads(entry: Entry, other: Entry, lists: set[tuple[CellId | None, str]]) -> bool:
    if entry.slot == "failure":
        return other.parent is None and other.slot == "modules"
    # a container of the cell comes before it too, but ends after it
    return other.last < entry.order and (other.parent, other.slot) in lists


def scope_of(draft: OpenDraft, entry: Entry) -> CellScope:
    """The scope of a cell's expressions, on the results that pages show."""
    results: dict[str, Source] = {}
    missing: set[str] = set()
    for other in in_reach(draft.document, entry):
        source = source_of(draft, other)
        if source is None:
            missing.add(other.step_id)
        else:
            results[other.step_id] = source
    before = draft.document.outline.by_cell.get(entry.previous) if entry.previous else None
    args = draft.document.flow_args()
    return CellScope(
        entry=entry,
        results=results,
        missing=frozenset(missing),
        previous=source_of(draft, before) if before is not None else None,
        args=args,
        loops=loops_around(draft.document, entry),
    )


def source_of(draft: OpenDraft, entry: Entry) -> Source | None:
    """The result of a cell that expressions may read; a failed cell has none."""
    pinned, value = pinned_value(entry.module)
    if pinned:
        text = dumps(value)
        return Source(hash_of(text), text)
    record = draft.records.get(entry.cell)
    if record is None or not record.has_result or record.result is None:
        return None
    return Source(record.result)


def loops_around(document: Document, entry: Entry) -> tuple[Entry, ...]:
    """The loops that the cell stands in, the innermost first."""
    found: list[Entry] = []
    here = document.outline.by_cell.get(entry.parent) if entry.parent else None
    while here is not None:
        if here.kind in ("forloopflow", "whileloopflow"):
            found.append(here)
        here = document.outline.by_cell.get(here.parent) if here.parent else None
    return tuple(found)
