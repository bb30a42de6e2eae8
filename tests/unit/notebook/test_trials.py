"""Trials: what is run when somebody tries the failure handler or the preprocessor."""

from __future__ import annotations

from flowapp.notebook import Applied, apply, states
from flowapp.notebook.operations import types as ops
from flowapp.notebook.trials import SAMPLES, sample_of, trial_of
from flowapp.notebook.view import view
from tests.unit.notebook.flows import document, script

FAILURE = script("failure", {"name": "error.name"})
made = document(
    script("a"),
    failure_module=FAILURE,
    preprocessor_module=script("preprocessor", {"event": "event"}),
    same_worker=True,
)


def test_other_cells_are_not_tried_but_run() -> None:
    assert trial_of(made, []) is None
    assert trial_of(made, ["cell_a"]) is None
    assert trial_of(made, ["cell_a", "cell_failure"]) is None
    assert trial_of(made, ["gone"]) is None
    assert sample_of(made, made.outline.by_cell["cell_a"]) is None


def test_the_failure_handler_runs_after_a_step_with_the_sample_error() -> None:
    trial = trial_of(made, ["cell_failure"])
    assert trial is not None
    value = trial.flow["value"]
    assert "failure_module" not in value and "preprocessor_module" not in value
    *before, failed, handler = value["modules"]
    assert [module["id"] for module in before] == ["a"]
    assert failed["mock"] == {"enabled": True, "return_value": {"error": SAMPLES["failure"]}}
    assert handler == FAILURE
    assert trial.steps == (failed["id"], "failure") and failed["id"] not in made.cells
    assert trial.event is None and value["same_worker"] is True


def test_the_preprocessor_runs_alone_on_the_sample_event() -> None:
    trial = trial_of(made, ["cell_preprocessor"])
    assert trial is not None
    assert trial.flow["value"]["modules"] == []
    assert trial.flow["value"]["preprocessor_module"]["id"] == "preprocessor"
    assert trial.steps is None
    assert trial.event == SAMPLES["preprocessor"]


def test_a_sample_of_ones_own_lies_beside_the_cell_and_can_be_taken_back() -> None:
    own = {"name": "Timeout", "message": "too slow", "step_id": "a"}
    result = apply(made, ops.SetBeside("cell_failure", "sample", own))
    assert isinstance(result, Applied)
    trial = trial_of(result.document, ["cell_failure"])
    assert trial is not None
    assert trial.flow["value"]["modules"][-2]["mock"]["return_value"] == {"error": own}
    shown = {cell["id"]: cell["sample"] for cell in view(result.document, states(result.document, {}, {}))["cells"]}
    assert shown == {"cell_preprocessor": SAMPLES["preprocessor"], "cell_a": None, "cell_failure": own}
    cells = view(result.document, states(result.document, {}, {}))["cells"]
    inputs = {cell["id"]: [shown["field"] for shown in cell["inputs"]] for cell in cells}
    assert "event" not in inputs["cell_preprocessor"] and "name" in inputs["cell_failure"]
    back = apply(result.document, result.inverse[0])
    assert isinstance(back, Applied) and back.document.beside == made.beside
