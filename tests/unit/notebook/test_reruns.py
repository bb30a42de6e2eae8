"""Why a cell computed although it had a result: said of what it computed from, not guessed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flowapp.notebook import Applied, CellRecord, Document, apply, definition_of
from flowapp.notebook.operations import types as ops
from flowapp.notebook.records import Iteration, ReusedFrom, Taken, reads_taken
from flowapp.notebook.reruns import why_ran
from tests.unit.notebook.flows import document, loop, script


def record(of: Document, cell: str, run: str, a: str = "r1", **other: Any) -> CellRecord:
    """What a run says of a cell, in which `a` gave the result of that hash."""
    taken = {"a": Taken(a, run)}
    made = CellRecord(
        "success", definition_of(of, cell), reads_taken(of, cell, taken), result=f"result of {run}", run_id=run
    )
    return replace(made, **other)


def reasons(
    before: Document, after: Document, cell: str = "cell_b", anew: bool = False, **other: Any
) -> tuple[str, ...]:
    old = record(before, cell, "run1", **other.pop("old", {}))
    new = record(after, cell, "run2", **other)
    return why_ran(after, after.outline.by_cell[cell], old, new, anew=anew)


def two(code: str = "b", expr: str = "results.a", **sample: Any) -> Document:
    schema = {"properties": {"n": {"type": "integer", "default": 3}}}
    b = script("b", {"x": expr, "y": "flow_input.n"})
    b["value"]["content"] = code
    return document(script("a"), b, sample=sample or None, schema=schema)


def test_a_changed_code_an_input_and_a_result_are_named() -> None:
    assert reasons(two(), two("other")) == ("code changed",)
    assert reasons(two(), two(expr="results.a.rows")) == ("input x changed",)
    assert reasons(two(), two(), a="r2") == ("x from a changed",)
    assert reasons(two(), two(n=4)) == ("flow input n changed",)
    assert reasons(two(), two("other", n=4), a="r2") == ("code changed", "x from a changed", "flow input n changed")


def test_a_newer_script_is_named() -> None:
    old = {"scripts": {"f/x/lib": "1"}}
    assert reasons(two(), two(), old=old, scripts={"f/x/lib": "2"}) == ("script f/x/lib changed",)


def test_nothing_changed_and_it_was_run_all_the_same() -> None:
    assert reasons(two(), two(), anew=True) == ("it was run although it was up to date",)
    assert reasons(two(), two()) == ("no result of equal work was kept for it",)


def with_about(**about: Any) -> Document:
    made = two()
    for key, value in about.items():
        done = apply(made, ops.SetBeside("cell_b", key, value))
        assert isinstance(done, Applied), done
        made = done.document
    return made


def test_a_cell_that_never_reuses_says_so() -> None:
    never = with_about(reuse="never")
    assert reasons(never, never) == ("it never reuses an earlier result",)
    effects = with_about(outside_effects=True)
    assert reasons(effects, effects) == ("it has effects outside, so that no earlier result is reused",)


def test_a_cache_that_lasts_so_long_is_named() -> None:
    b = script("b", {"x": "results.a"})
    b["cache_ttl"] = 90
    made = document(script("a"), b)
    assert reasons(made, made) == ("a result of it is kept for 1 min 30 s only",)


def test_where_nothing_could_be_taken_nothing_is_said() -> None:
    made = two()
    entry = made.outline.by_cell["cell_b"]
    new = record(made, "cell_b", "run2")
    assert why_ran(made, entry, None, new, anew=False) == ()
    assert reasons(made, two("other"), reused_from=ReusedFrom(1, "")) == ()
    assert reasons(made, two("other"), status="skipped") == ()
    failed = {"status": "failure"}
    assert reasons(made, two("other"), old=failed) == ("it failed the last time",)
    inner = document(loop("l", "[1]", [script("b", {"x": "flow_input.iter.value"})]))
    before = record(inner, "cell_b", "run1")
    assert why_ran(inner, inner.outline.by_cell["cell_b"], before, record(inner, "cell_b", "run2"), anew=True) == ()


def looped(code: str = "b", iterator: str = "results.a") -> Document:
    b = script("b", {"x": "flow_input.iter.value"})
    b["value"]["content"] = code
    return document(script("a"), script("k"), loop("l", iterator, [b, script("c", {"k": "results.k"})]))


def alone(of: Document, run: str, index: int = 1, a: str = "r1", k: str = "k1", **other: Any) -> CellRecord:
    """What a run of one iteration says of the cell in the loop."""
    taken = {"a": Taken(a, run), "k": Taken(k, run)}
    then = Iteration(index, definition_of(of, "cell_l"), reads_taken(of, "cell_l", taken))
    return record(of, "cell_b", run, iteration=then, **other)


def test_an_iteration_that_ran_by_itself_is_compared_with_itself() -> None:
    made = looped()
    old = alone(made, "run1")

    def why(new: CellRecord, of: Document = made, before: CellRecord = old, anew: bool = False) -> tuple[str, ...]:
        return why_ran(of, of.outline.by_cell["cell_b"], before, new, anew=anew)

    assert why(alone(made, "run2"), anew=True) == ("it was run although it was up to date",)
    assert why(alone(looped("other"), "run2"), looped("other")) == ("code changed",)
    assert why(alone(made, "run2", a="r2")) == ("what the items of l come from changed",)
    fixed = looped(iterator="[1, 2]")
    assert why(alone(fixed, "run2"), fixed) == ("what the items of l come from changed",)
    assert why(alone(made, "run2", k="k2"), anew=True) == ("it was run although it was up to date",), "c reads that"
    assert why(alone(made, "run2", index=0, a="r2")) == (), "of another item nothing was there to be taken"
    assert why(record(made, "cell_b", "run2")) == (), "of a whole run nothing is said"
    assert why(alone(made, "run2"), before=alone(made, "run1", status="failure")) == ("it failed the last time",)


def test_in_a_loop_in_the_loop_one_of_many_is_like_none_before() -> None:
    inner = loop("m", "[1, 2]", [script("b", {"x": "flow_input.iter.value"})])
    made = document(script("a"), script("k"), loop("l", "results.a", [inner]))
    entry = made.outline.by_cell["cell_b"]
    assert why_ran(made, entry, alone(made, "run1"), alone(made, "run2"), anew=True) == ()


def test_another_attempt_keeps_the_reasons() -> None:
    made = two()
    first = record(made, "cell_b", "run2", ran_because=("code changed",), status="failure")
    again = record(made, "cell_b", "run2")
    assert why_ran(made, made.outline.by_cell["cell_b"], first, again, anew=False) == ("code changed",)


def test_reasons_stay_with_the_record() -> None:
    kept = record(two(), "cell_b", "run1", ran_because=("code changed", "x from a changed"))
    assert CellRecord.from_json(kept.to_json()) == kept
    older = kept.to_json()
    del older["ran_because"]
    assert CellRecord.from_json(older).ran_because == ()
