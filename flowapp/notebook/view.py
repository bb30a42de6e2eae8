"""Documents and states as the page gets them: plain JSON, one object per cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from flowapp.jsontext import dumps
from flowapp.languages import by_name
from flowapp.notebook.agent_view import tools_view
from flowapp.notebook.document import CellId, Document, Entry
from flowapp.notebook.operations.notes import notes_of
from flowapp.notebook.operations.wiring import WITH_INPUTS
from flowapp.notebook.schemas import Fields, fields_of, transforms_of
from flowapp.notebook.settings_table import FLOW_SETTINGS, MODULE_SETTINGS, value_settings
from flowapp.notebook.staleness import CellState
from flowapp.notebook.stand_ins import in_force, stand_ins_of
from flowapp.notebook.trees import ByIdentity
from flowapp.notebook.trials import sample_of
from flowapp.notebook.wires import graph_of

#: Static and sample values whose JSON text is longer are shown cut, and are not sent whole.
VALUE_LIMIT = 2048
STAND_IN_PREVIEW = 160
BLOB = "$flowapp:blob"


class Problem(Protocol):
    """What a lint problem has to have to be shown."""

    @property
    def step_id(self) -> str | None:
        """The step it is about, if it is about one."""

    def to_json(self) -> dict[str, Any]:
        """The problem as pages get it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A document with all that a view shows of it."""

    document: Document
    states: Mapping[CellId, CellState]
    problems: Sequence[Problem] = ()
    code_versions: Mapping[CellId, int] = field(default_factory=dict)
    #: per cell and field: the evaluated value, `{"ok", "text", "type"?}`
    evaluated: Mapping[CellId, Mapping[str, Any]] = field(default_factory=dict)
    outputs: Mapping[CellId, Any] = field(default_factory=dict)


def view(
    document: Document, states: Mapping[CellId, CellState], problems: Sequence[Problem] = (), **more: Any
) -> dict[str, Any]:
    """`{"cells", "notes", "input", "settings", "wires"}` of a document. `more` are further fields of `Snapshot`."""
    snapshot = Snapshot(document, states, problems, **more)
    by_step = _by_step(problems)
    return {
        "cells": [_cell(snapshot, entry, by_step) for entry in document.outline.entries],
        "notes": notes_of(document),
        "input": input_view(document, problems),
        "settings": flow_settings_view(document),
        "wires": wires_view(document),
    }


def cell_view(snapshot: Snapshot, cell: CellId) -> dict[str, Any]:
    """One cell as the page gets it.

    Raises:
        KeyError: there is no such cell.
    """
    return _cell(snapshot, snapshot.document.outline.by_cell[cell], _by_step(snapshot.problems))


def difference(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """What changed between two snapshots of one draft, as the answer to an edit holds it.

    `cells` (views of those that changed), `order` (all cell ids), `removed`; `notes`, `input`, `settings` and `wires` only
    when they changed.
    """
    old, new = before.document, after.document
    old_steps, new_steps = _by_step(before.problems), _by_step(after.problems)
    changed = [
        entry
        for entry in new.outline.entries
        if _differs(before, after, entry, old_steps.get(entry.step_id), new_steps.get(entry.step_id))
    ]
    found: dict[str, Any] = {
        "cells": [_cell(after, entry, new_steps) for entry in changed],
        "order": [entry.cell for entry in new.outline.entries],
        "removed": [entry.cell for entry in old.outline.entries if entry.cell not in new.outline.by_cell],
    }
    parts: dict[str, tuple[Any, Any]] = {}
    if old.flow["value"].get("notes") is not new.flow["value"].get("notes") or old.beside is not new.beside:
        parts["notes"] = (notes_of(old), notes_of(new))
    if (
        old.sample is not new.sample
        or old.flow.get("schema") is not new.flow.get("schema")
        or old.samples != new.samples
    ):
        parts["input"] = (input_view(old, before.problems), input_view(new, after.problems))
    elif old_steps.get(None) != new_steps.get(None):
        parts["input"] = (None, input_view(new, after.problems))
    if old.flow["value"] is not new.flow["value"]:
        parts["settings"] = (flow_settings_view(old), flow_settings_view(new))
    if graph_of(old).own != graph_of(new).own:
        parts["wires"] = (wires_view(old), wires_view(new))
    return found | {name: new_part for name, (old_part, new_part) in parts.items() if old_part != new_part}


def wires_view(document: Document) -> list[dict[str, Any]]:
    """All wires: `{"from": cell or null, "step_id", "to": cell, "field", "broken": "gone"|"later"|null}`."""
    graph = graph_of(document)
    return [
        {"from": w.producer, "step_id": w.step_id, "to": w.reader, "field": w.field, "broken": w.broken}
        for entry in document.outline.entries
        for w in graph.own[entry.cell].wires
    ]


def flow_settings_view(document: Document) -> dict[str, Any]:
    """The settings of the flow itself, without those that are absent or null."""
    value = document.flow["value"]
    return {key: value[key] for key in FLOW_SETTINGS if value.get(key) is not None}


def input_view(document: Document, problems: Sequence[Problem] = ()) -> dict[str, Any]:
    """The flow's inputs with their sample values."""
    schema = document.flow.get("schema")
    schema = schema if isinstance(schema, dict) else {}
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    order = schema.get("order")
    order = order if isinstance(order, list) else []
    names = dict.fromkeys([*(name for name in order if name in properties), *properties, *document.sample])
    args = document.flow_args()
    return {
        "schema": schema,
        "samples": list(document.samples),
        "values": [_sample(name, properties.get(name), args, name in document.sample) for name in names],
        "problems": [problem.to_json() for problem in problems if problem.step_id is None],
    }


def _sample(name: str, schema: Any, args: Mapping[str, Any], given: bool) -> dict[str, Any]:
    value = args.get(name)
    shown: dict[str, Any] = {
        "name": name,
        "schema": schema if isinstance(schema, dict) else {},
        "given": given,
        "type": type_name(value),
        "preview": "",
        "blob": None,
    }
    if isinstance(value, dict) and isinstance(value.get(BLOB), dict):
        blob = value[BLOB]
        shown["blob"] = {key: blob.get(key) for key in ("name", "size", "media_type")}
        return {**shown, "preview": str(blob.get("name") or ""), "type": "string"}
    text = dumps(value)
    shown["preview"] = text[:500]
    return shown if len(text) > VALUE_LIMIT else {**shown, "value": value}


def type_name(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, (list, tuple)) else "object"


def _cell(snapshot: Snapshot, entry: Entry, by_step: Mapping[str | None, list[Problem]]) -> dict[str, Any]:
    document, value = snapshot.document, entry.module["value"]
    about = document.about(entry.cell)
    language = value.get("language") if entry.kind == "rawscript" else None
    evaluated = snapshot.evaluated.get(entry.cell) or {}
    settings = _settings(entry)
    of_settings = {name: shown for name, shown in evaluated.items() if name in _setting_names(settings)}
    if of_settings and entry.kind not in WITH_INPUTS:
        settings["evaluated"] = of_settings
    return {
        "id": entry.cell,
        "step_id": entry.step_id,
        "parent": entry.parent,
        "slot": entry.slot,
        "index": entry.index,
        "depth": entry.depth,
        "kind": entry.kind,
        **_language(language),
        "path": value.get("path") if entry.kind in ("script", "flow") else None,
        "title": str(entry.module.get("summary") or ""),
        "code": str(value.get("content") or "") if entry.kind == "rawscript" else None,
        "code_version": snapshot.code_versions.get(entry.cell, 0),
        "collapsed": about.get("collapsed") is True,
        "outside_effects": about.get("outside_effects") is True,
        "reuse": about.get("reuse") or "auto",
        "sample": sample_of(document, entry),
        "stand_ins": _stand_ins(document, entry),
        "inputs": _inputs(document, entry, evaluated),
        "settings": settings,
        "tools": tools_view(entry),
        "reads": list(graph_of(document).own[entry.cell].step_ids),
        "problems": [problem.to_json() for problem in by_step.get(entry.step_id, [])],
        "state": snapshot.states[entry.cell].to_json(),
        "output": snapshot.outputs.get(entry.cell),
    }


def _stand_ins(document: Document, entry: Entry) -> list[dict[str, Any]]:
    """`{"name", "preview", "in_force", "value"?}` of each; a long value is left out."""
    kept = stand_ins_of(document, entry.cell)
    chosen = in_force(entry.module, kept)
    found = []
    for name, value in kept.items():
        text = _text_of(value)
        shown = {"name": name, "preview": text[:STAND_IN_PREVIEW], "in_force": name == chosen}
        found.append(shown if len(text) > VALUE_LIMIT else {**shown, "value": value})
    return found


@lru_cache(maxsize=64)
def _language_texts(name: str) -> tuple[str, str]:
    known = by_name(name)
    return (known.label, known.editor) if known else (name, "plaintext")


def _language(name: Any) -> dict[str, Any]:
    if not isinstance(name, str):
        return {"language": None, "language_label": "", "editor": ""}
    label, editor = _language_texts(name)
    return {"language": name, "language_label": label, "editor": editor}


def _inputs(document: Document, entry: Entry, evaluated: Mapping[str, Any]) -> list[dict[str, Any]]:
    if entry.kind not in WITH_INPUTS:
        return []
    fields = fields_of(document, entry)
    transforms = transforms_of(entry)
    kept = document.about(entry.cell).get("kept") or {}
    names = dict.fromkeys([*fields.properties, *transforms])
    if entry.slot == "preprocessor":
        names.pop("event", None)  # whoever starts the flow gives it
    return [_input(name, fields, transforms.get(name), kept.get(name) or {}, evaluated.get(name)) for name in names]


def _input(name: str, fields: Fields, transform: Any, kept: Mapping[str, Any], evaluated: Any) -> dict[str, Any]:
    schema = fields.properties.get(name)
    schema = schema if isinstance(schema, dict) else {}
    shown: dict[str, Any] = {
        "field": name,
        "type": "static",
        "expr": None,
        "schema": schema,
        "required": name in fields.required,
        "declared": name in fields.properties or fields.open,
        #: whether there is a transform at all; a field without one gets the script's default or null
        "wired": isinstance(transform, dict),
        "kept": dict(kept),
        "secret": schema.get("password") is True or schema.get("format") == "password",
        "evaluated": evaluated,
    }
    if not isinstance(transform, dict):
        return {**shown, "value": None}
    shown["type"] = transform.get("type") or "static"
    if isinstance(transform.get("expr"), str):
        shown["expr"] = transform["expr"]
    value = transform.get("value")
    if value is None or isinstance(value, (bool, int, float)):
        return {**shown, "value": value}
    text = _text_of(value) if isinstance(value, (dict, list)) else dumps(value)
    if len(text) > VALUE_LIMIT:
        return {
            **shown,
            "value": value[:VALUE_LIMIT] if isinstance(value, str) else text[:VALUE_LIMIT],
            "truncated": True,
        }
    return {**shown, "value": value}


_text_of: ByIdentity[str] = ByIdentity(dumps, size=512)


def _settings(entry: Entry) -> dict[str, Any]:
    """The settings that a cell has, without those that are absent or null."""
    module, value = entry.module, entry.module["value"]
    names = {setting.key for setting in value_settings(entry.kind)} - {"lock", "assets"}
    found = {key: value[key] for key in sorted(names) if value.get(key) is not None}
    found |= {key: module[key] for key in sorted(MODULE_SETTINGS) if key != "summary" and module.get(key) is not None}
    if entry.kind in ("branchone", "branchall"):
        found["branches"] = [
            {key: item for key, item in branch.items() if key != "modules"}
            for branch in _list(value.get("branches"))
            if isinstance(branch, dict)
        ]
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _setting_names(settings: Mapping[str, Any]) -> set[str]:
    branches = _list(settings.get("branches"))
    return {*settings, *(f"branches/{index}/expr" for index in range(len(branches)))}


def _by_step(problems: Sequence[Problem]) -> dict[str | None, list[Problem]]:
    found: dict[str | None, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.step_id, []).append(problem)
    return found


def _differs(
    before: Snapshot,
    after: Snapshot,
    entry: Entry,
    old_problems: list[Problem] | None,
    new_problems: list[Problem] | None,
) -> bool:
    """Whether a cell's view may differ. Untouched modules are the same object, which makes this cheap."""
    old = before.document.outline.by_cell.get(entry.cell)
    if old is None or _place(old) != _place(entry) or before.states.get(entry.cell) != after.states[entry.cell]:
        return True
    if old.module is not entry.module and old.module != entry.module:
        return True
    cell = entry.cell
    return (
        old_problems != new_problems
        or before.document.about(cell) != after.document.about(cell)
        or before.code_versions.get(cell, 0) != after.code_versions.get(cell, 0)
        or before.evaluated.get(cell) != after.evaluated.get(cell)
        or graph_of(before.document).own[cell] != graph_of(after.document).own[cell]
    )


def _place(entry: Entry) -> tuple[Any, ...]:
    return (entry.step_id, entry.parent, entry.slot, entry.index, entry.depth)
