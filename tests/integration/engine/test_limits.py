"""Concurrency keys and debouncing, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest_asyncio

from flowapp.engine.limits import StoreLimits
from flowapp.engine.values import Debounce, Limit, Turn
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.runs import NewRun
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow


class World:
    """A store, a clock that the test turns, and who was woken."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.woken: list[str] = []
        self.limits = StoreLimits(store, self._wake, lambda: self.time)

    async def _wake(self, run_id: str) -> None:
        self.woken.append(run_id)

    def later(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    async def run(self, args: object = None) -> RunRow:
        text = await self.store.values.put_value(dumps(args or {}))
        new = NewRun("main", "flow", text, text, "admin")
        return await self.store.runs.create(new)

    async def debounce(self, run: RunRow, rule: Debounce) -> Turn:
        return await self.limits.debounce(run, run.id, rule, await self.store.values.get_value(run.args))

    async def end(self, run: RunRow) -> None:
        claimed = await self.store.runs.claim(run.id, "owner")
        assert claimed is not None
        await self.store.runs.finish(run.id, "owner", "success", None, failed=False)


@pytest_asyncio.fixture
async def world(tmp_path: Path, store_url: str) -> AsyncIterator[World]:
    store = await Store.open(store_url, tmp_path)
    yield World(store)
    await store.close()


async def test_no_more_than_the_limit_and_the_longest_waiting_comes_next(world: World) -> None:
    limit = Limit("k", 2)
    runs = [await world.run() for _ in range(4)]
    for run in runs[:2]:
        assert await world.limits.take(run, run.id, limit) is None
    for run in runs[2:]:
        world.later(1)
        assert await world.limits.take(run, run.id, limit) is not None
    assert await world.limits.take(runs[0], runs[0].id, limit) is None  # has its place already
    await world.limits.give_back(runs[1], runs[1].id, limit)
    assert world.woken == [runs[2].id]
    assert await world.limits.take(runs[3], runs[3].id, limit) is not None  # not before who asked earlier
    assert await world.limits.take(runs[2], runs[2].id, limit) is None


async def test_priority_goes_first(world: World) -> None:
    limit = Limit("k", 1)
    holder, usual, urgent = await world.run(), await world.run(), await world.run()
    assert await world.limits.take(holder, holder.id, limit) is None
    assert await world.limits.take(usual, usual.id, limit) is not None
    assert await world.limits.take(urgent, urgent.id, limit, 50) is not None
    await world.limits.give_back(holder, holder.id, limit)
    assert world.woken == [urgent.id]


async def test_a_place_stays_taken_for_the_window(world: World) -> None:
    limit = Limit("k", 1, window_s=10)
    one, two = await world.run(), await world.run()
    assert await world.limits.take(one, one.id, limit) is None
    await world.limits.give_back(one, one.id, limit)
    due = await world.limits.take(two, two.id, limit)
    assert due is not None
    assert datetime.fromisoformat(due) == world.time + timedelta(seconds=10)
    world.later(10)
    assert await world.limits.take(two, two.id, limit) is None


async def test_who_waits_learns_when_the_window_ends(world: World) -> None:
    limit = Limit("k", 1, window_s=10)
    one, two = await world.run(), await world.run()
    assert await world.limits.take(one, one.id, limit) is None
    assert await world.limits.take(two, two.id, limit) is not None  # nobody knows yet when the first one ends
    await world.limits.give_back(one, one.id, limit)
    assert world.woken == [two.id]
    due = await world.limits.take(two, two.id, limit)
    assert due is not None
    assert datetime.fromisoformat(due) == world.time + timedelta(seconds=10)


async def test_what_a_run_that_is_over_held_is_free(world: World) -> None:
    limit = Limit("k", 1)
    dead, waits, alive = await world.run(), await world.run(), await world.run()
    assert await world.limits.take(dead, dead.id, limit) is None
    assert await world.limits.take(waits, waits.id, limit) is not None
    await world.end(dead)
    await world.end(waits)
    assert await world.limits.take(alive, alive.id, limit) is None


async def test_keys_are_apart(world: World) -> None:
    one, two = await world.run(), await world.run()
    assert await world.limits.take(one, one.id, Limit("a", 1)) is None
    assert await world.limits.take(two, two.id, Limit("b", 1)) is None


async def test_many_ask_at_once(world: World) -> None:
    limit = Limit("k", 3)
    runs = [await world.run() for _ in range(20)]
    answers = await asyncio.gather(*(world.limits.take(run, run.id, limit) for run in runs))
    assert sum(answer is None for answer in answers) == 3


async def test_the_last_of_a_burst_goes_with_what_the_others_brought(world: World) -> None:
    rule = Debounce("k", 5, accumulate=("items",))
    runs = [await world.run({"items": [number], "other": number}) for number in range(3)]
    for run in runs:
        turn = await world.debounce(run, rule)
        assert turn.due is not None
        world.later(1)
    for run, follower in pairwise(runs):
        assert (await world.debounce(run, rule)).instead == follower.id
    assert world.woken == [runs[0].id, runs[1].id]
    assert (await world.debounce(runs[2], rule)).due is not None
    world.later(4)
    for _ in range(2):  # again after a crash: the same answer
        turn = await world.debounce(runs[2], rule)
        assert (turn.due, turn.instead) == (None, None)
        assert turn.args is not None
        assert loads(JsonText(turn.args)) == {"items": [0, 1, 2], "other": 2}
    fresh = await world.run({"items": [9]})
    assert (await world.debounce(fresh, rule)).due is not None
    assert (await world.debounce(runs[2], rule)).instead is None


async def test_debouncing_does_not_last_for_ever(world: World) -> None:
    rule = Debounce("k", 5, longest_s=8, most=10)
    one = await world.run()
    await world.debounce(one, rule)
    world.later(4)
    two = await world.run()
    turn = await world.debounce(two, rule)
    assert turn.due is not None
    assert datetime.fromisoformat(turn.due) == world.time + timedelta(seconds=4)
    few = Debounce("few", 5, most=2)
    three, four = await world.run(), await world.run()
    assert (await world.debounce(three, few)).due is not None
    turn = await world.debounce(four, few)
    assert (turn.due, turn.instead) == (None, None)
