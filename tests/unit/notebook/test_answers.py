"""Cells that read `resume`, `resumes` or `approvers`: they hang on the step that asks, in plans and in states."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.notebook import Applied, apply, plan, states
from flowapp.notebook.operations import types as ops
from flowapp.notebook.wires import Wire, graph_of
from tests.unit.notebook.flows import Bench, branch, document, loop, script

ASKS: dict[str, Any] = {"suspend": {"required_events": 1}}


def ran(*modules: dict[str, Any]) -> Bench:
    made = Bench(document(*modules))
    made.run(plan(made.document, states(made.document, {}, {}), [], "all"))
    return made


def kinds(made: Bench) -> dict[str, str]:
    found = states(made.document, made.records, {})
    return {cell.removeprefix("cell_"): state.kind for cell, state in found.items()}


@pytest.mark.parametrize("expr", ["resume.ok", "resumes.length", "approvers[0]", "`${resume}`"])
def test_the_step_after_a_wait_has_a_wire(expr: str) -> None:
    made = document(script("a", **ASKS), script("b", {"x": expr}))
    assert graph_of(made).units["cell_b"].wires == (Wire("cell_b", "x", "a", "cell_a", part="answers"),)


@pytest.mark.parametrize("expr", ["'resume'", "flow_input.resume", "results.z.resume", "[1].map(resume => resume)"])
def test_text_members_and_own_names_are_none(expr: str) -> None:
    made = document(script("a", **ASKS), script("b", {"x": expr}))
    assert [wire for wire in graph_of(made).own["cell_b"].wires if wire.part == "answers"] == []


def test_settings_and_lists_read_too() -> None:
    made = document(script("a", **ASKS), loop("l", "resumes", [script("b", {"x": "resume"})]))
    assert graph_of(made).units["cell_l"].wires == (Wire("cell_l", "iterator", "a", "cell_a", part="answers"),)
    made = document(script("a", **ASKS), script("b", skip_if={"expr": "!resume.ok"}))
    assert Wire("cell_b", "skip_if", "a", "cell_a", part="answers") in graph_of(made).own["cell_b"].wires


@pytest.mark.parametrize(
    "modules",
    [
        [script("a"), script("b", {"x": "resume"})],
        [script("a", suspend={"required_events": 0}), script("b", {"x": "resume"})],
        [script("a", **ASKS), script("c"), script("b", {"x": "resume"})],
        [script("a", **ASKS), loop("l", "[1]", [script("b", {"x": "resume"})])],
        [script("a", **ASKS), script("b", sleep={"type": "javascript", "expr": "resume.wait"})],
        [script("b", {"x": "resume"}, **ASKS)],
    ],
)
def test_no_wire_where_the_flow_would_give_null(modules: list[dict[str, Any]]) -> None:
    assert graph_of(document(*modules)).own["cell_b"].wires == ()


def test_a_wait_inside_a_branch_is_seen_by_the_next_step_there() -> None:
    inner = [script("a", **ASKS), script("b", {"x": "resume"})]
    made = document(branch("br", [("true", inner)], []))
    assert [wire.producer for wire in graph_of(made).own["cell_b"].wires] == ["cell_a"]
    assert graph_of(made).units["cell_br"].wires == ()


def test_running_it_takes_the_asking_step_along() -> None:
    fresh = Bench(document(script("a", **ASKS), script("b", {"x": "resume"})))
    found = states(fresh.document, {}, {})
    assert found["cell_b"].runs_first == ("a",)
    assert plan(fresh.document, found, ["cell_b"], "auto").run == ("cell_a", "cell_b")
    done = ran(script("a", **ASKS), script("b", {"x": "resume"}))
    found = states(done.document, done.records, {})
    assert plan(done.document, found, ["cell_b"], "auto").given == ("a",)


def test_asking_again_makes_it_out_of_date_although_the_result_is_the_same() -> None:
    made = ran(script("a", **ASKS), script("b", {"x": "resume"}), script("c", {"x": "results.a"}))
    assert set(kinds(made).values()) == {"fresh"}
    old = made.records["cell_a"]
    again = plan(made.document, states(made.document, made.records, {}), ["cell_a"], "auto")
    made.records.pop("cell_a")  # computed anew, with the same result
    made.run(again, new_values=False)
    made.records["cell_a"] = type(old)(**{**_fields(made.records["cell_a"]), "result": old.result})
    assert kinds(made) == {"a": "fresh", "b": "stale", "c": "fresh"}


def test_asking_no_more_makes_it_out_of_date() -> None:
    made = ran(script("a", **ASKS), script("b", {"x": "resume"}))
    result = apply(made.document, ops.SetSetting("cell_a", "suspend", None))
    assert isinstance(result, Applied)
    made.document = result.document
    assert kinds(made)["b"] == "stale"


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_answers_hang_on_the_step_right_before_and_on_no_other(steps: list[tuple[bool, bool, bool]]) -> None:
    """Steps that ask, that read answers, and that read the step before: any mixture of them."""
    modules = []
    for number, (asks, answers, result) in enumerate(steps):
        reads = {"x": "resume.ok"} if answers else {}
        reads |= {"y": f"results.s{number - 1}"} if result and number else {}
        modules.append(script(f"s{number}", reads, **(ASKS if asks else {})))
    made = document(*modules)
    for number, (_, answers, _) in enumerate(steps):
        found = [w.producer for w in graph_of(made).own[f"cell_s{number}"].wires if w.part == "answers"]
        asked = number > 0 and steps[number - 1][0]
        assert found == ([f"cell_s{number - 1}"] if answers and asked else [])


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).__dataclass_fields__}
