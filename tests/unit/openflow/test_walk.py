"""Walking over flows, ids, and the places of input transforms."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from flowapp.openflow.walk import (
    Place,
    inputs_of,
    inputs_pointer,
    new_step_id,
    slots,
    step_ids,
    tools,
    valid_step_id,
    walk,
    well_formed_id,
)


def script(step_id: str) -> dict[str, Any]:
    return {"id": step_id, "value": {"type": "rawscript", "language": "bash", "content": "", "input_transforms": {}}}


NESTED: dict[str, Any] = {
    "summary": "",
    "value": {
        "modules": [
            script("a"),
            {
                "id": "b",
                "value": {
                    "type": "branchone",
                    "branches": [{"expr": "true", "modules": [script("c")]}, {"expr": "true", "modules": []}],
                    "default": [
                        {
                            "id": "d",
                            "value": {"type": "forloopflow", "iterator": {}, "modules": [script("e"), script("f")]},
                        }
                    ],
                },
            },
            {
                "id": "g",
                "value": {
                    "type": "aiagent",
                    "tools": [{"id": "t", "summary": "look_up", "value": {"tool_type": "flowmodule"}}],
                },
            },
        ],
        "failure_module": script("failure"),
        "preprocessor_module": script("preprocessor"),
    },
}


def places() -> dict[str, Place]:
    return {place.step_id: place for place in walk(NESTED)}


def at(pointer: str) -> Any:
    here: Any = NESTED
    for key in pointer.split("/")[1:]:
        here = here[int(key)] if isinstance(here, list) else here[key]
    return here


class TestWalk:
    def test_is_in_document_order_and_ends_with_the_two_special_modules(self) -> None:
        assert [place.step_id for place in walk(NESTED)] == [
            "a",
            "b",
            "c",
            "d",
            "e",
            "f",
            "g",
            "failure",
            "preprocessor",
        ]

    def test_every_pointer_leads_to_its_module(self) -> None:
        for place in walk(NESTED):
            assert at(place.pointer) is place.module

    def test_tells_parent_slot_index_and_depth(self) -> None:
        found = places()
        assert (found["c"].parent, found["c"].slot, found["c"].index, found["c"].depth) == ("b", "branches/0", 0, 1)
        assert (found["f"].parent, found["f"].slot, found["f"].index, found["f"].depth) == ("d", "modules", 1, 2)
        assert (found["d"].parent, found["d"].slot) == ("b", "default")
        assert (found["failure"].parent, found["failure"].slot) == (None, "failure")

    @pytest.mark.parametrize(
        "broken",
        [{}, {"value": None}, {"value": {}}, {"value": {"modules": 3}}, {"value": {"modules": [3, None, "x"]}}],
    )
    def test_of_something_broken_finds_nothing_and_does_not_raise(self, broken: dict[str, Any]) -> None:
        assert list(walk(broken)) == []

    def test_passes_over_broken_containers(self) -> None:
        modules = [
            {"id": "a", "value": 1},
            {"id": "b", "value": {"type": "branchall", "branches": [None, {"modules": "x"}]}},
            {"id": 3, "value": {"type": "forloopflow"}},
        ]
        assert [place.step_id for place in walk({"value": {"modules": modules}})] == ["a", "b", ""]


def test_slots_are_the_lists_of_the_document() -> None:
    module = places()["b"].module
    assert list(slots(module)) == ["branches/0", "branches/1", "default"]
    assert slots(module)["branches/0"] is module["value"]["branches"][0]["modules"]
    assert slots(script("a")) == {}


def test_tools_are_those_of_agents_only() -> None:
    assert [tool["id"] for tool in tools(places()["g"].module)] == ["t"]
    assert tools(places()["a"].module) == []


def test_step_ids_include_tools() -> None:
    assert step_ids(NESTED) == {"a", "b", "c", "d", "e", "f", "g", "t", "failure", "preprocessor"}


class TestInputs:
    transform: ClassVar[dict[str, Any]] = {"x": {"type": "static", "value": 1}}

    @pytest.mark.parametrize(
        ("module", "pointer"),
        [
            ({"value": {"type": "script", "input_transforms": transform}}, "/value/input_transforms"),
            ({"value": {"type": "script", "input_transform": transform}}, "/value/input_transform"),
            ({"value": {"type": "script"}, "input_transforms": transform}, "/input_transforms"),
            ({"value": {"type": "script", "input_transforms": None}, "input_transform": transform}, "/input_transform"),
        ],
    )
    def test_are_found_wherever_they_are(self, module: dict[str, Any], pointer: str) -> None:
        assert inputs_pointer(module) == pointer
        assert inputs_of(module) == self.transform

    def test_belong_into_the_value_where_there_are_none(self) -> None:
        assert inputs_pointer({"value": {"type": "identity"}}) == "/value/input_transforms"
        assert inputs_of({}) == {}


class TestIds:
    def test_go_from_a_to_z_and_on(self) -> None:
        taken: set[str] = set()
        for _ in range(30):
            taken.add(new_step_id(taken))
        assert {"a", "z", "aa", "ad"} <= taken
        assert len(taken) == 30

    def test_skip_words_of_javascript(self) -> None:
        taken: set[str] = set()
        for _ in range(300):
            taken.add(new_step_id(taken))
        assert not taken & {"as", "do", "if", "in", "is", "of"}

    @pytest.mark.parametrize("good", ["a", "aa", "Step_1", "a-b", "0"])
    def test_have_letters_digits_underscore_and_dash(self, good: str) -> None:
        assert valid_step_id(good)

    @pytest.mark.parametrize("bad", ["", "a b", "a.b", "ä", "a\n", "failure", "preprocessor", "Input"])
    def test_have_nothing_else(self, bad: str) -> None:
        assert not valid_step_id(bad)

    def test_reserved_ones_are_well_formed_all_the_same(self) -> None:
        assert well_formed_id("failure")
