"""Every expression of a flow, and renaming a step throughout."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.openflow import references
from flowapp.openflow.expressions import expressions, rename_step


def js(text: str) -> dict[str, str]:
    return {"type": "javascript", "expr": text}


FLOW: dict[str, Any] = {
    "summary": "results.a",
    "value": {
        "skip_expr": "flow_input.x0",
        "early_return": "a",
        "notes": [{"id": "n", "text": "results.a", "contained_node_ids": ["a", "b"]}],
        "groups": [{"start_id": "a", "end_id": "b", "summary": "a"}],
        "modules": [
            {
                "id": "a",
                "value": {
                    "type": "rawscript",
                    "language": "bash",
                    "content": "results.a",
                    "input_transforms": {"a": js("flow_input.x1"), "s": {"type": "static", "value": "results.a"}},
                },
                "stop_after_if": {"expr": "result.x2 && results.a"},
            },
            {
                "id": "b",
                "value": {
                    "type": "forloopflow",
                    "iterator": js("results.a.x3"),
                    "parallelism": js("results.a.x4"),
                    "modules": [
                        {
                            "id": "c",
                            "value": {
                                "type": "script",
                                "path": "u/a/b",
                                "input_transform": {"x/y~": js("results.a.x5")},
                            },
                            "skip_if": {"expr": "results.a.x6"},
                            "stop_after_all_iters_if": {"expr": "results.a.x7"},
                            "retry": {"retry_if": {"expr": "results.a.x8"}},
                            "sleep": js("results.a.x9"),
                            "timeout": js("results.a.x10"),
                            "suspend": {"required_events": 1, "user_groups_required": js("results.a.x11")},
                        }
                    ],
                },
            },
            {
                "id": "d",
                "value": {
                    "type": "branchone",
                    "branches": [{"expr": "results.a.x12", "modules": []}, {"expr": "results.a.x13", "modules": []}],
                    "default": [
                        {
                            "id": "e",
                            "input_transforms": {"z": js("results.a.x14")},
                            "value": {"type": "script", "path": ""},
                        }
                    ],
                },
            },
            {
                "id": "f",
                "value": {
                    "type": "aiagent",
                    "input_transforms": {"user_message": js("results.a.x15")},
                    "tools": [
                        {
                            "id": "t",
                            "value": {"type": "script", "path": "", "input_transforms": {"q": js("results.a.x16")}},
                        }
                    ],
                    "tool_inputs": {"t2": {"q": js("results.a.x17")}},
                },
                "timeout": 10,
                "sleep": {"type": "static", "value": 1},
            },
        ],
        "failure_module": {
            "id": "failure",
            "value": {"type": "script", "path": "", "input_transforms": {"e": js("results.a.x18")}},
        },
    },
}


def at(document: Any, pointer: str) -> Any:
    for key in pointer.split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


class TestExpressions:
    def test_all_are_found(self) -> None:
        texts = "\n".join(expression.text for expression in expressions(FLOW))
        assert all(f"x{number}" in texts for number in range(19))
        assert len(list(expressions(FLOW))) == 19

    def test_pointers_lead_to_the_texts(self) -> None:
        for expression in expressions(FLOW):
            assert at(FLOW, expression.pointer) == expression.text

    def test_fields_say_what_they_are(self) -> None:
        found = {(e.step_id, e.field): e for e in expressions(FLOW)}
        assert found[None, "skip_expr"].predicate
        assert found["c", "x/y~"].is_input
        assert found["b", "iterator"].is_input is False
        assert found["d", "branches/1/expr"].predicate
        assert found["f", "q"].tool_id == "t"
        assert ("c", "user_groups_required") in found

    def test_broken_flows_are_passed_over(self) -> None:
        modules = [
            {
                "id": "a",
                "value": {"type": "branchone", "branches": [3, {}]},
                "retry": 3,
                "sleep": {"type": "javascript"},
            },
            {"id": "b", "value": {"type": "aiagent", "tools": [3, {"value": 4}], "tool_inputs": 3}},
            {"id": "c", "value": {"input_transforms": {"x": 3, "y": {"type": "javascript", "expr": 5}}}},
        ]
        assert list(expressions({"value": {"modules": modules}})) == []


class TestRenameStep:
    def test_changes_every_expression_and_mention(self) -> None:
        renamed = rename_step(FLOW, "a", "first")
        value = renamed.flow["value"]
        assert value["modules"][0]["id"] == value["early_return"] == "first"
        assert value["notes"] == [{"id": "n", "text": "results.a", "contained_node_ids": ["first", "b"]}]
        assert value["groups"] == [{"start_id": "first", "end_id": "b", "summary": "a"}]
        assert not any("a" in references.find(e.text).results for e in expressions(renamed.flow))
        assert len(renamed.changed) == 17
        assert all(at(renamed.flow, e.pointer) == e.text for e in renamed.changed)
        assert renamed.changed[0].step_id == "first"

    def test_leaves_everything_else(self) -> None:
        before = copy.deepcopy(FLOW)
        flow = rename_step(FLOW, "a", "first").flow
        assert before == FLOW
        assert flow["summary"] == "results.a"
        first = flow["value"]["modules"][0]["value"]
        assert first["content"] == "results.a"
        assert list(first["input_transforms"]) == ["a", "s"]
        assert first["input_transforms"]["s"]["value"] == "results.a"

    def test_of_a_step_that_is_not_there_changes_nothing(self) -> None:
        renamed = rename_step(FLOW, "zz", "first")
        assert renamed.flow == FLOW
        assert renamed.changed == ()

    @settings(deadline=None, max_examples=50)
    @given(st.from_regex(r"[a-z_][a-zA-Z0-9_]{0,8}", fullmatch=True))
    def test_there_and_back_is_the_same(self, new: str) -> None:
        if new in ("b", "c", "d", "e", "f", "t", "failure"):
            return
        there = rename_step(FLOW, "a", new).flow
        assert json.dumps(rename_step(there, new, "a").flow) == json.dumps(FLOW)
