"""What agents remember, on both databases: one entry per job, bounded, forgotten with the runs of its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from flowapp.store import memories, retention_policy
from flowapp.store.clock import now
from flowapp.store.retention import expire
from flowapp.store.stores import Store
from flowapp.store.tables import WorkspaceRow

NAME = memories.name_of("main", "f/a/b", "c")


@pytest.fixture
async def store(tmp_path: Path, store_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(store_url, tmp_path / "home")
    await opened.database.write(
        lambda c: c.execute(
            insert(WorkspaceRow), {"id": "main", "name": "main", "key": "k", "created_at": now(), "settings": "{}"}
        )
    )
    yield opened
    await opened.close()


def message(text: str) -> memories.Message:
    return {"role": "user", "content": text}


async def add(store: Store, job: str, text: str, name: str = NAME) -> None:
    await store.database.write(lambda c: memories.add(c, name, "ask", job, [message(text)]))


async def earlier(store: Store, job: str = "", name: str = NAME) -> list[str]:
    found = await store.database.read(lambda c: memories.earlier(c, name, "ask", job))
    return [one["content"] for one in found]


async def test_a_job_is_there_once_and_is_not_earlier_than_itself(store: Store) -> None:
    await add(store, "1", "a")
    await add(store, "2", "b")
    await add(store, "2", "b again")
    assert await earlier(store) == ["a", "b again"]
    assert await earlier(store, "2") == ["a"]
    assert await earlier(store, name=memories.name_of("main", "f/a/b", "other")) == []


async def test_two_runs_that_end_at_once_are_both_remembered(store: Store) -> None:
    await asyncio.gather(*(add(store, str(n), f"m{n}") for n in range(1, 9)))
    assert sorted(await earlier(store)) == [f"m{n}" for n in range(1, 9)]


async def test_the_oldest_go_when_it_is_full(store: Store) -> None:
    long = "x" * (memories.MOST_CHARACTERS // 3)
    for number in range(4):
        await add(store, str(number), f"{number}{long}")
    assert [text[0] for text in await earlier(store)] == ["2", "3"]


async def test_it_is_kept_as_long_as_runs_are(store: Store) -> None:
    await add(store, "1", "a")
    await store.database.write(lambda c: retention_policy.change(c, "main", 30))
    await expire(store, datetime.now(UTC) + timedelta(days=29))
    assert await earlier(store) == ["a"]
    await expire(store, datetime.now(UTC) + timedelta(days=31))
    assert await earlier(store) == []
