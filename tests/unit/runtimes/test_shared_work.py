"""Work that several wait for."""

from __future__ import annotations

import asyncio

import pytest

from flowapp.runtimes.packages.errors import PreparingCanceled
from flowapp.runtimes.packages.shared_work import SharedWork, Tell, Waiter


async def test_done_once_and_told_to_all() -> None:
    works: SharedWork[int] = SharedWork()
    go = asyncio.Event()
    heard: list[str] = []
    begun = 0

    async def work(tell: Tell) -> int:
        nonlocal begun
        begun += 1
        await go.wait()
        tell("half")
        return 7

    waiting = [asyncio.create_task(works.do("k", work, Waiter(heard.append))) for _ in range(3)]
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*waiting) == [7, 7, 7]
    assert (begun, heard) == (1, ["half"] * 3)
    assert await works.do("k", work, Waiter(heard.append)) == 7
    assert begun == 2


async def test_stopped_when_nobody_waits_any_more() -> None:
    works: SharedWork[int] = SharedWork()
    stopped = asyncio.Event()
    canceled: set[int] = set()

    async def work(_tell: Tell) -> int:
        try:
            await asyncio.sleep(600)
        finally:
            stopped.set()
        return 0

    def waiter(number: int) -> Waiter:
        return Waiter(lambda _text: None, lambda: number in canceled)

    one, two = (asyncio.create_task(works.do("k", work, waiter(number))) for number in (1, 2))
    await asyncio.sleep(0)
    canceled.add(1)
    with pytest.raises(PreparingCanceled):
        await one
    assert not stopped.is_set()
    two.cancel()
    with pytest.raises(asyncio.CancelledError):
        await two
    assert stopped.is_set()


async def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    works: SharedWork[int] = SharedWork()

    async def fails(_tell: Tell) -> int:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await works.do("k", fails, Waiter(lambda _text: None))
