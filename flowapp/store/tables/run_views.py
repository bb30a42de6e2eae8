"""The table of saved views of the list of runs."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class RunViewRow(SQLModel, table=True):
    """A filter of the list of runs under a name. One that is not `shared` is its owner's alone."""

    __tablename__ = "run_view"
    id: str = Field(primary_key=True)
    workspace: str = Field(index=True)
    owner: str  #: a username
    name: str
    status: str = ""  #: of the runs; "" takes all
    path: str = ""  #: of the runs; "" takes all
    created_by: str = ""  #: who began them; "" takes all
    trigger: str = ""  #: what began them (workspace/run_query.py); "" takes all
    since: str = ""  #: their first day, of UTC; "" takes all
    until: str = ""  #: their last day
    shared: bool = False
    created_at: str
