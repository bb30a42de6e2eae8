"""Settings of a cell, the flow's inputs and texts, and what lies beside a cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flowapp.notebook import errors
from flowapp.notebook.document import Document, Entry
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations.common import edited, has_form, name_of, with_beside, with_value
from flowapp.notebook.operations.types import (
    Applied,
    Operation,
    RestoreFlowSetting,
    RestoreSetting,
    SetBeside,
    SetFlow,
    SetFlowSetting,
    SetSample,
    SetSchema,
    SetSetting,
)
from flowapp.notebook.settings_table import Setting, setting_of, takes
from flowapp.notebook.trees import MISSING, Path, get_at, set_or_drop

#: What comes before the index and the key of a branch's setting: `branches/0/expr`.
_BRANCH = "branches"


def set_setting(document: Document, operation: SetSetting) -> Applied | Rejected:
    """Apply `SetSetting`."""
    return _set(document, operation, checked=True)


def restore_setting(document: Document, operation: RestoreSetting) -> Applied | Rejected:
    """Apply `RestoreSetting`."""
    return _set(document, operation, checked=False)


def _set(document: Document, operation: SetSetting | RestoreSetting, *, checked: bool) -> Applied | Rejected:
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    found = find_setting(entry, operation.key)
    if found is None:
        return errors.unknown_setting(operation.key)
    setting, path = found
    old = get_at(entry.module, path, MISSING)
    new = MISSING if operation.value is None and not operation.null else operation.value
    if checked and new is not MISSING and not takes(setting, entry.kind, new):
        return errors.bad_setting(operation.key)
    back: type[SetSetting | RestoreSetting] = SetSetting
    if old is not MISSING and not takes(setting, entry.kind, old):
        back = RestoreSetting  # it came with the document: undo brings back what would not be taken anew
    return Applied(
        document=with_value(document, entry, path, new),
        inverse=(back(operation.cell, operation.key, None if old is MISSING else old, null=old is None),),
        touched=frozenset({operation.cell}),
        label=f"{_verb(old, new)} {setting.label} of {name_of(entry)}",
    )


def find_setting(entry: Entry, key: str) -> tuple[Setting, Path] | None:
    """The setting that a key stands for, and where it is in the module; None where the cell has none of that name."""
    parts = key.split("/")
    if len(parts) == 3 and parts[0] == _BRANCH:
        branches = entry.module["value"].get("branches")
        known = isinstance(branches, list) and parts[1].isdecimal() and int(parts[1]) < len(branches)
        setting = setting_of(entry.kind, "branch", parts[2]) if known else None
        return (setting, ("value", "branches", int(parts[1]), parts[2])) if setting else None
    if setting := setting_of(entry.kind, "value", key):
        return setting, ("value", key)
    if setting := setting_of(entry.kind, "module", key):
        return setting, (key,)
    return None


def set_flow_setting(document: Document, operation: SetFlowSetting) -> Applied | Rejected:
    """Apply `SetFlowSetting`."""
    return _set_flow(document, operation, checked=True)


def restore_flow_setting(document: Document, operation: RestoreFlowSetting) -> Applied | Rejected:
    """Apply `RestoreFlowSetting`."""
    return _set_flow(document, operation, checked=False)


def _set_flow(
    document: Document, operation: SetFlowSetting | RestoreFlowSetting, *, checked: bool
) -> Applied | Rejected:
    setting = setting_of("", "flow", operation.key)
    if setting is None:
        return errors.unknown_setting(operation.key)
    path: Path = ("value", operation.key)
    old = get_at(document.flow, path, MISSING)
    new = MISSING if operation.value is None and not operation.null else operation.value
    if checked and new is not MISSING and not takes(setting, "", new):
        return errors.bad_setting(operation.key)
    back: type[SetFlowSetting | RestoreFlowSetting] = SetFlowSetting
    if old is not MISSING and not takes(setting, "", old):
        back = RestoreFlowSetting
    return Applied(
        document=edited(document, set_or_drop(document.flow, path, new)),
        inverse=(back(operation.key, None if old is MISSING else old, null=old is None),),
        touched=frozenset(),
        label=f"{_verb(old, new)} {setting.label} of the flow",
    )


def _verb(old: Any, new: Any) -> str:
    if new is MISSING:
        return "Removed"
    return "Set" if old is MISSING or old is None else "Changed"


def set_schema(document: Document, operation: SetSchema) -> Applied | Rejected:
    """Apply `SetSchema`."""
    old = document.flow.get("schema")
    new: Any = MISSING if operation.schema is None else dict(operation.schema)
    flow = set_or_drop(document.flow, ("schema",), new)
    return Applied(edited(document, flow), (SetSchema(old),), frozenset(), "Changed the flow's inputs")


def set_sample(document: Document, operation: SetSample) -> Applied | Rejected:
    """Apply `SetSample`."""
    name, had = operation.name, operation.name in document.sample
    sample = set_or_drop(dict(document.sample), (name,), MISSING if operation.remove else operation.value)
    back = SetSample(name, document.sample[name]) if had else SetSample(name, remove=True)
    return Applied(replace(document, sample=sample), (back,), frozenset(), f"Changed the value of `{name}`")


def set_flow(document: Document, operation: SetFlow) -> Applied | Rejected:
    """Apply `SetFlow`."""
    flow = document.flow
    wanted = {"summary": operation.summary, "description": operation.description}
    old: dict[str, str] = {}
    clear: list[str] = []
    for key, value in wanted.items():
        if value is None and key not in operation.clear:
            continue
        if isinstance(flow.get(key), str):
            old[key] = flow[key]
        else:
            clear.append(key)
        flow = set_or_drop(flow, (key,), MISSING if value is None else value)
    back = SetFlow(summary=old.get("summary"), description=old.get("description"), clear=tuple(clear))
    return Applied(edited(document, flow), (back,), frozenset(), "Changed the flow's description")


def set_beside(document: Document, operation: SetBeside) -> Applied | Rejected:
    """Apply `SetBeside`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    about: Any = document.about(operation.cell)
    key = operation.key
    if not has_form(key, operation.value):
        return errors.bad_setting(key)
    old = (about.get("kept") or {}).get(key[5:]) if key.startswith("kept/") else about.get(key)
    back: Operation = SetBeside(operation.cell, key, old)
    label = f"Changed {key.split('/')[0].replace('_', ' ')} of {name_of(entry)}"
    changed = with_beside(document, operation.cell, key, operation.value)
    return Applied(changed, (back,), frozenset({operation.cell}), label)
