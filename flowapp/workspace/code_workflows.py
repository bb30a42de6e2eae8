"""What jobs ask for that are workflows as code: keeping a step's result, links to an approval of theirs, a task as a job.

A job asks for itself alone: its token says which one it is. How steps are recorded is in `engine.checkpoints`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access.approving import MAX_RESUME_ID, Asker
from flowapp.access.errors import NotAllowed, NotFound
from flowapp.access.identity import Identity
from flowapp.access.policy import Allowed
from flowapp.engine import checkpoints
from flowapp.engine.checkpoints import LARGEST, MOST_STEPS
from flowapp.engine.large import MADE_UP, makes_up_reference
from flowapp.engine.workflow_records import is_likely
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.runtimes.handover import is_function_name
from flowapp.store import jobs, scripts
from flowapp.store.clock import text_of
from flowapp.store.runs import job_id
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, RunRow, ScriptRow
from flowapp.store.values import Prepared
from flowapp.workspace import guard
from flowapp.workspace.approval_requests import Link, Requests
from flowapp.workspace.approvals import Approvals
from flowapp.workspace.errors import AlreadyThere, BadRequest, JobOver
from flowapp.workspace.flow_status import is_over
from flowapp.workspace.job_places import JobPlaces, Place
from flowapp.workspace.job_views import JobViews
from flowapp.workspace.runnables import HUB, SCRIPT_STEP, Start, Trigger
from flowapp.workspace.starting import Starting
from flowapp.workspace.stored import time_in
from flowapp.workspace.watching import Watching

_LONGEST_MS = 366 * 86_400_000
_MS = timedelta(milliseconds=1)


class CodeWorkflows:
    """Use-cases of workflows as code."""

    def __init__(
        self,
        store: Store,
        places: JobPlaces,
        views: JobViews,
        requests: Requests,
        approvals: Approvals,
        starting: Starting,
        observer: Watching,
    ) -> None:
        self._store = store
        self._places = places
        self._views = views
        self._requests = requests
        self._approvals = approvals
        self._starting = starting
        self._observer = observer

    # --- steps that the workflow runs itself ------------------------------------------------------------------------

    async def keep_step(
        self, identity: Identity, job: str, body: Mapping[str, Any], token: str = ""
    ) -> JsonText | None:
        """Keep the result of a step that the workflow `job` has run itself: `{"key", "result", "started_at", "duration_ms"}`.

        What is kept of a step that has failed is the answer: its error without secrets that the run has read, and without the job's `token`.

        Raises:
            NotFound, NotAllowed: the job is not the one that asks.
            BadRequest: the key or the result cannot be kept, or `started_at` is no time.
            JobOver: the job does not run.
            AlreadyThere: the step has a result already.
        """
        place = await self._own(identity, job)
        key = _key(body.get("key"))
        text, times = dumps(body.get("result")), _times(place.run, body)
        if makes_up_reference(text):
            raise BadRequest(MADE_UP)
        secrets = self._store.masks.texts(place.run.id) | ({token} if token else set())
        status, value = checkpoints.kept(body.get("result"), secrets)
        if len(value) > LARGEST:
            raise BadRequest(checkpoints.TOO_MUCH)
        inner = await self._places.inner(place)
        await self._require_room(place, inner)
        prepared = await self._store.values.prepare(value)
        row = _row(place.run, inner, key, status)
        row.kind, row.language = "rawscript", place.run.language or (place.job.language if place.job else None)
        row.started_at, row.ended_at, row.duration_ms = times
        row.result = prepared.hash
        await self._store.database.write(lambda c: self._add(c, row, prepared))
        self._observer.step_finished(place.run, row, None, value)
        return checkpoints.marker(key, value) if status == "failure" else None

    # --- links to an approval ---------------------------------------------------------------------------------------

    async def approval_link(self, identity: Identity, job: str, key: str, approver: str = "") -> Link:
        """The one link to the approval `key` of the workflow `job`, the same each time.

        The job itself may ask ahead of the approval: then that is noted as a step, which the workflow asks later or the engine closes.

        Raises:
            NotFound: there is no such job, or it has no such approval.
            NotAllowed: who asks is neither the job itself nor may answer.
            BadRequest: no key, the job is no workflow, or the workflow has too many steps.
            JobOver: the job does not run, and has no such approval.
        """
        place = await self._places.find(identity, "run.read", job)
        key = _key(key)
        own = bool(identity.job) and identity.job == place.id
        inner = await self._places.inner(place)
        path = checkpoints.path_of(inner, key)
        known = await self._store.runs.step(place.run.id, path)
        asked = await self._requests.at(Place(place.run, path, known), Asker(identity))
        if not own and not isinstance(asked.decision, Allowed):
            raise NotAllowed(asked.decision.reason, "Ask somebody who may answer.")
        if known is None:
            await self._announce(place, inner, key, own=own)
        number = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest()) % (MAX_RESUME_ID + 1)
        return await self._approvals.link(identity.workspace, job_id(place.run.id, path), number, approver)

    async def _announce(self, place: Place, inner: str, key: str, *, own: bool) -> None:
        """Note an approval whose links are handed out before the workflow asks."""
        if is_over(place.run):
            raise JobOver(f"The job {place.id} is not running.")
        if not own:  # a workflow that waits for something else may ask for this one later
            raise NotFound(f"The workflow has no approval {key} yet.", "Ask again once it waits.")
        if not await self._is_workflow(place):
            raise BadRequest("Only a workflow has approvals: this job would never ask.", "Ask in its @workflow.")
        await self._require_room(place, inner)
        row = _row(place.run, inner, key, "running")
        row.meta = dumps({"key": key, checkpoints.TOLD: True})
        await self._store.database.write(lambda c: self._add(c, row, None))

    async def _is_workflow(self, place: Place) -> bool:
        """Whether a job's code may be a workflow, and it is not there for one function of that code."""
        job, trigger = place.job, loads(place.run.trigger) if place.run.trigger else {}
        meta = loads(job.meta) if job is not None and job.meta else {}
        if trigger.get("function") or (job is not None and job.kind == "rawscript" and meta.get("key")):
            return False
        code = await self._code(place)
        if code["kind"] == "preview":
            return is_likely(str(code["language"]), str(code["code"]))
        path, version, workspace = str(code["path"] or ""), code["hash"], place.run.workspace

        def read(connection: Connection) -> ScriptRow | None:
            return (
                scripts.by_hash(connection, workspace, version)
                if version
                else scripts.latest(connection, workspace, path)
            )

        row = await self._store.database.read(read)
        # code from the hub is not kept here
        return path.startswith(HUB) if row is None else is_likely(row.language, row.content)

    async def _require_room(self, place: Place, inner: str) -> None:
        if await self._store.database.read(lambda c: jobs.count_level(c, place.run.id, f"{inner}/")) >= MOST_STEPS:
            raise BadRequest(checkpoints.TOO_MUCH)

    # --- tasks ------------------------------------------------------------------------------------------------------

    async def start_task(
        self, identity: Identity, job: str, function: str, args: Mapping[str, Any], tag: str = ""
    ) -> RunRow:
        """Start a job that runs one function of the code of `job`, with its rights; returns its run.

        What the function is given is data: the job may have it from somebody who does not have its rights. Whoever may not see
        the job does not see that of its task either.

        Raises:
            NotFound, NotAllowed: the job is not the one that asks.
            BadRequest: that is no name of a function, or the job has no code.
        """
        place = await self._own(identity, job)
        if not is_function_name(function):
            raise BadRequest(f"{function[:80]!r} cannot be the name of a function to call.")
        return await self._starting.start(
            identity,
            Start(
                **await self._code(place),
                function=function,
                args=args,
                tag=tag,
                parent_job=place.id,
                root_job=place.run.root_run or place.run.id,
                trigger=Trigger("api", more={"function": function, "data": list(args)}),
                private=guard.run_target(place.run).private,
            ),
        )

    async def _code(self, place: Place) -> dict[str, Any]:
        """What a `Start` says of the code of a job."""
        run = place.run
        if place.is_run and run.kind == "script":
            return _stored(run.path, run.script_hash)
        meta = loads(place.job.meta) if place.job is not None and place.job.meta else {}
        if place.job is not None and place.job.kind == "script" and meta.get("script"):
            # its row says it also of what a workflow calls, which stands in no document
            return _stored(str(meta["script"]), meta.get("hash"))
        step = Place(run, SCRIPT_STEP) if place.is_run else place
        value = (await self._views.module(step)).get("value")
        kind = value.get("type") if isinstance(value, Mapping) else None
        if isinstance(value, Mapping) and kind == "script":
            return _stored(str(value.get("path") or ""), meta.get("hash") or value.get("hash"))
        if not isinstance(value, Mapping) or kind != "rawscript":
            raise BadRequest("This job has no code of its own, so none of its functions can be a job.")
        names = {"code": str(value.get("content") or ""), "language": str(value.get("language") or "")}
        return {"kind": "preview", **names, "lock": value.get("lock"), "path": str(value.get("path") or run.path)}

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _own(self, identity: Identity, job: str) -> Place:
        place = await self._places.find(identity, "run.read", job)
        if not identity.job or identity.job != place.id:
            raise NotAllowed("Only the job itself may do this, with the token that it was given.")
        return place

    def _add(self, connection: Connection, row: JobRow, value: Prepared | None) -> None:
        run = self._store.runs.find(connection, row.run_id)
        if run is None or run.owner is None:
            raise JobOver(f"The job {row.run_id} is not running.")
        if self._store.runs.find_step(connection, row.run_id, row.path) is not None:
            raise AlreadyThere(
                f"The step {row.step_id} of this workflow is recorded already.", "Give each step a name."
            )
        if value is not None:
            self._store.values.insert(connection, value)
        self._store.runs.put_job(connection, row.model_dump(), run.owner)


def _row(run: RunRow, inner: str, key: str, status: str) -> JobRow:
    path = checkpoints.path_of(inner, key)
    return JobRow(
        run_id=run.id,
        path=path,
        id=job_id(run.id, path),
        workspace=run.workspace,
        step_id=checkpoints.id_of_key(key),
        kind="identity",
        status=status,
        meta=dumps({"key": key}),
    )


def _stored(path: str, version: Any) -> dict[str, Any]:
    """What a `Start` says of a stored script; those of the hub have no versions here."""
    return {"kind": "script", "path": path, "hash": None if path.startswith(HUB) else version or None}


def _key(given: Any) -> str:
    if not checkpoints.is_key(given):
        raise BadRequest(f"The key of a step is a printable text of up to {checkpoints.LONGEST_KEY} characters.")
    return str(given)


def _times(run: RunRow, body: Mapping[str, Any]) -> tuple[str, str, float]:
    """When the step began, when it was over, and how many milliseconds it took, as far as the job says so.

    The job's clock may go wrong: whatever it says, the step began in its run, is over by now and took no longer than that.
    """
    first = datetime.fromisoformat(run.started_at or run.created_at)
    end, start, took = max(datetime.now(UTC), first), time_in(body, "started_at"), body.get("duration_ms")
    if isinstance(took, bool) or not isinstance(took, (int, float)) or not 0 <= took < _LONGEST_MS:
        took = max(0.0, (end - start) / _MS) if start is not None else 0.0
    took = min(float(took), (end - first) / _MS)
    latest = end - took * _MS
    began = max(first, latest if start is None else min(start, latest))
    return text_of(began), text_of(min(began + took * _MS, end)), took
