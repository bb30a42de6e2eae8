"""What we rely on of DBOS, and how much the database grows by a step."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from flowapp.engine.durable import VERSION, JsonSerializer
from flowapp.store.stores import Store
from tests.integration.engine.cluster import Cluster
from tests.integration.engine.harness import FakeRuntimes, flow_of, server, step
from tests.integration.engine.test_cluster import TAKEN_OVER_S, work

BYTES_PER_STEP = {"sqlite": 1_000, "postgresql": 1_300}
"""With a small result of its own each: row, result, and what their indexes take; on PostgreSQL with the room of earlier versions of
the rows too, which it gives back later (`autovacuum` is off here)."""


@pytest.mark.parametrize("data", [None, 5, "text", [1, {"a": None}], {"args": ["run"], "kwargs": {}}])
def test_what_dbos_stores_comes_back(data: Any) -> None:
    serializer = JsonSerializer()
    text = serializer.serialize(data)
    assert json.loads(text) == data
    assert serializer.deserialize(text) == data


def test_an_error_is_stored_as_words_and_not_as_an_object_that_is_made_again() -> None:
    serializer = JsonSerializer()
    found = serializer.deserialize(serializer.serialize(ValueError("no such thing")))
    assert (type(found), str(found)) == (RuntimeError, "ValueError: no such thing")


async def test_rows_of_dbos_say_our_version_and_hold_text_that_runs_no_code(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def hold(job: Any, log: Any) -> int:
        await release.wait()
        return 1

    async with server(tmp_path, FakeRuntimes({"hold": hold})) as made:
        run = await made.create(flow_of(step("a", "hold")))
        await made.engine.start_run(run.id)
        async with asyncio.timeout(10):
            while not (rows := noted(tmp_path)):
                await asyncio.sleep(0.01)
        release.set()
        await made.ended(run.id)
    ((workflow, version, executor, serialization, inputs),) = rows
    assert workflow == f"{run.id}:0"
    assert (version, executor, serialization) == (VERSION, "embedded", JsonSerializer().name())
    assert json.loads(inputs)["args"] == [run.id]


def noted(home: Path) -> list[tuple[Any, ...]]:
    """What DBOS has stored of workflows."""
    query = (
        "SELECT workflow_uuid, application_version, executor_id, workflow_status.serialization, workflow_input.inputs "
        "FROM workflow_status JOIN workflow_input USING (workflow_uuid)"
    )
    with closing(sqlite3.connect(home / "dbos.db")) as connection:
        return connection.execute(query).fetchall()


async def test_work_of_another_version_is_left_alone_by_dbos_and_begun_anew_by_us(tmp_path: Path) -> None:
    held, begun = asyncio.Event(), asyncio.Event()

    async def hold(job: Any, log: Any) -> int:
        begun.set()
        await held.wait()
        return 1

    flow = flow_of(step("a", "give"), step("b", "hold"), step("c", "give"))
    leaves = {"hold": hold, "give": lambda job, log: 2}
    async with server(tmp_path, FakeRuntimes(leaves)) as made:
        run = await made.create(flow)
        await made.engine.start_run(run.id)
        await begun.wait()
        async with asyncio.timeout(10):
            while not noted(tmp_path):
                await asyncio.sleep(0.01)
    with closing(sqlite3.connect(tmp_path / "dbos.db")) as connection:
        connection.execute("UPDATE workflow_status SET application_version = 'interpreter-0'")
        connection.commit()
    held.set()
    runtimes = FakeRuntimes(leaves)
    async with server(tmp_path, runtimes) as made, asyncio.timeout(15):
        row, result = await made.ended(run.id)
    assert (row.status, result) == ("success", 2)
    assert len(runtimes.jobs) == 2  # what was recorded did not run again


async def test_a_workflow_id_starts_once(tmp_path: Path, store_url: str) -> None:
    held, begun = asyncio.Event(), asyncio.Event()

    async def hold(job: Any, log: Any) -> int:
        begun.set()
        await held.wait()
        return 1

    runtimes = FakeRuntimes({"hold": hold, "give": lambda job, log: 2})
    async with server(tmp_path, runtimes, store_url) as made, asyncio.timeout(20):
        run, later = [await made.create(flow_of(step("a", code))) for code in ("hold", "give")]
        begin = (
            made.engine._places.begin
        )  # `start_run` and `wake` look whether the run is under way before they get here
        await begin(run)
        await begun.wait()
        await begin(run)
        await begin(later)
        await made.ended(later.id)  # what was begun before it has begun too
        assert [job.code for job in runtimes.jobs] == ["hold", "give"]
        held.set()
        row, result = await made.ended(run.id)
        await begin(run)
    assert (row.status, row.segment, result) == ("success", 1, 1)
    assert [job.code for job in runtimes.jobs] == ["hold", "give"]


async def test_the_database_grows_by_little_with_each_step(tmp_path: Path, store_url: str) -> None:
    iterator = {"type": "javascript", "expr": "Array.from({length: flow_input.n}, (_, i) => i)"}
    body = step("x", "give", {"n": "flow_input.iter.value"})
    loop = {"id": "l", "value": {"type": "forloopflow", "iterator": iterator, "modules": [body]}}
    sizes: dict[int, int] = {}
    async with server(tmp_path, FakeRuntimes({"give": lambda job, log: {"row": job.id}}), store_url) as made:
        for count in (500, 1_500):
            before = await used(tmp_path, store_url)
            row, _ = await made.run(flow_of(loop), {"n": count})
            assert row.status == "success"
            sizes[count] = await used(tmp_path, store_url) - before
    per_step = (sizes[1_500] - sizes[500]) / 1_000
    bound = BYTES_PER_STEP["postgresql" if store_url else "sqlite"]
    # the whole of the second run too: PostgreSQL puts it partly where earlier versions of the first one's rows were
    assert 0 < per_step < bound and sizes[1_500] / 1_500 < bound, sizes


async def used(home: Path, url: str) -> int:
    """Bytes that all tables of the database take with their indexes, DBOS's too."""
    if not url:
        return pages(home)
    query = (
        "SELECT sum(pg_total_relation_size(pg_class.oid)) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE relkind = 'r' AND nspname NOT LIKE 'pg_%' AND nspname <> 'information_schema'"
    )
    async with await psycopg.AsyncConnection.connect(url) as connection:
        found = await (await connection.execute(query)).fetchone()
    assert found is not None
    return int(found[0])


def pages(home: Path) -> int:
    """Bytes that are used in all databases of a data folder, written through from their logs."""
    total = 0
    for file in home.glob("*.db"):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            (count,), (free,), (size,) = (
                connection.execute(f"PRAGMA {name}").fetchone()
                for name in ("page_count", "freelist_count", "page_size")
            )
            total += (count - free) * size
    return total


@pytest_asyncio.fixture
async def three(tmp_path: Path, postgres_database: str) -> AsyncIterator[Cluster]:
    store = await Store.open(postgres_database, tmp_path / "test")
    cluster = Cluster(tmp_path, postgres_database, store)
    try:
        await cluster.servers(3)
        yield cluster
    finally:
        cluster.close()
        await store.close()


async def test_two_servers_that_take_over_at_once_give_each_run_to_one_of_them(three: Cluster) -> None:
    victim = three.processes[0]
    steps = [work(f"s{n}", f"results.s{n - 1} + 1" if n else "0", 0.2) for n in range(8)]
    runs = [await three.start(victim, flow_of(*steps)) for _ in range(6)]
    await three.until(lambda: len(three.pids("done")) >= 12)
    victim.kill()
    recorded = set().union(*[await three.recorded(run) for run in runs])
    for run in runs:
        row, result = await three.ended(run, TAKEN_OVER_S + 10)
        assert (row.status, result) == ("success", 7)
    counts = three.counts()
    assert all(counts[job] == 1 for job in recorded)
    # what was under way at the kill may have been done without being recorded: one step of each run
    assert sum(count - 1 for count in counts.values()) <= len(runs)
