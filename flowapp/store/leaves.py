"""Scripts that run on other machines than the one that interprets their flow: what to run, and what came of it.

The segment that interprets the run writes the row, once per attempt. Whichever worker brings an outcome first is believed; a
worker that had been given up and comes later finds the outcome there and adds nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText
from flowapp.store.clock import now
from flowapp.store.logs import forget_after, is_stream, stream_of
from flowapp.store.rows import first, table
from flowapp.store.sql import Sql
from flowapp.store.tables import LeafRow

_LEAF = table(LeafRow)
_ADD = Sql(
    "INSERT INTO leaf (run_id, path, attempt, tag, call, executor, created_at) "
    "VALUES (:run_id, :path, :attempt, :tag, :call, '', :at) ON CONFLICT (run_id, path, attempt) DO NOTHING"
)
_FINISH = Sql(
    "UPDATE leaf SET outcome = :outcome, executor = :executor, done_at = :at "
    "WHERE run_id = :run_id AND path = :path AND attempt = :attempt AND outcome IS NULL"
)
_LOG = Sql(
    'INSERT INTO log (run_id, path, attempt, "offset", text, at) '
    "SELECT run_id, CAST(:kept AS VARCHAR), attempt, CAST(:offset AS INTEGER), CAST(:text AS VARCHAR), "
    "CAST(:at AS VARCHAR) FROM leaf "
    "WHERE run_id = :run_id AND path = :path AND attempt = :attempt AND outcome IS NULL "
    'ON CONFLICT (run_id, path, attempt, "offset") DO UPDATE SET text = excluded.text, at = excluded.at'
)
_FORGET = Sql(
    "DELETE FROM log WHERE run_id = :run_id AND path = :kept AND attempt = :attempt AND EXISTS ("
    "SELECT 1 FROM leaf WHERE run_id = :run_id AND path = :path AND attempt = :attempt AND outcome IS NULL)"
)


def add(connection: Connection, run_id: str, path: str, attempt: int, tag: str, call: JsonText) -> None:
    """Note a script for others to run; does nothing when it is noted already."""
    _ADD.run(connection, {**_place(run_id, path, attempt), "tag": tag, "call": call, "at": now()})


def get(connection: Connection, run_id: str, path: str, attempt: int) -> LeafRow | None:
    """One attempt at a script."""
    where = (_LEAF.c.run_id == run_id, _LEAF.c.path == path, _LEAF.c.attempt == attempt)
    return first(connection, LeafRow, sa.select(_LEAF).where(*where))


def sent(connection: Connection, run_id: str) -> dict[tuple[str, int], str]:
    """The scripts of a run that were noted for others: path and attempt, and by which tag."""
    found = connection.execute(sa.select(_LEAF.c.path, _LEAF.c.attempt, _LEAF.c.tag).where(_LEAF.c.run_id == run_id))
    return {(row.path, row.attempt): row.tag for row in found}


def finish(connection: Connection, run_id: str, path: str, attempt: int, outcome: JsonText, executor: str) -> bool:
    """Record what came of it; False when somebody else was first, or the run has been deleted."""
    values = {**_place(run_id, path, attempt), "outcome": outcome, "executor": executor, "at": now()}
    return _FINISH.run(connection, values).rowcount == 1


def log(connection: Connection, run_id: str, path: str, attempt: int, kept: str, offset: int, text: str) -> bool:
    """Add a chunk to what it prints, under the path `kept` (see `logs`); False once there is an outcome, by whomever."""
    values = {**_place(run_id, path, attempt), "kept": kept, "offset": offset, "text": text, "at": now()}
    added = _LOG.run(connection, values).rowcount == 1
    if added and offset == 0 and is_stream(kept):
        forget_after(connection, run_id, kept, attempt)
    return added


def forget_stream(connection: Connection, run_id: str, path: str, attempt: int) -> None:
    """Forget what it has streamed, while there is no outcome."""
    _FORGET.run(connection, {**_place(run_id, path, attempt), "kept": stream_of(path)})


def remove(connection: Connection, run_ids: list[str]) -> None:
    """Remove the rows of runs that are over, or deleted."""
    connection.execute(sa.delete(_LEAF).where(_LEAF.c.run_id.in_(run_ids)))


def _place(run_id: str, path: str, attempt: int) -> dict[str, object]:
    return {"run_id": run_id, "path": path, "attempt": attempt}
