"""What a cell could be wired to: real paths into the flow's inputs, the loop's item and earlier results."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from flowapp.assistant.shapes import UNKNOWN, Shape
from flowapp.notebook.document import CellId, Document, Entry
from flowapp.notebook.schemas import read_signature
from flowapp.openflow.references import member, simple_path
from flowapp.signatures import Signature

Kind: TypeAlias = Literal["flow_input", "result", "item"]
Path: TypeAlias = tuple[str | int, ...]

_NONE: Any = object()
_DEEPEST = 4
_MOST = 400


@dataclass(frozen=True, slots=True)
class Source:
    """One value that can be read. `keys` lead to it below its root; `distance` counts steps back, 1 for the one before."""

    expr: str
    kind: Kind
    keys: tuple[str, ...]
    shape: Shape
    distance: int
    #: step id and title of the step whose result it is in
    step_id: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """All sources of a cell, and the shapes of the roots that they lie in."""

    sources: tuple[Source, ...] = ()
    results: Mapping[str, Shape] = field(default_factory=dict)
    inputs: Mapping[str, Shape] = field(default_factory=dict)
    item: Shape | None = None
    in_loop: bool = False

    def has_result(self, path: Path) -> bool:
        """Whether `results.<path>` is there: a step before, and a path into what is known of its result."""
        shape = self.results.get(str(path[0])) if path else None
        return shape is not None and shape.at(path[1:]) is not None

    def has_input(self, path: Path) -> bool:
        """Whether `flow_input.<path>` is there."""
        if not path:
            return True
        if self.in_loop and path[0] == "iter":
            return path[1:] in ((), ("index",), ("value",)) or (
                path[1:2] == ("value",) and self.item is not None and self.item.at(path[2:]) is not None
            )
        shape = self.inputs.get(str(path[0]))
        return shape is not None and shape.at(path[1:]) is not None


def scope_of(document: Document, cell: CellId, results: Mapping[str, Any], item: Any = _NONE) -> Scope:
    """The scope of a cell.

    Args:
        document: the document.
        cell: the cell to be wired.
        results: plain JSON values of earlier steps' results; steps that never ran are described by their signature.
        item: a sample of the loop's item, for a cell in a loop.

    Raises:
        KeyError: there is no such cell.
    """
    entry = document.outline.by_cell[cell]
    inputs = _inputs(document)
    sources: list[Source] = []
    item_shape: Shape | None = None
    if entry.in_loop:
        item_shape = (Shape() if item is _NONE else Shape.of_value(item)).hiding(_promised_item(document, entry))
        title = _item_title(document, entry)
        sources += _paths("flow_input.iter.value", item_shape, "item", 0, title=title)
        sources.append(Source("flow_input.iter.index", "item", ("index",), Shape("integer"), 0))
    shapes: dict[str, Shape] = {}
    before = [other for other in document.outline.entries if _visible(other, entry)]
    for distance, other in enumerate(reversed(before), start=1):
        shape = _result(other, results)
        shapes[other.step_id] = shape
        title = str(other.module.get("summary") or "")
        sources += _paths(member("results", other.step_id), shape, "result", distance, other.step_id, title)
    for name, shape in inputs.items():
        sources += _paths(member("flow_input", name), shape, "flow_input", len(before) + 1, keys=(name,))
    return Scope(tuple(sources[:_MOST]), shapes, inputs, item_shape, entry.in_loop)


def _loop_around(document: Document, entry: Entry) -> Entry | None:
    parent = document.entry(entry.parent) if entry.parent else None
    while parent is not None and parent.kind != "forloopflow":
        parent = document.entry(parent.parent) if parent.parent else None
    return parent


def _over(loop: Entry | None) -> Path | None:
    """What a loop runs over, where that is a plain path."""
    iterator = loop.module["value"].get("iterator") if loop is not None else None
    return simple_path(str(iterator.get("expr") or "")) if isinstance(iterator, Mapping) else None


def _promised_item(document: Document, entry: Entry) -> Shape:
    """What the flow's schema says of the items that the loop around a cell runs over: there may be secrets in them.

    A loop over the item of the loop around it is followed outwards. Of what no plain path names, anything in the schema may be an item.
    """
    schema = document.flow.get("schema")
    promised = Shape.of_schema(schema)
    loop = _loop_around(document, entry)
    path = _over(loop)
    if loop is None or (path and path[0] == "results"):
        return Shape()
    if not path or path[0] != "flow_input":
        return Shape(hides=promised.holds_secret())
    if path[1:3] == ("iter", "value"):
        found, rest = _promised_item(document, loop), path[3:]
        if found == Shape():
            return found
    else:
        found, rest = promised, path[1:]
    items = found.at(rest) if not found.hides else None
    if items is None or items.item is None:
        return Shape(hides=promised.holds_secret())
    return items.item


def _item_title(document: Document, entry: Entry) -> str:
    """What the loop around a cell runs over, by name: the last key of its iterator, or the title of the step it reads."""
    path = _over(_loop_around(document, entry))
    if path is None or len(path) < 2:
        return ""
    step = document.outline.by_step.get(str(path[1])) if path[0] == "results" else None
    if len(path) == 2 and step is not None:
        return str(step.module.get("summary") or "") or step.step_id
    return str(next((key for key in reversed(path) if isinstance(key, str)), ""))


def _visible(other: Entry, entry: Entry) -> bool:
    """Whether a step comes before, and its result is sure to be there: not inside a loop or branch that is left."""
    if other.last >= entry.order or other.slot in ("preprocessor", "failure"):
        return False
    return other.parent is None or _inside(other, entry)


def _inside(other: Entry, entry: Entry) -> bool:
    """Whether both are in the same list of modules, or the second is deeper in it."""
    return entry.path[: len(other.path) - 1] == other.path[:-1]


def _inputs(document: Document) -> dict[str, Shape]:
    schema = document.flow.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    properties = properties if isinstance(properties, Mapping) else {}
    found = {name: Shape.of_schema(about) for name, about in properties.items()}
    for name, value in document.flow_args().items():
        promised = found.get(name)
        is_blob = isinstance(value, dict) and "$flowapp:blob" in value
        observed = Shape("string") if is_blob else Shape.of_value(value)
        if promised is not None and (promised.secret or observed.type == UNKNOWN):
            observed = promised
        found[name] = observed.hiding(promised) if promised is not None else observed
    return found


def _result(entry: Entry, results: Mapping[str, Any]) -> Shape:
    if entry.step_id in results:
        return Shape.of_value(results[entry.step_id])
    signature = read_signature(entry)
    if isinstance(signature, Signature) and signature.returns:
        return Shape.of_schema(signature.returns)
    return Shape("array") if entry.kind in ("forloopflow", "whileloopflow", "branchall") else Shape()


def _paths(
    expr: str,
    shape: Shape,
    kind: Kind,
    distance: int,
    step_id: str = "",
    title: str = "",
    keys: tuple[str, ...] = (),
    depth: int = 0,
) -> Iterator[Source]:
    """The root itself and every member of objects below it.

    Lists are not entered, since one item is rarely meant; but the only one of a list is, as in answers of models.
    """
    yield Source(expr, kind, keys, shape, distance, step_id, title)
    only = shape.item if shape.observed and shape.type == "array" and len(shape.sample) == 1 else None
    if only is not None and only.members and depth < _DEEPEST:
        inside = (only, kind, distance, step_id, title, keys, depth + 1)
        yield from itertools.islice(_paths(f"{expr}[0]", *inside), 1, None)
    if depth < _DEEPEST:
        for key, inner in shape.members.items():
            yield from _paths(member(expr, key), inner, kind, distance, step_id, title, (*keys, key), depth + 1)
