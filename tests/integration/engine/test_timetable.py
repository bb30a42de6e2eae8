"""What the timer finds due, on both databases: each run is begun by one server, and none is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flowapp.engine.timer import FORGOTTEN, LEASE, BeginForgotten, CloseWaits, WakeRuns
from flowapp.jsontext import JsonText
from flowapp.store.approval_shapes import NewSuspension
from flowapp.store.clock import text_of
from flowapp.store.rows import table
from flowapp.store.runs import NewRun
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow
from flowapp.store.timetable import next_wake

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path, store_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(store_url, tmp_path)
    yield opened
    await opened.close()


async def run_of(store: Store, **columns: Any) -> str:
    value = await store.values.put_value(JsonText("{}"))
    run = await store.runs.create(NewRun("main", "flow", value, value, "admin"))
    update = sa.update(table(RunRow)).where(table(RunRow).c.id == run.id).values(**columns)
    await store.database.write(lambda c: c.execute(update) and None)
    return run.id


class Begun(list[str]):
    """Notes what was begun."""

    async def begin(self, run_id: str) -> None:
        self.append(run_id)


async def test_suspended_runs_are_woken_when_they_are_due(store: Store) -> None:
    early = await run_of(store, status="suspended", wake_at=text_of(NOON - timedelta(hours=1)))
    due = await run_of(store, status="suspended", wake_at=text_of(NOON))
    await run_of(store, status="suspended", wake_at=text_of(NOON + timedelta(seconds=0.4)))
    await run_of(store, status="suspended", wake_at=None)
    await run_of(store, status="running", wake_at=text_of(NOON))
    await run_of(store, status="success", wake_at=text_of(NOON))
    begun = Begun()
    again = await WakeRuns(store, begun.begin).look(NOON)
    assert begun == [early, due]
    assert again == NOON + timedelta(seconds=0.4)


async def test_one_server_wakes_a_run_and_another_when_nothing_came_of_it(store: Store) -> None:
    ids = [await run_of(store, status="suspended", wake_at=text_of(NOON)) for _ in range(20)]
    begun = Begun()
    await asyncio.gather(*(WakeRuns(store, begun.begin).look(NOON) for _ in range(5)))
    assert sorted(begun) == sorted(ids)
    await WakeRuns(store, begun.begin).look(NOON + LEASE / 2)
    assert len(begun) == 20
    await WakeRuns(store, begun.begin).look(NOON + LEASE)
    assert len(begun) == 40


async def test_one_that_cannot_be_begun_keeps_no_other_from_it(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    broken = await run_of(store, status="suspended", wake_at=text_of(NOON - timedelta(seconds=1)))
    due = await run_of(store, status="suspended", wake_at=text_of(NOON))
    begun: list[str] = []

    async def begin(run_id: str) -> None:
        if run_id == broken:
            raise RuntimeError("no")
        begun.append(run_id)

    await WakeRuns(store, begin).look(NOON)
    assert begun == [due]
    assert broken in caplog.text
    assert await store.database.read(lambda c: next_wake(c, NOON)) == text_of(NOON + LEASE)


async def test_a_run_that_was_stored_and_not_begun_is_begun_after_a_while(store: Store) -> None:
    old = await run_of(store, created_at=text_of(NOON - FORGOTTEN))
    await run_of(store, created_at=text_of(NOON - FORGOTTEN / 2))
    begun = Begun()
    await asyncio.gather(*(BeginForgotten(store, begun.begin).look(NOON) for _ in range(3)))
    assert begun == [old]


async def test_a_wait_ends_at_its_time(store: Store) -> None:
    run_id = await run_of(store, status="suspended")
    wait = NewSuspension(run_id, "a", "j", "main", 1, timeout_at=text_of(NOON))
    await store.database.write(lambda c: store.approvals.open(c, wait))
    begun = Begun()
    duty = CloseWaits(store, store.approvals, begun.begin)
    assert await duty.look(NOON - timedelta(seconds=0.5)) == NOON
    assert begun == []
    await asyncio.gather(*(duty.look(NOON + timedelta(seconds=1)) for _ in range(3)))
    assert begun == [run_id]
    row = await store.database.read(lambda c: store.approvals.get(c, run_id, "a"))
    assert row is not None
    assert row.status == "timed_out"
