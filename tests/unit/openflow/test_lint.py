"""Lint of documents: each rule finds what it says, and nothing is said about a sound flow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowapp.openflow.lint import Problem, lint
from flowapp.openflow.rules import RULES, WARNINGS


def js(text: str) -> dict[str, str]:
    return {"type": "javascript", "expr": text}


def script(step_id: str, inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    value = {"type": "rawscript", "language": "python3", "content": "def main(): ...", "input_transforms": inputs or {}}
    return {"id": step_id, "value": value, **more}


def reading(step_id: str, text: str, **more: Any) -> dict[str, Any]:
    return script(step_id, {"x": js(text)}, **more)


def loop(step_id: str, *modules: dict[str, Any], iterator: str = "[1]", **more: Any) -> dict[str, Any]:
    return {"id": step_id, "value": {"type": "forloopflow", "iterator": js(iterator), "modules": list(modules), **more}}


def flow(*modules: dict[str, Any], schema: dict[str, Any] | None = None, **value: Any) -> dict[str, Any]:
    return {"summary": "", "value": {"modules": list(modules), **value}, "schema": schema}


def found(document: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(problem.rule, problem.step_id) for problem in lint(document)]


def only(document: dict[str, Any]) -> Problem:
    problems = lint(document)
    assert len(problems) == 1, [p.rule for p in problems]
    return problems[0]


BRANCHES: dict[str, Any] = {
    "id": "b",
    "value": {
        "type": "branchone",
        "branches": [{"expr": "results.a.ok", "modules": [script("c")]}],
        "default": [reading("d", "results.a")],
    },
}


def test_a_sound_flow_has_no_problems() -> None:
    document = flow(
        script("a", stop_after_if={"expr": "result.done && results.a.done", "skip_if_stopped": True}),
        BRANCHES,
        loop(
            "e",
            reading("f", "flow_input.iter.value + flow_input.q"),
            reading("g", "results.f + previous_result + flow_input.iter.index"),
            iterator="results.a.rows.filter(row => row.ok)",
        ),
        reading("h", "results.b + results.c + results.e.length + results.d"),
        schema={"properties": {"q": {}}},
        failure_module=reading("failure", "error.message + results.h"),
    )
    assert lint(document) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"value": None},
        {"value": {"modules": [3, {"value": 4}, {"id": 5}]}},
        {"value": {"modules": [], "skip_expr": 3}},
    ],
)
def test_broken_documents_have_a_shape_problem(document: dict[str, Any]) -> None:
    assert "doc.shape" in [rule for rule, _ in found(document)]


def agent_value(*tools: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    """The value of an agent that can run, but for `inputs`."""
    given = {"provider": {"kind": "openai", "resource": "$res:u/x/ai", "model": "m"}, "user_message": "Hi", **inputs}
    transforms = {name: {"type": "static", "value": value} for name, value in given.items()}
    return {"type": "aiagent", "tools": list(tools), "input_transforms": transforms}


class TestIds:
    def test_missing(self) -> None:
        assert ("id.missing", None) in found(flow({"value": {"type": "identity"}}))

    def test_duplicate_also_in_depth(self) -> None:
        problem = only(flow(script("a"), loop("l", script("a"))))
        assert (problem.rule, problem.pointer) == ("id.duplicate", "/value/modules/1/value/modules/0/id")

    def test_invalid(self) -> None:
        assert found(flow(script("a b"))) == [("id.invalid", "a b")]

    def test_reserved(self) -> None:
        assert found(flow(script("failure"))) == [("id.reserved", "failure")]
        assert found(flow(failure_module=script("failure"), preprocessor_module=script("preprocessor"))) == []

    def test_tools_are_named_within_their_agent(self) -> None:
        tool = {"id": "t", "value": {"tool_type": "mcp", "resource_path": "u/x/mcp"}}
        agent = agent_value(tool)
        assert lint(flow({"id": "a", "value": agent}, {"id": "b", "value": agent})) == []
        twice = agent_value(tool, tool)
        assert found(flow({"id": "a", "value": twice})) == [("id.duplicate", "t")]

    def test_early_return(self) -> None:
        assert found(flow(script("a"), early_return="b")) == [("early_return.unknown_step", None)]
        assert found(flow(script("a"), early_return="a")) == []


class TestWires:
    def test_unknown_step_with_a_guess(self) -> None:
        problem = only(flow(script("read_rows"), reading("b", "results.read_row.x")))
        assert (problem.rule, problem.step_id, problem.field) == ("wire.unknown_step", "b", "x")
        assert problem.pointer == "/value/modules/1/value/input_transforms/x/expr"
        assert problem.hint == "Did you mean read_rows?"

    def test_later_step(self) -> None:
        assert found(flow(reading("a", "results.b"), script("b"))) == [("wire.later_step", "a")]

    def test_own_result(self) -> None:
        assert found(flow(reading("a", "results.a"))) == [("wire.self", "a")]
        assert found(flow(script("a", retry={"constant": {"attempts": 1}, "retry_if": {"expr": "results.a"}}))) == []

    def test_container_reads_what_is_in_it(self) -> None:
        assert found(flow(loop("l", script("a"), iterator="results.a"))) == [("wire.later_step", "l")]
        stopping = loop("l", script("a"))
        stopping["stop_after_if"] = {"expr": "results.a"}
        assert found(flow(stopping)) == []

    def test_enclosing_loop(self) -> None:
        assert found(flow(loop("l", reading("a", "results.l")))) == [("wire.enclosing", "a")]

    def test_other_branch(self) -> None:
        document = flow(
            script("a"), {"id": "b", "value": {**BRANCHES["value"], "default": [reading("d", "results.c")]}}
        )
        problem = only(document)
        assert (problem.rule, problem.step_id, problem.severity) == ("wire.other_branch", "d", "warning")

    def test_inside_a_loop_from_outside(self) -> None:
        assert found(flow(loop("l", script("a"), reading("c", "results.a")), reading("b", "results.a"))) == [
            ("wire.inside_loop", "b")
        ]

    def test_no_iteration_of_a_while_loop_has_results_of_the_one_before(self) -> None:
        body = [reading("a", "results.b"), script("b", stop_after_if={"expr": "true"})]
        problem = only(flow({"id": "w", "value": {"type": "whileloopflow", "modules": body}}))
        assert (problem.rule, problem.step_id, problem.severity) == ("wire.later_step", "a", "warning")
        assert "null" in problem.message

    def test_special_modules(self) -> None:
        failure = {"failure_module": script("failure"), "preprocessor_module": reading("preprocessor", "results.a")}
        document = flow(reading("a", "results.failure"), **failure)
        assert found(document) == [("wire.later_step", "a"), ("wire.later_step", "preprocessor")]

    def test_answers_where_nobody_was_asked(self) -> None:
        asks = {"suspend": {"required_events": 1}}
        rule = "wire.resume_without_approval"
        assert found(flow(script("a", **asks), reading("b", "resume.ok"))) == []
        problem = only(flow(script("a", **asks), script("c"), reading("b", "resume.ok")))
        assert (problem.rule, problem.step_id, problem.field, problem.severity) == (rule, "b", "x", "warning")
        assert problem.message == "No approval is waited for right before this, so resume is always null."
        assert problem.hint == "Only the step right after a sees the answers: return them there, and read its result."
        problem = only(flow(script("a"), reading("b", "resumes")))
        assert (problem.rule, problem.hint) == (rule, "Set Wait for approval on the step before.")
        inside = [script("a", **asks), loop("l", reading("b", "approvers"), iterator="resumes")]
        assert found(flow(*inside)) == [(rule, "b")]
        assert found(flow(loop("l", *inside[:1], reading("b", "approvers")))) == []
        after = script("b", sleep={"type": "javascript", "expr": "resume.wait"})
        assert found(flow(script("a", **asks), after)) == [(rule, "b")]
        assert found(flow(reading("a", "resume"))) == [(rule, "a")]
        assert found(flow(script("a"), skip_expr="resume")) == [(rule, None)]
        assert found(flow(script("a"), failure_module=reading("failure", "resume"))) == [(rule, "failure")]

    def test_skip_expression_of_the_flow(self) -> None:
        assert found(flow(script("a"), skip_expr="results.a")) == [("wire.later_step", None)]
        assert found(flow(script("a"), skip_expr="flow_input.")) == [("expr.syntax", None)]

    def test_flow_inputs(self) -> None:
        schema: dict[str, Any] = {"properties": {"orders": {}}}
        problem = only(flow(reading("a", "flow_input.order"), schema=schema))
        assert (problem.rule, problem.hint) == ("wire.unknown_flow_input", "Did you mean orders?")
        assert lint(flow(reading("a", "flow_input.order"))) == []
        assert lint(flow(reading("a", "flow_input.x"), schema={**schema, "additionalProperties": True})) == []
        assert lint(flow(reading("a", "flow_input.user_message"), schema=schema, chat_input_enabled=True)) == []
        assert lint(flow(preprocessor_module=reading("preprocessor", "flow_input.event"), schema=schema)) == []

    def test_iter_outside_a_loop(self) -> None:
        assert found(flow(reading("a", "flow_input.iter.value"))) == [("wire.iter_outside_loop", "a")]
        assert found(flow(loop("l", iterator="flow_input.iter.value"))) == [("wire.iter_outside_loop", "l")]
        assert found(flow(loop("m", loop("l", iterator="flow_input.iter.value")))) == []


class TestExpressions:
    def test_syntax_with_the_line(self) -> None:
        problem = only(flow(reading("a", "{\n  x: results.\n}")))
        assert (problem.rule, problem.field) == ("expr.syntax", "x")
        assert problem.line in (2, 3)

    def test_empty(self) -> None:
        assert found(flow(reading("a", " "))) == [("expr.empty", "a")]

    def test_no_return(self) -> None:
        assert found(flow(reading("a", "const x = 1; x"))) == [("expr.no_return", "a")]

    def test_unknown_name_with_a_guess(self) -> None:
        problem = only(flow(script("a"), reading("b", "result_s.a")))
        assert (problem.rule, problem.severity) == ("expr.unknown_name", "warning")
        assert problem.hint == "Did you mean results?"


class TestSteps:
    def test_code_and_language(self) -> None:
        def raw(language: str, content: str) -> dict[str, Any]:
            return flow({"id": "a", "value": {"type": "rawscript", "language": language, "content": content}})

        assert found(raw("python3", " \n")) == [("code.empty", "a")]
        assert found(raw("cobol", "x")) == [("language.unknown", "a")]
        assert found(raw("ruby", "x")) == [("language.not_runnable", "a")]

    @pytest.mark.parametrize(
        ("kind", "path", "rule"),
        [
            ("script", "", "path.empty"),
            ("script", "/u/a/b", "path.absolute"),
            ("script", "x/y", "path.shape"),
            ("flow", "hub/1/a/b", "path.shape"),
            ("flow", "f/own/path", "flow.cycle"),
            ("script", "f/own/path", None),
            ("script", "hub/1/a/b", None),
        ],
    )
    def test_paths(self, kind: str, path: str, rule: str | None) -> None:
        document = {**flow({"id": "a", "value": {"type": kind, "path": path}}), "path": "f/own/path"}
        assert [r for r, _ in found(document)] == ([rule] if rule else [])

    def test_agent_tools(self) -> None:
        tools = [
            {"id": "t", "value": {"type": "rawscript", "language": "python3", "content": ""}},
            {"id": "u", "value": {"type": "script", "path": "", "input_transforms": {"x": {"type": "ai"}}}},
        ]
        document = flow({"id": "a", "value": agent_value(*tools)})
        assert found(document) == [("code.empty", "a"), ("path.empty", "a")]

    @pytest.mark.parametrize(
        ("inputs", "rule", "field"),
        [
            ({"provider": None}, "agent.input_missing", "provider"),
            ({"provider": {"kind": "openai"}}, "agent.input_missing", "provider"),
            ({"user_message": None}, "agent.input_missing", "user_message"),
            ({"user_message": None, "memory": {"kind": "manual", "messages": []}}, None, None),
            ({"provider": {"kind": "anthropic", "model": "m"}}, None, None),
            ({"provider": {"kind": "nobody", "model": "m"}}, "agent.unsupported", "provider"),
            ({"output_type": "sound"}, "agent.unsupported", "output_type"),
            ({"output_type": "image"}, None, None),
            ({"output_type": "image", "output_schema": {"type": "object"}}, "agent.unsupported", "output_schema"),
            ({"memory": {"kind": "auto"}}, None, None),
            ({"memory": {"kind": "all"}}, "agent.unsupported", "memory"),
            ({"user_images": [{"s3": "x"}]}, None, None),
        ],
    )
    def test_agent_inputs(self, inputs: dict[str, Any], rule: str | None, field: str | None) -> None:
        problems = lint(flow({"id": "a", "value": agent_value(**inputs)}))
        assert [(p.rule, p.field) for p in problems] == ([] if rule is None else [(rule, field)])

    @pytest.mark.parametrize(
        ("tool", "rule"),
        [
            ({"id": "t", "value": {"tool_type": "websearch"}}, None),
            ({"id": "t", "summary": "two words", "value": {"type": "identity"}}, "agent.tool_name"),
            ({"id": "t", "summary": "find_it", "value": {"type": "identity"}}, None),
        ],
    )
    def test_agent_tool_names(self, tool: dict[str, Any], rule: str | None) -> None:
        document = flow({"id": "a", "value": agent_value(tool)})
        assert [r for r, _ in found(document)] == ([] if rule is None else [rule])

    def test_an_agent_that_is_a_resource(self) -> None:
        own = {"user_message": js("flow_input.x")}
        linked = {"type": "aiagent", "agent": "f/team/helper", "input_transforms": own}
        assert found(flow({"id": "a", "value": linked}, x={})) == []
        inputs = {**own, "provider": {"type": "static", "value": None}}
        mixed = {**linked, "input_transforms": inputs, "tools": [{"id": "t", "value": {"type": "identity"}}]}
        problems = lint(flow({"id": "a", "value": mixed}, x={}))
        assert [(p.rule, p.field) for p in problems] == [("agent.not_used", "provider"), ("agent.not_used", "tools")]
        assert found(flow({"id": "a", "value": {**linked, "agent": "helper"}}, x={})) == [("path.shape", "a")]

    @pytest.mark.parametrize(("kind", "rules"), [("mistral", ["agent.unsupported"]), ("groq", [])])
    def test_web_search_by_the_provider(self, kind: str, rules: list[str]) -> None:
        tool = {"id": "t", "value": {"tool_type": "websearch"}}
        document = flow({"id": "a", "value": agent_value(tool, provider={"kind": kind, "model": "m"})})
        assert [r for r, _ in found(document)] == rules

    def test_two_tools_of_one_name(self) -> None:
        tools = [{"id": i, "summary": "find", "value": {"type": "identity"}} for i in "tu"]
        problem = only(flow({"id": "a", "value": agent_value(*tools)}))
        assert (problem.rule, problem.pointer) == ("agent.tool_name", "/value/modules/0/value/tools/1")

    def test_ai_outside_an_agent(self) -> None:
        assert found(flow(script("a", {"x": {"type": "ai"}}))) == [("field.ai_outside_agent", "a")]

    def test_iterators(self) -> None:
        def over(iterator: dict[str, Any]) -> list[str]:
            value = {"type": "forloopflow", "iterator": iterator, "modules": []}
            return [rule for rule, _ in found(flow({"id": "l", "value": value}))]

        assert over(js("")) == ["loop.iterator_missing"]
        assert over({"type": "static"}) == ["loop.iterator_missing"]
        assert over({"type": "static", "value": 3}) == ["loop.iterator_not_list"]
        assert over({"type": "static", "value": [3]}) == []
        assert over({"type": "static", "value": "$res:u/a/list"}) == []

    def test_endless(self) -> None:
        assert found(flow({"id": "w", "value": {"type": "whileloopflow", "modules": [script("a")]}})) == [
            ("loop.endless", "w")
        ]

    def test_predicates(self) -> None:
        value = {
            "type": "branchone",
            "branches": [{"expr": "true", "modules": []}, {"expr": " ", "modules": []}],
            "default": [],
        }
        problem = only(flow({"id": "b", "value": value}))
        assert (problem.rule, problem.field) == ("branch.no_predicate", "branches/1/expr")

    def test_options(self) -> None:
        assert found(flow(script("a", mock={"enabled": True}))) == [("mock.enabled", "a")]
        assert found(flow(script("a", suspend={"timeout": 5}))) == [("suspend.no_events", "a")]
        zero = {"exponential": {"attempts": 3, "multiplier": 1, "seconds": 0}}
        assert found(flow(script("a", retry=zero))) == [("retry.exponential_zero", "a")]
        assert found(flow(script("a", retry={"exponential": {"attempts": 0, "seconds": 0}}))) == [
            ("retry.no_attempts", "a")
        ]
        assert found(flow(script("a", stop_after_all_iters_if={"expr": "true"}))) == [("stop.ignored", "a")]

    def test_parallel(self) -> None:
        parallel = loop("l", parallel=True)
        assert found(flow({**parallel, "stop_after_if": {"expr": "true"}})) == [("stop.ignored", "l")]
        assert found(flow(parallel, same_worker=True)) == [("worker.parallel", "l")]
        assert found(flow({"id": "b", "value": {"type": "branchall", "branches": []}}, same_worker=True)) == [
            ("worker.parallel", "b")
        ]

    def test_failure_handler(self) -> None:
        assert found(flow(failure_module={"id": "failure", "value": {"type": "identity"}})) == [
            ("failure.kind", "failure")
        ]


class TestRules:
    doc = Path(__file__).parents[3] / "docs" / "lint-rules.md"

    def test_document_and_rules_agree(self) -> None:
        headings = [line.removeprefix("## ") for line in self.doc.read_text().splitlines() if line.startswith("## ")]
        assert sorted(headings) == sorted(RULES)

    def test_document_says_how_bad_each_is_and_what_to_do(self) -> None:
        for section in self.doc.read_text().split("\n## ")[1:]:
            rule = section.splitlines()[0]
            assert section.splitlines()[2].startswith("*Warning.*" if rule in WARNINGS else "*Error.*"), rule
            assert "**Why**" in section, rule
            assert "**Fix**" in section, rule

    def test_problems_use_known_rules_only(self) -> None:
        assert set(RULES) >= WARNINGS
