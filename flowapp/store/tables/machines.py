"""The tables by which processes that share the database know of each other."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class ExecutorRow(SQLModel, table=True):
    """A living server or worker process: its heartbeat, by the database's clock."""

    __tablename__ = "executor"
    id: str = Field(primary_key=True)
    kind: str  #: serve, worker
    host: str
    tags: str = "[]"
    started_at: str
    at: str


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
