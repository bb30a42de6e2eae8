"""Servers and workers, real processes over one real PostgreSQL: who runs what, who is told what, and who takes over."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
import sqlalchemy as sa

from flowapp.engine.cluster import DEAD_AFTER_S
from flowapp.store.logs import stream_of
from flowapp.store.runs import job_id
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow
from tests.integration.engine.cluster import Cluster
from tests.integration.engine.harness import flow_of, step
from tests.support.postgres import PostgresServer

TAKEN_OVER_S = DEAD_AFTER_S + 40


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def processes(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> AsyncIterator[Cluster]:
    """Starting a process takes a second or two: those that a test has not killed serve the next one."""
    home, url = tmp_path_factory.mktemp("cluster"), postgres.create("cluster")
    store = await Store.open(url, home / "test")
    made = Cluster(home, url, store)
    yield made
    made.close()
    await store.close()
    postgres.drop("cluster")


@pytest_asyncio.fixture(loop_scope="module")
async def cluster(processes: Cluster) -> Cluster:
    processes.begin()
    return processes


def work(step_id: str, x: str = "1", seconds: float = 0.01, *, code: str = "work", tag: str = "") -> dict[str, Any]:
    module = step(step_id, code, {"x": x, "seconds": str(seconds)})
    if tag:
        module["value"]["tag"] = tag
    return module


def loop(step_id: str, count: int, *body: dict[str, Any]) -> dict[str, Any]:
    iterator = {"type": "javascript", "expr": f"Array.from({{length: {count}}}, (_, i) => i)"}
    return {
        "id": step_id,
        "value": {"type": "forloopflow", "iterator": iterator, "parallel": True, "modules": list(body)},
    }


def jobs(run: RunRow, *paths: str) -> list[str]:
    return [job_id(run.id, path) for path in paths]


async def test_two_servers_start_at_once_on_an_empty_database(tmp_path: Path, postgres_database: str) -> None:
    cluster = Cluster(tmp_path, postgres_database, None)  # type: ignore[arg-type]
    try:
        both = [await cluster.add(wait=False) for _ in range(2)]
        await asyncio.gather(*[process.ready() for process in both])
        cluster.store = await Store.open(postgres_database, tmp_path / "test")
        runs = [await cluster.start(process, flow_of(work("a", "7"))) for process in both]
        assert [(await cluster.ended(run))[1] for run in runs] == [7, 7]
        await cluster.store.close()
    finally:
        cluster.close()


async def test_scripts_with_a_tag_run_on_the_worker(cluster: Cluster) -> None:
    server, worker = *await cluster.servers(1), await cluster.worker()
    flow = flow_of(
        work("a", "flow_input.x + 1"),
        work("b", "results.a + 1", tag="gpu"),
        loop("l", 5, work("c", "flow_input.iter.value + results.b", tag="gpu")),
        work("d", "results.l"),
    )
    run = await cluster.start(server, flow, {"x": 0})
    row, result = await cluster.ended(run)
    assert (row.status, result) == ("success", [2, 3, 4, 5, 6])
    assert cluster.pids("done", *jobs(run, "a", "d")) == [server.pid] * 2
    there = jobs(run, "b", *[f"l[{n}].c" for n in range(5)])
    assert cluster.pids("done", *there) == [worker.pid] * 6
    assert set(cluster.counts().values()) == {1}
    assert await cluster.log(run, "b") == f"working in {worker.pid}\n"
    assert f"in {worker.pid}" in await cluster.log(run, "l[3].c")


async def test_what_a_worker_streams_is_kept_for_all(cluster: Cluster) -> None:
    server, worker = *await cluster.servers(1), await cluster.worker()
    run = await cluster.start(server, flow_of(work("a", code="talk", tag="gpu")))
    assert (await cluster.ended(run))[1] == "one two"
    assert cluster.pids("done", *jobs(run, "a")) == [worker.pid]
    assert await cluster.log(run, "a") == f"talks in {worker.pid}\n"
    assert await cluster.log(run, stream_of("a")) == "one two"


async def test_a_large_result_goes_between_machines_by_reference(cluster: Cluster) -> None:
    server, worker = *await cluster.servers(1), await cluster.worker()
    flow = flow_of(
        work("a", code="rows", tag="gpu"), work("b", "results.a", tag="gpu"), work("c", "[results.a, results.b.length]")
    )
    run = await cluster.start(server, flow)
    row, result = await cluster.ended(run)
    assert (row.status, result) == ("success", [list(range(1000)), 1000])
    assert cluster.pids("done", *jobs(run, "a", "b", "c")) == [worker.pid, worker.pid, server.pid]


async def test_a_run_with_a_tag_is_interpreted_by_the_worker(cluster: Cluster) -> None:
    server, worker = *await cluster.servers(1), await cluster.worker()
    run = await cluster.start(server, flow_of(work("a"), work("b")), tag="gpu")
    assert (await cluster.ended(run))[0].status == "success"
    assert cluster.pids("done") == [worker.pid] * 2
    assert cluster.pids("done", *jobs(run, "a")) == [worker.pid]


async def test_a_tag_that_nobody_takes_waits_and_says_so(cluster: Cluster) -> None:
    (server,) = await cluster.servers(1)
    run = await cluster.start(server, flow_of(work("a", "5", tag="tpu")))
    await cluster.until(lambda: cluster.rests(run))
    assert "no" in (said := await cluster.log(run, "a"))
    assert "tpu" in said
    await cluster.worker("tpu")
    assert (await cluster.ended(run))[1] == 5


async def test_what_has_a_higher_priority_is_first_in_the_queue(cluster: Cluster) -> None:
    (server,) = await cluster.servers(1)
    steps = [{**work(name, tag="asic"), "priority": priority} for name, priority in (("a", 1), ("b", 100), ("c", 40))]
    branches = [{"summary": "", "modules": [module]} for module in steps]
    flow = flow_of({"id": "all", "value": {"type": "branchall", "parallel": True, "branches": branches}})
    run = await cluster.start(server, flow)
    later = await cluster.start(server, flow_of(work("d")), tag="asic", priority=7)
    await cluster.until(lambda: cluster.rests(run))

    def queued() -> list[str]:
        query = "SELECT workflow_uuid FROM dbos.workflow_status WHERE status = 'ENQUEUED' ORDER BY priority, created_at"
        with psycopg.connect(cluster.url.replace("postgresql+psycopg", "postgresql")) as connection:
            return [row[0] for row in connection.execute(query)]

    paths = [f"{run.id}:1:all[{index}].{name}" for index, name in ((1, "b"), (2, "c"))]
    wanted = [*paths, f"{later.id}:0", f"{run.id}:1:all[0].a"]
    await cluster.until(lambda: queued() == wanted)
    await cluster.worker("asic")
    assert (await cluster.ended(run))[0].status == (await cluster.ended(later))[0].status == "success"


async def test_a_crowded_loop_spreads_to_other_servers(cluster: Cluster) -> None:
    one, two = await cluster.servers(2)
    await asyncio.sleep(1.5)  # until each has seen the other
    run = await cluster.start(one, flow_of(loop("l", 100, work("a", "flow_input.iter.value", 0.1))))
    _, result = await cluster.ended(run)
    assert result == list(range(100))
    assert set(cluster.counts().values()) == {1}
    where = cluster.pids("done")
    assert where.count(two.pid) >= 5
    assert where.count(one.pid) >= 10


async def test_limited_scripts_of_the_worker_take_turns(cluster: Cluster) -> None:
    server, worker = *await cluster.servers(1), await cluster.worker()
    limited = work("a", "flow_input.x", code="hold", tag="gpu")
    limited["value"] |= {"concurrent_limit": 1, "custom_concurrency_key": "gpu"}
    runs = [await cluster.start(server, flow_of(limited), {"x": x}) for x in range(3)]
    await cluster.until(lambda: cluster.pids("begun"))
    for run in runs:
        await cluster.until(lambda run=run: cluster.rests(run))  # type: ignore[misc]
    assert cluster.pids("begun") == [worker.pid], "one at a time"
    cluster.release()
    assert [(await cluster.ended(run))[1] for run in runs] == [0, 1, 2]
    assert [kind for kind, _, _ in cluster.lines()] == ["begun", "done"] * 3


async def test_cancel_on_another_server(cluster: Cluster) -> None:
    one, two, worker = await cluster.add(), *await cluster.servers(1), await cluster.worker()
    here = await cluster.start(one, flow_of(work("a", code="hold")))
    away = await cluster.start(one, flow_of(work("a", code="hold", tag="gpu")))
    both = jobs(here, "a") + jobs(away, "a")
    await cluster.until(lambda: len(cluster.pids("begun", *both)) == 2)
    await cluster.until(lambda: cluster.rests(away))
    for run in (here, away):
        await two.tell("cancel", run)
        row, result = await cluster.ended(run)
        assert (row.status, result["error"]["name"]) == ("canceled", "Canceled")
    await cluster.until(lambda: len(cluster.pids("canceled", *both)) == 2)
    assert cluster.pids("canceled", *jobs(here, "a")) == [one.pid]
    assert cluster.pids("canceled", *jobs(away, "a")) == [worker.pid]


async def test_cancel_of_scripts_elsewhere_frees_their_places(cluster: Cluster) -> None:
    server, worker = *await cluster.servers(1), await cluster.worker()
    # more than a worker takes at once, canceled by the server that has the run, while another part of it is busy
    busy = {"id": "p", "value": {"type": "branchall", "parallel": True, "branches": [
        {"modules": [work("k", code="hold")]},
        {"modules": [loop("l", 16, work("a", code="hold", tag="gpu"))]},
    ]}}  # fmt: skip
    run = await cluster.start(server, flow_of(busy))
    await cluster.until(lambda: len(cluster.pids("begun")) == 17)
    await server.tell("cancel", run)
    assert (await cluster.ended(run))[0].status == "canceled"
    await cluster.until(lambda: cluster.pids("canceled").count(worker.pid) == 16)
    following = await cluster.start(server, flow_of(work("a", "3", tag="gpu")))
    assert (await cluster.ended(following))[1] == 3


async def test_an_approval_wakes_the_run_wherever_it_is(cluster: Cluster) -> None:
    one, two = await cluster.servers(2)
    ask = {**work("ask"), "suspend": {"required_events": 1}}
    resting = await cluster.start(one, flow_of(ask, work("b", "resume.n")))
    await cluster.until(lambda: cluster.rests(resting))
    await cluster.decide(resting, "ask", {"n": 4})
    await two.tell("wake", resting)
    assert (await cluster.ended(resting))[1] == 4
    # while another part of the run goes on in the first server's segment
    branches = [{"modules": [ask, work("b", "resume.n")]}, {"modules": [work("k", code="hold")]}]
    both = {"id": "p", "value": {"type": "branchall", "parallel": True, "branches": branches}}
    going = await cluster.start(one, flow_of(both))
    await cluster.until(lambda: len(cluster.pids("begun")) == 1)
    await cluster.decide(going, await cluster.until(lambda: cluster.asked(going)), {"n": 5})
    await two.tell("wake", going)
    await cluster.until(lambda: len(cluster.pids("done")) == 4)
    cluster.release()
    assert (await cluster.ended(going))[1] == [5, 1]


async def test_another_server_finishes_the_run_of_a_killed_one(cluster: Cluster) -> None:
    one, _ = await cluster.servers(2)
    steps = [work(f"s{n}", f"results.s{n - 1} + 1" if n else "0", 0.05) for n in range(12)]
    run = await cluster.start(one, flow_of(*steps, loop("l", 8, work("b", "results.s11 + flow_input.iter.value", 0.1))))
    await cluster.until(lambda: len(cluster.pids("done")) >= 6)
    one.kill()
    recorded = await cluster.recorded(run)
    row, result = await cluster.ended(run, TAKEN_OVER_S)
    assert (row.status, result) == ("success", list(range(11, 19)))
    counts = cluster.counts()
    assert all(counts[job] == 1 for job in recorded if job in counts)
    assert len([job for job, count in counts.items() if count > 1]) <= 1


async def test_runs_on_two_servers_reach_a_debounced_step(cluster: Cluster) -> None:
    one, two = await cluster.servers(2)
    settings = {"debounce_delay_s": 1.5, "debounce_args_to_accumulate": ["x"]}
    flow = flow_of({**work("a", "flow_input.x"), "debouncing": settings}, work("b", "results.a"))

    async def waits(run: RunRow) -> bool:
        count = sa.text("SELECT count(*) FROM debounce WHERE run_id = :run")
        return bool(await cluster.store.database.read(lambda c: c.execute(count, {"run": run.id}).scalar()))

    first = await cluster.start(one, flow, {"x": [1]})
    await cluster.until(lambda: waits(first))
    last = await cluster.start(two, flow, {"x": [2]})
    await cluster.until(lambda: waits(last))
    two.kill()
    row, result = await cluster.ended(first)
    assert (row.status, result) == ("skipped", {"debounced_by": job_id(last.id, "a")})
    row, result = await cluster.ended(last, TAKEN_OVER_S)
    assert (row.status, result) == ("success", [1, 2])
    assert cluster.counts() == dict.fromkeys(jobs(last, "a", "b"), 1)


async def test_a_run_whose_server_died_before_it_was_known_to_the_queue(cluster: Cluster) -> None:
    one, two = await cluster.servers(2)
    known = await cluster.create(flow_of(work("a", "6")))
    dead = f"{one.executor}/token.1"
    one.kill()
    # as if it had claimed the run at once, and been killed before DBOS had a row of it
    assert await cluster.store.runs.claim(known.id, dead) is not None
    assert (await cluster.ended(known))[1] == 6
    assert cluster.pids("done") == [two.pid]


async def test_a_worker_killed_in_a_script(cluster: Cluster) -> None:
    server, worker = *await cluster.servers(1), await cluster.worker()
    run = await cluster.start(server, flow_of(work("a", "8", code="hold", tag="gpu"), work("b", "results.a")))
    await cluster.until(lambda: cluster.pids("begun") == [worker.pid])
    worker.kill()
    other = await cluster.worker()
    await cluster.until(lambda: other.pid in cluster.pids("begun"), TAKEN_OVER_S)
    cluster.release()
    assert (await cluster.ended(run))[1] == 8


async def test_a_task_of_a_workflow_on_the_worker_outlives_the_server(cluster: Cluster) -> None:
    one, other, worker = *await cluster.servers(2), await cluster.worker()
    run = await cluster.start(one, flow_of(work("w", code="@workflow")))
    here, away = jobs(run, "w/here", "w/away")
    await cluster.until(lambda: cluster.pids("begun", away) == [worker.pid] and cluster.pids("done", here) == [one.pid])
    assert cluster.pids("round") == [one.pid]
    one.kill()
    cluster.release()
    row, result = await cluster.ended(run)
    assert (row.status, result) == ("success", {"here": one.pid, "away": worker.pid})
    assert other.pid in cluster.pids("round")
    assert cluster.pids("begun", away) == [worker.pid]


async def test_a_workflow_runs_where_its_run_does_and_its_tasks_by_the_tag(cluster: Cluster) -> None:
    server, worker = *await cluster.servers(1), await cluster.worker()
    cluster.release()
    run = await cluster.start(server, flow_of(work("w", code="@workflow", tag="gpu")))
    assert (await cluster.ended(run))[1] == {"here": worker.pid, "away": worker.pid}
    assert set(cluster.pids("round")) == {server.pid}


async def test_work_of_a_dead_server_is_not_done_by_workers_of_other_tags(cluster: Cluster) -> None:
    one, worker = *await cluster.servers(1), await cluster.worker()
    run = await cluster.start(one, flow_of(work("a", "1", code="hold"), work("b", "2")))
    await cluster.until(lambda: cluster.pids("begun") == [one.pid])
    for server in await cluster.servers(0):
        server.kill()
    await asyncio.sleep(DEAD_AFTER_S + 4)
    assert cluster.pids("begun") == [one.pid]
    (two,) = await cluster.servers(1)
    cluster.release()
    assert (await cluster.ended(run))[1] == 2
    assert worker.pid not in cluster.pids("done")
    assert cluster.pids("done", *jobs(run, "b")) == [two.pid]


async def test_a_server_that_slept_is_fenced(cluster: Cluster) -> None:
    one, *_ = await cluster.servers(2)
    steps = [work(f"s{n}", str(n), 0.2) for n in range(20)]
    run = await cluster.start(one, flow_of(*steps))
    await cluster.until(lambda: len(cluster.pids("done")) >= 3)
    one.signal(signal.SIGSTOP)
    await cluster.until(lambda: set(cluster.pids("done")) - {one.pid}, TAKEN_OVER_S)
    one.signal(signal.SIGCONT)
    row, _ = await cluster.ended(run)
    assert row.status == "success"
    steps_of = await cluster.store.runs.steps(run.id)
    assert len(steps_of) == 20
    # the one whose script was cut off by the sleep may have run once more, and at most the one after it: nothing was recorded
    assert sum(cluster.counts().values()) <= 22
    owners = [step.executor for step in steps_of]
    assert owners == sorted(owners, key=lambda name: name != one.executor), "each step is recorded by who had the run"
    # and it is of use again
    again = await cluster.start(one, flow_of(work("a", "1")))
    assert (await cluster.ended(again))[1] == 1
    assert cluster.pids("done", *jobs(again, "a")) == [one.pid]


async def test_a_run_goes_on_when_the_database_comes_back(cluster: Cluster) -> None:
    (server,) = await cluster.servers(1)
    steps = [work(f"s{n}", f"results.s{n - 1} + 1" if n else "0", 0.05) for n in range(10)]
    run = await cluster.start(server, flow_of(*steps))
    await cluster.until(lambda: len(cluster.pids("done")) >= 4)
    recorded = await cluster.recorded(run)
    assert len(recorded) >= 3
    name = cluster.url.rpartition("/")[2]
    admin = cluster.url.rpartition("/")[0] + "/postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        await asyncio.sleep(8)
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    row, result = await cluster.ended(run)
    assert (row.status, result) == ("success", 9)
    counts = cluster.counts()
    assert {counts[job] for job in recorded} == {1}
    # what was in flight when the database went was done, and could not be recorded; no other server takes the run over
    assert len([job for job, count in counts.items() if count > 1]) <= 1
    assert max(counts.values()) <= 2


async def test_a_worker_begins_with_what_is_queued_and_takes_more_as_soon_as_it_has_room(cluster: Cluster) -> None:
    (server,) = await cluster.servers(1)
    run = await cluster.start(server, flow_of(loop("l", 60, work("a", "flow_input.iter.index", tag="solo"))))
    await cluster.until(lambda: cluster.rests(run))
    worker = await cluster.add("worker", "solo", POLL_S="3600")  # it does not look by itself
    assert (await cluster.ended(run))[1] == list(range(60))
    assert set(cluster.pids("done")) == {worker.pid}
