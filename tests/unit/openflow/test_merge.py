"""Bringing together what two people made of one flow: by hand what each rule says, at random what holds for all flows."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.notebook import Document
from flowapp.notebook.errors import Rejected
from flowapp.notebook.operations import apply
from flowapp.notebook.operations import types as ops
from flowapp.openflow.expressions import rename_step
from flowapp.openflow.merge import Conflict, Merge, Part, merge
from flowapp.openflow.walk import walk
from tests.unit.notebook.flows import branch, documents, flow, loop, operations, script

Json = dict[str, Any]
CODE = "def main():\n    return {}\n"


def base() -> Json:
    """Three steps, the last one a loop with a step in it."""
    found = flow(
        script("a", {"x": "flow_input.n"}, summary="Load"),
        script("b", {"rows": "results.a"}),
        loop("c", "results.b", [script("d", {"row": "flow_input.iter.value"})]),
        schema={"type": "object", "properties": {"n": {"type": "integer"}}, "required": [], "order": ["n"]},
    )
    return found


def changed(**code: str) -> Json:
    """The base with other code in top-level steps."""
    found = base()
    for module in found["value"]["modules"]:
        if module["id"] in code:
            module["value"]["content"] = CODE.format(code[module["id"]])
    return found


def of(flow: Json, step: str) -> Json:
    """A step of a flow, wherever it is."""
    return next(place.module for place in walk(flow) if place.step_id == step)


def order(flow: Json) -> list[str]:
    """All steps in document order."""
    return [place.step_id for place in walk(flow)]


def taken(found: Merge) -> set[tuple[str, str, str]]:
    """Name, side and kinds of what was taken without asking."""
    return {(one.name, one.side, ",".join(sorted(part.kind for part in one.what))) for one in found.taken}


def the_one(found: Merge) -> Conflict:
    """The only conflict."""
    assert len(found.conflicts) == 1, [one.id for one in found.conflicts]
    return found.conflicts[0]


class TestWhatOnlyOneChanged:
    def test_cells_of_both_are_taken(self) -> None:
        found = merge(base(), changed(a="1"), changed(b="2"))
        assert found.conflicts == () and found.flow == changed(a="1", b="2")
        assert taken(found) == {("a", "theirs", "code"), ("b", "mine", "code")}

    def test_parts_of_one_cell_are_taken(self) -> None:
        mine = base()
        of(mine, "a")["summary"] = "Read"
        of(mine, "a")["value"]["input_transforms"]["x"] = {"type": "static", "value": 3}
        of(mine, "a")["timeout"] = 7
        found = merge(base(), changed(a="1"), mine)
        assert found.conflicts == ()
        a = of(found.flow, "a")
        assert (a["summary"], a["timeout"], a["value"]["content"]) == ("Read", 7, CODE.format(1))
        assert a["value"]["input_transforms"]["x"] == {"type": "static", "value": 3}

    def test_new_steps_and_inputs_of_both_are_kept_in_their_places(self) -> None:
        theirs, mine = base(), base()
        theirs["value"]["modules"].insert(1, script("t"))
        mine["value"]["modules"].insert(1, script("m"))
        of(mine, "c")["value"]["modules"].append(script("n"))
        theirs["schema"]["properties"]["city"] = {"type": "string"}
        theirs["schema"]["order"].append("city")
        mine["schema"]["properties"]["days"] = {"type": "integer"}
        mine["schema"]["order"].append("days")
        mine["schema"]["required"].append("n")
        found = merge(base(), theirs, mine)
        assert found.conflicts == () and order(found.flow) == ["a", "t", "m", "b", "c", "d", "n"]
        assert found.flow["schema"]["order"] == ["n", "city", "days"] == list(found.flow["schema"]["properties"])
        assert found.flow["schema"]["required"] == ["n"]

    def test_the_same_change_of_both_is_no_question(self) -> None:
        found = merge(base(), changed(a="1"), changed(a="1", b="2"))
        assert found.conflicts == () and found.flow == changed(a="1", b="2")
        assert taken(found) == {("b", "mine", "code")}

    def test_a_step_goes_where_one_of_them_moved_it_with_the_code_of_the_other(self) -> None:
        theirs = base()
        modules = theirs["value"]["modules"]
        of(theirs, "c")["value"]["modules"].append(modules.pop(1))
        found = merge(base(), theirs, changed(b="2"))
        assert found.conflicts == () and order(found.flow) == ["a", "c", "d", "b"]
        assert of(found.flow, "b")["value"]["content"] == CODE.format(2)
        assert ("b", "theirs", "place") in taken(found)

    def test_a_step_keeps_the_name_that_one_gave_it_with_the_code_of_the_other(self) -> None:
        mine = rename_step(base(), "a", "load").flow
        mine["value"]["modules"].append(script("e", {"x": "results.load"}))
        theirs = base()
        of(theirs, "a")["timeout"] = 5
        theirs["value"]["modules"].insert(1, script("t", {"x": "results.a"}))
        for one, other, renamed in ((theirs, mine, {}), (mine, theirs, {"a": "load"})):
            found = merge(base(), one, other)
            assert found.conflicts == () and found.renamed == renamed
            assert order(found.flow) == ["load", "t", "b", "c", "d", "e"]
            assert of(found.flow, "load")["timeout"] == 5
            wires = [of(found.flow, step)["value"]["input_transforms"] for step in ("t", "b", "e")]
            assert [wire["expr"] for fields in wires for wire in fields.values()] == ["results.load"] * 3

    def test_a_step_that_one_removed_and_the_other_left_alone_goes(self) -> None:
        mine = base()
        del mine["value"]["modules"][2]
        found = merge(base(), changed(a="1"), mine)
        assert found.conflicts == () and order(found.flow) == ["a", "b"]
        assert ("c", "mine", "removed") in taken(found)

    def test_locks_and_stand_ins_are_no_change(self) -> None:
        deployed, theirs, mine = base(), changed(b="2"), changed(a="1")
        for one in (deployed, theirs):
            for step in ("a", "b"):
                of(one, step)["value"]["lock"] = f"lock of {of(one, step)['value']['content']}"
        of(mine, "b")["mock"] = {"enabled": True, "return_value": 1}
        found = merge(deployed, theirs, mine)
        assert found.conflicts == ()
        assert "lock" not in of(found.flow, "a")["value"]
        assert of(found.flow, "b")["value"]["lock"] == f"lock of {CODE.format(2)}"
        assert of(found.flow, "b")["mock"] == {"enabled": True, "return_value": 1}

    def test_notes_and_settings_of_the_flow(self) -> None:
        theirs, mine = base(), base()
        theirs["value"]["notes"] = [{"id": "n1", "text": "one"}]
        mine["value"]["notes"] = [{"id": "n2", "text": "two"}]
        theirs["value"]["same_worker"] = True
        mine["description"] = "Mine"
        found = merge(base(), theirs, mine)
        assert found.conflicts == () and found.flow["value"]["same_worker"] is True
        assert [note["text"] for note in found.flow["value"]["notes"]] == ["one", "two"]
        assert found.flow["description"] == "Mine"


class TestWhatBothChanged:
    def test_code_is_decided(self) -> None:
        conflict = the_one(merge(base(), changed(a="1"), changed(a="2")))
        assert (conflict.kind, conflict.name, conflict.title) == ("cell", "a", "Load")
        (difference,) = conflict.differences
        texts = [side["content"] for side in (difference.base, difference.theirs, difference.mine)]
        assert texts == [of(base(), "a")["value"]["content"], CODE.format(1), CODE.format(2)]
        for side, number in (("theirs", "1"), ("mine", "2")):
            assert merge(base(), changed(a="1"), changed(a="2"), {conflict.id: side}).flow == changed(a=number)  # type: ignore[dict-item]

    def test_inputs_go_with_the_code_that_is_decided(self) -> None:
        theirs, mine = changed(a="1"), changed(a="2")
        of(theirs, "a")["value"]["input_transforms"]["new"] = {"type": "static", "value": 1}
        conflict = the_one(merge(base(), theirs, mine))
        assert {difference.part for difference in conflict.differences} == {Part("code"), Part("input", "new")}
        assert merge(base(), theirs, mine, {conflict.id: "mine"}).flow == mine
        assert merge(base(), theirs, mine, {conflict.id: "theirs"}).flow == theirs

    def test_removed_by_one_and_changed_by_the_other(self) -> None:
        mine = base()
        del mine["value"]["modules"][1]
        conflict = the_one(merge(base(), changed(b="1"), mine))
        assert (conflict.name, conflict.theirs, conflict.mine) == ("b", "changed", "removed")
        assert merge(base(), changed(b="1"), mine, {conflict.id: "mine"}).flow == mine
        assert merge(base(), changed(b="1"), mine, {conflict.id: "theirs"}).flow == changed(b="1")

    def test_a_kept_step_stays_before_what_was_put_in_its_place(self) -> None:
        theirs, mine = base(), base()
        del of(theirs, "c")["value"]["modules"][0]
        of(theirs, "c")["value"]["modules"].append(script("new"))
        of(mine, "d")["value"]["content"] = "mine"
        assert order(merge(base(), theirs, mine, {"cell:d": "mine"}).flow) == ["a", "b", "c", "d", "new"]

    def test_a_container_is_removed_while_there_is_something_new_in_it(self) -> None:
        theirs, mine = base(), base()
        del theirs["value"]["modules"][2]
        of(mine, "c")["value"]["modules"].append(loop("e", "[1]", [script("f")]))
        conflict = the_one(merge(base(), theirs, mine))
        assert (conflict.id, conflict.name, conflict.theirs, conflict.mine) == ("cell:c", "c", "removed", "changed")
        assert [difference.where for difference in conflict.differences] == ["", "d", "e", "f"]
        assert merge(base(), theirs, mine, {"cell:c": "theirs"}).flow == theirs
        assert merge(base(), theirs, mine, {"cell:c": "mine"}).flow == mine

    def test_two_new_steps_of_one_name_are_both_kept(self) -> None:
        theirs, mine = base(), base()
        theirs["value"]["modules"].append(script("e", code="t"))
        mine["value"]["modules"] += [script("e", code="m"), script("f", {"x": "results.e + results.a"})]
        conflict = the_one(merge(base(), theirs, mine))
        assert (conflict.theirs, conflict.mine, conflict.choices) == ("added", "added", ("both", "theirs", "mine"))
        found = merge(base(), theirs, mine, {conflict.id: "both"})
        assert found.renamed == {"e": "g"} and order(found.flow) == ["a", "b", "c", "d", "e", "g", "f"]
        assert (of(found.flow, "e")["value"]["content"], of(found.flow, "g")["value"]["content"]) == ("t", "m")
        assert of(found.flow, "f")["value"]["input_transforms"]["x"]["expr"] == "results.g + results.a"

    def test_a_step_that_both_moved(self) -> None:
        theirs, mine = base(), base()
        of(theirs, "c")["value"]["modules"].append(theirs["value"]["modules"].pop(0))
        mine["value"]["failure_module"] = script("failure")
        mine["value"]["modules"].append(loop("l", "[]", [mine["value"]["modules"].pop(0)]))
        conflict = the_one(merge(base(), theirs, mine))
        (difference,) = conflict.differences
        assert (difference.part.kind, difference.theirs, difference.mine) == (
            "place",
            ("c", "modules"),
            ("l", "modules"),
        )
        assert order(merge(base(), theirs, mine, {conflict.id: "theirs"}).flow) == ["b", "c", "d", "a", "l", "failure"]

    def test_a_step_that_both_gave_another_name(self) -> None:
        theirs, mine = rename_step(base(), "a", "rows").flow, rename_step(base(), "a", "load").flow
        conflict = the_one(merge(base(), theirs, mine))
        (difference,) = conflict.differences
        assert (difference.part.kind, difference.base, difference.theirs, difference.mine) == (
            "name",
            "a",
            "rows",
            "load",
        )
        assert (conflict.name, merge(base(), theirs, mine, {conflict.id: "mine"}).flow) == ("load", mine)
        found = merge(base(), theirs, mine, {conflict.id: "theirs"})
        assert found.flow == theirs and found.renamed == {"load": "rows"}

    def test_the_order_of_steps(self) -> None:
        theirs, mine = base(), base()
        theirs["value"]["modules"].reverse()
        mine["value"]["modules"].insert(0, mine["value"]["modules"].pop(1))
        conflict = the_one(merge(base(), theirs, mine))
        assert (conflict.kind, conflict.name) == ("order", "")
        assert merge(base(), theirs, mine, {conflict.id: "theirs"}).flow == theirs
        assert merge(base(), theirs, mine, {conflict.id: "mine"}).flow == mine

    def test_each_moved_into_the_other(self) -> None:
        start = flow(loop("a", "[]", []), loop("b", "[]", []))
        theirs, mine = flow(loop("b", "[]", [loop("a", "[]", [])])), flow(loop("a", "[]", [loop("b", "[]", [])]))
        conflict = the_one(merge(start, theirs, mine))
        assert merge(start, theirs, mine, {conflict.id: "theirs"}).flow == theirs
        assert merge(start, theirs, mine, {conflict.id: "mine"}).flow == mine

    def test_inputs_and_settings_of_the_flow_are_decided_each_for_itself(self) -> None:
        theirs, mine = base(), base()
        for number, one in enumerate((theirs, mine)):
            one["schema"]["properties"]["n"] = {"type": "string", "default": str(number)}
            one["summary"] = f"Flow {number}"
            one["value"]["concurrency"] = number
        found = merge(base(), theirs, mine)
        assert {(one.kind, one.name) for one in found.conflicts} == {
            ("input", "n"),
            ("setting", "/summary"),
            ("setting", "/value/concurrency"),
        }
        some = merge(base(), theirs, mine, {"cell:input:n": "theirs", "flow:/summary": "mine"}).flow
        assert some["schema"]["properties"]["n"]["default"] == "0" and some["summary"] == "Flow 1"

    def test_branches_keep_their_steps_when_others_are_put_between_them(self) -> None:
        start = flow(branch("a", [("one", [script("b")]), ("two", [script("c")])], []))
        theirs, mine = copy.deepcopy(start), copy.deepcopy(start)
        of(theirs, "a")["value"]["branches"].insert(0, {"summary": "", "expr": "none", "modules": [script("x")]})
        of(mine, "a")["value"]["branches"][1]["modules"].append(script("y"))
        of(mine, "a")["value"]["branches"][0]["expr"] = "changed"
        found = merge(start, theirs, mine)
        assert found.conflicts == ()
        branches = of(found.flow, "a")["value"]["branches"]
        assert [(one["expr"], [module["id"] for module in one["modules"]]) for one in branches] == [
            ("none", ["x"]),
            ("changed", ["b"]),
            ("two", ["c", "y"]),
        ]

    def test_a_branch_is_removed_while_a_step_in_it_changes(self) -> None:
        start = flow(branch("a", [("one", [script("b")]), ("two", [script("c")])], []))
        theirs, mine = copy.deepcopy(start), copy.deepcopy(start)
        del of(theirs, "a")["value"]["branches"][1]
        of(mine, "c")["value"]["content"] = "new"
        conflict = the_one(merge(start, theirs, mine))
        assert (conflict.id, conflict.theirs, conflict.mine) == ("cell:a", "changed", "changed")
        assert merge(start, theirs, mine, {"cell:a": "theirs"}).flow == theirs
        assert merge(start, theirs, mine, {"cell:a": "mine"}).flow == mine


OTHERS = (ops.ReplaceFlow, ops.KeepStandIn, ops.UseStandIn)
EDITS = st.lists(operations().filter(lambda one: not isinstance(one, OTHERS)), max_size=8)
CHOICES = st.sampled_from(["theirs", "mine", "both"])


def edited(document: Document, edits: list[ops.Operation]) -> Json:
    """The flow after those of the edits that it takes."""
    for edit in edits:
        result = apply(document, edit)
        if not isinstance(result, Rejected):
            document = result.document
    return document.flow


def parts_in(found: Json) -> set[str]:
    """All steps of a document that can be used: ids are there, each once."""
    steps = order(found)
    assert all(steps) and len(set(steps)) == len(steps), steps
    Document.of(found, lambda: "")
    return set(steps)


@settings(max_examples=50, deadline=None)
@given(documents(), EDITS)
def test_with_a_side_that_changed_nothing_it_is_the_other_side(start: Document, edits: list[ops.Operation]) -> None:
    other = edited(start, edits)
    for theirs, mine in ((other, start.flow), (start.flow, other), (other, other)):
        found = merge(start.flow, theirs, mine)
        assert found.conflicts == () and found.flow == other


@settings(max_examples=50, deadline=None)
@given(documents(), EDITS, EDITS)
def test_both_sides_see_the_same_conflicts(start: Document, one: list[ops.Operation], two: list[ops.Operation]) -> None:
    theirs, mine = edited(start, one), edited(start, two)
    there, back = merge(start.flow, theirs, mine), merge(start.flow, mine, theirs)
    assert {(found.id, found.theirs, found.mine) for found in there.conflicts} == {
        (found.id, found.mine, found.theirs) for found in back.conflicts
    }
    seen = [{(c.id, str(d.part), d.where) for c in found.conflicts for d in c.differences} for found in (there, back)]
    assert seen[0] == seen[1]


@settings(max_examples=50, deadline=None)
@given(documents(), EDITS, EDITS, st.lists(CHOICES, min_size=12, max_size=12))
def test_whatever_is_decided_the_outcome_is_a_flow(
    start: Document, one: list[ops.Operation], two: list[ops.Operation], decided: list[Any]
) -> None:
    theirs, mine = edited(start, one), edited(start, two)
    conflicts = merge(start.flow, theirs, mine).conflicts
    choices = {conflict.id: decided[index % len(decided)] for index, conflict in enumerate(conflicts)}
    found = merge(start.flow, theirs, mine, choices)
    assert len(parts_in(found.flow)) <= len(order(theirs)) + len(order(mine))
    assert choices.keys() <= {conflict.id for conflict in found.conflicts}


@settings(max_examples=50, deadline=None)
@given(documents(), EDITS, EDITS)
def test_nothing_that_a_side_made_is_lost_when_it_is_chosen(
    start: Document, one: list[ops.Operation], two: list[ops.Operation]
) -> None:
    sides: dict[str, Json] = {"theirs": edited(start, one), "mine": edited(start, two)}
    before = {place.step_id: place.module for place in walk(start.flow)}
    for side, other in (("theirs", "mine"), ("mine", "theirs")):
        conflicts = merge(start.flow, sides["theirs"], sides["mine"]).conflicts
        choices: dict[str, Any] = {conflict.id: side for conflict in conflicts}
        found = merge(start.flow, sides["theirs"], sides["mine"], choices)
        outcome, renamed = found.flow, found.renamed if side == "mine" else {}
        steps = parts_in(outcome)
        for place in walk(sides[side]):
            step = renamed.get(place.step_id, place.step_id)
            assert step in steps or (step in before and step not in order(sides[other]))
            if step in steps and place.module != before.get(step):
                code = place.module["value"].get("content")
                was = before.get(step, {}).get("value", {}).get("content")
                assert code == was or of(outcome, step)["value"].get("content") == code
