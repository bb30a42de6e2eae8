"""Named stand-ins of a cell: kept, renamed, put in force, forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.notebook import errors
from flowapp.notebook.document import Document, Entry
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations.common import name_of, with_beside
from flowapp.notebook.operations.settings import set_setting
from flowapp.notebook.operations.types import (
    Applied,
    DropStandIn,
    KeepStandIn,
    Operation,
    RenameStandIn,
    SetBeside,
    SetSetting,
    UseStandIn,
)
from flowapp.notebook.stand_ins import KEY, in_force, refusal, stand_ins_of


def keep_stand_in(document: Document, operation: KeepStandIn) -> Applied | Rejected:
    """Apply `KeepStandIn`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    old, name = stand_ins_of(document, operation.cell), operation.name.strip()
    followed = name in old and in_force(entry.module, old) == name
    kept = _kept(document, entry, {**old, name: operation.value}, f"Kept the stand-in “{name}” of {name_of(entry)}")
    if isinstance(kept, Rejected) or not followed:
        return kept
    used = _used(kept.document, entry, operation.value)
    if isinstance(used, Rejected):
        return used
    return Applied(used.document, (*used.inverse, *kept.inverse), kept.touched, kept.label)


def rename_stand_in(document: Document, operation: RenameStandIn) -> Applied | Rejected:
    """Apply `RenameStandIn`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    old, to = stand_ins_of(document, operation.cell), operation.to.strip()
    if operation.name not in old:
        return errors.stand_in_not_found(operation.name)
    if to != operation.name and to in old:
        return errors.stand_in_name_taken(to)
    renamed = {to if name == operation.name else name: value for name, value in old.items()}
    return _kept(document, entry, renamed, f"Renamed a stand-in of {name_of(entry)} to “{to}”")


def use_stand_in(document: Document, operation: UseStandIn) -> Applied | Rejected:
    """Apply `UseStandIn`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    kept = stand_ins_of(document, operation.cell)
    if operation.name not in kept:
        return errors.stand_in_not_found(operation.name)
    used = _used(document, entry, kept[operation.name])
    if isinstance(used, Rejected):
        return used
    label = f"Put the stand-in “{operation.name}” of {name_of(entry)} in force"
    return Applied(used.document, used.inverse, used.touched, label)


def drop_stand_in(document: Document, operation: DropStandIn) -> Applied | Rejected:
    """Apply `DropStandIn`. What is in force stays so, without a name: nothing runs again unasked."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    old = stand_ins_of(document, operation.cell)
    if operation.name not in old:
        return errors.stand_in_not_found(operation.name)
    rest = {name: value for name, value in old.items() if name != operation.name}
    return _kept(document, entry, rest, f"Forgot the stand-in “{operation.name}” of {name_of(entry)}")


def _kept(document: Document, entry: Entry, kept: Mapping[str, Any], label: str) -> Applied | Rejected:
    refused = refusal(kept) if kept else None
    if refused is not None:
        return refused
    old = stand_ins_of(document, entry.cell)
    back: tuple[Operation, ...] = (SetBeside(entry.cell, KEY, dict(old) or None),)
    changed = with_beside(document, entry.cell, KEY, dict(kept) or None)
    return Applied(changed, back, frozenset({entry.cell}), label)


def _used(document: Document, entry: Entry, value: Any) -> Applied | Rejected:
    mock = entry.module.get("mock")
    wanted = {**(mock if isinstance(mock, Mapping) else {}), "enabled": True, "return_value": value}
    return set_setting(document, SetSetting(entry.cell, "mock", wanted))
