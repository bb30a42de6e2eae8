"""What a cell's result depends on in the document itself: code, language, lock, settings and inputs.

A definition is compared field by field with the one a result was computed from, which is how a stale cell can say what
changed. Step ids in expressions are replaced by cell ids first, so that a rename makes nothing stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

from flowapp.jsontext import canonical, hash_of
from flowapp.notebook.document import CellId, Document, Entry
from flowapp.notebook.settings_table import HARMLESS
from flowapp.notebook.sites import Site
from flowapp.notebook.trees import ByIdentity
from flowapp.notebook.wires import uses_of
from flowapp.openflow.references import rename
from flowapp.openflow.walk import CONTAINER_KINDS, inputs_of, inputs_pointer, kind_of

#: Before the cell id of a nested cell among the inputs of its container.
NESTED = "@"

#: Before the name of a setting that is an expression, among the inputs.
SETTING = ":"

#: What does not change what a step answers: its name, its title, and settings of when, where and how often it runs.
_HARMLESS = frozenset({"id", "summary", *HARMLESS})
_CODE = frozenset({"content", "language", "lock"})


@dataclass(frozen=True, slots=True)
class Definition:
    """Hashes of what a cell says. `inputs` holds one per field, expression (`:<setting>`) and nested cell (`@<cell id>`)."""

    code: str
    language: str
    lock: str
    settings: str
    inputs: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for the record of a result."""
        return {**asdict(self), "inputs": dict(self.inputs)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Definition:
        """A definition as `to_json` wrote it."""
        texts = {key: str(data.get(key, "")) for key in ("code", "language", "lock", "settings")}
        return cls(**texts, inputs=dict(data.get("inputs") or {}))


def definition_of(document: Document, cell: CellId) -> Definition:
    """The present definition of a cell, nested cells included.

    Raises:
        KeyError: there is no such cell.
    """
    definitions: dict[CellId, Definition] = document._memo.setdefault("definitions", {})
    found = definitions.get(cell)
    if found is None:
        found = definitions[cell] = _define(document, document.outline.by_cell[cell])
    return found


def _define(document: Document, entry: Entry) -> Definition:
    fixed = _fixed(entry.module)
    cells = tuple((step, document.cells[step]) for step in fixed.steps if step in document.cells)
    environment = hash_of(canonical(document.flow["value"].get("flow_env"))) if fixed.reads_environment else ""
    own = fixed.placed.get((cells, environment))
    if own is None:
        own = fixed.placed[cells, environment] = _place(entry.module, fixed, cells, environment)
    if entry.last == entry.order:
        return own
    inner = {
        NESTED + member.cell: _flat(f"{member.slot}/{member.index}", definition_of(document, member.cell))
        for member in document.outline.within(entry)[1:]
        if member.parent == entry.cell
    }
    return replace(own, inputs={**own.inputs, **inner})


def _setting_of(site: Site) -> str:
    """The setting that an expression is in."""
    keys = site.path[1:] if site.path[0] == "value" else site.path
    return str(keys[0])


def _place(module: Any, fixed: _Fixed, cells: tuple[tuple[str, str], ...], environment: str) -> Definition:
    inputs = dict(fixed.statics)
    for site, _ in uses_of(module):
        if site.is_input or _setting_of(site) not in HARMLESS:
            inputs[site.field if site.is_input else SETTING + site.field] = _expression_hash(site.expr, cells)
    settings = hash_of(fixed.settings + environment) if environment else fixed.settings
    return Definition(fixed.code, fixed.language, fixed.lock, settings, inputs)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """The part of a definition that depends on the module alone."""

    code: str
    language: str
    lock: str
    settings: str
    statics: Mapping[str, str]
    #: steps that its expressions refer to
    steps: tuple[str, ...]
    reads_environment: bool
    #: definitions by the cells that the steps are, and the hash of the flow's environment; there is hardly ever a second
    placed: dict[tuple[tuple[tuple[str, str], ...], str], Definition] = field(default_factory=dict)


def _fix(module: Any) -> _Fixed:
    value = module["value"]
    script = value.get("type") == "rawscript"
    return _Fixed(
        code=hash_of(str(value.get("content") or "")) if script else "",
        language=str(value.get("language") or "") if script else "",
        lock=hash_of(str(value["lock"])) if script and value.get("lock") else "",
        settings=hash_of(canonical(_settings(module))),
        statics={
            name: hash_of(canonical(transform))
            for name, transform in inputs_of(module).items()
            if not (
                isinstance(transform, dict)
                and isinstance(transform.get("expr"), str)
                and transform.get("type") != "static"
            )
        },
        steps=tuple(sorted({step for _, references in uses_of(module) for step in references.results})),
        reads_environment=any("flow_env" in references.names for _, references in uses_of(module)),
    )


_fixed: ByIdentity[_Fixed] = ByIdentity(_fix)


def _settings(module: Mapping[str, Any]) -> Any:
    """What is left of a module: no texts for people, no code, no inputs, no expressions, no nested cells."""
    value = module["value"]
    kind = kind_of(module)
    left_out = {inputs_pointer(module).split("/")[-1]} | _HARMLESS
    if kind == "rawscript":
        left_out |= _CODE
    own = {key: _without_expressions(item) for key, item in value.items() if key not in left_out and item is not None}
    if kind in CONTAINER_KINDS:
        own.pop("modules", None)
        own.pop("default", None)
        own["branches"] = [
            {key: item for key, item in branch.items() if key not in ("modules", "expr", "summary")}
            for branch in _branches(value)
            if isinstance(branch, dict)
        ]
    rest = {key: _without_expressions(item) for key, item in module.items() if key not in left_out and key != "value"}
    return {"value": own, "module": {key: item for key, item in rest.items() if item is not None}}


def _branches(value: Mapping[str, Any]) -> list[Any]:
    found = value.get("branches")
    return found if isinstance(found, list) else []


def _without_expressions(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_expressions(item) for item in node]
    if not isinstance(node, dict) or node.get("type") == "static":
        return node
    return {key: _without_expressions(item) for key, item in node.items() if key != "expr" or not isinstance(item, str)}


def _flat(place: str, definition: Definition) -> str:
    return hash_of(canonical([place, definition.to_json()]))


@lru_cache(maxsize=20_000)
def _expression_hash(expr: str, cells: tuple[tuple[str, str], ...]) -> str:
    """The hash of an expression with step ids replaced by cell ids. No step id holds a space, so nothing can clash."""
    text = expr.strip()
    for step_id, cell in cells:
        text = rename(text, step_id, f"cell {cell}")
    return hash_of(f"javascript {text}")
