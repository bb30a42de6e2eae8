"""What this version cannot run yet, found before the first step starts: nothing of a flow is ever silently left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowapp.engine.errors import Unsupported
from flowapp.languages import by_name
from flowapp.openflow.walk import Place, walk

RUNNABLE_KINDS = frozenset({"rawscript", "identity", "forloopflow", "whileloopflow", "branchone", "branchall"})
_KINDS = {
    "script": "runs the script {path}, and steps that call stored scripts are not supported by this version",
    "flow": "runs the flow {path}, and steps that call other flows are not supported by this version",
    "aiagent": "is an AI agent, which is not supported by this version",
}
_FLOW_FIELDS = {
    "concurrent_limit": "a concurrency limit (concurrent_limit)",
    "debounce_delay_s": "debouncing (debounce_delay_s)",
    "cache_ttl": "caching of the whole flow's result (cache_ttl)",
    "delete_after_use": "deleting data after the run (delete_after_use)",
    "delete_after_secs": "deleting data after the run (delete_after_secs)",
}
_MODULE_FIELDS = {
    "delete_after_use": "deleting data after the run (delete_after_use)",
    "delete_after_secs": "deleting data after the run (delete_after_secs)",
    "debouncing": "debouncing",
    "apply_preprocessor": "a preprocessor of its own (apply_preprocessor)",
}
_SCRIPT_FIELDS = {"tag": "a worker of its own (tag)", "concurrent_limit": "a concurrency limit (concurrent_limit)"}


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
    if only is None:
        for field, words in _FLOW_FIELDS.items():
            if value.get(field):
                yield f"The flow asks for {words}, which is not supported by this version"
    seen: set[tuple[str, str, str]] = set()
    inside = False
    for place in walk(flow):
        if place.depth == 0:
            inside = place.slot == "modules" and (only is None or place.step_id in only)
            inside = inside or (only is None and place.slot == "failure")
        if not inside:
            continue
        where = (place.pointer.rsplit("/", 1)[0], place.step_id, place.slot)
        if place.slot not in ("failure", "preprocessor") and where in seen:
            yield f"Two steps in one list have the id {place.step_id}"
        seen.add(where)
        yield from _module_problems(place, flow)


def _module_problems(place: Place, flow: Mapping[str, Any]) -> Iterator[str]:
    module, step = place.module, f"Step {place.step_id or '(without id)'}"
    value = module.get("value")
    if not isinstance(value, Mapping):
        yield f"{step} has no value"
        return
    kind = str(value.get("type"))
    if (module.get("mock") or {}).get("enabled"):
        return
    if kind in _KINDS:
        yield f"{step} {_KINDS[kind].format(path=value.get('path') or '(no path)')}"
    elif kind not in RUNNABLE_KINDS:
        yield f"{step} is of the kind {kind}, which is not supported by this version"
    elif kind == "rawscript":
        yield from _script_problems(step, value)
    for field, words in _MODULE_FIELDS.items():
        if module.get(field):
            yield f"{step} asks for {words}, which is not supported by this version"
    if module.get("cache_ttl") and kind != "rawscript":
        yield f"{step} asks for caching (cache_ttl), which this version supports for scripts only"
    events = (module.get("suspend") or {}).get("required_events")
    if events:
        yield f"{step} waits for approval, which is not supported by this version"


def _script_problems(step: str, value: Mapping[str, Any]) -> Iterator[str]:
    name = str(value.get("language"))
    language = by_name(name)
    if language is None:
        yield f"{step} is written in {name}, which is not a known language"
    elif not language.runnable:
        yield f"{step} is written in {language.label}, which cannot run on this version yet"
    for field, words in _SCRIPT_FIELDS.items():
        if value.get(field):
            yield f"{step} asks for {words}, which is not supported by this version"
