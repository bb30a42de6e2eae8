"""The tables of runs: their steps, logs, results to be used again, and the states that they keep."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class RunRow(SQLModel, table=True):
    """One run of a flow, or of some cells of a draft.

    `status`: queued, running, suspended, success, failure, canceled, skipped. `owner` is the token of the segment that
    may write memo rows of this run. `document` is the OpenFlow JSON text the run executes (its value hash), so that a
    run stays what it was when the draft or flow goes on. A single script (kinds script, preview) runs as a flow of one
    step. A suspended run wants its next segment at `wake_at` (never by itself when None).
    """

    __tablename__ = "run"
    id: str = Field(primary_key=True)
    workspace: str
    number: int
    kind: str  #: flow, flowpreview, cells, script, preview
    path: str = ""
    summary: str = ""
    version: int | None = None
    draft_id: str | None = Field(default=None, index=True)
    document: str  #: value hash
    args: str  #: value hash
    plan: str | None = None  #: JSON text, see engine
    status: str = Field(index=True)
    result: str | None = None  #: value hash
    failed: bool = False
    created_by: str
    permissioned_as: str = ""
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None
    owner: str | None = None
    segment: int = 0
    canceled_by: str | None = None
    canceled_reason: str | None = None
    parent_run: str | None = None  #: the job (run or step) that started this run through the API
    root_run: str | None = None  #: the outermost run of that chain
    isolation: str = ""
    wake_at: str | None = Field(default=None, index=True)
    scheduled_for: str | None = None
    schedule: str | None = None  #: path of the schedule that started it
    trigger: str | None = None  #: JSON text: {"kind": webhook, schedule, …, "event": value hash or None}
    email: str = ""
    language: str | None = None  #: of a single script
    script_hash: str | None = None
    tag: str = ""
    priority: int = 0
    restarted_from: str | None = None  #: JSON text, see engine/restart.py
    early_result: str | None = None  #: value hash: what a synchronous caller gets (early_return)
    progress: int | None = None  #: percent, as the job itself reports
    deleted: bool = False  #: arguments, logs and result are gone
    private: bool = False  #: only for who started it, and admins (visible_to_runner_only)
    limit_key: str | None = None  #: concurrency key that the run holds or waits for
    memory_id: str | None = None  #: of a flow that is a chat: the conversation that the run is a message of
    __table_args__ = (
        UniqueConstraint("workspace", "number"),
        Index(
            "ix_chat",
            "workspace",
            "path",
            "created_by",
            "memory_id",
            sqlite_where=text("memory_id IS NOT NULL"),
            postgresql_where=text("memory_id IS NOT NULL"),
        ),
        Index("ix_run_list", "workspace", "created_at"),
        Index(
            "ix_run_schedule",
            "workspace",
            "schedule",
            "created_at",
            sqlite_where=text("schedule IS NOT NULL"),
            postgresql_where=text("schedule IS NOT NULL"),
        ),
    )


class JobRow(SQLModel, table=True):
    """One step of a run: the memo row that the engine resumes from, and what pages show.

    `path` names the place and iteration: `a`, `loop`, `loop[3].b`, `branch.large.c`. A row with `ended_at` is finished
    and never runs again.
    """

    __tablename__ = "job"
    run_id: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    id: str = Field(unique=True)  #: uuid5 of (run, path): the id the API answers
    workspace: str
    step_id: str
    kind: str
    language: str | None = None
    status: str  #: running, success, failure, canceled, skipped, reused
    attempt: int = 1
    args: str | None = None  #: value hash
    result: str | None = None  #: value hash; an error is {"error": {...}}
    fingerprint: str | None = None
    reused_from: str | None = None  #: run id
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: float | None = None
    isolation: str = ""
    meta: str | None = None  #: JSON text: iteration index, chosen branch, …
    executor: str = ""  #: the server or worker process that ran it
    tag: str = ""  #: of the workers that it is for; "" where nothing says one
    progress: int | None = None


class LogRow(SQLModel, table=True):
    """A chunk of a job's log. `offset` is the character offset of the chunk in the whole log."""

    __tablename__ = "log"
    run_id: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    attempt: int = Field(primary_key=True)
    offset: int = Field(primary_key=True)
    text: str
    at: str


class ResultRow(SQLModel, table=True):
    """The result store: a fingerprint's result, for one workspace and one identity's rights."""

    __tablename__ = "result"
    workspace: str = Field(primary_key=True)
    rights: str = Field(primary_key=True)  #: hash of the effective rights of who computed it
    fingerprint: str = Field(primary_key=True)
    value: str  #: value hash
    run_id: str
    run_number: int
    path: str
    duration_ms: float
    at: str


class FlowStateRow(SQLModel, table=True):
    """User state of a flow: JSON text by key. `run_id` is the root run, or `draft:<id>` for the cells of a draft."""

    __tablename__ = "flow_state"
    run_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: str
    updated_at: str


class WipeRow(SQLModel, table=True):
    """Data of a run that is over is to go at a time: that of the step at `path`, or (path empty) all of it."""

    __tablename__ = "wipe"
    run_id: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    at: str = Field(index=True)
