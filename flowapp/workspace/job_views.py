"""Jobs in the shape that OpenFlow's clients read, whatever they are here: a run, a step, an iteration, a branch, a called flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flowapp.engine.large import expand
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.openflow.agents import is_agent
from flowapp.openflow.walk import tools, walk
from flowapp.store import job_steps, jobs
from flowapp.store.errors import ValueTooLarge
from flowapp.store.runs import FINISHED, job_id
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, RunRow
from flowapp.store.wiping import DELETED
from flowapp.workspace.flow_status import DONE, FAILED, flow_status, gather, milliseconds
from flowapp.workspace.job_documents import body_of, flow_document, step_id_of, without_attempt
from flowapp.workspace.job_places import LOCKING, SINGLE, JobPlaces, Place, parent_path
from flowapp.workspace.job_streams import stream_path
from flowapp.workspace.runnables import HUB, SCRIPT_STEP

#: How our kinds of runs are called outside.
KINDS = {
    "flow": "flow",
    "flowpreview": "flowpreview",
    "cells": "flowpreview",
    "script": "script",
    "preview": "preview",
    "dependencies": "dependencies",
    "flowdependencies": "flowdependencies",
}
#: And our kinds of steps; any other is a "flownode".
STEP_KINDS = {
    "rawscript": "flowscript",
    "script": "script",
    "flow": "flow",
    "identity": "identity",
    "aiagent": "aiagent",
    "model": "aiagent",
}


@dataclass(frozen=True, slots=True)
class State:
    """How far a job is. `result` is a value hash; with `index` it is one item of that array."""

    running: bool = False
    over: bool = False
    success: bool = False
    skipped: bool = False
    canceled: bool = False
    deleted: bool = False
    started_at: str | None = None
    ended_at: str | None = None
    result: str | None = None
    index: int | None = None


class JobViews:
    """Makes the JSON of jobs whose run the caller may read."""

    def __init__(self, store: Store, places: JobPlaces) -> None:
        self._store = store
        self._places = places

    async def state(self, place: Place) -> State:
        """How far the job is."""
        if place.is_run:
            return run_state(place.run)
        return step_state(place.job) if place.job is not None else await self._virtual(place)

    async def result(self, place: Place, state: State) -> JsonText:
        """The result of a job that is over; where it is too large to be held, what stands for it (`Jobs.pieces`)."""
        if state.result is None:
            return _canceled(place.run) if state.canceled else NULL
        text = await self._store.values.get_held(state.result)
        if state.index is not None:
            items = loads(text)
            text = dumps(items[state.index] if isinstance(items, list) and state.index < len(items) else None)
        return await self._expanded(text)

    async def args(self, place: Place) -> JsonText:
        """The arguments that the job got; `{}` where none are kept of their own."""
        digest = place.run.args if place.is_run else place.job.args if place.job is not None else None
        text = await self._store.values.get_value(digest) if digest is not None else JsonText("{}")
        if text[:1] != "{":  # a loop keeps its items
            text = JsonText("{}")
        return await self._expanded(text)

    async def _expanded(self, text: JsonText) -> JsonText:
        """With what it refers to, unless that is too large."""
        try:
            return await expand(self._store, text)
        except ValueTooLarge:
            return text

    async def status(self, place: Place) -> dict[str, Any] | None:
        """The `flow_status` of a flow; None for anything else."""
        return await self.status_streaming(place, await self.stream_path(place)) if place.is_flow else None

    async def status_streaming(self, place: Place, stream: str | None) -> dict[str, Any] | None:
        """The same, for who knows the step already whose stream is the job's (`stream_path`)."""
        if not place.is_flow:
            return None
        value = await self.flow_value(place)
        facts = await self._store.database.read(lambda c: gather(c, self._store, place))
        found = flow_status(place, value, facts, self._places)
        return found if stream is None else {**found, "stream_job": job_id(place.run.id, stream)}

    async def stream_path(self, place: Place) -> str | None:
        """The step whose stream is the job's; see `job_streams`."""
        return await stream_path(self._store, place, self.flow_value)

    async def flow_value(self, place: Place) -> Mapping[str, Any]:
        """The FlowValue whose steps stand at the place; without modules where it is no flow or is gone."""
        if place.is_run:
            document = await self._document_at(place.run, [])
            value: Mapping[str, Any] = document.get("value") or {}
            return value
        *callers, rest = place.path.split("/")
        if place.job is not None and place.job.kind == "flow":
            callers, rest = [*callers, rest], ""
        document = await self._document_at(place.run, callers)
        if not rest:
            value = document.get("value") or {}
            return value
        return {"modules": body_of(document, rest)}

    async def module(self, place: Place) -> Mapping[str, Any]:
        """The module of a step; empty where the flow that it stands in is gone."""
        *callers, rest = place.path.split("/")
        document = await self._document_at(place.run, callers)
        wanted = step_id_of(rest)
        return next((found.module for found in walk(document) if found.step_id == wanted), {})

    async def many(self, places: Sequence[Place]) -> list[dict[str, Any]]:
        """Jobs as lists show them."""
        workers = await self._workers(places)
        return [await self.listed(place, worker=workers.get(place.id)) for place in places]

    async def listed(self, place: Place, state: State | None = None, worker: str | None = None) -> dict[str, Any]:
        """The job as lists show it: without logs, code, arguments and result. `worker`: which process ran it."""
        state = state or await self.state(place)
        run = place.run
        found: dict[str, Any] = {
            "id": place.id,
            "type": "CompletedJob" if state.over else "QueuedJob",
            "workspace_id": run.workspace,
            "job_kind": self._kind(place),
            "parent_job": self._parent(place),
            "created_by": run.created_by,
            "created_at": run.created_at if place.is_run else state.started_at or run.created_at,
            "started_at": state.started_at,
            "script_path": await self._script_path(place),
            "script_hash": run.script_hash if place.is_run else None,
            "language": run.language if place.is_run else place.job.language if place.job is not None else None,
            "schedule_path": run.schedule,
            "permissioned_as": run.permissioned_as or f"u/{run.created_by}",
            "email": run.email,
            "is_flow_step": not place.is_run,
            "visible_to_owner": not run.private,
            "tag": _tag(place),
            "priority": run.priority or None,
            "canceled": state.canceled,
            "canceled_by": run.canceled_by if state.canceled else None,
            "canceled_reason": run.canceled_reason if state.canceled else None,
            "root_job": root_of(place),
            "trigger_kind": _trigger_kind(run),
            "worker": worker,
        }
        if not place.is_run:
            found["flow_step_id"] = step_id_of(place.path)
        if state.over and place.is_run and run.failed and run.kind in LOCKING:
            found["result"] = loads(await self.result(place, state))  # a line that says why: clients read it from lists
        if state.over:
            return found | {
                "started_at": state.started_at or run.created_at,
                "completed_at": state.ended_at,
                "duration_ms": milliseconds(state.started_at, state.ended_at),
                "success": state.success,
                "is_skipped": state.skipped,
                "deleted": state.deleted,
            }
        later = run.scheduled_for if place.is_run else None
        found |= {"running": state.running, "scheduled_for": later or run.created_at}
        if place.is_run and run.status == "suspended" and run.started_at is not None:
            found["suspend"] = 1
        return found

    async def full(self, place: Place, *, code: bool = True, logs: str | None = None) -> dict[str, Any]:
        """The job with arguments, status of its flow and (when over) result."""
        state = await self.state(place)
        found = await self.listed(place, state, (await self._workers([place])).get(place.id))
        found["args"] = loads(await self.args(place))
        status = await self.status(place)
        if status is not None:
            found["flow_status"] = status
        if code:
            found |= await self._code(place)
        if logs is not None:
            found["logs"] = logs
        if state.over:
            found["result"] = loads(await self.result(place, state))
            found["labels"] = labels_of(found["result"])
        return found

    async def _workers(self, places: Sequence[Place]) -> dict[str, str]:
        """Which process ran a job, by job id. A flow runs on none; a single script where its one step did."""
        found = {place.id: place.job.executor for place in places if place.job is not None and place.job.executor}
        single = [place.run.id for place in places if place.is_run and place.run.kind in SINGLE]
        if not single:
            return found
        return found | await self._store.database.read(lambda c: job_steps.workers(c, single, SCRIPT_STEP))

    # --- parts ------------------------------------------------------------------------------------------------------

    async def _code(self, place: Place) -> dict[str, Any]:
        if place.is_flow:
            return {"raw_flow": await self.flow_value(place)}
        step = Place(place.run, SCRIPT_STEP, None) if place.is_run else place
        value = (await self.module(step)).get("value")
        if isinstance(value, Mapping) and value.get("type") == "rawscript":
            return {"raw_code": value.get("content"), "raw_lock": value.get("lock")}
        return {}

    async def _document_at(self, run: RunRow, callers: list[str]) -> Mapping[str, Any]:
        """The document of the flow that the last of these steps calls, each inside of the one before; the run's for none.

        That of an agent has its tools for steps.
        """
        document: Mapping[str, Any] = loads(await self._store.values.get_value(run.document))
        for depth, caller in enumerate(callers):
            wanted = step_id_of(caller)
            module = next((found.module for found in walk(document) if found.step_id == wanted), None)
            if module is not None and is_agent(module):
                document = {"value": {"modules": tools(module)}}
                continue
            row = await self._store.runs.step(run.id, without_attempt("/".join(callers[: depth + 1])))
            if row is not None and row.kind in ("script", "rawscript"):
                document = {}  # a workflow as code: its tasks stand in no document, and their rows say what they are
                continue
            value = module.get("value") if module is not None else None
            meta = loads(row.meta) if row is not None and row.meta else {}
            path = value.get("path") if isinstance(value, Mapping) else meta.get("flow")
            if not isinstance(path, str):
                return {}
            document = await self._store.database.read(
                partial(flow_document, workspace=run.workspace, path=path, version=meta.get("version"))
            )
        return document

    async def _virtual(self, place: Place) -> State:
        container = await self._store.runs.step(place.run.id, without_attempt(place.path.rpartition("[")[0]))
        if container is None:
            return State()
        name = place.path.rpartition("[")[2].rstrip("]")
        rows = await self._store.database.read(lambda c: jobs.level(c, place.run.id, place.prefix))
        started = min((row.started_at for row in rows if row.started_at), default=None)
        body = [str(module.get("id")) for module in (await self.flow_value(place)).get("modules") or []]
        last = next((row for row in rows if body and row.step_id == body[-1]), None)
        failed = any(row.status in FAILED for row in rows) and (last is None or last.status in FAILED)
        over = container.ended_at is not None or (last is not None and last.ended_at is not None)
        if not over:
            return State(running=bool(rows), started_at=started)
        ended = max((row.ended_at for row in rows if row.ended_at), default=container.ended_at)
        whole = container.ended_at is not None and container.kind != "branchone" and name.isdigit()
        result = container.result if container.ended_at is not None else last.result if last is not None else None
        return State(
            over=True,
            success=not failed,
            canceled=container.status == "canceled",
            deleted=is_deleted(container) or (last is not None and is_deleted(last)),
            started_at=started or container.started_at,
            ended_at=ended,
            result=result,
            index=int(name) if whole else None,
        )

    async def _script_path(self, place: Place) -> str | None:
        if place.is_run:
            return place.run.path or None
        if place.job is not None and place.job.kind in ("script", "flow"):
            value = (await self.module(place)).get("value")
            meta = loads(place.job.meta) if place.job.meta else {}
            path = value.get("path") if isinstance(value, Mapping) else meta.get("flow") or meta.get("script")
            if isinstance(path, str):
                return path
        return f"{place.run.path}/{step_id_of(place.path)}" if place.run.path else None

    def _kind(self, place: Place) -> str:
        if place.is_run:
            hub = place.run.kind == "script" and place.run.path.startswith(HUB)
            return "script_hub" if hub else KINDS.get(place.run.kind, place.run.kind)
        return STEP_KINDS.get(place.job.kind, "flownode") if place.job is not None else "flownode"

    def _parent(self, place: Place) -> str | None:
        if place.is_run:
            return place.run.parent_run
        above = parent_path(place.path)
        if not above or (place.run.kind in SINGLE and without_attempt(above) == SCRIPT_STEP):
            return place.run.id
        if above.endswith("]"):
            return self._places.remember(place.run.id, above)
        return job_id(place.run.id, without_attempt(above))


def run_state(run: RunRow) -> State:
    """How far a run is."""
    return State(
        running=run.status == "running",
        over=run.status in FINISHED,
        success=run.status in ("success", "skipped"),
        skipped=run.status == "skipped",
        canceled=run.canceled_by is not None and run.status in ("canceled", "running", "suspended", "queued"),
        deleted=run.deleted,
        started_at=run.started_at,
        ended_at=run.ended_at,
        result=run.result,
    )


def step_state(job: JobRow) -> State:
    """How far a step is."""
    return State(
        running=job.ended_at is None,
        over=job.ended_at is not None,
        success=job.status in DONE,
        skipped=job.status == "skipped",
        canceled=job.status == "canceled",
        deleted=is_deleted(job),
        started_at=job.started_at,
        ended_at=job.ended_at,
        result=job.result,
    )


def is_deleted(job: JobRow) -> bool:
    """Whether the step's data is gone."""
    return job.meta is not None and f'"{DELETED}"' in job.meta and DELETED in loads(job.meta)


def labels_of(result: Any) -> list[str]:
    """The labels that a job gave itself: the texts in its result's `wm_labels`."""
    labels = result.get("wm_labels") if isinstance(result, Mapping) else None
    return [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []


def root_of(place: Place) -> str:
    """The topmost flow: a flow's run is its own, a step or a script that a flow started has that flow's."""
    if place.is_run and place.run.kind not in SINGLE:
        return place.run.id
    return place.run.root_run or place.run.id


def _tag(place: Place) -> str:
    """As filters have it: `store.job_steps` and `store.jobs`."""
    own = "" if place.is_run or place.job is None else place.job.tag
    if own or place.run.tag:
        return own or place.run.tag
    if place.is_flow:
        return "flow"
    language = place.run.language if place.is_run else place.job.language if place.job is not None else None
    return language or "flow"


def _trigger_kind(run: RunRow) -> str | None:
    if run.schedule:
        return "schedule"
    found = loads(run.trigger) if run.trigger else {}
    kind = found.get("kind")
    return str(kind) if kind else None


def _canceled(run: RunRow) -> JsonText:
    by, reason = run.canceled_by or "", run.canceled_reason or ""
    message = f"Job canceled: {reason} by {by}"
    return dumps({"error": {"name": "Canceled", "message": message, "reason": reason, "canceler": by}})
