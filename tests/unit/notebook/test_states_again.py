"""States asked for again: what was judged is kept as long as document and records are the same, and no longer."""

from __future__ import annotations

from itertools import count

from flowapp.notebook import CellRecord, Document, definition_of, reads_taken, states
from flowapp.notebook.records import Live

FLOW = {
    "summary": "",
    "value": {
        "modules": [{"id": "a", "value": {"type": "rawscript", "language": "python3", "content": "def main(): ..."}}]
    },
}


def a_document() -> Document:
    numbers = count()
    return Document.of(FLOW, lambda: f"c{next(numbers)}")


def a_record(document: Document) -> CellRecord:
    (entry,) = document.outline.entries
    reads = reads_taken(document, entry.cell, {})
    return CellRecord("success", definition_of(document, entry.cell), reads, "result", "run", 1, "a")


def test_records_changed_in_place_are_seen() -> None:
    document = a_document()
    (entry,) = document.outline.entries
    records: dict[str, CellRecord] = {}
    assert states(document, records, {})[entry.cell].kind == "never"
    records[entry.cell] = a_record(document)
    assert states(document, records, {})[entry.cell].kind == "fresh"
    del records[entry.cell]
    assert states(document, records, {})[entry.cell].kind == "never"


def test_live_cells_are_seen_over_the_same_records() -> None:
    document = a_document()
    (entry,) = document.outline.entries
    records = {entry.cell: a_record(document)}
    assert states(document, records, {})[entry.cell].kind == "fresh"
    assert states(document, records, {entry.cell: Live("queued", position=1)})[entry.cell].kind == "queued"
    assert states(document, records, {})[entry.cell].kind == "fresh"
