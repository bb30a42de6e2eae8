"""The tables of Flowapp's own database (DBOS keeps its own, in a file or schema of its own).

Values (arguments, results) are never stored in these rows: rows hold the content hash of a `value`, so that equal results
are stored once and a row stays small. Times are UTC, ISO 8601 with microseconds, as text: they sort, and read the same on
SQLite and PostgreSQL.
"""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class WorkspaceRow(SQLModel, table=True):
    """A team's space. Nothing is read across workspaces."""

    __tablename__ = "workspace"
    id: str = Field(primary_key=True)
    name: str
    key: str  #: secret for signatures of this workspace
    created_at: str


class UserRow(SQLModel, table=True):
    """A person (or the first admin). `username` is what paths `u/<username>/…` name."""

    __tablename__ = "user"
    email: str = Field(primary_key=True)
    username: str = Field(unique=True)
    super_admin: bool = False
    disabled: bool = False
    created_at: str


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


class ValueRow(SQLModel, table=True):
    """A JSON value by the hash of its text: inline up to 64 KB, else in the blob store (`blob` = sha256)."""

    __tablename__ = "value"
    hash: str = Field(primary_key=True)
    text: str | None = None
    blob: str | None = None
    size: int
    created_at: str


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
    run stays what it was when the draft or flow goes on.
    """

    __tablename__ = "run"
    id: str = Field(primary_key=True)
    workspace: str
    number: int
    kind: str  #: flow, cells
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
    parent_run: str | None = None
    isolation: str = ""
    __table_args__ = (UniqueConstraint("workspace", "number"), Index("ix_run_list", "workspace", "created_at"))


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
