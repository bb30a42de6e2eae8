"""The fields of a cell that could be wired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

from flowapp.notebook.document import CellId, Document
from flowapp.notebook.schemas import fields_of, transforms_of


@dataclass(frozen=True, slots=True)
class Target:
    """One field: its name, its JSON Schema, whether the step needs it, and whether its code or schema names it.

    `asked`: a person asked for this very field, so it needs no more than one that is required.
    """

    field: str
    schema: Mapping[str, Any] = default(default_factory=dict)
    required: bool = True
    declared: bool = True
    asked: bool = False


def targets_of(document: Document, cell: CellId, only_open: bool = True) -> list[Target]:
    """The fields of a cell, declared or wired; with `only_open` those that have no value and no expression yet.

    Raises:
        KeyError: there is no such cell.
    """
    entry = document.outline.by_cell[cell]
    fields = fields_of(document, entry)
    transforms = transforms_of(entry)
    known = {**fields.properties, **{name: {} for name in transforms if name not in fields.properties}}
    return [
        Target(
            name,
            schema if isinstance(schema, Mapping) else {},
            name in fields.required or name not in fields.properties,
            name in fields.properties,
        )
        for name, schema in known.items()
        if not only_open or is_open(transforms.get(name))
    ]


def is_open(transform: Any) -> bool:
    """Whether a transform says nothing yet: absent, an empty expression, or a static null or empty text."""
    if not isinstance(transform, Mapping):
        return True
    if transform.get("type") == "javascript":
        return not str(transform.get("expr") or "").strip()
    return transform.get("type") == "static" and transform.get("value") in (None, "")
