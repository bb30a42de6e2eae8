"""Lint of the settings of steps and of the flow: values that cannot work, and settings without an effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from flowapp.openflow import references
from flowapp.openflow.approval_extras import KEY, ExtrasInvalid, extras_of
from flowapp.openflow.expressions import expressions
from flowapp.openflow.problems import Problem
from flowapp.openflow.rules import severity_of
from flowapp.openflow.walk import Place, inputs_of, kind_of

#: Settings of a module that hold one condition, and the rule for an empty one.
_CONDITIONS = {
    "stop_after_if": "stop.expr_empty",
    "stop_after_all_iters_if": "stop.expr_empty",
    "skip_if": "skip.expr_empty",
}
_LARGEST_PRIORITY = 100
_SCRIPTS = frozenset({"rawscript", "script"})
_WITHOUT_INPUTS = frozenset({"forloopflow", "whileloopflow", "branchone", "branchall", "aiagent"})
_COMPUTED = frozenset({"variable", "resource"})
"""Among the names that an expression uses when their path is computed."""


class _Found:
    """Makes the problems of one step, or of the flow itself."""

    def __init__(self, place: Place | None) -> None:
        self._place = place
        self._base = place.pointer if place is not None else "/value"

    def __call__(self, rule: str, message: str, hint: str, path: str, field: str | None = None) -> Problem:
        step_id = (self._place.step_id or None) if self._place is not None else None
        named = field or path.split("/")[-1]
        return Problem(rule, severity_of(rule), message, hint, f"{self._base}/{path}", step_id, named)


def setting_problems(place: Place, *, last: bool) -> Iterator[Problem]:
    """What is wrong with the settings of one step. `last`: nothing comes after it in its list."""
    module, found = place.module, _Found(place)
    value = module.get("value")
    if not isinstance(value, Mapping):
        return
    yield from _conditions(module, found)
    yield from _retry(module, found)
    yield from _suspend(module, found)
    yield from _seconds(module, found)
    yield from _cache(module, found)
    if kind_of(module) not in _SCRIPTS:
        yield from _unforeseen(module, {"value": {"modules": [module]}}, found)
    yield from _priority(module, found)
    yield from _concurrency(value, found, "value/", "custom_concurrency_key")
    if isinstance(module.get("debouncing"), Mapping):
        yield from _debouncing(module["debouncing"], found, "debouncing/")
        yield from _collected_by_step(module, module["debouncing"], found)
        yield from _key_of_inputs(module, found)
    yield from _loop(value, kind_of(module), found)
    if last and module.get("continue_on_error") is True and place.slot not in ("failure", "preprocessor"):
        message = "Nothing comes after this step, so its error fails the flow all the same."
        yield found("continue_on_error.last", message, "Switch it off, or put a step after it.", "continue_on_error")
    if value.get("is_trigger") is True and (place.depth or place.index or place.slot != "modules"):
        message = "Only the first step of a flow can be its trigger."
        yield found("trigger.not_first", message, "Move it to the top, or switch the trigger off.", "value/is_trigger")


def flow_setting_problems(flow: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the settings of the flow itself."""
    value, found = flow.get("value"), _Found(None)
    if not isinstance(value, Mapping):
        return
    if isinstance(value.get("skip_expr"), str) and not value["skip_expr"].strip():
        yield found("skip.expr_empty", "The condition for skipping a run is empty.", "Write one.", "skip_expr")
    yield from _cache(value, found)
    yield from _unforeseen(value, flow, found)
    yield from _priority(value, found)
    yield from _seconds(value, found)
    yield from _concurrency(value, found, "", "concurrency_key")
    yield from _debouncing(value, found, "")
    yield from _collected(flow, value, found)
    preprocessor = value.get("preprocessor_module")
    if isinstance(preprocessor, Mapping) and kind_of(preprocessor) not in ("rawscript", "script", ""):
        message = "A preprocessor has to be a script."
        yield found("preprocessor.kind", message, "Call the rest from the script.", "preprocessor_module/value")


def _conditions(module: Mapping[str, Any], found: _Found) -> Iterator[Problem]:
    for field, rule in _CONDITIONS.items():
        condition = module.get(field)
        if isinstance(condition, Mapping) and not str(condition.get("expr") or "").strip():
            hint = "Write one that is true or false, or remove the setting."
            yield found(rule, "The condition is empty.", hint, f"{field}/expr", field)


def _retry(module: Mapping[str, Any], found: _Found) -> Iterator[Problem]:
    retry = module.get("retry")
    if not isinstance(retry, Mapping):
        return
    parts = {name: part for name in ("constant", "exponential") if isinstance(part := retry.get(name), Mapping)}
    numbers = [(name, key, part.get(key)) for name, part in parts.items() for key in ("attempts", "seconds")]
    for name, key, number in numbers:
        if _number(number) and number < 0:
            message = f"A retry cannot have {number} {key}."
            yield found("retry.negative", message, "Give 0 or more.", f"retry/{name}/{key}", "retry")
    factor = parts.get("exponential", {}).get("random_factor")
    if _number(factor) and not 0 <= factor <= 100:
        message = f"Waits cannot be spread by {factor} per cent."
        hint = "Give a number from 0 to 100."
        yield found("retry.random_factor", message, hint, "retry/exponential/random_factor", "retry")
    if not any(part.get("attempts") for part in parts.values()):
        message = "The step is set to be retried, 0 times."
        yield found("retry.no_attempts", message, "Set the attempts to 1 or more, or remove the setting.", "retry")
    condition = retry.get("retry_if")
    if isinstance(condition, Mapping) and not str(condition.get("expr") or "").strip():
        message = "The condition for a retry is empty, so there is none."
        yield found("retry.expr_empty", message, "Write one, or remove it.", "retry/retry_if/expr", "retry_if")


def _suspend(module: Mapping[str, Any], found: _Found) -> Iterator[Problem]:
    suspend = module.get("suspend")
    if not isinstance(suspend, Mapping):
        return
    events, timeout = suspend.get("required_events"), suspend.get("timeout")
    if _number(events) and events < 0:
        message, at = f"{events} approvals cannot be waited for.", "suspend/required_events"
        yield found("suspend.negative", message, "Set the number of approvals to 1 or more.", at, "suspend")
    if _number(timeout) and timeout <= 0:
        message = "The wait for approval is over before anybody can answer."
        hint = "Give a number of seconds above 0, or none for half an hour."
        yield found("suspend.timeout", message, hint, "suspend/timeout", "suspend")
    form = suspend.get("resume_form")
    schema = form.get("schema") if isinstance(form, Mapping) else None
    if isinstance(schema, Mapping) and not isinstance(schema.get("properties", {}), Mapping):
        message = "The form of the approval has no list of fields."
        yield found("suspend.form", message, "Make the form anew.", "suspend/resume_form/schema", "suspend")
    if suspend.get("self_approval_disabled") is True and suspend.get("user_auth_required") is not True:
        message = "Nobody is asked to sign in, so whoever started the run can approve it by the link."
        at = "suspend/self_approval_disabled"
        yield found("suspend.self_approval", message, "Require signing in too.", at, "suspend")
    try:
        extras_of(suspend.get(KEY))
    except ExtrasInvalid as error:
        yield found("suspend.extras", error.message, error.hint, f"suspend/{KEY}", "suspend")


def _seconds(holder: Mapping[str, Any], found: _Found) -> Iterator[Problem]:
    timeout = _fixed(holder.get("timeout"))
    if timeout is not None and (not _number(timeout) or timeout <= 0):
        message = "The time limit is not a number of seconds above 0."
        yield found("timeout.invalid", message, "Give a number such as 60.", "timeout")
    sleep = holder.get("sleep")
    if isinstance(sleep, Mapping):
        seconds = _fixed(sleep)
        empty = sleep.get("type") == "javascript" and not str(sleep.get("expr") or "").strip()
        if empty or (sleep.get("type") == "static" and (not _number(seconds) or seconds < 0)):
            message = "The sleep is not a number of seconds."
            yield found("sleep.invalid", message, "Give a number such as 10, or an expression.", "sleep")
    after = holder.get("delete_after_secs")
    if _number(after) and after < 0:
        message = "Data cannot be deleted before the run has ended."
        yield found("delete_after.negative", message, "Give 0 seconds or more.", "delete_after_secs")


def _cache(holder: Mapping[str, Any], found: _Found) -> Iterator[Problem]:
    seconds, value = holder.get("cache_ttl"), holder.get("value")
    if not _number(seconds) or seconds == 0:
        return
    if seconds < 0:
        message = f"A result cannot be kept for {seconds} seconds."
        yield found("cache.negative", message, "Give a number of seconds above 0.", "cache_ttl")
    elif isinstance(value, Mapping) and value.get("is_trigger") is True:
        message = "A trigger whose result is reused finds nothing new."
        yield found("cache.trigger", message, "Remove the cache.", "cache_ttl")


def _unforeseen(holder: Mapping[str, Any], inside: Mapping[str, Any], found: _Found) -> Iterator[Problem]:
    """The cache of what is made of several steps counts the variables and resources that they read, by their names."""
    seconds = holder.get("cache_ttl")
    if not _number(seconds) or seconds <= 0:
        return
    for expression in expressions(inside):
        if references.find(expression.text).names & _COMPUTED:
            where = f"step {expression.step_id}" if expression.step_id else "the flow's condition"
            message = f"The result is never reused: {where} reads a variable or resource whose path is worked out."
            hint = "Write the path out, as in variable('f/team/name'), or remove the cache."
            yield found("cache.unforeseen", message, hint, "cache_ttl")
            return


def _priority(holder: Mapping[str, Any], found: _Found) -> Iterator[Problem]:
    priority = holder.get("priority")
    if _number(priority) and not 0 <= priority <= _LARGEST_PRIORITY:
        message = f"There is no priority {priority}."
        yield found("priority.range", message, "Give a number from 0 to 100; higher goes first.", "priority")


def _concurrency(holder: Mapping[str, Any], found: _Found, at: str, key: str) -> Iterator[Problem]:
    limit, window = holder.get("concurrent_limit"), holder.get("concurrency_time_window_s")
    if _number(limit) and limit < 1:
        message = f"At most {limit} at a time means never."
        yield found("concurrency.limit", message, "Give 1 or more, or remove the limit.", f"{at}concurrent_limit")
    if _number(window) and window < 0:
        message = "The time window of the concurrency limit is below 0 seconds."
        yield found("concurrency.window", message, "Give 0 or more.", f"{at}concurrency_time_window_s")
    if limit is None and (window is not None or holder.get(key)):
        message = "A time window or a key for concurrency is set, and no limit."
        here = f"{at}{key if window is None else 'concurrency_time_window_s'}"
        yield found("concurrency.no_limit", message, "Set the limit, or remove them.", here)


def _debouncing(holder: Mapping[str, Any], found: _Found, at: str) -> Iterator[Problem]:
    delay = holder.get("debounce_delay_s")
    rest = ("debounce_key", "debounce_args_to_accumulate", "max_total_debouncing_time", "max_total_debounces_amount")
    if _number(delay) and delay <= 0:
        message = f"Starts cannot be debounced by {delay} seconds."
        yield found("debounce.delay", message, "Give a number of seconds above 0.", f"{at}debounce_delay_s")
    set_ones = [key for key in rest if holder.get(key)]
    if not delay and set_ones:
        message = "Debouncing has no delay, so it does nothing."
        yield found("debounce.no_delay", message, "Set the delay, or remove the rest.", f"{at}{set_ones[0]}")
    for key in rest[2:]:
        most = holder.get(key)
        if _number(most) and most <= 0:
            message = "The most of debouncing has to be above 0."
            yield found("debounce.most", message, "Give 1 or more.", f"{at}{key}")


def _collected(flow: Mapping[str, Any], value: Mapping[str, Any], found: _Found) -> Iterator[Problem]:
    names, schema = value.get("debounce_args_to_accumulate"), flow.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(names, list) or not isinstance(properties, Mapping):
        return
    for name in names:
        if isinstance(name, str) and name not in properties:
            message = f"The flow has no input {name} to collect while starts are debounced."
            yield found("debounce.unknown_input", message, "Choose another input.", "debounce_args_to_accumulate")


def _collected_by_step(module: Mapping[str, Any], settings: Mapping[str, Any], found: _Found) -> Iterator[Problem]:
    names, value = settings.get("debounce_args_to_accumulate"), module.get("value")
    direct = [holder.get("pass_flow_input_directly") for holder in (module, value) if isinstance(holder, Mapping)]
    if not isinstance(names, list) or any(direct):
        return
    for name in names:
        if isinstance(name, str) and name not in inputs_of(module):
            message = f"The step has no input {name} to collect while it waits for more starts."
            at = "debouncing/debounce_args_to_accumulate"
            yield found("debounce.unknown_input", message, "Choose another input.", at)


def _key_of_inputs(module: Mapping[str, Any], found: _Found) -> Iterator[Problem]:
    key = module["debouncing"].get("debounce_key")
    if isinstance(key, str) and "$args[" in key and kind_of(module) in _WITHOUT_INPUTS:
        message = "Loops, branches and AI agents have no inputs that the key could name, so it is the same for all."
        hint = "Write a key without $args, or debounce the step inside that has the input."
        yield found("debounce.no_inputs", message, hint, "debouncing/debounce_key")


def _loop(value: Mapping[str, Any], kind: str, found: _Found) -> Iterator[Problem]:
    if kind != "forloopflow":
        return
    most = _fixed(value.get("parallelism"))
    if most is None:
        return
    if not _number(most) or most < 1:
        message = "The number of iterations at a time is not 1 or more."
        yield found("loop.parallelism", message, "Give 1 or more, or none for all at once.", "value/parallelism")
    elif value.get("parallel") is not True:
        message = "The iterations run one by one, so the number at a time has no effect."
        yield found("loop.parallelism_ignored", message, "Switch parallel on, or remove it.", "value/parallelism")


def _fixed(value: object) -> Any:
    """The number that a plain value or a static transform gives; None for an expression or nothing."""
    if isinstance(value, Mapping):
        return value.get("value") if value.get("type") == "static" else None
    return value


def _number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
