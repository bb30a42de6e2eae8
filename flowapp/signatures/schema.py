"""What a signature is, and the JSON Schema that is made of one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAX_DEPTH = 12
"""Nesting of types that is still described; what is deeper is "anything"."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a script takes and returns. Shared between callers: the schemas must not be changed."""

    schema: Schema
    """JSON Schema object with `properties`, `required` and `order`; for positional languages `order` is the call order."""
    returns: Schema | None = None
    """Schema of the result as far as the code states it, None when it does not."""
    has_kwargs: bool = False
    """The script takes inputs that it does not name (or its language's signatures are not read)."""
    sure: Schema | None = None
    """`returns` where the value is sure to be so as JSON: an object that it describes has no other keys than those."""
    guessed: frozenset[str] = frozenset()
    """The inputs without a type of their own, whose schema is only what their default suggests."""


@dataclass(frozen=True, slots=True)
class SignatureProblem:
    """Why there is no signature: the code is broken, or has no entry function. Lines count from 1."""

    message: str
    line: int
    syntax: bool = True
    """The code does not parse. False: it does, but its entry function is missing or cannot be called by name."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One input of a script."""

    name: str
    schema: Schema
    required: bool


def object_schema(arguments: Iterable[Argument]) -> Schema:
    """The schema of the inputs, in the order in which they are declared."""
    listed = list(arguments)
    return {
        "$schema": DRAFT,
        "type": "object",
        "properties": {argument.name: argument.schema for argument in listed},
        "required": [argument.name for argument in listed if argument.required],
        "order": [argument.name for argument in listed],
    }


def nested_object(fields: Iterable[Argument]) -> Schema:
    """The schema of an object inside an input or a result."""
    listed = list(fields)
    return {
        "type": "object",
        "properties": {field.name: field.schema for field in listed},
        "required": [field.name for field in listed if field.required],
    }


def resource(name: str) -> Schema:
    """The schema of a resource: `PostgreSql` and `postgre_sql` are both the type `postgre_sql`."""
    return {"type": "object", "format": f"resource-{snake_case(name)}"}


def snake_case(name: str) -> str:
    """`CamelCase` as `camel_case`; names that are in small letters stay as they are."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", parted).lower()


def enum_of(values: list[Any]) -> Schema:
    """The schema of one of several literal values."""
    kinds = {type_of(value) for value in values}
    kind: Schema = {"type": kinds.pop()} if len(kinds) == 1 else {}
    if kinds == {"integer", "number"}:
        kind = {"type": "number"}
    distinct = {(type_of(value), repr(value)): value for value in values}  # 1, 1.0 and True are equal, and not the same
    return {**kind, "enum": list(distinct.values())}


def any_of(options: list[Schema]) -> Schema:
    """The schema of one of several types; enums among them become one."""
    if any(not option for option in options) or not options:
        return {}
    if all("enum" in option for option in options):
        return enum_of([value for option in options for value in option["enum"]])
    distinct = [option for index, option in enumerate(options) if option not in options[:index]]
    if len(distinct) == 1:
        return distinct[0]
    tagged = [_tag(option) for option in distinct]
    if all(tagged):
        titled = [{**option, "title": tag} for option, tag in zip(distinct, tagged, strict=True)]
        return {"type": "object", "oneOf": titled}
    return {"anyOf": distinct}


def of_value(value: Any) -> Schema:
    """The schema that a default value suggests where no type is written."""
    if isinstance(value, list):
        items = [of_value(item) for item in value]
        same = items and all(item == items[0] for item in items)
        return {"type": "array", "items": items[0]} if same else {"type": "array"}
    return {} if value is None else {"type": type_of(value)}


def type_of(value: Any) -> str:
    """The JSON Schema type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _tag(option: Schema) -> str | None:
    """The value by which an object is told from its alternatives: its `label` or `kind`, where that is one literal."""
    for key in ("label", "kind"):
        values = option.get("properties", {}).get(key, {}).get("enum", [])
        if len(values) == 1 and isinstance(values[0], str):
            return values[0]
    return None
