"""Drafts, their accepted edits, and what their cells last did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.sql import Sql
from flowapp.store.tables import DraftCellRow, DraftOperationRow, DraftRow, JobRow, RunRow

_DRAFT = table(DraftRow)
_EDIT = table(DraftOperationRow)
_CELL = table(DraftCellRow)
_PUT_RECORD = Sql(
    "INSERT INTO draft_cell (draft_id, cell_id, record, updated_at) VALUES (:draft_id, :cell_id, :record, :updated_at) "
    "ON CONFLICT (draft_id, cell_id) DO UPDATE SET record = excluded.record, updated_at = excluded.updated_at"
)
_VALUE_TEXT = Sql("SELECT text FROM value WHERE hash = :hash")
_LOG_END = Sql(
    'SELECT "offset", text FROM log WHERE run_id = :run_id AND path = :path AND attempt = :attempt '
    'ORDER BY "offset" DESC LIMIT 20'
)
_RESULTS = Sql(
    "SELECT step_id, result FROM job WHERE run_id = :run_id AND status IN ('success', 'reused', 'skipped') "
    "AND path NOT LIKE :below"
)
_AT_WORK = Sql(
    "SELECT id, plan FROM run WHERE draft_id = :draft_id AND kind = 'cells' "
    "AND status IN ('queued', 'running', 'suspended')"
)
_STATUSES = Sql("SELECT step_id, status FROM job WHERE run_id = :run_id AND path = step_id")


def create(connection: Connection, row: DraftRow) -> None:
    """Insert a new draft."""
    insert(connection, row)


def get(connection: Connection, draft_id: str) -> DraftRow | None:
    """The draft, unless it was deleted."""
    query = sa.select(_DRAFT).where(_DRAFT.c.id == draft_id, _DRAFT.c.deleted_at.is_(None))
    return first(connection, DraftRow, query)


def list_of(connection: Connection, workspace: str, owner: str | None = None) -> list[DraftRow]:
    """A workspace's drafts (of one owner), last edited first; `document` is left empty."""
    columns = [c for c in _DRAFT.c if c.name != "document"]
    query = sa.select(*columns, sa.literal("").label("document")).where(
        _DRAFT.c.workspace == workspace, _DRAFT.c.deleted_at.is_(None)
    )
    if owner is not None:
        query = query.where(_DRAFT.c.owner == owner)
    return all_of(connection, DraftRow, query.order_by(_DRAFT.c.saved_at.desc()))


def paths(connection: Connection, workspace: str) -> set[str]:
    """The paths that drafts of the workspace use."""
    query = sa.select(_DRAFT.c.path).where(_DRAFT.c.workspace == workspace, _DRAFT.c.deleted_at.is_(None))
    return set(connection.execute(query).scalars())


def save(connection: Connection, draft_id: str, expected: int, values: Mapping[str, object]) -> bool:
    """Compare-and-swap: set columns if the draft is still at version `expected`; False when somebody was faster."""
    statement = (
        sa.update(_DRAFT)
        .where(_DRAFT.c.id == draft_id, _DRAFT.c.version == expected, _DRAFT.c.deleted_at.is_(None))
        .values(dict(values))
    )
    return connection.execute(statement).rowcount == 1


def set_columns(connection: Connection, draft_id: str, values: Mapping[str, object]) -> None:
    """Set columns that say nothing of its document: what it was deployed as."""
    connection.execute(sa.update(_DRAFT).where(_DRAFT.c.id == draft_id).values(dict(values)))


def delete(connection: Connection, draft_id: str, at: str) -> bool:
    """Mark a draft deleted."""
    statement = sa.update(_DRAFT).where(_DRAFT.c.id == draft_id, _DRAFT.c.deleted_at.is_(None)).values(deleted_at=at)
    return connection.execute(statement).rowcount == 1


def add_edit(connection: Connection, row: DraftOperationRow) -> int | None:
    """Record an accepted edit; returns its id. What was undone before it can no longer be redone."""
    connection.execute(sa.delete(_EDIT).where(_EDIT.c.draft_id == row.draft_id, _EDIT.c.undone.is_(True)))
    return insert(connection, row)


def extend_edit(connection: Connection, edit_id: int, version: int, operations: str, at: str) -> None:
    """Let a recorded edit also stand for a later one that replaced the same thing (typing in one cell)."""
    statement = sa.update(_EDIT).where(_EDIT.c.id == edit_id).values(version=version, operations=operations, at=at)
    connection.execute(statement)


def last_edit(connection: Connection, draft_id: str) -> DraftOperationRow | None:
    """What undo would take back."""
    query = sa.select(_EDIT).where(_EDIT.c.draft_id == draft_id, _EDIT.c.undone.is_(False)).order_by(_EDIT.c.id.desc())
    return first(connection, DraftOperationRow, query)


def deletions(connection: Connection, draft_id: str, limit: int) -> list[DraftOperationRow]:
    """The edits that took cells out, newest first; `operations` is left empty."""
    columns = [column for column in _EDIT.c if column.name != "operations"]
    query = (
        sa.select(*columns, sa.literal("").label("operations"))
        .where(
            _EDIT.c.draft_id == draft_id, _EDIT.c.undone.is_(False), _EDIT.c.operations.contains('"op":"delete_cell"')
        )
        .order_by(_EDIT.c.id.desc())
        .limit(limit)
    )
    return all_of(connection, DraftOperationRow, query)


def next_redo(connection: Connection, draft_id: str) -> DraftOperationRow | None:
    """What redo would do again: the edit undone last."""
    query = sa.select(_EDIT).where(_EDIT.c.draft_id == draft_id, _EDIT.c.undone.is_(True)).order_by(_EDIT.c.id)
    return first(connection, DraftOperationRow, query)


def mark_edit(connection: Connection, edit_id: int, *, undone: bool, inverse: str | None = None) -> None:
    """Set whether an edit is undone, and (after redo) its new inverse."""
    values: dict[str, object] = {"undone": undone}
    if inverse is not None:
        values["inverse"] = inverse
    connection.execute(sa.update(_EDIT).where(_EDIT.c.id == edit_id).values(values))


def records(connection: Connection, draft_id: str) -> dict[str, str]:
    """The JSON text of each cell's record, by cell id."""
    query = sa.select(_CELL.c.cell_id, _CELL.c.record).where(_CELL.c.draft_id == draft_id)
    return {row.cell_id: row.record for row in connection.execute(query)}


def record(connection: Connection, draft_id: str, cell_id: str) -> str | None:
    """The JSON text of a cell's record."""
    query = sa.select(_CELL.c.record).where(_CELL.c.draft_id == draft_id, _CELL.c.cell_id == cell_id)
    text: str | None = connection.scalar(query)
    return text


def put_records(connection: Connection, draft_id: str, changed: Mapping[str, str], at: str) -> None:
    """Write cells' records (JSON text by cell id)."""
    if not changed:
        return
    rows = [{"draft_id": draft_id, "cell_id": cell, "record": text, "updated_at": at} for cell, text in changed.items()]
    _PUT_RECORD.run(connection, rows)


def forget_records(connection: Connection, draft_id: str, cells: Iterable[str]) -> None:
    """Drop the records of cells, so that they count as never run."""
    connection.execute(sa.delete(_CELL).where(_CELL.c.draft_id == draft_id, _CELL.c.cell_id.in_(list(cells))))


def value_text(connection: Connection, digest: str) -> str | None:
    """The text of a value that is stored inline; None for a big one. For use inside a write that just stored it."""
    found = _VALUE_TEXT.run(connection, {"hash": digest}).scalar()
    return None if found is None else str(found)


def steps_of(
    connection: Connection, places: Iterable[tuple[str, str]], tail: int
) -> list[tuple[RunRow, JobRow, str, int]]:
    """For each (run id, step path): the run, the step, the end of its log (`tail` characters) and the log's length.

    Places that are gone are left out.
    """
    runs, jobs = table(RunRow), table(JobRow)
    known: dict[str, RunRow | None] = {}
    found: list[tuple[RunRow, JobRow, str, int]] = []
    for run_id, path in places:
        if run_id not in known:
            known[run_id] = first(connection, RunRow, sa.select(runs).where(runs.c.id == run_id))
        run = known[run_id]
        job = first(connection, JobRow, sa.select(jobs).where(jobs.c.run_id == run_id, jobs.c.path == path))
        if run is None or job is None:
            continue
        chunks = _LOG_END.run(connection, {"run_id": run_id, "path": path, "attempt": job.attempt}).all()
        text, size = "", (chunks[0][0] + len(chunks[0][1]) if chunks else 0)
        for _, chunk in chunks:
            text = chunk + text
            if len(text) >= tail:
                break
        found.append((run, job, text[-tail:], size))
    return found


def results_of(connection: Connection, run_id: str) -> dict[str, str | None]:
    """Step id → value hash of the result, for the finished steps of a run that have one. Those of called flows are not among them."""
    found = _RESULTS.run(connection, {"run_id": run_id, "below": "%/%"})
    return {step_id: result for step_id, result in found}


def cells_at_work(connection: Connection, draft_id: str) -> list[tuple[str, str, dict[str, str]]]:
    """For each unfinished run of a draft's cells: its id, its plan (JSON text), and the status of its top-level steps."""
    runs = _AT_WORK.run(connection, {"draft_id": draft_id}).all()
    return [
        (run_id, plan or "{}", {step: status for step, status in _STATUSES.run(connection, {"run_id": run_id})})
        for run_id, plan in runs
    ]
