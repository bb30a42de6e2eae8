"""What a field can be plugged into: likely sources first, with types and samples, one level at a time.

Works for cells that never ran, by what their code declares to return; such items carry `declared`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.identity import Identity
from flowapp.assistant import Source as Origin
from flowapp.assistant import Target, matcher, targets_of
from flowapp.assistant.shapes import UNKNOWN
from flowapp.jsontext import dumps
from flowapp.notebook.document import CellId, Document, Entry
from flowapp.openflow import references
from flowapp.openflow.shapes import types_in
from flowapp.store import resources, variables
from flowapp.store.blobs import BlobRef
from flowapp.workspace import guard
from flowapp.workspace.assistance import Assistance
from flowapp.workspace.context import Context
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.errors import BadRequest, OutputMissing
from flowapp.workspace.open_drafts import OpenDraft
from flowapp.workspace.picker_items import (
    Item,
    contains,
    declared_node,
    flow_inputs,
    input_item,
    leaves,
    loop_items,
    safe_node,
    sample_of,
    with_origin,
)
from flowapp.workspace.scope import CellScope, Source, in_reach, scope_of

MAX_ITEMS = 200
NEAR_CELLS = 40
MAX_SUGGESTIONS = 6
_MATCHES_EACH = 20

_NOTHING: dict[str, Any] = {"t": "", "n": 0}


class Picker:
    """Use-cases of the plug."""

    def __init__(self, context: Context, drafts: Drafts, assistance: Assistance) -> None:
        self._context = context
        self._store = context.store
        self._drafts = drafts
        self._assistance = assistance

    async def groups(self, identity: Identity, draft_id: str, cell: CellId, field: str, query: str) -> dict[str, Any]:
        """`{"groups": [{"name", "items"}]}` for a field of a cell; empty groups are left out."""
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        entry = _entry(draft, cell)
        scope = scope_of(draft, entry)
        before = in_reach(draft.document, entry)[-NEAR_CELLS:]
        results = [await self._result_item(scope, other) for other in reversed(before)]
        inputs = [input_item(draft.document, name, value) for name, value in flow_inputs(draft.document, scope)]
        groups: list[tuple[str, list[Item]]] = []
        if field and not query:
            groups.append(("Suggested", await self._suggestions(draft, entry, field)))
        groups.append(("Flow input", inputs))
        groups.append(("Loop", loop_items(scope)))
        if before and entry.previous is not None:
            previous = await self._result_item(scope, before[-1], expr="previous_result")
            groups.append(("Previous result", [previous]))
        groups.append(("Results", [*results, *await self._found(scope, before, query)]))
        groups += await self._paths(identity)
        needle = query.strip().casefold()
        shown = [
            {
                "name": name,
                "items": [with_origin(draft, item) for item in items if contains(item, needle)][:MAX_ITEMS],
            }
            for name, items in groups
        ]
        return {"groups": [group for group in shown if group["items"]]}

    async def children(
        self, identity: Identity, draft_id: str, cell: CellId, expr: str, offset: int = 0, limit: int = 100
    ) -> dict[str, Any]:
        """`{"items", "total"}`: what is inside the value of a plain path such as `results.a.rows`.

        Anything else, which is an everyday state of a text being typed, has nothing inside.
        """
        draft = await self._drafts.open(identity, "draft.read", draft_id)
        entry = _entry(draft, cell)
        scope = scope_of(draft, entry)
        path = ("previous_result",) if expr.strip() == "previous_result" else references.simple_path(expr)
        try:
            node = _NOTHING if path is None else await self._node(draft.document, scope, path, offset, limit)
        except OutputMissing:
            node = _NOTHING
        items = [
            {
                "expr": references.member(expr, child["k"]),
                "label": str(child["k"]),
                "type": child["t"],
                "sample": sample_of(child),
                "children": bool(child.get("n")) and child["t"] in ("object", "array"),
                **({"declared": True} if node.get("declared") else {}),
            }
            for child in node.get("c", [])
        ]
        items = [with_origin(draft, item) for item in items]
        return {"items": items, "total": node.get("n", 0) if node["t"] in ("object", "array") else 0}

    async def _suggestions(self, draft: OpenDraft, entry: Entry, field: str) -> list[Item]:
        """The sources that fit a field by name and type, best first; else what the cell before gave, if its type fits."""
        target = next(
            (found for found in targets_of(draft.document, entry.cell, only_open=False) if found.field == field), None
        )
        target = target or Target(field)
        assistant_scope = await self._assistance.scope(draft, entry)
        ranked = matcher.rank(target, assistant_scope)[:MAX_SUGGESTIONS]
        best = matcher.match_one(target, assistant_scope)
        found = [(each.source, "similar name, and its type fits") for each in ranked]
        if best is not None:
            found = [(source, best.why if source.expr == best.expr else why) for source, why in found]
        if not found:
            nearest = [source for source in assistant_scope.sources if source.kind == "result" and source.distance == 1]
            wanted = types_in(target.schema) & {"array", "object"}
            found = [
                (s, f"the {s.shape.type} of the cell before") for s in nearest if not s.keys and s.shape.type in wanted
            ]
        scope = scope_of(draft, entry)
        return [await self._suggestion(draft.document, scope, source, why) for source, why in found]

    async def _suggestion(self, document: Document, scope: CellScope, source: Origin, why: str) -> Item:
        path = references.simple_path(source.expr)
        node = (
            await self._node(document, scope, path, 0, 0) if path is not None and source.kind != "item" else {"t": ""}
        )
        kind = node["t"] or ("" if source.shape.type == UNKNOWN else source.shape.type)
        item: Item = {
            "expr": source.expr,
            "label": source.expr,
            "type": kind,
            "sample": "" if source.shape.secret else sample_of(node),
            "children": False,
            "why": why,
        }
        return {**item, "step_id": source.step_id} if source.step_id else item

    async def _found(self, scope: CellScope, before: list[Entry], query: str) -> list[Item]:
        """Matches of a query deeper inside the results."""
        if len(query.strip()) < 2:
            return []
        items: list[Item] = []
        for other in reversed(before):
            source = scope.results.get(other.step_id)
            if source is None or len(items) >= MAX_ITEMS:
                continue
            request = {"op": "node", "at": [], "offset": 0, "limit": 100, "q": query}
            node = await self._context.parsed.ask(source.digest, request, source.text)
            root = references.member("results", other.step_id)
            items += list(leaves(root, other.step_id, node))[:_MATCHES_EACH]
        return items

    async def _result_item(self, scope: CellScope, other: Entry, expr: str = "") -> Item:
        node = await self._node(None, scope, ("results", other.step_id), 0, 0, other)
        title = str(other.module.get("summary") or "")
        item: Item = {
            "expr": expr or references.member("results", other.step_id),
            "label": f"{other.step_id}: {title}" if title else other.step_id,
            "step_id": other.step_id,
            "type": node["t"],
            "sample": sample_of(node),
            "children": node["t"] in ("object", "array") and bool(node.get("n")),
        }
        return {**item, "declared": True} if node.get("declared") else item

    async def _node(
        self,
        document: Document | None,
        scope: CellScope,
        path: tuple[str | int, ...],
        offset: int,
        limit: int,
        other: Entry | None = None,
    ) -> dict[str, Any]:
        """The TreeNode at a plain path: of the stored result, or by declaration where there is none."""
        source: Source | None
        match path[0]:
            case "results" if len(path) > 1:
                step = str(path[1])
                source, rest = scope.results.get(step), path[2:]
                if other is None and document is not None:
                    other = document.outline.by_step.get(step)
            case "previous_result":
                source, rest = scope.previous, path[1:]
            case "flow_input" if len(path) > 1 and path[1] in scope.args:
                value = scope.args[str(path[1])]
                if BlobRef.from_json(value) is not None:
                    value = ""
                return safe_node(value, path[2:], offset, limit)
            case _:
                return {"t": "", "n": 0}
        if source is not None:
            request = {"op": "node", "at": list(rest), "offset": offset, "limit": limit, "q": ""}
            found: dict[str, Any] = await self._context.parsed.ask(source.digest, request, source.text)
            return found
        return declared_node(other, rest) if other is not None else {"t": "", "n": 0}

    async def _paths(self, identity: Identity) -> list[tuple[str, list[Item]]]:
        def work(connection: Connection) -> tuple[list[str], list[tuple[str, str]]]:
            names = [row.path for row in variables.listing(connection, identity.workspace)]
            kinds = [(row.path, row.resource_type) for row in resources.listing(connection, identity.workspace)]
            return (
                [path for path in names if guard.may(identity, "variable.use", guard.variable_target(identity, path))],
                [
                    each
                    for each in kinds
                    if guard.may(identity, "resource.use", guard.resource_target(identity, each[0]))
                ],
            )

        names, kinds = await self._store.database.read(work)
        common = {"type": "", "sample": "", "children": False}
        return [
            ("Variables", [{"expr": f"variable({dumps(path)})", "label": path, **common} for path in names]),
            (
                "Resources",
                [{"expr": f"resource({dumps(path)})", "label": path, **common, "sample": kind} for path, kind in kinds],
            ),
        ]


def _entry(draft: OpenDraft, cell: CellId) -> Entry:
    entry = draft.document.entry(cell)
    if entry is None:
        raise BadRequest(f"Cell {cell} is no longer there.", "Reload the page.")
    return entry
