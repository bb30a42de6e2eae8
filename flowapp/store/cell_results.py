"""What a step gave in the latest runs: of a draft, and of the flow that is deployed at its path."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import table
from flowapp.store.tables import JobRow, RunRow

_RUN, _JOB = table(RunRow), table(JobRow)
#: A result that was computed: `reused` ones are those of another row.
_COMPUTED = ("success", "failure")


def latest(
    connection: Connection, workspace: str, draft_id: str, path: str, step_id: str, limit: int
) -> list[tuple[RunRow, JobRow]]:
    """Runs with the row of a step in them that has a result, newest first; a loop gives one for each iteration."""
    of_draft = _RUN.c.draft_id == draft_id
    of_flow = sa.and_(_RUN.c.kind == "flow", _RUN.c.path == path)
    query = (
        sa.select(*(column.label(f"run_{column.name}") for column in _RUN.c), *_JOB.c)
        .join(_JOB, _JOB.c.run_id == _RUN.c.id)
        .where(_RUN.c.workspace == workspace, sa.or_(of_draft, of_flow) if path else of_draft)
        .where(_JOB.c.step_id == step_id, _JOB.c.status.in_(_COMPUTED), _JOB.c.result.is_not(None))
        .order_by(_RUN.c.created_at.desc(), _RUN.c.number.desc(), _JOB.c.started_at.desc(), _JOB.c.path.desc())
        .limit(limit)
    )
    return [
        (
            RunRow(**{column.name: row[f"run_{column.name}"] for column in _RUN.c}),
            JobRow(**{column.name: row[column.name] for column in _JOB.c}),
        )
        for row in connection.execute(query).mappings()
    ]
