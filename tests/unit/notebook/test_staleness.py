"""Cell states: what makes a result out of date, how it is said, and that marks and runs agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.notebook import Applied, CellRecord, CellState, Document, Live, apply, definition_of, plan, states
from flowapp.notebook.operations import types as ops
from flowapp.notebook.records import CellError, ReusedFrom
from flowapp.notebook.view import view
from tests.unit.notebook.flows import Bench, branch, document, documents, loop, operations, script

SCHEMA = {"properties": {"n": {"type": "integer", "default": 3}}}


class Counted(dict[str, Any]):
    """Counts how often it is looked through."""

    read = 0

    def items(self) -> Any:
        self.read += 1
        return super().items()


def bench(*modules: dict[str, Any], sample: dict[str, Any] | None = None) -> Bench:
    """A notebook in which every cell has run."""
    made = Bench(document(*modules, sample=sample, schema=SCHEMA))
    made.run(plan(made.document, states(made.document, {}, {}), [], "all"))
    return made


def now(made: Bench, **live: Live) -> dict[str, CellState]:
    found = states(made.document, made.records, {f"cell_{step}": state for step, state in live.items()})
    return {cell.removeprefix("cell_"): state for cell, state in found.items()}


def kinds(made: Bench) -> dict[str, str]:
    return {step: state.kind for step, state in now(made).items() if not state.text.startswith("Runs with")}


def edit(made: Bench, *operations: ops.Operation) -> Bench:
    for operation in operations:
        result = apply(made.document, operation)
        assert isinstance(result, Applied), result
        made.document = result.document
    return made


def chain() -> Bench:
    return bench(
        script("a", {"x": "flow_input.n"}), script("b", {"rows": "results.a.rows"}), script("c", {"z": "results.b"})
    )


def test_a_cell_without_a_record_never_ran() -> None:
    made = Bench(document(script("a"), script("b", {"x": "results.a"})))
    assert kinds(made) == {"a": "never", "b": "never"}
    assert now(made)["b"].runs_first == ("a",)


def test_all_is_current_after_a_run() -> None:
    made = chain()
    assert set(kinds(made).values()) == {"fresh"}
    assert all(state.runs_first == () for state in now(made).values())


class TestCauses:
    def test_own_code_marks_the_whole_cone(self) -> None:
        made = edit(chain(), ops.SetCode("cell_a", "def main(x):\n    return 2\n"))
        found = now(made)
        assert kinds(made) == {"a": "stale", "b": "stale", "c": "stale"}
        assert found["a"].text == "Out of date: code changed"
        assert found["b"].text == "Out of date: rows from a is out of date"
        assert found["c"].runs_first == ("a", "b")

    def test_a_changed_result_names_field_and_step(self) -> None:
        made = edit(chain(), ops.SetCode("cell_a", "def main(x):\n    return 2\n"))
        made.run(plan(made.document, now_of(made), ["cell_a"], "auto"))
        assert now(made)["b"].text == "Out of date: rows from a changed"
        cause = now(made)["b"].causes[0]
        assert cause.to_json() == {
            "kind": "upstream",
            "cell": "cell_a",
            "step_id": "a",
            "field": "rows",
            "text": "rows from a changed",
        }

    def test_an_equal_result_leaves_readers_current(self) -> None:
        made = bench(script("a"), script("b", {"x": "results.a"}))
        made.runs = 0  # the made-up result is named after the run: this one answers the same
        made.records["cell_a"] = CellRecord("failure", made.records["cell_a"].definition)
        made.run(plan(made.document, now_of(made), ["cell_a"], "auto"))
        assert kinds(made) == {"a": "fresh", "b": "fresh"}

    def test_edited_and_edited_back_is_current(self) -> None:
        made = chain()
        code = made.document.outline.by_cell["cell_a"].module["value"]["content"]
        edit(made, ops.SetCode("cell_a", "def main(x): 2"), ops.SetCode("cell_a", code))
        assert set(kinds(made).values()) == {"fresh"}

    def test_an_input_a_setting_and_a_title(self) -> None:
        made = edit(chain(), ops.SetInput("cell_b", "rows", {"type": "static", "value": 1}))
        assert now(made)["b"].text == "Out of date: input rows changed"
        made = edit(chain(), ops.SetSetting("cell_b", "skip_if", {"expr": "false"}))
        assert now(made)["b"].causes[0].kind == "settings"
        made = edit(chain(), ops.SetTitle("cell_b", "T"), ops.SetSetting("cell_b", "timeout", 5))
        assert kinds(made)["b"] == "fresh"

    def test_a_sample_value_of_the_flow(self) -> None:
        made = edit(chain(), ops.SetSample("n", 4))
        assert now(made)["a"].text == "Out of date: flow input n changed"
        assert kinds(edit(chain(), ops.SetSample("other", 4)))["a"] == "fresh"

    def test_a_default_counts_as_the_value(self) -> None:
        assert kinds(edit(chain(), ops.SetSample("n", 3)))["a"] == "fresh"

    def test_a_producer_that_is_gone_or_comes_later(self) -> None:
        made = edit(chain(), ops.DeleteCell("cell_a"))
        assert now(made)["b"].text == "Out of date: a, read by rows, is gone"
        made = edit(chain(), ops.MoveCell("cell_a", None, "modules", 1))
        assert now(made)["b"].text == "Out of date: a, read by rows, now comes later"

    def test_a_rename_makes_nothing_stale(self) -> None:
        assert set(kinds(edit(chain(), ops.RenameStep("cell_a", "source"))).values()) == {"fresh"}

    def test_the_previous_result_follows_the_order(self) -> None:
        made = bench(script("a"), script("b", {"x": "previous_result"}))
        edit(made, ops.InsertCell("new", None, "modules", 1, script("n")))
        assert now(made)["b"].causes[0].kind == "missing"
        made = bench(script("a"), script("b", {"x": "previous_result"}))
        assert now(edit(made, ops.DeleteCell("cell_a")))["b"].kind == "stale"

    def test_computed_access_reads_every_step_before(self) -> None:
        made = bench(script("a"), script("b"), script("c", {"x": "Object.keys(results)"}))
        assert kinds(edit(made, ops.DeleteCell("cell_a")))["c"] == "stale"


class TestContainers:
    def made(self) -> Bench:
        inner = script("b", {"y": "flow_input.iter.value + results.k.x"})
        return bench(script("a"), script("k"), loop("l", "results.a", [inner]), script("c", {"z": "results.l"}))

    def test_include_their_inner_cells(self) -> None:
        found = now(edit(self.made(), ops.SetCode("cell_b", "def main(y):\n    return 5\n")))
        assert found["l"].text == "Out of date: b changed"
        assert found["l"].causes[0].cell == "cell_b"
        assert found["c"].kind == "stale"

    def test_read_what_their_inner_cells_read(self) -> None:
        found = now(edit(self.made(), ops.SetCode("cell_k", "def main():\n    return 5\n")))
        assert (found["l"].kind, found["l"].causes[0].field) == ("stale", "y")
        assert found["l"].runs_first == ("k",)

    def test_an_inner_cell_moved_or_removed(self) -> None:
        found = now(edit(self.made(), ops.DeleteCell("cell_b")))
        assert found["l"].causes[0].text == "an inner step was removed"

    def test_renaming_an_inner_step_makes_nothing_stale(self) -> None:
        assert set(kinds(edit(self.made(), ops.RenameStep("cell_b", "inner"))).values()) == {"fresh"}

    def test_inner_cells_say_with_what_they_run(self) -> None:
        assert now(self.made())["b"].text == "Runs with l"

    def test_a_condition(self) -> None:
        made = bench(script("a"), branch("d", [("results.a > 1", [script("e")])], []))
        found = now(edit(made, ops.SetSetting("cell_d", "branches/0/expr", "results.a > 2")))
        assert found["d"].text == "Out of date: condition of branch 1 changed"


class TestOutcomes:
    def test_a_failed_cell_is_never_a_result(self) -> None:
        made = Bench(document(script("a"), script("b", {"x": "results.a"})))
        everything = plan(made.document, now_of(made), [], "all")
        made.run(everything, failing=frozenset({"cell_a"}))
        made.records.pop("cell_b")
        assert kinds(made) == {"a": "failed", "b": "blocked"}
        assert now(made)["b"].text == "Blocked: a failed"
        assert plan(made.document, now_of(made), ["cell_b"], "auto").run == ("cell_a", "cell_b")
        assert plan(made.document, now_of(made), ["cell_b"], "old_results").run == ("cell_a", "cell_b")

    def test_an_old_result_below_a_failure_is_out_of_date(self) -> None:
        made = chain()
        made.records["cell_a"] = CellRecord(
            "failure", made.records["cell_a"].definition, error=CellError("ValueError", "no", line=7)
        )
        assert now(made)["a"].text == "Failed at line 7"
        assert now(made)["b"].text == "Out of date: a failed"

    def test_a_pinned_cell_says_the_name_of_its_stand_in(self) -> None:
        made = chain()
        edit(made, ops.KeepStandIn("cell_a", "two rows", [1, 2]))
        edit(made, ops.UseStandIn("cell_a", "two rows"))
        assert now(made)["a"].text == "Pinned: two rows"
        edit(made, ops.RenameStandIn("cell_a", "two rows", "a pair"))
        assert now(made)["a"].text == "Pinned: a pair"
        edit(made, ops.DropStandIn("cell_a", "a pair"))
        assert now(made)["a"].text == "Pinned: 2 items"

    def test_stand_ins_are_read_once_for_many_states(self) -> None:
        made = chain()
        big, other = Counted(rows=[1, 2]), Counted(rows=[3])
        for name, value in (("other", other), ("big", big)):
            edit(made, ops.KeepStandIn("cell_a", name, value))
        edit(made, ops.UseStandIn("cell_a", "big"))
        assert now(made)["a"].text == "Pinned: big"
        view(made.document, states(made.document, made.records, {}))
        read = big.read, other.read
        for summary in ("one", "two", "three"):
            edit(made, ops.SetFlow(summary=summary))
            view(made.document, states(made.document, made.records, {}))
        assert (big.read, other.read) == read

    def test_pinned_cells_need_no_run_and_their_value_counts(self) -> None:
        made = chain()
        edit(made, ops.SetSetting("cell_a", "mock", {"enabled": True, "return_value": [1, 2]}))
        assert now(made)["a"].text == "Pinned: 2 items"
        assert now(made)["b"].text == "Out of date: rows from a changed"
        made.run(plan(made.document, now_of(made), ["cell_c"], "auto"))
        assert kinds(made) == {"a": "pinned", "b": "fresh", "c": "fresh"}

    def test_unpinning_returns_to_the_result_before(self) -> None:
        made = chain()
        edit(made, ops.SetSetting("cell_a", "mock", {"enabled": True, "return_value": 1}))
        assert kinds(edit(made, ops.SetSetting("cell_a", "mock", None))) == {"a": "fresh", "b": "fresh", "c": "fresh"}

    def test_words(self) -> None:
        made = document(script("a"))
        record = CellRecord("success", definition_of(made, "cell_a"), result="r", run_id="r", run_number=4)

        def text(**more: Any) -> str:
            changed = CellRecord(**{**{f: getattr(record, f) for f in record.__slots__}, **more})
            at = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)
            return states(made, {"cell_a": changed}, {}, at)["cell_a"].text

        assert text(duration_ms=812.0, finished_at="2026-11-22T14:02:03.5+00:00") == "Done 0.8 s, 14:02"
        assert text(reused_from=ReusedFrom(42, "2026-11-22T11:00:00+00:00")) == "Reused, 3 h old, run #42"
        assert text(status="skipped") == "Skipped by condition"
        assert text(status="canceled", result=None) == "Canceled"

    def test_live_cells(self) -> None:
        made = chain()
        found = now(made, a=Live("running", since="2026-11-22T14:02:00+00:00"), b=Live("queued", 2), c=Live("waiting"))
        assert [found[step].text for step in "abc"] == ["Running", "Queued 2nd", "Waiting for approval"]
        assert found["a"].to_json()["since"] == "2026-11-22T14:02:00+00:00"
        running = states(
            made.document,
            made.records,
            {"cell_a": Live("running", since="2026-11-22T14:02:00")},
            datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC),
        )
        assert running["cell_a"].text == "Running 1:05"

    def test_records_survive_being_saved(self) -> None:
        made = chain()
        record = made.records["cell_b"]
        assert CellRecord.from_json(record.to_json()) == record


def now_of(made: Bench) -> dict[str, CellState]:
    return states(made.document, made.records, {})


def marked(made: Bench) -> set[str]:
    units = {unit.cell for unit in made.document.outline.units}
    return {cell for cell, state in now_of(made).items() if state.needs_run and cell in units}


@settings(max_examples=250, deadline=None)
@given(documents(), st.lists(operations(), max_size=6), st.lists(operations(), max_size=6), st.booleans())
def test_what_a_run_recomputes_was_marked(
    before: Document, first: list[ops.Operation], then: list[ops.Operation], new_values: bool
) -> None:
    made = Bench(before)
    for script_ in ([], first, then):
        for operation in script_:
            result = apply(made.document, operation)
            made.document = result.document if isinstance(result, Applied) else made.document
        expected = marked(made)
        computed = made.run(plan(made.document, now_of(made), [], "all"), new_values)
        pinned = {cell for cell, state in now_of(made).items() if state.base == "pinned"}
        if new_values:
            assert computed - pinned == expected
        else:
            assert computed - pinned <= expected
        assert marked(made) == set()


@settings(max_examples=150, deadline=None)
@given(documents(), st.lists(operations(), max_size=6), st.integers(0, 9), st.sampled_from(["auto", "up_to", "from"]))
def test_a_plan_leaves_its_targets_current(
    before: Document, script_: list[ops.Operation], pick: int, mode: Any
) -> None:
    made = Bench(before)
    made.run(plan(made.document, now_of(made), [], "all"))
    for operation in script_:
        result = apply(made.document, operation)
        made.document = result.document if isinstance(result, Applied) else made.document
    units = made.document.outline.units
    if not units:
        return
    target = units[pick % len(units)].cell
    before_run = now_of(made)
    planned = plan(made.document, before_run, [target], mode)
    first = {made.document.outline.by_step[step].cell for step in before_run[target].runs_first}
    if mode == "auto":
        pinned = {cell for cell in planned.run if before_run[cell].base == "pinned"}
        assert set(planned.run) - pinned == first - pinned | {target} - pinned
    made.run(planned)
    assert target not in marked(made)


def test_a_newer_version_of_a_script_that_was_run_or_imported() -> None:
    made = Bench(document(script("a"), loop("l", "[1]", [script("inner")]), script("b", {"x": "results.a"})))
    made.run(plan(made.document, states(made.document, {}, {}), [], "all"))
    for cell in ("cell_a", "cell_inner"):
        own = CellRecord("success", definition_of(made.document, cell), result="1")
        made.records[cell] = replace(made.records.get(cell, own), scripts={"f/lib/x": "1"})

    def found(heads: dict[str, str]) -> dict[str, tuple[str, list[str]]]:
        judged = states(made.document, made.records, {}, heads=heads)
        return {cell: (state.kind, [cause.text for cause in state.causes]) for cell, state in judged.items()}

    assert {kind for kind, _ in found({"f/lib/x": "1", "f/lib/y": "7"}).values()} == {"fresh"}
    assert {kind for kind, _ in found({}).values()} == {"fresh"}
    changed = found({"f/lib/x": "2"})
    assert changed["cell_a"] == ("stale", ["script f/lib/x changed"])
    assert changed["cell_l"][0] == "stale", "what is inside of a container makes it out of date"
    assert changed["cell_b"][0] == "stale"
    assert CellRecord.from_json(made.records["cell_a"].to_json()) == made.records["cell_a"]
