"""How the row of a step is written, and a finished step as one statement, which is its own transaction.

On PostgreSQL that is one round trip in place of five. It stores the values, the step's row and what it printed, or no step at
all (values without one are tidied away later): where another segment owns the run now, where a value is so old that it has to
be touched first (see `values`), and where somebody else is just storing it. The general way finds out which, and does or
refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.store.clock import now, seconds_ago
from flowapp.store.logs import Chunk
from flowapp.store.rows import table
from flowapp.store.sql import Sql, bind
from flowapp.store.tables import JobRow
from flowapp.store.values import TOUCH_AFTER_S, Prepared, columns_of

_COLUMNS = table(JobRow).columns
#: `progress` is what the job itself has said, through the API: a segment does not know it.
_KEPT = ("run_id", "path", "id", "progress")
#: The next attempt has not said anything yet.
_OF_ATTEMPT = ", progress = CASE WHEN excluded.attempt > job.attempt THEN NULL ELSE job.progress END"
_INSERT = (
    f"INSERT INTO job ({', '.join(column.name for column in _COLUMNS)}) "
    f"SELECT {', '.join(bind(column) for column in _COLUMNS)}"
)
_REPLACE = "ON CONFLICT (run_id, path) DO UPDATE SET " + ", ".join(
    f"{column.name} = excluded.{column.name}" for column in _COLUMNS if column.name not in _KEPT
)
_REPLACE += _OF_ATTEMPT
# One statement writes a step: new or finished, and only while this segment owns the run. The row lock makes whoever wants to
# take the run over wait for this write, so that what was written is always seen by the segment that follows.
PUT_JOB = Sql(
    f"{_INSERT} WHERE EXISTS (SELECT 1 FROM run WHERE id = :run_id AND owner = :owner FOR SHARE) {_REPLACE}"  # noqa: S608
)
_PUT = Sql(
    "WITH added AS (INSERT INTO value (hash, text, blob, size, refs, created_at) "  # noqa: S608 - our own column names
    "SELECT given.*, CAST(:now AS VARCHAR) FROM unnest(CAST(:value_hash AS VARCHAR[]), CAST(:value_text AS TEXT[]), "
    "CAST(:value_blob AS VARCHAR[]), CAST(:value_size AS BIGINT[]), CAST(:value_refs AS TEXT[])) AS given "
    "ON CONFLICT (hash) DO NOTHING RETURNING hash), "
    "done AS (SELECT hash FROM added UNION "
    "SELECT hash FROM value WHERE hash = ANY(CAST(:value_hash AS VARCHAR[])) AND created_at >= :old), "
    # the values come first, as everywhere: whoever holds a run's row waits for nobody who stores a value
    "held AS (SELECT id FROM run WHERE id = :run_id AND owner = :owner "
    "AND (SELECT count(*) FROM done) = CAST(:value_count AS BIGINT) FOR SHARE), "
    f"put AS ({_INSERT} FROM held {_REPLACE} RETURNING run_id), "
    'printed AS (INSERT INTO log (run_id, path, attempt, "offset", text, at) '
    "SELECT put.run_id, chunk.path, CAST(:log_attempt AS INTEGER), chunk.begin, chunk.text, CAST(:now AS VARCHAR) FROM put, "
    "unnest(CAST(:log_path AS VARCHAR[]), CAST(:log_offset AS BIGINT[]), CAST(:log_text AS TEXT[])) AS chunk(path, begin, text) "
    'ON CONFLICT (run_id, path, attempt, "offset") DO UPDATE SET text = excluded.text, at = excluded.at) '
    "SELECT EXISTS (SELECT 1 FROM put)"
)


@dataclass(frozen=True, slots=True)
class StepWrite:
    """What is stored of a step: all columns of its `JobRow`, the values that they name, and what it printed last."""

    row: Mapping[str, Any]
    owner: str
    values: Sequence[Prepared]
    printed: Sequence[Chunk]

    def put(self, connection: Connection) -> bool:
        """Store it; False when nothing was stored. PostgreSQL only."""
        columns = columns_of(self.values)
        values = {f"value_{name}": column for name, column in columns.items()}
        chunks = {f"log_{name}": [getattr(chunk, name) for chunk in self.printed] for name in Chunk._fields}
        around = {
            "now": now(),
            "old": seconds_ago(TOUCH_AFTER_S),
            "owner": self.owner,
            "value_count": len(columns["hash"]),
        }
        given = {**self.row, **values, **chunks, **around, "log_attempt": self.row["attempt"]}
        return bool(_PUT.run(connection, given).scalar())
