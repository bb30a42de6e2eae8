"""The engine's small parts: retry delays, references in arguments, what is refused, the scope."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.engine.errors import Unsupported
from flowapp.engine.retry import LONGEST_DELAY_S, attempts, delay
from flowapp.engine.scope import Names, Scope, error_of, fields_of
from flowapp.engine.secrets import MissingReference, resolve
from flowapp.engine.step_rows import StepRow
from flowapp.engine.support import check, problems
from flowapp.expressions import Expression
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.tables import JobRow
from tests.unit.engine.fakes import World, branch_one, for_loop, script

# --- retry


def test_constant_retries_come_before_exponential_ones() -> None:
    retry = {"constant": {"attempts": 2, "seconds": 5}, "exponential": {"attempts": 2, "multiplier": 3, "seconds": 2}}
    assert attempts(retry) == 4
    assert [delay(retry, n) for n in range(1, 6)] == [5, 5, 3 * 2**3, 3 * 2**4, None]


def test_exponential_delays_have_a_jitter_and_an_end() -> None:
    retry = {"exponential": {"attempts": 99, "multiplier": 1, "seconds": 10, "random_factor": 50}}
    assert delay(retry, 1, jitter=lambda: 0.0) == 5
    assert delay(retry, 1, jitter=lambda: 1.0) == 15
    assert delay(retry, 90) == LONGEST_DELAY_S


@pytest.mark.parametrize(
    "retry",
    [None, {}, {"constant": {}}, {"constant": None, "exponential": None}, {"constant": {"attempts": 0, "seconds": 9}}],
)
def test_no_retry(retry: Any) -> None:
    assert delay(retry, 1) is None


# --- references

STORED = {
    ("variable", "u/a/tok"): dumps("s3cr3t"),
    ("variable", "u/a/json"): dumps('{"k": [1]}'),
    ("resource", "u/a/db"): dumps({"host": "h", "password": "$var:u/a/tok"}),
    ("resource", "u/a/wrap"): dumps({"inner": "$res:u/a/db"}),
    ("resource", "u/a/loop"): dumps({"again": "$res:u/a/loop"}),
}


async def fetch(kind: str, path: str) -> JsonText | None:
    return STORED.get((kind, path))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"a": "$var:u/a/tok"}, {"a": "s3cr3t"}),
        ({"a": {"b": ["$res:u/a/wrap", 1]}}, {"a": {"b": [{"inner": {"host": "h", "password": "s3cr3t"}}, 1]}}),
        ({"a": "$jsonvar:u/a/json"}, {"a": {"k": [1]}}),
        ({"a": "costs $5", "b": "$varnish", "c": "$other:x"}, {"a": "costs $5", "b": "$varnish", "c": "$other:x"}),
    ],
)
async def test_references_are_replaced_at_any_depth(given: Any, expected: Any) -> None:
    text, found = await resolve(dumps(given), fetch)
    assert loads(text) == expected
    assert found == (given != expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("$var:u/a/none", "Variable u/a/none was not found"),
        ("$res:u/a/none", "Resource u/a/none was not found"),
        ("$res:u/a/loop", "refers to itself"),
        ("$encrypted:x", "not supported"),
        ("$jsonvar:u/a/tok", "does not hold JSON"),
    ],
)
async def test_a_missing_reference_is_named(given: str, message: str) -> None:
    with pytest.raises(MissingReference, match=message):
        await resolve(dumps({"a": given}), fetch)


# --- what this version cannot do


def flow(*modules: Any, **value: Any) -> dict[str, Any]:
    return {"value": {"modules": list(modules), **value}}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            flow({"id": "a", "value": {"type": "aiagent", "tools": [{"id": "t", "value": {"type": "novel"}}]}}),
            "of the kind novel",
        ),
        (flow({"id": "a", "value": {"type": "novel"}}), "of the kind novel"),
        (flow({"id": "a"}), "has no value"),
        (flow({"id": "a", "value": {"type": "rawscript", "language": "rust"}}), "written in Rust"),
        (flow({"id": "a", "value": {"type": "rawscript", "language": "klingon"}}), "not a known language"),
        (
            flow(for_loop("l", [1], branch_one("b", ("true", [{"id": "x", "value": {"type": "novel"}}])))),
            "Step x is of the kind novel",
        ),
        (flow(script("a"), script("a")), "Two steps in one list have the id a"),
        (
            flow(script("a"), failure_module={"id": "failure", "value": {"type": "novel"}}),
            "Step failure is of the kind novel",
        ),
        (
            flow(for_loop("l", [1], script("failure"))),
            "has the id failure, which is that of the flow's failure handler",
        ),
        ({"value": {}}, "no list of steps"),
    ],
)
def test_what_cannot_run_is_named(document: Any, words: str) -> None:
    with pytest.raises(Unsupported, match="(?s)" + words):
        check(document)


def test_what_can_run() -> None:
    tagged = script("t")
    tagged["value"]["tag"] = ""
    document = flow(
        script("s", suspend={"required_events": 1}, priority=3, cache_ttl=5, delete_after_use=True),
        script("m", mock={"enabled": True}),
        script("d", debouncing={"debounce_delay_s": 1}),
        {"id": "mocked", "value": {"type": "novel"}, "mock": {"enabled": True}},
        {"id": "agent", "value": {"type": "aiagent", "tools": [{"id": "t", "value": {"tool_type": "mcp"}}]}},
        {"id": "stored", "value": {"type": "script", "path": "u/x/y"}},
        {"id": "called", "value": {"type": "flow", "path": "f/x"}},
        for_loop("l", [1], script("a"), module={"cache_ttl": 5}),
        branch_one("b", ("true", [script("x")]), default=[script("y")]),
        tagged,
        preprocessor_module={"id": "preprocessor", "value": {"type": "script", "path": "x"}},
        cache_ttl=5,
        concurrent_limit=3,
        debounce_delay_s=1,
        notes=[],
    )
    assert list(problems(document)) == []


def test_only_planned_steps_count() -> None:
    document = flow(script("a"), {"id": "b", "value": {"type": "novel"}})
    assert list(problems(document, frozenset({"a"}))) == []
    assert len(list(problems(document, frozenset({"a", "b"})))) == 1


# --- scope


def test_flow_input_holds_only_what_is_mentioned() -> None:
    scope = Scope({"a": JsonText("1"), "big": JsonText('"…"')})
    assert Names(scope, [Expression("flow_input.a + 1")], {})["flow_input"] == '{"a":1}'
    assert loads(Names(scope, [Expression("Object.keys(flow_input)")], {})["flow_input"]) == {"a": 1, "big": "…"}


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"error": {"name": "E", "message": "m"}}, {"name": "E", "message": "m"}),
        ([1, {"error": {"name": "E", "message": "m"}}], {"name": "E", "message": "m"}),
        ([{"error": {"name": "A", "message": "1"}}, {"error": {"name": "B", "message": "2"}}], None),
        (5, None),
    ],
)
def test_error_of_a_result(value: Any, error: Any) -> None:
    found = loads(error_of(dumps(value)))
    if error is not None:
        assert found == error
    else:
        assert found["name"] == ("MultipleErrors" if isinstance(value, list) else "UnknownError")


def test_fields_of_what_is_no_object() -> None:
    assert fields_of(JsonText("[1]")) == {}
    assert fields_of(JsonText('{"a":{"b":1}}')) == {"a": '{"b":1}'}


# --- journal


def test_a_step_row_has_the_columns_of_its_table() -> None:
    assert set(StepRow.__dataclass_fields__) == set(JobRow.model_fields)


async def test_limits_of_steps_without_a_key_are_apart_where_flows_have_no_path() -> None:
    made = World({"a": lambda: 1}, path="")
    step = script("a")
    step["value"]["concurrent_limit"] = 1
    await made.run([step])
    assert [call.limit.key for call in made.leaf_calls if call.limit] == ["run-1/a"]


def test_an_id_of_the_flows_own_modules_is_refused_unless_that_module_itself_is_tried() -> None:
    step = {"id": "failure", "value": {"type": "identity"}}
    flow: dict[str, Any] = {"value": {"modules": [step]}}
    with pytest.raises(Unsupported, match="the id failure"):
        check(flow)
    check(flow, frozenset({"failure"}))
    flow["value"]["failure_module"] = step
    with pytest.raises(Unsupported, match="the id failure"):
        check(flow, frozenset({"failure"}))
