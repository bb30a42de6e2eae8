"""The one timer of a server: whatever happens by itself at a certain moment happens here.

It knows nothing of what it does: a duty does what is due and says when it wants to look again. Between two looks the timer
sleeps. Several servers may run it over one database, therefore each duty claims what it does by a conditional update, or
does what can be done twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy.engine import Connection

from flowapp.store.clock import text_of
from flowapp.store.errors import DatabaseClosed
from flowapp.store.stores import Store
from flowapp.store.timetable import AT_ONCE, Due, due_runs, forgotten_runs, next_wake, take

log = logging.getLogger(__name__)

POLL = timedelta(seconds=1)
"""The longest that a duty which shares a database sleeps: another server may have put something in."""
GAP = timedelta(milliseconds=20)
"""The shortest: what is due keeps the timer busy, but never all the time."""
LEASE = timedelta(seconds=30)
"""How long a run that was begun is left alone before it is begun again, should nothing have come of it."""
FORGOTTEN = timedelta(seconds=15)
EXPIRE_EVERY = timedelta(hours=1)
EXPIRE_FIRST = timedelta(minutes=5)
WIPE_EVERY = timedelta(seconds=15)
_COMPLAIN_EVERY = timedelta(minutes=1)


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The present moment, aware."""


class Duty(Protocol):
    """Something that happens by itself."""

    @property
    def name(self) -> str:
        """What logs call it."""

    async def look(self, now: datetime) -> datetime:
        """Do what is due at `now`; returns when to look again. Whatever it raises is logged, and it is asked again."""


@dataclass(slots=True)
class _Slot:
    duty: Duty
    at: datetime
    task: asyncio.Task[datetime] | None = None
    wanted: datetime | None = None  #: somebody asked for a look while one was going on
    complained: datetime | None = None


def next_look(now: datetime, due: str | datetime | None, poll: timedelta = POLL) -> datetime:
    """When to look again if the next known thing is due at `due`: never all the time, never later than `poll` from now."""
    latest = now + poll
    if due is None:
        return latest
    moment = due if isinstance(due, datetime) else datetime.fromisoformat(due)
    return min(latest, max(moment, now + GAP))


class Timer:
    """Runs duties at their moments. `add` them before `start`."""

    def __init__(self, clock: Clock, duties: Iterable[Duty] = ()) -> None:
        self._clock = clock
        self._slots = [_Slot(duty, _EARLIEST) for duty in duties]
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, duty: Duty) -> None:
        """Have one more thing done."""
        self._slots.append(_Slot(duty, _EARLIEST))
        self._changed.set()

    def soon(self, at: datetime | None = None) -> None:
        """Look at `at`, or at once: something is due then that the timer cannot know of yet. On the event loop only."""
        moment = at or _EARLIEST
        for slot in self._slots:
            if slot.task is not None:
                slot.wanted = moment if slot.wanted is None else min(slot.wanted, moment)
            elif moment < slot.at:
                slot.at = moment
                self._changed.set()

    def start(self) -> None:
        """Begin, on the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="timer")

    async def close(self) -> None:
        """Stop; what is in the middle of something is canceled."""
        tasks: list[asyncio.Task[None] | asyncio.Task[datetime]] = []
        if self._task is not None:
            tasks.append(self._task)
        tasks += [slot.task for slot in self._slots if slot.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None

    def begin_due(self) -> float | None:
        """Start the look of every duty whose moment has come; seconds until the next one, None when all are busy."""
        now = self._clock.now()
        idle: list[datetime] = []
        for slot in self._slots:
            if slot.task is None and slot.at <= now:
                self._begin(slot, now)
            if slot.task is None:
                idle.append(slot.at)
        return max(0.0, (min(idle) - now).total_seconds()) if idle else None

    def _begin(self, slot: _Slot, now: datetime) -> None:
        task = asyncio.get_running_loop().create_task(slot.duty.look(now), name=f"timer: {slot.duty.name}")
        slot.task = task
        task.add_done_callback(lambda done: self._done(slot, done))

    def _done(self, slot: _Slot, task: asyncio.Task[datetime]) -> None:
        slot.task = None
        now = self._clock.now()
        if task.cancelled():
            slot.at = now + POLL
        elif (error := task.exception()) is not None:
            slot.at = now + POLL
            self._complain(slot, error, now)
        else:
            slot.at = max(task.result(), now + GAP)
            slot.complained = None
        if slot.wanted is not None:
            slot.at = min(slot.at, max(slot.wanted, now + GAP))
            slot.wanted = None
        self._changed.set()

    def _complain(self, slot: _Slot, error: BaseException, now: datetime) -> None:
        if isinstance(error, DatabaseClosed):
            return
        if slot.complained is None or now - slot.complained >= _COMPLAIN_EVERY:
            slot.complained = now
            log.error("timer: %s failed; it is tried again", slot.duty.name, exc_info=error)

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            seconds = self.begin_due()
            if self._changed.is_set():
                continue
            # not `wait_for`: a cancellation that meets a change of `_changed` is lost in it, and `close` would wait for ever
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()


class WakeRuns:
    """Begins the next segment of every run whose moment has come (a sleep, a retry, a decision, a delayed start)."""

    name = "waking runs"

    def __init__(self, store: Store, wake: Callable[[str], Awaitable[None]]) -> None:
        self._store = store
        self._wake = wake

    async def look(self, now: datetime) -> datetime:
        """Wake what is due."""
        due, later = await self._store.database.read(lambda c: (due_runs(c, now), next_wake(c, now)))
        if due:
            await _begin_each(await _take(self._store, due, "suspended", now + LEASE), self._wake)
        return next_look(now, now if len(due) == AT_ONCE else later)


class BeginForgotten:
    """Begins runs that were stored and then not begun, because their server was killed between the two."""

    name = "beginning forgotten runs"

    def __init__(self, store: Store, begin: Callable[[str], Awaitable[None]]) -> None:
        self._store = store
        self._begin = begin

    async def look(self, now: datetime) -> datetime:
        """Begin those that are older than some seconds."""
        found = await self._store.database.read(lambda c: forgotten_runs(c, now, FORGOTTEN))
        if found:
            await _begin_each(await _take(self._store, found, "queued", now + 2 * LEASE), self._begin)
        return now + FORGOTTEN / 3


class TimesOut(Protocol):
    """The waits for people's answers, as `store.approvals` has them."""

    def time_out(self, connection: Connection, moment: str | None = None) -> list[str]:
        """Decide every open wait whose time is over; the ids of the runs that are due by that."""

    def next_timeout(self, connection: Connection) -> str | None:
        """When the next open wait is over."""


class CloseWaits:
    """Ends waits for approval whose time is over."""

    name = "ending waits for approval"

    def __init__(self, store: Store, waits: TimesOut, wake: Callable[[str], Awaitable[None]]) -> None:
        self._store = store
        self._waits = waits
        self._wake = wake

    async def look(self, now: datetime) -> datetime:
        """Time out what is due, and let those runs go on."""
        moment = text_of(now)
        following = await self._store.database.read(self._waits.next_timeout)
        if following is not None and following <= moment:
            woken = await self._store.database.write(lambda c: self._waits.time_out(c, moment))
            await _begin_each(woken, self._wake)
            following = await self._store.database.read(self._waits.next_timeout)
        return next_look(now, following)


class Expire:
    """Removes what has outlived its time, again and again; the first time a while after the start, which has enough to do."""

    name = "removing what has expired"

    def __init__(
        self,
        expire: Callable[[], Awaitable[object]],
        every: timedelta = EXPIRE_EVERY,
        first: timedelta = EXPIRE_FIRST,
    ) -> None:
        self._expire = expire
        self._every = every
        self._first = first
        self._begun: datetime | None = None

    async def look(self, now: datetime) -> datetime:
        """Remove it."""
        if self._begun is None:
            self._begun = now
        if now < self._begun + self._first:
            return self._begun + self._first
        await self._expire()
        return now + self._every


async def _take(store: Store, due: Sequence[Due], status: str, until: datetime) -> list[str]:
    def work(connection: Connection) -> list[str]:
        return [each.run_id for each in due if take(connection, each, status, until)]

    return await store.database.write(work)


async def _begin_each(run_ids: Iterable[str], begin: Callable[[str], Awaitable[None]]) -> None:
    """Begin runs; one that cannot be begun keeps no other from it, and is due again when its lease is over."""
    for run_id in run_ids:
        try:
            await begin(run_id)
        except Exception:
            log.exception("timer: run %s could not be begun", run_id)


_EARLIEST = datetime.min.replace(tzinfo=UTC)
