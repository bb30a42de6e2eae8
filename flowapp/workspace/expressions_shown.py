"""The expressions that pages show a value beside, and which of those values an edit makes untrue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flowapp.notebook.document import CellId, Document, Entry
from flowapp.notebook.schemas import transforms_of


def expressions_of(entry: Entry) -> Iterable[tuple[str, str]]:
    """(field, expression) of a cell's inputs, its iterator and the conditions of its branches."""
    for name, transform in transforms_of(entry).items():
        expr = transform.get("expr") if isinstance(transform, Mapping) else None
        if isinstance(expr, str) and expr.strip() and transform.get("type") == "javascript":
            yield name, expr
    value = entry.module["value"]
    iterator = value.get("iterator")
    if isinstance(iterator, Mapping) and iterator.get("type") == "javascript" and isinstance(iterator.get("expr"), str):
        yield "iterator", iterator["expr"]
    if entry.kind == "branchone":
        for index, branch in enumerate(value.get("branches") or []):
            if isinstance(branch, Mapping) and isinstance(branch.get("expr"), str) and branch["expr"].strip():
                yield f"branches/{index}/expr", branch["expr"]


def forget_changed(values: dict[CellId, dict[str, Any]], before: Document, after: Document) -> None:
    """Take out of `values` (by cell and field) those of expressions that are other ones in the document after.

    Left there they would be told as the values of the new ones, and a new one that gives the same would never be told.
    """
    for cell, known in list(values.items()):
        old, new = before.entry(cell), after.entry(cell)
        if old is None or new is None or old.module is new.module:
            continue
        same = dict(set(expressions_of(old)) & set(expressions_of(new)))
        values[cell] = {field: value for field, value in known.items() if field in same}
