"""What agents remember of a conversation: the messages of their earlier runs, by memory and step.

They lie among the flow states (`store.states`), under a name that no run and no draft has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import dumps, loads
from flowapp.store.clock import now
from flowapp.store.rows import insert_new, table, upsert
from flowapp.store.tables import FlowStateRow

_STATE = table(FlowStateRow)
Message = dict[str, Any]

MOST_JOBS = 200
"""Runs that a memory holds messages of; the oldest go first."""
MOST_CHARACTERS = 1_000_000
"""JSON text that a memory holds."""


def name_of(workspace: str, owner: str, memory: str) -> str:
    """What a memory is kept under. `owner`: whose it is, such as the flow that has the agent."""
    return f"memory:{workspace}:{owner}:{memory}"


def earlier(connection: Connection, name: str, step: str, job: str) -> list[Message]:
    """The messages of earlier jobs of a step, the oldest first; those of `job` itself are not earlier ones."""
    found = _jobs(connection.execute(_query(name, step)).scalar())
    return [message for by, said in found if by != job for message in said]


def add(connection: Connection, name: str, step: str, job: str, messages: Sequence[Message]) -> None:
    """Keep what a job said, in place of what it has said before."""
    # on PostgreSQL two runs of one conversation may end at once: whoever comes second waits here, for the first of all too
    insert_new(connection, FlowStateRow(run_id=name, key=step, value="[]", updated_at=now()))
    found = _jobs(connection.execute(_query(name, step).with_for_update()).scalar())
    jobs = [one for one in found if one[0] != job]
    jobs = [*jobs, [job, list(messages)]][-MOST_JOBS:]
    while len(text := dumps(jobs)) > MOST_CHARACTERS and jobs:
        jobs = jobs[1:]
    upsert(connection, FlowStateRow(run_id=name, key=step, value=text, updated_at=now()))


def forget_older(connection: Connection, workspace: str, before: str) -> int:
    """Forget the memories of a workspace that nothing was added to since; how many there were."""
    old = sa.and_(_STATE.c.run_id.startswith(f"memory:{workspace}:", autoescape=True), _STATE.c.updated_at < before)
    return connection.execute(sa.delete(_STATE).where(old)).rowcount


def _query(name: str, step: str) -> sa.Select[tuple[str]]:
    return sa.select(_STATE.c.value).where(_STATE.c.run_id == name, _STATE.c.key == step)


def _jobs(text: Any) -> list[list[Any]]:
    return [] if text is None else list(loads(text))
