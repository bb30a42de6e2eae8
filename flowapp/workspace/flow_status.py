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
from flowapp.openflow.agents import function_name, tool_id
from flowapp.openflow.walk import id_of, kind_of, tools
from flowapp.store import jobs, states
from flowapp.store.approval_shapes import terms_of
from flowapp.store.runs import FINISHED
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, ResumeEventRow, RunRow, SuspensionRow
from flowapp.workspace.job_places import JobPlaces, Place, inner_of

DONE = frozenset({"success", "reused", "skipped"})
FAILED = frozenset({"failure", "canceled"})
LOOPS = frozenset({"forloopflow", "whileloopflow"})
FAILURE, PREPROCESSOR = "failure", "preprocessor"
AGENT = "aiagent"
MOST_ITERATIONS = 10_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says about one flow of a run."""

    rows: dict[str, JobRow]
    inside: dict[str, list[jobs.Inside]]
    waits: dict[str, SuspensionRow]
    answers: dict[str, list[ResumeEventRow]]
    user_states: dict[str, Any] = field(default_factory=dict)
    actions: dict[str, list[JobRow]] = field(default_factory=dict)
    """What agents did, by their step: turns of the model and calls of tools, in their order."""


def gather(connection: Connection, store: Store, place: Place) -> Facts:
    """Read everything that the status of a flow needs, in one go."""
    run, prefix = place.run, place.prefix
    rows = {row.path.removeprefix(prefix): row for row in jobs.level(connection, run.id, prefix)}
    inside = {
        name: jobs.inside(connection, run.id, inner_of(row.path, row.attempt))
        for name, row in rows.items()
        if row.kind in LOOPS or row.kind == "branchall"
    }
    waits = {
        row.path.removeprefix(prefix): row
        for row in store.approvals.of_run(connection, run.id)
        if row.path.startswith(prefix)
    }
    answers = {name: store.approvals.events_of(connection, run.id, row.path) for name, row in waits.items()}
    kept = states.all_of_run(connection, states.key_of(run.id, run.draft_id)) if place.is_run else {}
    actions = {
        name: sorted(jobs.level(connection, run.id, f"{inner_of(row.path, row.attempt)}/"), key=_number)
        for name, row in rows.items()
        if row.kind == AGENT
    }
    return Facts(rows, inside, waits, answers, {key: loads(text) for key, text in kept.items()}, actions)


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
    current = rows.get(id_of(modules[step])) if 0 <= step < len(modules) else None
    if current is not None and current.ended_at is None:
        found |= _retry(current)
    conditions = next((terms_of(wait) for wait in facts.waits.values() if wait.status == "open"), None)
    if conditions is not None:
        found["approval_conditions"] = {
            "user_auth_required": bool(conditions.get("user_auth_required")),
            "user_groups_required": conditions.get("groups") or [],
            "self_approval_disabled": bool(conditions.get("self_approval_disabled")),
        }
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
    elif row.kind == AGENT:
        status |= _actions(module, facts.actions.get(id_of(module)) or [])
    elif row.kind == "branchall":
        status |= _branches(place, module, row, meta, facts.inside.get(id_of(module)) or [], places)
    return status


def _loop(
    place: Place,
    module: Mapping[str, Any],
    row: JobRow,
    meta: Mapping[str, Any],
    inside: Sequence[jobs.Inside],
    places: JobPlaces,
) -> dict[str, Any]:
    inner = inner_of(row.path, row.attempt)
    seen = _by_index(inside, inner)
    body = [id_of(inside_module) for inside_module in module["value"].get("modules") or []]
    last = body[-1:]
    started = max(seen, default=-1) + 1
    count = min(started, MOST_ITERATIONS)
    jobs_of = [places.remember(place.run.id, f"{inner}[{index}]") for index in range(count)]
    success = [
        # where one iteration ran by itself, nothing is to be said of those before it
        _went_well(seen.get(index, ()), row, last, index, started, meta) if meta.get("only", index) == index else None
        for index in range(count)
    ]
    found: dict[str, Any] = {
        "flow_jobs": jobs_of,
        "flow_jobs_success": success,
        "flow_jobs_duration": _durations(seen, success),
        "parallel": bool(meta.get("parallel")),
        "while_loop": kind_of(module) == "whileloopflow",
    }
    iterations = meta.get("iterations")
    found["iterator"] = {"index": max(count - 1, 0), "itered_len": iterations if iterations is not None else count}
    if jobs_of and not found["parallel"]:
        found["job"] = jobs_of[-1]
    return found


def _went_well(
    entries: Sequence[jobs.Inside],
    row: JobRow,
    last: Sequence[str],
    index: int,
    started: int,
    meta: Mapping[str, Any],
) -> bool | None:
    """Whether an iteration or branch went well: None while it is under way. `last`: the id of its last step, if it has any."""
    if any(entry.status in FAILED for entry in entries):
        # an error that the flow goes on after is followed by steps that ran
        final = [entry for entry in entries if entry.path.rpartition(".")[2] in last]
        if not final or final[0].status in FAILED:
            return False
    over = row.ended_at is not None or (not meta.get("parallel") and index < started - 1)
    ended = any(entry.path.rpartition(".")[2] in last and entry.ended_at for entry in entries)
    return True if over or ended else None


def _by_index(inside: Sequence[jobs.Inside], inner: str) -> dict[int, list[jobs.Inside]]:
    """The steps of each iteration or branch."""
    seen: dict[int, list[jobs.Inside]] = {}
    for entry in inside:
        number = entry.path.removeprefix(f"{inner}[").partition("]")[0]
        if number.isdigit():
            seen.setdefault(int(number), []).append(entry)
    return seen


def _durations(seen: Mapping[int, Sequence[jobs.Inside]], success: Sequence[bool | None]) -> dict[str, Any]:
    """When each iteration or branch began, and how long it took: None while it is under way, or where nothing ran."""
    begun = [min((e.started_at for e in seen.get(i, ()) if e.started_at), default=None) for i in range(len(success))]
    ended = [max((e.ended_at for e in seen.get(i, ()) if e.ended_at), default=None) for i in range(len(success))]
    took = [
        None if end is None or start is None or done is None else milliseconds(start, end)
        for start, end, done in zip(begun, ended, success, strict=True)
    ]
    return {"started_at": begun, "duration_ms": took}


def _chosen(place: Place, row: JobRow, meta: Mapping[str, Any], places: JobPlaces) -> dict[str, Any]:
    branch = meta["branch"]
    job = places.remember(place.run.id, f"{inner_of(row.path, row.attempt)}[{branch}]")
    if isinstance(branch, int):
        return {"branch_chosen": {"type": "branch", "branch": branch}, "job": job, "flow_jobs": [job]}
    return {"branch_chosen": {"type": "default"}, "job": job, "flow_jobs": [job]}


def _branches(
    place: Place,
    module: Mapping[str, Any],
    row: JobRow,
    meta: Mapping[str, Any],
    inside: Sequence[jobs.Inside],
    places: JobPlaces,
) -> dict[str, Any]:
    count = int(meta.get("branches") or len(module["value"].get("branches") or []))
    inner = inner_of(row.path, row.attempt)
    found = [places.remember(place.run.id, f"{inner}[{index}]") for index in range(count)]
    seen = _by_index(inside, inner)
    last = count - 1 if row.ended_at is not None else 0
    started = max(seen, default=-1) + 1
    bodies = [[id_of(one) for one in branch.get("modules") or []] for branch in module["value"].get("branches") or []]
    success = [
        # a branch of which nothing has run is still to come, unless there is nothing in it
        None if body and index not in seen else _went_well(seen.get(index, ()), row, body[-1:], index, started, meta)
        for index, body in enumerate(bodies[:count])
    ]
    return {
        "branchall": {"branch": last, "len": count},
        "flow_jobs": found,
        "flow_jobs_success": success,
        "flow_jobs_duration": _durations(seen, success),
        "parallel": bool(meta.get("parallel")),
    }


def _actions(module: Mapping[str, Any], rows: Sequence[JobRow]) -> dict[str, Any]:
    """What an agent did so far."""
    names = {tool_id(tool, index): function_name(tool, index) for index, tool in enumerate(tools(module))}
    done = [(row, action) for row in rows for action in _deeds(row, names)]
    found = [action for _, action in done]
    success = [row.status in DONE if row.ended_at is not None else None for row, _ in done]
    return {"agent_actions": found, "agent_actions_success": success}


def _deeds(row: JobRow, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """What a turn or a call was; a model may have searched the web before it said something."""
    searched = row.kind == "model" and row.meta is not None and loads(row.meta).get("searched")
    return [*([{"type": "web_search"}] if searched else []), _action(row, names)]


def _action(row: JobRow, names: Mapping[str, str]) -> dict[str, Any]:
    match row.kind:
        case "model":
            return {"type": "message"}
        case "mcp":
            meta = loads(row.meta) if row.meta else {}
            told = {"function_name": meta.get("function"), "resource_path": meta.get("resource")}
            return {"type": "mcp_tool_call", "call_id": row.id, **told}
        case _:
            meta = loads(row.meta) if row.meta else {}
            # an agent that is a resource has its tools there
            name = names.get(row.step_id) or meta.get("function") or row.step_id
            return {"type": "tool_call", "function_name": name, "job_id": row.id, "module_id": row.step_id}


def _number(row: JobRow) -> int:
    """Turns and calls of an agent have a number before their id: `ask/3:price`."""
    number = row.path.rpartition("/")[2].partition(":")[0]
    return int(number) if number.isdigit() else 0


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


def _retry(row: JobRow) -> dict[str, Any]:
    """`retry` of a step that is tried again; nothing else has one."""
    meta = loads(row.meta) if row.meta else {}
    failed = meta.get("failed_attempts") or []
    return {"retry": {"fail_count": len(failed), "failed_jobs": [row.id for _ in failed]}} if failed else {}


def milliseconds(start: str | None, end: str | None) -> int:
    """Whole milliseconds between two stored times; 0 where one is missing."""
    if not start or not end:
        return 0
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000)


def is_over(run: RunRow) -> bool:
    """Whether the run has ended."""
    return run.status in FINISHED
