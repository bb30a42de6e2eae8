"""Views: what the page gets of a document, and what it gets after an edit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.notebook import Applied, Document, apply, cell_view, states, view
from flowapp.notebook.copies import fresh_modules
from flowapp.notebook.operations import types as ops
from flowapp.notebook.view import Snapshot, difference, input_view
from flowapp.openflow.lint import lint
from flowapp.openflow.problems import Problem
from tests.unit.notebook.flows import branch, document, documents, loop, operations, script


def snapshot(found: Document, **more: Any) -> Snapshot:
    return Snapshot(found, states(found, {}, {}), **more)


def cell(found: Document, name: str, **more: Any) -> dict[str, Any]:
    return cell_view(snapshot(found, **more), name)


def test_a_script_cell() -> None:
    made = document(script("a"), script("b", {"rows": "results.a.rows"}, summary="Report"))
    shown = cell(made, "cell_b", evaluated={"cell_b": {"rows": {"ok": True, "text": "3 items"}}})
    assert (shown["step_id"], shown["title"], shown["kind"], shown["reads"]) == ("b", "Report", "rawscript", ["a"])
    assert (shown["language"], shown["language_label"], shown["editor"]) == ("python3", "Python", "python")
    field = shown["inputs"][0]
    assert (field["expr"], field["type"], field["required"], field["evaluated"]) == (
        "results.a.rows",
        "javascript",
        True,
        {"ok": True, "text": "3 items"},
    )


def test_long_values_are_cut() -> None:
    made = document(script("a", {"x": {"type": "static", "value": "y" * 5000}}))
    field = cell(made, "cell_a")["inputs"][0]
    assert (len(field["value"]), field["truncated"]) == (2048, True)


def test_containers_show_their_settings() -> None:
    made = document(loop("l", "[1]", [script("a")]), branch("d", [("true", [])], []))
    evaluated = {"cell_l": {"iterator": {"ok": True, "text": "1 item"}}}
    shown = cell(made, "cell_l", evaluated=evaluated)["settings"]
    assert shown["iterator"]["expr"] == "[1]"
    assert shown["evaluated"] == {"iterator": {"ok": True, "text": "1 item"}}
    assert cell(made, "cell_d")["settings"]["branches"] == [{"summary": "", "expr": "true"}]
    assert (cell(made, "cell_a")["parent"], cell(made, "cell_a")["depth"]) == ("cell_l", 1)


def test_problems_stand_at_their_cell_and_those_of_the_flow_at_the_input() -> None:
    made = document(script("a"))
    of_cell = Problem("expr.syntax", "error", "No.", "", "/value/modules/0", "a")
    of_flow = Problem("doc.shape", "error", "No.", "", "")
    shown = view(made, states(made, {}, {}), [of_cell, of_flow])
    assert shown["cells"][0]["problems"] == [of_cell.to_json()]
    assert shown["input"]["problems"] == [of_flow.to_json()]


def test_the_flow_input() -> None:
    blob = {"$flowapp:blob": {"sha256": "x", "size": 9, "media_type": "text/csv", "name": "o.csv"}}
    schema = {"properties": {"b": {"type": "integer", "default": 2}, "a": {}}, "order": ["a", "b"]}
    shown = input_view(document(script("s"), schema=schema, sample={"a": blob, "c": "x" * 5000}))
    assert [value["name"] for value in shown["values"]] == ["a", "b", "c"]
    assert shown["values"][0]["blob"] == {"name": "o.csv", "size": 9, "media_type": "text/csv"}
    assert (shown["values"][1]["value"], shown["values"][1]["given"]) == (2, False)
    assert "value" not in shown["values"][2]
    assert len(shown["values"][2]["preview"]) == 500


def test_wires() -> None:
    made = document(script("a"), script("b", {"x": "results.a + results.z"}))
    assert view(made, states(made, {}, {}))["wires"] == [
        {"from": "cell_a", "step_id": "a", "to": "cell_b", "field": "x", "broken": None},
        {"from": None, "step_id": "z", "to": "cell_b", "field": "x", "broken": "gone"},
    ]


class TestCopies:
    def test_get_ids_of_their_own_and_inner_references_follow(self) -> None:
        made = document(script("a"), loop("l", "results.a", [script("b"), script("c", {"x": "results.b + results.a"})]))
        (copy,) = fresh_modules(made, [made.outline.by_cell["cell_l"].module])
        result = apply(made, ops.InsertCell("new", None, "modules", 9, copy))
        assert isinstance(result, Applied)
        steps = [entry.step_id for entry in result.document.outline.entries]
        assert steps == ["a", "l", "b", "c", "d", "e", "f"]
        inner = result.document.outline.by_step["f"].module["value"]["input_transforms"]["x"]["expr"]
        assert inner == "results.e + results.a"


@settings(max_examples=100, deadline=None)
@given(documents(), st.lists(operations(), min_size=1, max_size=5))
def test_the_difference_turns_the_old_view_into_the_new_one(before: Document, script_: list[ops.Operation]) -> None:
    after = before
    for operation in script_:
        result = apply(after, operation)
        after = result.document if isinstance(result, Applied) else after
    change = difference(snapshot(before), snapshot(after))
    cells = {cell["id"]: cell for cell in view(before, states(before, {}, {}))["cells"]}
    for removed in change["removed"]:
        del cells[removed]
    cells |= {cell["id"]: cell for cell in change["cells"]}
    expected = view(after, states(after, {}, {}))
    assert [cells[cell] for cell in change["order"]] == expected["cells"]
    old = view(before, states(before, {}, {}))
    for part in ("notes", "input", "wires"):
        assert change.get(part, old[part]) == expected[part]


AGENT = {
    "id": "a",
    "value": {
        "type": "aiagent",
        "input_transforms": {"provider": {"type": "static", "value": {"kind": "openai"}}},
        "tools": [
            {
                "id": "t",
                "summary": "price",
                "value": {
                    "type": "rawscript",
                    "language": "python3",
                    "content": "def main(item: str, n: int = 1): ...",
                    "input_transforms": {"item": {"type": "ai"}, "old": {"type": "static", "value": 1}},
                },
            },
            {"id": "m", "value": {"tool_type": "mcp", "resource_path": "u/x/y"}},
            {"id": "f", "value": {"type": "flow", "path": "f/x/y", "input_transforms": {"q": {"type": "ai"}}}},
        ],
    },
}


@pytest.mark.parametrize(
    "tool",
    [
        {},
        {"id": 3, "summary": 4, "value": None},
        {"value": []},
        {"value": {"type": "rawscript"}},
        {"value": {"type": "rawscript", "content": 5, "language": 7, "input_transforms": {"x": 1}}},
        {"value": {"tool_type": "mcp"}},
        {"value": {"type": 5, "input_transforms": []}},
        "no tool",
    ],
)
def test_odd_tools_are_shown_and_linted(tool: Any) -> None:
    module = {"id": "a", "value": {"type": "aiagent", "tools": [tool, tool]}}
    made = document(module)
    assert len(cell(made, "cell_a")["tools"]) == (2 if isinstance(tool, dict) else 0)
    assert {problem.rule for problem in lint(made.flow)} >= {"agent.input_missing"}


def test_an_agent_cell_has_its_inputs_and_tools() -> None:
    shown = cell(document(AGENT), "cell_a")
    assert [row["field"] for row in shown["inputs"]][:3] == ["provider", "user_message", "system_prompt"]
    assert [row["field"] for row in shown["inputs"] if row["required"]] == ["provider", "user_message"]
    assert [tool["label"] for tool in shown["tools"]] == ["Python", "MCP server", "Flow"]
    assert shown["tools"][0]["inputs"] == [
        {"field": "item", "type": "ai", "declared": True},
        {"field": "n", "type": None, "declared": True},
        {"field": "old", "type": "static", "declared": False},
    ]
    assert shown["tools"][2]["inputs"] == [{"field": "q", "type": "ai", "declared": True}]
    assert cell(document(script("a")), "cell_a")["tools"] == []
