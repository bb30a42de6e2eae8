"""DBOS, and the only place that knows it: a run is a workflow, a segment of it a step.

What DBOS gives us: a run that was begun is taken up again by the next server process, whatever ended the last one. What it
does not do for us: remember steps of flows. Those are our own rows (see `journal.py`), which pages need anyway and which cost
a tenth of a DBOS step each. It has a SQLite file of its own, since two writers to one file mostly wait for each other.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID
from sqlalchemy import event

VERSION = "interpreter-1"
"""Pinned: workflows of another version are not taken up. Raised when a segment's own DBOS calls change order."""
EXECUTOR = "embedded"
"""One server per data folder (its lock sees to that), so one executor that finds its own work again."""
POOL = 2
_RECOVERIES = 1000

Segment = Callable[[str], Awaitable[None]]


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


class Durable:
    """Begins segments and has them taken up again after a crash. One per process, since DBOS is a singleton."""

    current: ClassVar[Durable | None] = None

    def __init__(self, home: Path, segment: Segment) -> None:
        self._file = home / "dbos.db"
        self._file.touch(mode=0o600)
        self._segment = segment
        self._loop: asyncio.AbstractEventLoop | None = None

    def launch(self) -> None:
        """Start DBOS on the running loop; runs that an earlier process left begin again at once."""
        self._loop = asyncio.get_running_loop()
        Durable.current = self
        config: DBOSConfig = {
            "name": "flowapp",
            "system_database_engine": _engine(self._file),
            "system_database_url": f"sqlite:///{self._file}",
            "serializer": JsonSerializer(),
            "application_version": VERSION,
            "executor_id": EXECUTOR,
            "log_level": "ERROR",
        }
        DBOS(config=config)
        DBOS.launch()
        # a stopping server cancels its segments, which DBOS reports as errors with a traceback each
        logging.getLogger("dbos").setLevel(logging.CRITICAL)

    async def begin(self, run_id: str, number: int) -> None:
        """Start the run's segment `number`; a second start of the same segment does nothing."""
        with SetWorkflowID(f"{run_id}:{number}"):
            await DBOS.start_workflow_async(_run, run_id)

    async def pending(self) -> set[str]:
        """Ids of the runs whose workflow is under way."""
        found = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        return {workflow.workflow_id.partition(":")[0] for workflow in found}

    async def close(self) -> None:
        """Stop DBOS; segments must have been stopped before. Unfinished ones stay to be taken up again."""
        # DBOS puts its own thread pool into the loop and shuts it down: everybody else's `to_thread` would fail after that
        loop = asyncio.get_running_loop()
        threads = ThreadPoolExecutor(2, thread_name_prefix="after-dbos")
        loop.set_default_executor(threads)
        await loop.run_in_executor(threads, DBOS.destroy)
        loop.set_default_executor(threads)
        Durable.current = None

    async def run_segment(self, run_id: str) -> None:
        """Run a segment on the server's loop, whichever thread DBOS calls from."""
        loop = self._loop
        assert loop is not None
        if asyncio.get_running_loop() is loop:
            await self._segment(run_id)
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_coroutine(self._segment(run_id)), loop))


async def _coroutine(awaitable: Awaitable[None]) -> None:
    await awaitable


async def _step(run_id: str) -> None:
    durable = Durable.current
    if durable is None:
        raise asyncio.CancelledError
    await durable.run_segment(run_id)


@DBOS.workflow(name="flowapp_run", max_recovery_attempts=_RECOVERIES)
async def _run(run_id: str) -> None:
    """The workflow: one segment, as far as the interpreter gets in this process."""
    await DBOS.run_step_async({"name": "segment", "preemptible": True}, _step, run_id)


def _engine(file: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{file}", pool_size=POOL, max_overflow=0, pool_timeout=60)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # with an engine of ours DBOS sets none of these
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
