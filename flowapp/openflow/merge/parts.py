"""The parts of which a module, or something else of a flow, consists; and the same put together again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.openflow.merge.types import ABSENT, Json, Part
from flowapp.openflow.walk import CONTAINER_KINDS, LOOP_KINDS, inputs_of, inputs_pointer, kind_of

CODE, LOCK, TITLE, STAND_IN, NAME = (Part(kind) for kind in ("code", "lock", "title", "stand_in", "name"))
#: Made by the server or by a notebook for itself: no change that anybody has to know of.
VOLATILE = frozenset({"lock", "stand_in"})
_CODE_KEYS = ("type", "language", "content", "path", "hash")
_OF_MODULE = frozenset({"id", "summary", "value", "mock"})


def structure_keys(kind: str) -> frozenset[str]:
    """The keys of a container's value under which its modules are; none for a leaf."""
    if kind not in CONTAINER_KINDS:
        return frozenset()
    return frozenset({"modules"} if kind in LOOP_KINDS else {"branches", "default"})


def parts_of_module(module: Mapping[str, Any]) -> dict[Part, Any]:
    """All of a module but its id and the modules nested in it."""
    value = module.get("value")
    inside: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    wires = inputs_pointer(module)
    found: dict[Part, Any] = {CODE: {key: inside[key] for key in _CODE_KEYS if key in inside}}
    if "lock" in inside:
        found[LOCK] = inside["lock"]
    found |= {Part("input", field): transform for field, transform in inputs_of(module).items()}
    left_out = {*_CODE_KEYS, "lock", *structure_keys(kind_of(module))}
    pointers = {f"/value/{key}": item for key, item in inside.items() if key not in left_out}
    pointers |= {f"/{key}": item for key, item in module.items() if key not in _OF_MODULE}
    found |= {Part("setting", at): item for at, item in pointers.items() if at != wires or not isinstance(item, dict)}
    if "summary" in module:
        found[TITLE] = module["summary"]
    if "mock" in module:
        found[STAND_IN] = module["mock"]
    return found


def module_of(template: Mapping[str, Any], parts: Mapping[Part, Any]) -> Json:
    """A module of these parts, with the keys in the order of `template`; no modules are nested in it yet."""
    module: Json = dict(template)
    value = template.get("value")
    module["value"] = dict(value) if isinstance(value, Mapping) else {}
    for key in structure_keys(kind_of(template)):
        module["value"].pop(key, None)
    wires = inputs_pointer(template).split("/")[1:]
    holder = module if len(wires) == 1 else module["value"]
    transforms = {part.name: item for part, item in parts.items() if part.kind == "input"}
    if transforms or isinstance(holder.get(wires[-1]), Mapping):
        old = inputs_of(template)
        kept = {field: transforms[field] for field in old if field in transforms}
        holder[wires[-1]] = {**kept, **transforms}
    for part in (part for part in parts_of_module(template) if part.kind != "input"):
        if part not in parts:
            _put(module, part, ABSENT)
    for part, item in parts.items():
        if part.kind != "input":
            _put(module, part, item)
    return module


def parts_of_record(record: Mapping[str, Any], left_out: frozenset[str] = frozenset()) -> dict[Part, Any]:
    """Each key of an object as a setting, but for those that are left out."""
    return {Part("setting", f"/{key}"): item for key, item in record.items() if key not in left_out}


def record_of(template: Mapping[str, Any], parts: Mapping[Part, Any], left_out: frozenset[str] = frozenset()) -> Json:
    """An object of these settings, with the keys in the order of `template`."""
    given = {part.name[1:]: item for part, item in parts.items() if part.kind == "setting"}
    kept = {key: given.get(key, item) for key, item in template.items() if key in given or key in left_out}
    return {**kept, **given}


def _put(module: Json, part: Part, item: Any) -> None:
    match part.kind:
        case "code":
            for key in _CODE_KEYS:
                _set(module["value"], key, ABSENT if item is ABSENT else item.get(key, ABSENT))
        case "lock":
            _set(module["value"], "lock", item)
        case "title":
            _set(module, "summary", item)
        case "stand_in":
            _set(module, "mock", item)
        case "setting" if part.name.startswith("/value/"):
            _set(module["value"], part.name.removeprefix("/value/"), item)
        case "setting":
            _set(module, part.name[1:], item)


def _set(holder: Json, key: str, item: Any) -> None:
    if item is ABSENT:
        holder.pop(key, None)
    else:
        holder[key] = item
