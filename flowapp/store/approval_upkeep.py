"""Waits for people of runs that begin again, are wiped, or are deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import dumps
from flowapp.store.approval_queries import ApprovalQueries
from flowapp.store.approval_shapes import terms_of
from flowapp.store.rows import all_of, insert, table
from flowapp.store.runs import job_id
from flowapp.store.tables import ApprovalMessageRow, ApprovalNoteRow, ResumeEventRow, SuspensionRow

_CONDITIONS = frozenset(
    {"step_id", "groups", "user_auth_required", "self_approval_disabled", "extras", "escalated", "delegates"}
)
_WAIT = table(SuspensionRow)
_EVENT = table(ResumeEventRow)
_NOTE = table(ApprovalNoteRow)
_MESSAGE = table(ApprovalMessageRow)
_READ = ApprovalQueries()


def copy(connection: Connection, before: str, run_id: str, paths: Iterable[str]) -> None:
    """Let a run that begins `before` again have the approvals of the steps at `paths` that it keeps.

    Only what was approved: nobody passes a denied or unanswered wait by beginning again.
    """
    for path in paths:
        row = _READ.get(connection, before, path)
        if row is None or row.status != "approved" or _READ.get(connection, run_id, path) is not None:
            continue
        job = job_id(run_id, path)
        insert(connection, SuspensionRow(**{**row.model_dump(), "run_id": run_id, "job_id": job, "flow_jobs": "[]"}))
        for number, event in enumerate(_READ.events_of(connection, before, path)):
            insert(
                connection,
                ResumeEventRow(**{**event.model_dump(), "run_id": run_id, "job_id": job, "resume_id": number}),
            )


def remove(connection: Connection, run_ids: Sequence[str]) -> None:
    """Forget the waits of runs that are being deleted, with all that belongs to them."""
    for rows in (_WAIT, _EVENT, _NOTE, _MESSAGE):
        connection.execute(sa.delete(rows).where(rows.c.run_id.in_(list(run_ids))))


def wipe(connection: Connection, run_ids: Sequence[str]) -> None:
    """Forget what was asked and answered in runs whose data goes; who decided when, and who may see that, stays."""
    ids = list(run_ids)
    _wipe(connection, _WAIT.c.run_id.in_(ids), _EVENT.c.run_id.in_(ids), _NOTE.c.run_id.in_(ids))


def wipe_step(connection: Connection, run_id: str, path: str) -> None:
    """The same at one step."""
    job = job_id(run_id, path)
    notes = sa.and_(_NOTE.c.run_id == run_id, _NOTE.c.path == path)
    _wipe(connection, _WAIT.c.job_id == job, _EVENT.c.job_id == job, notes)


def _wipe(
    connection: Connection,
    waits: sa.ColumnElement[bool],
    events: sa.ColumnElement[bool],
    notes: sa.ColumnElement[bool],
) -> None:
    connection.execute(sa.update(_NOTE).where(notes, _NOTE.c.kind == "told").values(whom=""))
    for row in all_of(connection, SuspensionRow, sa.select(_WAIT).where(waits)):
        terms = dumps({name: value for name, value in terms_of(row).items() if name in _CONDITIONS})
        where = (_WAIT.c.run_id == row.run_id, _WAIT.c.path == row.path)
        connection.execute(sa.update(_WAIT).where(*where).values(terms=terms))
    connection.execute(sa.update(_EVENT).where(events).values(payload="null"))
