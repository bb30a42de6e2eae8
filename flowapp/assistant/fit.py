"""Whether a value can go into a field by its type, its choices and its format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flowapp.assistant.shapes import UNKNOWN, Shape
from flowapp.openflow.shapes import types_in

_FORMATS = {
    "email": re.compile(r"[^@\s]+@[^@\s]+"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "uri": re.compile(r"[a-z][a-z0-9+.-]*:.+", re.IGNORECASE),
    "uuid": re.compile(r"[0-9a-f-]{32,36}", re.IGNORECASE),
}


def fits(schema: Mapping[str, Any], shape: Shape) -> float | None:
    """How well a value fits a field: 1 for the same type, less where it is not known, None for a conflict."""
    allowed = types_in(schema)
    if not allowed or shape.type == UNKNOWN:
        return 0.85
    if shape.type not in allowed and not (shape.type == "integer" and "number" in allowed):
        return None
    if not _choice(schema, shape) or not _items(schema, shape) or not _members(schema, shape):
        return None
    return _format(schema, shape)


def _choice(schema: Mapping[str, Any], shape: Shape) -> bool:
    choices = schema.get("enum")
    return not isinstance(choices, list) or not shape.observed or shape.sample in choices


def _items(schema: Mapping[str, Any], shape: Shape) -> bool:
    wanted = schema.get("items")
    if shape.type != "array" or not isinstance(wanted, Mapping) or shape.item is None:
        return True
    return fits(wanted, shape.item) is not None


def _members(schema: Mapping[str, Any], shape: Shape) -> bool:
    """An object has to have the members that the field requires."""
    required = schema.get("required")
    if shape.type != "object" or not isinstance(required, list) or not shape.members:
        return True
    return all(name in shape.members for name in required)


def _format(schema: Mapping[str, Any], shape: Shape) -> float | None:
    pattern = _FORMATS.get(str(schema.get("format")))
    if pattern is None or not isinstance(shape.sample, str) or not shape.observed:
        return 1.0
    return 1.0 if pattern.fullmatch(shape.sample) else None
