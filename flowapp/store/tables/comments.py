"""The table of comments on cells."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class CommentRow(SQLModel, table=True):
    """What somebody wrote about a cell of a draft. The first of a thread has its thread's id, and says whether it is resolved.

    A first one that was deleted while others had answered stays without words (`deleted_at`), so that the answers keep
    their thread.
    """

    __tablename__ = "comment"
    id: str = Field(primary_key=True)
    draft_id: str = Field(index=True)
    cell_id: str
    thread: str = Field(index=True)
    author: str
    text: str
    created_at: str
    edited_at: str | None = None
    deleted_at: str | None = None
    resolved_by: str | None = None
    resolved_at: str | None = None
