"""Operations on what cells hold and what lies beside them: code, inputs, names, settings, stand-ins, samples, notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from flowapp.notebook import Applied, Document, apply_all, states
from flowapp.notebook.codec import decode, encode
from flowapp.notebook.operations import types as ops
from flowapp.notebook.stand_ins import in_force, stand_ins_of
from flowapp.notebook.view import view
from tests.unit.notebook.applying import abc, applied, entry, nested, refused, undone
from tests.unit.notebook.flows import document, flow, loop, script


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
