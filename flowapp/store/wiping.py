"""Taking their data from runs and steps that are over: arguments, results and logs go; the rows stay and say `deleted`.

A run that ends notes what is to go when (`note`); whoever comes by after that time does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import NULL, dumps, loads
from flowapp.store import approval_upkeep, leaves
from flowapp.store.clock import text_of
from flowapp.store.logs import stream_of
from flowapp.store.rows import table, upsert
from flowapp.store.runs import FINISHED, within
from flowapp.store.stores import Store
from flowapp.store.tables import FlowStateRow, JobRow, LeafRow, LogRow, ResultRow, RunRow, WipeRow
from flowapp.store.values import Prepared

BATCH = 100
PAUSE_S = 0.002
DELETED = "deleted"
"""In the meta of a step whose data is gone."""
_RUN, _JOB, _WIPE = table(RunRow), table(JobRow), table(WipeRow)
_LOG, _RESULT, _STATE, _LEAF = table(LogRow), table(ResultRow), table(FlowStateRow), table(LeafRow)

_DATA = frozenset({"failed_attempts", "suspended"})


def note(connection: Connection, run_id: str, times: Mapping[str, str]) -> None:
    """What of a run is to go, and when (stored time): the step at a path with all that is inside of it, or at "" the run."""
    for path, at in times.items():
        upsert(connection, WipeRow(run_id=run_id, path=path, at=at))


def forget(connection: Connection, run_ids: Sequence[str]) -> None:
    """The runs are deleted: nothing of them is left to go."""
    connection.execute(sa.delete(_WIPE).where(_WIPE.c.run_id.in_(list(run_ids))))


async def wipe_due(store: Store, moment: datetime | None = None) -> int:
    """Wipe what was to go by now: whole runs and single steps. Returns how many there were."""
    at = text_of(moment or datetime.now(UTC))
    nothing = await store.values.prepare(NULL)
    due = (
        sa.select(_WIPE.c.run_id, _WIPE.c.path)
        .join(_RUN, _RUN.c.id == _WIPE.c.run_id)
        .where(_WIPE.c.at <= at, _RUN.c.status.in_(FINISHED))
        .limit(BATCH)
    )
    total = 0
    while found := await store.database.read(lambda c: c.execute(due).all()):
        runs = [row.run_id for row in found if not row.path]
        steps: dict[str, list[str]] = {}
        for row in found:
            if row.path:
                steps.setdefault(row.run_id, []).append(row.path)

        def work(connection: Connection, runs: list[str] = runs, steps: dict[str, list[str]] = steps) -> None:
            for run_id, paths in steps.items():
                wipe_steps(store, connection, run_id, paths, nothing)
            wipe(store, connection, runs, nothing)

        await store.database.write(work)
        total += len(found)
        await asyncio.sleep(PAUSE_S)
    return total


def wipe(store: Store, connection: Connection, ids: list[str], nothing: Prepared) -> None:
    """Take from runs that are over all that they were given, made and were answered; `nothing` is the prepared null."""
    store.values.insert(connection, nothing)
    gone = {"args": nothing.hash, "result": nothing.hash}
    connection.execute(
        sa.update(_RUN).where(_RUN.c.id.in_(ids)).values(**gone, early_result=None, trigger=None, deleted=True)
    )
    noted = dumps({DELETED: True})
    connection.execute(sa.update(_JOB).where(_JOB.c.run_id.in_(ids)).values(**gone, meta=noted, fingerprint=None))
    approval_upkeep.wipe(connection, ids)
    for rows in (_LOG, _RESULT, _STATE):
        connection.execute(sa.delete(rows).where(rows.c.run_id.in_(ids)))
    leaves.remove(connection, ids)
    forget(connection, ids)


def wipe_steps(store: Store, connection: Connection, run_id: str, paths: Sequence[str], nothing: Prepared) -> None:
    """The same for steps of a run, with all that is inside of them. What others made of their results stays."""
    store.values.insert(connection, nothing)
    rows = connection.execute(sa.select(_JOB.c.path, _JOB.c.meta, _JOB.c.result).where(_JOB.c.run_id == run_id)).all()
    results: set[str] = set()
    for row in rows:
        if not any(within(row.path, path) for path in paths):
            continue
        results.add(row.result)
        # how often it was tried, what the errors were and what a workflow asks people is data; where it stands in the flow is not
        meta = {name: value for name, value in loads(row.meta or "{}").items() if name not in _DATA}
        values: dict[str, Any] = {"args": nothing.hash, "result": nothing.hash, "fingerprint": None}
        mine = sa.and_(_JOB.c.run_id == run_id, _JOB.c.path == row.path)
        connection.execute(sa.update(_JOB).where(mine).values(**values, meta=dumps({**meta, DELETED: True})))
        for others in (_RESULT, _LEAF):
            connection.execute(sa.delete(others).where(others.c.run_id == run_id, others.c.path == row.path))
        printed = _LOG.c.path.in_([row.path, stream_of(row.path)])
        connection.execute(sa.delete(_LOG).where(_LOG.c.run_id == run_id, printed))
        approval_upkeep.wipe_step(connection, run_id, row.path)
    early = sa.and_(_RUN.c.id == run_id, _RUN.c.early_result.in_(results))
    connection.execute(sa.update(_RUN).where(early).values(early_result=None))
    connection.execute(sa.delete(_WIPE).where(_WIPE.c.run_id == run_id, _WIPE.c.path.in_(list(paths))))
