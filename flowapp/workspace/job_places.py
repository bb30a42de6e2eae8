"""Which run and step a job id means.

A run's id is its job's. Steps have rows with ids of their own; a step that began a moment ago has no row yet and is known to
the server that runs it. Iterations and branches have ids but no rows: theirs are computed from the loop or branch.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flowapp.access.identity import Identity
from flowapp.access.policy import Action, missing, require
from flowapp.jsontext import loads
from flowapp.store import jobs
from flowapp.store.runs import job_id
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace import guard
from flowapp.workspace.runnables import SCRIPT_STEP

SINGLE = frozenset({"script", "preview"})
#: Kinds of runs that only made locks.
LOCKING = frozenset({"dependencies", "flowdependencies"})
_REMEMBERED = 10_000
_CONTAINERS = 300
_MOST_CANDIDATES = 100_000
_WHILE_CANDIDATES = 1_000
#: A step gets its row when it takes longer than 0.2 s; one that another server runs is looked for this long.
_ROW_AFTER_S = 0.6


@dataclass(frozen=True, slots=True)
class Place:
    """A job: `path` is "" for the run itself; `job` is the step's row, None for a run, an iteration and a branch."""

    run: RunRow
    path: str = ""
    job: JobRow | None = None

    @property
    def id(self) -> str:
        """The job id."""
        return job_id(self.run.id, self.path) if self.path else self.run.id

    @property
    def is_run(self) -> bool:
        """Whether this is a run, not a part of one."""
        return not self.path

    @property
    def is_flow(self) -> bool:
        """Whether other jobs are steps of this one."""
        if self.is_run:
            return self.run.kind not in SINGLE | LOCKING
        return self.job is None or self.job.kind == "flow"

    @property
    def prefix(self) -> str:
        """What the paths of the steps directly in it begin with."""
        if self.is_run:
            return ""
        return f"{self.path}." if self.job is None else f"{self.path}/"


class JobPlaces:
    """Finds jobs. `step_started` and `step_ended` are told by the engine's observer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._live: dict[str, tuple[RunRow, JobRow]] = {}
        self._known: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def step_started(self, run: RunRow, job: JobRow) -> None:
        """A step began in this process."""
        self._live[job.id] = (run, job)

    def step_ended(self, job: JobRow) -> None:
        """Its row is stored."""
        self._live.pop(job.id, None)

    def run_ended(self, run_id: str) -> None:
        """Nothing of the run is under way any more."""
        for step_id in [step_id for step_id, (run, _) in self._live.items() if run.id == run_id]:
            del self._live[step_id]

    def live(self, run_id: str) -> list[JobRow]:
        """The steps of a run that this process has begun and not ended; they may have no row yet."""
        return [job for run, job in self._live.values() if run.id == run_id]

    def remember(self, run_id: str, path: str) -> str:
        """The id of an iteration or branch that is about to be told to somebody."""
        found = job_id(run_id, path)
        self._known[found] = run_id, path
        self._known.move_to_end(found)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    async def find(self, identity: Identity, action: Action, wanted: str) -> Place:
        """The job of an id, if the identity may do `action` to its run.

        Raises:
            NotFound: there is none, or it must look so.
            NotAllowed: the role does not include the action.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        place = await self.locate(wanted, identity.workspace)
        if place is None:
            raise missing("run")
        require(identity, action, guard.run_target(place.run))
        if action == "run.read":
            guard.note_run_seen(self._store, identity, place.run)
        return place

    async def locate(self, wanted: str, workspace: str) -> Place | None:
        """The job of an id, whoever asks: for those who have shown another right to know, by a signed link."""
        try:
            found = uuid.UUID(wanted)
        except ValueError:
            return None
        wanted, version = str(found), found.version
        place = await self._stored(wanted)
        if place is not None or version != 5:
            return place
        place = await self._computed(wanted, workspace)
        until = time.monotonic() + _ROW_AFTER_S
        while place is None and time.monotonic() < until:
            await asyncio.sleep(0.05)
            place = await self._stored(wanted)
        return place

    async def inner(self, place: Place) -> str:
        """Where the tasks and steps of a script are recorded that is a workflow as code."""
        path = SCRIPT_STEP if place.is_run and place.run.kind in SINGLE else place.path
        row = await self._store.runs.step(place.run.id, path)
        return inner_of(path, 1 if row is None else row.attempt)

    async def _stored(self, wanted: str) -> Place | None:
        runs = self._store.runs
        run = await runs.get(wanted)
        if run is not None:
            return Place(run)
        job = await runs.step_by_id(wanted)
        if job is not None:
            run = await runs.get(job.run_id)
        elif wanted in self._live:
            begun, job = self._live[wanted]
            run = await runs.get(begun.id)
        if run is None or job is None:
            return None
        return place_of(run, job)

    async def _computed(self, wanted: str, workspace: str) -> Place | None:
        known = self._known.get(wanted)
        if known is None:
            rows = await self._store.database.read(lambda c: jobs.containers(c, workspace, _CONTAINERS))
            known = await asyncio.to_thread(_search, rows, wanted)
        if known is None:
            return None
        run = await self._store.runs.get(known[0])
        return None if run is None else Place(run, known[1])


def place_of(run: RunRow, job: JobRow) -> Place:
    """The job that a step is: the one step of a single script is that script."""
    return Place(run) if run.kind in SINGLE and job.path == SCRIPT_STEP else Place(run, job.path, job)


def inner_of(path: str, attempt: int) -> str:
    """Where the steps inside of a container are recorded: see `engine.interpreter.inner_path`."""
    return path if attempt == 1 else f"{path}~{attempt}"


def parent_path(path: str) -> str:
    """The path of the job that a step, iteration or branch belongs to; "" is the run."""
    if path.endswith("]"):
        return parent_path(path.rpartition("[")[0])
    dot, slash = path.rfind("."), path.rfind("/")
    return path[: max(dot, slash, 0)]


def _search(rows: list[tuple[str, str, str, int, str | None]], wanted: str) -> tuple[str, str] | None:
    tried = 0
    for run_id, path, kind, attempt, meta in rows:
        for name in _names(kind, loads(meta) if meta else {}):
            place = f"{inner_of(path, attempt)}[{name}]"
            if job_id(run_id, place) == wanted:
                return run_id, place
            tried += 1
            if tried > _MOST_CANDIDATES:
                return None
    return None


def _names(kind: str, meta: dict[str, Any]) -> Iterator[int | str]:
    match kind:
        case "forloopflow":
            yield from range(int(meta.get("iterations") or 0))
        case "whileloopflow":
            yield from range(_WHILE_CANDIDATES)
        case "branchall":
            yield from range(int(meta.get("branches") or 0))
        case _:
            if "branch" in meta:
                yield meta["branch"]
