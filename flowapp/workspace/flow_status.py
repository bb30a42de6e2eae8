"""The `flow_status` of a job: what of a flow has run, in the shape that OpenFlow's clients read.

It has one entry per step from the first answer on, also while the run is queued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.openflow.walk import id_of, kind_of
from flowapp.store import jobs, states
from flowapp.store.runs import FINISHED
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, ResumeEventRow, RunRow, SuspensionRow
from flowapp.workspace.job_places import JobPlaces, Place, inner_of

DONE = frozenset({"success", "reused", "skipped"})
FAILED = frozenset({"failure", "canceled"})
LOOPS = frozenset({"forloopflow", "whileloopflow"})
FAILURE, PREPROCESSOR = "failure", "preprocessor"
MOST_ITERATIONS = 10_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says about one flow of a run."""

    rows: dict[str, JobRow]
    inside: dict[str, list[tuple[str, str, bool, str | None]]]
    waits: dict[str, SuspensionRow]
    answers: dict[str, list[ResumeEventRow]]
    user_states: dict[str, Any] = field(default_factory=dict)


def gather(connection: Connection, store: Store, place: Place) -> Facts:
    """Read everything that the status of a flow needs, in one go."""
    run, prefix = place.run, place.prefix
    rows = {row.path.removeprefix(prefix): row for row in jobs.level(connection, run.id, prefix)}
    inside = {
        name: jobs.inside(connection, run.id, inner_of(row.path, row.attempt))
        for name, row in rows.items()
        if row.kind in LOOPS
    }
    waits = {
        row.path.removeprefix(prefix): row
        for row in store.approvals.of_run(connection, run.id)
        if row.path.startswith(prefix)
    }
    answers = {name: store.approvals.events_of(connection, run.id, row.path) for name, row in waits.items()}
    kept = states.all_of_run(connection, states.key_of(run.id, run.draft_id)) if place.is_run else {}
    return Facts(rows, inside, waits, answers, {key: loads(text) for key, text in kept.items()})


def flow_status(place: Place, value: Mapping[str, Any], facts: Facts, places: JobPlaces) -> dict[str, Any]:
    """The status of the flow at `place`, whose FlowValue is `value`."""
    run, rows = place.run, dict(facts.rows)
    for job in places.live(run.id):
        name = job.path.removeprefix(place.prefix)
        if job.path.startswith(place.prefix) and name not in rows:
            rows[name] = job
    modules = [module for module in value.get("modules") or [] if isinstance(module, Mapping)]
    over = run.status in FINISHED
    statuses = [_module(place, module, rows.get(id_of(module)), facts, places) for module in modules]
    step = _step(statuses, rows)
    if not over and 0 <= step < len(statuses) and statuses[step]["type"] == "WaitingForPriorSteps":
        statuses[step] = _next(place, modules, step, statuses[step], facts)
    found: dict[str, Any] = {"step": step, "modules": statuses, "failure_module": _failure(place, value, rows, places)}
    if isinstance(value.get("preprocessor_module"), Mapping):
        found["preprocessor_module"] = _by_id(place, PREPROCESSOR, rows, places)
        if rows.get(PREPROCESSOR) is not None and rows[PREPROCESSOR].ended_at is None:
            found["step"] = -1
    if place.is_run:
        found["user_states"] = facts.user_states
    retry = _retry(rows.get(id_of(modules[step])) if 0 <= step < len(modules) else None)
    found["retry"] = retry
    if run.restarted_from and place.is_run:
        found["restarted_from"] = loads(run.restarted_from)
    return found


def _step(statuses: Sequence[Mapping[str, Any]], rows: Mapping[str, JobRow]) -> int:
    """The current step: the first that has not ended; all of them when the flow went through or into its error handler."""
    if rows.get(FAILURE) is not None:
        return len(statuses)
    last = max((i for i, status in enumerate(statuses) if status["type"] != "WaitingForPriorSteps"), default=-1)
    if last >= 0 and statuses[last]["type"] not in ("Success", "Failure"):
        return last
    return last + 1


def _next(
    place: Place, modules: Sequence[Mapping[str, Any]], step: int, status: dict[str, Any], facts: Facts
) -> dict[str, Any]:
    """The step that comes next: it may wait for events of the one before, or for somebody to run it."""
    before = facts.waits.get(id_of(modules[step - 1])) if step else None
    if before is not None and before.status == "open":
        left = before.required - sum(event.approved for event in facts.answers.get(id_of(modules[step - 1]), ()))
        return {**status, "type": "WaitingForEvents", "count": max(left, 1), "job": before.job_id}
    if place.run.status == "running":
        path = place.prefix + id_of(modules[step])
        return {**status, "type": "WaitingForExecutor", "job": Place(place.run, path).id}
    return status


def _module(
    place: Place, module: Mapping[str, Any], row: JobRow | None, facts: Facts, places: JobPlaces
) -> dict[str, Any]:
    status: dict[str, Any] = {"type": "WaitingForPriorSteps", "id": id_of(module)}
    if row is None:
        return status
    meta = loads(row.meta) if row.meta else {}
    status |= {"type": _type(row), "job": row.id}
    if row.status == "skipped":
        status["skipped"] = True
    if row.progress is not None and row.ended_at is None:
        status["progress"] = row.progress
    failed = [attempt for attempt in meta.get("failed_attempts") or [] if isinstance(attempt, dict)]
    if failed:
        status["failed_retries"] = [row.id for _ in failed]
    answers = facts.answers.get(id_of(module)) or []
    if answers:
        status["approvers"] = [
            {"resume_id": event.resume_id, "approver": event.approver or "unknown"}
            for event in answers
            if event.approved
        ]
    if row.kind in LOOPS:
        status |= _loop(place, module, row, meta, facts.inside.get(id_of(module)) or [], places)
    elif row.kind == "branchone" and "branch" in meta:
        status |= _chosen(place, row, meta, places)
    elif row.kind == "branchall":
        status |= _branches(place, module, row, meta, places)
    return status


def _loop(
    place: Place,
    module: Mapping[str, Any],
    row: JobRow,
    meta: Mapping[str, Any],
    inside: Sequence[tuple[str, str, bool, str | None]],
    places: JobPlaces,
) -> dict[str, Any]:
    inner = inner_of(row.path, row.attempt)
    seen: dict[int, list[tuple[str, str, bool, str | None]]] = {}
    for entry in inside:
        number = entry[0].removeprefix(f"{inner}[").partition("]")[0]
        if number.isdigit():
            seen.setdefault(int(number), []).append(entry)
    body = [id_of(inside_module) for inside_module in module["value"].get("modules") or []]
    last = body[-1] if body else ""
    started = max(seen, default=-1) + 1
    count = min(started, MOST_ITERATIONS)
    jobs_of = [places.remember(place.run.id, f"{inner}[{index}]") for index in range(count)]
    success = [_iteration_success(seen.get(index, ()), row, last, index, started, meta) for index in range(count)]
    found: dict[str, Any] = {
        "flow_jobs": jobs_of,
        "flow_jobs_success": success,
        "flow_jobs_duration": {
            "started_at": [min((e[3] for e in seen.get(i, ()) if e[3]), default=None) for i in range(count)],
            "duration_ms": [None] * count,
        },
        "parallel": bool(meta.get("parallel")),
        "while_loop": kind_of(module) == "whileloopflow",
    }
    iterations = meta.get("iterations")
    found["iterator"] = {"index": max(count - 1, 0), "itered_len": iterations if iterations is not None else count}
    if jobs_of and not found["parallel"]:
        found["job"] = jobs_of[-1]
    return found


def _iteration_success(
    entries: Sequence[tuple[str, str, bool, str | None]],
    row: JobRow,
    last: str,
    index: int,
    started: int,
    meta: Mapping[str, Any],
) -> bool | None:
    """Whether an iteration went well: None while it is under way."""
    if any(status in FAILED for _, status, _, _ in entries):
        # an error that the flow goes on after is followed by steps that ran
        final = [entry for entry in entries if entry[0].rpartition(".")[2] == last]
        if not final or final[0][1] in FAILED:
            return False
    over = row.ended_at is not None or (not meta.get("parallel") and index < started - 1)
    ended = any(entry[0].rpartition(".")[2] == last and entry[2] for entry in entries)
    return True if over or ended else None


def _chosen(place: Place, row: JobRow, meta: Mapping[str, Any], places: JobPlaces) -> dict[str, Any]:
    branch = meta["branch"]
    job = places.remember(place.run.id, f"{inner_of(row.path, row.attempt)}[{branch}]")
    if isinstance(branch, int):
        return {"branch_chosen": {"type": "branch", "branch": branch}, "job": job, "flow_jobs": [job]}
    return {"branch_chosen": {"type": "default"}, "job": job, "flow_jobs": [job]}


def _branches(
    place: Place, module: Mapping[str, Any], row: JobRow, meta: Mapping[str, Any], places: JobPlaces
) -> dict[str, Any]:
    count = int(meta.get("branches") or len(module["value"].get("branches") or []))
    inner = inner_of(row.path, row.attempt)
    found = [places.remember(place.run.id, f"{inner}[{index}]") for index in range(count)]
    last = count - 1 if row.ended_at is not None else 0
    return {
        "branchall": {"branch": last, "len": count},
        "flow_jobs": found,
        "parallel": bool(meta.get("parallel")),
    }


def _failure(place: Place, value: Mapping[str, Any], rows: Mapping[str, JobRow], places: JobPlaces) -> dict[str, Any]:
    found = _by_id(place, FAILURE, rows, places)
    row = rows.get(FAILURE)
    meta = loads(row.meta) if row is not None and row.meta else {}
    if meta.get("parent_module"):
        found["parent_module"] = meta["parent_module"]
    return found


def _by_id(place: Place, step_id: str, rows: Mapping[str, JobRow], places: JobPlaces) -> dict[str, Any]:
    row = rows.get(step_id)
    if row is None:
        return {"type": "WaitingForPriorSteps", "id": step_id}
    return {"type": _type(row), "id": step_id, "job": row.id}


def _type(row: JobRow) -> str:
    if row.status in DONE:
        return "Success"
    return "Failure" if row.status in FAILED else "InProgress"


def _retry(row: JobRow | None) -> dict[str, Any]:
    meta = loads(row.meta) if row is not None and row.meta else {}
    failed = meta.get("failed_attempts") or []
    return {"fail_count": len(failed), "failed_jobs": [row.id for _ in failed] if row is not None else []}


def milliseconds(start: str | None, end: str | None) -> int:
    """Whole milliseconds between two stored times; 0 where one is missing."""
    if not start or not end:
        return 0
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000)


def is_over(run: RunRow) -> bool:
    """Whether the run has ended."""
    return run.status in FINISHED
