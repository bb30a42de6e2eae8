"""One piece of work that several jobs wait for: done once, told to all, stopped when nobody waits any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from flowapp.runtimes.packages.errors import PreparingCanceled

T = TypeVar("T")
Tell = Callable[[str], None]
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Waiter:
    """Who waits: hears of the progress, and may not want it any more."""

    tell: Tell
    is_canceled: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class _Work(Generic[T]):
    task: asyncio.Task[T]
    waiters: list[Waiter] = field(default_factory=list)


class SharedWork(Generic[T]):
    """Work under way, by its key."""

    def __init__(self) -> None:
        self._works: dict[str, _Work[T]] = {}

    async def do(self, key: str, work: Callable[[Tell], Awaitable[T]], waiter: Waiter) -> T:
        """The result of `work`, which is begun unless somebody else waits for it already.

        Raises:
            PreparingCanceled: the waiter does not want it any more.
            Exception: whatever the work raised.
        """
        found = self._works.get(key)
        if found is None:
            found = self._works[key] = self._begun(key, work)
        found.waiters.append(waiter)
        try:
            while not found.task.done():
                if waiter.is_canceled():
                    raise PreparingCanceled
                await asyncio.wait({found.task}, timeout=_LOOK_S)
            if found.task.cancelled():
                raise PreparingCanceled
            return found.task.result()
        finally:
            found.waiters.remove(waiter)
            if not found.waiters and not found.task.done():
                self._forget(key, found)
                found.task.cancel()
                await asyncio.wait({found.task})

    def _begun(self, key: str, work: Callable[[Tell], Awaitable[T]]) -> _Work[T]:
        waiters: list[Waiter] = []

        def tell(text: str) -> None:
            for waiter in waiters:
                waiter.tell(text)

        async def run() -> T:
            return await work(tell)

        made = _Work(asyncio.get_running_loop().create_task(run()), waiters)
        made.task.add_done_callback(lambda _task: self._forget(key, made))
        return made

    def _forget(self, key: str, work: _Work[T]) -> None:
        if self._works.get(key) is work:
            del self._works[key]

    async def close(self) -> None:
        """Stop everything."""
        tasks = [work.task for work in self._works.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
