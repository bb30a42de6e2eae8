"""Operations on the order of cells, what each refuses, and that every operation can be undone."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.notebook import Applied, Document, Rejected, apply, apply_all
from flowapp.notebook.operations import types as ops
from flowapp.notebook.sites import sites_of
from flowapp.openflow.references import find, rename
from tests.unit.notebook.applying import abc, applied, entry, nested, refused, steps, undone
from tests.unit.notebook.flows import branch, document, documents, flow, ids, loop, modules, operations, script


class TestPaste:
    def test_names_that_are_taken_are_new_and_references_between_the_cells_follow(self) -> None:
        pasted = (script("a"), script("z", {"x": "results.a.rows + results.b"}))
        result = applied(abc, ops.PasteCells(("n", "m"), None, "modules", 1, pasted))
        assert steps(result.document) == ["a", "d", "z", "b", "c"]
        inputs = entry(result.document, "m").module["value"]["input_transforms"]
        assert inputs["x"]["expr"] == "results.d.rows + results.b"
        assert (set(result.touched), result.label) == ({"n", "m"}, "Pasted `d`, `z`")

    def test_goes_into_loops_and_takes_what_is_nested_along(self) -> None:
        copied = entry(nested, "cell_l").module
        result = applied(nested, ops.PasteCells(("n",), "cell_l", "modules", 99, (copied,)))
        assert steps(result.document) == ["a", "l", "b", "c", "g", "h", "i", "d", "e", "f"]

    def test_is_one_step_to_undo(self) -> None:
        result = applied(abc, ops.PasteCells(("n", "m"), None, "modules", 9, (script("a"), script("a"))))
        assert steps(result.document) == ["a", "b", "c", "d", "e"]
        back = apply_all(result.document, result.inverse)
        assert isinstance(back, Applied) and back.document.flow == abc.flow

    def test_refuses_what_is_no_module_and_places_for_one_cell(self) -> None:
        assert refused(abc, ops.PasteCells((), None, "modules", 0, ())) == "notebook.bad_module"
        assert refused(abc, ops.PasteCells(("n",), None, "modules", 0, ({"value": 1},))) == "notebook.bad_module"
        assert refused(abc, ops.PasteCells(("n",), None, "failure", 0, (script("x"),))) == "notebook.no_such_place"
        assert refused(abc, ops.PasteCells(("n", "n"), None, "modules", 0, (script("x"), script("y")))) == (
            "notebook.duplicate_cell"
        )


class TestReplace:
    def test_steps_that_stay_keep_their_cell_and_new_ones_get_one(self) -> None:
        other = {**flow(script("b"), script("z")), "summary": "Other"}
        result = applied(abc, ops.ReplaceFlow(other, "r", "Restored version 1"))
        assert result.document.cells == {"b": "cell_b", "z": "r.z"}
        assert (result.document.flow["summary"], result.label) == ("Other", "Restored version 1")
        assert {"a", "c"} <= result.document.used

    def test_is_undone_with_all_that_lay_beside(self) -> None:
        before = applied(abc, ops.SetBeside("cell_a", "collapsed", True)).document
        before = applied(before, ops.InsertNote("n1", "cell_a", "A note")).document
        result = applied(before, ops.ReplaceFlow(flow(script("z")), "r"))
        back = apply_all(result.document, result.inverse)
        assert isinstance(back, Applied)
        assert (back.document.flow, back.document.cells, back.document.beside) == (
            before.flow,
            before.cells,
            before.beside,
        )

    def test_refuses_what_is_no_flow(self) -> None:
        for bad in ({}, {"value": 1}, {"value": {"modules": [1]}}, flow(script("a"), script("a"))):
            assert refused(abc, ops.ReplaceFlow(bad, "r")) == "notebook.bad_module"


class TestInsert:
    def test_puts_the_cell_before_the_index(self) -> None:
        assert steps(applied(abc, ops.InsertCell("n", None, "modules", 1, script("x"))).document) == [
            "a",
            "x",
            "b",
            "c",
        ]

    def test_past_the_end_appends(self) -> None:
        assert steps(applied(abc, ops.InsertCell("n", None, "modules", 99, script("x"))).document)[-1] == "x"

    def test_gives_a_module_without_an_id_the_next_one(self) -> None:
        result = applied(abc, ops.InsertCell("n", None, "modules", 3, script("")))
        assert steps(result.document) == ["a", "b", "c", "d"]
        assert result.touched == {"n"}

    def test_never_gives_an_id_out_twice_by_itself(self) -> None:
        gone = applied(abc, ops.DeleteCell("cell_c")).document
        assert steps(applied(gone, ops.InsertCell("n", None, "modules", 2, script(""))).document) == ["a", "b", "d"]

    def test_refuses_ids_that_are_taken(self) -> None:
        assert refused(abc, ops.InsertCell("n", None, "modules", 0, script("a"))) == "notebook.step_id_taken"
        assert refused(abc, ops.InsertCell("cell_a", None, "modules", 0, script("x"))) == "notebook.duplicate_cell"

    def test_refuses_what_is_no_module(self) -> None:
        for module in ({}, {"id": "x"}, {"id": "x", "value": {}}, {"id": "no id", "value": {"type": "identity"}}):
            assert refused(abc, ops.InsertCell("n", None, "modules", 0, module)) == "notebook.bad_module"
        broken = loop("x", "1", [{"id": "y"}])
        assert refused(abc, ops.InsertCell("n", None, "modules", 0, broken)) == "notebook.bad_module"

    def test_refuses_a_place_that_is_not_there(self) -> None:
        assert refused(abc, ops.InsertCell("n", "cell_a", "modules", 0, script("x"))) == "notebook.no_such_place"
        assert refused(abc, ops.InsertCell("n", "gone", "modules", 0, script("x"))) == "notebook.cell_not_found"
        assert refused(nested, ops.InsertCell("n", "cell_d", "branches/7", 0, script("x"))) == "notebook.no_such_place"

    def test_into_a_branch_and_a_loop(self) -> None:
        inside = applied(nested, ops.InsertCell("n", "cell_d", "branches/0", 0, script("x"))).document
        assert entry(inside, "n").parent == "cell_d"
        more = applied(inside, ops.InsertCell("m", "cell_l", "modules", 1, script("y"))).document
        assert "".join(steps(more)) == "albycdxef"

    def test_gives_nested_modules_cells_of_their_own(self) -> None:
        result = applied(abc, ops.InsertCell("n", None, "modules", 3, loop("l", "[]", [script("m")])))
        assert result.document.cells["m"] == "n.m"
        assert result.touched == {"n", "n.m"}

    def test_an_error_handler_has_one_place(self) -> None:
        handler = applied(abc, ops.InsertCell("n", None, "failure", 0, script(""))).document
        assert handler.flow["value"]["failure_module"]["id"] == "failure"
        assert refused(handler, ops.InsertCell("m", None, "failure", 0, script(""))) == "notebook.no_such_place"
        assert "failure_module" not in applied(handler, ops.DeleteCell("n")).document.flow["value"]


class TestDelete:
    def test_of_a_cell_that_is_gone_is_refused_not_raised(self) -> None:
        assert refused(abc, ops.DeleteCell("x")) == "notebook.cell_not_found"

    def test_keeps_the_readers_as_they_are(self) -> None:
        result = applied(abc, ops.DeleteCell("cell_a")).document
        assert entry(result, "cell_b").module is entry(abc, "cell_b").module

    def test_takes_nested_cells_along_and_undo_brings_all_back(self) -> None:
        with_flag = applied(nested, ops.SetBeside("cell_c", "collapsed", True)).document
        result = applied(with_flag, ops.DeleteCell("cell_l"))
        assert steps(result.document) == ["a", "d", "e", "f"]
        assert result.touched == {"cell_l", "cell_b", "cell_c"}
        assert result.label == "Deleted `l`"
        assert undone(result) == with_flag


class TestMove:
    def test_counts_the_index_without_the_cell(self) -> None:
        assert steps(applied(abc, ops.MoveCell("cell_a", None, "modules", 1)).document) == ["b", "a", "c"]

    def test_into_a_container_behind_it(self) -> None:
        result = applied(nested, ops.MoveCell("cell_a", "cell_d", "default", 0))
        assert entry(result.document, "cell_a").parent == "cell_d"
        assert undone(result).flow == nested.flow

    def test_refuses_a_move_into_itself(self) -> None:
        assert refused(nested, ops.MoveCell("cell_l", "cell_l", "modules", 0)) == "notebook.move_into_itself"

    def test_refuses_the_place_of_the_error_handler(self) -> None:
        assert refused(abc, ops.MoveCell("cell_a", None, "failure", 0)) == "notebook.no_such_place"


class TestBranches:
    def test_are_added_and_removed_with_their_cells(self) -> None:
        more = applied(nested, ops.AddBranch("cell_d", 0, {"expr": "true", "modules": [script("x")]})).document
        assert entry(more, "cell_e").slot == "branches/1"
        assert entry(more, "cell_d.x").slot == "branches/0"
        result = applied(more, ops.RemoveBranch("cell_d", 1))
        assert result.document.entry("cell_e") is None
        assert undone(result) == more

    def test_refuse_cells_without_branches(self) -> None:
        assert refused(abc, ops.AddBranch("cell_a", 0, {"modules": []})) == "notebook.no_branches"
        assert refused(nested, ops.RemoveBranch("cell_d", 5)) == "notebook.no_branches"
        assert refused(nested, ops.AddBranch("cell_d", 0, {"modules": 5})) == "notebook.bad_module"


class TestRename:
    def test_follows_every_kind_of_expression(self) -> None:
        before = document(
            script("a"),
            script("b", {"x": "results.a.rows + results['a'].n"}, skip_if={"expr": "results.a == null"}),
            loop("l", "results.a.rows", [script("c", {"y": "`${results.a}` + 'results.a'"})]),
            branch("d", [("results?.a", [])], []),
            early_return="a",
            notes=[{"id": "n", "text": "about a", "contained_node_ids": ["a", "b"]}],
        )
        result = applied(before, ops.RenameStep("cell_a", "rows"))
        value = result.document.flow["value"]
        b, each, d = value["modules"][1:]
        assert b["value"]["input_transforms"]["x"]["expr"] == "results.rows.rows + results['rows'].n"
        assert b["skip_if"]["expr"] == "results.rows == null"
        assert each["value"]["iterator"]["expr"] == "results.rows.rows"
        assert (
            each["value"]["modules"][0]["value"]["input_transforms"]["y"]["expr"] == "`${results.rows}` + 'results.a'"
        )
        assert d["value"]["branches"][0]["expr"] == "results?.rows"
        assert (value["early_return"], value["notes"][0]["contained_node_ids"]) == ("rows", ["rows", "b"])
        assert result.touched == {"cell_a", "cell_b", "cell_l", "cell_c", "cell_d"}
        assert undone(result) == before

    def test_undo_leaves_what_named_the_new_id_before(self) -> None:
        before = document(script("a"), script("b", {"x": "results.rows + results.a"}))
        assert undone(applied(before, ops.RenameStep("cell_a", "rows"))) == before

    def test_undo_restores_the_form_of_a_reference(self) -> None:
        assert undone(applied(abc, ops.RenameStep("cell_a", "my-step"))) == abc

    def test_refuses_bad_and_taken_ids(self) -> None:
        assert refused(abc, ops.RenameStep("cell_a", "b")) == "notebook.step_id_taken"
        assert refused(abc, ops.RenameStep("cell_a", "no id")) == "notebook.step_id_invalid"
        assert refused(abc, ops.RenameStep("cell_a", "failure")) == "notebook.step_id_invalid"

    def test_keeps_the_old_id_from_being_given_out(self) -> None:
        renamed = applied(abc, ops.RenameStep("cell_c", "z")).document
        assert steps(applied(renamed, ops.InsertCell("n", None, "modules", 9, script(""))).document)[-1] == "d"


class TestMany:
    def test_all_or_none(self) -> None:
        result = apply_all(abc, [ops.DeleteCell("cell_a"), ops.DeleteCell("cell_a")])
        assert isinstance(result, Rejected)

    def test_are_taken_back_together(self) -> None:
        result = apply_all(abc, [ops.SetTitle("cell_a", "T"), ops.DeleteCell("cell_a"), ops.SetFlow(summary="S")])
        assert isinstance(result, Applied)
        assert undone(result) == abc
        assert result.label == "Changed the title of `a` and more"


@settings(max_examples=100, deadline=None)
@given(documents(), st.lists(operations(), max_size=12))
def test_every_accepted_operation_can_be_undone(before: Document, script: list[ops.Operation]) -> None:
    for operation in script:
        result = apply(before, operation)
        if isinstance(result, Rejected):
            continue
        back = apply_all(result.document, result.inverse)
        assert isinstance(back, Applied), (operation, back)
        for part in ("flow", "cells", "beside", "sample"):
            assert getattr(back.document, part) == getattr(before, part), operation
        before = result.document
        assert set(before.cells) == {entry.step_id for entry in before.outline.entries}
        assert before.used >= set(before.cells)


@settings(max_examples=60, deadline=None)
@given(documents(), st.integers(0, 20), st.sampled_from(["xyz", "my-new-step", "rows"]))
def test_rename_changes_every_reference_and_nothing_else(before: Document, pick: int, new: str) -> None:
    chosen = before.outline.entries[pick % len(before.outline.entries)]
    result = apply(before, ops.RenameStep(chosen.cell, new))
    assert isinstance(result, Applied)
    for old_entry, new_entry in zip(before.outline.entries, result.document.outline.entries, strict=True):
        for old, now in zip(sites_of(old_entry.module), sites_of(new_entry.module), strict=True):
            assert chosen.step_id not in find(now.expr).results
            assert now.expr == rename(old.expr, chosen.step_id, new)
        assert (new_entry.step_id == new) == (old_entry is chosen)
        assert (old_entry.module != new_entry.module) <= (
            new_entry.cell in result.touched or new_entry.kind not in "rawscript"
        )


@settings(max_examples=30, deadline=None)
@given(st.lists(modules(), max_size=4))
def test_a_document_survives_being_saved(found: list[dict[str, Any]]) -> None:
    before = Document.of(flow(*found), ids())
    assert Document.from_json(before.to_json()) == before
