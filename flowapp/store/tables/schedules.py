"""The tables of what happens by itself."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class ScheduleRow(SQLModel, table=True):
    """When a flow or script runs by itself. `next_at` is None while disabled. `options` and `args` are JSON text, as clients sent
    them; `args` is null where they sent none.
    """

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
