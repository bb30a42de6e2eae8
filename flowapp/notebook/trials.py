"""Trying the cells that do not run with the others: the failure handler on a sample error, the preprocessor on a sample event.

The sample lies beside the cell. A trial is a flow of its own, made so that the cell finds what it would find in a real run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowapp.notebook.document import SINGLE_SLOTS, CellId, Document, Entry, StepId

#: What a cell is tried on that has no sample yet.
SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "failure": {"name": "ValueError", "message": "a sample error", "step_id": "a"},
    "preprocessor": {"kind": "webhook", "body": {"name": "Ada"}, "query": {}, "headers": {}},
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What is run to try a cell."""

    cell: CellId
    flow: Mapping[str, Any]
    #: the top-level steps to run; None: all of the flow
    steps: tuple[StepId, ...] | None
    #: the event of a preprocessor
    event: Any = None


def sample_of(document: Document, entry: Entry) -> Any:
    """The sample that a failure handler or preprocessor is tried on; None for other cells."""
    if entry.slot not in SINGLE_SLOTS:
        return None
    kept = document.about(entry.cell).get("sample")
    return dict(kept if isinstance(kept, Mapping) else SAMPLES[entry.slot])


def trial_of(document: Document, cells: Sequence[CellId]) -> Trial | None:
    """The trial that running these cells stands for: when the only one is the failure handler or the preprocessor."""
    entry = document.entry(cells[0]) if len(cells) == 1 else None
    unit = document.entry(entry.unit) if entry is not None else None
    if unit is None or unit.slot not in SINGLE_SLOTS:
        return None
    sample, value = sample_of(document, unit), dict(document.flow["value"])
    value.pop("failure_module", None)
    if unit.slot == "preprocessor":
        value["modules"] = []
        return Trial(unit.cell, {**document.flow, "value": value}, None, sample)
    value.pop("preprocessor_module", None)
    # a step that failed, as its successor sees it: the error is in its result
    failed = document.fresh_step_id()
    mock = {"id": failed, "value": {"type": "identity"}, "mock": {"enabled": True, "return_value": {"error": sample}}}
    value["modules"] = [*value["modules"], mock, unit.module]
    return Trial(unit.cell, {**document.flow, "value": value}, (failed, unit.step_id))
