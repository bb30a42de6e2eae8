"""What a step gave in the latest runs: of a draft, and of the flow that is deployed at its path."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.iterations import ONLY
from flowapp.store.jobs import Readable, rights
from flowapp.store.rows import all_of, table
from flowapp.store.tables import JobRow, RunRow

_RUN, _JOB = table(RunRow), table(JobRow)
#: A result that was computed: `reused` ones are those of another row.
_COMPUTED = ("success", "failure")


def runs(
    connection: Connection, workspace: str, readable: Readable, draft_id: str, path: str, step_id: str, *, limit: int
) -> list[RunRow]:
    """The runs in which a step has a result and that somebody may read, newest first."""
    of_draft = _RUN.c.draft_id == draft_id
    of_flow = sa.and_(_RUN.c.kind == "flow", _RUN.c.path == path)
    query = (
        sa.select(_RUN)
        .where(_RUN.c.workspace == workspace, sa.or_(of_draft, of_flow) if path else of_draft)
        .where(*rights(readable), sa.exists().where(_JOB.c.run_id == _RUN.c.id, *_gave(step_id)))
        .order_by(_RUN.c.created_at.desc(), _RUN.c.number.desc())
        .limit(limit)
    )
    return all_of(connection, RunRow, query)


def of_run(connection: Connection, run_id: str, step_id: str, *, limit: int) -> list[JobRow]:
    """The step's rows with a result in a run, the last first; a loop gives one for each iteration."""
    query = (
        sa.select(_JOB)
        .where(_JOB.c.run_id == run_id, *_gave(step_id))
        .order_by(_JOB.c.started_at.desc(), _JOB.c.path.desc())
        .limit(limit)
    )
    return all_of(connection, JobRow, query)


def _gave(step_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    # what one iteration of a loop gave is not what the loop gives
    of_one = sa.func.coalesce(_JOB.c.meta, "").startswith(ONLY, autoescape=True)
    return _JOB.c.step_id == step_id, _JOB.c.status.in_(_COMPUTED), _JOB.c.result.is_not(None), ~of_one
