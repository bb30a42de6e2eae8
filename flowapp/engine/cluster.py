"""Several servers and workers over one database: who is alive, whose work is taken over, who is told what.

Every process beats once a second, by the database's clock. Whoever sees that work belongs to a process that has not beaten
for `DEAD_AFTER_S` gives it to the living; all of them may do so at once. A process that only slept, and comes back after
that, is fenced: its runs have another owner, so its next write is refused.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from flowapp.engine.remote import TOPIC, home_event, queued_event, wake_event
from flowapp.store import executors
from flowapp.store.errors import StoreError
from flowapp.store.events import Event
from flowapp.store.executors import Executor
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow

log = logging.getLogger(__name__)

BEAT_S = 1.0
DEAD_AFTER_S = 5.0
GAP_S = DEAD_AFTER_S / 2
"""Between two beats of this process: after a longer one it gives nobody up for as long again."""
SWEEP_S = 1.0
"""How often to look who is alive."""
STRAY_S = 5.0
"""How often to look for work of the dead although the same processes are alive as before."""
FORGET_AFTER_S = 600.0
DEFAULT_TAG = "default"


def new_executor(kind: str, tags: tuple[str, ...]) -> Executor:
    """This process, under an id that nobody had before."""
    host = socket.gethostname()
    return Executor(f"{kind}-{uuid.uuid4().hex}", kind, host, tags)


class Cluster:
    """One process's membership. `take_over` gives the work of the dead to the living; returns how much there was."""

    def __init__(
        self,
        store: Store,
        me: Executor,
        take_over: Callable[[set[str]], Awaitable[int]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.me = me
        self.tags_alive: frozenset[str] = frozenset(me.tags)
        self._store = store
        self._clock = clock
        self._take_over = take_over
        self._others = 0
        self._beaten = self._judges_from = 0.0
        self._alive: set[str] = set()
        self._looked = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._untold: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    @property
    def helpers(self) -> int:
        """How many other processes take work of the tag `default`, as of the last look."""
        return self._others

    async def start(
        self,
        woken: Callable[[str], Awaitable[None]],
        canceled: Callable[[str], Awaitable[None]],
        queued: Callable[[Iterable[str]], None],
        home: Callable[[str, int, str], Awaitable[None]],
    ) -> None:
        """Beat, sweep and listen until `stop`.

        `woken` and `canceled` get the ids of runs that others speak of, `queued` the tags on whose queues they put something,
        `home` the ids of runs whose shared folder is here (see `homes.py`), with the number of the segment that is to begin
        here, and the call for it.
        """
        await self._beat()
        loop = asyncio.get_running_loop()
        subscription = self._store.events.subscribe([TOPIC])

        async def listen() -> None:
            async for event in subscription:
                run_id = str(event.data.get("run_id", ""))
                if event.type == "wake" and run_id:
                    await _guarded(woken(run_id), f"wake {run_id}")
                if event.type == "cancel":
                    # servers of the version before name one run
                    for one in event.data.get("run_ids", [run_id] if run_id else ()):
                        await _guarded(canceled(str(one)), f"cancel {one}")
                if event.type == "home" and event.data.get("home") in self.me.tags:
                    number, call = int(event.data.get("number", 0)), str(event.data.get("call", ""))
                    await _guarded(home(run_id, number, call), f"home {run_id}")
                if event.type == "queued":
                    queued(event.data.get("tags", ()))

        self._tasks = [
            loop.create_task(self._every(BEAT_S, self._beat, "heartbeat"), name="heartbeat"),
            loop.create_task(self._every(SWEEP_S, self._sweep, "takeover"), name="takeover"),
            loop.create_task(listen(), name="cluster events"),
        ]

    async def stop(self) -> None:
        """Leave in good order."""
        tasks = [*self._tasks, *([self._telling] if self._telling is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(StoreError):
            await self._store.database.write(lambda c: executors.leave(c, self.me.id))

    async def tell_wake(self, run_id: str) -> None:
        """Have the process that works on the run look again."""
        await self._tell(wake_event(run_id))

    async def tell_home(self, run: RunRow, home: str, call: str) -> None:
        """Have a process with this data folder begin the run's next segment: one of them, and once for each `call`."""
        await self._tell(home_event(run, home, call))

    def tell_queued(self, tag: str) -> None:
        """Have every process that takes work of this tag look at its queue. What comes while others are told goes together."""
        self._untold.add(tag)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell_queued())

    async def _tell_queued(self) -> None:
        while self._untold:
            event, self._untold = queued_event(self._untold), set()
            await _guarded(self._tell(event), "telling of queued work")

    async def _tell(self, event: Event) -> None:
        await self._store.database.write(lambda c: self._store.events.after_commit(event))

    async def _beat(self) -> None:
        await self._store.database.write(lambda c: executors.beat(c, self.me))
        before, self._beaten = self._beaten, self._clock()
        if before and self._beaten - before > GAP_S:
            self._judges_from = self._beaten + GAP_S

    def _may_judge(self) -> bool:
        """Whether a silence of others is theirs.

        Where this process could not beat itself, the database was away, or the whole machine asleep: then all were silent,
        and get the time to beat again. Asked after looking, since a look waits for a database that is away.
        """
        return self._clock() - self._beaten <= GAP_S and self._clock() >= self._judges_from

    async def _sweep(self) -> None:
        alive = await self._store.database.read(lambda c: executors.alive(c, DEAD_AFTER_S))
        ids = {executor.id for executor in alive} | {self.me.id}
        self.tags_alive = frozenset(tag for executor in alive for tag in executor.tags) | frozenset(self.me.tags)
        self._others = sum(DEFAULT_TAG in executor.tags for executor in alive if executor.id != self.me.id)
        now = self._clock()
        if not self._may_judge() or (ids == self._alive and now - self._looked < STRAY_S):
            return
        taken = await self._take_over(ids)
        self._alive, self._looked = ids, now
        if taken:
            log.warning("took over %d pieces of work of processes that are gone", taken)
        await self._store.database.write(lambda c: executors.forget(c, FORGET_AFTER_S))

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]], what: str) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + seconds, loop.time())
            await asyncio.sleep(due - loop.time())
            await _guarded(work(), what)


async def _guarded(work: Awaitable[None], what: str) -> None:
    try:
        await work
    except StoreError as error:
        log.warning("%s: %s", what, error.message)
    except Exception:
        log.exception("%s failed", what)
