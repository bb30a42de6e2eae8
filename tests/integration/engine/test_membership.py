"""Who is believed dead: a process that is silent, and not everybody else when the database was away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from flowapp.engine.cluster import Cluster, new_executor
from flowapp.store import executors
from flowapp.store.executors import Executor
from flowapp.store.stores import Store

ONE, TWO = new_executor("server", ("default",)), new_executor("server", ("default",))


class Members:
    """Two processes: `two` as seen by itself, and `one` as its beats. A second passes when the test says so."""

    def __init__(self, store: Store) -> None:
        self.store, self.time = store, 100.0
        self.believed_alive: list[set[str]] = []
        self.two = Cluster(store, TWO, self._take_over, lambda: self.time)

    async def _take_over(self, alive: set[str]) -> int:
        self.believed_alive.append(alive)
        return 0

    async def beat(self, executor: Executor) -> None:
        await self.store.database.write(lambda c: executors.beat(c, executor))

    async def pass_s(self, seconds: float) -> None:
        """Time passes, for this process and by the database's clock."""
        self.time += seconds
        back = sa.text(
            "UPDATE executor SET at = to_char(CAST(at AS timestamptz) AT TIME ZONE 'UTC' - CAST(:back AS INTERVAL), "
            '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'
        )
        await self.store.database.write(lambda c: c.execute(back, {"back": f"{seconds} seconds"}))

    async def second(self, *, one_beats: bool) -> None:
        await self.pass_s(1)
        if one_beats:
            await self.beat(ONE)
        await self.two._beat()
        await self.two._sweep()


@pytest.fixture
async def members(tmp_path: Path, postgres_database: str) -> AsyncIterator[Members]:
    store = await Store.open(postgres_database, tmp_path)
    made = Members(store)
    for _ in range(3):
        await made.second(one_beats=True)
    assert made.believed_alive == [{ONE.id, TWO.id}]
    yield made
    await store.close()


async def test_who_is_silent_is_given_up(members: Members) -> None:
    for _ in range(6):
        await members.second(one_beats=False)
    assert members.believed_alive[-1] == {TWO.id}


async def test_nobody_is_given_up_because_the_database_was_away(members: Members) -> None:
    await members.pass_s(8)  # in which nobody could beat
    await members.two._sweep()  # the look that waited for the database is answered before anybody has beaten again
    await members.two._beat()
    await members.two._sweep()
    for _ in range(10):
        await members.second(one_beats=True)
    assert all(ONE.id in alive for alive in members.believed_alive)
    assert len(members.believed_alive) > 1


async def test_who_does_not_come_back_with_the_database_is_given_up(members: Members) -> None:
    await members.pass_s(8)
    for _ in range(4):
        await members.second(one_beats=False)
    assert members.believed_alive[-1] == {TWO.id}
