"""What a page gets to see of a value at first sight: summary, tree root, first rows, own rendering.

Pure. Runs in the server for small values and in the values process (`values_process.py`) for big ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from flowapp.jsontext import dumps
from flowapp.workspace import rich, table, tree

MAX_PARTS = 50


def describe(value: Any, file_url: str, *, failed: bool = False) -> dict[str, Any]:
    """The fields of an OutputView that depend on the value alone."""
    error = error_of(value) if failed else None
    if error is not None:
        views = ["error"] if not isinstance(error.get("stack"), str) else ["error", "text"]
        return {
            "kind": "error",
            "type": "object",
            "title_text": f"{error['name']}: {error['message']}"[:200],
            "views": views,
            "default_view": "error",
            "node": tree.node(value),
            "table": None,
            "rich": None,
            "error": error,
        }
    own = _parts(value, file_url) or rich.rich_of(value, file_url)
    grid = None if own else table.grid_of(value)
    views = _views(value, own, has_table=grid is not None)
    return {
        "kind": "value",
        "type": tree.type_of(value),
        "title_text": _title(value, own, grid),
        "views": views,
        "default_view": views[0],
        "node": tree.node(value),
        "table": None if grid is None else table.page(grid, table.View()),
        "rich": own,
        "error": None,
    }


def _parts(value: Any, file_url: str) -> dict[str, Any] | None:
    """`{"render_all": […]}`: several results below each other, each described like a result of its own.

    `at` is the part's path within the whole value, by which its further rows and children are asked for.
    """
    if not isinstance(value, Mapping) or len(value) != 1 or not isinstance(value.get("render_all"), list):
        return None
    parts = []
    for index, part in enumerate(value["render_all"][:MAX_PARTS]):
        at = ["render_all", index]
        if isinstance(part, Mapping) and "render_all" in part:
            parts.append({**describe(None, file_url), "node": tree.node(part), "at": at})
            continue
        place = quote(dumps(at))
        described = describe(part, f"{file_url}&at={place}")
        rows = described["table"]
        if rows is not None and rows["at"] is not None:
            rows["at"] = [*at, *rows["at"]]
        parts.append({**described, "at": at})
    return {"kind": "parts", "value": parts, "total": len(value["render_all"])}


def error_of(value: Any) -> dict[str, Any] | None:
    """The error in a failed step's result `{"error": {"name", "message", …}}`."""
    if not isinstance(value, Mapping) or not isinstance(value.get("error"), Mapping):
        return None
    error = value["error"]
    line = error.get("line")
    stack = error.get("stack")
    return {
        "name": str(error.get("name") or "Error")[:200],
        "message": str(error.get("message") or "")[:20_000],
        "stack": stack[:100_000] if isinstance(stack, str) else None,
        "line": line if isinstance(line, int) else None,
    }


def table_page(value: Any, path: Sequence[str | int], view: table.View) -> dict[str, Any] | None:
    """The TablePage of the value at `path`; None when that is no table."""
    grid = table.grid_of(tree.at(value, path))
    if grid is None:
        return None
    shown = table.page(grid, view)
    return {**shown, "at": None if shown["at"] is None else [*path, *shown["at"]]}


def table_csv(value: Any, path: Sequence[str | int], view: table.View) -> Iterator[str] | None:
    """The CSV text of the value at `path`, in pieces; None when that is no table."""
    grid = table.grid_of(tree.at(value, path))
    return None if grid is None else table.csv_chunks(grid, view)


def tree_node(value: Any, path: Sequence[str | int], offset: int, limit: int, query: str) -> tree.Node:
    """The TreeNode at `path` with a page of its children, or cut down to what matches `query`."""
    found = tree.at(value, path)
    key = path[-1] if path else None
    if query.strip():
        return {**tree.search(found, query.strip()), "k": key}
    return tree.node(found, key, offset=offset, limit=limit)


def text_part(value: Any, path: Sequence[str | int], offset: int, limit: int) -> dict[str, Any]:
    """A piece of the text at `path` (other values: of their JSON text)."""
    found = tree.at(value, path)
    text = found if isinstance(found, str) else dumps(found)
    return {"text": text[max(0, offset) : max(0, offset) + limit], "total": len(text)}


def _views(value: Any, own: dict[str, Any] | None, *, has_table: bool) -> list[str]:
    views: list[str] = []
    if own is not None:
        views.append(own["kind"])
    if has_table:
        views.append("table")
    if isinstance(value, str):
        return [*views, "text", "json"] if value else ["json", "text"]
    return [*views, "json"]


def _title(value: Any, own: dict[str, Any] | None, grid: table.Grid | None) -> str:
    if own is not None and own["kind"] == "parts":
        return "1 part" if own["total"] == 1 else f"{own['total']} parts"
    if own is not None and own["kind"] == "chat":
        output = value["output"]
        return output[:200] if isinstance(output, str) else tree.summary(output)
    if own is not None:
        return str(own.get("name") or own["kind"].capitalize())
    if grid is not None and isinstance(value, dict):
        return tree.summary(list(grid.rows[:1])) if len(grid.rows) == 1 else f"{len(grid.rows)} rows"
    return tree.summary(value)
