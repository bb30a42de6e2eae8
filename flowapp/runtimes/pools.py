"""Warm processes of one kind, each for one job."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque

from flowapp.runtimes.errors import SandboxFailed
from flowapp.runtimes.launching import Launcher, Sandbox

REFILL_AFTER_S = 0.03
#: a pool that nobody took from for so long keeps one, or none where none waited from the start
UNUSED_S = 600.0
_log = logging.getLogger(__name__)


class Pool:
    """Keeps `target` sandboxes idle, and fewer when nobody has taken one for a while. They are refilled after a job, never while it waits."""

    def __init__(self, launcher: Launcher, kind: str, target: int, bounds: tuple[int, int, int]) -> None:
        self.kind = kind
        self.target = target
        self._least = min(target, 1)
        self._launcher = launcher
        self.bounds = bounds
        self._idle: deque[Sandbox] = deque()
        self._refills: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._closed = False
        self._used_at = time.monotonic()
        self._resting = False
        self._look: asyncio.TimerHandle | None = None

    @property
    def wanted(self) -> int:
        """How many ought to wait now."""
        return min(self.target, self._least) if self._resting else self.target

    @property
    def idle(self) -> int:
        """How many wait now."""
        return len(self._idle)

    async def take(self) -> Sandbox:
        """The one that has waited longest, or a new one.

        Raises:
            SandboxFailed: there is none and none can be made.
        """
        # Who comes once comes again: a kind that none waits for has one ready from its first job on.
        self.target = max(self.target, 1)
        self._resting = False
        self._used_at = time.monotonic()
        while self._idle:
            sandbox = self._idle.popleft()
            if not sandbox.gone.done():
                return sandbox
            sandbox.close()
        return await self.make(shared=None, bounds=self.bounds)

    async def make(self, *, shared: str | None, bounds: tuple[int, int, int]) -> Sandbox:
        """A new one with something of its own."""
        return await self._launcher.sandbox(self.kind, shared=shared, bounds=bounds)

    def refill_soon(self) -> None:
        """`refill` a moment after a job: at once it would take the processor from whoever waits for the job's result.

        While jobs come fast, so that half of the pool is gone, it does begin at once.
        """
        if len(self._idle) * 2 < self.wanted:
            self.refill()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(REFILL_AFTER_S, self._refill_now)

    def _refill_now(self) -> None:
        self._later = None
        self.refill()

    def refill(self) -> None:
        """Ask for what is missing; returns at once."""
        if self._look is None and not self._closed:
            self._look = asyncio.get_running_loop().call_later(UNUSED_S, self._rest_if_unused)
        for _ in range(self.wanted - len(self._idle) - len(self._refills)):
            task = asyncio.get_running_loop().create_task(self._add())
            self._refills.add(task)
            task.add_done_callback(self._refills.discard)

    def _rest_if_unused(self) -> None:
        left = self._used_at + UNUSED_S - time.monotonic()
        if left > 0:
            self._look = asyncio.get_running_loop().call_later(left, self._rest_if_unused)
            return
        self._look = None  # the refill after the next job looks again
        self._resting = True
        while len(self._idle) > self.wanted:
            self._idle.popleft().close()

    async def _add(self) -> None:
        try:
            sandbox = await self.make(shared=None, bounds=self.bounds)
        except SandboxFailed as error:
            _log.warning("a warm process could not be made: %s", error.message)
            return
        if self._closed:
            sandbox.close()
        else:
            self._idle.append(sandbox)

    async def close(self) -> None:
        """End the idle ones."""
        self._closed = True
        for timer in (self._later, self._look):
            if timer is not None:
                timer.cancel()
        for task in list(self._refills):
            task.cancel()
        await asyncio.gather(*self._refills, return_exceptions=True)
        while self._idle:
            self._idle.popleft().close()
