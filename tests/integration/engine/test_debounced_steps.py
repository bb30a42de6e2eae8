"""Several runs reach one debounced step, on both databases: the last one goes, with what the others brought."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from flowapp.jsontext import loads
from flowapp.runtimes.jobs import Job
from flowapp.store.runs import job_id
from tests.integration.engine.harness import FakeRuntimes, Server, flow_of, server, step


def give(job: Job, log: Any) -> Any:
    return loads(job.args)["items"]


def a_flow(**settings: Any) -> dict[str, Any]:
    collect = step("a", "give", {"items": "flow_input.items"})
    collect["debouncing"] = {"debounce_args_to_accumulate": ["items"], **settings}
    return flow_of(collect, step("b", "give", {"items": "results.a"}))


async def waiting(made: Server, run_id: str) -> None:
    """Until the run waits at its step."""
    while (row := await made.store.runs.step(run_id, "a")) is None or row.status != "running":
        await asyncio.sleep(0.01)


async def test_a_burst_of_runs(tmp_path: Path, store_url: str) -> None:
    runtimes = FakeRuntimes({"give": give})
    async with server(tmp_path, runtimes, store_url) as made:
        runs = []
        for number in range(3):
            runs.append(await made.create(a_flow(debounce_delay_s=1), {"items": [number]}))
            await made.engine.start_run(runs[-1].id)
            await waiting(made, runs[-1].id)
        ends = [await asyncio.wait_for(made.ended(run.id), 60) for run in runs]
        assert [row.status for row, _ in ends] == ["skipped", "skipped", "success"]
        followers = [{"debounced_by": job_id(run.id, "a")} for run in runs[1:]]
        assert [result for _, result in ends] == [*followers, [0, 1, 2]]
        assert [job.id for job in runtimes.jobs] == [job_id(runs[2].id, path) for path in "ab"]
        rows = [{row.path: row.status for row in await made.store.runs.steps(run.id)} for run in runs]
        assert rows == [{"a": "skipped"}, {"a": "skipped"}, {"a": "success", "b": "success"}]
        went = await made.store.runs.step(runs[2].id, "a")
        assert went is not None
        assert await made.value(went.args) == {"items": [0, 1, 2]}


async def test_a_run_at_rest_is_woken_by_the_one_that_goes_for_it(tmp_path: Path, store_url: str) -> None:
    runtimes = FakeRuntimes({"give": give})
    flow = a_flow(debounce_delay_s=600, max_total_debounces_amount=2)
    async with server(tmp_path, runtimes, store_url) as made:
        first = await made.create(flow, {"items": [1]})
        await made.engine.start_run(first.id)
        while (await made.store.runs.get(first.id)).status != "suspended":  # type: ignore[union-attr]
            await asyncio.sleep(0.01)
    # it waits without a server; the next one takes it up where it was
    async with server(tmp_path, runtimes, store_url) as made:
        row, result = await asyncio.wait_for(made.run(flow, {"items": [2]}), 60)
        assert (row.status, result) == ("success", [1, 2])
        row, result = await asyncio.wait_for(made.ended(first.id), 60)
        assert row.status == "skipped"
        assert len(runtimes.jobs) == 2


async def test_a_canceled_run_takes_no_other_along(tmp_path: Path, store_url: str) -> None:
    async with server(tmp_path, FakeRuntimes({"give": give}), store_url) as made:
        flow = a_flow(debounce_delay_s=0.5)
        gone = await made.create(flow, {"items": [1]})
        await made.engine.start_run(gone.id)
        await waiting(made, gone.id)
        await made.engine.cancel(gone.id, "admin")
        assert (await made.ended(gone.id))[0].status == "canceled"
        row, result = await asyncio.wait_for(made.run(flow, {"items": [2]}), 60)
        assert (row.status, result) == ("success", [2])


async def test_collected_inputs_hold_no_secrets_and_the_script_gets_its_own(tmp_path: Path, store_url: str) -> None:
    class Stored:
        async def lookup(self, run: Any, kind: str, path: str) -> Any:
            return '"s3cr3t"'

    flow = a_flow(debounce_delay_s=0.5)
    flow["value"]["modules"][0]["value"]["input_transforms"]["items"]["expr"] = "[variable('u/a/tok')]"
    async with server(tmp_path, FakeRuntimes({"give": give}), store_url, secrets=Stored()) as made:
        runs = [await made.create(flow) for _ in range(2)]
        for run in runs:
            await made.engine.start_run(run.id)
            await waiting(made, run.id)
        _, result = await asyncio.wait_for(made.ended(runs[1].id), 60)
        # a value that another run read with its person's rights is not handed on
        assert result == ["$var:u/a/tok", "s3cr3t"]
        stored = await made.store.database.read(
            lambda c: c.exec_driver_sql("SELECT args FROM debounce").scalars().all()
        )
        assert stored
        assert "s3cr3t" not in str(stored)
