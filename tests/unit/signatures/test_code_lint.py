"""Lint rules that need the signatures of scripts."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.openflow.rules import RULES
from flowapp.signatures import lint
from flowapp.signatures.known import Known


def flow(content: str, inputs: dict[str, Any] | None = None, language: str = "python3", **more: Any) -> dict[str, Any]:
    value = {"type": "rawscript", "language": language, "content": content, "input_transforms": inputs or {}}
    return {"summary": "", "value": {"modules": [{"id": "a", "value": value, **more}]}}


def found(document: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(problem.rule, problem.field) for problem in lint(document)]


STATIC = {"type": "static", "value": 1}


def test_broken_code_has_its_line() -> None:
    problems = lint(flow("def main():\n    return +\n"))
    assert [(p.rule, p.line, p.pointer) for p in problems] == [("code.syntax", 2, "/value/modules/0/value/content")]


def test_code_without_an_entry_function() -> None:
    assert found(flow("x = 1")) == [("code.no_main", None)]


def test_empty_code_is_reported_once() -> None:
    assert found(flow("  ")) == [("code.empty", None)]


def test_missing_inputs() -> None:
    code = "def main(a, b: int, c=1, d: int | None = None): ..."
    assert found(flow(code, {"a": STATIC})) == [("field.missing_input", "b")]
    assert found(flow(code, {"a": STATIC, "b": {"type": "static"}})) == [("field.missing_input", "b")]
    assert found(flow(code, {"a": STATIC, "b": {"type": "javascript", "expr": "flow_input.x"}})) == []
    assert found(flow(code, pass_flow_input_directly=True)) == []


def test_a_null_that_is_needed_is_a_warning() -> None:
    code = "def main(a, b: int, c: int | None): ..."
    null = {"type": "static", "value": None}
    problems = lint(flow(code, {"a": null, "b": null, "c": null}))
    assert [(p.rule, p.severity, p.field, p.message) for p in problems] == [
        ("field.missing_input", "warning", "a", "Input a is null."),
        ("field.missing_input", "warning", "b", "Input b is null."),
    ]
    assert found(flow(code, {"a": {"type": "javascript", "expr": "null"}, "b": {"type": "static", "value": 0}})) == []
    assert found(flow(code, {"a": {"type": "static", "value": ""}, "b": {"type": "ai"}})) == [
        ("field.ai_outside_agent", "b")
    ]


CALLED = {"type": "object", "properties": {"a": {}, "b": {"type": "string"}, "c": {}}, "required": ["a", "b", "gone"]}


@pytest.mark.parametrize("kind", ["script", "flow"])
def test_what_a_called_script_or_flow_needs(kind: str) -> None:
    value: dict[str, Any] = {
        "type": kind,
        "path": "f/team/x",
        "input_transforms": {"a": STATIC, "b": {"type": "static", "value": None}},
    }
    document = {"value": {"modules": [{"id": "a", "value": value}]}}
    known = Known(called={"a": CALLED})
    (problem,) = lint(document, known)
    assert (problem.rule, problem.severity, problem.step_id, problem.field) == (
        "field.missing_input",
        "warning",
        "a",
        "b",
    )
    assert problem.message == "Input b of f/team/x is null."
    value["input_transforms"] = {}
    assert [p.message for p in lint(document, known)] == [
        "Input a of f/team/x is not set.",
        "Input b of f/team/x is not set.",
    ]
    assert lint(document) == [], "nothing is known of what it takes"
    value["pass_flow_input_directly"] = True
    assert lint(document, known) == []


@pytest.mark.parametrize(
    "schema", [{}, {"required": ["a"]}, {"required": "a", "properties": {"a": {}}}, {"properties": 3}]
)
def test_odd_schemas_of_what_is_called_say_nothing(schema: dict[str, Any]) -> None:
    document = {"value": {"modules": [{"id": "a", "value": {"type": "script", "path": "f/team/x"}}]}}
    assert lint(document, Known(called={"a": schema})) == []


def test_unknown_inputs() -> None:
    assert found(flow("def main(): ...", {"a/b": STATIC})) == [("field.unknown_input", "a/b")]
    assert lint(flow("def main(): ...", {"a/b": STATIC}))[0].pointer == "/value/modules/0/value/input_transforms/a~1b"
    assert found(flow("def main(**kw): ...", {"x": STATIC})) == []


def test_languages() -> None:
    assert found(flow("export function main(a: string) {}", language="deno")) == [("field.missing_input", "a")]
    assert found(flow('a="$1"', language="bash")) == [("field.missing_input", "a")]
    assert found(flow("anything", {"x": STATIC}, language="ruby")) == [("language.not_runnable", None)]


def test_the_preprocessor_has_its_own_entry_function() -> None:
    value = {"type": "rawscript", "language": "python3", "content": "def preprocessor(event): ..."}
    document = {"value": {"modules": [], "preprocessor_module": {"id": "preprocessor", "value": value}}}
    assert lint(document) == []


def test_tools_of_agents() -> None:
    code = {"type": "rawscript", "language": "python3", "content": "def main(:"}
    given = {"provider": {"kind": "openai", "model": "m"}, "user_message": "Hello", "output_type": "text"}
    inputs = {name: {"type": "static", "value": value} for name, value in given.items()}
    agent = {"type": "aiagent", "input_transforms": inputs, "tools": [{"id": "t", "summary": "t", "value": code}]}
    document = {"value": {"modules": [{"id": "a", "value": agent}]}}
    assert [(p.rule, p.pointer) for p in lint(document)] == [
        ("code.syntax", "/value/modules/0/value/tools/0/value/content")
    ]


@pytest.mark.parametrize(
    "document", [{}, {"value": {"modules": [{"id": "a", "value": {"type": "rawscript", "content": 3}}]}}]
)
def test_broken_documents_do_not_raise(document: dict[str, Any]) -> None:
    assert {problem.rule for problem in lint(document)} <= set(RULES)
