"""Changes by a model: the real client against a server in this process; nothing unchecked gets through."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from flowapp.assistant.answers import Help
from flowapp.assistant.edits import Request, help_with
from flowapp.models import ModelFailed
from flowapp.notebook import Applied, apply_all
from flowapp.notebook.operations.types import InsertCell, SetCode, SetInput, SetTitle
from tests.unit.models.test_client import client_of, completion
from tests.unit.notebook.flows import document, loop, script

STATIC = {"type": "static", "value": "$var:u/me/key"}
FLOW = document(
    script(
        "a",
        {"key": STATIC, "api_token": {"type": "static", "value": "sk-1"}},
        "def main(key, api_token):\n    return 1\n",
    ),
    loop("l", "results.a", [script("b", {"n": "flow_input.iter.value"}, "def main(n):\n    return n\n")]),
)


def change(kind: str, **more: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"step": None, "after": None, "title": None, "language": None, "code": None, "inputs": []}
    return {**empty, "kind": kind, "why": "because", **more}


def request(mode: Any = "edit", **more: Any) -> Request:
    return Request(FLOW, "Do it", mode, **more)


async def answered(*changes: dict[str, Any], mode: Any = "edit") -> Help:
    numbers = count()
    said = completion(json.dumps({"message": " Done. ", "changes": list(changes)}))
    async with client_of(said) as (client, _):
        return await help_with(client, request(mode), lambda: f"new{next(numbers)}")


class TestWhatIsSent:
    def test_code_wires_results_and_errors_and_no_secrets(self) -> None:
        results = {"a": {"rows": 1, "password": "hunter2"}}
        sent = json.loads(request(step="b", results=results, errors={"b": "KeyError: n"}).question)
        first, container, inner = sent["flow"]["steps"]
        assert first["inputs"] == {"key": {"value": "(hidden)"}, "api_token": {"value": "(hidden)"}}
        assert first["result"] == {"rows": 1, "password": "(hidden)"}
        assert (container["kind"], inner["inside"], inner["error"]) == ("forloopflow", "l", "KeyError: n")
        assert inner["code"] == "def main(n):\n    return n\n"
        assert (sent["this_step"], sent["request"]) == ("b", "Do it")
        assert "sk-1" not in request(results=results).question and "hunter2" not in request(results=results).question

    def test_long_code_is_cut(self) -> None:
        long = Request(document(script("a", code="x = 1\n" * 5000)), "Do it", "ask")
        assert "more characters)" in json.loads(long.question)["flow"]["steps"][0]["code"]

    def test_asking_proposes_nothing(self) -> None:
        assert "Propose no changes" in request("ask").system and "smallest changes" in request().system


class TestChanges:
    async def test_of_code_with_its_inputs(self) -> None:
        code = "def main(n, total):\n    return n + total\n"
        inputs = [{"field": "total", "expr": "results.a"}]
        found = await answered(change("code", step="b", code=code, inputs=inputs))
        (edit,) = found.edits
        assert edit.operations == (
            SetCode("cell_b", code),
            SetInput("cell_b", "total", {"type": "javascript", "expr": "results.a"}),
        )
        assert (edit.before, edit.after, edit.problems) == ("def main(n):\n    return n\n", code, ())
        assert (found.message, found.notice) == ("Done.", None)

    async def test_of_a_title_and_of_a_wire(self) -> None:
        found = await answered(
            change("title", step="a", title=" Load\n orders "),
            change("input", step="b", inputs=[{"field": "n", "expr": "1"}]),
        )
        title, wire = found.edits
        assert title.operations == (SetTitle("cell_a", "Load orders"),)
        assert (wire.label, wire.inputs) == ("Wire n of b", (("n", "1"),))

    async def test_new_steps_may_build_on_each_other(self) -> None:
        code = "def main(x):\n    return x\n"
        found = await answered(
            change(
                "insert",
                step="sum",
                after="a",
                title="Sum",
                language="python3",
                code=code,
                inputs=[{"field": "x", "expr": "results.a"}],
            ),
            change(
                "insert",
                step="b",
                after="sum",
                language="python3",
                code=code,
                inputs=[{"field": "x", "expr": "results.sum"}],
            ),
        )
        first, second = found.edits
        assert isinstance(first.operations[0], InsertCell) and first.operations[0].module["id"] == "sum"
        assert isinstance(second.operations[0], InsertCell) and second.operations[0].module["id"] == "c"  # b is taken
        result = apply_all(FLOW, (*first.operations, *second.operations))
        assert isinstance(result, Applied)
        assert [entry.step_id for entry in result.document.outline.entries] == ["a", "sum", "c", "l", "b"]

    async def test_problems_that_a_change_would_bring_are_told(self) -> None:
        (edit,) = (await answered(change("code", step="b", code="def main(n:\n"))).edits
        assert "code.syntax" in {problem.rule for problem in edit.problems}
        (wire,) = (await answered(change("input", step="b", inputs=[{"field": "n", "expr": "results.zzz"}]))).edits
        assert "wire.unknown_step" in {problem.rule for problem in wire.problems}

    @pytest.mark.parametrize(
        "bad",
        [
            change("code", step="zzz", code="x"),
            change("code", step="l", code="x"),
            change("code", step="a", code="  "),
            change("input", step="a"),
            change("insert", language="cobol", code="x"),
            change("insert", language="python3", code=""),
            change("insert", after="zzz", language="python3", code="def main(): pass"),
        ],
    )
    async def test_what_makes_no_sense_is_left_out_and_said(self, bad: dict[str, Any]) -> None:
        found = await answered(bad, change("title", step="a", title="Good"))
        assert [edit.label for edit in found.edits] == ["Call a “Good”"]
        assert found.notice and found.notice.startswith("Left out: ")

    async def test_a_question_changes_nothing_whatever_the_model_says(self) -> None:
        assert (await answered(change("title", step="a", title="x"), mode="ask")).edits == ()


@pytest.mark.parametrize("text", ["not json", '{"message": 1, "changes": []}', '{"message": "x"}', "[]"])
async def test_malformed_answers_are_errors(text: str) -> None:
    async with client_of(completion(text)) as (client, _):
        with pytest.raises(ModelFailed):
            await help_with(client, request(), lambda: "new")
