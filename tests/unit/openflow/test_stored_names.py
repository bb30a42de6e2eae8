"""Which variables and resources a flow names, and putting others in their place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.openflow.references import look_up
from flowapp.openflow.stored_names import Mention, StoredName, bound, mentions


def variable(path: str) -> StoredName:
    return StoredName("variable", path)


def resource(path: str) -> StoredName:
    return StoredName("resource", path)


def static(value: Any) -> dict[str, Any]:
    return {"type": "static", "value": value}


def js(expr: str) -> dict[str, Any]:
    return {"type": "javascript", "expr": expr}


def raw(step: str, content: str = "", **inputs: Any) -> dict[str, Any]:
    return {
        "id": step,
        "value": {"type": "rawscript", "language": "python3", "content": content, "input_transforms": inputs},
    }


def flow(*modules: Any, **value: Any) -> dict[str, Any]:
    return {"summary": "", "value": {"modules": list(modules), **value}}


EVERYWHERE = flow(
    raw(
        "a",
        "wmill.get_variable(\"f/team/code\")\nwmill.getResource('f/team/api')",
        db=static("$res:f/team/db"),
        deep=static({"x": [{"key": "$var:f/team/key"}, "text $var:no"]}),
        wired=js("variable('f/team/key') + resource(\"f/team/db\").host"),
    ),
    {
        "id": "b",
        "skip_if": {"expr": "variable('f/team/off')"},
        "value": {
            "type": "branchone",
            "branches": [{"expr": "resource('f/team/db').on", "modules": [raw("c", x=static("$jsonvar:f/team/json"))]}],
            "default": [raw("d", x=js("'variable(\"f/team/text\")'"))],
        },
    },
    {
        "id": "e",
        "value": {
            "type": "aiagent",
            "input_transforms": {"provider": static({"kind": "openai", "resource": "$res:f/team/ai", "model": "m"})},
            "tools": [{"id": "t", "value": {"tool_type": "mcp", "resource_path": "f/team/mcp"}}],
        },
    },
    {"id": "h", "value": {"type": "aiagent", "agent": "f/team/helper", "input_transforms": {}}},
    flow_env={"url": "$var:f/team/url"},
    skip_expr="variable('f/team/skip')",
) | {"schema": {"properties": {"target": {"type": "object", "default": "$res:f/team/default"}}}}


def test_all_places_are_found_in_order() -> None:
    found = [
        (one.name.kind, one.name.path.removeprefix("f/team/"), one.step_id, one.field) for one in mentions(EVERYWHERE)
    ]
    assert found == [
        ("variable", "code", "a", "code"),
        ("resource", "api", "a", "code"),
        ("resource", "db", "a", "db"),
        ("variable", "key", "a", "deep"),
        ("variable", "key", "a", "wired"),
        ("resource", "db", "a", "wired"),
        ("variable", "off", "b", "skip_if"),
        ("resource", "db", "b", "branches"),
        ("variable", "json", "c", "x"),
        ("resource", "ai", "e", "provider"),
        ("resource", "mcp", "e", "resource_path"),
        ("resource", "helper", "h", "agent"),
        ("variable", "url", "", "url"),
        ("variable", "skip", "", "skip_expr"),
        ("resource", "default", "", "target"),
    ]


def test_all_places_follow_and_nothing_else_changes() -> None:
    before = repr(EVERYWHERE)
    bindings = {one.name: f"u/ada/{one.name.path.rpartition('/')[2]}" for one in mentions(EVERYWHERE)}
    after = bound(EVERYWHERE, bindings)
    assert repr(EVERYWHERE) == before, "the given flow is not changed"
    assert {one.name.path[:6] for one in mentions(after)} == {"u/ada/"}
    assert repr(after).replace("u/ada/", "f/team/") == before
    assert "f/team/text" in repr(after) and "text $var:no" in repr(after)


def test_what_is_not_named_leaves_the_same_objects() -> None:
    after = bound(EVERYWHERE, {variable("f/team/json"): "u/ada/json", resource("f/team/key"): "u/ada/no"})
    assert after["value"]["modules"][0] is EVERYWHERE["value"]["modules"][0]
    assert after["value"]["modules"][1] is not EVERYWHERE["value"]["modules"][1]
    assert bound(EVERYWHERE, {}) is EVERYWHERE


def test_two_may_change_places_and_become_one() -> None:
    both = flow(
        raw(
            "a",
            'get_variable("x/1"); get_variable("x/2")',
            p=static("$var:x/1"),
            q=js("variable('x/1') + variable('x/2')"),
        )
    )
    swapped = bound(both, {variable("x/1"): "x/2", variable("x/2"): "x/1"})
    inputs = swapped["value"]["modules"][0]["value"]
    assert inputs["content"] == 'get_variable("x/2"); get_variable("x/1")'
    assert inputs["input_transforms"]["p"]["value"] == "$var:x/2"
    assert inputs["input_transforms"]["q"]["expr"] == "variable('x/2') + variable('x/1')"
    one = bound(both, {variable("x/1"): "x/2"})
    assert {mention.name for mention in mentions(one)} == {variable("x/2")}


def test_a_variable_and_a_resource_of_one_path_are_two() -> None:
    both = flow(raw("a", p=static("$var:x/1"), q=static("$res:x/1"), r=js("resource('x/1') + variable('x/1')")))
    inputs = bound(both, {resource("x/1"): "y/2"})["value"]["modules"][0]["value"]["input_transforms"]
    assert [inputs["p"]["value"], inputs["q"]["value"], inputs["r"]["expr"]] == [
        *("$var:x/1", "$res:y/2", "resource('y/2') + variable('x/1')")
    ]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("variable('a')", "variable('b')"),
        ('variable("a").x;', 'variable("b").x;'),
        ("await variable(`a`)", "await variable(`b`)"),
        ("const v = variable('a'); return v + 'a'", "const v = variable('b'); return v + 'a'"),
        ("'ü' + variable('a') + variable('a')", "'ü' + variable('b') + variable('b')"),
        ("variable(flow_input.a)", "variable(flow_input.a)"),
        ("// variable('a')\nvariable('c')", "// variable('a')\nvariable('c')"),
        ("((variable) => variable('a'))(1)", "((variable) => variable('a'))(1)"),
        ("variable('a'", "variable('b'"),
    ],
)
def test_calls_in_expressions(expr: str, expected: str) -> None:
    assert look_up(expr, "variable", {"a": "b"}) == expected


def test_a_path_that_needs_it_is_escaped() -> None:
    assert look_up("variable('a')", "variable", {"a": "it's"}) == 'variable("it\'s")'


@pytest.mark.parametrize(
    "odd", [{}, {"value": None}, {"value": {"modules": [None, 3, {"id": 1, "value": "x"}, {"value": {}}]}}]
)
def test_broken_documents_are_read_as_far_as_they_go(odd: dict[str, Any]) -> None:
    assert mentions(odd) == [] and bound(odd, {variable("x"): "y"}) == odd


JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(["$var:a/b", "$res:a/b", "variable('a/b')", "text"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["expr", "value", "id", "type"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_binding_there_and_back_is_no_change(value: Any) -> None:
    given_flow = flow(raw("a", x=value), flow_env=value)
    there = {variable("a/b"): "c/d", resource("a/b"): "e/f"}
    back = {variable("c/d"): "a/b", resource("e/f"): "a/b"}
    assert bound(bound(given_flow, there), back) == given_flow
    assert {Mention(StoredName(m.name.kind, "x"), m.step_id, m.field) for m in mentions(bound(given_flow, there))} == {
        Mention(StoredName(m.name.kind, "x"), m.step_id, m.field) for m in mentions(given_flow)
    }
