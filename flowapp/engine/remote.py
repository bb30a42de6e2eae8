"""Scripts that run on another machine than their flow: those with a tag, and those of large parallel loops.

The segment that comes to such a script notes what to run, puts it on the queue of its tag and waits like for an approval: it
goes on with what else there is, and ends when there is nothing. The worker runs it with the same rights, isolation and log
as anybody, notes what came of it and wakes the run, in one transaction. What is noted is sealed: it holds the arguments.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from pydantic import TypeAdapter
from sqlalchemy.engine import Connection

from flowapp.engine import checkpoints, gates
from flowapp.engine.bound import NotAvailable
from flowapp.engine.environment import job_of
from flowapp.engine.errors import INTERRUPTIONS, error_value
from flowapp.engine.ports import Limits, OpenStep, RunScript, StepObserver, Waiting
from flowapp.engine.printing import Printed
from flowapp.engine.values import LeafCall, LeafOutcome
from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store import leaves
from flowapp.store.errors import DatabaseClosed, StoreError
from flowapp.store.events import Event
from flowapp.store.logs import Chunk, stream_of
from flowapp.store.masks import masked_error
from flowapp.store.runs import FINISHED
from flowapp.store.stores import Store
from flowapp.store.tables import LeafRow, RunRow

TOPIC = "engine"
"""Events between the processes of a cluster: `wake` and `home`, each with a run's id, `cancel` with those of several, `queued` with tags."""
_TOLD_AT_ONCE = 100
AGAIN_S = 1.0
logger = logging.getLogger(__name__)
_CALL = TypeAdapter(LeafCall)
T = TypeVar("T")

Send = Callable[[str, str, int], Awaitable[None]]
"""Puts a leaf (by its id) on the queue of a tag, with its priority."""


class Seal(Protocol):
    """Encrypts what must not be read from a copied database; `flowapp.store.secret_box.SecretBox`."""

    def seal(self, workspace: str, path: str, value: str) -> str:
        """The text to store."""

    def open(self, workspace: str, path: str, stored: str) -> str:
        """The value of a stored text."""


@dataclass(frozen=True, slots=True)
class LeafId:
    """One attempt at one script of one run, also as the text by which queues know it."""

    run_id: str
    path: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.run_id}:{self.attempt}:{self.path}"

    @classmethod
    def parse(cls, text: str) -> LeafId:
        """The id that was written as `text`."""
        run_id, attempt, path = text.split(":", 2)
        return cls(run_id, path, int(attempt))


class Sender:
    """The interpreting side, for one run."""

    def __init__(
        self, store: Store, send: Send, seal: Seal, run: RunRow, waiting: Waiting, limits: Limits | None
    ) -> None:
        self._store = store
        self._send = send
        self._seal = seal
        self._run = run
        self._waiting = waiting
        self._limits = limits
        self._sent: asyncio.Future[dict[tuple[str, int], str]] | None = None

    async def sent(self, call: LeafCall) -> str | None:
        """The tag by which an earlier segment sent this script away; None when none did. It is not ours to run then."""
        if self._run.segment <= 1:
            return None
        if self._sent is None:
            reading = self._store.database.read(lambda c: leaves.sent(c, self._run.id))
            self._sent = asyncio.ensure_future(reading)
        return (await self._sent).get((call.info.path, call.attempt))

    async def run(self, call: LeafCall, step: OpenStep, tag: str, served: bool) -> LeafOutcome:
        """Have a worker with `tag` run a script. `served`: one is alive now, as far as is known.

        Its place under a concurrency limit is taken before it is sent, and given back when its outcome is seen: who waits
        for one keeps no worker from other work.

        Raises:
            Parked: nothing else of the run goes on.
        """
        identity = LeafId(self._run.id, call.info.path, call.attempt)
        row = await self._find(identity)
        if row is None:
            if not served:
                step.log(f"Waits for a worker that takes the tag {tag}: none is running now.\n")
            await step.save()
            if call.limit is not None:
                job = job_of(self._run, call)
                await gates.take(self._known(), self._waiting, self._run, job, call.limit, call.priority)
            unlimited = _CALL.dump_json(replace(call, limit=None)).decode()
            text = self._seal.seal(self._run.workspace, str(identity), unlimited)
            await self._store.database.write(
                lambda c: leaves.add(c, identity.run_id, identity.path, identity.attempt, tag, JsonText(text))
            )
        if row is None or row.outcome is None:
            # again after a restart too: the row may have been written and the queue not told
            await self._send(str(identity), tag, call.priority)
        while row is None or row.outcome is None:
            await self._waiting.until(None)
            row = await self._find(identity)
        if call.limit is not None:
            await self._known().give_back(self._run, job_of(self._run, call), call.limit)
        return await self._outcome(call, JsonText(row.outcome))

    def _known(self) -> Limits:
        if self._limits is None:
            raise NotAvailable("Concurrency limits are not available here")
        return self._limits

    async def _find(self, identity: LeafId) -> LeafRow | None:
        return await self._store.database.read(
            lambda c: leaves.get(c, identity.run_id, identity.path, identity.attempt)
        )

    async def _outcome(self, call: LeafCall, text: JsonText) -> LeafOutcome:
        found = loads(text)
        value = await self._store.values.get_held(found.pop("value"))
        # by its calls it may have read secrets from this process, of which the worker has not heard
        secrets = self._store.masks.texts(self._run.id)
        if secrets and call.is_round:
            value = checkpoints.without(value, secrets)
        if secrets and found["status"] == "failure":
            value = _masked(value, secrets)
        return LeafOutcome(value=value, **found)


class Worker:
    """The side that runs scripts for others. `runner` gives what runs the scripts of a run in this process."""

    def __init__(
        self,
        store: Store,
        seal: Seal,
        executor: str,
        runner: Callable[[RunRow], Awaitable[RunScript]],
        wake: Callable[[str], Awaitable[None]],
    ) -> None:
        self.observer: StepObserver | None = None
        self._store = store
        self._seal = seal
        self._executor = executor
        self._runner = runner
        self._wake = wake
        self._working: dict[str, set[asyncio.Task[None]]] = {}
        self._stopping = False

    async def work(self, leaf_id: str) -> None:
        """Run a script that somebody sent; does nothing when there is an outcome already, or the run is over."""
        identity = LeafId.parse(leaf_id)
        task = asyncio.get_running_loop().create_task(self._work(identity), name=f"leaf {leaf_id}")
        # before the first look at the run: a wish to cancel is in what that look sees, or it finds the task here
        tasks = self._working.setdefault(identity.run_id, set())
        tasks.add(task)
        try:
            await asyncio.wait({task})
        finally:
            tasks.discard(task)
            if not tasks:
                self._working.pop(identity.run_id, None)
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if self._stopping:
            raise asyncio.CancelledError  # so that the queue gives it to somebody else
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("leaf %s stopped", leaf_id, exc_info=error)

    async def _work(self, identity: LeafId) -> None:
        """Run the script, again where the database went away meanwhile, and note its outcome however long that is."""
        found = await self._insist(partial(self._wanted, identity))
        if found is None:
            return
        run, row = found
        call = _CALL.validate_json(self._seal.open(run.workspace, str(identity), row.call))
        log = RemoteLog(self._store, run, identity, self.observer)
        try:
            outcome = await self._insist(partial(self._run, run, call, log))
        finally:
            await log.close()
        await self._insist(partial(self._finish, run, identity, outcome))

    async def _wanted(self, identity: LeafId) -> tuple[RunRow, LeafRow] | None:
        run = await self._store.runs.get(identity.run_id)
        row = await self._store.database.read(lambda c: leaves.get(c, identity.run_id, identity.path, identity.attempt))
        if run is None or row is None or row.outcome is not None or run.status in FINISHED or run.canceled_by:
            return None
        return run, row

    async def _insist(self, work: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await work()
            except DatabaseClosed:
                raise
            except INTERRUPTIONS as error:
                logger.warning("a leaf was interrupted and goes on in %.0f s: %s", AGAIN_S, error)
            await asyncio.sleep(AGAIN_S)

    def cancel(self, run_id: str) -> None:
        """Stop what runs here for a run; its processes are killed."""
        for task in self._working.get(run_id, ()):
            task.cancel()

    async def stop(self) -> None:
        """Stop everything; it is taken up by others, or by the next start."""
        self._stopping = True
        tasks = [task for tasks in self._working.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, run: RunRow, call: LeafCall, log: RemoteLog) -> LeafOutcome:
        try:
            run_script = await self._runner(run)
            return await run_script(call, log)
        except INTERRUPTIONS:
            raise
        except FlowappError as error:
            return LeafOutcome(error_value("InternalErr", error.message, step_id=call.info.step_id), "failure")
        except Exception as error:
            # whoever waits for this script must hear of it: the run would wait for ever
            logger.exception("leaf %s of run %s failed inside the worker", call.info.path, run.id)
            message = f"The worker failed: {type(error).__name__}"
            return LeafOutcome(error_value("InternalErr", message, step_id=call.info.step_id), "failure")

    async def _finish(self, run: RunRow, identity: LeafId, outcome: LeafOutcome) -> None:
        prepared = await self._store.values.prepare(outcome.value)
        fields = {"status": outcome.status, "duration_ms": outcome.duration_ms, "isolation": outcome.isolation}
        more = {"fingerprint": outcome.fingerprint, "reused_from": outcome.reused_from}
        text = dumps({"value": prepared.hash, **fields, **more})

        def work(connection: Connection) -> bool:
            self._store.values.insert(connection, prepared)
            place = (identity.run_id, identity.path, identity.attempt)
            if not leaves.finish(connection, *place, text, self._executor):
                return False
            self._store.runs.wake(connection, run.id)
            return True

        if await self._store.database.write(work):
            await self._wake(run.id)


class RemoteLog:
    """What a script prints while it runs here: to pages at once, to the database in chunks, one write after the other.

    Where the database was away and it runs again, its log goes on and its stream begins anew.
    """

    def __init__(self, store: Store, run: RunRow, identity: LeafId, observer: StepObserver | None) -> None:
        self._store = store
        self._place = (identity.run_id, identity.path, identity.attempt)
        self._printed = Printed(observer, run, identity.path, self._spawn)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()

    async def begins(self) -> None:
        """See `ports.Printing`: another worker was cut off and given up, or it was interrupted here."""
        run_id, path, attempt = self._place
        self._printed.forget_stream()
        with suppress(StoreError):
            async with self._writing:
                if await self._store.logs.length(run_id, stream_of(path), attempt):
                    await self._store.database.write(lambda c: leaves.forget_stream(c, *self._place))

    def log(self, text: str) -> None:
        """Output of the script, as it comes."""
        if text:
            self._printed.log(text)

    def stream(self, text: str, *, first: bool = False) -> None:
        """What the script streams as its result, likewise."""
        if text:
            self._printed.stream(text, first=first)

    async def close(self) -> None:
        """Store the rest."""
        await self._store_printed()

    def _spawn(self) -> None:
        task = asyncio.get_running_loop().create_task(self._store_printed())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _store_printed(self) -> None:
        printed = self._printed.take()
        with suppress(StoreError):
            async with self._writing:
                if printed:
                    await self._store.database.write(lambda c: self._append(c, printed))

    def _append(self, connection: Connection, printed: Sequence[Chunk]) -> None:
        for chunk in printed:
            leaves.log(connection, *self._place, *chunk)


def _masked(value: JsonText, secrets: frozenset[str]) -> JsonText:
    found = loads(value)
    error = found.get("error") if isinstance(found, Mapping) else None
    if not isinstance(error, Mapping):
        return value
    named = {"step_id": error["step_id"]} if "step_id" in error else {}  # it stands in the flow anyway
    return dumps({**found, "error": {**masked_error(error, secrets), **named}})


def wake_event(run_id: str) -> Event:
    """Tells the process that has the run to look again."""
    return Event(TOPIC, "wake", {"run_id": run_id})


def cancel_events(run_ids: Sequence[str]) -> Iterator[Event]:
    """Tell whoever works for these runs to stop; as many in each as go into one message."""
    for start in range(0, len(run_ids), _TOLD_AT_ONCE):
        yield Event(TOPIC, "cancel", {"run_ids": list(run_ids[start : start + _TOLD_AT_ONCE])})


def home_event(run: RunRow, home: str, call: str) -> Event:
    """Tells the processes with a data folder (see `homes.py`) that the run's next segment is theirs to begin, once for a `call`."""
    return Event(TOPIC, "home", {"run_id": run.id, "number": run.segment, "home": home, "call": call})


def queued_event(tags: Iterable[str]) -> Event:
    """Tells whoever takes work of these tags that there is some."""
    return Event(TOPIC, "queued", {"tags": sorted(tags)})
