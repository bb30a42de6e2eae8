"""The tables of Flowapp's own database (DBOS keeps its own, in a file or schema of its own).

Values (arguments, results) are never stored in these rows: rows hold the content hash of a `value`, so that equal results
are stored once and a row stays small. Times are UTC, ISO 8601 with microseconds, as text: they sort, and read the same on
SQLite and PostgreSQL.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class WorkspaceRow(SQLModel, table=True):
    """A team's space. Nothing is read across workspaces."""

    __tablename__ = "workspace"
    id: str = Field(primary_key=True)
    name: str
    key: str  #: secret for signatures of this workspace
    created_at: str
    settings: str = "{}"  #: JSON text: retention, …


class UserRow(SQLModel, table=True):
    """A person (or the first admin). `username` is what paths `u/<username>/…` name."""

    __tablename__ = "user"
    email: str = Field(primary_key=True)
    username: str = Field(unique=True)
    super_admin: bool = False
    disabled: bool = False
    created_at: str
    name: str = ""
    password: str | None = None  #: argon2 hash


class MemberRow(SQLModel, table=True):
    """A person's role in a workspace: admin, developer, operator or viewer."""

    __tablename__ = "member"
    workspace: str = Field(primary_key=True)
    email: str = Field(primary_key=True)
    role: str


class TokenRow(SQLModel, table=True):
    """A session or API token, stored as a hash only. `kind`: session, api, signin (one-time), job."""

    __tablename__ = "token"
    hash: str = Field(primary_key=True)
    kind: str
    email: str = Field(index=True)
    label: str = ""
    created_at: str
    expires_at: str | None = None
    used_at: str | None = None
    prefix: str = ""  #: the first characters, by which lists show it
    workspace: str | None = None  #: valid in this workspace only
    scopes: str | None = None  #: JSON text: list of scopes; None allows all that the person may
    job: str | None = Field(default=None, index=True)  #: kind job: the job id that it lives for


class ValueRow(SQLModel, table=True):
    """A JSON value by the hash of its text: inline up to 64 KB, else in the blob store (`blob` = sha256).

    `created_at` is renewed when the value is stored again, and when a run that referred to it is deleted. `refs` names the
    blobs that its text refers to, with spaces between (None: not known, stored by the first version).
    """

    __tablename__ = "value"
    hash: str = Field(primary_key=True)
    text: str | None = None
    blob: str | None = None
    size: int
    created_at: str
    refs: str | None = None


class FlowVersionRow(SQLModel, table=True):
    """A deployed version of a flow; never changed. `document` is the OpenFlow JSON text."""

    __tablename__ = "flow_version"
    id: int | None = Field(default=None, primary_key=True)
    workspace: str
    path: str
    version: int
    summary: str = ""
    document: str
    message: str = ""
    created_by: str
    created_at: str
    archived: bool = False
    __table_args__ = (UniqueConstraint("workspace", "path", "version"),)


class DraftRow(SQLModel, table=True):
    """A person's draft of a flow: the notebook document as JSON text, saved by compare-and-swap on `version`."""

    __tablename__ = "draft"
    id: str = Field(primary_key=True)
    workspace: str = Field(index=True)
    owner: str
    path: str
    summary: str = ""
    document: str
    version: int
    deployed_version: int | None = None
    deployed_at_version: int = 0  #: draft version at the last deploy, to count changes since
    created_at: str
    saved_at: str
    deleted_at: str | None = None


class DraftOperationRow(SQLModel, table=True):
    """One accepted edit with its inverse: undo, redo and audit read these. `undone` rows are what redo takes."""

    __tablename__ = "draft_operation"
    id: int | None = Field(default=None, primary_key=True)
    draft_id: str = Field(index=True)
    version: int
    label: str
    operations: str
    inverse: str
    by: str
    at: str
    undone: bool = False


class DraftCellRow(SQLModel, table=True):
    """What a cell of a draft last did: the record that its state and staleness derive from (JSON text)."""

    __tablename__ = "draft_cell"
    draft_id: str = Field(primary_key=True)
    cell_id: str = Field(primary_key=True)
    record: str
    updated_at: str


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
    delete_at: str | None = Field(default=None, index=True)  #: when arguments, logs and result are wiped
    limit_key: str | None = None  #: concurrency key that the run holds or waits for
    __table_args__ = (
        UniqueConstraint("workspace", "number"),
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


class VariableRow(SQLModel, table=True):
    """A variable; a secret's value is encrypted at rest."""

    __tablename__ = "variable"
    workspace: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    value: str
    is_secret: bool = False
    description: str = ""
    edited_by: str
    edited_at: str
    extra: str = "{}"  #: JSON text: account, is_oauth, labels, … as clients sent them


class ResourceRow(SQLModel, table=True):
    """A resource: a typed JSON value (JSON text)."""

    __tablename__ = "resource"
    workspace: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    resource_type: str
    value: str
    description: str = ""
    edited_by: str
    edited_at: str
    extra: str = "{}"


class ResourceTypeRow(SQLModel, table=True):
    """A type of resources: the JSON Schema of their values."""

    __tablename__ = "resource_type"
    workspace: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    schema_text: str = "{}"
    description: str = ""
    format_extension: str | None = None
    is_fileset: bool = False
    edited_by: str
    edited_at: str


class ScriptRow(SQLModel, table=True):
    """A version of a stored script; never changed but for `archived` and `deleted`. `hash`: 16 hex digits.

    `extra` is JSON text of whatever else a client stored with it (concurrency, cache, timeouts, labels, …), kept as given.
    """

    __tablename__ = "script"
    id: int | None = Field(default=None, primary_key=True)
    workspace: str
    path: str
    hash: str
    parent_hash: str | None = None
    summary: str = ""
    description: str = ""
    content: str
    language: str
    kind: str = "script"
    schema_text: str | None = None
    lock: str | None = None
    tag: str | None = None
    extra: str = "{}"
    message: str = ""
    created_by: str
    created_at: str
    archived: bool = False
    deleted: bool = False
    __table_args__ = (UniqueConstraint("workspace", "hash"), Index("ix_script_path", "workspace", "path", "id"))


class FolderRow(SQLModel, table=True):
    """A folder `f/<name>`: owners and permissions are JSON text."""

    __tablename__ = "folder"
    workspace: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    summary: str = ""
    display_name: str = ""
    owners: str = "[]"
    extra_perms: str = "{}"
    created_by: str
    edited_at: str


class GroupRow(SQLModel, table=True):
    """A group `g/<name>` of members."""

    __tablename__ = "group"
    workspace: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    summary: str = ""


class GroupMemberRow(SQLModel, table=True):
    """Who is in a group, by username."""

    __tablename__ = "group_member"
    workspace: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    username: str = Field(primary_key=True)


class FlowStateRow(SQLModel, table=True):
    """User state of a flow: JSON text by key. `run_id` is the root run, or `draft:<id>` for the cells of a draft."""

    __tablename__ = "flow_state"
    run_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: str
    updated_at: str


class SuspensionRow(SQLModel, table=True):
    """A step that waits for approval after it has run. Exactly one transaction takes `status` away from open.

    `status`: open, approved, disapproved, timed_out, canceled. `job_id` is the suspended step's. `flow_jobs` is JSON text:
    ids of the enclosing flows, whose flow-level events count too. `terms` is JSON text: form schema, defaults, enums, description,
    hide_cancel, user_auth_required, groups, self_approval_disabled, continue_on_disapprove_timeout.
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


class ScheduleRow(SQLModel, table=True):
    """When a flow or script runs by itself. `next_at` is None while disabled. `options` is JSON text, as clients sent it."""

    __tablename__ = "schedule"
    workspace: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    schedule: str
    timezone: str
    enabled: bool = True
    script_path: str
    is_flow: bool
    args: str = "{}"
    summary: str = ""
    description: str = ""
    options: str = "{}"
    email: str
    permissioned_as: str
    edited_by: str
    edited_at: str
    next_at: str | None = Field(default=None, index=True)
    failures: int = 0  #: failed runs in a row
    successes: int = 0  #: successful runs in a row


class TickRow(SQLModel, table=True):
    """A run that a schedule started, until what follows from its end (counters, handlers) is done.

    Written in the transaction that claims the tick, so that no end of a run is ever overlooked.
    """

    __tablename__ = "tick"
    run_id: str = Field(primary_key=True)
    workspace: str
    schedule: str
    scheduled_for: str
    missed: int = 0  #: ticks before this one that passed while no server ran
    todo: str | None = None  #: JSON text, once the run has ended and was counted: the handlers that are to be started
    __table_args__ = (Index("ix_tick_schedule", "workspace", "schedule"),)


class LeafRow(SQLModel, table=True):
    """A script that runs on another machine: what to run, and what came of it. Written by the run's owner, then by whoever ran it."""

    __tablename__ = "leaf"
    run_id: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    attempt: int = Field(primary_key=True)
    tag: str
    call: str  #: JSON text
    outcome: str | None = None  #: JSON text
    executor: str = ""
    created_at: str
    done_at: str | None = None


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


class ExecutorRow(SQLModel, table=True):
    """A living server or worker process: its heartbeat, by the database's clock."""

    __tablename__ = "executor"
    id: str = Field(primary_key=True)
    kind: str  #: serve, worker
    host: str
    tags: str = "[]"
    started_at: str
    at: str


class CounterRow(SQLModel, table=True):
    """A number that counts up: of a workspace's runs, of a flow's versions."""

    __tablename__ = "counter"
    name: str = Field(primary_key=True)
    value: int


class FactRow(SQLModel, table=True):
    """What the database knows about itself, such as which key its secrets were encrypted with."""

    __tablename__ = "fact"
    name: str = Field(primary_key=True)
    value: str


class BlobRow(SQLModel, table=True):
    """A blob, where several machines share a database (PostgreSQL); files hold them otherwise."""

    __tablename__ = "blob"
    sha256: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    created_at: str = Field(index=True)


class BlobChunkRow(SQLModel, table=True):
    """A piece of a blob's compressed content."""

    __tablename__ = "blob_chunk"
    sha256: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    data: bytes


class AuditRow(SQLModel, table=True):
    """Who did what, when, from where. Append-only."""

    __tablename__ = "audit"
    id: int | None = Field(default=None, primary_key=True)
    workspace: str = Field(index=True)
    at: str
    by: str
    action: str
    target: str
    detail: str = ""
    address: str = ""
