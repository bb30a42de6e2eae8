"""Run plans: what runs, on which results, and what is asked before."""

from __future__ import annotations

from flowapp.notebook import Applied, Plan, apply, plan, states
from flowapp.notebook.operations import types as ops
from flowapp.notebook.plan import Mode
from tests.unit.notebook.flows import Bench, document, loop, script


def made() -> Bench:
    """a → b → c, and d by itself; all have run, then a's code changed."""
    bench = Bench(
        document(
            script("a"),
            script("b", {"x": "results.a"}),
            script("c", {"y": "results.b"}),
            script("d"),
            loop("l", "results.d", [script("e", {"z": "flow_input.iter.value"})]),
        )
    )
    bench.run(planned(bench, "all"))
    change(bench, ops.SetCode("cell_a", "def main():\n    return 2\n"))
    return bench


def change(bench: Bench, operation: ops.Operation) -> None:
    result = apply(bench.document, operation)
    assert isinstance(result, Applied)
    bench.document = result.document


def planned(bench: Bench, mode: Mode, *targets: str) -> Plan:
    return plan(bench.document, states(bench.document, bench.records, {}), [f"cell_{step}" for step in targets], mode)


def steps(found: Plan) -> str:
    return "".join(cell.removeprefix("cell_") for cell in found.run)


def test_auto_runs_what_is_out_of_date_above_first() -> None:
    assert planned(made(), "auto", "c") == Plan(("cell_a", "cell_b", "cell_c"))


def test_auto_takes_current_results_as_they_are() -> None:
    assert planned(made(), "auto", "l") == Plan(("cell_l",), ("d",))


def test_old_results_runs_the_target_alone_and_says_so() -> None:
    assert planned(made(), "old_results", "c") == Plan(("cell_c",), ("b",), on_old_inputs=True)
    assert planned(made(), "old_results", "l").on_old_inputs is False


def test_old_results_still_runs_what_has_no_result() -> None:
    bench = made()
    bench.records.pop("cell_b")
    assert planned(bench, "old_results", "c") == Plan(("cell_b", "cell_c"), ("a",), on_old_inputs=True)


def test_stale_all_up_to_and_from() -> None:
    assert steps(planned(made(), "stale")) == "abc"
    assert steps(planned(made(), "all")) == "abcdl"
    assert steps(planned(made(), "up_to", "d")) == "abcd"
    assert steps(planned(made(), "from", "c")) == "abcdl"
    assert steps(planned(made(), "from", "d")) == "dl"


def test_an_inner_cell_runs_with_its_container() -> None:
    assert steps(planned(made(), "auto", "e")) == "l"


def test_cells_with_outside_effects_ask_also_inside_a_container() -> None:
    bench = made()
    change(bench, ops.SetBeside("cell_e", "outside_effects", True))
    assert planned(bench, "auto", "l").asks == ("cell_e",)
    assert planned(bench, "auto", "c").asks == ()


def test_targets_that_are_gone_are_passed_over() -> None:
    assert planned(made(), "auto", "nowhere") == Plan()
    assert planned(made(), "up_to", "nowhere") == Plan()
    assert planned(made(), "from", "nowhere") == Plan()
