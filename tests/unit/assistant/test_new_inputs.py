"""Inputs that a flow could have for fields that nothing fits: named like the field, shared where types agree."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.assistant import targets_of
from flowapp.assistant.new_inputs import Need, NewInput, agree, needs_one, new_inputs
from flowapp.notebook.document import Document
from tests.unit.notebook.flows import document, script

TEXT: dict[str, Any] = {"type": "string"}


def needs_of(made: Document) -> list[Need]:
    found = [Need(entry, target) for entry in made.outline.entries for target in targets_of(made, entry.cell)]
    return [need for need in found if needs_one(need.entry, need.target)]


def proposed(made: Document) -> dict[str, NewInput]:
    needs = needs_of(made)
    keys = [f"{need.entry.step_id}.{need.target.field}" for need in needs]
    return dict(zip(keys, new_inputs(made, needs), strict=True))


def step(step_id: str, arguments: str) -> dict[str, Any]:
    return script(step_id, code=f"def main({arguments}):\n    return 1\n")


def with_inputs(*modules: dict[str, Any], **properties: Any) -> Document:
    return document(*modules, schema={"type": "object", "properties": properties})


def test_what_the_input_takes_is_what_the_code_says_of_the_field() -> None:
    found = proposed(document(step("a", "days: int, note: str = ''")))
    assert list(found) == ["a.days"]  # what has a default lacks nothing
    assert (found["a.days"].name, found["a.days"].expr, found["a.days"].there) == ("days", "flow_input.days", False)
    assert found["a.days"].schema["type"] == "integer"
    assert "default" not in found["a.days"].schema


def test_one_name_is_shared_where_the_types_agree_and_not_where_they_differ() -> None:
    made = document(step("a", "region: str"), step("b", "region: str"), step("c", "region: int"), step("d", "region"))
    found = proposed(made)
    assert {key: new.name for key, new in found.items()} == {
        "a.region": "region",
        "b.region": "region",
        "c.region": "c_region",
        "d.region": "region",  # says no type, and takes what the others do
    }
    assert found["a.region"].shared == ("b.region", "d.region")
    assert found["c.region"].shared == ()
    assert found["d.region"].schema == found["a.region"].schema


def test_the_type_is_taken_of_whoever_says_one() -> None:
    found = proposed(document(step("a", "region"), step("b", "region: str")))
    assert {new.name for new in found.values()} == {"region"}
    assert all(new.schema["type"] == "string" for new in found.values())


def test_an_input_that_the_flow_has_is_read_and_never_changed() -> None:
    found = proposed(with_inputs(step("a", "region: str"), region={**TEXT, "description": "Where", "default": "EU"}))
    assert found["a.region"].there and found["a.region"].schema["default"] == "EU"
    made = with_inputs(step("a", "region: str"), region={"type": "integer"}, a_region={"type": "boolean"})
    assert (proposed(made)["a.region"].name, proposed(made)["a.region"].there) == ("a_region_2", False)


def test_a_field_called_like_what_a_loop_gives_has_another_name() -> None:
    assert proposed(document(step("a", "iter: str")))["a.iter"].name == "a_iter"


def test_the_failure_handler_and_the_provider_of_an_agent_are_asked_for_nowhere() -> None:
    agent = {"id": "a", "value": {"type": "aiagent", "tools": [], "input_transforms": {}}}
    made = document(agent, failure_module=step("failure", "message: str"))
    assert list(proposed(made)) == ["a.user_message"]


def test_a_field_that_the_code_does_not_take_needs_no_input() -> None:
    made = document(script("a", {"gone": ""}, code="def main():\n    return 1\n"))
    assert needs_of(made) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (TEXT, {**TEXT, "description": "x", "default": "y", "title": "z"}, True),
        (TEXT, {"type": "integer"}, False),
        (TEXT, {**TEXT, "format": "email"}, False),
        (TEXT, {**TEXT, "enum": ["a"]}, False),
        (TEXT, {}, True),
        ({"type": "array", "items": TEXT}, {"type": "array", "items": {"type": "number"}}, False),
        (
            {"type": "object", "properties": {"title": TEXT}},
            {"type": "object", "properties": {"title": {**TEXT, "description": "x"}}},
            True,
        ),
        ({"type": "object", "properties": {"title": TEXT}}, {"type": "object", "properties": {}}, False),
    ],
)
def test_types_agree_where_the_same_values_are_taken(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert agree(one, other) is same and agree(other, one) is same
