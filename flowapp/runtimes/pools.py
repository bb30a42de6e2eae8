"""Warm processes of one kind, each for one job."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from flowapp.runtimes.errors import SandboxFailed
from flowapp.runtimes.launching import Launcher, Sandbox

REFILL_AFTER_S = 0.03
_log = logging.getLogger(__name__)


class Pool:
    """Keeps `target` sandboxes idle. They are refilled after a job, never while it waits."""

    def __init__(self, launcher: Launcher, kind: str, target: int, bounds: tuple[int, int, int]) -> None:
        self.kind = kind
        self.target = target
        self._launcher = launcher
        self.bounds = bounds
        self._idle: deque[Sandbox] = deque()
        self._refills: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._closed = False

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
        if len(self._idle) * 2 < self.target:
            self.refill()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(REFILL_AFTER_S, self._refill_now)

    def _refill_now(self) -> None:
        self._later = None
        self.refill()

    def refill(self) -> None:
        """Ask for what is missing; returns at once."""
        for _ in range(self.target - len(self._idle) - len(self._refills)):
            task = asyncio.get_running_loop().create_task(self._add())
            self._refills.add(task)
            task.add_done_callback(self._refills.discard)

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
        if self._later is not None:
            self._later.cancel()
        for task in list(self._refills):
            task.cancel()
        await asyncio.gather(*self._refills, return_exceptions=True)
        while self._idle:
            self._idle.popleft().close()
