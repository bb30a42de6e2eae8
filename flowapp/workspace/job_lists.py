"""Lists and counts of jobs, with the filters of OpenFlow's clients.

A list holds runs: flows and single scripts, whoever started them. Steps are listed where they are asked for: those directly in a job by
`parent_job`, those of all flows by `is_flow_step=true`, and what certain workers ran (steps and single scripts) by `worker`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.errors import NotFound
from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.jsontext import loads
from flowapp.store import job_steps, jobs
from flowapp.store.clock import text_of
from flowapp.store.job_steps import StepFilter
from flowapp.store.jobs import JobFilter, OneOf
from flowapp.store.tables import RunRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest, QueueTooLong
from flowapp.workspace.job_filters import (
    Which,
    contains,
    filter_of,
    flag,
    is_on,
    one_of,
    passes,
    single_kinds_of,
    step_kinds_of,
    subset,
)
from flowapp.workspace.job_places import LOCKING, SINGLE, JobPlaces, Place, place_of
from flowapp.workspace.job_rights import readable
from flowapp.workspace.job_views import JobViews, labels_of
from flowapp.workspace.runnables import SCRIPT_STEP

MAX_PAGE = 100
#: Jobs whose arguments or result are looked into for one page, and steps by their paths.
MOST_LOOKED_INTO = 5_000
_BATCH = 200


@dataclass(frozen=True, slots=True)
class _Held:
    """What the arguments and the result of a job must hold, and what labels its result must have; None: anything."""

    args: Any = None
    result: Any = None
    labels: OneOf | None = None


class JobLists:
    """Use-cases about many jobs."""

    def __init__(self, context: Context, places: JobPlaces, views: JobViews) -> None:
        self._store = context.store
        self._places = places
        self._views = views

    async def listing(
        self,
        identity: Identity,
        which: Which,
        query: Mapping[str, str],
        *,
        page: int = 1,
        per_page: int = 30,
    ) -> list[dict[str, Any]]:
        """Jobs that the identity may read, newest first, as `Job` objects without arguments, results and logs.

        Args:
            identity: who asks.
            which: those under way and waiting, those that are over, or both.
            query: filters by the names of the HTTP API; unknown ones are ignored.
            page: from 1 on (0 is page 1 too).
            per_page: at most 100.

        Raises:
            BadRequest: a filter's value cannot be read, or the filter is one that is not there.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        size = max(1, min(per_page, MAX_PAGE))
        offset = (max(1, page) - 1) * size
        parent = query.get("parent_job")
        if parent:
            return (await self._children(identity, which, parent, query))[offset : offset + size]
        if query.get("worker") or flag(query, "is_flow_step"):
            return (await self._steps(identity, which, query, offset + size))[offset:]
        wanted, held = filter_of(query, which), _held_of(query)
        if held == _Held():
            rows = await self._rows(identity, wanted, offset, size)
        else:
            rows = await self._holding(identity, wanted, held, offset, size)
        return await self._views.many([Place(row) for row in rows])

    async def count(self, identity: Identity, which: Which, query: Mapping[str, str] | None = None) -> int:
        """How many jobs a filter finds among those that the identity may read."""
        require(identity, "workspace.read", guard.workspace_target(identity))
        wanted = filter_of(query or {}, which)

        def read(connection: Connection) -> int:
            return jobs.count(connection, identity.workspace, readable(connection, identity), wanted)

        return await self._store.database.read(read)

    async def position(self, identity: Identity, milliseconds: int) -> int:
        """How many jobs of the workspace wait that were scheduled before a moment (Unix time in ms)."""
        require(identity, "workspace.read", guard.workspace_target(identity))
        try:
            moment = text_of(datetime.fromtimestamp(milliseconds / 1000, UTC))
        except (ValueError, OverflowError, OSError):
            raise BadRequest("The moment must be a Unix time in milliseconds.") from None
        wanted = JobFilter(lists={"status": OneOf(("queued",))}, before={"created_at": moment})

        def read(connection: Connection) -> int:
            return jobs.count(connection, identity.workspace, readable(connection, identity), wanted)

        return await self._store.database.read(read)

    async def refuse_above(self, identity: Identity, limit: int) -> None:
        """Refuse where more jobs wait than the caller accepts (`queue_limit`).

        Raises:
            QueueTooLong: so it is.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        waiting = await self.count(identity, "queue", {"status": "waiting"})
        if waiting > limit:
            raise QueueTooLong(f"{waiting} jobs wait already.", "Try again later, or with a higher queue_limit.")

    async def _rows(self, identity: Identity, wanted: JobFilter, offset: int, limit: int) -> list[RunRow]:
        def read(connection: Connection) -> list[RunRow]:
            mine = readable(connection, identity)
            return jobs.page(connection, identity.workspace, mine, wanted, offset=offset, limit=limit)

        return await self._store.database.read(read)

    async def _holding(
        self, identity: Identity, wanted: JobFilter, held: _Held, offset: int, size: int
    ) -> list[RunRow]:
        """The page of those whose arguments and result hold the given parts and labels."""
        found: list[RunRow] = []
        for start in range(0, MOST_LOOKED_INTO, _BATCH):
            rows = await self._rows(identity, wanted, start, _BATCH)
            found += [row for row in rows if await self._has(Place(row), held)]
            if len(rows) < _BATCH or len(found) >= offset + size:
                break
        return found[offset : offset + size]

    async def _has(self, place: Place, held: _Held) -> bool:
        row = place.run if place.is_run or place.job is None else place.job
        return (
            await self._holds(row.args, held.args)
            and await self._holds(row.result, held.result)
            and await self._labelled(row.result, held.labels)
        )

    async def _holds(self, digest: str | None, part: Any) -> bool:
        return part is None or contains(await self._looked_into(digest), part)

    async def _labelled(self, digest: str | None, labels: OneOf | None) -> bool:
        if labels is None:
            return True
        own = labels_of(await self._looked_into(digest))
        return any(label in own for label in labels.values) != labels.negated

    async def _looked_into(self, digest: str | None) -> Any:
        """A stored value; None where there is none, or one of megabytes, by which nobody filters."""
        place = await self._store.values.locate(digest) if digest is not None else None
        return loads(place.text) if place is not None and place.text is not None else None

    async def _children(
        self, identity: Identity, which: Which, parent: str, query: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """The steps directly in a job, and the jobs that it started through the API; the newest first."""
        try:
            place = await self._places.find(identity, "run.read", parent)
        except NotFound:
            return []
        held, wanted = _held_of(query), replace(filter_of(query, which), parent_job=place.id)
        prefix = place.prefix if place.is_flow else f"{await self._places.inner(place)}/"
        rows = await self._store.database.read(lambda c: jobs.level(c, place.run.id, prefix))
        steps = [Place(place.run, row.path, row) for row in rows]
        found = await self._passing(steps, which, query, held)
        if not flag(query, "is_flow_step"):
            started = [Place(row) for row in await self._rows(identity, wanted, 0, MOST_LOOKED_INTO)]
            kept = [child for child in started if await self._has(child, held)]
            found += [job for job in await self._views.many(kept) if is_on(job["worker"], query)]
        return sorted(found, key=lambda job: str(job["created_at"]), reverse=query.get("order_desc") != "false")

    async def _steps(
        self, identity: Identity, which: Which, query: Mapping[str, str], most: int
    ) -> list[dict[str, Any]]:
        """Steps of all flows that the identity may read, and single scripts where workers are asked for; the first `most`."""
        held, wanted = _held_of(query), _steps_of(query, which)
        found: list[dict[str, Any]] = []
        for start in range(0, MOST_LOOKED_INTO, _BATCH):
            rows = await self._store.database.read(
                lambda c, at=start: job_steps.page(  # type: ignore[misc]
                    c, identity.workspace, readable(c, identity), wanted, offset=at, limit=_BATCH
                )
            )
            places = [place_of(run, job) for job, run in rows]
            found += await self._passing(places, which, query, held)
            if len(rows) < _BATCH or len(found) >= most:
                break
        return found[:most]

    async def _passing(
        self, places: list[Place], which: Which, query: Mapping[str, str], held: _Held
    ) -> list[dict[str, Any]]:
        told = zip(places, await self._views.many(places), strict=True)
        return [job for place, job in told if passes(job, query, which) and await self._has(place, held)]


def _held_of(query: Mapping[str, str]) -> _Held:
    labels = one_of(query["label"]) if query.get("label") else None
    return _Held(subset(query, "args"), subset(query, "result"), labels)


def _steps_of(query: Mapping[str, str], which: Which) -> StepFilter:
    """What of a query is asked of the database; `passes` asks for all of it, and for the paths of steps, which are not stored."""
    of_flows = flag(query, "is_flow_step")
    return StepFilter(
        of_flows=of_flows is not False,
        single=(single_kinds_of(query), SCRIPT_STEP) if not of_flows else None,
        without=tuple(sorted(SINGLE | LOCKING)),
        wanted=filter_of(query, which),
        kinds=step_kinds_of(query),
        executors=one_of(query["worker"]) if query.get("worker") else None,
    )
