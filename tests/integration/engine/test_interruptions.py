"""A segment that ends by an error of ours: the run begins again by itself, on both databases, and is not said to have failed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from flowapp.store.approval_shapes import Answer
from flowapp.store.errors import DatabaseAway
from flowapp.store.runs import job_id
from flowapp.store.step_writes import StepWrite
from tests.integration.engine.harness import FakeRuntimes, flow_of, server, step


@pytest.mark.parametrize(
    "error", [DatabaseAway("gone"), OperationalError("", None, Exception("locked")), KeyError("bug")]
)
@pytest.mark.parametrize("where", ["claim", "put_job", "end"])
async def test_the_run_begins_again(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    runtimes = FakeRuntimes({"one": lambda *_: 1})
    async with server(tmp_path, runtimes, store_url) as made:
        # on PostgreSQL the end of a step is one statement, which has a place of its own
        holder: Any = made.store.runs
        if where == "put_job" and store_url:
            holder, where = StepWrite, "put"
        real, failed = getattr(holder, where), list[int]()

        def failing(*args: Any, **more: Any) -> Any:
            if not failed:
                failed.append(1)
                raise error
            return real(*args, **more)

        monkeypatch.setattr(holder, where, failing)
        run = await made.create(flow_of(step("a", "one"), step("b", "one")))
        await made.engine.start_run(run.id)
        row, result = await asyncio.wait_for(made.ended(run.id), 60)
        assert failed
        if where in ("put_job", "put") and isinstance(error, KeyError):
            # a mistake within the run's own work is its result, and says so
            assert result["error"]["name"] == "InternalErr"
            return
        assert (row.status, result) == ("success", 1)
        recorded = await made.store.runs.steps(run.id)
        assert {step.path: step.status for step in recorded} == {"a": "success", "b": "success"}


async def test_who_has_taken_the_run_over_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtimes = FakeRuntimes({"one": lambda *_: 1})
    async with server(tmp_path, runtimes) as made:
        store, real = made.store, made.store.runs.end

        def failing(*_: Any, **__: Any) -> Any:
            raise DatabaseAway("gone")

        monkeypatch.setattr(store.runs, "end", failing)
        run = await made.create(flow_of(step("a", "one")))
        await made.engine.start_run(run.id)
        while (await store.runs.get(run.id)).segment < 2:  # type: ignore[union-attr]
            await asyncio.sleep(0.02)
        assert await store.runs.claim(run.id, "another/token.1") is not None
        monkeypatch.setattr(store.runs, "end", real)
        await asyncio.sleep(2)
        found = await store.runs.get(run.id)
        assert found is not None
        assert (found.status, found.owner) == ("running", "another/token.1")


@pytest.mark.parametrize("where", ["claim", "steps"])
async def test_a_wish_to_cancel_is_not_lost_while_a_segment_begins(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    runtimes = FakeRuntimes({"one": lambda *_: 1, "hang": lambda *_: asyncio.sleep(60)})
    async with server(tmp_path, runtimes, store_url) as made:
        run = await made.create(
            flow_of(step("a", "one", suspend={"required_events": 1, "timeout": 60}), step("b", "hang"))
        )
        await made.engine.start_run(run.id)
        while (found := await made.store.runs.get(run.id)) is None or found.status != "suspended":
            await asyncio.sleep(0.02)
        real, reached, go_on = getattr(made.store.runs, where), asyncio.Event(), asyncio.Event()

        async def late(*args: Any, **more: Any) -> Any:
            answer = await real(*args, **more)
            reached.set()
            await go_on.wait()
            return answer

        monkeypatch.setattr(made.store.runs, where, late)
        answer = Answer(job_id(run.id, "a"), 1, "main", True, run.id, payload="7")
        await made.store.database.write(lambda c: made.store.approvals.decide(c, answer))
        await made.engine.wake(run.id)
        await asyncio.wait_for(reached.wait(), 60)
        assert await made.engine.cancel(run.id, "ada", "enough")
        go_on.set()
        row, result = await asyncio.wait_for(made.ended(run.id), 60)
        assert (row.status, result["error"]["name"]) == ("canceled", "Canceled")


async def test_a_second_wish_to_cancel_does_not_cut_off_what_the_first_began(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, killed, reading, go_on = (asyncio.Event() for _ in range(4))

    async def hang(*_: Any) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            killed.set()

    async with server(tmp_path, FakeRuntimes({"hang": hang}), store_url) as made:
        run = await made.create(flow_of(step("a", "hang")))
        await made.engine.start_run(run.id)
        await asyncio.wait_for(begun.wait(), 60)
        real = made.store.runs.get

        async def late(run_id: str) -> Any:
            if killed.is_set():
                reading.set()
                await go_on.wait()
            return await real(run_id)

        monkeypatch.setattr(made.store.runs, "get", late)
        assert await made.engine.cancel(run.id, "ada", "enough")
        await asyncio.wait_for(reading.wait(), 60)
        assert await made.engine.cancel(run.id, "bob", "and again")
        go_on.set()
        row, result = await asyncio.wait_for(made.ended(run.id), 60)
        assert (row.status, row.canceled_by, result["error"]["name"]) == ("canceled", "ada", "Canceled")
