"""Looking into a JSON value a little at a time: nodes of a tree with counts, paths, search.

Pure, and works on values of any size: what is built is bounded by `limit`, never by the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

from flowapp.jsontext import dumps

Key: TypeAlias = str | int
Path: TypeAlias = Sequence[Key]
Node: TypeAlias = dict[str, Any]

TEXT_CUT = 500
PAGE = 100
MAX_PAGE = 1000
MAX_MATCHES = 200
MAX_VISITS = 3_000_000
_SAFE_INTEGER = 2**53 - 1


class PathMissing(LookupError):
    """The value has nothing at that path."""


def type_of(value: Any) -> str:
    """The JSON type: object, array, string, number, boolean or null."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
        case _:
            return "number"


def at(value: Any, path: Path) -> Any:
    """The value at a path of keys and indexes.

    Raises:
        PathMissing: there is nothing there.
    """
    for key in path:
        if isinstance(value, dict) and str(key) in value:
            value = value[str(key)]
        elif isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
            value = value[key]
        else:
            raise PathMissing(f"There is nothing at {key!r}")
    return value


def scalar(value: Any) -> Any:
    """A scalar as pages get it: integers that a browser would round become text of their digits."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE_INTEGER:
        return str(value)
    return value


def node(value: Any, key: Key | None = None, *, depth: int = 1, offset: int = 0, limit: int = PAGE) -> Node:
    """A node with `depth` levels of children below it, `limit` on each level, the first level from `offset` on."""
    made: Node = {"k": key, "t": type_of(value)}
    if isinstance(value, str):
        made |= {"n": len(value), "v": value[:TEXT_CUT]}
        if len(value) > TEXT_CUT:
            made["cut"] = True
    elif isinstance(value, dict | list):
        made["n"] = len(value)
        if depth > 0:
            made["c"] = [node(item, name, depth=depth - 1, limit=limit) for name, item in page(value, offset, limit)]
    else:
        made["v"] = scalar(value)
    return made


def page(value: dict[str, Any] | list[Any], offset: int, limit: int) -> Iterator[tuple[Key, Any]]:
    """Children `offset` … `offset + limit` of an object or array."""
    start, size = max(0, offset), max(0, min(limit, MAX_PAGE))
    if isinstance(value, dict):
        return islice(iter(value.items()), start, start + size)
    return ((start + index, item) for index, item in enumerate(value[start : start + size]))


def search(value: Any, query: str, limit: int = MAX_MATCHES) -> Node:
    """The tree cut down to keys and scalars that contain `query`, ignoring case.

    The root node carries `matches` (how many are shown) and `more` (whether the search stopped early).
    """
    needle = query.casefold()
    found: list[tuple[Key, ...]] = []
    more = False
    visits = 0
    stack: list[tuple[tuple[Key, ...], Any]] = [((), value)]
    while stack:
        path, item = stack.pop()
        visits += 1
        if path and _matches(path[-1], item, needle):
            if len(found) >= limit:
                more = True
                break
            found.append(path)
        if visits > MAX_VISITS:
            more = True
            break
        if isinstance(item, dict):
            stack.extend(((*path, name), child) for name, child in reversed(item.items()))
        elif isinstance(item, list):
            stack.extend(((*path, index), item[index]) for index in range(len(item) - 1, -1, -1))
    root = node(value, depth=0)
    if isinstance(value, dict | list):
        root["c"] = []
        for path in found:
            _graft(root, value, path)
    return {**root, "matches": len(found), "more": more}


def sample(value: Any, *, items: int = 5, keys: int = 200, depth: int = 6) -> Any:
    """A small value of the same shape: lists, texts and objects are cut."""
    match value:
        case str():
            return value[:200]
        case dict():
            return {} if depth == 0 else {k: sample(v, depth=depth - 1) for k, v in islice(value.items(), keys)}
        case list():
            return [] if depth == 0 else [sample(v, depth=depth - 1) for v in value[:items]]
        case _:
            return value


def summary(value: Any) -> str:
    """One line about a value: "497 items", "3 keys", the number itself, the beginning of a text."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            line = " ".join(value[:120].split())
            return line if len(value) <= 80 else f"{line[:77]}…"
        case list():
            return _counted(len(value), "item")
        case dict():
            return _counted(len(value), "key")
        case _:
            return str(value)


def preview(value: Any, limit: int = 200) -> str:
    """The beginning of a value's JSON text, without writing out all of a big value."""
    text = "".join(islice(_pieces(value, limit), limit))
    return text if len(text) < limit else text[: limit - 1] + "…"


def _pieces(value: Any, budget: int) -> Iterator[str]:
    """JSON text character by character, lazily."""
    if isinstance(value, dict):
        yield "{"
        for index, (name, item) in enumerate(value.items()):
            yield from (", " if index else "") + dumps(name[:budget]) + ": "
            yield from _pieces(item, budget)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for index, item in enumerate(value):
            if index:
                yield from ", "
            yield from _pieces(item, budget)
        yield "]"
    elif isinstance(value, str):
        yield from dumps(value[:budget])
    else:
        yield from dumps(value)


def _matches(key: Key, value: Any, needle: str) -> bool:
    if isinstance(key, str) and needle in key.casefold():
        return True
    if isinstance(value, str):
        return needle in value.casefold()
    if isinstance(value, dict | list):
        return False
    return needle in ("null" if value is None else str(value).casefold())


def _graft(root: Node, value: Any, path: tuple[Key, ...]) -> None:
    """Add the nodes along `path` to a pruned tree. Matches come in document order, so only last children are shared."""
    here = root
    for position, key in enumerate(path):
        value = value[key]
        children: list[Node] = here.setdefault("c", [])
        if children and children[-1]["k"] == key:
            here = children[-1]
            continue
        # a match shows what is in it; what only leads to a match shows nothing else
        is_match = position == len(path) - 1
        here = node(value, key, depth=0)
        if is_match and isinstance(value, dict | list):
            here["match"] = True
        children.append(here)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}" if count else f"no {noun}s"
