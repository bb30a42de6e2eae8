"""The engine: starts, wakes, cancels and ends runs. What happens within one is in `segments`."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from flowapp.engine.bindings import Bindings, EngineConfig
from flowapp.engine.errors import EngineClosed
from flowapp.engine.leaves import RunsJobs
from flowapp.engine.limits import StoreLimits
from flowapp.engine.places import OnePlace, Places, Work
from flowapp.engine.remote import cancel_events
from flowapp.engine.segments import LATEST_AGAIN_S, Segments, SystemClock, missing
from flowapp.engine.suspend import StoreApprovals
from flowapp.engine.timer import BeginForgotten, CloseWaits, Timer, WakeRuns
from flowapp.expressions import Evaluator
from flowapp.store import cancels
from flowapp.store.clock import now
from flowapp.store.errors import DatabaseClosed
from flowapp.store.runs import FINISHED
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow

log = logging.getLogger(__name__)

AHEAD_S = 0.05
"""How long a run may be under way before DBOS hears of it: most runs of a cell are over by then."""
MOST_AHEAD = 16


class Engine(Bindings):
    """Runs flows. Whoever owns the runs fills in the ports (see `Bindings`) before `start`."""

    def __init__(
        self,
        store: Store,
        evaluator: Evaluator,
        runtimes: RunsJobs,
        config: EngineConfig | None = None,
        places: Places | None = None,
    ) -> None:
        super().__init__(StoreApprovals(store))
        self.limits = StoreLimits(store, self.wake)
        self._store = store
        self._places = places or OnePlace(store.home)
        self._segments = Segments(store, evaluator.evaluate, runtimes, config or EngineConfig(), self, self._places)
        self._working: dict[str, asyncio.Task[None]] = {}
        #: work that began before DBOS had recorded its segment, until DBOS asks for that segment
        self._ahead: dict[str, asyncio.Task[None]] = {}
        self._noting: set[asyncio.Task[None]] = set()
        self._ended: dict[str, list[asyncio.Future[RunRow]]] = {}
        waking = (WakeRuns(store, self.wake), CloseWaits(store, store.approvals, self.wake))
        #: What happens by itself. Schedules and retention are added by the composition, before `start`.
        self.timer = Timer(SystemClock(), (*waking, BeginForgotten(store, self.start_run)))

    async def start(self) -> None:
        """Start, and take up every run that an earlier server process left unfinished."""
        work = Work(self._segment, self._woken, self._canceled, self._segments.runner, self.observer)
        await self._places.start(work)
        left = await self._places.left_behind()
        if left is not None:
            for run in await self._store.runs.unfinished():
                if run.id not in left:
                    # its server died between storing the run and starting it, or between two segments
                    await self._places.begin(run)
        self.timer.start()

    async def close(self) -> None:
        """Stop every run where it is; finished steps are kept, and the next server goes on from there."""
        self._segments.closing = True
        await self.timer.close()
        tasks = [*self._working.values(), *self._noting]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._places.stop_work()
        await self._places.close()
        for waiting in self._ended.values():
            for future in waiting:
                future.cancel()

    async def delete_finished(self, before: str) -> int:
        """Forget, in the engine's own books, work that was over before a stored time; returns how much."""
        return await self._places.delete_finished(before)

    async def start_run(self, run_id: str, row: RunRow | None = None) -> None:
        """Begin a run whose row exists (state queued). `row` spares reading it where the caller has just stored it.

        The work begins before DBOS has recorded it, which takes as long as a short step does; what is over soon is never
        recorded there. A kill in between loses nothing: an unfinished row that DBOS does not know is begun by the next
        server that starts (`start`), or by whoever sees that its process is gone.

        Raises:
            EngineClosed: the server is stopping.
            RunNotFound: there is no such run.
        """
        if self._segments.closing:
            raise EngineClosed("The server is stopping and starts no more runs")
        run = row or await self._store.runs.get(run_id)
        if run is None:
            raise missing(run_id)
        if run.status in FINISHED or run_id in self._working:
            return
        if run.status != "queued" or len(self._ahead) >= MOST_AHEAD or not self._places.keeps(run):
            await self._places.begin(run)
            return
        work = self._ahead[run_id] = self._begin_work(run_id)
        noting = asyncio.get_running_loop().create_task(self._note(run, work), context=contextvars.Context())
        self._noting.add(noting)
        noting.add_done_callback(self._noting.discard)

    async def _note(self, run: RunRow, work: asyncio.Task[None]) -> None:
        """Have DBOS record work that is under way, if it is not over soon."""
        await asyncio.wait({work}, timeout=AHEAD_S)
        if work.done() and not work.cancelled() and work.exception() is None:
            self._ahead.pop(run.id, None)
            return
        try:
            await self._places.note(run)
        except Exception:
            self._ahead.pop(run.id, None)
            log.exception("run %s goes on, but will not be begun again at once if this process dies", run.id)

    async def wake(self, run_id: str) -> None:
        """Something that a run waits for has happened (and `run.wake_at` says so): what waits looks again.

        A run at rest gets its next segment; one that is under way here looks now, and one elsewhere when it comes to rest.
        """
        if self._segments.closing or self._segments.wake(run_id):
            return
        run = await self._store.runs.get(run_id)
        if run is not None and run.status == "suspended":
            await self._places.begin(run)
        elif run is not None and run.status == "running":
            await self._places.wake_elsewhere(run_id)

    async def cancel(self, run_id: str, by: str, reason: str = "") -> list[RunRow]:
        """Stop a run and all runs that its jobs started: processes are killed, they end as canceled.

        These runs, that one first; none when it is over already, or unknown.
        """

        def work(connection: Connection) -> list[RunRow]:
            return self._told(cancels.mark(connection, run_id, by, reason))

        marked = await self._store.database.write(work)
        await self._stop(marked)
        return marked

    def _told(self, marked: list[RunRow]) -> list[RunRow]:
        """Inside the write of their wishes: tell whoever works for these runs elsewhere."""
        for event in cancel_events([run.id for run in marked]):
            self._store.events.after_commit(event)
        return marked

    async def _stop(self, marked: Sequence[RunRow]) -> None:
        """End runs whose rows say that they are to be canceled. Where this process dies before, they are due all the same."""
        here = {run.id for run in marked if run.id in self._working}
        for run in marked:
            await self._canceled(run.id)
        for run in marked:
            if run.status != "running":
                # not begun yet, or at rest: its next segment sees the wish and ends it
                await self._places.begin(run)
            else:
                await self._places.cancel_stranded(run, here=run.id in here)

    async def _woken(self, run_id: str) -> None:
        """Another process says that something which the run waits for has happened."""
        self._segments.wake(run_id)

    async def _canceled(self, run_id: str) -> None:
        """The run is to be canceled, as its row says: stop the segment that is under way here, if one is."""
        task = self._working.get(run_id)
        if task is not None and self._segments.hear(run_id):
            task.cancel()

    async def finished(self, run_id: str) -> RunRow:
        """Wait for a run to end; returns at once when it has.

        Raises:
            RunNotFound: there is no such run.
        """
        future: asyncio.Future[RunRow] = asyncio.get_running_loop().create_future()
        self._ended.setdefault(run_id, []).append(future)
        try:
            run = await self._store.runs.get(run_id)
            if run is None:
                raise missing(run_id)
            return run if run.status in FINISHED else await future
        finally:
            waiting = self._ended.get(run_id, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._ended.pop(run_id, None)

    # --- a segment --------------------------------------------------------------------------------------------------

    async def _segment(self, run_id: str) -> None:
        """Go as far as possible with a run. Raises nothing but the cancellation of a stopping server."""
        if self._segments.closing:
            raise asyncio.CancelledError
        task = self._ahead.pop(run_id, None) or self._begin_work(run_id)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        if task.cancelled():
            raise asyncio.CancelledError
        error = task.exception()
        if error is not None:
            log.error("run %s stopped", run_id, exc_info=error)

    def _begin_work(self, run_id: str) -> asyncio.Task[None]:
        # a context of its own: a segment may begin another one, which DBOS allows outside of its steps only
        context = contextvars.Context()
        task = asyncio.get_running_loop().create_task(self._work(run_id), name=f"run {run_id}", context=context)
        self._working[run_id] = task

        def done(_: object) -> None:
            if self._working.get(run_id) is task:
                del self._working[run_id]

        task.add_done_callback(done)
        return task

    async def _work(self, run_id: str) -> None:
        run = await self._segments.work(run_id)
        while run is not None:
            try:
                await self._after(run)
            except DatabaseClosed:
                raise
            except Exception:
                log.exception("what follows segment %d of run %s is tried again", run.segment, run.id)
                await asyncio.sleep(LATEST_AGAIN_S)
            else:
                return

    async def _after(self, run: RunRow) -> None:
        """A segment is over: tell who waits for the end, stop what a canceled run started, or see to the next segment."""
        if run.status == "suspended":
            if run.canceled_by is not None or (run.wake_at is not None and run.wake_at <= now()):
                await self._places.begin(run)
            elif run.wake_at is not None:
                self.timer.soon(datetime.fromisoformat(run.wake_at))
            return
        for future in self._ended.get(run.id, ()):
            if not future.done():
                future.set_result(run)
        if run.status == "canceled":
            # What it started has had the wish since the end was written, but for what somebody else started in its name after that.
            by, reason = run.canceled_by or "", run.canceled_reason or ""
            if await self._store.database.read(lambda c: cancels.started(c, run.id)):
                await self._stop(
                    await self._store.database.write(lambda c: cancels.mark_started(c, run.id, by, reason))
                )
