"""The tables beside a wait for approval: what happened to it, and the messages about it."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class ApprovalNoteRow(SQLModel, table=True):
    """Something that happened to a wait and is no answer. `kind`: opened, reminded, escalated, delegated, taken_back, told.

    `who` did it ("" where nobody did), `whom` it concerns: names of members, of groups (`g/…`), or of a link's approver. Of what
    the step itself had told (told), `who` is where, and `whom` JSON text of what it says for the request.
    """

    __tablename__ = "approval_note"
    id: int | None = Field(default=None, primary_key=True)
    run_id: str = Field(index=True)
    path: str
    at: str
    kind: str
    who: str = ""
    whom: str = ""


class ApprovalMessageRow(SQLModel, table=True):
    """A message about a wait, to one recipient. `status`: due, sent, failed (given up), dropped (nobody needs it any more).

    `reason`: asked, reminded, escalated, delegated. `resource` is the path of the mail server or web address, read with the
    rights of `as_user`. `recipient` is an e-mail address, "" for a web address. `resume_id` is the link's that goes along: a
    message that is sent twice holds the same link twice.
    """

    __tablename__ = "approval_message"
    id: str = Field(primary_key=True)
    run_id: str = Field(index=True)
    path: str
    workspace: str
    reason: str
    resource: str
    as_user: str
    recipient: str = ""
    resume_id: int = Field(sa_type=BigInteger)
    status: str = "due"
    attempts: int = 0
    due_at: str | None = Field(default=None, index=True)  #: None once it is over
    created_at: str
    ended_at: str | None = None
    error: str = ""
