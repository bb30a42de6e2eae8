"""What this version cannot run yet, found before the first step starts: nothing of a flow is ever silently left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowapp.engine.errors import Unsupported
from flowapp.languages import by_name
from flowapp.openflow.agents import tool_type
from flowapp.openflow.walk import OWN_IDS, Place, tools, walk

RUNNABLE_KINDS = frozenset(
    {"rawscript", "script", "flow", "identity", "forloopflow", "whileloopflow", "branchone", "branchall", "aiagent"}
)


def check(flow: Mapping[str, Any], only: frozenset[str] | None = None) -> None:
    """Refuse a flow that asks for something missing here. `only`: just these top-level steps will run.

    Raises:
        Unsupported: names the step and what it asks for.
    """
    for problem in problems(flow, only):
        raise Unsupported(problem, "Remove it from the flow, or wait for a version that supports it.")


def problems(flow: Mapping[str, Any], only: frozenset[str] | None = None) -> Iterator[str]:
    """Everything about a flow that this version cannot run, in words."""
    value = flow.get("value")
    if not isinstance(value, Mapping) or not isinstance(value.get("modules"), list):
        yield "The document has no list of steps"
        return
    seen: set[tuple[str, str, str]] = set()
    inside, mocked = False, "-"
    for place in walk(flow):
        if place.depth == 0:
            inside = place.slot == "modules" and (only is None or place.step_id in only)
            inside = inside or (only is None and place.slot != "modules")
        if not inside or place.pointer.startswith(mocked):
            continue  # what a mocked step holds does not run
        if (place.module.get("mock") or {}).get("enabled"):
            mocked = f"{place.pointer}/"
        if place.slot not in ("failure", "preprocessor") and _is_taken(flow, place.step_id, only):
            yield f"A step has the id {place.step_id}, which is that of the flow's {OWN_IDS[place.step_id]}"
        where = (place.pointer.rsplit("/", 1)[0], place.step_id, place.slot)
        if place.slot not in ("failure", "preprocessor") and where in seen:
            yield f"Two steps in one list have the id {place.step_id}"
        seen.add(where)
        yield from _module_problems(place)


def _is_taken(flow: Mapping[str, Any], step_id: str, only: frozenset[str] | None) -> bool:
    """Whether a step has an id of the flow's own modules. One of those may be tried as a step, in a flow that lacks it."""
    return step_id in OWN_IDS and (only is None or bool(flow["value"].get(f"{step_id}_module")))


def _module_problems(place: Place) -> Iterator[str]:
    module, step = place.module, f"Step {place.step_id or '(without id)'}"
    value = module.get("value")
    if not isinstance(value, Mapping):
        yield f"{step} has no value"
        return
    kind = str(value.get("type"))
    if (module.get("mock") or {}).get("enabled"):
        return
    if kind == "aiagent":
        modules = [tool for tool in tools(module) if tool_type(tool) == "flowmodule"]
        for inside in walk({"value": {"modules": modules}}):
            yield from _module_problems(inside)
    elif kind not in RUNNABLE_KINDS:
        yield f"{step} is of the kind {kind}, which is not supported by this version"
    elif kind == "rawscript":
        yield from _script_problems(step, value)


def _script_problems(step: str, value: Mapping[str, Any]) -> Iterator[str]:
    name = str(value.get("language"))
    language = by_name(name)
    if language is None:
        yield f"{step} is written in {name}, which is not a known language"
    elif not language.runnable:
        reason = f": {language.missing}" if language.missing else ""
        yield f"{step} is written in {language.label}, which cannot run on this version yet{reason}"
