"""What a step of a run says about a cell: the record that its state and staleness derive from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.notebook.definition import definition_of
from flowapp.notebook.document import CellId, Document, Entry, StepId
from flowapp.notebook.records import CellError, CellRecord, Iteration, ReusedFrom, Status, Taken, reads_taken
from flowapp.store import drafts
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace.describe import error_of

_STATUS: dict[str, Status] = {
    "success": "success",
    "reused": "success",
    "failure": "failure",
    "canceled": "canceled",
    "skipped": "skipped",
}
#: How a step's row says that there is a result to read. A skipped step hands on the result before it.
HAVE_RESULT = frozenset({"success", "reused", "skipped"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """The one iteration, from 0, of a top-level loop that a run is of."""

    cell: CellId
    step_id: StepId
    index: int

    def to_json(self) -> dict[str, Any]:
        """As it stands in the plan of the run."""
        return {"step": self.step_id, "index": self.index}

    @classmethod
    def from_json(cls, document: Document, data: Any) -> Chosen | None:
        """As `to_json` wrote it, in the document that the run executes."""
        entry = document.outline.by_step.get(str(data["step"])) if data else None
        return None if entry is None else cls(entry.cell, entry.step_id, int(data["index"]))


def record_of(
    store: Store,
    connection: Connection,
    document: Document,
    taken: Mapping[StepId, Taken],
    run: RunRow,
    job: JobRow,
    chosen: Chosen | None = None,
) -> CellRecord | None:
    """The record of the cell that a finished step is; None where it is none, or has not come to an end.

    Args:
        store: where runs are found.
        connection: for what the row only names: its error, and the run whose result it reused.
        document: what the run executed, as a notebook.
        taken: the results that there were when the step ran.
        run: the run.
        job: the step's row.
        chosen: the one iteration that the run is of.
    """
    status = _STATUS.get(job.status)
    entry = document.outline.by_step.get(job.step_id)
    if status is None or job.ended_at is None or entry is None:
        return None
    return CellRecord(
        status=status,
        definition=definition_of(document, entry.cell),
        reads=reads_taken(document, entry.cell, taken),
        result=job.result,
        run_id=run.id,
        run_number=run.number,
        path=job.path,
        finished_at=job.ended_at,
        duration_ms=job.duration_ms,
        reused_from=_reused(store, connection, job),
        error=_error(connection, job) if status == "failure" else None,
        scripts=_scripts(job, entry.module),
        iteration=_iteration(connection, document, entry, chosen, taken, run),
    )


def _iteration(
    connection: Connection,
    document: Document,
    entry: Entry,
    chosen: Chosen | None,
    taken: Mapping[StepId, Taken],
    run: RunRow,
) -> Iteration | None:
    if chosen is None or entry.unit != chosen.cell:
        return None
    text = drafts.record(connection, str(run.draft_id), entry.cell)
    before = CellRecord.from_json(loads(text)) if text else None
    scripts = before.scripts_of_whole if before is not None else {}
    definition, reads = definition_of(document, chosen.cell), reads_taken(document, chosen.cell, taken)
    return Iteration(chosen.index, definition, reads, scripts)


def _reused(store: Store, connection: Connection, job: JobRow) -> ReusedFrom | None:
    if job.status != "reused" or job.reused_from is None:
        return None
    source = store.runs.find(connection, job.reused_from)
    return None if source is None else ReusedFrom(source.number, source.ended_at or source.created_at, source.id)


def _scripts(job: JobRow, module: Mapping[str, Any]) -> dict[str, str]:
    """The versions of the stored scripts that a step ran; one that the step pins is not replaced by a newer one."""
    meta = loads(job.meta) if job.meta else {}
    found: dict[str, str] = dict(meta.get("libraries") or {})
    pinned = (module.get("value") or {}).get("hash")
    if meta.get("script") and meta.get("hash") and not pinned:
        found[str(meta["script"])] = str(meta["hash"])
    return found


def _error(connection: Connection, job: JobRow) -> CellError:
    text = drafts.value_text(connection, job.result) if job.result else None
    found = error_of(loads(text)) if text else None
    if found is None:
        return CellError("Error", "The step failed.")
    return CellError(found["name"], found["message"][:2000], found["line"])
