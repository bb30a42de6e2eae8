"""Waiting without holding anything up: parts of a run wait here while others go on, and the run rests when none does.

A part that waits for a moment stays in the process. One that waits for long, or for somebody, waits only as long as another
part of the run goes on; after that the segment ends (`Parked` unwinds it), the run costs nothing but its rows, and begins again
from the memo when the time comes or somebody wakes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary


class Parked(Exception):
    """Unwinds a segment in which nothing goes on. `due` is when to begin the next one; None: only when woken."""

    def __init__(self, due: str | None) -> None:
        super().__init__(f"waits until {due}" if due else "waits for an event")
        self.due = due


def soonest(times: Iterable[str | None]) -> str | None:
    """The first of some stored times; None counts as never."""
    return min((at for at in times if at is not None), default=None)


class Room:
    """The parts of one segment: how many go on, and who waits for what.

    `stay_s` is how long everything may wait at once before the segment ends, in seconds.
    """

    def __init__(self, now: Callable[[], datetime], stay_s: float) -> None:
        self._now = now
        self._stay_s = stay_s
        self._going = 1
        self._waits: dict[asyncio.Future[None], str | None] = {}
        self._wakes = 0
        self._seen: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()

    def split(self, parts: int) -> None:
        """One part becomes several (from 1 on) that go on side by side."""
        self._going += parts - 1

    def join(self, parts: int) -> None:
        """Several parts that were cut off are one again."""
        self._going -= parts - 1

    def leave(self) -> None:
        """A part ends while others of its group go on or wait. The last of a group does not leave: it becomes one again."""
        self._going -= 1
        self._look()

    async def until(self, due: str | None) -> None:
        """Wait until `due` (stored time text), or until the run is woken: the caller looks again.

        Raises:
            Parked: every part waits, and for longer than the process should.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is not None and self._seen.get(task, 0) < self._wakes:
            # woken after this part looked and before it came here: it must look once more
            self._seen[task] = self._wakes
            return
        left = None if due is None else self._left(due)
        if left is not None and left <= 0:
            return
        future: asyncio.Future[None] = loop.create_future()
        self._waits[future] = due
        self._going -= 1
        timer = None if left is None else loop.call_later(left, self._release, future)
        try:
            self._look()
            await future
        finally:
            if timer is not None:
                timer.cancel()
            self._release(future)
            if task is not None:
                self._seen[task] = self._wakes

    def wake(self) -> None:
        """Something happened to the run: everybody who waits looks again, and everybody who is about to wait."""
        self._wakes += 1
        for future in tuple(self._waits):
            self._release(future)

    def _release(self, future: asyncio.Future[None], error: Parked | None = None) -> None:
        if future not in self._waits:
            return
        del self._waits[future]
        self._going += 1
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    def _look(self) -> None:
        """End the segment when nothing goes on and nothing will soon."""
        if self._going > 0 or not self._waits:
            return
        due = soonest(self._waits.values())
        if due is not None and self._left(due) <= self._stay_s:
            return
        for future, at in tuple(self._waits.items()):
            self._release(future, Parked(at))

    def _left(self, due: str) -> float:
        return (datetime.fromisoformat(due) - self._now()).total_seconds()
