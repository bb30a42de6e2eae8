"""Lint of each step by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowapp.languages import by_name
from flowapp.openflow import agents
from flowapp.openflow.problems import Problem, escaped
from flowapp.openflow.rules import severity_of
from flowapp.openflow.walk import LOOP_KINDS, Place, inputs_of, inputs_pointer, kind_of, tools, walk

_PATH_STARTS = ("u/", "f/", "g/")


def step_problems(flow: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    """What is wrong with the settings of one step."""
    value = place.module.get("value")
    if not isinstance(value, Mapping):
        return
    kind = kind_of(place.module)
    if kind == "rawscript":
        yield from _raw_script(value, place, f"{place.pointer}/value")
    elif kind in ("script", "flow"):
        yield from _path(flow, value, place, f"{place.pointer}/value")
    elif kind == "aiagent":
        yield from _agent(flow, place)
    elif kind == "forloopflow":
        yield from _iterator(value, place)
    elif kind == "whileloopflow":
        yield from _while(place)
    elif kind == "branchone":
        yield from _predicates(value, place)
    yield from _inputs(place)
    yield from _options(flow, place, kind)


def _raw_script(value: Mapping[str, Any], place: Place, pointer: str) -> Iterator[Problem]:
    name = value.get("language")
    language = by_name(name) if isinstance(name, str) else None
    if language is None:
        yield _problem("language.unknown", f"{name!r} is not a language we know.", "", place, f"{pointer}/language")
    elif not language.runnable:
        yield _problem("language.not_runnable", language.why_not, "", place, f"{pointer}/language")
    content = value.get("content")
    if isinstance(content, str) and not content.strip():
        yield _problem(
            "code.empty", "There is no code.", "Write some, or delete the step.", place, f"{pointer}/content"
        )


def _path(flow: Mapping[str, Any], value: Mapping[str, Any], place: Place, pointer: str) -> Iterator[Problem]:
    path, kind = value.get("path"), value.get("type")
    if not isinstance(path, str):
        return
    at = f"{pointer}/path"
    starts = (*_PATH_STARTS, "hub/") if kind == "script" else _PATH_STARTS
    if not path:
        yield _problem("path.empty", f"No {kind} has been chosen.", f"Choose a {kind}.", place, at)
    elif path.startswith("/"):
        yield _problem(
            "path.absolute", f"The path {path} begins with a slash.", f"Write {path.lstrip('/')}.", place, at
        )
    elif not path.startswith(starts):
        hint = f"Paths begin with {', '.join(starts)}."
        yield _problem("path.shape", f"{path} is not the path of a {kind}.", hint, place, at)
    elif kind == "flow" and path == flow.get("path"):
        yield _problem("flow.cycle", "The flow calls itself.", "Call another flow, or use a loop.", place, at)


def _agent(flow: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    value, at = place.module["value"], f"{place.pointer}/value"
    given, fixed = inputs_of(place.module), agents.static_inputs(place.module)
    inputs = f"{place.pointer}{inputs_pointer(place.module)}"
    path = agents.agent_path(value)
    if path:
        yield from _linked(place, path, inputs)
    else:
        for field, message in agents.missing_inputs(given, fixed):
            yield _problem("agent.input_missing", message, "Set it.", place, inputs, field)
        for field, message in agents.input_problems(fixed):
            yield _problem("agent.unsupported", message, "", place, f"{inputs}/{field}", field)
    for pointer, message in agents.tool_problems(value):
        yield _problem("agent.unsupported", message, "", place, at + pointer)
    for pointer, message in agents.name_problems(place.module):
        yield _problem("agent.tool_name", message, "", place, at + pointer)
    for index, tool in enumerate(tools(place.module)):
        value, pointer = tool.get("value"), f"{place.pointer}/value/tools/{index}/value"
        if isinstance(value, Mapping) and value.get("type") == "rawscript":
            yield from _raw_script(value, place, pointer)
        elif isinstance(value, Mapping) and value.get("type") in ("script", "flow"):
            yield from _path(flow, value, place, pointer)


def _linked(place: Place, path: str, inputs: str) -> Iterator[Problem]:
    """A step whose agent is a resource."""
    if not path.startswith(("u/", "f/")):
        message = f"{path[:80]} is not the path of an agent."
        yield _problem(
            "path.shape", message, "Paths begin with u/, f/.", place, f"{place.pointer}/value/agent", "agent"
        )
    for field in agents.unused_inputs(place.module):
        message = f"{field} is decided by the agent {path}; what the step says is not used."
        yield _problem("agent.not_used", message, "Remove it.", place, f"{inputs}/{escaped(field)}", field)
    if place.module["value"].get("tools"):
        message = f"The tools are those of the agent {path}; the step's own are not used."
        hint = "Remove them, or add them to the resource."
        yield _problem("agent.not_used", message, hint, place, f"{place.pointer}/value/tools", "tools")


def _iterator(value: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    iterator, at = value.get("iterator"), f"{place.pointer}/value/iterator"
    shown = iterator if isinstance(iterator, Mapping) else {}
    if shown.get("type") == "static" and shown.get("value") is not None:
        if not isinstance(shown["value"], list) and not _is_reference(shown["value"]):
            message = "The loop goes over a value that is not a list."
            yield _problem("loop.iterator_not_list", message, "Give a list.", place, at, "iterator")
    elif not str(shown.get("expr") or "").strip():
        message = "The loop has nothing to go over."
        yield _problem("loop.iterator_missing", message, "Choose a list for it.", place, at, "iterator")


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("$res:", "$var:", "$jsonvar:", "$encrypted:"))


def _while(place: Place) -> Iterator[Problem]:
    inside = [inner.module for inner in walk({"value": {"modules": [place.module]}})]
    if not any(isinstance(module.get("stop_after_if"), Mapping) for module in inside):
        message = "Nothing stops this loop."
        yield _problem(
            "loop.endless", message, "Set a stop condition on the loop or on a step in it.", place, place.pointer
        )


def _predicates(value: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    branches = value.get("branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else []):
        if isinstance(branch, Mapping) and not str(branch.get("expr") or "").strip():
            field = f"branches/{index}/expr"
            message = f"Branch {index + 1} has no condition."
            yield _problem(
                "branch.no_predicate",
                message,
                "Write one, such as true.",
                place,
                f"{place.pointer}/value/{field}",
                field,
            )


def _inputs(place: Place) -> Iterator[Problem]:
    for field, transform in inputs_of(place.module).items():
        if isinstance(transform, Mapping) and transform.get("type") == "ai":
            at = f"{place.pointer}{inputs_pointer(place.module)}/{escaped(field)}"
            message = f"Only in the tools of an AI agent can a model fill in {field}; here it is left out."
            yield _problem("field.ai_outside_agent", message, "Give it a value or an expression.", place, at, field)


def _options(flow: Mapping[str, Any], place: Place, kind: str) -> Iterator[Problem]:
    module = place.module
    mock = module.get("mock")
    if isinstance(mock, Mapping) and mock.get("enabled") is True:
        message = f"Step {place.step_id} does not run: it returns a fixed value."
        yield _problem(
            "mock.enabled", message, "Switch the mock off before you deploy.", place, f"{place.pointer}/mock"
        )
    yield from retry_problems(place)
    suspend = module.get("suspend")
    if isinstance(suspend, Mapping) and not suspend.get("required_events"):
        message = "The step waits for no approval."
        hint = "Set the number of approvals to 1, or remove the setting."
        yield _problem("suspend.no_events", message, hint, place, f"{place.pointer}/suspend", "suspend")
    yield from _stops(place, kind)
    if _is_parallel(module, kind) and _flow_value(flow).get("same_worker") is True:
        message = "Steps that share a folder on one worker cannot run in parallel."
        hint = "Switch off the shared folder, or parallel running."
        yield _problem("worker.parallel", message, hint, place, f"{place.pointer}/value/parallel", "parallel")
    if place.slot == "failure" and kind not in ("rawscript", "script", ""):
        message = "A failure handler has to be a script."
        yield _problem("failure.kind", message, "Call the rest from the script.", place, f"{place.pointer}/value")


def retry_problems(place: Place) -> Iterator[Problem]:
    """Exponential retries that never wait."""
    retry = place.module.get("retry")
    exponential = retry.get("exponential") if isinstance(retry, Mapping) else None
    if isinstance(exponential, Mapping) and exponential.get("attempts") and not exponential.get("seconds"):
        message = "Exponential retries with 0 seconds never wait."
        hint = "Set the seconds to 1 or more, or use constant retries."
        at = f"{place.pointer}/retry/exponential/seconds"
        yield _problem("retry.exponential_zero", message, hint, place, at, "retry")


def _stops(place: Place, kind: str) -> Iterator[Problem]:
    module = place.module
    parallel = _is_parallel(module, kind)
    if isinstance(module.get("stop_after_if"), Mapping) and (kind == "branchall" or (parallel and kind in LOOP_KINDS)):
        message = "This stop condition is not evaluated: the iterations or branches do not run one by one."
        hint = "Use the condition for after all of them."
        yield _problem("stop.ignored", message, hint, place, f"{place.pointer}/stop_after_if", "stop_after_if")
    if isinstance(module.get("stop_after_all_iters_if"), Mapping) and kind not in (*LOOP_KINDS, "branchall"):
        message = "This stop condition is only evaluated on loops and on branches that all run."
        at = f"{place.pointer}/stop_after_all_iters_if"
        yield _problem("stop.ignored", message, "Use stop_after_if.", place, at, "stop_after_all_iters_if")


def _is_parallel(module: Mapping[str, Any], kind: str) -> bool:
    value = module.get("value")
    if not isinstance(value, Mapping) or kind not in ("forloopflow", "branchall"):
        return False
    given = value.get("parallel")
    return kind == "branchall" if given is None else given is True


def _flow_value(flow: Mapping[str, Any]) -> Mapping[str, Any]:
    value = flow.get("value")
    return value if isinstance(value, Mapping) else {}


def _problem(rule: str, message: str, hint: str, place: Place, pointer: str, field: str | None = None) -> Problem:
    return Problem(rule, severity_of(rule), message, hint, pointer, place.step_id or None, field)
