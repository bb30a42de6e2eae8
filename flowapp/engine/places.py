"""Where the parts of a run run: all in this process, or on any of several that share a database."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from flowapp.engine import homes
from flowapp.engine.cluster import DEAD_AFTER_S, DEFAULT_TAG, Cluster
from flowapp.engine.durable import RUNS_AT_ONCE, Durable, Embedded, Shared
from flowapp.engine.ports import Limits, OpenStep, RunLeaf, RunScript, StepObserver, Waiting
from flowapp.engine.remote import Seal, Sender, Worker
from flowapp.engine.values import LeafCall, LeafOutcome
from flowapp.store import executors
from flowapp.store.executors import Executor
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow

log = logging.getLogger(__name__)

LOCAL_LEAVES = 16
"""Scripts of one process at once, beyond which parallel loops send theirs to other machines, where there are some."""


@dataclass(frozen=True, slots=True)
class Work:
    """What the engine does when it is asked to, by whichever process: pieces of runs, by the run's id."""

    segment: Callable[[str], Awaitable[None]]
    woken: Callable[[str], Awaitable[None]]
    canceled: Callable[[str], Awaitable[None]]
    runner: Callable[[RunRow], Awaitable[RunScript]]
    observer: StepObserver | None = None


class Places(Protocol):
    """Begins segments and runs scripts where they belong."""

    @property
    def executor(self) -> str:
        """The name of this process, as rows of steps note it."""

    @property
    def home(self) -> str:
        """The name of this process's data folder, where runs may find their shared folder only here (see `homes.py`)."""

    async def start(self, work: Work) -> None:
        """Take work from now on."""

    def keeps(self, run: RunRow) -> bool:
        """Whether `begin` begins the run in this process."""

    async def begin(self, run: RunRow) -> None:
        """Have the run's next segment begun; a second time does nothing."""

    async def note(self, run: RunRow) -> None:
        """The run's segment is under way in this process already: have it begun again if the process dies."""

    async def left_behind(self) -> set[str] | None:
        """Runs of an earlier process that begin again by themselves; None where others may be at work on any run."""

    async def wake_elsewhere(self, run_id: str) -> None:
        """The run is not worked on here: have whoever does look again."""

    async def cancel_stranded(self, run: RunRow, *, here: bool) -> None:
        """A run that is under way is to be canceled: see that it ends where nobody works on it any more.

        Whoever does in another process was told with the wish. `here`: its segment is under way in this process.
        """

    def scripts(self, run: RunRow, here: RunScript, waiting: Waiting, limits: Limits | None) -> RunLeaf:
        """What runs the scripts of a run whose segment is here."""

    async def delete_finished(self, before: str) -> int:
        """Forget work that was over before a stored time; returns how much."""

    async def stop_work(self) -> None:
        """Stop what runs here for other processes' segments."""

    async def close(self) -> None:
        """Take no more work. Segments have been stopped before."""


class OnePlace:
    """One server with its data folder: everything runs here. Tags mean nothing, since there is nobody to choose from."""

    executor = ""
    home = ""

    def __init__(self, home: Path) -> None:
        self._file = home / "dbos.db"
        self._durable: Durable | None = None

    async def start(self, work: Work) -> None:
        """See `Places`."""

        async def nothing(_: str) -> None:
            """No leaf is ever sent."""

        self._durable = Durable(Embedded(self._file), work.segment, nothing)
        await self._durable.launch()

    def keeps(self, run: RunRow) -> bool:
        """See `Places`."""
        return True

    async def begin(self, run: RunRow) -> None:
        """See `Places`."""
        await self._started().begin(run.id, run.segment)

    async def note(self, run: RunRow) -> None:
        """See `Places`."""
        await self.begin(run)

    async def left_behind(self) -> set[str] | None:
        """See `Places`."""
        return await self._started().pending()

    async def wake_elsewhere(self, run_id: str) -> None:
        """There is nowhere else."""

    async def cancel_stranded(self, run: RunRow, *, here: bool) -> None:
        """If nobody works on a run that was under way, an earlier process left it: its next segment sees the wish."""
        if not here:
            await self.begin(run)

    def scripts(self, run: RunRow, here: RunScript, waiting: Waiting, limits: Limits | None) -> RunLeaf:
        """See `Places`."""
        return here

    async def delete_finished(self, before: str) -> int:
        """See `Places`."""
        return await self._started().delete_finished(before)

    async def stop_work(self) -> None:
        """There are no other processes."""

    async def close(self) -> None:
        """See `Places`."""
        if self._durable is not None:
            await self._durable.close()

    def _started(self) -> Durable:
        assert self._durable is not None, "start first"
        return self._durable


class ManyPlaces:
    """One of several processes over one PostgreSQL database.

    A run begins where somebody asked for it, as long as that process is not full: then on the first that has room. Runs and
    scripts with a tag go to the workers that take it; cells of a notebook run where the notebook is open.
    """

    def __init__(self, store: Store, url: str, seal: Seal, me: Executor) -> None:
        self._store = store
        self._seal = seal
        self._me = me
        self._url = url
        self._durable: Durable | None = None
        self.home = homes.name_of(store.home)
        self._cluster = Cluster(store, replace(me, tags=(*me.tags, self.home)), self._take_over)
        self._worker: Worker | None = None
        self._segments = 0
        self._scripts = 0

    @property
    def executor(self) -> str:
        """See `Places`."""
        return self._me.id

    async def start(self, work: Work) -> None:
        """See `Places`."""

        async def segment(run_id: str) -> None:
            if await self._handed_on(run_id):
                return
            self._segments += 1
            try:
                await work.segment(run_id)
            finally:
                self._segments -= 1

        self._worker = Worker(self._store, self._seal, self._me.id, work.runner, self._woken(work))
        self._worker.observer = work.observer
        shared = Shared(self._url, self._me.id, self._me.tags)
        self._durable = durable = Durable(shared, segment, self._worker.work, self._cluster.tell_queued)
        await durable.launch()

        async def canceled(run_id: str) -> None:
            if self._worker is not None:
                self._worker.cancel(run_id)
            await work.canceled(run_id)

        await self._cluster.start(work.woken, canceled, durable.ring, durable.begin_as)
        durable.ring(self._me.tags)  # what is queued already; not before the others know that this process is alive

    async def begin(self, run: RunRow) -> None:
        """See `Places`."""
        home = await self._home(run)
        if home not in (None, self.home):
            # if nobody hears it, whoever begins this asks again: the run's row still says that its segment is due
            await self._cluster.tell_home(run, str(home), _call(run))
            return
        if home is not None:
            await self._started().begin_as(run.id, run.segment, _call(run))
            return
        tag = self._queue(run)
        if tag is None:
            await self._started().begin(run.id, run.segment)
        elif run.canceled_by is not None:
            # anybody can end it, and whoever takes its tag may be busy; it may stand on that queue under its number
            await self._started().begin_as(run.id, run.segment, "canceled")
        else:
            await self._started().offer(run.id, run.segment, tag, run.priority)

    async def _home(self, run: RunRow) -> str | None:
        """The data folder with the run's shared folder, where somebody is alive there; None: it may go on anywhere."""
        if run.segment == 0 or run.canceled_by is not None:
            return None
        return await self._store.database.read(lambda c: executors.home_of(c, run.id, DEAD_AFTER_S))

    async def note(self, run: RunRow) -> None:
        """See `Places`."""
        await self._started().begin(run.id, run.segment)

    def keeps(self, run: RunRow) -> bool:
        """See `Places`."""
        return self._queue(run) is None

    def _queue(self, run: RunRow) -> str | None:
        """The tag on whose queue a run's segment is put; None when it begins here."""
        if run.kind == "cells":
            return None
        tag = run.tag or DEFAULT_TAG
        # of a run with a tag only the queue knows whom to give it to when this process is gone
        here = tag == DEFAULT_TAG and tag in self._me.tags and self._segments < RUNS_AT_ONCE
        return None if here else tag

    async def _handed_on(self, run_id: str) -> bool:
        """Work of the dead may come to anybody: whoever does not take its tag leaves it to those who do."""
        try:
            run = await self._store.runs.get(run_id)
            home = None if run is None else await self._home(run)
            if run is not None and home not in (None, self.home):
                # with this the segment that came here is over, whatever becomes of the one at home: a new call each time
                await self._cluster.tell_home(run, str(home), uuid.uuid4().hex)
                return True
            if run is None or home or run.kind == "cells" or (run.tag or DEFAULT_TAG) in self._me.tags:
                return False
            if run.canceled_by is not None:
                return False
            await self._started().offer_again(run_id, run.segment, run.tag or DEFAULT_TAG, run.priority)
        except Exception:
            log.exception("run %s cannot be handed on, and goes on here", run_id)
            return False
        return True

    async def left_behind(self) -> set[str] | None:
        """See `Places`."""
        return None

    async def wake_elsewhere(self, run_id: str) -> None:
        """See `Places`."""
        await self._cluster.tell_wake(run_id)

    async def cancel_stranded(self, run: RunRow, *, here: bool) -> None:
        """Whoever sees that its process is gone takes it over, and finds the wish."""

    def scripts(self, run: RunRow, here: RunScript, waiting: Waiting, limits: Limits | None) -> RunLeaf:
        """See `Places`."""
        sender = Sender(self._store, self._started().send, self._seal, run, waiting, limits)

        async def run_leaf(call: LeafCall, step: OpenStep) -> LeafOutcome:
            tag = await sender.sent(call) or self._away(run, call)
            if tag is not None:
                return await sender.run(call, step, tag, tag in self._cluster.tags_alive)
            self._scripts += 1
            try:
                return await here(call, step)
            finally:
                self._scripts -= 1

        return run_leaf

    async def delete_finished(self, before: str) -> int:
        """See `Places`."""
        return await self._started().delete_finished(before)

    async def stop_work(self) -> None:
        """See `Places`."""
        if self._worker is not None:
            await self._worker.stop()

    async def close(self) -> None:
        """See `Places`."""
        await self._cluster.stop()
        if self._durable is not None:
            await self._durable.close()

    def _away(self, run: RunRow, call: LeafCall) -> str | None:
        """The tag by which a script is sent to another machine; None when it runs here."""
        if run.kind == "cells" or call.here or call.is_round:
            return None
        if call.tag and call.tag != DEFAULT_TAG:
            return None if call.tag in self._me.tags else call.tag
        crowded = self._scripts >= LOCAL_LEAVES and self._cluster.helpers > 0
        return DEFAULT_TAG if crowded else None

    def _woken(self, work: Work) -> Callable[[str], Awaitable[None]]:
        async def woken(run_id: str) -> None:
            await asyncio.gather(work.woken(run_id), self._cluster.tell_wake(run_id))

        return woken

    async def _take_over(self, alive: set[str]) -> int:
        """Work that the queues know of goes back to them; a run whose process died before that begins again here."""
        durable = self._started()
        taken = await durable.take_over(alive)
        if taken:
            for tag in self._cluster.tags_alive:
                self._cluster.tell_queued(tag)
        stranded = await self._store.database.read(lambda c: executors.stranded(c, alive))
        if not stranded:
            return taken
        pending = await durable.pending()
        for run_id, _ in stranded:
            run = await self._store.runs.get(run_id) if run_id not in pending else None
            if run is not None and run.status == "running":
                await self.begin(run)
                taken += 1
        return taken

    def _started(self) -> Durable:
        assert self._durable is not None, "start first"
        return self._durable


def _call(run: RunRow) -> str:
    """Names the present need of a run's next segment: whoever begins a segment becomes the run's owner, which makes the next another."""
    return f"after {run.owner}" if run.owner else "first"
