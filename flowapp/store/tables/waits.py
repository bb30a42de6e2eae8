"""The tables of what runs wait for: people, places under a limit, others of the same kind."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class SuspensionRow(SQLModel, table=True):
    """A step that waits for approval after it has run. Exactly one transaction takes `status` away from open.

    `status`: open, approved, disapproved, timed_out, canceled. `job_id` is the suspended step's. `flow_jobs` is JSON text:
    ids of the enclosing flows, whose flow-level events count too. `terms` is JSON text: form schema, defaults, enums, description,
    hide_cancel, user_auth_required, groups, self_approval_disabled, continue_on_disapprove_timeout, extras (the step's
    `x-flowapp`), escalated (whether it was), delegates (`{username: username}`, who handed their vote to whom).
    """

    __tablename__ = "suspension"
    run_id: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    job_id: str = Field(index=True)
    workspace: str = Field(index=True)
    flow_jobs: str = "[]"
    required: int
    terms: str = "{}"
    status: str = Field(default="open", index=True)
    created_at: str
    timeout_at: str | None = Field(default=None, index=True)
    remind_at: str | None = Field(default=None, index=True)  #: None where nothing is planned (any more)
    escalate_at: str | None = Field(default=None, index=True)
    decided_at: str | None = None
    decided_by: str | None = None


class ResumeEventRow(SQLModel, table=True):
    """One person's answer; (job_id, resume_id) is used once. It may come before its step waits: `taken_by` is then None.

    `job_id` is a suspended step's job, or a flow's (flow_level). `payload` is JSON text.
    """

    __tablename__ = "resume_event"
    job_id: str = Field(primary_key=True)
    resume_id: int = Field(primary_key=True, sa_type=BigInteger)
    run_id: str = Field(index=True)
    workspace: str
    flow_level: bool = False
    approved: bool
    payload: str = "null"
    approver: str | None = None
    email: str | None = None
    at: str
    taken_by: str | None = None  #: path of the suspension that counted it


class SlotRow(SQLModel, table=True):
    """A job that counts against a concurrency key, or waits to (`started_at` None).

    It counts from `started_at` on, until its run is over or, when it ended by itself, until `until`.
    """

    __tablename__ = "slot"
    key: str = Field(primary_key=True)
    job_id: str = Field(primary_key=True)
    run_id: str = Field(index=True)
    priority: int = 0
    asked_at: str
    started_at: str | None = None
    until: str | None = Field(default=None, index=True)


class DebounceRow(SQLModel, table=True):
    """A job that waits under a debounce key, or (`instead`) ends because a later one goes for it. `args`: JSON text."""

    __tablename__ = "debounce"
    key: str = Field(primary_key=True)
    job_id: str = Field(primary_key=True)
    run_id: str = Field(index=True)
    first_at: str
    due: str
    count: int
    args: str | None = None
    instead: str | None = None
    gone: bool = False  #: it has been told to go
