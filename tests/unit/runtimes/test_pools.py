"""How many warm processes wait: after jobs, and when there are none for long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flowapp.runtimes import pools

BOUNDS = (1, 1, 1)


class FakeSandbox:
    """One that ends when it is told to."""

    def __init__(self) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False

    def close(self) -> None:
        self.closed = True


class FakeLauncher:
    """Makes them at once, and remembers them."""

    def __init__(self) -> None:
        self.made: list[FakeSandbox] = []

    async def sandbox(self, _kind: str, **_more: Any) -> FakeSandbox:
        self.made.append(FakeSandbox())
        return self.made[-1]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "UNUSED_S", 0.05)


async def filled(target: int) -> tuple[pools.Pool, FakeLauncher]:
    launcher = FakeLauncher()
    pool = pools.Pool(launcher, "script", target, BOUNDS)  # type: ignore[arg-type]
    pool.refill()
    await until(lambda: pool.idle == target)
    return pool, launcher


async def until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.005)


@pytest.mark.asyncio
async def test_a_pool_that_nobody_uses_keeps_one(soon: None) -> None:
    pool, launcher = await filled(4)
    await until(lambda: pool.idle == 1)
    assert pool.wanted == 1
    assert sum(not one.closed for one in launcher.made) == 1
    await pool.close()


@pytest.mark.asyncio
async def test_its_next_job_makes_it_as_large_as_before_and_it_rests_again(soon: None) -> None:
    pool, launcher = await filled(3)
    await until(lambda: pool.idle == 1)
    made = len(launcher.made)
    taken = await pool.take()
    assert len(launcher.made) == made, "the one that was kept is taken"
    pool.refill_soon()
    await until(lambda: pool.idle == 3)
    taken.close()
    await until(lambda: pool.idle == 1)
    await pool.close()


@pytest.mark.asyncio
async def test_a_pool_in_use_does_not_rest() -> None:
    pool, launcher = await filled(3)
    (await pool.take()).close()
    pool._rest_if_unused()
    assert (pool.wanted, pool.idle) == (3, 2)
    pool.refill()
    await until(lambda: pool.idle == 3)
    await pool.close()
    assert all(one.closed for one in launcher.made)


@pytest.mark.asyncio
async def test_of_a_kind_that_is_seldom_used_none_waits_again_in_the_end(soon: None) -> None:
    pool, launcher = await filled(0)
    assert (pool.wanted, launcher.made) == (0, [])
    await pool.take()
    pool.refill()
    await until(lambda: len(launcher.made) == 2)
    await until(lambda: pool.wanted == 0 and launcher.made[-1].closed)
    await pool.close()
