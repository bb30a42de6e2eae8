"""Lint of settings: each rule finds what it says, in the place it says, and sound settings have no problems."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.openflow.lint import lint
from flowapp.openflow.rules import severity_of
from tests.unit.openflow.test_lint import flow, js, loop, script

FORM = {"schema": {"type": "object", "properties": {"why": {"type": "string"}}}}
SOUND: dict[str, Any] = {
    "retry": {
        "constant": {"attempts": 2, "seconds": 0},
        "exponential": {"attempts": 3, "multiplier": 1, "seconds": 2, "random_factor": 10},
        "retry_if": {"expr": "error.name == 'Timeout'"},
    },
    "continue_on_error": True,
    "timeout": {"type": "static", "value": 60},
    "stop_after_if": {"expr": "!result", "error_message": ""},
    "skip_if": {"expr": "false"},
    "suspend": {"required_events": 1, "timeout": 60, "resume_form": FORM, "user_auth_required": True,
                "self_approval_disabled": True},
    "sleep": js("1 + 1"),
    "cache_ttl": 60,
    "priority": 100,
    "delete_after_secs": 0,
    "debouncing": {"debounce_delay_s": 5, "debounce_key": "x", "max_total_debounces_amount": 3},
}  # fmt: skip
SOUND_FLOW: dict[str, Any] = {
    "skip_expr": "false",
    "cache_ttl": 60,
    "priority": 0,
    "concurrent_limit": 1,
    "concurrency_time_window_s": 0,
    "concurrency_key": "$args[n]",
    "debounce_delay_s": 1,
    "debounce_args_to_accumulate": ["n"],
    "delete_after_secs": 5,
    "early_return": "a",
    "flow_env": {"region": "eu"},
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def test_sound_settings_have_no_problems() -> None:
    limited = script("a", **SOUND)
    limited["value"] |= {"concurrent_limit": 2, "concurrency_time_window_s": 60, "custom_concurrency_key": "k"}
    limited["value"] |= {"is_trigger": False}
    parallel = loop("b", script("c"), parallel=True, parallelism=4)
    assert lint(flow(limited, parallel, schema=SCHEMA, **SOUND_FLOW)) == []


@pytest.mark.parametrize(
    ("rule", "pointer", "field", "settings"),
    [
        ("retry.negative", "retry/constant/attempts", "retry", {"retry": {"constant": {"attempts": -1}}}),
        ("retry.negative", "retry/constant/seconds", "retry", {"retry": {"constant": {"attempts": 1, "seconds": -1}}}),
        ("retry.random_factor", "retry/exponential/random_factor", "retry",
         {"retry": {"exponential": {"attempts": 1, "seconds": 1, "random_factor": 101}}}),
        ("retry.no_attempts", "retry", "retry", {"retry": {}}),
        ("retry.expr_empty", "retry/retry_if/expr", "retry_if",
         {"retry": {"constant": {"attempts": 1}, "retry_if": {"expr": " "}}}),
        ("suspend.negative", "suspend/required_events", "suspend", {"suspend": {"required_events": -1}}),
        ("suspend.timeout", "suspend/timeout", "suspend", {"suspend": {"required_events": 1, "timeout": 0}}),
        ("suspend.form", "suspend/resume_form/schema", "suspend",
         {"suspend": {"required_events": 1, "resume_form": {"schema": {"properties": []}}}}),
        ("suspend.self_approval", "suspend/self_approval_disabled", "suspend",
         {"suspend": {"required_events": 1, "self_approval_disabled": True}}),
        ("stop.expr_empty", "stop_after_if/expr", "stop_after_if", {"stop_after_if": {"expr": ""}}),
        ("skip.expr_empty", "skip_if/expr", "skip_if", {"skip_if": {"expr": " "}}),
        ("timeout.invalid", "timeout", "timeout", {"timeout": 0}),
        ("timeout.invalid", "timeout", "timeout", {"timeout": {"type": "static", "value": "5"}}),
        ("sleep.invalid", "sleep", "sleep", {"sleep": {"type": "static", "value": -1}}),
        ("sleep.invalid", "sleep", "sleep", {"sleep": {"type": "static"}}),
        ("sleep.invalid", "sleep", "sleep", {"sleep": js("")}),
        ("cache.negative", "cache_ttl", "cache_ttl", {"cache_ttl": -1}),
        ("priority.range", "priority", "priority", {"priority": 101}),
        ("delete_after.negative", "delete_after_secs", "delete_after_secs", {"delete_after_secs": -1}),
        ("debounce.delay", "debouncing/debounce_delay_s", "debounce_delay_s", {"debouncing": {"debounce_delay_s": -1}}),
        ("debounce.no_delay", "debouncing/debounce_key", "debounce_key", {"debouncing": {"debounce_key": "k"}}),
        ("debounce.most", "debouncing/max_total_debouncing_time", "max_total_debouncing_time",
         {"debouncing": {"debounce_delay_s": 1, "max_total_debouncing_time": -1}}),
        ("debounce.unknown_input", "debouncing/debounce_args_to_accumulate", "debounce_args_to_accumulate",
         {"debouncing": {"debounce_delay_s": 1, "debounce_args_to_accumulate": ["gone"]}}),
    ],
)  # fmt: skip
def test_settings_of_a_step(rule: str, pointer: str, field: str, settings: dict[str, Any]) -> None:
    problems = [
        problem
        for problem in lint(flow(script("z"), script("a", **settings), script("b")))
        if not problem.rule.startswith("expr.")
    ]
    assert [(p.rule, p.step_id, p.pointer, p.field) for p in problems] == [
        (rule, "a", f"/value/modules/1/{pointer}", field)
    ]
    assert problems[0].severity == severity_of(rule)
    assert problems[0].message and problems[0].hint


@pytest.mark.parametrize(
    ("rule", "field", "settings"),
    [
        ("concurrency.limit", "concurrent_limit", {"concurrent_limit": 0}),
        ("concurrency.window", "concurrency_time_window_s", {"concurrent_limit": 1, "concurrency_time_window_s": -1}),
        ("concurrency.no_limit", "concurrency_time_window_s", {"concurrency_time_window_s": 5}),
        ("cache.negative", "cache_ttl", {"cache_ttl": -5}),
        ("skip.expr_empty", "skip_expr", {"skip_expr": " "}),
        ("priority.range", "priority", {"priority": -1}),
        ("debounce.delay", "debounce_delay_s", {"debounce_delay_s": -1}),
        ("debounce.no_delay", "debounce_key", {"debounce_key": "k"}),
        ("debounce.most", "max_total_debounces_amount", {"debounce_delay_s": 1, "max_total_debounces_amount": -1}),
        ("debounce.unknown_input", "debounce_args_to_accumulate",
         {"debounce_delay_s": 1, "debounce_args_to_accumulate": ["gone"]}),
        ("delete_after.negative", "delete_after_secs", {"delete_after_secs": -1}),
        ("early_return.unknown_step", "early_return", {"early_return": "gone"}),
        ("preprocessor.kind", "value", {"preprocessor_module": {"id": "preprocessor", "value": {"type": "identity"}}}),
    ],
)  # fmt: skip
def test_settings_of_the_flow(rule: str, field: str, settings: dict[str, Any]) -> None:
    problems = [p for p in lint(flow(script("a"), schema=SCHEMA, **settings)) if p.rule != "expr.empty"]
    assert [p.rule for p in problems] == [rule]
    assert problems[0].step_id is None
    assert problems[0].pointer.startswith("/value/")
    if rule != "early_return.unknown_step":
        assert problems[0].field == field


def test_settings_of_values() -> None:
    def value(step: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {**step, "value": {**step["value"], **more}}

    assert rules(flow(value(script("a"), concurrent_limit=0))) == ["concurrency.limit"]
    assert rules(flow(value(script("a"), custom_concurrency_key="k"))) == ["concurrency.no_limit"]
    assert rules(flow(value(script("a", cache_ttl=5), is_trigger=True))) == ["cache.trigger"]
    assert rules(flow(value(script("a"), is_trigger=True))) == []
    assert rules(flow(script("a"), value(script("b"), is_trigger=True))) == ["trigger.not_first"]
    assert rules(flow(loop("a", value(script("b"), is_trigger=True)))) == ["trigger.not_first"]
    assert rules(flow(loop("a", script("b"), parallel=True, parallelism=0))) == ["loop.parallelism"]
    most = {"type": "static", "value": 2}
    assert rules(flow(loop("a", script("b"), parallelism=most))) == ["loop.parallelism_ignored"]
    assert rules(flow(loop("a", script("b"), parallel=True, parallelism=js("2")))) == []


CONTAINERS: list[dict[str, Any]] = [
    loop("c", script("in_c", {"rows": js("results.z")})),
    {"id": "c", "value": {"type": "whileloopflow", "modules": [script("in_c", stop_after_if={"expr": "true"})]}},
    {"id": "c", "value": {"type": "branchone", "branches": [{"expr": "true", "modules": []}], "default": []}},
    {"id": "c", "value": {"type": "branchall", "branches": [{"modules": [script("in_c")]}]}},
]


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda module: str(module["value"]["type"]))
def test_settings_of_loops_and_branches(container: dict[str, Any]) -> None:
    sound = {"timeout": 5, "cache_ttl": 60, "delete_after_secs": 0, "debouncing": {"debounce_delay_s": 1}}
    assert rules(flow(script("z"), {**container, **sound})) == []
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("timeout.invalid", {"timeout": 0}),
        ("cache.negative", {"cache_ttl": -1}),
        ("delete_after.negative", {"delete_after_secs": -1}),
        ("debounce.delay", {"debouncing": {"debounce_delay_s": -1}}),
        ("debounce.no_inputs", {"debouncing": {"debounce_delay_s": 1, "debounce_key": "k-$args[x]"}}),
        ("debounce.unknown_input", {"debouncing": {"debounce_delay_s": 1, "debounce_args_to_accumulate": ["x"]}}),
    ]
    for rule, settings in wrong:
        assert [(p.rule, p.step_id) for p in lint(flow(script("z"), {**container, **settings}))] == [(rule, "c")]


def test_a_cache_that_is_never_used() -> None:
    computed = script("in_c", {"x": js("variable('f/team/' + flow_input.n)")})
    assert rules(flow({**loop("c", computed), "cache_ttl": 60}, schema=SCHEMA)) == ["cache.unforeseen"]
    assert rules(flow(script("a", {"x": js("variable('f/' + flow_input.n)")}, cache_ttl=60), schema=SCHEMA)) == []
    assert rules(flow(computed, schema=SCHEMA, cache_ttl=60)) == ["cache.unforeseen"]
    named = script("in_c", {"x": js("variable('f/team/name')")})
    assert rules(flow({**loop("c", named), "cache_ttl": 60}, cache_ttl=60)) == []


def test_going_on_after_the_last_step() -> None:
    assert rules(flow(script("a", continue_on_error=True))) == ["continue_on_error.last"]
    assert rules(flow(script("a", continue_on_error=True), script("b"))) == []
    assert rules(flow(loop("a", script("b", continue_on_error=True)), script("c"))) == ["continue_on_error.last"]


@pytest.mark.parametrize("junk", [None, 5, "x", [], {"type": "static"}, {"value": "x"}, {"expr": 5}, True])
def test_any_junk_can_be_linted(junk: Any) -> None:
    settings = dict.fromkeys(["retry", "suspend", "sleep", "timeout", "cache_ttl", "priority", "debouncing", "mock",
                              "stop_after_if", "skip_if", "delete_after_secs", "continue_on_error"], junk)  # fmt: skip
    whole = dict.fromkeys(["skip_expr", "concurrent_limit", "debounce_args_to_accumulate", "flow_env",
                           "preprocessor_module", "concurrency_key"], junk)  # fmt: skip
    lint(flow(script("a", **settings), loop("b", parallelism=junk), **whole))
    retry = {"constant": junk, "exponential": junk, "retry_if": junk}
    lint(flow(script("a", retry=retry, suspend={"required_events": junk, "timeout": junk, "resume_form": junk})))


def rules(document: dict[str, Any]) -> list[str]:
    return [problem.rule for problem in lint(document)]
