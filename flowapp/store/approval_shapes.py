"""The values of waits for people: what a step waits for, an answer, what the answer did; and what a wait's stored texts hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.store.errors import ApprovalClosed
from flowapp.store.tables import ResumeEventRow, SuspensionRow


@dataclass(frozen=True, slots=True)
class NewSuspension:
    """What a step waits for. `terms` is plain JSON (see `SuspensionRow`), `timeout_at` a stored time or None for ever."""

    run_id: str
    path: str
    job_id: str
    workspace: str
    required: int
    flow_jobs: Sequence[str] = ()
    terms: dict[str, Any] = field(default_factory=dict)
    timeout_at: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's answer. `job_id` is the waiting step's, or a flow's; `run_id` is empty where it is not known yet.

    `payload` is JSON text. `approver` is what the link or the person's identity says, `email` who was signed in. With `once`,
    the person of `email` may answer a wait one time only.
    """

    job_id: str
    resume_id: int
    workspace: str
    approved: bool
    run_id: str = ""
    flow_level: bool = False
    payload: str = "null"
    approver: str | None = None
    email: str | None = None
    once: bool = False


Counts = Callable[[Connection, ResumeEventRow], bool]
"""Whether an answer that came early may count, now that the wait's conditions are known."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an answer did. `suspension` is None when nothing waits for it yet: it is kept, and counts later."""

    event: ResumeEventRow
    suspension: SuspensionRow | None
    approvals: int = 0


def closed_error(row: SuspensionRow) -> ApprovalClosed:
    """Why a wait takes no more answers, in words."""
    by = f" by {row.decided_by}" if row.decided_by else ""
    said = {
        "approved": f"This request was already approved{by}.",
        "disapproved": f"This request was already denied{by}.",
        "timed_out": "The time to answer is over: this request timed out.",
        "canceled": "The run ended before this request was answered.",
    }
    return ApprovalClosed(said.get(row.status, f"This request is closed ({row.status})."))


def terms_of(row: SuspensionRow) -> dict[str, Any]:
    """The conditions and the form of a wait."""
    found = loads(row.terms)
    return found if isinstance(found, dict) else {}


def counts_people(row: SuspensionRow) -> bool:
    """Whether a wait's answers are those of people who are known: each of them then counts once, whatever link they used."""
    terms = terms_of(row)
    return any(terms.get(name) for name in ("user_auth_required", "self_approval_disabled", "groups"))


def flow_jobs_of(row: SuspensionRow) -> list[str]:
    """The job ids of the flows that the waiting step is in, the run's own among them."""
    found = loads(row.flow_jobs)
    return [str(job) for job in found] if isinstance(found, list) else []
