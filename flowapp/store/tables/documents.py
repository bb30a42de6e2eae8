"""The tables of what people write: flows and their drafts, scripts."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


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
    deployed_steps: str | None = None  #: JSON text: cell id → the step's name in `deployed_version`
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
    bundle: str | None = None  #: JavaScript that runs in place of `content`, which it was made of
    __table_args__ = (UniqueConstraint("workspace", "hash"), Index("ix_script_path", "workspace", "path", "id"))


class TempScriptRow(SQLModel, table=True):
    """Code of a client's folder that is not stored as a script, for a day: locks and previews take it along."""

    __tablename__ = "temp_script"
    workspace: str = Field(primary_key=True)
    hash: str = Field(primary_key=True)  #: SHA-256 of the code, in hex
    content: str
    created_at: str
