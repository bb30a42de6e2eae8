"""The row of a step, as the journal makes and reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flowapp.engine.values import StepInfo
from flowapp.jsontext import loads
from flowapp.store.tables import JobRow


@dataclass(slots=True)
class StepRow:
    """A `JobRow` that is not bound to a table class: making and changing one costs a thirtieth, twice per step."""

    run_id: str
    path: str
    id: str
    workspace: str
    step_id: str
    kind: str
    language: str | None
    status: str
    attempt: int
    started_at: str | None
    meta: str | None
    args: str | None = None
    result: str | None = None
    fingerprint: str | None = None
    reused_from: str | None = None
    ended_at: str | None = None
    duration_ms: float | None = None
    isolation: str = ""
    executor: str = ""
    tag: str = ""
    progress: int | None = None


COLUMNS = tuple(JobRow.model_fields)


def info_of(row: JobRow) -> StepInfo:
    """Which step a row is of."""
    return StepInfo(row.path, row.step_id, row.kind, row.language, loads(row.meta) if row.meta else {}, row.tag)


def milliseconds(start: str | None, end: str | None) -> float | None:
    """Between two stored times."""
    if start is None or end is None:
        return None
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000, 3)
