"""Which variables and resources a flow names, and where; and the flow with others in their place. Pure.

They are named by references in data (`$var:…`, `$res:…`, as whole texts at any depth), by `variable("…")` and `resource("…")`
in expressions, by calls of the clients in code (`get_variable("…")`, `getResource("…")`), by an agent that is one, and by
the MCP tools of an agent.
A path that is put together when the flow runs is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from flowapp.openflow import references
from flowapp.openflow.expressions import expressions
from flowapp.openflow.problems import escaped

Kind: TypeAlias = Literal["variable", "resource"]

_DATA = re.compile(r"(\$(?:var|jsonvar|res):)(.+)", re.DOTALL)
_MARKS: Mapping[str, Kind] = {"$var:": "variable", "$jsonvar:": "variable", "$res:": "resource"}
#: A call of a client in Python, TypeScript or Go, up to the end of the path.
_CALL = re.compile(r"\b[gsGS]et_?([vV]ariable|[rR]esource)(\(\s*)([\"'`])((?:\$(?:var|res):)?)([\w/.@-]+)\3")
_PATH = re.compile(r"[\w/.@-]+")
LONGEST_PATH = 255
"""Characters of a path that is written into a flow."""
_KEYS = ("input_transforms", "input_transform", "flow_env", "properties")


@dataclass(frozen=True, slots=True)
class StoredName:
    """A variable or resource, by its path."""

    kind: Kind
    path: str


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a flow names one: the step ("" for the flow itself) and the input or setting there, or "code"."""

    name: StoredName
    step_id: str
    field: str


Bindings: TypeAlias = Mapping[StoredName, str]
"""The path to name instead, for each that is to change."""


def is_path(text: str) -> bool:
    """Whether a text can be written into data, expressions and code as a path: it ends no text there and begins no other reference."""
    return len(text) <= LONGEST_PATH and _PATH.fullmatch(text) is not None


def mentions(flow: Mapping[str, Any]) -> list[Mention]:
    """Every place where the flow names a variable or resource, in the order of the document."""
    found: list[Mention] = []

    def look(text: str, site: _Site) -> str:
        found.extend(Mention(name, site.step_id, site.field) for name in _named(text, site.how))
        return text

    _through(flow, look)
    return list(dict.fromkeys(found))


def bound(flow: Mapping[str, Any], bindings: Bindings) -> dict[str, Any]:
    """A copy of the flow that names others; what it does not name changes nothing. All are replaced at once, so two may change places.

    The new paths are written as they are: they have to be some (see `is_path`).
    """

    def put(text: str, site: _Site) -> str:
        return _REPLACE[site.how](text, bindings)

    changed: dict[str, Any] = _through(flow, put)
    return changed


_How: TypeAlias = Literal["data", "expression", "code", "path"]


@dataclass(frozen=True, slots=True)
class _Site:
    step_id: str
    field: str
    how: _How


def _through(flow: Mapping[str, Any], visit: Callable[[str, _Site], str]) -> Any:
    """The flow with each text replaced by what `visit` makes of it; what does not change is the same object."""
    at_expressions = frozenset(one.pointer for one in expressions(flow))

    def go(node: Any, pointer: str, keys: tuple[str, ...], step_id: str) -> Any:
        if isinstance(node, str):
            text = visit(node, _Site(step_id, _field(keys), _how(keys, pointer in at_expressions)))
            return node if text == node else text
        if isinstance(node, list):
            items = [go(item, f"{pointer}/{index}", keys, step_id) for index, item in enumerate(node)]
            return node if all(new is old for new, old in zip(items, node, strict=True)) else items
        if not isinstance(node, Mapping):
            return node
        own = node.get("id")
        if isinstance(own, str) and isinstance(node.get("value"), Mapping) and _holds_modules(keys):
            # the tools of an agent have ids of their own, but are no cells
            step_id, keys = (step_id if keys[-1] == "tools" else own), ()
        entries = {key: go(item, f"{pointer}/{escaped(key)}", (*keys, key), step_id) for key, item in node.items()}
        return node if all(entries[key] is item for key, item in node.items()) else entries

    return go(flow, "", (), "")


def _holds_modules(keys: tuple[str, ...]) -> bool:
    return keys[-1:] in (("modules",), ("default",), ("tools",), ("failure_module",), ("preprocessor_module",))


def _how(keys: tuple[str, ...], is_expression: bool) -> _How:
    if is_expression:
        return "expression"
    if keys == ("value", "content"):
        return "code"
    return "path" if keys in (("value", "resource_path"), ("value", "agent")) else "data"


def _field(keys: tuple[str, ...]) -> str:
    """What a person calls the place: the input, the constant, the field of the form; else the setting."""
    if keys == ("value", "content"):
        return "code"
    for holder in _KEYS:
        if holder in keys[:-1]:
            return keys[keys.index(holder) + 1]
    return next((key for key in keys if key not in ("value", "expr")), "")


def _named(text: str, how: _How) -> Iterator[StoredName]:
    if how == "expression":
        found = references.find(text)
        yield from (StoredName("variable", path) for path in sorted(found.variables))
        yield from (StoredName("resource", path) for path in sorted(found.resources))
    elif how == "code":
        yield from (StoredName(_kind(call), call[5]) for call in _CALL.finditer(text))
    elif how == "path" and text and not text.startswith("$"):
        yield StoredName("resource", text)
    elif match := _DATA.fullmatch(text):
        yield StoredName(_MARKS[match[1]], match[2])


def _kind(call: re.Match[str]) -> Kind:
    return "variable" if call[1].lower() == "variable" else "resource"


def _in_data(text: str, bindings: Bindings) -> str:
    match = _DATA.fullmatch(text)
    new = bindings.get(StoredName(_MARKS[match[1]], match[2])) if match else None
    return text if match is None or new is None else match[1] + new


def _in_expression(text: str, bindings: Bindings) -> str:
    for kind in ("variable", "resource"):
        paths = {name.path: new for name, new in bindings.items() if name.kind == kind}
        text = references.look_up(text, kind, paths) if paths and kind in text else text
    return text


def _in_code(text: str, bindings: Bindings) -> str:
    def put(call: re.Match[str]) -> str:
        new = bindings.get(StoredName(_kind(call), call[5]))
        if new is None:
            return call[0]
        start = call.start(5) - call.start()
        return call[0][:start] + new + call[3]

    return _CALL.sub(put, text)


def _in_path(text: str, bindings: Bindings) -> str:
    return bindings.get(StoredName("resource", text)) or _in_data(text, bindings)


_REPLACE: Mapping[_How, Callable[[str, Bindings], str]] = {
    "data": _in_data,
    "expression": _in_expression,
    "code": _in_code,
    "path": _in_path,
}
