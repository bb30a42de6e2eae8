"""Operations as JSON: what pages send, what the undo log and the audit keep.

`{"op": "set_code", "cell": "c1", "code": "…"}`: the name of the operation and its fields. Unknown keys are passed over, so
that a page may add its own (such as the code version it edited).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from flowapp.notebook.errors import Rejected, bad_operation
from flowapp.notebook.operations import types
from flowapp.notebook.operations.types import Nested, Operation


class _Malformed(Exception):
    """A field of the JSON does not have its type; told to the caller as a `Rejected`."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Malformed("a text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _index(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Malformed("a whole number")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Malformed("true or false")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or any(not isinstance(key, str) for key in value):
        raise _Malformed("an object")
    return value


def _object_or_none(value: Any) -> dict[str, Any] | None:
    return None if value is None else _object(value)


def _anything(value: Any) -> Any:
    return value


def _transform(value: Any) -> dict[str, Any] | None:
    """A static, javascript or ai transform, or None."""
    if value is None:
        return None
    transform = _object(value)
    if transform.get("type") not in ("static", "javascript", "ai"):
        raise _Malformed("a transform of type static, javascript or ai")
    if transform["type"] == "javascript" and not isinstance(transform.get("expr"), str):
        raise _Malformed("a javascript transform with an expr")
    return transform


def _path(value: Any) -> tuple[str | int, ...]:
    keys = value if isinstance(value, (list, tuple)) else None
    if keys is None or any(isinstance(key, bool) or not isinstance(key, (str, int)) for key in keys):
        raise _Malformed("a list of keys")
    return tuple(keys)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or any(not isinstance(item, str) for item in value):
        raise _Malformed("a list of texts")
    return tuple(value)


def _objects(value: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list):
        raise _Malformed("a list of objects")
    return tuple(_object(item) for item in value)


def _nested(value: Any) -> dict[str, Nested]:
    found = {}
    for step_id, about in _object(value).items():
        about = _object(about)
        found[step_id] = Nested(_text(about.get("cell")), _object(about.get("beside", {})))
    return found


#: Reader of each field, by operation and field name. Fields that a dataclass gives a default may be missing.
_READ: dict[str, Callable[[Any], Any]] = {
    "cell": _text,
    "flow": _object,
    "prefix": _text,
    "sample": _object_or_none,
    "kept": _object_or_none,
    "label": _text,
    "cells": _texts,
    "modules": _objects,
    "parent": _text_or_none,
    "slot": _text,
    "index": _index,
    "module": _object,
    "beside": _object,
    "deployed": _object_or_none,
    "bindings": _objects,
    "nested": _nested,
    "branch": _object,
    "code": _text,
    "language": _text,
    "title": _text_or_none,
    "step_id": _text,
    "field": _text,
    "transform": _transform,
    "path": _path,
    "expr": _text,
    "key": _text,
    "value": _anything,
    "null": _flag,
    "schema": _object_or_none,
    "name": _text,
    "to": _text,
    "remove": _flag,
    "summary": _text_or_none,
    "description": _text_or_none,
    "clear": _texts,
    "note": _text,
    "after": _text_or_none,
    "text": _text,
    "extra": _object,
}

_OPERATIONS: dict[str, type[Any]] = {
    "insert_cell": types.InsertCell,
    "paste_cells": types.PasteCells,
    "delete_cell": types.DeleteCell,
    "move_cell": types.MoveCell,
    "add_branch": types.AddBranch,
    "remove_branch": types.RemoveBranch,
    "set_code": types.SetCode,
    "set_language": types.SetLanguage,
    "set_title": types.SetTitle,
    "rename_step": types.RenameStep,
    "rename_flow_input": types.RenameFlowInput,
    "set_flow_expression": types.SetFlowExpression,
    "set_input": types.SetInput,
    "set_expression": types.SetExpression,
    "set_setting": types.SetSetting,
    "restore_setting": types.RestoreSetting,
    "set_flow_setting": types.SetFlowSetting,
    "restore_flow_setting": types.RestoreFlowSetting,
    "set_schema": types.SetSchema,
    "set_sample": types.SetSample,
    "keep_sample": types.KeepSample,
    "use_sample": types.UseSample,
    "drop_sample": types.DropSample,
    "restore_samples": types.RestoreSamples,
    "keep_stand_in": types.KeepStandIn,
    "rename_stand_in": types.RenameStandIn,
    "use_stand_in": types.UseStandIn,
    "drop_stand_in": types.DropStandIn,
    "set_flow": types.SetFlow,
    "replace_flow": types.ReplaceFlow,
    "take_in": types.TakeIn,
    "bind_names": types.BindNames,
    "set_beside": types.SetBeside,
    "insert_note": types.InsertNote,
    "set_note": types.SetNote,
    "move_note": types.MoveNote,
    "delete_note": types.DeleteNote,
}
_NAMES = {kind: name for name, kind in _OPERATIONS.items()}

#: Fields that may be missing and then are null, though the operation itself has no default for them.
_NULLABLE = frozenset({"parent", "after", "transform", "title", "value", "schema", "deployed"})


def decode(data: Any) -> Operation | Rejected:
    """The operation that JSON stands for, or why it stands for none. Never raises."""
    name = data.get("op") if isinstance(data, dict) else None
    kind = _OPERATIONS.get(name) if isinstance(name, str) else None
    if kind is None:
        return bad_operation(
            f"There is no operation {name!r}." if isinstance(name, str) else "An operation has a name (`op`)."
        )
    fields: dict[str, Any] = {}
    for about in dataclasses.fields(kind):
        if about.name not in data:
            if about.name in _NULLABLE and about.default is dataclasses.MISSING:
                fields[about.name] = None
            elif about.default is dataclasses.MISSING and about.default_factory is dataclasses.MISSING:
                return bad_operation(f"`{name}` needs `{about.name}`.")
            continue
        if data[about.name] is None and about.name == "index" and about.default is None:
            continue
        try:
            fields[about.name] = _READ[about.name](data[about.name])
        except _Malformed as problem:
            return bad_operation(f"`{about.name}` of `{name}` must be {problem}.")
    if kind is types.SetSample and "value" not in data:
        fields["remove"] = True
    operation: Operation = kind(**fields)
    return operation


def decode_all(data: Any) -> tuple[Operation, ...] | Rejected:
    """The operations that a JSON list stands for."""
    if not isinstance(data, list):
        return bad_operation("Operations come as a list.")
    operations: list[Operation] = []
    for item in data:
        operation = decode(item)
        if isinstance(operation, Rejected):
            return operation
        operations.append(operation)
    return tuple(operations)


def encode(operation: Operation) -> dict[str, Any]:
    """The JSON of an operation; fields that have their default value are left out."""
    data: dict[str, Any] = {"op": _NAMES[type(operation)]}
    for about in dataclasses.fields(operation):
        value = getattr(operation, about.name)
        if about.default is not dataclasses.MISSING and value == about.default and type(value) is type(about.default):
            continue
        if about.default_factory is not dataclasses.MISSING and not value:
            continue
        data[about.name] = _plain(value)
    if isinstance(operation, types.SetSample) and not operation.remove:
        # A missing value means removal, so null is written out.
        data["value"] = operation.value
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, Nested):
        return {"cell": value.cell, **({"beside": dict(value.beside)} if value.beside else {})}
    if isinstance(value, Mapping):
        return {key: _plain(item) if isinstance(item, Nested) else item for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
