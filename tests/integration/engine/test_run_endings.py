"""Runs that end before they are done: canceled, by an error of the engine, with their server; and what the next one does."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowapp.engine import engine
from flowapp.engine.engine import AHEAD_S
from flowapp.engine.errors import EngineClosed
from flowapp.runtimes.jobs import Job
from flowapp.store.clock import text_of
from flowapp.store.runs import job_id
from tests.integration.engine.harness import FakeRuntimes, Server, flow_of, server, step
from tests.integration.engine.made_server import LEAVES, made

__all__ = ["made"]


async def test_canceling_a_run_again_and_again_ends_it_once(made: Server) -> None:
    run = await made.create(flow_of(step("a", "hang")))
    await made.engine.start_run(run.id)
    while not made.runtimes.jobs:
        await asyncio.sleep(0.01)
    await asyncio.gather(*[made.engine.cancel(run.id, "ada", "") for _ in range(5)])
    row, _ = await asyncio.wait_for(made.ended(run.id), 60)
    assert row.status == "canceled"


async def test_cancel_ends_the_run_and_its_steps(made: Server) -> None:
    run = await made.create(
        flow_of(step("a", "give"), step("b", "hang"), step("c", "give"), failure_module=step("failure", "give"))
    )
    await made.engine.start_run(run.id)
    while len(made.runtimes.jobs) < 2:
        await asyncio.sleep(0.01)
    assert await made.engine.cancel(run.id, "ada", "enough")
    row, result = await asyncio.wait_for(made.ended(run.id), 60)
    assert row.status == "canceled"
    assert result == {
        "error": {"name": "Canceled", "reason": "enough", "message": "Job canceled: enough by ada", "canceler": "ada"}
    }
    assert made.runtimes.canceled == [job_id(run.id, "b")]
    assert {s.path: s.status for s in await made.store.runs.steps(run.id)} == {"a": "success", "b": "canceled"}
    assert not await made.engine.cancel(run.id, "bob", "")
    assert not await made.engine.cancel("nothing", "bob", "")


async def test_cancel_before_the_start(made: Server) -> None:
    run = await made.create(flow_of(step("a", "give")))
    assert await made.engine.cancel(run.id, "ada", "")
    row, _ = await made.ended(run.id)
    assert (row.status, made.runtimes.jobs) == ("canceled", [])


async def test_cancel_at_any_moment_of_a_start(made: Server) -> None:
    for number in range(30):
        run = await made.create(flow_of(step("a", "hang")))
        starting = asyncio.create_task(made.engine.start_run(run.id, run))
        await asyncio.sleep(number * 0.0003)
        assert await made.engine.cancel(run.id, "ada", "")
        row, _ = await asyncio.wait_for(made.ended(run.id), 60)
        assert row.status == "canceled"
        await starting


async def test_cancel_of_a_parallel_loop(made: Server) -> None:
    body = {
        "type": "forloopflow",
        "iterator": {"type": "static", "value": [1, 2, 3]},
        "parallel": True,
        "modules": [step("b", "hang")],
    }
    run = await made.create(flow_of({"id": "l", "value": body}))
    await made.engine.start_run(run.id)
    while len(made.runtimes.jobs) < 3:
        await asyncio.sleep(0.01)
    await made.engine.cancel(run.id, "ada", "")
    await asyncio.wait_for(made.ended(run.id), 60)
    assert {s.status for s in await made.store.runs.steps(run.id)} == {"canceled"}


async def test_a_segment_that_lost_its_run_stops_without_a_trace(made: Server) -> None:
    gate = asyncio.Event()

    async def wait(job: Job, log: Any) -> Any:
        await gate.wait()
        return 1

    made.runtimes.leaves["wait"] = wait
    run = await made.create(flow_of(step("a", "wait"), step("b", "give")))
    await made.engine.start_run(run.id)
    while not made.runtimes.jobs:
        await asyncio.sleep(0.01)
    await made.store.runs.claim(run.id, "another")
    gate.set()
    await asyncio.sleep(0.2)
    assert [job.code for job in made.runtimes.jobs] == ["wait"]
    assert [s for s in await made.store.runs.steps(run.id) if s.ended_at] == []
    await made.store.runs.finish(run.id, "another", "success", None, failed=False)


async def test_an_engine_failure_ends_the_run_and_its_steps(made: Server, caplog: pytest.LogCaptureFixture) -> None:
    def broken(job: Job, log: Any) -> Any:
        raise KeyError("a bug")

    made.runtimes.leaves["broken"] = broken
    body = {
        "type": "forloopflow",
        "iterator": {"type": "static", "value": [1, 2]},
        "parallel": True,
        "modules": [
            {
                "id": "br",
                "value": {
                    "type": "branchone",
                    "branches": [{"expr": "flow_input.iter.index == 0", "modules": [step("x", "hang")]}],
                    "default": [step("y", "broken")],
                },
            }
        ],
    }
    run, result = await asyncio.wait_for(made.run(flow_of({"id": "l", "value": body})), 20)
    assert (run.status, result["error"]["name"]) == ("failure", "InternalErr")
    assert "a bug" in caplog.text
    assert "running" not in {s.status for s in await made.store.runs.steps(run.id)}


async def test_a_stopped_server_leaves_runs_to_the_next(tmp_path: Path) -> None:
    first = FakeRuntimes(dict(LEAVES))
    async with server(tmp_path, first) as one:
        run = await one.create(flow_of(step("a", "give"), step("b", "hang"), step("c", "give", {"x": "results.b + 1"})))
        await one.engine.start_run(run.id)
        while len(first.jobs) < 2:
            await asyncio.sleep(0.01)
        queued = await one.create(flow_of(step("a", "give")))
    with pytest.raises(EngineClosed):
        await one.engine.start_run(run.id)
    second = FakeRuntimes({**LEAVES, "hang": lambda job, log: 1})
    async with server(tmp_path, second) as two:
        row, result = await two.ended(run.id)
        assert (row.status, result) == ("success", {"x": 2})
        assert (await two.ended(queued.id))[0].status == "success"
    assert sorted(job.env["WM_FLOW_STEP_ID"] for job in second.jobs) == ["a", "b", "c"]


async def test_dbos_keeps_to_its_own_file(made: Server) -> None:
    await made.run(flow_of(step("a", "give")))

    def tables(name: str) -> set[str]:
        connection = sqlite3.connect(made.store.home / name)
        try:
            return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        finally:
            connection.close()

    assert "workflow_status" in tables("dbos.db")
    assert "workflow_status" not in tables("flowapp.db")


async def test_work_that_is_over_soon_is_no_row_of_dbos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "AHEAD_S", 30)  # soon, on however busy a machine
    async with server(tmp_path, FakeRuntimes({"one": lambda job, log: 1})) as made:
        assert (await made.run(flow_of(step("a", "one"))))[1] == 1
        later = text_of(datetime.now(UTC) + timedelta(seconds=5))
        assert await made.engine.delete_finished(later) == 0


async def test_a_run_begins_again_whose_server_died_before_dbos_heard_of_it(tmp_path: Path) -> None:
    runtimes = FakeRuntimes({"one": lambda job, log: 1})
    async with server(tmp_path, runtimes) as made:
        run = await made.create(flow_of(step("a", "one")))
        assert await made.store.runs.claim(run.id, "/gone.1") is not None
    async with server(tmp_path, runtimes) as made:
        assert (await made.ended(run.id))[1] == 1


async def test_the_engines_own_rows_of_old_work_are_deleted(tmp_path: Path) -> None:
    async def slow(job: Job, log: object) -> int:
        await asyncio.sleep(3 * AHEAD_S)  # of shorter work DBOS does not hear
        return 1

    async with server(tmp_path, FakeRuntimes({"slow": slow})) as made:
        run, _ = await made.run(flow_of(step("a", "slow")))
        later = text_of(datetime.now(UTC) + timedelta(seconds=5))
        async with asyncio.timeout(10):
            # DBOS notes the end of the workflow a moment after the run has ended
            while await made.engine.delete_finished(later) == 0:
                await asyncio.sleep(0.05)
        assert await made.engine.delete_finished(later) == 0
        assert (await made.store.runs.get(run.id)) is not None
