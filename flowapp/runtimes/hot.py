"""Warm processes with the packages of one lock loaded already, for locks that are used again and again.

Each is a process for one job like any other, behind the same walls; it imports what its kind of job imports while it is
idle. Which locks get such processes, how many, and for how long is bounded here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from dataclasses import dataclass, field

from flowapp.runtimes.errors import SandboxFailed
from flowapp.runtimes.guest import frames
from flowapp.runtimes.launching import Launcher, Sandbox
from flowapp.runtimes.packages.packages import Need
from flowapp.runtimes.pools import Pool

_log = logging.getLogger(__name__)
#: so many jobs within so many seconds make a lock hot
_JOBS = 2
_WITHIN_S = 120.0
_UNUSED_S = 180.0
_MOST_LOCKS = 6
_IDLE_EACH = 2
_LOAD_S = 60.0
_REMEMBERED = 256


class LoadedPool(Pool):
    """A pool of processes that have loaded their packages. `member_kb` is what one of them needs for itself."""

    def __init__(self, launcher: Launcher, load: Need, bounds: tuple[int, int, int]) -> None:
        super().__init__(launcher, load.kind, _IDLE_EACH, bounds)
        self.load = load
        self.member_kb = 0
        self.used_at = time.monotonic()

    async def make(self, *, shared: str | None, bounds: tuple[int, int, int]) -> Sandbox:
        """A new process that has loaded its packages.

        Raises:
            SandboxFailed: it could not be made, or ended while it loaded them.
        """
        sandbox = await super().make(shared=shared, bounds=bounds)
        try:
            async with asyncio.timeout(_LOAD_S):
                self.member_kb = await _loaded(sandbox, self.load)
        except BaseException as error:
            sandbox.close()
            if isinstance(error, (OSError, TimeoutError, ValueError)):
                raise SandboxFailed(f"its packages could not be loaded ({type(error).__name__})") from error
            raise
        return sandbox


async def _loaded(sandbox: Sandbox, load: Need) -> int:
    """Have a process load its packages; the memory that is its own then, in KB."""
    loop = asyncio.get_running_loop()
    header = json.dumps({"warm": {"packages": load.folder, "modules": load.modules}}).encode()
    await loop.sock_sendall(sandbox.channel, frames.JOB_HEAD.pack(len(header), 0, 0) + header)
    while True:
        kind, length = frames.FRAME_HEAD.unpack(await _exactly(sandbox, frames.FRAME_HEAD.size))
        if kind == frames.LOADED and length < 20:
            return int(await _exactly(sandbox, length))
        if kind != frames.READY:
            raise ValueError("an unexpected answer")


async def _exactly(sandbox: Sandbox, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = await asyncio.get_running_loop().sock_recv(sandbox.channel, count - len(data))
        if not piece:
            raise ConnectionResetError("it ended")
        data += piece
    return data


@dataclass(slots=True)
class HotPools:
    """The pools of all hot locks. `most_kb` bounds the memory of their idle processes together."""

    bounds: tuple[int, int, int]
    most_kb: int
    launcher: Launcher | None = None
    _pools: dict[Need, LoadedPool] = field(default_factory=dict)
    _recent: dict[Need, float] = field(default_factory=dict)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)
    _timer: asyncio.TimerHandle | None = None

    async def take(self, load: Need) -> Sandbox | None:
        """A process for a job with this load, if one is ready now; the job counts towards making some."""
        now = time.monotonic()
        pool = self._pools.get(load)
        if pool is None:
            self._consider(load, now)
            return None
        pool.used_at = now
        return await pool.take() if pool.idle else None

    def done(self, load: Need) -> None:
        """A job with this load has ended: its place in the pool is filled again, if there is memory for it."""
        pool = self._pools.get(load)
        if pool is None:
            return
        self._make_room(pool)
        if load in self._pools:
            pool.refill_soon()

    @property
    def idle(self) -> int:
        """How many processes wait now."""
        return sum(pool.idle for pool in self._pools.values())

    def _consider(self, load: Need, now: float) -> None:
        before = self._recent.pop(load, None)
        self._recent[load] = now
        while len(self._recent) > _REMEMBERED:
            del self._recent[next(iter(self._recent))]
        if self.launcher is None or self.most_kb <= 0 or not load.modules:
            return
        if before is None or now - before > _WITHIN_S:
            return
        if len(self._pools) >= _MOST_LOCKS:
            self._drop(min(self._pools.values(), key=lambda pool: pool.used_at))
        self._pools[load] = LoadedPool(self.launcher, load, self.bounds)
        self._look_later()

    def _make_room(self, pool: LoadedPool) -> None:
        """Keep the idle processes within their memory: the pools not used longest go, then the large one shrinks."""
        others = sorted((other for other in self._pools.values() if other is not pool), key=lambda other: other.used_at)
        while others and self._expected_kb() > self.most_kb:
            self._drop(others.pop(0))
        while pool.target > 1 and self._expected_kb() > self.most_kb:
            pool.target -= 1
        if self._expected_kb() > self.most_kb:
            _log.info("packages of %s are too large to be kept loaded (%d KB)", pool.load.key, pool.member_kb)
            self._drop(pool)

    def _expected_kb(self) -> int:
        return sum(pool.member_kb * pool.target for pool in self._pools.values())

    def _drop(self, pool: LoadedPool) -> None:
        self._pools.pop(pool.load, None)
        task = asyncio.get_running_loop().create_task(pool.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _look_later(self) -> None:
        if self._timer is None and self._pools:
            self._timer = asyncio.get_running_loop().call_later(_UNUSED_S / 4, self._look)

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        for pool in [pool for pool in self._pools.values() if now - pool.used_at > _UNUSED_S]:
            self._drop(pool)
        self._look_later()

    async def close(self) -> None:
        """End all of them; a later job may make new ones while there is a launcher."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for pool in list(self._pools.values()):
            self._drop(pool)
        self._recent.clear()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._closing, return_exceptions=True)
