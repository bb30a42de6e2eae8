"""What the picker shows of a value, and where that is known from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flowapp.notebook.document import Document, Entry
from flowapp.notebook.records import pinned_value
from flowapp.notebook.schemas import read_signature
from flowapp.openflow import references
from flowapp.openflow.shapes import types_in
from flowapp.signatures import Signature
from flowapp.store.blobs import BlobRef
from flowapp.workspace import tree
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.scope import CellScope

Item = dict[str, Any]


def with_origin(draft: OpenDraft, item: Item) -> Item:
    """The item with `origin`, who says what it is like, where somebody does.

    "result": the last result; "old_result": the same, out of date; "stand_in"; "annotation": what the code declares to return;
    "sample": the value that runs of the notebook get; "schema": the flow's inputs.
    """
    origin = _origin(draft, item)
    return {**item, "origin": origin} if origin else item


def _origin(draft: OpenDraft, item: Item) -> str:
    path = references.simple_path(item["expr"]) or ()
    entry = draft.document.outline.by_step.get(
        item.get("step_id") or (str(path[1]) if path[:1] == ("results",) else "")
    )
    if entry is not None:
        record, state = draft.records.get(entry.cell), draft.states.get(entry.cell)
        if pinned_value(entry.module)[0]:
            return "stand_in"
        if record is not None and record.has_result:
            return "old_result" if state is not None and state.base == "stale" else "result"
        return "annotation" if item["type"] else ""
    if path[:1] != ("flow_input",) or len(path) < 2 or path[1] == "iter":
        return ""
    return "sample" if path[1] in draft.document.sample else "schema"


def flow_inputs(document: Document, scope: CellScope) -> Iterable[tuple[str, Any]]:
    """The inputs of the flow by name: the declared ones first, with the value that runs of the notebook get."""
    schema = document.flow.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    names = dict.fromkeys([*(properties if isinstance(properties, Mapping) else {}), *scope.args])
    return [(name, scope.args.get(name)) for name in names]


def input_item(document: Document, name: str, value: Any) -> Item:
    """The item of one input of the flow."""
    schema = document.flow.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    about = properties.get(name) if isinstance(properties, Mapping) else None
    declared = types_in(about) if isinstance(about, Mapping) else frozenset()
    blob = BlobRef.from_json(value)
    if blob is not None:
        kind, sample, inside = "string", f"{blob.name or 'text'}, {blob.size:,} bytes", False
    elif value is None:
        kind, sample, inside = next(iter(sorted(declared)), ""), "", False
    else:
        kind, sample, inside = tree.type_of(value), tree.summary(value), isinstance(value, dict | list) and bool(value)
    return {
        "expr": references.member("flow_input", name),
        "label": name,
        "type": kind,
        "sample": sample,
        "children": inside,
    }


def loop_items(scope: CellScope) -> list[Item]:
    """The item and the index of the loop around a cell."""
    if not scope.loops:
        return []
    loop = scope.loops[0]
    items = [("flow_input.iter.value", "value", ""), ("flow_input.iter.index", "index", "number")]
    return [
        {"expr": expr, "label": f"{label} of {loop.step_id}", "type": kind, "sample": "", "children": False}
        for expr, label, kind in items
        if loop.kind == "forloopflow" or label == "index"
    ]


def declared_node(entry: Entry, path: tuple[str | int, ...]) -> dict[str, Any]:
    """A node made of what the code says it returns."""
    signature = read_signature(entry)
    schema: Any = signature.returns if isinstance(signature, Signature) else None
    for key in path:
        if not isinstance(schema, Mapping):
            break
        schema = schema.get("items") if isinstance(key, int) else (schema.get("properties") or {}).get(key)
    if not isinstance(schema, Mapping):
        return {"t": "", "n": 0}
    kinds = types_in(schema)
    properties = schema.get("properties")
    children = [
        {"k": name, "t": next(iter(sorted(types_in(about))), ""), "n": len(about.get("properties") or {})}
        for name, about in (properties.items() if isinstance(properties, Mapping) else ())
        if isinstance(about, Mapping)
    ]
    return {"t": next(iter(sorted(kinds)), ""), "n": len(children), "c": children, "declared": True}


def safe_node(value: Any, path: tuple[str | int, ...], offset: int, limit: int) -> dict[str, Any]:
    """The TreeNode at a path of a value; an empty one where there is nothing."""
    try:
        return tree.node(tree.at(value, path), offset=offset, limit=limit)
    except tree.PathMissing:
        return {"t": "", "n": 0}


def sample_of(node: Mapping[str, Any]) -> str:
    """A node's value in a few characters; lists and objects as how much is in them."""
    match node.get("t"):
        case "array":
            return "" if node.get("declared") else _counted(node.get("n", 0), "item")
        case "object":
            return "" if node.get("declared") else _counted(node.get("n", 0), "key")
        case "null":
            return "null"
        case "boolean":
            return "true" if node.get("v") else "false"
        case "string" | "number":
            return str(node.get("v", ""))[:80]
        case _:
            return ""


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def leaves(expr: str, label: str, node: Mapping[str, Any]) -> Iterable[Item]:
    """The items of what a search found in a value."""
    for child in node.get("c", []):
        inner = references.member(expr, child["k"])
        if child.get("c"):
            yield from leaves(inner, f"{label}.{child['k']}", child)
        else:
            kind = child["t"]
            inside = kind in ("object", "array") and bool(child.get("n"))
            yield {
                "expr": inner,
                "label": f"{label}.{child['k']}",
                "type": kind,
                "sample": sample_of(child),
                "children": inside,
            }


def contains(item: Item, needle: str) -> bool:
    """Whether an item has a text in what is shown of it."""
    return not needle or any(needle in str(item.get(name, "")).casefold() for name in ("expr", "label", "sample"))
