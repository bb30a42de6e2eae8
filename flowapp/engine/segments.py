"""A segment: taking a run, going as far with it as it gets, and recording where that was."""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.engine import gates, homes, restart, wiping
from flowapp.engine.agents.models import RunModels
from flowapp.engine.bindings import Bindings, EngineConfig
from flowapp.engine.bound import BoundApprovals, BoundCache, BoundLibrary, BoundTurns, Documents
from flowapp.engine.errors import INTERRUPTIONS, RunNotFound, Unsupported, canceled_value, error_value
from flowapp.engine.interpreter import Interpreter, Ports, Started
from flowapp.engine.journal import RunJournal
from flowapp.engine.leaves import Leaves, RunsJobs, rights_of
from flowapp.engine.places import Places
from flowapp.engine.plans import plan_of
from flowapp.engine.ports import Evaluate, RunScript
from flowapp.engine.remote import cancel_events
from flowapp.engine.support import check
from flowapp.engine.values import SHARED, Done, Frame
from flowapp.engine.waiting import Parked, Room
from flowapp.errors import FlowappError
from flowapp.jsontext import NULL, JsonText, loads
from flowapp.store import cancels, executors, limits
from flowapp.store.clock import text_of
from flowapp.store.errors import DatabaseClosed, OwnershipLost
from flowapp.store.masks import masked_json
from flowapp.store.runs import job_id
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow
from flowapp.store.wiping import note

log = logging.getLogger(__name__)

AGAIN_S = 0.5
LATEST_AGAIN_S = 15.0
"""How long after an interruption a run begins again, at first and at most."""


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Segments:
    """Works on runs, one segment at a time. `closing` is set while the server stops."""

    def __init__(
        self,
        store: Store,
        evaluate: Evaluate,
        runtimes: RunsJobs,
        config: EngineConfig,
        bindings: Bindings,
        places: Places,
    ) -> None:
        self._store = store
        self._evaluate = evaluate
        self._runtimes = runtimes
        self._config = config
        self._bindings = bindings
        self._places = places
        self._clock = SystemClock()
        self._documents = Documents(store)
        self._rooms: dict[str, Room] = {}
        self._wishes: set[str] = set()
        self._sharing: set[str] = set()
        self.closing = False

    def wake(self, run_id: str) -> bool:
        """Let the parts of a run that wait look again; False when no segment of it is under way here."""
        room = self._rooms.get(run_id)
        if room is not None:
            room.wake()
        return room is not None

    def hear(self, run_id: str) -> bool:
        """Its row says that a run whose work is here is to be canceled: whether that work has to be stopped for it.

        A segment that only begins is left alone, since a stop would come between it and what it reads of the run; it reads
        the wish before it does anything. So is one that has been stopped: again would cut off what it does about the first.
        """
        known = run_id in self._wishes
        self._wishes.add(run_id)
        return run_id in self._rooms and not known

    async def work(self, run_id: str) -> RunRow | None:
        """Go as far as possible with a run. Returns its row: ended, or parked; None when it is not this segment's to have.

        What goes wrong with the run is its result. What goes wrong with us (the database is away) says nothing of the run:
        it begins again from its recorded steps, a little later each time, unless somebody has taken it over meanwhile.
        """
        token, held, delay = executors.owner_token(self._places.executor, uuid.uuid4().hex), "", AGAIN_S
        for attempt in itertools.count(1):
            owner = f"{token}.{attempt}"
            try:
                run = await self._store.runs.claim(run_id, owner, self._config.isolation, held)
                if run is None:
                    return None
                held = f"{token}."
                return await self._go(run, owner)
            except DatabaseClosed:
                raise
            except Exception:
                log.exception("run %s was interrupted; it begins again in %.1f s", run_id, delay)
            finally:
                self._wishes.discard(run_id)  # whoever begins after this reads it with the row
            await asyncio.sleep(delay)
            delay = min(2 * delay, LATEST_AGAIN_S)
        return None

    async def _go(self, run: RunRow, owner: str) -> RunRow | None:
        run_id = run.id
        rows = await self._store.runs.steps(run_id) if run.segment > 1 else []
        if run_id in self._wishes:
            run = await self._store.runs.get(run_id) or run
        room = self._rooms[run_id] = Room(self._clock.now, self._config.rules.park_after_s)
        journal = RunJournal(self._store, run, owner, rows, self._bindings.observer, rights_of(run))
        self.changed(run)
        try:
            try:
                done = Done(NULL, failed=True) if run.canceled_by else await self._interpret(run, journal, room)
                status = "canceled" if run.canceled_by else _status(done)
                value = canceled_value(run.canceled_by, run.canceled_reason or "") if run.canceled_by else done.value
            except Parked as parked:
                # whoever sees the run at rest and wakes it wants its next segment, not this one
                self._leave(run_id, room)
                return await self._uninterrupted(self._park(run, journal, parked.due))
            except asyncio.CancelledError:
                if self.closing:
                    raise
                now = await self._store.runs.get(run_id)
                if self.closing or now is None or now.canceled_by is None:
                    raise
                # the wish to cancel is in the row; finishing needs a task that is not being canceled itself
                current = asyncio.current_task()
                if current is not None:
                    current.uncancel()
                run = now
                status, value = "canceled", canceled_value(now.canceled_by or "", now.canceled_reason or "")
            return await self._uninterrupted(self._end(run, journal, status, value))
        except BaseException as error:
            if not lost(error):
                raise
            log.info("run %s was taken over by another segment", run_id)
            return None
        finally:
            self._leave(run_id, room)

    def _leave(self, run_id: str, room: Room) -> None:
        """Nothing waits in the room any more. That of a later segment, which took the run over in this very process, stays."""
        if self._rooms.get(run_id) is room:
            del self._rooms[run_id]

    async def _uninterrupted(self, work: Coroutine[Any, Any, RunRow]) -> RunRow:
        """Finish `work` even when a wish to cancel arrives meanwhile: the run has ended, there is nothing to cancel."""
        task = asyncio.get_running_loop().create_task(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if self.closing:
                raise
            return await task

    # --- running ----------------------------------------------------------------------------------------------------

    async def _interpret(self, run: RunRow, journal: RunJournal, room: Room) -> Done:
        """Run the flow; whatever prevents that becomes the run's error."""
        try:
            plan = await plan_of(self._store, run)
            flow = await self._documents.stored(run.document)
            check(flow, None if plan.run is None else frozenset(plan.run))
            bindings = self._bindings
            if plan.whole:
                args = await gates.pass_in(self._store, bindings.limits, room, run, flow)
            else:
                args = await self._store.values.get_value(run.args)
            if isinstance(args, Done):
                return args
            leaves = Leaves(self._store, self._runtimes, self._config.leaves, run, plan, bindings, room)
            leaves.shared = self._shared_folder(run, flow)
            cache = BoundCache(self._store, run, leaves.rights, self._config.leaves.secret_key, bindings.files)
            ports = Ports(
                evaluate=self._evaluate,
                run_leaf=leaves.vouching(self._places.scripts(run, leaves.run, room, bindings.limits)),
                journal=journal,
                clock=self._clock,
                expand=leaves.expand,
                waiting=room,
                library=BoundLibrary(bindings.library, run, self._documents, leaves.notice),
                approvals=BoundApprovals(bindings.approvals, run),
                cache=cache,
                lookup=leaves.lookup,
                turns=BoundTurns(bindings.limits, run) if plan.whole else None,
                hidden=partial(masked_json, self._store.masks, run.id),
                models=RunModels(leaves, self._config.calls, self._store, run, bindings.files),
            )
            abroad = homes.abroad(journal.rows, self._places.home)
            if run.restarted_from and run.segment == 1:
                journal.keep(await restart.copy(self._store, run, journal.owner, flow, ports.library.flow))
            # a flow run of no version is what a schedule puts around the flow of that path: it may call it
            around = run.kind == "flow" and run.version is None
            chain = (run.path,) if run.path and not around else ()
            frame = Frame(run.id, run.path, "", chain, (run.id,), gates.held(run, flow, args))
            started = await self._started(run, abroad)
            made = Interpreter(flow, ports, plan, self._config.rules, run.id, started, frame)
            if not plan.whole:
                return await made.run(args)
            return await gates.cached(self._store, run, flow, args, cache, made, begun=journal.begun)
        except Parked:
            raise
        except Unsupported as error:
            return Done(error_value("Unsupported", error.message), failed=True)
        except INTERRUPTIONS:
            raise
        except FlowappError as error:
            return Done(error_value("InternalErr", error.message), failed=True)
        except Exception as error:
            if interrupted(error):
                raise
            log.exception("run %s failed inside the engine", run.id)
            return Done(error_value("InternalErr", f"The engine failed: {type(error).__name__}"), failed=True)

    async def runner(self, run: RunRow) -> RunScript:
        """What runs scripts in this process for a run whose segment is in another one."""
        plan = await plan_of(self._store, run)
        room = Room(self._clock.now, self._config.rules.park_after_s)
        return Leaves(self._store, self._runtimes, self._config.leaves, run, plan, self._bindings, room).run

    async def _started(self, run: RunRow, abroad: Mapping[str, str]) -> Started:
        trigger = loads(run.trigger) if run.trigger else {}
        event = trigger.get("event")
        return Started(
            at=run.started_at or "",
            scheduled_for=run.scheduled_for,
            event=await self._store.values.get_value(event) if event else None,
            tag=run.tag,
            priority=run.priority,
            function=str(trigger.get("function") or ""),
            home=self._places.home,
            abroad=abroad,
        )

    def _shared_folder(self, run: RunRow, flow: Mapping[str, Any]) -> Path | None:
        """The folder that all steps of a `same_worker` flow see as `./shared`; it goes when the run ends.

        The cells of a draft share one folder over all their runs, until somebody resets it.
        """
        if not flow["value"].get("same_worker"):
            return None
        if run.draft_id is not None:
            return self._runtimes.shared_folder(f"draft-{run.draft_id}")
        self._sharing.add(run.id)
        return self._runtimes.shared_folder(run.id)

    # --- where a segment ends ---------------------------------------------------------------------------------------

    async def _park(self, run: RunRow, journal: RunJournal, due: str | None) -> RunRow:
        await journal.rest()
        parked = await self._store.runs.park(run.id, journal.owner, due)
        self.changed(parked)
        return parked

    async def _end(self, run: RunRow, journal: RunJournal, status: str, value: JsonText) -> RunRow:
        """Record the end of a run. Steps that are still open were cut off by it and end as canceled."""
        try:
            await journal.cancel_open(value)
        except INTERRUPTIONS:
            raise
        except Exception:
            log.exception("run %s: an open step could not be ended", run.id)
        flow = await self._documents.stored(run.document)
        await gates.pass_out(self._store, self._bindings.limits, run, flow)
        store, prepared = self._store, await self._store.values.prepare(value)
        failed = status in ("failure", "canceled")
        ended_at = self._clock.now()
        wishes = wiping.wishes(run, flow, journal.noted(wiping.WISH))
        times = {path: text_of(ended_at + timedelta(seconds=after)) for path, after in wishes.items()}

        def work(connection: Connection) -> RunRow:
            store.values.insert(connection, prepared)
            store.approvals.close(connection, run.id)
            limits.give_back_all(connection, run.id)
            note(connection, run.id, times)
            if status == "canceled":
                marked = cancels.mark_started(connection, run.id, run.canceled_by or "", run.canceled_reason or "")
                for event in cancel_events([one.id for one in marked]):
                    store.events.after_commit(event)
            return store.runs.end(connection, run.id, journal.owner, status, prepared.hash, failed=failed)

        ended = await store.database.record(work)
        folders = [job_id(run.id, path) for path in journal.noted(SHARED)]
        if run.id in self._sharing or run.segment > 1:
            self._sharing.discard(run.id)
            folders.append(run.id)
        for folder in folders:
            await asyncio.to_thread(self._runtimes.drop_shared_folder, folder)
        self.changed(ended)
        return ended

    def changed(self, run: RunRow) -> None:
        """Tell the observer."""
        if self._bindings.observer is not None:
            self._bindings.observer.run_changed(run)


def lost(error: BaseException) -> bool:
    """Whether this is (or holds, from parallel steps) the news that another segment owns the run."""
    if isinstance(error, BaseExceptionGroup):
        return any(lost(inner) for inner in error.exceptions)
    return isinstance(error, OwnershipLost)


def interrupted(error: BaseException) -> bool:
    """Whether this is (or holds) something that happened to us and not to the run: see `INTERRUPTIONS`."""
    if isinstance(error, BaseExceptionGroup):
        return any(interrupted(inner) for inner in error.exceptions)
    return isinstance(error, INTERRUPTIONS)


def missing(run_id: str) -> RunNotFound:
    """The error for a run that is not there."""
    return RunNotFound(f"There is no run {run_id}")


def _status(done: Done) -> str:
    if done.failed:
        return "failure"
    skipped = done.skipped or (done.stop is not None and done.stop.skipped)
    return "skipped" if skipped else "success"
