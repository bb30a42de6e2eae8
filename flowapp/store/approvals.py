"""Steps that wait for people, and people's answers. Exactly one transaction takes a wait away from `open`.

An answer is spent by its (job id, resume id) and is kept even when its step does not wait yet: whoever opens a wait counts the
answers that came before. Answers to a flow (`flow_level`) go to the oldest wait in that flow that still needs them.

On SQLite all writes follow one another. On PostgreSQL, answers and openings that concern one job follow one another by an
advisory lock that the transaction holds, so that an answer either sees the wait or is seen by it. Whatever ends a wait (an
answer, the timer, the end of the run) locks the run's row first, always in this order, so that none waits for the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import dumps
from flowapp.store import approval_messages, approval_nudges
from flowapp.store.approval_queries import ApprovalQueries
from flowapp.store.approval_shapes import Answer, Counts, Decision, NewSuspension, closed_error, counts_people
from flowapp.store.clock import now, text_of
from flowapp.store.database import Database
from flowapp.store.errors import ApprovalClosed, ApprovalUsed
from flowapp.store.events import Event
from flowapp.store.rows import all_of, first, insert, table
from flowapp.store.runs import UNFINISHED, Runs
from flowapp.store.tables import ResumeEventRow, RunRow, SuspensionRow

_WAIT = table(SuspensionRow)
_EVENT = table(ResumeEventRow)
_RUN = table(RunRow)


class Approvals(ApprovalQueries):
    """Queries and changes. All of them take a connection, because they belong into the transaction of what they decide."""

    def __init__(self, database: Database, runs: Runs) -> None:
        self._events = database.events
        self._runs = runs

    def open(self, connection: Connection, new: NewSuspension, counts: Counts | None = None) -> SuspensionRow:
        """Begin a wait, or find the one that a step of this run began before; answers that came early count at once.

        An early answer that `counts` refuses stays as it is, and decides nothing.

        The run is not woken: whoever opens a wait looks at the status of what this returns.
        """
        _lock(connection, [new.job_id, *new.flow_jobs])
        _lock_run(connection, new.run_id)
        known = self.get(connection, new.run_id, new.path)
        if known is not None:
            return known
        row = SuspensionRow(
            run_id=new.run_id,
            path=new.path,
            job_id=new.job_id,
            workspace=new.workspace,
            flow_jobs=dumps(list(new.flow_jobs)),
            required=new.required,
            terms=dumps(new.terms),
            created_at=now(),
            timeout_at=new.timeout_at,
        )
        approval_nudges.plan(row)
        insert(connection, row)
        self._count_early(connection, row, new.flow_jobs, counts or (lambda _connection, _event: True))
        if row.status == "open":
            approval_messages.queue(connection, row, "asked")
        self._announce(row)
        return row

    def decide(self, connection: Connection, answer: Answer) -> Decision:
        """Add an answer; the one that completes a wait (or any disapproval) ends it and wakes the run.

        Raises:
            ApprovalUsed: this (job, resume id) was answered before.
            ApprovalClosed: the wait, or the whole run, is over.
        """
        _lock(connection, [answer.job_id])
        self._refuse_used(connection, answer)
        row = self._waiting(connection, answer)
        if row is not None and (answer.once or counts_people(row)):
            self._refuse_twice(connection, row, answer)
        event = ResumeEventRow(
            job_id=answer.job_id,
            resume_id=answer.resume_id,
            run_id=row.run_id if row is not None else answer.run_id,
            workspace=answer.workspace,
            flow_level=answer.flow_level,
            approved=answer.approved,
            payload=answer.payload,
            approver=answer.approver,
            email=answer.email,
            at=self._arrival(connection, answer.job_id),
            taken_by=row.path if row is not None else None,
        )
        insert(connection, event)
        if row is None:
            return Decision(event, None)
        approvals = sum(other.approved for other in self.events_of(connection, row.run_id, row.path))
        if not answer.approved:
            self._end(connection, row, "disapproved", answer.approver)
        elif approvals >= row.required:
            self._end(connection, row, "approved", answer.approver)
        self._announce(row)
        return Decision(event, row, approvals)

    def time_out(self, connection: Connection, moment: str | None = None) -> list[str]:
        """End every open wait whose time is up at `moment` (now), wake their runs; returns the ids of these runs."""
        due = sa.select(_WAIT).where(_WAIT.c.status == "open", _WAIT.c.timeout_at <= (moment or now()))
        woken: list[str] = []
        for row in all_of(connection, SuspensionRow, due.order_by(_WAIT.c.timeout_at, _WAIT.c.run_id)):
            if self.time_out_one(connection, row):
                self._runs.wake(connection, row.run_id)
                woken.append(row.run_id)
        return list(dict.fromkeys(woken))

    def time_out_one(self, connection: Connection, row: SuspensionRow) -> bool:
        """End one wait whose time is up, without waking its run; False when somebody else has ended it."""
        _lock_run(connection, row.run_id)
        if not self._take(connection, row, "timed_out", None):
            return False
        self._announce(row)
        return True

    def nudge(self, connection: Connection, moment: datetime) -> int:
        """Remind of and escalate every open wait whose moment for that has come; returns of how many."""
        return sum(self._nudge(connection, row, moment) for row in approval_nudges.due(connection, moment))

    def hand_on(self, connection: Connection, run_id: str, path: str, giver: str, to: str) -> SuspensionRow:
        """Make one member's vote another's ("" takes it back); whoever calls has asked whether they may.

        Raises:
            ApprovalClosed: the wait takes no more answers.
        """
        _lock_run(connection, run_id)
        row = self.get(connection, run_id, path)
        if row is None or row.status != "open":
            raise closed_error(row) if row is not None else ApprovalClosed("Nothing waits for an answer here.")
        approval_nudges.hand_on(connection, row, giver, to)
        self._announce(row)
        return row

    def opened(self, connection: Connection, run_id: str, path: str, who: str) -> None:
        """Note that somebody has seen an open request, the first time that they do."""
        row = self.get(connection, run_id, path)
        if row is not None and row.status == "open" and approval_nudges.opened(connection, row, who):
            self._announce(row)

    def note_told(self, connection: Connection, run_id: str, path: str, where: str, said: str) -> None:
        """Note that a step has had its request told somewhere, and what it says for it: JSON text of an object."""
        approval_nudges.add(connection, run_id, path, "told", where, said)
        self.told(connection, run_id, path)

    def told(self, connection: Connection, run_id: str, path: str) -> None:
        """Let pages know that a message about a wait was sent, or was not."""
        row = self.get(connection, run_id, path)
        if row is not None:
            self._announce(row)

    def _nudge(self, connection: Connection, row: SuspensionRow, moment: datetime) -> bool:
        _lock_run(connection, row.run_id)
        # what was read before the lock may be out of date by now
        fresh = self.get(connection, row.run_id, row.path)
        if fresh is None or not approval_nudges.nudge(connection, fresh, moment):
            return False
        self._announce(fresh)
        return True

    def next_timeout(self, connection: Connection) -> str | None:
        """When the next open wait times out."""
        query = sa.select(sa.func.min(_WAIT.c.timeout_at)).where(_WAIT.c.status == "open")
        found = connection.execute(query).scalar()
        return None if found is None else str(found)

    def close(self, connection: Connection, run_id: str, below: tuple[str, ...] = ("",)) -> None:
        """End the waits of a run that is over (or of its steps whose paths begin so): nobody can answer them any more."""
        _lock_run(connection, run_id)
        query = sa.select(_WAIT).where(_WAIT.c.run_id == run_id, _WAIT.c.status == "open")
        for row in all_of(connection, SuspensionRow, query):
            if row.path.startswith(below) and self._take(connection, row, "canceled", None):
                self._announce(row)

    # --- inside a decision ------------------------------------------------------------------------------------------

    def _refuse_used(self, connection: Connection, answer: Answer) -> None:
        used = self.event(connection, answer.job_id, answer.resume_id)
        if used is not None:
            word = "approved" if used.approved else "denied"
            raise ApprovalUsed(
                f"This link was used before: {used.approver or 'somebody'} {word} at {used.at}.",
                "Ask for another link if one more answer is needed.",
            )

    def _refuse_twice(self, connection: Connection, row: SuspensionRow, answer: Answer) -> None:
        for event in self.events_of(connection, row.run_id, row.path):
            if event.email is not None and event.email == answer.email:
                raise ApprovalUsed("You have answered this request already.", "It waits for others now.")

    def _waiting(self, connection: Connection, answer: Answer) -> SuspensionRow | None:
        """The open wait that the answer is for, its run locked; None when it comes early."""
        if answer.flow_level:
            query = sa.select(_WAIT).where(
                _WAIT.c.status == "open", _WAIT.c.flow_jobs.contains(answer.job_id, autoescape=True)
            )
        else:
            query = sa.select(_WAIT).where(_WAIT.c.job_id == answer.job_id)
        query = query.order_by(_WAIT.c.created_at, _WAIT.c.path)
        row = first(connection, SuspensionRow, query)
        if row is not None:
            # what was read before the lock may be out of date by now
            _lock_run(connection, row.run_id)
            row = first(connection, SuspensionRow, query)
        if row is not None and row.status != "open":
            raise closed_error(row)
        if row is None and answer.run_id:
            status = connection.execute(sa.select(_RUN.c.status).where(_RUN.c.id == answer.run_id)).scalar()
            if status is not None and status not in UNFINISHED:
                raise ApprovalClosed(f"The run is over ({status}): there is nothing to decide any more.")
        return row

    def _count_early(
        self, connection: Connection, row: SuspensionRow, flow_jobs: Sequence[str], counts: Counts
    ) -> None:
        """Take the answers that are there already: all of the step's own, and of the flows' as many as are missing."""
        waiting = sa.select(_EVENT).where(_EVENT.c.taken_by.is_(None))
        order = (_EVENT.c.at, _EVENT.c.job_id, _EVENT.c.resume_id)
        mine = waiting.where(_EVENT.c.job_id == row.job_id, _EVENT.c.flow_level.is_(False))
        once = counts_people(row)
        taken: list[ResumeEventRow] = []
        for event in all_of(connection, ResumeEventRow, mine.order_by(*order)):
            if counts(connection, event) and not (once and _has_answered(taken, event)):
                taken.append(event)
        flows = waiting.where(_EVENT.c.job_id.in_(list(flow_jobs)), _EVENT.c.flow_level.is_(True))
        for event in all_of(connection, ResumeEventRow, flows.order_by(*order)) if flow_jobs else ():
            again = once and _has_answered(taken, event)
            if not _settles(taken, row.required) and counts(connection, event) and not again:
                taken.append(event)
        for event in taken:
            connection.execute(
                sa.update(_EVENT)
                .where(_EVENT.c.job_id == event.job_id, _EVENT.c.resume_id == event.resume_id)
                .values(taken_by=row.path, run_id=row.run_id)
            )
        against = next((event for event in taken if not event.approved), None)
        if against is not None:
            self._take(connection, row, "disapproved", against.approver)
        elif _settles(taken, row.required):
            self._take(connection, row, "approved", taken[-1].approver if taken else None)

    def _arrival(self, connection: Connection, job_id: str) -> str:
        """A time after that of every earlier answer to the job, whatever the clocks of several servers say."""
        moment = now()
        last = connection.execute(sa.select(sa.func.max(_EVENT.c.at)).where(_EVENT.c.job_id == job_id)).scalar()
        if last is None or str(last) < moment:
            return moment
        return text_of(datetime.fromisoformat(str(last)) + timedelta(microseconds=1))

    def _end(self, connection: Connection, row: SuspensionRow, status: str, by: str | None) -> None:
        if not self._take(connection, row, status, by):
            raise closed_error(self.get(connection, row.run_id, row.path) or row)
        self._runs.wake(connection, row.run_id)

    def _take(self, connection: Connection, row: SuspensionRow, status: str, by: str | None) -> bool:
        """Take a wait away from `open`; False when somebody else has."""
        moment = now()
        done = connection.execute(
            sa.update(_WAIT)
            .where(_WAIT.c.run_id == row.run_id, _WAIT.c.path == row.path, _WAIT.c.status == "open")
            .values(status=status, decided_at=moment, decided_by=by)
        )
        if done.rowcount != 1:
            return False
        row.status, row.decided_at, row.decided_by = status, moment, by
        return True

    def _announce(self, row: SuspensionRow) -> None:
        """Tell pages that a wait began, was answered or ended (they fetch what they need)."""
        data = {"run_id": row.run_id, "path": row.path, "status": row.status, "workspace": row.workspace}
        self._events.after_commit(Event(f"run:{row.run_id}", "approval", data))
        self._events.after_commit(Event(f"approvals:{row.workspace}", "approval", data))


def _has_answered(taken: Sequence[ResumeEventRow], event: ResumeEventRow) -> bool:
    return event.email is not None and any(other.email == event.email for other in taken)


def _settles(events: Sequence[ResumeEventRow], required: int) -> bool:
    return any(not event.approved for event in events) or sum(event.approved for event in events) >= required


def _lock(connection: Connection, jobs: Iterable[str]) -> None:
    if connection.dialect.name != "postgresql":
        return  # one writer: what runs here has the database for itself
    for job in sorted(set(jobs)):
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:job, 7))"), {"job": job})


def _lock_run(connection: Connection, run_id: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(_RUN.c.id).where(_RUN.c.id == run_id).with_for_update())
