"""What several operations share: editing one module, what lies beside a cell and whether it may, and how a cell is called in labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowapp.notebook import errors, stand_ins
from flowapp.notebook.document import CellId, Document, Entry
from flowapp.notebook.errors import Rejected
from flowapp.notebook.trees import MISSING, Path, set_or_drop


def edited(document: Document, flow: dict[str, Any]) -> Document:
    """The document with another flow."""
    return replace(document, flow=flow)


def with_value(document: Document, entry: Entry, path: Path, value: Any) -> Document:
    """The document with one node of a module set (or dropped, for `MISSING`); `path` is relative to the module."""
    return edited(document, set_or_drop(document.flow, (*entry.path, *path), value))


def with_beside(document: Document, cell: CellId, key: str, value: Any) -> Document:
    """The document with what lies beside a cell under `key` set, or removed for None."""
    top, _, rest = key.partition("/") if key.startswith("kept/") else (key, "", "")
    path: Path = (top, rest) if rest else (top,)
    about: Any = set_or_drop(dict(document.about(cell)), path, MISSING if value is None else value)
    if rest and not about.get(top):
        about.pop(top, None)
    return with_all_beside(document, cell, about)


def with_all_beside(document: Document, cell: CellId, about: Mapping[str, Any]) -> Document:
    """The document with all that lies beside a cell replaced; nothing is kept for an empty mapping."""
    others = {name: value for name, value in document.beside.items() if name != cell}
    return replace(document, beside={**others, cell: dict(about)} if about else others)


def has_form(key: str, value: Any) -> bool:
    """Whether a value can lie beside a cell under a key. Keys that this version does not know take anything."""
    if value is None:
        return True
    if key in ("collapsed", "outside_effects"):
        return isinstance(value, bool)
    if key == "kept":
        return isinstance(value, dict) and all(isinstance(item, dict) and item for item in value.values())
    if key == stand_ins.KEY:
        return stand_ins.refusal(value) is None
    if key == "schema" or key.startswith("kept/"):
        return isinstance(value, dict) and bool(value)
    return True


def without_form(about: Mapping[str, Any]) -> Rejected | None:
    """Why something cannot be all that lies beside a cell, or None."""
    return next((errors.bad_setting(key) for key, value in about.items() if not has_form(key, value)), None)


def name_of(entry: Entry) -> str:
    """How a label calls a cell: its step id in backquotes."""
    return f"`{entry.step_id}`"
