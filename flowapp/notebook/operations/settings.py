"""Settings of a cell, the flow's inputs and texts, and what lies beside a cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flowapp.notebook import errors
from flowapp.notebook.document import Document, Entry
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations.common import edited, name_of, with_beside, with_value
from flowapp.notebook.operations.types import (
    Applied,
    Operation,
    SetBeside,
    SetFlow,
    SetSample,
    SetSchema,
    SetSetting,
)
from flowapp.notebook.trees import MISSING, Path, get_at, set_or_drop

#: Settings that every module may have, on the module.
MODULE_SETTINGS = frozenset(
    [
        "summary",
        "stop_after_if",
        "stop_after_all_iters_if",
        "skip_if",
        "suspend",
        "mock",
        "retry",
        "sleep",
        "cache_ttl",
        "cache_ignore_s3_path",
        "timeout",
        "priority",
        "delete_after_use",
        "delete_after_secs",
        "continue_on_error",
        "apply_preprocessor",
        "pass_flow_input_directly",
        "debouncing",
    ]
)

#: Settings by kind, in the module's value.
VALUE_SETTINGS = {
    "rawscript": frozenset(
        [
            "path",
            "lock",
            "tag",
            "concurrent_limit",
            "concurrency_time_window_s",
            "custom_concurrency_key",
            "is_trigger",
            "assets",
        ]
    ),
    "script": frozenset(["path", "hash", "tag_override", "is_trigger", "pass_flow_input_directly"]),
    "flow": frozenset(["path", "pass_flow_input_directly"]),
    "forloopflow": frozenset(["iterator", "parallel", "parallelism", "skip_failures", "squash"]),
    "whileloopflow": frozenset(["parallel", "parallelism", "skip_failures", "squash"]),
    "branchone": frozenset(),
    "branchall": frozenset({"parallel"}),
    "aiagent": frozenset(["tools", "parallel", "tag", "omit_output_from_conversation", "agent", "tool_inputs"]),
}
BRANCH_SETTINGS = frozenset({"summary", "expr", "skip_failure", "parallel"})


def set_setting(document: Document, operation: SetSetting) -> Applied | Rejected:
    """Apply `SetSetting`."""
    entry = document.entry(operation.cell)
    if entry is None:
        return errors.cell_not_found(operation.cell)
    path = setting_path(entry, operation.key)
    if path is None:
        return errors.unknown_setting(operation.key)
    old = get_at(entry.module, path, MISSING)
    new = MISSING if operation.value is None and not operation.null else operation.value
    back = SetSetting(operation.cell, operation.key, None if old is MISSING else old, null=old is None)
    return Applied(
        document=with_value(document, entry, path, new),
        inverse=(back,),
        touched=frozenset({operation.cell}),
        label=f"Changed {operation.key.split('/')[-1].replace('_', ' ')} of {name_of(entry)}",
    )


def setting_path(entry: Entry, key: str) -> Path | None:
    """Keys within the module that a setting's name stands for; None where the cell's kind has no such setting."""
    if key in VALUE_SETTINGS.get(entry.kind, frozenset()):
        return ("value", key)
    if key in MODULE_SETTINGS:
        return (key,)
    parts = key.split("/")
    if len(parts) == 3 and parts[0] == "branches" and entry.kind in ("branchone", "branchall"):
        branches = entry.module["value"].get("branches")
        known = isinstance(branches, list) and parts[1].isdecimal() and int(parts[1]) < len(branches)
        if known and parts[2] in BRANCH_SETTINGS:
            return ("value", "branches", int(parts[1]), parts[2])
    return None


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
    if not _has_form(key, operation.value):
        return errors.bad_setting(key)
    old = (about.get("kept") or {}).get(key[5:]) if key.startswith("kept/") else about.get(key)
    back: Operation = SetBeside(operation.cell, key, old)
    label = f"Changed {key.split('/')[0].replace('_', ' ')} of {name_of(entry)}"
    changed = with_beside(document, operation.cell, key, operation.value)
    return Applied(changed, (back,), frozenset({operation.cell}), label)


def _has_form(key: str, value: Any) -> bool:
    """Whether a value can lie beside a cell under a key. Keys that this version does not know take anything."""
    if value is None:
        return True
    if key in ("collapsed", "outside_effects"):
        return isinstance(value, bool)
    if key == "kept":
        return isinstance(value, dict) and all(isinstance(item, dict) and item for item in value.values())
    if key == "schema" or key.startswith("kept/"):
        return isinstance(value, dict) and bool(value)
    return True
