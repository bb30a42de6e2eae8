"""DBOS, and the only place that knows it: a run is a workflow, a segment of it a step.

What DBOS gives us: work that was begun is begun again when its process is gone, queues from which several machines take
work, and a workflow id that can be started only once. What it does not do for us: remember steps of flows. Those are our own
rows (see `journal.py`), which pages need anyway and which cost a tenth of a DBOS step each.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import threading
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, Serializer, SetEnqueueOptions, SetWorkflowID
from dbos._queue import queue_worker_thread
from sqlalchemy import event

from flowapp.engine.bell import Bell

VERSION = "interpreter-1"
"""Pinned: workflows of another version are not taken up. Raised when a segment's own DBOS calls change order."""
EMBEDDED_EXECUTOR = "embedded"
POOL = 2
FLOWS = "flows"
SCRIPTS = "scripts"
POLL_S = 2.0
"""How often a queue is looked at when nobody says that there is something in it: a poll costs milliseconds of CPU."""
SPACING_S = 0.05
"""How often it is looked at at most."""
RUNS_AT_ONCE = 64
_RECOVERIES = 1000
_TAKER_ENDS_S = 10.0
_RUN = "flowapp_run"
_LARGEST_PRIORITY = 100
_DELETE_AT_ONCE = 200

Work = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Embedded:
    """One server per data folder (its lock sees to that), so one executor that finds its own work again.

    DBOS has a file of its own, since two writers to one file mostly wait for each other.
    """

    file: Path


@dataclass(frozen=True, slots=True)
class Shared:
    """Any number of servers and workers over one PostgreSQL database. Each has an executor id that nobody had before.

    `tags` are the queues that this process takes work from besides its own; `default` stands for runs of flows.
    """

    url: str
    executor: str
    tags: tuple[str, ...]
    leaves_at_once: int = 16


class JsonSerializer(Serializer):
    """JSON in place of DBOS's default pickle: reading a stored row must not be able to run code."""

    def serialize(self, data: Any) -> str:
        """JSON text; an exception becomes its name and words."""
        if isinstance(data, BaseException):
            data = {"$exception": type(data).__name__, "message": str(data)}
        return json.dumps(data, separators=(",", ":"), default=str)

    def deserialize(self, serialized_data: str) -> Any:
        """What `serialize` was given; exceptions come back as RuntimeError."""
        value = json.loads(serialized_data)
        if isinstance(value, dict) and "$exception" in value:
            return RuntimeError(f"{value['$exception']}: {value['message']}")
        return value

    def name(self) -> str:
        """Stored beside each row."""
        return "flowapp_json_1"


def queue_of(tag: str) -> str:
    """The queue of the segments and scripts with a tag; `default` stands for flows."""
    return FLOWS if tag == "default" else f"tag:{tag}"


def scripts_of(tag: str) -> str:
    """The queue of the scripts with a tag. Those of `default` have their own, so that each process takes few at once."""
    return SCRIPTS if tag == "default" else queue_of(tag)


class Durable:
    """Begins segments and scripts for other machines, and has them taken up again after a crash.

    One per process, since DBOS is a singleton. `segment` gets a run's id, `leaf` a leaf's (see `remote.py`). `queued` is
    called with a tag when something was put on its queue; whoever takes work of that tag is to be told, see `ring`.
    """

    current: ClassVar[Durable | None] = None

    def __init__(
        self, where: Embedded | Shared, segment: Work, leaf: Work, queued: Callable[[str], None] = lambda _tag: None
    ) -> None:
        self.where = where
        self._segment = segment
        self._leaf = leaf
        self._queued = queued
        self._bells: dict[str, Bell] = {}
        self._takers: list[threading.Thread] = []
        self._segments = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def launch(self) -> None:
        """Start DBOS on the running loop; work that an earlier process of this executor left begins again at once."""
        self._loop = asyncio.get_running_loop()
        Durable.current = self
        dbos = DBOS(config=_config(self.where))
        if isinstance(self.where, Shared):
            DBOS.listen_queues([])  # its own threads for queues cannot be told to look at once
            # connecting and migrating takes a while, during which other tasks go on
            await asyncio.to_thread(DBOS.launch)
            for tag in self.where.tags:
                for name in {queue_of(tag): None, scripts_of(tag): None}:
                    await self._take_from(dbos, name, self.where)
        else:
            DBOS.launch()
        # a stopping server cancels its segments, which DBOS reports as errors with a traceback each
        logging.getLogger("dbos").setLevel(logging.CRITICAL)

    async def _take_from(self, dbos: DBOS, name: str, where: Shared) -> None:
        """Begin what comes on a queue, as DBOS's own thread for it does."""
        at_once = RUNS_AT_ONCE if name == FLOWS else where.leaves_at_once
        queue = await DBOS.register_queue_async(name, polling_interval_sec=POLL_S, worker_concurrency=at_once)
        bell = self._bells[name] = Bell(SPACING_S)
        taker = threading.Thread(
            target=queue_worker_thread,
            args=(cast(threading.Event, bell), dbos, queue),
            name=f"queue {name}",
            daemon=True,
        )
        taker.start()
        self._takers.append(taker)

    def ring(self, tags: Iterable[str]) -> None:
        """Something was put on the queues of these tags: look at once, where this process takes it."""
        for tag in tags:
            for name in {queue_of(tag), scripts_of(tag)} & self._bells.keys():
                self._bells[name].ring()

    async def begin(self, run_id: str, number: int) -> None:
        """Start the run's segment `number` in this process; a second start of the same segment does nothing."""

        async def work() -> None:
            with SetWorkflowID(f"{run_id}:{number}"):
                await DBOS.start_workflow_async(_run, run_id)

        await _outside(work())

    async def begin_as(self, run_id: str, number: int, call: str) -> None:
        """`begin`, once for each `call`: whoever got the segment before and left it to this process has used its id up."""

        async def work() -> None:
            with SetWorkflowID(f"{run_id}:{number}:{call}"):
                await DBOS.start_workflow_async(_run, run_id)

        await _outside(work())

    async def offer(self, run_id: str, number: int, tag: str, priority: int) -> None:
        """Leave the run's segment `number` to whichever process takes work of this tag next; higher priorities go first."""

        async def work() -> None:
            with SetWorkflowID(f"{run_id}:{number}"), _before(priority):
                await DBOS.enqueue_workflow_async(queue_of(tag), _run, run_id)

        await _outside(work())
        self._queued(tag)

    async def offer_again(self, run_id: str, number: int, tag: str, priority: int) -> None:
        """`offer` for a segment that was begun here, where it does not belong: under another id, since each is used once."""

        async def work() -> None:
            with SetWorkflowID(f"{run_id}:{number}:{uuid.uuid4().hex}"), _before(priority):
                await DBOS.enqueue_workflow_async(queue_of(tag), _run, run_id)

        await _outside(work())
        self._queued(tag)

    async def send(self, leaf_id: str, tag: str, priority: int) -> None:
        """Leave a script to a worker with this tag, as `offer`; sending the same one again does nothing."""

        async def work() -> None:
            with SetWorkflowID(leaf_id), _before(priority):
                await DBOS.enqueue_workflow_async(scripts_of(tag), _script, leaf_id)

        await _outside(work())
        self._queued(tag)

    async def pending(self) -> set[str]:
        """Ids of the runs of which a segment is under way, or waits in a queue to go on; those of other versions never will."""
        found = await DBOS.list_workflows_async(
            status=["PENDING", "ENQUEUED"], name=_RUN, app_version=VERSION, load_input=False, load_output=False
        )
        return {workflow.workflow_id.partition(":")[0] for workflow in found}

    async def take_over(self, alive: set[str]) -> int:
        """Give the work of processes that are not alive to those that are; returns how much there was.

        The recovery that DBOS offers for this is private, and idempotent: it matches the dead executor's id on the row, so
        any number of processes may do it at once.
        """
        found = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        orphans = [workflow for workflow in found if workflow.executor_id not in alive]
        if orphans:
            dead = sorted({str(workflow.executor_id) for workflow in orphans})
            await asyncio.to_thread(DBOS._recover_pending_workflows, dead)
        return len(orphans)

    async def delete_finished(self, before: str) -> int:
        """Delete DBOS's rows of workflows that began before a stored time and are over; returns how many there were."""
        deleted = 0
        while True:
            found = await DBOS.list_workflows_async(
                status=["SUCCESS", "ERROR", "CANCELLED"],
                end_time=before,
                limit=_DELETE_AT_ONCE,
                load_input=False,
                load_output=False,
            )
            if not found:
                return deleted
            await DBOS.delete_workflows_async([workflow.workflow_id for workflow in found])
            deleted += len(found)

    async def close(self) -> None:
        """Stop DBOS; segments must have been stopped before. Unfinished ones stay to be taken up again."""
        # DBOS puts its own thread pool into the loop and shuts it down: everybody else's `to_thread` would fail after that
        loop = asyncio.get_running_loop()
        threads = ThreadPoolExecutor(2, thread_name_prefix="after-dbos")
        loop.set_default_executor(threads)
        for bell in self._bells.values():
            bell.set()
        for taker in self._takers:
            await loop.run_in_executor(threads, taker.join, _TAKER_ENDS_S)
        await loop.run_in_executor(threads, DBOS.destroy)
        loop.set_default_executor(threads)
        Durable.current = None

    async def run_here(self, work: Work, identity: str) -> None:
        """Run a piece of work on the server's loop, whichever thread DBOS calls from."""
        loop = self._loop
        assert loop is not None
        if asyncio.get_running_loop() is loop:
            await work(identity)
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_coroutine(work(identity)), loop))

    async def segment(self, run_id: str) -> None:
        """A segment of a run."""
        self._segments += 1
        try:
            await self.run_here(self._segment, run_id)
        finally:
            self._segments -= 1
            if self._segments >= RUNS_AT_ONCE - 1:
                self._room(FLOWS)

    async def leaf(self, leaf_id: str) -> None:
        """A script of a run that another process interprets."""
        try:
            await self.run_here(self._leaf, leaf_id)
        finally:
            for name in self._bells.keys() - {FLOWS}:
                self._room(name)

    def _room(self, name: str) -> None:
        """Work of a queue ended here, so more can be taken: soon, when DBOS too has noted the end."""
        bell, loop = self._bells.get(name), self._loop
        if bell is not None and loop is not None:
            loop.call_soon_threadsafe(loop.call_later, SPACING_S, bell.ring)


async def _coroutine(awaitable: Awaitable[None]) -> None:
    await awaitable


async def _outside(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` outside of any DBOS step: a segment may start others (a wait that it ends), which a step may not."""
    await asyncio.get_running_loop().create_task(work, context=contextvars.Context())


def _before(priority: int) -> SetEnqueueOptions:
    """OpenFlow's priorities go from 0 to 100, the highest first; those of DBOS's queues begin at 1, the lowest first."""
    return SetEnqueueOptions(priority=1 + _LARGEST_PRIORITY - min(max(priority, 0), _LARGEST_PRIORITY))


def _here() -> Durable:
    durable = Durable.current
    if durable is None:
        raise asyncio.CancelledError
    return durable


async def _segment_step(run_id: str) -> None:
    await _here().segment(run_id)


async def _leaf_step(leaf_id: str) -> None:
    await _here().leaf(leaf_id)


@DBOS.workflow(name=_RUN, max_recovery_attempts=_RECOVERIES)
async def _run(run_id: str) -> None:
    """The workflow: one segment, as far as the interpreter gets in this process."""
    await DBOS.run_step_async({"name": "segment", "preemptible": True}, _segment_step, run_id)


@DBOS.workflow(name="flowapp_leaf", max_recovery_attempts=_RECOVERIES)
async def _script(leaf_id: str) -> None:
    """The workflow of a script that a worker with its tag runs."""
    await DBOS.run_step_async({"name": "leaf", "preemptible": True}, _leaf_step, leaf_id)


def _config(where: Embedded | Shared) -> DBOSConfig:
    common: DBOSConfig = {
        "name": "flowapp",
        "serializer": JsonSerializer(),
        "application_version": VERSION,
        "log_level": "ERROR",
    }
    if isinstance(where, Shared):
        # one pool for polls, starts and ends; its notifications tell waiting callers, of which there are none here
        return {
            **common,
            "system_database_url": where.url,
            "executor_id": where.executor,
            "sys_db_pool_size": 8,
            "scheduler_polling_interval_sec": 3600.0,
        }
    where.file.touch(mode=0o600)
    return {
        **common,
        "system_database_engine": _engine(where.file),
        "system_database_url": f"sqlite:///{where.file}",
        "executor_id": EMBEDDED_EXECUTOR,
    }


def _engine(file: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{file}", pool_size=POOL, max_overflow=0, pool_timeout=60)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # with an engine of ours DBOS sets none of these
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
