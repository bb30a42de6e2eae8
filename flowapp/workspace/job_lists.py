"""Lists and counts of jobs, with the filters of OpenFlow's clients.

A list holds runs: flows and single scripts, whoever started them. The steps of one are listed with `parent_job`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy.engine import Connection

from flowapp.access.errors import NotFound
from flowapp.access.identity import Identity
from flowapp.access.policy import require
from flowapp.jsontext import loads
from flowapp.store import jobs
from flowapp.store.clock import text_of
from flowapp.store.jobs import JobFilter, OneOf
from flowapp.store.tables import RunRow
from flowapp.workspace import guard
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest, QueueTooLong
from flowapp.workspace.job_places import JobPlaces, Place
from flowapp.workspace.job_rights import readable
from flowapp.workspace.job_views import KINDS, JobViews, labels_of

MAX_PAGE = 100
Which = Literal["all", "queue", "completed"]
#: Jobs whose arguments or result are looked into for one page.
MOST_LOOKED_INTO = 5_000
_BATCH = 200
_TEXTS = {
    "created_by": "created_by",
    "script_path_exact": "path",
    "script_hash": "script_hash",
    "schedule_path": "schedule",
    "tag": "tag",
}
_TIMES = {"created": "created_at", "started": "started_at", "completed": "ended_at", "scheduled_for": "scheduled_for"}
_FLAGS = ("running", "suspended", "success", "has_null_parent")
_STATUSES = ("success", "failure", "canceled", "skipped")


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
        labels = _one_of(query["label"]) if query.get("label") else None
        wanted = filter_of({name: text for name, text in query.items() if name != "label"}, which)
        held = _Held(_subset(query, "args"), _subset(query, "result"), labels)
        if held == _Held():
            rows = await self._rows(identity, wanted, offset, size)
        else:
            rows = await self._holding(identity, wanted, held, offset, size)
        return [await self._views.listed(Place(row)) for row in rows]

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
            for row in rows:
                if (
                    await self._holds(row.args, held.args)
                    and await self._holds(row.result, held.result)
                    and await self._labelled(row.result, held.labels)
                ):
                    found.append(row)
            if len(rows) < _BATCH or len(found) >= offset + size:
                break
        return found[offset : offset + size]

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
        """The steps directly in a job, and the jobs that it started through the API; oldest first as they ran."""
        try:
            place = await self._places.find(identity, "run.read", parent)
        except NotFound:
            return []
        level = {name: text for name, text in query.items() if name not in ("is_flow_step", "worker")}
        wanted = replace(filter_of(level, which), parent_job=place.id)
        rows = await self._store.database.read(lambda c: jobs.level(c, place.run.id, place.prefix))
        steps = [Place(place.run, row.path, row) for row in rows] if place.is_flow else []
        started = await self._rows(identity, wanted, 0, MOST_LOOKED_INTO)
        found = [await self._views.listed(child) for child in (*steps, *map(Place, started))]
        kept = [job for job in found if _of_which(job, which) and _passes(job, query)]
        return sorted(kept, key=lambda job: str(job["created_at"]), reverse=True)


def filter_of(query: Mapping[str, str], which: Which) -> JobFilter:
    """The filter that a query means.

    Raises:
        BadRequest: a value cannot be read; or what is asked for is known of lists of runs only (`label`), or of the steps of
            one flow only (`worker`, `is_flow_step=true`).
    """
    if query.get("label"):
        raise BadRequest(
            "Labels are in the results of runs.", "Ask jobs/list or jobs/completed/list, without parent_job."
        )
    if query.get("worker"):
        raise BadRequest("Only steps are bound to one worker.", "Send parent_job=<id of the flow's job>.")
    if _flag(query, "is_flow_step"):
        raise BadRequest("Steps are listed by their flow.", "Send parent_job=<id of the flow's job>.")
    lists = {column: _one_of(query[name]) for name, column in _TEXTS.items() if query.get(name)}
    if query.get("job_kinds"):
        lists["kind"] = _kinds(query["job_kinds"])
    if query.get("status"):
        lists["status"] = _statuses(query["status"])
    before, after = _times(query, "before"), _times(query, "after")
    flags = {name: _flag(query, name) for name in _FLAGS}
    schedule = query.get("is_not_schedule")
    triggers = query.get("trigger_kind") or query.get("trigger_kinds")
    return JobFilter(
        lists=lists,
        prefixes={"path": query["script_path_start"]} if query.get("script_path_start") else {},
        before=before,
        after=after,
        trigger_kinds=_one_of(triggers) if triggers else None,
        finished={"all": None, "queue": False, "completed": True}[which],
        skipped=_flag(query, "is_skipped"),
        has_schedule=False if schedule == "true" else None,
        due=_flag(query, "scheduled_for_before_now") or None,
        oldest_first=query.get("order_desc") == "false",
        running=flags["running"],
        suspended=flags["suspended"],
        success=flags["success"],
        has_null_parent=flags["has_null_parent"],
    )


def contains(value: Any, part: Any) -> bool:
    """Whether a JSON value holds another: objects by key, arrays if each item is found, anything else if equal."""
    if isinstance(part, dict):
        return isinstance(value, dict) and all(key in value and contains(value[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(value, list) and all(any(contains(item, wish) for item in value) for wish in part)
    return type(value) is type(part) and bool(value == part)


def _of_which(job: Mapping[str, Any], which: Which) -> bool:
    return which == "all" or (job["type"] == "CompletedJob") == (which == "completed")


def _passes(job: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    """The filters that make sense among the steps of one job."""
    for name, key in (
        *(("running", "running"), ("success", "success")),
        *(("is_skipped", "is_skipped"), ("is_flow_step", "is_flow_step")),
    ):
        wish = _flag(query, name)
        if wish is not None and bool(job.get(key)) != wish:
            return False
    for name, key in (
        *(("script_path_exact", "script_path"), ("created_by", "created_by")),
        *(("job_kinds", "job_kind"), ("worker", "worker")),
    ):
        if query.get(name):
            wanted = _one_of(query[name])
            if (job[key] in wanted.values) == wanted.negated:
                return False
    return True


def _one_of(text: str) -> OneOf:
    negated = text.startswith("!")
    names: Sequence[str] = [name.strip().removeprefix("!") for name in text.split(",")]
    return OneOf(tuple(name for name in names if name), negated)


def _kinds(text: str) -> OneOf:
    """Our kinds by the clients' words; words for what we do not have find nothing."""
    asked = _one_of(text)
    return OneOf(tuple(ours for ours, theirs in KINDS.items() if theirs in asked.values), asked.negated)


def _statuses(text: str) -> OneOf:
    asked = _one_of(text)
    words = {**{name: (name,) for name in _STATUSES}, "running": ("running",), "waiting": ("queued",)}
    words["suspended"] = ("suspended",)
    for name in asked.values:
        if name not in words:
            raise BadRequest(f"There is no status {name[:40]!r}.", f"Use one of {', '.join(words)}.")
    return OneOf(tuple(status for name in asked.values for status in words[name]), asked.negated)


def _times(query: Mapping[str, str], side: str) -> dict[str, str]:
    found = {}
    for name, column in {**_TIMES, "created_or_started": "created_at"}.items():
        text = query.get(f"{name}_{side}")
        if text:
            found[column] = _moment(f"{name}_{side}", text)
    return found


def _moment(name: str, text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return text_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise BadRequest(f"{name} must be a time such as 2026-01-31T12:00:00Z, not {text[:40]!r}.") from None


def _flag(query: Mapping[str, str], name: str) -> bool | None:
    text = query.get(name)
    if not text:
        return None
    if text not in ("true", "false"):
        raise BadRequest(f"{name} must be true or false, not {text[:40]!r}.")
    return text == "true"


def _subset(query: Mapping[str, str], name: str) -> Any:
    text = query.get(name)
    if not text:
        return None
    try:
        return loads(text)
    except ValueError:
        raise BadRequest(f"{name} must be JSON text.", 'For example args={"n": 1}.') from None
