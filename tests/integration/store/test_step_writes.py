"""The end of a step as one statement on PostgreSQL: all of it, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flowapp.jsontext import JsonText, dumps
from flowapp.store.logs import Chunk
from flowapp.store.runs import NewRun, job_id
from flowapp.store.step_writes import StepWrite
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow


@pytest.fixture
async def pair(tmp_path: Path, new_postgres_database: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two servers' stores on one database."""
    one, two = await asyncio.gather(*(Store.open(new_postgres_database, tmp_path / name) for name in ("one", "two")))
    yield one, two
    await asyncio.gather(one.close(), two.close())


async def _claimed(store: Store, owner: str) -> str:
    text = await store.values.put_value(JsonText("{}"))
    row = await store.runs.create(NewRun(workspace="main", kind="flow", document=text, args=text, created_by="admin"))
    await store.runs.claim(row.id, owner)
    return row.id


def _row(run_id: str, path: str = "a", **more: Any) -> dict[str, Any]:
    """A finished step's columns."""
    given = {"run_id": run_id, "path": path, "id": job_id(run_id, path), "workspace": "main", "step_id": path}
    about = {"kind": "rawscript", "status": "success", "attempt": 1, "isolation": "", "executor": "", "tag": ""}
    return {**dict.fromkeys(JobRow.model_fields), **given, **about, **more}


async def _put(store: Store, run_id: str, owner: str, *texts: str, log: str = "", path: str = "a") -> bool:
    values = [await store.values.prepare(dumps(text)) for text in texts]
    named = dict(zip(("args", "result"), (value.hash for value in values), strict=False))
    printed = [Chunk(path, 0, log), Chunk(path, len(log), "ä\n")] if log else []
    return await store.database.state(StepWrite(_row(run_id, path, **named), owner, values, printed).put)


async def _count(store: Store, table: str) -> int:
    return await store.database.read(lambda c: int(c.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar() or 0))


async def test_values_row_and_log_are_stored(pair: tuple[Store, Store]) -> None:
    store, other = pair
    run_id = await _claimed(store, "me")
    assert await _put(store, run_id, "me", "in", "out", log="hello\n")
    (step,) = await other.runs.steps(run_id)
    assert (step.status, step.path) == ("success", "a")
    assert step.result is not None
    assert await other.values.get_value(step.result) == '"out"'
    assert (await other.logs.read(run_id, "a")).text == "hello\nä\n"


async def test_it_can_be_repeated_and_replaces(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    run_id = await _claimed(store, "me")
    for text in ("first", "first", "second"):
        assert await _put(store, run_id, "me", "same", text, log="x")
    (step,) = await store.runs.steps(run_id)
    assert step.result is not None
    assert await store.values.get_value(step.result) == '"second"'
    assert await _count(store, "log") == 2


async def test_one_value_twice_and_none_at_all(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    run_id = await _claimed(store, "me")
    assert await _put(store, run_id, "me", "same", "same")
    assert await _put(store, run_id, "me", path="b")
    assert [step.path for step in await store.runs.steps(run_id)] == ["a", "b"]


async def test_who_lost_the_run_stores_no_step(pair: tuple[Store, Store]) -> None:
    store, other = pair
    run_id = await _claimed(store, "me")
    await other.runs.claim(run_id, "another")
    assert not await _put(store, run_id, "me", "in", "out", log="late")
    assert await store.runs.steps(run_id) == []
    assert await _count(store, "log") == 0


async def test_a_value_that_is_old_is_left_to_the_general_way(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    run_id = await _claimed(store, "me")
    assert await _put(store, run_id, "me", "in", "out")
    old = "UPDATE value SET created_at = '2020-01-01T00:00:00.000000Z'"
    await store.database.write(lambda c: c.execute(sa.text(old)))
    assert not await _put(store, run_id, "me", "in", "out", log="x", path="b")
    assert [step.path for step in await store.runs.steps(run_id)] == ["a"]
    assert await _count(store, "log") == 0


async def test_a_takeover_at_the_same_moment_sees_the_step_or_keeps_it_out(pair: tuple[Store, Store]) -> None:
    store, other = pair
    for number in range(25):
        run_id = await _claimed(store, "old")

        async def take_over(run_id: str = run_id) -> int:
            await other.runs.claim(run_id, "new")
            return len(await other.runs.steps(run_id))

        stored, seen = await asyncio.gather(_put(store, run_id, "old", f"v{number}", "out", log="x"), take_over())
        assert stored is (seen == 1)


async def test_many_runs_that_store_the_same_values_do_not_wait_in_a_circle(pair: tuple[Store, Store]) -> None:
    """Who meets a value that somebody else is just storing may be sent the general way, but nobody fails."""
    runs = [(store, await _claimed(store, "me")) for store in pair for _ in range(4)]
    for number in range(10):
        texts = [f"{letter}{number}" for letter in "abcd"]

        def put(at: int, number: int = number, texts: list[str] = texts) -> Awaitable[bool]:
            store, run_id = runs[at]
            return _put(store, run_id, "me", *(texts if at % 2 else reversed(texts)), path=f"p{number}")

        stored = await asyncio.gather(*(put(at) for at in range(len(runs))))
        assert any(stored)
        for at, done in enumerate(stored):
            assert done or await put(at)
