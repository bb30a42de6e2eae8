"""The tables of comments on cells, and of the names by which comments find the steps of a flow again."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class CommentRow(SQLModel, table=True):
    """What somebody wrote about a cell of a draft, or about a step of a deployed flow: then `flow` is its path, and `step_id` the
    step's name in the version that is deployed now. The first of a thread has its thread's id, and says whether it is resolved.

    A first one that was deleted while others had answered stays without words (`deleted_at`), so that the answers keep
    their thread.
    """

    __tablename__ = "comment"
    id: str = Field(primary_key=True)
    draft_id: str = Field(index=True)
    cell_id: str
    workspace: str = ""
    flow: str | None = Field(default=None, index=True)
    step_id: str | None = None
    thread: str = Field(index=True)
    author: str
    text: str
    created_at: str
    edited_at: str | None = None
    deleted_at: str | None = None
    resolved_by: str | None = None
    resolved_at: str | None = None


class StepRenameRow(SQLModel, table=True):
    """A version of a flow in which a step has another name than in the one before it."""

    __tablename__ = "step_rename"
    id: int | None = Field(default=None, primary_key=True)
    workspace: str
    path: str = Field(index=True)
    version: int
    before: str
    after: str
