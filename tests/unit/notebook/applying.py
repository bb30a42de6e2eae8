"""Documents to try operations on, and operations that must go or must be refused."""

from __future__ import annotations

from flowapp.notebook import Applied, Document, Rejected, apply, apply_all
from flowapp.notebook.document import Entry
from flowapp.notebook.operations import types as ops
from tests.unit.notebook.flows import branch, document, loop, script


def applied(before: Document, operation: ops.Operation) -> Applied:
    result = apply(before, operation)
    assert isinstance(result, Applied), result
    return result


def refused(before: Document, operation: ops.Operation) -> str:
    result = apply(before, operation)
    assert isinstance(result, Rejected), result
    return result.code


def steps(found: Document) -> list[str]:
    return [entry.step_id for entry in found.outline.entries]


def entry(found: Document, cell: str) -> Entry:
    at = found.entry(cell)
    assert at is not None
    return at


abc = document(script("a"), script("b", {"x": "results.a.rows"}), script("c"))
nested = document(
    script("a"),
    loop("l", "results.a.rows", [script("b", {"y": "flow_input.iter.value"}), script("c")]),
    branch("d", [("results.l.length > 1", [script("e")])], [script("f")]),
)


def undone(result: Applied) -> Document:
    """The document after taking an operation back. Step ids stay used, which is meant."""
    back = apply_all(result.document, result.inverse)
    assert isinstance(back, Applied), back
    after = back.document
    return Document(after.flow, after.cells, after.beside, after.used & frozenset(after.cells), after.sample)
