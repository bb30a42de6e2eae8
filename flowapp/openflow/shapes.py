"""Looking into JSON Schemas of values, and whether a value of one can go where another is taken.

Only what is certain is said. Null stands for nothing known, since every value may be missing; so do alternatives, formats that
stand for something else, and objects whose keys are not all listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, TypeAlias

Schema: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str | int, ...]
Verdict: TypeAlias = Literal["fits", "conflicts", "unknown"]

ITEM = "[…]"
"""Stands in the place of a conflict for any item of a list."""

_MOST_NODES = 2_000
_MOST_KEYS = 200
_FULLY = 100
_MOST_ITEMS = 20_000
_DEEPEST = 6
_ALTERNATIVES = frozenset({"anyOf", "oneOf", "allOf", "not", "$ref", "if", "patternProperties"})
_OWN = "constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf __proto__"
_OF_OBJECTS = frozenset(_OWN.split())
_LISTS = (
    "at concat copyWithin entries every fill filter find findIndex findLast findLastIndex flat flatMap forEach includes indexOf "
    "join keys lastIndexOf map pop push reduce reduceRight reverse shift slice some sort splice toReversed toSorted toSpliced "
    "unshift values with"
)
_TEXTS = (
    "at charAt charCodeAt codePointAt concat endsWith includes indexOf isWellFormed lastIndexOf localeCompare match matchAll "
    "normalize padEnd padStart repeat replace replaceAll search slice split startsWith substr substring toLocaleLowerCase "
    "toLocaleUpperCase toLowerCase toUpperCase toWellFormed trim trimEnd trimStart"
)
_NUMBERS = frozenset(["toExponential", "toFixed", "toPrecision"]) | _OF_OBJECTS
_METHODS: dict[str, frozenset[str]] = {
    "object": _OF_OBJECTS,
    "array": frozenset(_LISTS.split()) | _OF_OBJECTS,
    "string": frozenset(_TEXTS.split()) | _OF_OBJECTS,
    "number": _NUMBERS,
    "integer": _NUMBERS,
    "boolean": _OF_OBJECTS,
}

_KINDS = frozenset(_METHODS)
_ONE: dict[str, frozenset[str]] = {kind: frozenset({kind}) for kind in _METHODS} | {
    "null": frozenset(),
    "": frozenset(),
}


def types_in(schema: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that a schema allows, without null; empty where it does not say."""
    found = schema.get("type")
    if isinstance(found, str):
        return _ONE[found] if found in _ONE else frozenset({found})
    if isinstance(found, list):
        return frozenset(kind for kind in found if isinstance(kind, str)) - {"null"}
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return frozenset(_type_of(choice) for choice in choices) - {"null"}
    return frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """What a schema says of a path.

    `there`: the value is there, `schema` says how. `lacks`: for certain there is nothing; `schema` is the one of the value that
    lacks the key at position `at` of the path. `open`: anything may be there. `unsaid`: nothing is said of what is there.
    """

    state: Literal["there", "lacks", "open", "unsaid"]
    schema: Mapping[str, Any] = field(default_factory=dict)
    at: int = 0


def look(schema: Any, path: Path) -> Found:
    """Follow a path of keys and indexes into a schema."""
    here = schema
    for position, key in enumerate(path):
        kinds = types_in(here) if isinstance(here, dict) else frozenset()
        if len(kinds) != 1 or not _ALTERNATIVES.isdisjoint(here):
            return Found("open")
        found = _member(here, next(iter(kinds)), key)
        if found.state == "lacks":
            return Found("lacks", here, position)
        if found.state != "there":
            return found
        here = found.schema
    return Found("there", here if isinstance(here, dict) else {})


def _member(schema: Mapping[str, Any], kind: str, key: str | int) -> Found:
    if kind == "object" and isinstance(key, str):
        return _property(schema, key)
    if isinstance(key, int):
        item = schema.get("items") if kind == "array" else {"type": "string"}
        if kind not in ("array", "string"):
            return Found("open")
        return Found("there", item) if isinstance(item, dict) else Found("unsaid")
    if key == "length" and kind in ("array", "string"):
        return Found("there", {"type": "integer"})
    return Found("lacks") if kind in _METHODS and key not in _METHODS[kind] else Found("open")


def _property(schema: Mapping[str, Any], key: str) -> Found:
    properties, more = schema.get("properties"), schema.get("additionalProperties", False)
    if isinstance(properties, dict) and key in properties:
        inner = properties[key]
        return Found("there", inner if isinstance(inner, dict) else {})
    if isinstance(more, dict):
        return Found("open" if key in _OF_OBJECTS else "there", more)
    if more is not False or "format" in schema or key in _OF_OBJECTS:
        return Found("open")
    return Found("lacks") if isinstance(properties, dict) and properties else Found("unsaid")


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a value fits, and where it does not: the path into it, its schema there and what is wanted there."""

    verdict: Verdict
    at: Path = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    wanted: Mapping[str, Any] = field(default_factory=dict)


_UNKNOWN = Fit("unknown")


def fit(wanted: Any, given: Any, *, lenient: bool = False, depth: int = 0) -> Fit:
    """Whether a value of one schema can go where another one is taken.

    `lenient`: texts and numbers are made of each other, and a list or an object becomes its JSON text.
    """
    if not _says(wanted) or not _says(given) or depth > _DEEPEST:
        return _UNKNOWN
    kinds, have = types_in(wanted), types_in(given)
    if not kinds or not have or not kinds | have <= _KINDS or _stands_in(wanted, kinds) or _stands_in(given, have):
        return _UNKNOWN
    accepted = _accepted(kinds, lenient=lenient)
    if not have & accepted:
        return Fit("conflicts", (), given, wanted)
    if len(have) > 1 or not have <= kinds:
        return _UNKNOWN if len(have) > 1 else Fit("fits")
    for key, inner_wanted, inner_given in _inside(wanted, given, next(iter(have))):
        inner = fit(inner_wanted, inner_given, lenient=lenient, depth=depth + 1)
        if inner.verdict == "conflicts":
            return Fit("conflicts", (key, *inner.at), inner.given, inner.wanted)
    return Fit("fits")


def _stands_in(schema: Mapping[str, Any], kinds: frozenset[str]) -> bool:
    """Whether a value may be something else than its type says: a resource by its name, what was selected from a list."""
    return "object" in kinds and "format" in schema


def _says(schema: Any) -> bool:
    return isinstance(schema, dict) and _ALTERNATIVES.isdisjoint(schema)


def _accepted(kinds: frozenset[str], *, lenient: bool) -> frozenset[str]:
    accepted = kinds | {"integer", "number"} if kinds & {"integer", "number"} else kinds
    if lenient and "string" in accepted:
        return accepted | {"integer", "number", "boolean", "array", "object"}
    if lenient and accepted & {"integer", "number", "boolean"}:
        return accepted | {"string", "integer", "number", "boolean"}
    return accepted


def _inside(wanted: Mapping[str, Any], given: Mapping[str, Any], kind: str) -> list[tuple[str, Any, Any]]:
    if kind == "array":
        return [(ITEM, wanted.get("items"), given.get("items"))]
    ours, theirs = wanted.get("properties"), given.get("properties")
    if kind != "object" or not isinstance(ours, dict) or not isinstance(theirs, dict):
        return []
    return [(name, ours[name], theirs[name]) for name in islice(ours, _MOST_KEYS) if name in theirs]


def of_value(value: Any) -> Schema:
    """The schema of an observed value: its keys are those it has. Items of a list are taken together.

    Bounded: what is too deep or too much to look through is left open.
    """
    return _of_value(value, 0, [_MOST_NODES])


def _of_value(value: Any, depth: int, left: list[int]) -> Schema:
    left[0] -= 1
    kind = _type_of(value)
    if kind == "null" or left[0] < 0:
        return {}
    if depth >= _DEEPEST or kind not in ("object", "array"):
        return {"type": kind}
    if kind == "array":
        return {"type": "array", "items": _together(value, depth, left)}
    keys = [key for key in islice(value, _MOST_KEYS + 1) if isinstance(key, str)]
    if any(key.startswith("$flowapp:") for key in keys):
        return {}  # stands for something else
    properties = {key: _of_value(value[key], depth + 1, left) for key in keys[:_MOST_KEYS]}
    known = len(keys) == len(value) and len(keys) <= _MOST_KEYS and left[0] >= 0
    return {"type": "object", "properties": properties, **({} if known else {"additionalProperties": True})}


def _together(items: Any, depth: int, left: list[int]) -> Schema:
    found: Schema | None = None
    for item in items[:_FULLY]:
        schema = _of_value(item, depth + 1, left)
        found = schema if found is None else _either(found, schema)
        if not found:
            return {}
    if found is None or (len(items) <= _FULLY and left[0] >= 0):
        return found or {}
    names = found.get("properties")
    if not names:
        return {}
    rest = items[_FULLY:_MOST_ITEMS]  # of the rest only the keys are looked at
    known = len(items) <= _MOST_ITEMS and left[0] >= 0 and "additionalProperties" not in found
    known = known and all(isinstance(item, dict) and item.keys() <= names.keys() for item in rest)
    return {
        "type": "object",
        "properties": {name: {} for name in names},
        **({} if known else {"additionalProperties": True}),
    }


def _either(one: Schema, other: Schema) -> Schema:
    """What is known of a value that is like one or like the other."""
    if one == other:
        return one
    kinds = {one.get("type"), other.get("type")}
    if kinds == {"integer", "number"}:
        return {"type": "number"}
    if len(kinds) > 1 or None in kinds:
        return {}
    if "items" in one:
        return {**one, "items": _either(one["items"], other["items"]) if one["items"] and other["items"] else {}}
    if "properties" not in one or "properties" not in other:
        return {"type": one["type"]}
    ours, theirs = one["properties"], other["properties"]
    names = dict.fromkeys([*ours, *theirs])
    properties = {name: _either(ours.get(name, {}), theirs.get(name, {})) for name in islice(names, _MOST_KEYS)}
    more = len(names) > _MOST_KEYS or "additionalProperties" in one or "additionalProperties" in other
    return {"type": "object", "properties": properties, **({"additionalProperties": True} if more else {})}


def _type_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return (
                "string" if type(value) is str else "null"
            )  # what only stands for a value is a text of a kind of its own
        case list() | tuple():
            return "array"
        case _:
            return "object"
