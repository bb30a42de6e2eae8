"""Changing JSON trees without changing them: every function copies along one path and shares the rest.

Sharing is what makes the notebook fast: an untouched module stays the same object, so what was computed for it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

Key: TypeAlias = str | int
Path: TypeAlias = tuple[Key, ...]
V = TypeVar("V")

MISSING: Any = object()


def get_at(tree: Any, path: Path, default: Any = None) -> Any:
    """The node at a path, or `default` where the path leads nowhere."""
    node = tree
    for key in path:
        if isinstance(key, str):
            if not isinstance(node, dict) or key not in node:
                return default
            node = node[key]
        elif isinstance(node, list) and 0 <= key < len(node):
            node = node[key]
        else:
            return default
    return node


def set_at(tree: Any, path: Path, value: Any) -> Any:
    """The tree with the node at `path` replaced; missing objects on the way are made.

    Raises:
        KeyError: a list index on the way does not exist, or the way leads through something else.
    """
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(key, str):
        if tree is None:
            tree = {}
        if not isinstance(tree, dict):
            raise KeyError(key)
        return {**tree, key: set_at(tree.get(key), rest, value)}
    if not isinstance(tree, list) or not 0 <= key < len(tree):
        raise KeyError(key)
    copy = list(tree)
    copy[key] = set_at(tree[key], rest, value)
    return copy


def drop_at(tree: Any, path: Path) -> Any:
    """The tree without the object key or list item at `path`; nothing changes where there is none."""
    parent, key = path[:-1], path[-1]
    holder = get_at(tree, parent, MISSING)
    if isinstance(holder, dict) and key in holder:
        return set_at(tree, parent, {name: item for name, item in holder.items() if name != key})
    if isinstance(holder, list) and isinstance(key, int) and 0 <= key < len(holder):
        return set_at(tree, parent, holder[:key] + holder[key + 1 :])
    return tree


def insert_at(tree: Any, path: Path, index: int, value: Any) -> Any:
    """The tree with `value` put into the list at `path`, which is made where it is missing."""
    items = get_at(tree, path) or []
    return set_at(tree, path, [*items[:index], value, *items[index:]])


def set_or_drop(tree: Any, path: Path, value: Any) -> Any:
    """`set_at`, or `drop_at` for the value `MISSING`."""
    return drop_at(tree, path) if value is MISSING else set_at(tree, path, value)


class ByIdentity(Generic[V]):
    """Remembers what was computed for an object as long as it is the same object.

    Entries keep their object alive, so its id cannot be given to another one; the oldest half goes when it is full.
    """

    def __init__(self, compute: Callable[[Any], V], size: int = 4096) -> None:
        self._compute = compute
        self._size = size
        self._entries: dict[int, tuple[Any, V]] = {}

    def __call__(self, item: Any) -> V:
        """What was computed for the object, or is now."""
        entry = self._entries.get(id(item))
        if entry is not None and entry[0] is item:
            return entry[1]
        value = self._compute(item)
        if len(self._entries) >= self._size:
            for key in list(self._entries)[: self._size // 2]:
                self._entries.pop(key, None)
        self._entries[id(item)] = (item, value)
        return value
