"""One iteration of a loop that ran by itself: what the cells in it say then, and that the loop says nothing else than before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.notebook import Applied, CellRecord, CellState, Document, apply, plan, states
from flowapp.notebook.operations import types as ops
from flowapp.notebook.records import CellError
from flowapp.openflow.walk import LOOP_KINDS
from tests.unit.notebook.flows import Bench, branch, document, documents, loop, operations, script

ITEM = {"y": "flow_input.iter.value"}


def bench(*, ran: bool = True, iterator: str = "results.a", **more: Any) -> Bench:
    """a, k; a loop over a with b (reads the item and k) and c (reads b); d reads the loop."""
    inner = [script("b", {**ITEM, "k": "results.k"}), script("c", {"z": "results.b"})]
    modules = [script("a"), script("k"), loop("l", iterator, inner, **more), script("d", {"z": "results.l"})]
    made = Bench(document(*modules))
    if ran:
        made.run(plan(made.document, now(made), [], "all"))
    return made


def now(made: Bench) -> dict[str, CellState]:
    return states(made.document, made.records, {})


def kinds(made: Bench) -> dict[str, str]:
    return {cell.removeprefix("cell_"): state.kind for cell, state in now(made).items()}


def texts(made: Bench) -> dict[str, str]:
    return {cell.removeprefix("cell_"): state.text for cell, state in now(made).items()}


def edit(made: Bench, *operations_: ops.Operation) -> Bench:
    for operation in operations_:
        result = apply(made.document, operation)
        assert isinstance(result, Applied), result
        made.document = result.document
    return made


def iterate(made: Bench, index: int = 1, loop_: str = "cell_l", **more: Any) -> set[str]:
    return made.iterate(plan(made.document, now(made), [loop_], "auto"), loop_, index, **more)


CODE = ops.SetCode("cell_b", "def main(y, k):\n    return 5\n")


def test_the_cells_in_it_say_which_one_ran() -> None:
    made = bench()
    assert iterate(made) == {"cell_b", "cell_c"}
    assert texts(made) == {
        "a": "Done",
        "k": "Done",
        "l": "Done",
        "b": "Iteration 2: done",
        "c": "Iteration 2: done",
        "d": "Done",
    }
    assert now(made)["cell_b"].to_json()["iteration"] == 1
    assert "iteration" not in now(made)["cell_l"].to_json()


def test_an_edited_loop_stays_out_of_date_and_the_cells_in_it_are_current() -> None:
    made = edit(bench(), CODE)
    iterate(made)
    assert kinds(made) == {"a": "fresh", "k": "fresh", "l": "stale", "b": "fresh", "c": "fresh", "d": "stale"}
    assert texts(made)["l"] == "Out of date: b changed"
    assert iterate(made) == set(), "what is current is not computed again"


def test_a_loop_that_never_ran_has_not_run() -> None:
    made = bench(ran=False)
    iterate(made)
    assert kinds(made) == {"a": "fresh", "k": "fresh", "l": "never", "b": "fresh", "c": "fresh", "d": "never"}
    assert plan(made.document, now(made), ["cell_d"], "auto").run == ("cell_l", "cell_d")


def test_an_edit_marks_it_and_what_reads_from_it() -> None:
    made = bench()
    iterate(made)
    edit(made, CODE)
    assert texts(made)["b"] == "Iteration 2: out of date: code changed"
    assert texts(made)["c"] == "Iteration 2: out of date: z from b is out of date"


@pytest.mark.parametrize(
    "change",
    [
        ops.SetCode("cell_a", "def main():\n    return 9\n"),
        ops.SetSetting("cell_l", "iterator", {"type": "javascript", "expr": "results.k"}),
        ops.SetSetting("cell_l", "iterator", {"type": "static", "value": [1]}),
    ],
)
def test_other_items_mark_the_cells_that_read_them(change: ops.Operation) -> None:
    made = bench()
    iterate(made)
    edit(made, change)
    assert texts(made)["b"] == "Iteration 2: out of date: the items of l are out of date"
    assert kinds(made)["c"] == "stale"


def test_other_items_after_a_run_above() -> None:
    made = bench()
    iterate(made)
    made.run(
        plan(edit(made, ops.SetCode("cell_a", "def main():\n    return 9\n")).document, now(made), ["cell_a"], "auto")
    )
    assert kinds(made)["b"] == "stale"


def test_an_item_of_the_flows_input() -> None:
    made = bench(iterator="flow_input.items")
    iterate(made)
    assert kinds(edit(made, ops.SetSample("items", [1, 2])))["b"] == "stale"


def test_what_a_cell_does_not_read_leaves_it_current() -> None:
    made = Bench(document(script("a"), loop("l", "results.a", [script("b"), script("c", ITEM)])))
    made.run(plan(made.document, now(made), [], "all"))
    iterate(made)
    edit(made, ops.SetCode("cell_a", "def main():\n    return 9\n"))
    assert (kinds(made)["b"], kinds(made)["c"]) == ("fresh", "stale")


def test_a_whole_run_takes_its_place() -> None:
    made = bench()
    iterate(made)
    own = made.records["cell_b"]
    made.records["cell_b"] = replace(own, iteration=None, run_id="run9")
    assert texts(made)["b"] == "Done"


def test_a_failed_or_reused_one_says_so_too() -> None:
    made = bench()
    iterate(made)
    made.records["cell_b"] = replace(made.records["cell_b"], status="failure", error=CellError("E", "no", line=3))
    found = states(made.document, made.records, {}, datetime(2026, 11, 22, tzinfo=UTC))
    assert found["cell_b"].text == "Iteration 2: failed at line 3"
    assert found["cell_c"].text == "Iteration 2: out of date: b failed"
    assert found["cell_l"].kind == "fresh"


def test_records_survive_being_kept() -> None:
    made = bench()
    iterate(made)
    record = made.records["cell_b"]
    assert record.iteration is not None
    assert CellRecord.from_json(record.to_json()) == record
    assert CellRecord.from_json({**record.to_json(), "iteration": None}).iteration is None


def test_a_newer_script_that_the_whole_run_ran_marks_the_loop_whatever_the_iteration_ran() -> None:
    made = bench()
    iterate(made)
    own = made.records["cell_b"]
    then = own.iteration
    assert then is not None

    def loops(whole: str, alone: str) -> tuple[str, str]:
        iteration = replace(then, scripts={"f/x": whole})
        records = {**made.records, "cell_b": replace(own, scripts={"f/x": alone}, iteration=iteration)}
        found = states(made.document, records, {}, heads={"f/x": "2"})
        return found["cell_l"].kind, found["cell_b"].kind

    assert loops(whole="1", alone="2") == ("stale", "fresh")
    assert loops(whole="2", alone="1") == ("fresh", "stale")
    edit(made, ops.MoveCell("cell_b", None, "modules", 2))
    assert loops(whole="2", alone="1")[1] == "stale", "moved out, it counts for itself"


def test_an_iteration_of_a_while_loop_has_no_items_that_could_change() -> None:
    endless = {"id": "l", "value": {"type": "whileloopflow", "skip_failures": False, "modules": [script("b", ITEM)]}}
    made = Bench(document(script("a"), endless))
    made.run(plan(made.document, now(made), [], "all"))
    iterate(made)
    assert texts(made) == {"a": "Done", "l": "Done", "b": "Iteration 2: done"}
    edit(made, ops.SetCode("cell_a", "def main():\n    return 9\n"))
    assert kinds(made) == {"a": "stale", "l": "fresh", "b": "fresh"}
    edit(made, ops.SetSetting("cell_l", "skip_failures", True))
    assert texts(made)["b"] == "Iteration 2: out of date: the settings of l changed"
    iterate(made)
    assert kinds(made)["b"] == "fresh"


def test_a_container_in_the_loop_reads_what_is_in_it() -> None:
    inner = [
        script("b", ITEM),
        branch("d", [("true", [script("e", {"x": "results.b"})])], []),
        script("f", {"x": "results.d"}),
    ]
    made = Bench(document(script("a"), loop("l", "results.a", inner)))
    iterate(made)
    assert {kinds(made)[step] for step in "bdef"} == {"fresh"}
    edit(made, ops.SetCode("cell_b", "def main(y):\n    return 5\n"))
    assert {kinds(made)[step] for step in "bdef"} == {"stale"}


def marked(made: Bench, cells: set[str]) -> set[str]:
    return {cell for cell, state in now(made).items() if state.needs_run and cell in cells}


@settings(max_examples=250, deadline=None)
@given(
    documents(),
    st.lists(operations(), max_size=5),
    st.lists(operations(), max_size=5),
    st.integers(0, 9),
    st.booleans(),
    st.booleans(),
)
def test_what_one_iteration_computes_was_marked_and_the_rest_is_left_alone(
    before: Document,
    first: list[ops.Operation],
    then: list[ops.Operation],
    pick: int,
    new_values: bool,
    ran: bool,
) -> None:
    made = Bench(before)
    if ran:
        made.run(plan(made.document, now(made), [], "all"))
    for operations_ in ([], first, then):
        for operation in operations_:
            result = apply(made.document, operation)
            made.document = result.document if isinstance(result, Applied) else made.document
        outline = made.document.outline
        loops = [unit for unit in outline.units if unit.kind in LOOP_KINDS]
        if not loops:
            return
        chosen = loops[pick % len(loops)]
        planned = plan(made.document, now(made), [chosen.cell], "auto")
        # first what the iteration needs from above: whatever runs as ever is judged as ever
        made.run(replace(planned, run=tuple(cell for cell in planned.run if cell != chosen.cell)), new_values)
        inside = {entry.cell for entry in outline.within(chosen)[1:]}
        alone = {cell for cell in inside if (record := made.records.get(cell)) and record.iteration}
        units = {unit.cell for unit in outline.units}
        expected, said = marked(made, inside), {cell: now(made)[cell] for cell in units}
        again = plan(made.document, now(made), [chosen.cell], "auto")
        computed = made.iterate(replace(again, run=(chosen.cell,)), chosen.cell, 0, new_values)
        assert computed & alone <= expected, "it was current, and yet computed anew"
        assert not marked(made, inside) - {cell for cell in inside if now(made)[cell].base == "pinned"}
        assert {cell: now(made)[cell] for cell in units} == said, "the loop and all others are what they were"
        assert set(made.run(plan(made.document, now(made), [], "all"), new_values)) <= {
            cell for cell, state in said.items() if state.needs_run or state.base == "pinned"
        }
