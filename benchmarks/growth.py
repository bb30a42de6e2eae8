"""How many bytes a step leaves in the database, and what retention gives back: python -m benchmarks.growth [postgresql://…]

A run of 1,000 steps, each with arguments and a result of its own of about 100 characters and one line of log.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import dumps
from flowapp.store.clock import now
from flowapp.store.postgres import engine_url
from flowapp.store.retention import expire
from flowapp.store.rows import insert
from flowapp.store.runs import NewRun, job_id
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, WorkspaceRow

STEPS = 1000
ROUNDS = 4


async def measure(url: str) -> None:
    """Print the sizes after each round of a run, and its deletion a month later."""
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(url, Path(folder))
        await store.database.write(lambda c: insert(c, WorkspaceRow(id="main", name="main", key="k", created_at=now())))
        before = await _size(store)
        for number in range(1, ROUNDS + 1):
            await _run(store, number)
            full = await _size(store)
            gone = await expire(store, datetime.now(UTC) + timedelta(days=32))
            if url:
                await asyncio.to_thread(_vacuum, url)
            print(
                f"{'postgresql' if url else 'sqlite':10} round {number}: {(full - before) / STEPS:6.0f} bytes per step "
                f"above the empty database; {gone.runs} run and {gone.values} values deleted"
            )
        await store.close()


async def _run(store: Store, number: int) -> None:
    empty = await store.values.put_value(dumps({}))
    run = await store.runs.create(NewRun("main", kind="flow", document=empty, args=empty, created_by="a"))
    await store.runs.claim(run.id, "me")
    for step in range(STEPS):
        await _step(store, run.id, number, step)
    await store.runs.finish(run.id, "me", "success", empty, failed=False)


async def _step(store: Store, run_id: str, number: int, step: int) -> None:
    args = await store.values.prepare(dumps({"round": number, "step": step, "text": "x" * 80}))
    result = await store.values.prepare(dumps([number, step, "y" * 80]))
    path = f"loop[{step}].a"
    row = dict.fromkeys(JobRow.model_fields) | {
        "run_id": run_id,
        "path": path,
        "id": job_id(run_id, path),
        "workspace": "main",
        "step_id": "a",
        "kind": "rawscript",
        "language": "python3",
        "status": "success",
        "attempt": 1,
        "args": args.hash,
        "result": result.hash,
        "started_at": now(),
        "ended_at": now(),
        "duration_ms": 1.5,
        "isolation": "user",
        "executor": "bench",
    }

    def work(connection: Connection) -> None:
        store.values.insert(connection, args, result)
        store.runs.put_job(connection, row, "me")
        store.logs.append(connection, run_id, path, 1, 0, "one line of log\n", "me")

    await store.database.write(work)


def _vacuum(url: str) -> None:
    """What PostgreSQL does by itself every minute; the rounds here are shorter."""
    with sa.create_engine(engine_url(url), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text("VACUUM"))


async def _size(store: Store) -> int:
    if store.database.shared:
        query = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname IN ('job', 'value', 'log', 'run')"
    else:
        query = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    found = await store.database.read(lambda c: c.execute(sa.text(query)).scalar_one())
    return int(found)


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1] if len(sys.argv) > 1 else ""))
