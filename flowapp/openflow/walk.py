"""Walking over the modules of a flow, and the rules for step ids.

Works on plain dictionaries, and on broken ones too: a half-edited document is an everyday thing in a notebook, so whatever
is not a module is passed over instead of raised about. Shape errors are `documents.parse`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import count
from typing import Any

Json = dict[str, Any]

CONTAINER_KINDS = frozenset({"forloopflow", "whileloopflow", "branchone", "branchall"})
LOOP_KINDS = frozenset({"forloopflow", "whileloopflow"})

OWN_IDS = {"failure": "failure handler", "preprocessor": "preprocessor"}
"""Ids of the two steps that a flow has outside of its lists, and what those are called."""
RESERVED_IDS = frozenset({*OWN_IDS, "Input", "Result", "Trigger"})
"""Ids that an engine or an editor gives to something of its own."""

_VALID_ID = re.compile(r"[A-Za-z0-9_-]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Short enough to come up in a, b, …, zz, aaa: an id that is a word of JavaScript would read badly as `results.do`.
_SHORT_WORDS = (
    "as do if in is of let new try var for get set int abs any xor case char else enum eval from goto long null this "
    "true void with async await break byte catch class const false final float short super throw while yield"
)
_JS_WORDS = frozenset(_SHORT_WORDS.split())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module stands in its flow."""

    module: Json
    step_id: str
    """The module's id, or "" while it has none."""
    pointer: str
    """JSON pointer of the module in the document, such as `/value/modules/0/value/branches/1/modules/2`."""
    parent: str | None
    """Step id of the container, None at the top level."""
    slot: str
    """"modules", "branches/<i>" or "default" of the container; "failure" or "preprocessor" for those two."""
    index: int
    depth: int


def walk(flow: Mapping[str, Any]) -> Iterator[Place]:
    """Every module in document order, a container before its contents; then the failure and the preprocessor module.

    Tools of an AI agent are no steps of the flow and are not among them (see `tools`).
    """
    value = flow.get("value")
    if not isinstance(value, Mapping):
        return
    yield from _walk_list(value.get("modules"), "/value/modules", None, "modules", 0)
    for slot in ("failure", "preprocessor"):
        module = value.get(f"{slot}_module")
        if isinstance(module, dict):
            yield from _walk_module(module, f"/value/{slot}_module", None, slot, 0, 0)


def _walk_list(modules: object, pointer: str, parent: str | None, slot: str, depth: int) -> Iterator[Place]:
    if not isinstance(modules, list):
        return
    for index, module in enumerate(modules):
        if isinstance(module, dict):
            yield from _walk_module(module, f"{pointer}/{index}", parent, slot, index, depth)


def _walk_module(module: Json, pointer: str, parent: str | None, slot: str, index: int, depth: int) -> Iterator[Place]:
    step_id = id_of(module)
    yield Place(module, step_id, pointer, parent, slot, index, depth)
    for inner_slot, modules in slots(module).items():
        yield from _walk_list(modules, pointer + slot_pointer(inner_slot), step_id, inner_slot, depth + 1)


def id_of(module: Mapping[str, Any]) -> str:
    """The step id of a module, "" while it has none."""
    step_id = module.get("id")
    return step_id if isinstance(step_id, str) else ""


def kind_of(module: Mapping[str, Any]) -> str:
    """The `type` of the module's value ("rawscript", "forloopflow", …), "" when there is none."""
    value = module.get("value")
    kind = value.get("type") if isinstance(value, Mapping) else None
    return kind if isinstance(kind, str) else ""


def slots(module: Mapping[str, Any]) -> dict[str, list[Json]]:
    """The lists of modules that a container holds, by slot, in the order of the document; empty for a leaf.

    The lists are those of the document, not copies.
    """
    value = module.get("value")
    kind = kind_of(module)
    if not isinstance(value, Mapping) or kind not in CONTAINER_KINDS:
        return {}
    if kind in LOOP_KINDS:
        return {"modules": _list(value.get("modules"))}
    branches = _list(value.get("branches"))
    found = {f"branches/{i}": _list(b.get("modules")) for i, b in enumerate(branches) if isinstance(b, Mapping)}
    if kind == "branchone":
        found["default"] = _list(value.get("default"))
    return found


def slot_pointer(slot: str) -> str:
    """JSON pointer of a slot's list, relative to its module: "branches/0" is at "/value/branches/0/modules"."""
    return f"/value/{slot}/modules" if slot.startswith("branches/") else f"/value/{slot}"


def tools(module: Mapping[str, Any]) -> list[Json]:
    """The tools of an AI agent step: `{id, summary, value}` like modules; empty for any other kind."""
    value = module.get("value")
    if not isinstance(value, Mapping) or value.get("type") != "aiagent":
        return []
    return [tool for tool in _list(value.get("tools")) if isinstance(tool, dict)]


def inputs_pointer(module: Mapping[str, Any]) -> str:
    """Where the module's input transforms are, relative to it.

    They belong at `/value/input_transforms`. `input_transform` is an accepted alias, and old flows have them on the module.
    """
    value = module.get("value")
    inside = value if isinstance(value, Mapping) else {}
    for key in ("input_transforms", "input_transform"):
        if isinstance(inside.get(key), Mapping):
            return f"/value/{key}"
    for key in ("input_transforms", "input_transform"):
        if isinstance(module.get(key), Mapping):
            return f"/{key}"
    return "/value/input_transforms"


def inputs_of(module: Mapping[str, Any]) -> dict[str, Any]:
    """The module's input transforms by field, wherever the document keeps them; empty when there are none."""
    found: Any = module
    for key in inputs_pointer(module).split("/")[1:]:
        found = found.get(key) if isinstance(found, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def step_ids(flow: Mapping[str, Any]) -> set[str]:
    """All ids taken in the flow, those of AI agent tools included."""
    taken: set[str] = set()
    for place in walk(flow):
        taken.add(place.step_id)
        taken.update(id_of(tool) for tool in tools(place.module))
    taken.discard("")
    return taken


def valid_step_id(step_id: str) -> bool:
    """Whether the text can be a step id: letters, digits, `_` and `-`, and not one of the reserved ids."""
    return _VALID_ID.fullmatch(step_id) is not None and step_id not in RESERVED_IDS


def well_formed_id(step_id: str) -> bool:
    """Whether the text has only characters that a step id may have, reserved or not."""
    return _VALID_ID.fullmatch(step_id) is not None


def new_step_id(taken: AbstractSet[str]) -> str:
    """The first of a, b, …, z, aa, ab, … that is neither taken nor a word of JavaScript."""
    for number in count():
        step_id = _in_letters(number)
        if step_id not in taken and step_id not in _JS_WORDS:
            return step_id
    raise AssertionError("count() never ends")


def _in_letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = _LETTERS[letter] + letters
    return letters


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
