"""`./shared` among several servers: a run goes on where its folder is, and says so where that is not possible."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest_asyncio

from flowapp.engine.cluster import DEAD_AFTER_S
from flowapp.jsontext import loads
from flowapp.store import executors
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow
from tests.integration.engine.cluster import Cluster, Process
from tests.integration.engine.harness import flow_of, step
from tests.integration.engine.test_cluster import jobs, work

Servers = tuple[Cluster, Process, Process]


@pytest_asyncio.fixture
async def servers(tmp_path: Path, postgres_database: str) -> AsyncIterator[Servers]:
    store = await Store.open(postgres_database, tmp_path / "test")
    cluster = Cluster(tmp_path, postgres_database, store)
    try:
        one, two = await cluster.servers(2)
        yield cluster, one, two
    finally:
        cluster.close()
        await store.close()


def asks(step_id: str) -> dict[str, Any]:
    return {**work(step_id), "suspend": {"required_events": 1}}


async def resting(cluster: Cluster, process: Process, *modules: dict[str, Any], **value: Any) -> RunRow:
    """A run of a flow with a shared folder that waits after its first step."""
    run = await cluster.start(process, flow_of(asks("ask"), *modules, same_worker=True, **value))
    await cluster.until(lambda: cluster.rests(run))
    return run


async def gone(cluster: Cluster, process: Process) -> None:
    """Kill it, and wait until the others count it as dead."""
    process.kill()

    async def forgotten() -> bool:
        alive = await cluster.store.database.read(lambda c: executors.alive(c, DEAD_AFTER_S))
        return process.executor not in {executor.id for executor in alive}

    await cluster.until(forgotten, DEAD_AFTER_S + 40)


async def test_a_run_goes_on_where_its_folder_is(servers: Servers) -> None:
    cluster, one, two = servers
    run = await resting(cluster, one, work("b", "resume.n"))
    await cluster.decide(run, "ask", {"n": 4})
    await two.tell("wake", run)
    assert (await cluster.ended(run))[1] == 4
    assert cluster.pids("done", *jobs(run, "ask", "b")) == [one.pid, one.pid]
    # one that shares nothing goes on wherever it was woken
    other = await cluster.start(one, flow_of(asks("ask"), work("b")))
    await cluster.until(lambda: cluster.rests(other))
    await cluster.decide(other, "ask")
    await two.tell("wake", other)
    await cluster.ended(other)
    assert cluster.pids("done", *jobs(other, "ask", "b")) == [one.pid, two.pid]


async def test_a_waiting_run_is_canceled_from_any_server(servers: Servers) -> None:
    cluster, one, two = servers
    run = await resting(cluster, one, work("b"))
    await two.tell("cancel", run)
    assert (await cluster.ended(run))[0].status == "canceled"


async def test_the_folder_of_a_dead_server_is_missed_in_words_and_not_in_silence(servers: Servers) -> None:
    cluster, one, two = servers
    handled = await resting(cluster, one, work("b"), failure_module=step("failure", "work", {"x": "error.name"}))
    comes_back = await resting(cluster, one, work("b", "resume.n"))
    calls = flow_of(asks("ask"), work("b", "7"))  # shares nothing, and misses nothing
    plain = await cluster.start(one, calls)
    await cluster.until(lambda: cluster.rests(plain))
    await gone(cluster, one)
    for run in (handled, plain):
        await cluster.decide(run, "ask", {"n": 4})
        await two.tell("wake", run)
    assert (await cluster.ended(plain))[1] == 7
    row, result = await cluster.ended(handled)
    assert (row.status, result) == ("failure", "SharedFolderLost")
    failed = next(step for step in await cluster.store.runs.steps(handled.id) if step.path == "b")
    error = loads(await cluster.store.values.get_value(str(failed.result)))["error"]
    assert "./shared" in error["message"] and "no server is running there" in error["message"]
    assert cluster.pids("done", *jobs(handled, "b")) == []  # it did not run on an empty folder
    # a server on the same data folder finds what is in it
    again = await cluster.again(one)
    await cluster.decide(comes_back, "ask", {"n": 5})
    await two.tell("wake", comes_back)
    assert (await cluster.ended(comes_back))[1] == 5
    assert cluster.pids("done", *jobs(comes_back, "b")) == [again.pid]


async def test_a_server_that_is_started_again_gets_its_runs_back_from_who_takes_them_over(servers: Servers) -> None:
    cluster, one, _two = servers
    flow = flow_of(work("a", "1"), work("k", "results.a + 1", code="hold"), same_worker=True)
    run = await cluster.start(one, flow)
    await cluster.until(lambda: cluster.pids("begun", *jobs(run, "k")))
    one.kill()
    again = await cluster.again(one)
    cluster.release()
    row, result = await cluster.ended(run, DEAD_AFTER_S + 40)
    assert (row.status, result) == ("success", 2)
    assert cluster.pids("done", *jobs(run, "k")) == [again.pid]


async def test_it_gets_them_back_each_time_it_is_killed(servers: Servers) -> None:
    """Who takes over uses a start of the segment up; what is begun at home is a new one each time."""
    cluster, one, _two = servers
    flow = flow_of(work("a", "1"), work("k", "results.a + 1", code="hold"), same_worker=True)
    run = await cluster.start(one, flow)
    await cluster.until(lambda: cluster.pids("begun", *jobs(run, "k")))
    for _ in range(3):
        one.kill()
        one = await cluster.again(one)
        await cluster.until(partial(_begun_in, cluster, one, jobs(run, "k")), DEAD_AFTER_S + 40)
    cluster.release()
    row, result = await cluster.ended(run, DEAD_AFTER_S + 40)
    assert (row.status, result) == ("success", 2)
    assert cluster.pids("done", *jobs(run, "k")) == [one.pid]


def _begun_in(cluster: Cluster, process: Process, ids: list[str]) -> bool:
    return process.pid in cluster.pids("begun", *ids)
