"""Operations: what each does, what each refuses, and that every one can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.notebook import Applied, Document, Rejected, apply, apply_all, states
from flowapp.notebook.codec import decode, encode
from flowapp.notebook.document import Entry
from flowapp.notebook.operations import types as ops
from flowapp.notebook.sites import sites_of
from flowapp.notebook.stand_ins import in_force, stand_ins_of
from flowapp.notebook.view import view
from flowapp.openflow.references import find, rename
from tests.unit.notebook.flows import branch, document, documents, flow, ids, loop, modules, operations, script


def applied(before: Document, operation: ops.Operation) -> Applied:
    result = apply(before, operation)
    assert isinstance(result, Applied), result
    return result


def refused(before: Document, operation: ops.Operation) -> str:
    result = apply(before, operation)
    assert isinstance(result, Rejected), result
    return result.code


def steps(found: Document) -> list[str]:
    return [entry.step_id for entry in found.outline.entries]


def entry(found: Document, cell: str) -> Entry:
    at = found.entry(cell)
    assert at is not None
    return at


abc = document(script("a"), script("b", {"x": "results.a.rows"}), script("c"))
nested = document(
    script("a"),
    loop("l", "results.a.rows", [script("b", {"y": "flow_input.iter.value"}), script("c")]),
    branch("d", [("results.l.length > 1", [script("e")])], [script("f")]),
)


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


class TestStandIns:
    given = document(script("a"), script("b", x="results.a"))

    def kept(self, **values: Any) -> Document:
        made = self.given
        for name, value in values.items():
            made = applied(made, ops.KeepStandIn("cell_a", name, value)).document
        return made

    def mock(self, made: Document) -> Any:
        return entry(made, "cell_a").module.get("mock")

    def test_one_is_kept_put_in_force_and_forgotten_and_each_is_undone(self) -> None:
        kept = self.kept(empty=[], two=[1, 2])
        assert list(stand_ins_of(kept, "cell_a")) == ["empty", "two"] and self.mock(kept) is None
        used = applied(kept, ops.UseStandIn("cell_a", "two"))
        assert self.mock(used.document) == {"enabled": True, "return_value": [1, 2]}
        assert in_force(entry(used.document, "cell_a").module, stand_ins_of(used.document, "cell_a")) == "two"
        back = apply_all(used.document, used.inverse)
        assert isinstance(back, Applied) and back.document.flow == self.given.flow
        dropped = applied(used.document, ops.DropStandIn("cell_a", "two"))
        assert self.mock(dropped.document)["enabled"], "what is in force stays so"
        assert in_force(entry(dropped.document, "cell_a").module, {"empty": []}) is None
        back = apply_all(dropped.document, dropped.inverse)
        assert isinstance(back, Applied) and back.document.beside == used.document.beside
        first = applied(self.given, ops.KeepStandIn("cell_a", "empty", []))
        back = apply_all(first.document, first.inverse)
        assert isinstance(back, Applied) and back.document == self.given

    def test_another_value_of_the_name_in_force_is_in_force(self) -> None:
        used = applied(self.kept(one=1, other=2), ops.UseStandIn("cell_a", "one")).document
        changed = applied(used, ops.KeepStandIn("cell_a", " one ", True))
        assert self.mock(changed.document)["return_value"] is True
        back = apply_all(changed.document, changed.inverse)
        assert isinstance(back, Applied) and back.document == used
        assert self.mock(applied(used, ops.KeepStandIn("cell_a", "other", 3)).document)["return_value"] == 1

    def test_a_mock_keeps_what_else_it_holds_and_one_that_is_off_is_not_in_force(self) -> None:
        kept = applied(
            self.kept(one=1), ops.SetSetting("cell_a", "mock", {"enabled": False, "return_value": 1})
        ).document
        assert in_force(entry(kept, "cell_a").module, stand_ins_of(kept, "cell_a")) is None
        made = document({**script("a"), "mock": {"enabled": False, "note": "ours"}})
        made = applied(made, ops.KeepStandIn("cell_a", "one", 1)).document
        used = applied(made, ops.UseStandIn("cell_a", "one")).document
        assert self.mock(used) == {"enabled": True, "note": "ours", "return_value": 1}

    def test_a_renamed_one_stays_in_its_place_and_in_force(self) -> None:
        used = applied(self.kept(one=1, other=2), ops.UseStandIn("cell_a", "one")).document
        renamed = applied(used, ops.RenameStandIn("cell_a", "one", "first")).document
        assert list(stand_ins_of(renamed, "cell_a")) == ["first", "other"]
        assert in_force(entry(renamed, "cell_a").module, stand_ins_of(renamed, "cell_a")) == "first"

    def test_they_go_and_come_back_with_their_cell(self) -> None:
        kept = self.kept(one=1)
        deleted = applied(kept, ops.DeleteCell("cell_a"))
        back = apply_all(deleted.document, deleted.inverse)
        assert isinstance(back, Applied) and stand_ins_of(back.document, "cell_a") == {"one": 1}
        renamed = applied(kept, ops.RenameStep("cell_a", "rows")).document
        assert stand_ins_of(renamed, "cell_a") == {"one": 1}

    def test_what_is_refused(self) -> None:
        kept = self.kept(one=1, other=2)
        assert refused(kept, ops.KeepStandIn("cell_a", " ", 1)) == "notebook.bad_stand_in_name"
        assert refused(kept, ops.KeepStandIn("cell_a", "x" * 61, 1)) == "notebook.bad_stand_in_name"
        assert refused(kept, ops.KeepStandIn("cell_a", "big", "x" * 65_536)) == "notebook.stand_in_too_large"
        assert refused(kept, ops.RenameStandIn("cell_a", "one", "other")) == "notebook.stand_in_name_taken"
        assert refused(kept, ops.RenameStandIn("cell_a", "one", "")) == "notebook.bad_stand_in_name"
        for operation in (
            ops.RenameStandIn("cell_a", "x", "y"),
            ops.UseStandIn("cell_a", "x"),
            ops.DropStandIn("cell_a", "x"),
        ):
            assert refused(kept, operation) == "notebook.stand_in_not_found"
        assert refused(kept, ops.KeepStandIn("gone", "one", 1)) == "notebook.cell_not_found"
        assert refused(kept, ops.SetBeside("cell_a", "stand_ins", {"": 1})) == "notebook.bad_setting"
        full = self.kept(**{f"s{number}": number for number in range(20)})
        assert refused(full, ops.KeepStandIn("cell_a", "one more", 1)) == "notebook.too_many_stand_ins"
        assert stand_ins_of(applied(full, ops.KeepStandIn("cell_a", "s0", 9)).document, "cell_a")["s0"] == 9


class TestSamples:
    given = document(script("a"), sample={"n": 1})

    def test_an_input_is_kept_used_and_forgotten(self) -> None:
        kept = applied(self.given, ops.KeepSample(" one ")).document
        other = applied(kept, ops.SetSample("n", 2)).document
        used = applied(other, ops.UseSample("one"))
        assert (used.document.sample, list(used.document.samples)) == ({"n": 1}, ["one"])
        back = apply_all(used.document, used.inverse)
        assert isinstance(back, Applied) and back.document.sample == {"n": 2}
        dropped = applied(used.document, ops.DropSample("one"))
        assert dropped.document.samples == {} and dropped.document.beside == self.given.beside
        again = apply_all(dropped.document, dropped.inverse)
        assert isinstance(again, Applied) and again.document.samples == {"one": {"n": 1}}

    def test_a_name_is_needed_and_twenty_are_enough(self) -> None:
        assert refused(self.given, ops.KeepSample("  ")) == "notebook.bad_sample_name"
        assert refused(self.given, ops.UseSample("x")) == "notebook.sample_not_found"
        full = self.given
        for number in range(20):
            full = applied(full, ops.KeepSample(f"s{number}")).document
        assert refused(full, ops.KeepSample("one more")) == "notebook.too_many_samples"
        assert applied(full, ops.KeepSample("s0")).document.samples["s0"] == {"n": 1}

    def test_they_stay_when_cells_go_and_versions_come_back(self) -> None:
        kept = applied(self.given, ops.KeepSample("one")).document
        assert list(applied(kept, ops.DeleteCell("cell_a")).document.samples) == ["one"]
        assert list(applied(kept, ops.ReplaceFlow(flow(script("z")), "r")).document.samples) == ["one"]


class TestWhatComesWithACell:
    """What lies beside a cell that is inserted is held against the same rules as what is set there."""

    BAD = (("stand_ins", ["x"]), ("stand_ins", {"": 1}), ("kept", {"x": 1}), ("schema", 1), ("collapsed", "yes"))

    def test_is_refused_where_it_could_not_be_set(self) -> None:
        for key, value in self.BAD:
            beside = {key: value}
            assert refused(abc, ops.SetBeside("cell_a", key, value)) == "notebook.bad_setting"
            inner = {"z": ops.Nested("m", beside)}
            holder = loop("l", "[]", [script("z")])
            ways = (
                ops.InsertCell("n", None, "modules", 0, script("z"), beside),
                ops.InsertCell("n", None, "modules", 0, holder, nested=inner),
                ops.ReplaceFlow(flow(script("z")), "r", "", inner),
            )
            for operation in ways:
                assert refused(abc, operation) == "notebook.bad_setting", operation

    def test_a_draft_that_has_it_already_is_shown(self) -> None:
        broken = replace(abc, beside={"cell_a": {"stand_ins": ["x"]}})
        shown = view(broken, states(broken, {}, {}))
        assert shown["cells"][0]["stand_ins"] == []


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


class TestBindNames:
    given = Document(
        flow(
            script("a", {"db": {"type": "static", "value": "$res:f/team/db"}}),
            script("b", {"db": {"type": "javascript", "expr": "resource('f/team/db')"}}),
            script("c"),
        ),
        abc.cells,
    )
    other: Mapping[str, str] = MappingProxyType({"kind": "resource", "path": "f/team/db", "to": "u/ada/db"})

    def test_names_another_everywhere_and_is_taken_back_as_one_step(self) -> None:
        before = applied(self.given, ops.SetBeside("cell_a", "collapsed", True)).document
        result = applied(before, ops.BindNames((self.other,)))
        modules = result.document.flow["value"]["modules"]
        assert modules[0]["value"]["input_transforms"]["db"]["value"] == "$res:u/ada/db"
        assert modules[1]["value"]["input_transforms"]["db"]["expr"] == "resource('u/ada/db')"
        assert (result.label, result.touched) == ("Bound 1 name anew", frozenset({"cell_a", "cell_b"}))
        assert result.document.beside == before.beside and modules[2] is before.flow["value"]["modules"][2]
        back = apply_all(result.document, result.inverse)
        assert isinstance(back, Applied)
        assert (back.document.flow, back.document.cells, back.document.beside) == (
            *(before.flow, before.cells, before.beside),
        )

    def test_goes_over_json(self) -> None:
        operation = ops.BindNames((dict(self.other),))
        assert decode(encode(operation)) == operation

    def test_refuses_what_says_nothing(self) -> None:
        assert refused(self.given, ops.BindNames(({**self.other, "path": "f/team/no"},))) == "notebook.nothing_named"
        for bad in ({}, {**self.other, "kind": "file"}, {**self.other, "to": ""}, {**self.other, "path": 3}):
            assert refused(self.given, ops.BindNames((bad,))) == "notebook.bad_operation"

    def test_refuses_what_is_no_path_and_would_become_code(self) -> None:
        for bad in ('x"); import os; ("', "u/a b", "u/a\n", "$var:u/a", "a" * 256):
            assert refused(self.given, ops.BindNames(({**self.other, "to": bad},))) == "notebook.bad_operation"
        assert applied(self.given, ops.BindNames(({**self.other, "to": "u/ädä.x-1/d_b@2"},)))


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


class TestCode:
    def fields(self, found: Document, cell: str) -> dict[str, Any]:
        shown = view(found, states(found, {}, {}))["cells"]
        return {field["field"]: field for field in next(c for c in shown if c["id"] == cell)["inputs"]}

    def test_new_parameters_become_fields_without_a_transform(self) -> None:
        result = applied(abc, ops.SetCode("cell_b", "def main(x, y, z=1):\n    return x\n")).document
        fields = self.fields(result, "cell_b")
        assert list(fields) == ["x", "y", "z"]
        assert (fields["y"]["required"], fields["y"]["wired"], fields["z"]["required"]) == (True, False, False)

    def test_a_parameter_that_vanishes_keeps_its_transform(self) -> None:
        result = applied(abc, ops.SetCode("cell_b", "def main(y):\n    return y\n")).document
        field = self.fields(result, "cell_b")["x"]
        assert (field["expr"], field["declared"]) == ("results.a.rows", False)

    def test_broken_code_keeps_the_last_good_fields(self) -> None:
        broken = applied(abc, ops.SetCode("cell_b", "def main(x, y")).document
        assert list(self.fields(broken, "cell_b")) == ["x"]
        more = applied(broken, ops.SetCode("cell_b", "def main(x, y,")).document
        assert list(self.fields(more, "cell_b")) == ["x"]
        healed = applied(more, ops.SetCode("cell_b", "def main(q):\n    pass\n")).document
        assert healed.beside == {}

    def test_undo_of_healing_broken_code_restores_its_fields(self) -> None:
        broken = applied(abc, ops.SetCode("cell_b", "def main(x, y")).document
        assert undone(applied(broken, ops.SetCode("cell_b", "def main(q):\n    pass\n"))) == broken

    def test_only_scripts_have_code(self) -> None:
        assert refused(nested, ops.SetCode("cell_l", "")) == "notebook.not_a_script"

    def test_a_new_language_drops_the_lock(self) -> None:
        locked = applied(abc, ops.SetSetting("cell_a", "lock", "requests==2")).document
        result = applied(locked, ops.SetLanguage("cell_a", "deno"))
        assert "lock" not in entry(result.document, "cell_a").module["value"]
        assert undone(result) == locked
        assert refused(abc, ops.SetLanguage("cell_a", "klingon")) == "notebook.unknown_language"


class TestInputs:
    def test_switching_kinds_loses_neither_value(self) -> None:
        static = applied(abc, ops.SetInput("cell_b", "x", {"type": "static", "value": 5})).document
        assert static.about("cell_b")["kept"] == {"x": {"expr": "results.a.rows"}}
        back = applied(static, ops.SetInput("cell_b", "x", {"type": "javascript", "expr": "1"})).document
        assert back.about("cell_b")["kept"] == {"x": {"value": 5}}

    def test_removing_forgets_both(self) -> None:
        static = applied(abc, ops.SetInput("cell_b", "x", {"type": "static", "value": 5})).document
        result = applied(static, ops.SetInput("cell_b", "x", None))
        assert result.document.beside == {}
        assert undone(result) == static

    def test_old_documents_keep_their_inputs_where_they_are(self) -> None:
        module = script("a")
        module["input_transforms"] = module["value"].pop("input_transforms")
        result = applied(document(module), ops.SetInput("cell_a", "x", {"type": "static", "value": 1})).document
        assert entry(result, "cell_a").module["input_transforms"] == {"x": {"type": "static", "value": 1}}

    def test_containers_have_none(self) -> None:
        assert refused(nested, ops.SetInput("cell_l", "x", None)) == "notebook.no_inputs"


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


class TestSettings:
    def test_of_loops_branches_and_modules(self) -> None:
        iterator = {"type": "javascript", "expr": "[1]"}
        result = applied(nested, ops.SetSetting("cell_l", "iterator", iterator)).document
        assert entry(result, "cell_l").module["value"]["iterator"] == iterator
        result = applied(nested, ops.SetSetting("cell_d", "branches/0/expr", "true")).document
        assert entry(result, "cell_d").module["value"]["branches"][0]["expr"] == "true"
        result = applied(nested, ops.SetSetting("cell_a", "timeout", 5)).document
        assert entry(result, "cell_a").module["timeout"] == 5

    def test_null_in_a_document_comes_back_as_null(self) -> None:
        before = document(script("a", timeout=None))
        assert undone(applied(before, ops.SetSetting("cell_a", "timeout", 5))) == before

    def test_refuses_settings_of_other_kinds(self) -> None:
        assert refused(nested, ops.SetSetting("cell_a", "iterator", 1)) == "notebook.unknown_setting"
        assert refused(nested, ops.SetSetting("cell_d", "branches/9/expr", "x")) == "notebook.unknown_setting"
        assert refused(nested, ops.SetSetting("cell_a", "value", {})) == "notebook.unknown_setting"


class TestNotes:
    def test_live_in_the_flow_and_stand_after_a_cell(self) -> None:
        result = applied(abc, ops.InsertNote("n1", "cell_a", "Hello"))
        assert result.document.flow["value"]["notes"] == [{"id": "n1", "text": "Hello", "type": "free"}]
        shown = view(result.document, states(result.document, {}, {}))["notes"]
        assert shown == [{"id": "n1", "after": "cell_a", "text": "Hello"}]
        assert undone(result) == abc

    def test_refuse_notes_that_are_not_there(self) -> None:
        for operation in (ops.SetNote("n", ""), ops.MoveNote("n", None), ops.DeleteNote("n")):
            assert refused(abc, operation) == "notebook.note_not_found"


class TestMany:
    def test_all_or_none(self) -> None:
        result = apply_all(abc, [ops.DeleteCell("cell_a"), ops.DeleteCell("cell_a")])
        assert isinstance(result, Rejected)

    def test_are_taken_back_together(self) -> None:
        result = apply_all(abc, [ops.SetTitle("cell_a", "T"), ops.DeleteCell("cell_a"), ops.SetFlow(summary="S")])
        assert isinstance(result, Applied)
        assert undone(result) == abc
        assert result.label == "Changed the title of `a` and more"


def undone(result: Applied) -> Document:
    """The document after taking an operation back. Step ids stay used, which is meant."""
    back = apply_all(result.document, result.inverse)
    assert isinstance(back, Applied), back
    after = back.document
    return Document(after.flow, after.cells, after.beside, after.used & frozenset(after.cells), after.sample)


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
