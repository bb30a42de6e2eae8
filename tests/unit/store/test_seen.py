"""Which looks are noted: one for each visit, and none that could not be written is taken for noted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from flowapp.store import audit
from flowapp.store import seen as module
from flowapp.store.origin import ORIGIN
from flowapp.store.seen import Look, Visits
from flowapp.store.stores import Store

LOOK = Look("main", "ada", "run.view", "f/a/b", "run 1")


@pytest.fixture
async def store(tmp_path: Path, store_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(store_url, tmp_path / "home")
    yield opened
    await opened.close()


async def _targets(store: Store) -> list[tuple[str, str]]:
    await store.seen.settle()
    rows = await store.database.read(lambda c: audit.latest(c, "main"))
    return [(row.target, row.address) for row in reversed(rows)]


def test_a_visit_ends_when_nobody_looks_and_is_noted_again_when_it_does_not() -> None:
    at = 0.0
    visits = Visits(lambda: at)
    assert visits.begins("a") and visits.begins("b") and not visits.begins("a")
    at = 299.0
    assert not visits.begins("a")
    at = 598.0
    assert not visits.begins("a") and visits.begins("b")
    at = 898.0
    assert visits.begins("a")
    # somebody who polls each minute
    noted = 0
    for minute in range(121):
        at = 10_000.0 + 60 * minute
        noted += visits.begins("poll")
    assert noted == 3
    visits.forget("poll")
    assert visits.begins("poll")


def test_not_more_visits_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    visits = Visits(lambda: 0.0)
    assert [visits.begins(name) for name in "abab"] == [True, True, False, False]
    assert visits.begins("c") and not visits.begins("b") and visits.begins("a")


async def test_looks_are_noted_with_the_address_that_each_came_from(store: Store) -> None:
    for number in range(3):
        ORIGIN.set(f"192.0.2.{number}")
        store.seen.note(Look("main", "ada", "run.view", f"f/a/{number}"))
        store.seen.note(Look("main", "ada", "run.view", f"f/a/{number}"))
    ORIGIN.set("")
    store.seen.note(Look("main", "bea", "run.view", "f/a/0"))
    assert await _targets(store) == [
        ("f/a/0", "192.0.2.0"),
        ("f/a/1", "192.0.2.1"),
        ("f/a/2", "192.0.2.2"),
        ("f/a/0", ""),
    ]


async def test_closing_the_store_writes_what_waits(tmp_path: Path) -> None:
    opened = await Store.open("", tmp_path / "home")
    opened.seen.note(LOOK)
    await opened.close()
    again = await Store.open("", tmp_path / "home")
    assert len(await _targets(again)) == 1
    await again.close()


async def test_what_could_not_be_noted_is_noted_the_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(connection: Connection, **_: str) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(audit, "add", away)
        store.seen.note(LOOK)
        await store.seen.settle()
        assert "could not be noted" in caplog.text
        with pytest.raises(OSError, match="full"):
            await store.seen.note_first(LOOK)
    assert await _targets(store) == []
    store.seen.note(LOOK)
    assert len(await _targets(store)) == 1
    await store.seen.note_first(LOOK)
    assert len(await _targets(store)) == 1


async def test_who_waits_for_the_notes_and_goes_takes_none_of_them_along(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of the trail that is closed while it waits: what others have seen is noted all the same."""
    held, write = asyncio.Event(), store.database.write

    async def slowly(work: Callable[[Connection], Any]) -> Any:
        await held.wait()
        return await write(work)

    monkeypatch.setattr(store.database, "write", slowly)
    store.seen.note(LOOK)
    waiting = asyncio.create_task(store.seen.settle())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    held.set()
    assert len(await _targets(store)) == 1


async def test_nobody_is_shown_a_secret_while_its_note_may_still_fail(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()

    async def fails(_work: Callable[[Connection], Any]) -> Any:
        await held.wait()
        raise OSError("the disk is full")

    monkeypatch.setattr(store.database, "write", fails)
    both = [asyncio.create_task(store.seen.note_first(LOOK)) for _ in range(2)]
    await asyncio.sleep(0)
    held.set()
    found = await asyncio.gather(*both, return_exceptions=True)
    assert [type(one) for one in found] == [OSError, OSError]


async def test_looks_at_the_same_time_are_one_visit(store: Store) -> None:
    other = replace(LOOK, by="bea")
    await asyncio.gather(*(store.seen.note_first(look) for look in (LOOK, LOOK, other, LOOK)))
    rows = await store.database.read(lambda c: audit.latest(c, "main"))
    assert sorted(row.by for row in rows) == ["ada", "bea"]


async def test_who_waits_for_the_note_of_another_that_fails_or_is_given_up_makes_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, write = asyncio.Event(), store.database.write

    async def once_held(work: Callable[[Connection], Any]) -> Any:
        monkeypatch.setattr(store.database, "write", write)
        await held.wait()

    monkeypatch.setattr(store.database, "write", once_held)
    first, second = (asyncio.create_task(store.seen.note_first(LOOK)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await second
    assert len(await _targets(store)) == 1
