"""Renaming a field of the flow's input, in its schema and in every expression that reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowapp.notebook import errors
from flowapp.notebook.document import Document
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations.common import edited, with_value
from flowapp.notebook.operations.types import (
    Applied,
    Operation,
    RenameFlowInput,
    SetExpression,
    SetFlowExpression,
    SetSample,
    SetSchema,
)
from flowapp.notebook.sites import sites_of
from flowapp.notebook.trees import get_at, set_at
from flowapp.openflow.references import rename_flow_input as rename

#: Expressions of the flow itself, in `flow.value`.
FLOW_EXPRESSIONS = frozenset({"skip_expr"})

_NAME = re.compile(r"[A-Za-z_$][\w$ -]*")


def rename_flow_input(document: Document, operation: RenameFlowInput) -> Applied | Rejected:
    """Apply `RenameFlowInput`."""
    old, new = operation.name, operation.to
    schema = document.flow.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(schema, dict) or not isinstance(properties, dict) or old not in properties:
        return errors.flow_input_not_found(old)
    if not _NAME.fullmatch(new):
        return errors.flow_input_invalid(new)
    if new == old:
        return Applied(document, (), frozenset(), f"Renamed the flow input `{old}`")
    if new in properties or new in document.sample:
        return errors.flow_input_taken(new)
    inverse: list[Operation] = [SetSchema(schema)]
    changed = edited(document, {**document.flow, "schema": _renamed_schema(schema, old, new)})
    if old in document.sample:
        inverse += [SetSample(old, document.sample[old]), SetSample(new, remove=True)]
        changed = replace(changed, sample={(new if key == old else key): v for key, v in document.sample.items()})
    touched = set()
    for entry in document.outline.entries:
        for site in sites_of(entry.module):
            text = rename(site.expr, old, new)
            if text != site.expr:
                changed = with_value(changed, entry, site.path, text)
                inverse.append(SetExpression(entry.cell, site.path, site.expr))
                touched.add(entry.cell)
    for key in sorted(FLOW_EXPRESSIONS):
        expr = document.flow["value"].get(key)
        text = rename(expr, old, new) if isinstance(expr, str) else expr
        if text != expr:
            changed = edited(changed, set_at(changed.flow, ("value", key), text))
            inverse.append(SetFlowExpression(key, expr))
    return Applied(changed, tuple(inverse), frozenset(touched), f"Renamed the flow input `{old}` to `{new}`")


def set_flow_expression(document: Document, operation: SetFlowExpression) -> Applied | Rejected:
    """Apply `SetFlowExpression`."""
    path = ("value", operation.key)
    old = get_at(document.flow, path)
    if operation.key not in FLOW_EXPRESSIONS or not isinstance(old, str):
        return errors.unknown_setting(operation.key)
    return Applied(
        document=edited(document, set_at(document.flow, path, operation.expr)),
        inverse=(SetFlowExpression(operation.key, old),),
        touched=frozenset(),
        label="Changed an expression of the flow",
    )


def _renamed_schema(schema: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    found = dict(schema)
    found["properties"] = {(new if key == old else key): about for key, about in schema["properties"].items()}
    for key in ("order", "required"):
        names = schema.get(key)
        if isinstance(names, list):
            found[key] = [new if name == old else name for name in names]
    return found
