"""Canceling a run cancels all that its jobs have started, whoever dies on the way."""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText
from flowapp.store import cancels
from flowapp.store.runs import NewRun, job_id
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow
from tests.integration.engine.cancel_server import HANG, runtimes
from tests.integration.engine.harness import flow_of, server, step

PROGRAM = Path(__file__).with_name("cancel_server.py")


@pytest.mark.parametrize("moment", ["noted", "over"])
async def test_a_server_that_dies_leaves_no_child_behind(tmp_path: Path, store_url: str, moment: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), str(one), store_url, moment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    ids = json.loads(await process.stdout.readline())
    assert await process.wait() == -9
    async with server(two if store_url else one, runtimes(), store_url) as made:
        async with asyncio.timeout(60):
            ended = {name: (await made.ended(run_id))[0] for name, run_id in ids.items()}
        assert {name: run.status for name, run in ended.items()} == dict.fromkeys(ids, "canceled")
        assert {run.canceled_by for run in ended.values()} == {"ada"}
        assert not made.runtimes.jobs, "nothing of them ran once more"


async def test_a_run_that_waits_for_a_worker_ends_without_one(tmp_path: Path, postgres_database: str) -> None:
    """It stands on the queue of its tag under its number, and nobody takes that."""
    async with server(tmp_path, runtimes(), postgres_database) as made:
        parent = await made.create(HANG)
        tagged = await made.create(HANG, parent_run=parent.id, tag="gpu")
        for run in (parent, tagged):
            await made.engine.start_run(run.id)
        marked = await made.engine.cancel(parent.id, "ada", "enough")
        assert [run.id for run in marked] == [parent.id, tagged.id]
        async with asyncio.timeout(60):
            row, _ = await made.ended(tagged.id)
        assert (row.status, row.canceled_reason) == ("canceled", f"enough (canceled with job {parent.id})")


async def test_what_a_child_that_is_over_has_started_ends_too(tmp_path: Path, store_url: str) -> None:
    """Nothing but the step of the finished child is named: neither the run that is canceled nor any root."""
    async with server(tmp_path, runtimes(), store_url) as made:
        parent, other = await made.create(HANG), await made.create(HANG)
        child = await made.create(flow_of(step("a", "give")), parent_run=job_id(parent.id, "a"))
        for run in (parent, other, child):
            await made.engine.start_run(run.id)
        assert (await made.ended(child.id))[0].status == "success"
        while not await made.store.runs.steps(parent.id):
            await asyncio.sleep(0.01)
        below = await made.create(HANG, parent_run=job_id(child.id, "a"))
        await made.engine.start_run(below.id)
        while len(made.runtimes.jobs) < 4:
            await asyncio.sleep(0.01)
        marked = await made.engine.cancel(parent.id, "ada", "enough")
        assert {run.id for run in marked} == {parent.id, below.id}
        assert [(await made.ended(run.id))[0].status for run in (parent, below)] == ["canceled"] * 2
        assert (row := await made.store.runs.get(other.id)) is not None and row.status == "running"


async def test_what_a_canceled_job_starts_at_that_moment_is_found_or_has_the_wish(
    tmp_path: Path, store_url: str
) -> None:
    """Whichever of the two writes comes first."""
    store = await Store.open(store_url, tmp_path)
    try:
        for _ in range(8):
            text = await store.values.put_value(JsonText("{}"))
            new = partial(NewRun, "main", "flow", text, text, "admin")
            parent = await store.runs.create(new())

            def start(connection: Connection, new: Any = new, parent: str = parent.id) -> str:
                wish = cancels.wish_of(connection, parent)
                child = store.runs.insert(connection, new(parent_run=parent))
                if wish is not None:
                    cancels.give(connection, child.id, wish)
                return child.id

            def ask(connection: Connection, parent: str = parent.id) -> list[RunRow]:
                return cancels.mark(connection, parent, "ada", "")

            children, _ = await asyncio.gather(
                asyncio.gather(*(store.database.write(start) for _ in range(3))), store.database.write(ask)
            )
            rows = [await store.runs.get(run_id) for run_id in (parent.id, *children)]
            assert [row.canceled_by for row in rows if row is not None] == ["ada"] * 4
    finally:
        await store.close()


async def test_what_somebody_starts_in_the_name_of_a_run_that_is_just_over_ends_too(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its end is written, and before what it has started is stopped: a webhook that names it as the parent."""
    async with server(tmp_path, runtimes(), store_url) as made:
        parent = await made.create(HANG)
        late: list[str] = []
        after = made.engine._after

        async def begin_one_first(run: RunRow) -> None:
            if run.id == parent.id and run.status == "canceled" and not late:
                begun = len(made.runtimes.jobs)
                child = await made.create(HANG, parent_run=parent.id)
                late.append(child.id)
                await made.engine.start_run(child.id)
                async with asyncio.timeout(10):
                    while len(made.runtimes.jobs) == begun:
                        await asyncio.sleep(0.01)
            await after(run)

        monkeypatch.setattr(made.engine, "_after", begin_one_first)
        await made.engine.start_run(parent.id)
        await made.engine.cancel(parent.id, "ada", "enough")
        async with asyncio.timeout(60):
            await made.ended(parent.id)
            while not late:
                await asyncio.sleep(0.01)
            row, _ = await made.ended(late[0])
        assert (row.status, row.canceled_by) == ("canceled", "ada")
