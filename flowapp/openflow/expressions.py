"""Every expression of a flow with its place, and renaming a step throughout a flow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from flowapp.openflow import references
from flowapp.openflow.problems import escaped
from flowapp.openflow.walk import Place, id_of, inputs_of, inputs_pointer, kind_of, tools, walk

# Fields of a module that hold `{expr: …}`, whether or not they are input transforms, by their path below the module.
_AFTER_RUN = ("stop_after_if", "stop_after_all_iters_if", "retry/retry_if", "sleep", "suspend/user_groups_required")
_BEFORE_RUN = ("skip_if", "timeout", "value/iterator", "value/parallelism")
_OWN = tuple((path, tuple(path.split("/"))) for path in (*_BEFORE_RUN, *_AFTER_RUN))

AFTER_RUN_FIELDS = frozenset({"stop_after_if", "stop_after_all_iters_if", "retry_if", "sleep", "user_groups_required"})
"""Names of fields whose expressions are evaluated when the step itself has run, so that they may read its result."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression and where it is written."""

    text: str
    step_id: str | None
    """None for an expression of the flow itself."""
    field: str
    """The input's name, or "iterator", "parallelism", "timeout", "skip_if", "branches/<i>/expr", "skip_expr", …"""
    pointer: str
    """JSON pointer of the string."""
    is_input: bool = False
    """It is an input transform of the step (or of an agent's tool)."""
    predicate: bool = False
    """It is read as true or false."""
    tool_id: str | None = None
    """The tool of an AI agent step that it belongs to."""


Written: TypeAlias = list[tuple[Place, list[Expression]]]
"""The steps of a flow, each with its expressions."""


def written_in(flow: Mapping[str, Any]) -> Written:
    """Every step of the flow with its expressions, in document order."""
    return [(place, list(expressions_of(place))) for place in walk(flow)]


def expressions(flow: Mapping[str, Any]) -> Iterator[Expression]:
    """Every expression of the flow, in the order of its modules."""
    value = flow.get("value")
    skip = value.get("skip_expr") if isinstance(value, Mapping) else None
    if isinstance(skip, str):
        yield Expression(skip, None, "skip_expr", "/value/skip_expr", predicate=True)
    for place in walk(flow):
        yield from expressions_of(place)


def expressions_of(place: Place) -> Iterator[Expression]:
    """The expressions of one module; those of modules inside it are not among them, those of an agent's tools are."""
    module, step_id = place.module, place.step_id
    yield from _inputs(module, place.pointer, step_id, None)
    for path, keys in _OWN:
        text = _expr_at(module, keys)
        if text is not None:
            field = keys[-1]
            predicate = field in ("skip_if", "retry_if", "stop_after_if", "stop_after_all_iters_if")
            yield Expression(text, step_id, field, f"{place.pointer}/{path}/expr", predicate=predicate)
    if kind_of(module) == "branchone":
        for index, branch in enumerate(_list(module["value"].get("branches"))):
            text = branch.get("expr") if isinstance(branch, Mapping) else None
            if isinstance(text, str):
                pointer = f"{place.pointer}/value/branches/{index}/expr"
                yield Expression(text, step_id, f"branches/{index}/expr", pointer, predicate=True)
    yield from _of_tools(place)


def _of_tools(place: Place) -> Iterator[Expression]:
    for tool in tools(place.module):
        index = next(i for i, item in enumerate(place.module["value"]["tools"]) if item is tool)
        yield from _inputs(tool, f"{place.pointer}/value/tools/{index}", place.step_id, id_of(tool))
    bound = place.module["value"].get("tool_inputs") if kind_of(place.module) == "aiagent" else None
    yield from _nested(bound, f"{place.pointer}/value/tool_inputs", place.step_id)


def _nested(value: object, pointer: str, step_id: str) -> Iterator[Expression]:
    """`tool_inputs` binds the inputs of shared tools, some levels deep: find the transforms wherever they are."""
    if not isinstance(value, Mapping):
        return
    if value.get("type") == "javascript" and isinstance(value.get("expr"), str):
        yield Expression(value["expr"], step_id, "tool_inputs", f"{pointer}/expr", is_input=True)
        return
    for key, item in value.items():
        yield from _nested(item, f"{pointer}/{escaped(key)}", step_id)


def _inputs(module: Mapping[str, Any], pointer: str, step_id: str, tool_id: str | None) -> Iterator[Expression]:
    base = pointer + inputs_pointer(module)
    for field, transform in inputs_of(module).items():
        if isinstance(transform, Mapping) and transform.get("type") == "javascript":
            text = transform.get("expr")
            if isinstance(text, str):
                at = f"{base}/{escaped(field)}/expr"
                yield Expression(text, step_id, field, at, is_input=True, tool_id=tool_id)


def _expr_at(module: Mapping[str, Any], path: tuple[str, ...]) -> str | None:
    here: Any = module
    for key in path:
        here = here.get(key)
        if not isinstance(here, dict):  # on most steps at once: they have no such setting
            return None
    text = here.get("expr")
    return text if isinstance(text, str) and here.get("type", "javascript") == "javascript" else None


@dataclass(frozen=True, slots=True)
class Renamed:
    """A flow in which a step has another id."""

    flow: dict[str, Any]
    changed: tuple[Expression, ...]
    """The expressions that refer to the step, as they are now."""


def rename_step(flow: Mapping[str, Any], old: str, new: str) -> Renamed:
    """A copy of the flow with step `old` called `new`, wherever it is mentioned.

    That is the module's id, every reference in an expression, `early_return`, and the editor's groups and notes.
    """
    return rename_steps(flow, {old: new})


def rename_steps(flow: Mapping[str, Any], names: Mapping[str, str]) -> Renamed:
    """The same for many steps: old id → new id, of which none is one of the old ones."""
    copy: dict[str, Any] = json.loads(json.dumps(flow))
    changed: list[Expression] = []
    for expression in list(expressions(copy)):
        text = expression.text
        for old in [step for step in references.steps_in(text) if step in names]:
            text = references.rename(text, old, names[old])
        if text != expression.text:
            _set(copy, expression.pointer, text)
            step_id = expression.step_id and names.get(expression.step_id, expression.step_id)
            changed.append(replace(expression, text=text, step_id=step_id))
    for place in walk(copy):
        if place.step_id in names:
            place.module["id"] = names[place.step_id]
    _rename_mentions(copy.get("value"), names)
    return Renamed(copy, tuple(changed))


def _rename_mentions(value: object, names: Mapping[str, str]) -> None:
    if not isinstance(value, dict):
        return
    groups = [group for group in _list(value.get("groups")) if isinstance(group, dict)]
    for holder, key in ((value, "early_return"), *((group, key) for group in groups for key in ("start_id", "end_id"))):
        if key in holder:
            holder[key] = _called(holder[key], names)
    for note in _list(value.get("notes")):
        ids = note.get("contained_node_ids") if isinstance(note, dict) else None
        if isinstance(ids, list):
            note["contained_node_ids"] = [_called(step_id, names) for step_id in ids]


def _called(step_id: Any, names: Mapping[str, str]) -> Any:
    return names.get(step_id, step_id) if isinstance(step_id, str) else step_id


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _set(document: dict[str, Any], pointer: str, text: str) -> None:
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    here: Any = document
    for key in keys[:-1]:
        here = here[int(key)] if isinstance(here, list) else here[key]
    here[keys[-1]] = text
