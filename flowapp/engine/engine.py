"""The engine: starts, resumes, cancels and ends runs."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowapp.engine.durable import Durable
from flowapp.engine.errors import EngineClosed, RunNotFound, Unsupported, canceled_value, error_value
from flowapp.engine.interpreter import Interpreter, Ports, Rules
from flowapp.engine.journal import RunJournal
from flowapp.engine.leaves import LeafSettings, Leaves, RunsJobs, rights_of
from flowapp.engine.ports import Evaluate, Secrets, StepObserver, Tokens
from flowapp.engine.support import check
from flowapp.engine.timer import BeginForgotten, CloseWaits, Timer, WakeRuns
from flowapp.engine.values import Done, Plan
from flowapp.errors import FlowappError
from flowapp.expressions import Evaluator
from flowapp.jsontext import JsonText, loads
from flowapp.openflow import documents
from flowapp.openflow.walk import walk
from flowapp.store.errors import DatabaseClosed, OwnershipLost
from flowapp.store.runs import FINISHED
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow

log = logging.getLogger(__name__)
_PARSED = 64


@dataclass(slots=True)
class EngineConfig:
    """What the composition decides. `isolation` is what the runtimes reached, noted on every run."""

    leaves: LeafSettings = field(default_factory=LeafSettings)
    rules: Rules = field(default_factory=Rules)
    isolation: str = ""


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Engine:
    """Runs flows. `observer`, `secrets` and `tokens` are set by whoever owns the runs, before `start`."""

    def __init__(
        self, store: Store, evaluator: Evaluator, runtimes: RunsJobs, config: EngineConfig | None = None
    ) -> None:
        self.observer: StepObserver | None = None
        self.secrets: Secrets | None = None
        self.tokens: Tokens | None = None
        self._store = store
        self._evaluate: Evaluate = evaluator.evaluate
        self._runtimes = runtimes
        self._config = config or EngineConfig()
        self._durable = Durable(store.home, self._segment)
        self._working: dict[str, asyncio.Task[None]] = {}
        #: work that began before DBOS had recorded its segment, until DBOS asks for that segment
        self._ahead: dict[str, asyncio.Task[None]] = {}
        #: runs of `_working` that are ours: from here on a wish to cancel reaches the work, before it the work reads the wish
        self._claimed: set[str] = set()
        self._ended: dict[str, list[asyncio.Future[RunRow]]] = {}
        self._flows: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
        self._sharing: set[str] = set()
        self._closing = False
        waking = (WakeRuns(store, self.wake), CloseWaits(store, store.approvals, self.wake))
        #: What happens by itself. Schedules and retention are added by the composition, before `start`.
        self.timer = Timer(SystemClock(), (*waking, BeginForgotten(store, self.start_run)))

    async def start(self) -> None:
        """Start, and take up every run that an earlier server process left unfinished."""
        self._durable.launch()
        pending = await self._durable.pending()
        for run in await self._store.runs.unfinished():
            if run.id not in pending:
                # its server died between storing the run and starting it, or between the end of a segment and the next
                await self._durable.begin(run.id, run.segment)
        self.timer.start()

    async def close(self) -> None:
        """Stop every run where it is; finished steps are kept, and the next server goes on from there."""
        self._closing = True
        await self.timer.close()
        tasks = list(self._working.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._durable.close()
        for waiting in self._ended.values():
            for future in waiting:
                future.cancel()

    async def start_run(self, run_id: str, row: RunRow | None = None) -> None:
        """Begin a run whose row exists (state queued). `row` spares reading it where the caller has just stored it.

        The work begins before DBOS has recorded it, which takes as long as a short step does. A kill in between loses
        nothing: an unfinished row that DBOS does not know is what a starting server begins (`start`).

        Raises:
            EngineClosed: the server is stopping.
            RunNotFound: there is no such run.
        """
        if self._closing:
            raise EngineClosed("The server is stopping and starts no more runs")
        run = row or await self._store.runs.get(run_id)
        if run is None:
            raise RunNotFound(f"There is no run {run_id}")
        if run.status in FINISHED or run_id in self._working:
            return
        if run.status == "queued":
            self._ahead[run_id] = self._begin_work(run_id)
        try:
            await self._durable.begin(run_id, run.segment)
        except BaseException:
            self._ahead.pop(run_id, None)
            raise

    async def wake(self, run_id: str) -> None:
        """Begin the next segment of a suspended run that is due; does nothing for any other."""
        if self._closing:
            return
        run = await self._store.runs.get(run_id)
        if run is not None and run.status == "suspended" and run_id not in self._working:
            await self._durable.begin(run_id, run.segment)

    async def cancel(self, run_id: str, by: str, reason: str = "") -> bool:
        """Stop a run: its processes are killed, it ends as canceled. False when it is over already, or unknown."""
        run = await self._store.runs.ask_cancel(run_id, by, reason)
        if run is None:
            return False
        task = self._working.get(run_id)
        if task is not None and run_id in self._claimed:
            task.cancel()
        elif task is None:
            # not begun yet, or left by an earlier process: its next segment sees the wish and ends it
            await self._durable.begin(run_id, run.segment)
        return True

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
                raise RunNotFound(f"There is no run {run_id}")
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
        if self._closing:
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
        task = asyncio.get_running_loop().create_task(self._work(run_id), name=f"run {run_id}")
        self._working[run_id] = task

        def done(_: object) -> None:
            if self._working.get(run_id) is task:
                del self._working[run_id]
                self._claimed.discard(run_id)

        task.add_done_callback(done)
        return task

    async def _work(self, run_id: str) -> None:
        owner = uuid.uuid4().hex
        run = await self._store.runs.claim(run_id, owner, self._config.isolation)
        if run is None:
            return
        self._claimed.add(run_id)
        rows = await self._store.runs.steps(run_id) if run.segment > 1 else []
        journal = RunJournal(self._store, run, owner, rows, self.observer, rights_of(run))
        self._changed(run)
        try:
            try:
                done = Done(JsonText("null"), failed=True) if run.canceled_by else await self._interpret(run, journal)
                status = "canceled" if run.canceled_by else _status(done)
                value = canceled_value(run.canceled_by, run.canceled_reason or "") if run.canceled_by else done.value
            except asyncio.CancelledError:
                now = await self._store.runs.get(run_id)
                if self._closing or now is None or now.canceled_by is None:
                    raise
                # the wish to cancel is in the row; finishing needs a task that is not being canceled itself
                current = asyncio.current_task()
                if current is not None:
                    current.uncancel()
                status, value = "canceled", canceled_value(now.canceled_by, now.canceled_reason or "")
            await self._uninterrupted(self._end(run, journal, status, value))
        except BaseException as error:
            if not _lost(error):
                raise
            log.info("run %s was taken over by another segment", run_id)

    async def _uninterrupted(self, work: Coroutine[Any, Any, None]) -> None:
        """Finish `work` even when a wish to cancel arrives meanwhile: the run has ended, there is nothing to cancel."""
        task = asyncio.get_running_loop().create_task(work)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._closing:
                raise
            await task

    async def _interpret(self, run: RunRow, journal: RunJournal) -> Done:
        """Run the flow; whatever prevents that becomes the run's error."""
        try:
            plan = await self._plan(run)
            flow = await self._flow(run.document)
            check(flow, None if plan.run is None else frozenset(plan.run))
            leaves = Leaves(
                self._store,
                self._runtimes,
                self._config.leaves,
                run,
                plan,
                secrets=self.secrets,
                tokens=self.tokens,
                shared=self._shared_folder(run, flow),
            )
            ports = Ports(self._evaluate, leaves.run, journal, SystemClock(), leaves.expand, leaves.lookup)
            args = await self._store.values.get_value(run.args)
            interpreter = Interpreter(flow, ports, plan, self._config.rules, run.id, run.started_at or "")
            return await interpreter.run(args)
        except Unsupported as error:
            return Done(error_value("Unsupported", error.message), failed=True)
        except (OwnershipLost, DatabaseClosed):
            raise
        except FlowappError as error:
            return Done(error_value("InternalErr", error.message), failed=True)
        except Exception as error:
            if _lost(error):
                raise
            log.exception("run %s failed inside the engine", run.id)
            return Done(error_value("InternalErr", f"The engine failed: {type(error).__name__}"), failed=True)

    def _shared_folder(self, run: RunRow, flow: Mapping[str, Any]) -> Path | None:
        """The folder that all steps of a `same_worker` flow see as `./shared`; it goes when the run ends."""
        if not flow["value"].get("same_worker"):
            return None
        self._sharing.add(run.id)
        return self._runtimes.shared_folder(run.id)

    async def _flow(self, digest: str) -> Mapping[str, Any]:
        """The parsed document, kept for the next run of the same one. Never changed by anyone."""
        flow = self._flows.get(digest)
        if flow is None:
            flow = loads(await self._store.values.get_value(digest))
            if any(not place.step_id for place in walk(flow)):
                flow = documents.fill_ids(flow)
            self._flows[digest] = flow
            if len(self._flows) > _PARSED:
                self._flows.popitem(last=False)
        else:
            self._flows.move_to_end(digest)
        return flow

    async def _plan(self, run: RunRow) -> Plan:
        if not run.plan:
            return Plan()
        plan = loads(run.plan)
        given: dict[str, JsonText] = {}
        for step_id, source in (plan.get("given") or {}).items():
            row = await self._store.runs.step(str(source["run_id"]), str(source["path"]))
            if row is None or row.result is None:
                message = f"The result of {step_id} that this run builds on is gone"
                raise RunNotFound(message, f"Run {step_id} again.")
            given[str(step_id)] = await self._store.values.get_value(row.result)
        return Plan(
            run=tuple(str(step_id) for step_id in plan.get("run") or ()),
            given=given,
            reuse=bool(plan.get("reuse")),
            never=frozenset(str(step_id) for step_id in plan.get("never") or ()),
        )

    async def _end(self, run: RunRow, journal: RunJournal, status: str, value: JsonText) -> None:
        """Record the end of a run. Steps that are still open were cut off by it and end as canceled."""
        try:
            await journal.cancel_open(value)
        except OwnershipLost:
            raise
        except Exception:
            log.exception("run %s: an open step could not be ended", run.id)
        await self._finish(run, journal.owner, status, value)

    async def _finish(self, run: RunRow, owner: str, status: str, value: JsonText) -> None:
        store = self._store
        prepared = await store.values.prepare(value)
        failed = status in ("failure", "canceled")

        def work(connection: Any) -> RunRow:
            store.values.insert(connection, prepared)
            return store.runs.end(connection, run.id, owner, status, prepared.hash, failed=failed)

        ended = await store.database.write(work)
        if run.id in self._sharing or run.segment > 1:
            self._sharing.discard(run.id)
            await asyncio.to_thread(self._runtimes.drop_shared_folder, run.id)
        self._changed(ended)
        for future in self._ended.get(run.id, ()):
            if not future.done():
                future.set_result(ended)

    def _changed(self, run: RunRow) -> None:
        if self.observer is not None:
            self.observer.run_changed(run)


def _status(done: Done) -> str:
    if done.failed:
        return "failure"
    skipped = done.skipped or (done.stop is not None and done.stop.skipped)
    return "skipped" if skipped else "success"


def _lost(error: BaseException) -> bool:
    """Whether this is (or holds, from parallel steps) the news that another segment owns the run."""
    if isinstance(error, BaseExceptionGroup):
        return any(_lost(inner) for inner in error.exceptions)
    return isinstance(error, OwnershipLost)
