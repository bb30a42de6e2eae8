"""The table of sharing links."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class SharedLinkRow(SQLModel, table=True):
    """A link by which anybody looks at one run or flow; its token is stored as a hash only. Revoking deletes the row."""

    __tablename__ = "shared_link"
    id: str = Field(primary_key=True)
    hash: str = Field(unique=True)
    workspace: str
    kind: str  #: run or flow
    target: str = Field(index=True)  #: the id of the run, the path of the flow
    note: str = ""
    created_by: str  #: the username whose rights the link never exceeds
    created_at: str
    expires_at: str
    opened: int = 0  #: visits so far
    opened_at: str | None = None
