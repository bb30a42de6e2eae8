"""Reading waits for people, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.store.rows import all_of, first, table
from flowapp.store.tables import ApprovalMessageRow, ApprovalNoteRow, ResumeEventRow, RunRow, SuspensionRow

PAGE = 200
_WAIT = table(SuspensionRow)
_EVENT = table(ResumeEventRow)
_NOTE = table(ApprovalNoteRow)
_MESSAGE = table(ApprovalMessageRow)
_RUN = table(RunRow)


class ApprovalQueries:
    """Queries that change nothing. All of them take a connection, because deciding asks them too."""

    def get(self, connection: Connection, run_id: str, path: str) -> SuspensionRow | None:
        """The wait after the step at `path` of a run."""
        query = sa.select(_WAIT).where(_WAIT.c.run_id == run_id, _WAIT.c.path == path)
        return first(connection, SuspensionRow, query)

    def of_job(self, connection: Connection, job_id: str) -> SuspensionRow | None:
        """The wait of the step with this job id; for a flow's job id, its oldest open wait (else its latest)."""
        step = first(connection, SuspensionRow, sa.select(_WAIT).where(_WAIT.c.job_id == job_id))
        if step is not None:
            return step
        inside = all_of(
            connection,
            SuspensionRow,
            sa.select(_WAIT).where(_WAIT.c.flow_jobs.contains(job_id, autoescape=True)).order_by(_WAIT.c.created_at),
        )
        opened = [row for row in inside if row.status == "open"]
        return opened[0] if opened else (inside[-1] if inside else None)

    def of_run(self, connection: Connection, run_id: str) -> list[SuspensionRow]:
        """All waits of a run, in the order in which they began."""
        query = sa.select(_WAIT).where(_WAIT.c.run_id == run_id).order_by(_WAIT.c.created_at, _WAIT.c.path)
        return all_of(connection, SuspensionRow, query)

    def events_of(self, connection: Connection, run_id: str, path: str) -> list[ResumeEventRow]:
        """The answers that a wait has counted, in order of arrival."""
        query = sa.select(_EVENT).where(_EVENT.c.run_id == run_id, _EVENT.c.taken_by == path)
        return all_of(connection, ResumeEventRow, query.order_by(_EVENT.c.at, _EVENT.c.job_id, _EVENT.c.resume_id))

    def event(self, connection: Connection, job_id: str, resume_id: int) -> ResumeEventRow | None:
        """The answer that was given under a resume id."""
        query = sa.select(_EVENT).where(_EVENT.c.job_id == job_id, _EVENT.c.resume_id == resume_id)
        return first(connection, ResumeEventRow, query)

    def open_waits(self, connection: Connection, workspace: str, offset: int = 0) -> list[tuple[SuspensionRow, RunRow]]:
        """`PAGE` open waits of a workspace with their runs, the next to time out first, past the first `offset`."""
        query = (
            sa.select(_WAIT)
            .where(_WAIT.c.workspace == workspace, _WAIT.c.status == "open")
            .order_by(sa.func.coalesce(_WAIT.c.timeout_at, "~"), _WAIT.c.created_at, _WAIT.c.run_id, _WAIT.c.path)
            .limit(PAGE)
            .offset(offset)
        )
        return self._with_runs(connection, all_of(connection, SuspensionRow, query))

    def answered_by(
        self, connection: Connection, workspace: str, email: str, limit: int = 50
    ) -> list[tuple[SuspensionRow, RunRow]]:
        """The waits that somebody who was signed in has answered, with their runs; their latest answer first."""
        query = (
            sa.select(_WAIT)
            .join(_EVENT, (_EVENT.c.run_id == _WAIT.c.run_id) & (_EVENT.c.taken_by == _WAIT.c.path))
            .where(_WAIT.c.workspace == workspace, _EVENT.c.email == email)
            .order_by(_EVENT.c.at.desc())
            .limit(limit)
        )
        waits = {(row.run_id, row.path): row for row in all_of(connection, SuspensionRow, query)}
        return self._with_runs(connection, list(waits.values()))

    def notes_of(self, connection: Connection, run_id: str, path: str) -> list[ApprovalNoteRow]:
        """What happened to a wait beside answers, in order."""
        query = sa.select(_NOTE).where(_NOTE.c.run_id == run_id, _NOTE.c.path == path).order_by(_NOTE.c.id)
        return all_of(connection, ApprovalNoteRow, query)

    def said_of(self, connection: Connection, run_id: str, path: str) -> dict[str, Any]:
        """What a step has said for its request when it had it told (`told` notes): default_args, enums; the latest counts."""
        found: dict[str, Any] = {}
        for row in self.notes_of(connection, run_id, path):
            if row.kind == "told" and row.whom:
                found |= loads(row.whom)
        return found

    def messages_of(self, connection: Connection, run_id: str, path: str) -> list[ApprovalMessageRow]:
        """The messages about a wait, in the order in which they were wanted."""
        query = sa.select(_MESSAGE).where(_MESSAGE.c.run_id == run_id, _MESSAGE.c.path == path)
        return all_of(connection, ApprovalMessageRow, query.order_by(_MESSAGE.c.created_at, _MESSAGE.c.recipient))

    def _with_runs(self, connection: Connection, waits: Sequence[SuspensionRow]) -> list[tuple[SuspensionRow, RunRow]]:
        ids = {wait.run_id for wait in waits}
        runs = {row.id: row for row in all_of(connection, RunRow, sa.select(_RUN).where(_RUN.c.id.in_(ids)))}
        return [(wait, runs[wait.run_id]) for wait in waits if wait.run_id in runs]
