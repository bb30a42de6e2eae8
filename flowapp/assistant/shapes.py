"""The shape of a value: from an observed sample, or from a JSON Schema where nothing has run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from flowapp.openflow.shapes import types_in

JsonType: TypeAlias = str
UNKNOWN = "unknown"
_MOST_KEYS = 200
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Shape:
    """A value's JSON type (`unknown` where nothing is known), and what is inside it.

    `integer` is told from `number`. `observed` says that `sample` is a real value.
    """

    type: JsonType = UNKNOWN
    sample: Any = None
    observed: bool = False
    members: Mapping[str, Shape] = field(default_factory=dict)
    item: Shape | None = None
    #: a secret by its name or its schema: its sample is never shown to a model
    secret: bool = False
    #: a secret is somewhere inside of it: its own sample is not shown either. Of what a schema promises: it may be anywhere inside
    hides: bool = False

    @classmethod
    def of_value(cls, value: Any, depth: int = 0) -> Shape:
        """The shape of an observed value. Lists are described by their first item."""
        kind = type_of(value)
        if kind == "object" and depth < _DEEPEST:
            keys = [key for key in list(value)[:_MOST_KEYS] if isinstance(key, str)]
            return cls(kind, value, True, {key: cls.of_value(value[key], depth + 1) for key in keys})
        if kind == "array" and depth < _DEEPEST:
            return cls(kind, value, True, item=cls.of_value(value[0], depth + 1) if value else None)
        hidden = isinstance(value, str) and value.startswith(("$var:", "$res:", "$jsonvar:", "$encrypted:"))
        return cls(kind, value, True, secret=hidden)

    @classmethod
    def of_schema(cls, schema: Any, depth: int = 0) -> Shape:
        """The shape that a JSON Schema promises. Secrets below unions, free keys and references hide whatever is inside of the value."""
        if not isinstance(schema, Mapping) or depth >= _DEEPEST:
            return cls(hides=_may_hold_secret(schema))
        kinds = types_in(schema)
        kind = next(iter(kinds)) if len(kinds) == 1 else UNKNOWN
        properties = schema.get("properties")
        members = {
            str(key): cls.of_schema(about, depth + 1)
            for key, about in (list(properties.items())[:_MOST_KEYS] if isinstance(properties, Mapping) else [])
        }
        item = cls.of_schema(schema["items"], depth + 1) if kind == "array" and "items" in schema else None
        told = {"properties"} if len(members) == len(properties or ()) else set()
        told |= {"items"} if item is not None else set()
        hides = any(_may_hold_secret({key: about}) for key, about in schema.items() if key not in told)
        return cls(kind, members=members, item=item, secret=is_secret_schema(schema), hides=hides)

    def hiding(self, promised: Shape) -> Shape:
        """The same, where whatever a schema promises to be a secret is one, at any depth; and no sample shows it."""
        if promised.secret:
            return promised
        if promised.hides:
            return self.veiled()
        members = {
            key: inner.hiding(promised.members[key]) if key in promised.members else inner
            for key, inner in self.members.items()
        }
        item = self.item.hiding(promised.item) if self.item is not None and promised.item is not None else self.item
        hidden = any(each.secret or each.hides for each in (*members.values(), *((item,) if item else ())))
        return replace(self, members=members, item=item, hides=self.hides or hidden)

    def holds_secret(self) -> bool:
        """Whether a secret is in it, or may be."""
        inner = (*self.members.values(), *((self.item,) if self.item else ()))
        return self.secret or self.hides or any(each.holds_secret() for each in inner)

    def veiled(self) -> Shape:
        """The same without a sample to show, at any depth."""
        members = {key: inner.veiled() for key, inner in self.members.items()}
        return replace(self, members=members, item=self.item.veiled() if self.item else None, hides=True)

    def at(self, path: tuple[str | int, ...]) -> Shape | None:
        """The shape at a path, or None where the value has nothing there (or nothing is known)."""
        here: Shape | None = self
        for key in path:
            if here is None:
                return None
            if key == "length" and here.type in ("array", "string"):
                here = Shape("integer")
            else:
                here = here.item if isinstance(key, int) else here.members.get(key)
        return here


def type_of(value: Any) -> JsonType:
    """The JSON type of a value, with `integer` told from `number`; `unknown` for null, which may stand for anything."""
    match value:
        case None:
            return UNKNOWN
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case _:
            return "object"


def _may_hold_secret(schema: Any) -> bool:
    """Whether a secret is anywhere in a schema; of what a reference leads to nobody knows here."""
    if isinstance(schema, Mapping):
        return "$ref" in schema or is_secret_schema(schema) or any(_may_hold_secret(part) for part in schema.values())
    return isinstance(schema, list) and any(_may_hold_secret(part) for part in schema)


def is_secret_schema(schema: Mapping[str, Any]) -> bool:
    """Whether a schema says that the value is a secret or a resource."""
    form = schema.get("format")
    return (
        schema.get("password") is True or form == "password" or (isinstance(form, str) and form.startswith("resource-"))
    )
