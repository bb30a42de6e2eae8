"""Runs and steps as pages get them: what they are, what started them, and what they wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.jsontext import loads
from flowapp.openflow.walk import id_of, tools, walk
from flowapp.store import run_notes
from flowapp.store.tables import JobRow, RunRow


def run_json(run: RunRow) -> dict[str, Any]:
    """One run, as lists and headers show it. `has_event`: a preprocessor was given what started it."""
    trigger = loads(run.trigger) if run.trigger else {}
    return {
        "id": run.id,
        "number": run.number,
        "path": run.path,
        "summary": run.summary,
        "status": run.status,
        "kind": run.kind,
        "version": run.version,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "duration_ms": duration_ms(run.started_at, run.ended_at),
        "created_by": run.created_by,
        "draft_id": run.draft_id,
        "failed": run.failed,
        "canceled_by": run.canceled_by,
        "canceled_reason": run.canceled_reason,
        "isolation": run.isolation,
        "trigger": str(trigger.get("kind") or ""),
        "has_event": trigger.get("event") is not None,
        "schedule": run.schedule or "",
    }


def noted(connection: Connection, workspace: str, runs: Sequence[RunRow]) -> list[dict[str, Any]]:
    """Runs as `run_json`, with what takes other rows to tell.

    `restarted_from`: `{"id", "number" (None when it is gone), "step_id"}` of the run that this one begins again, or None.
    `waits`: `{"approvals": [paths of steps], "until": time or None}` while it is suspended, else None.
    """
    before = {run.id: _restart_of(run) for run in runs if run.restarted_from}
    known = run_notes.numbers(connection, workspace, {str(one["id"]) for one in before.values()})
    asking = run_notes.asking(connection, [run.id for run in runs if run.status == "suspended"])
    found = []
    for run in runs:
        again = before.get(run.id)
        waits = {"approvals": asking.get(run.id, []), "until": run.wake_at} if run.status == "suspended" else None
        restarted = {**again, "number": known.get(str(again["id"]))} if again else None
        found.append({**run_json(run), "restarted_from": restarted, "waits": waits})
    return found


def _restart_of(run: RunRow) -> dict[str, Any]:
    place = loads(run.restarted_from or "{}")
    return {"id": str(place.get("flow_job_id") or ""), "step_id": str(place.get("step_id") or "")}


def step_json(job: JobRow, titles: Mapping[str, str] | None = None) -> dict[str, Any]:
    """One step of a run. `parent` is the path of the loop iteration or branch that it stands in."""
    meta = loads(job.meta) if job.meta else {}
    parent = job.path.rpartition(".")[0]
    return {
        "id": job.id,
        "path": job.path,
        "step_id": job.step_id,
        "title": _title(job, titles or {}),
        "kind": job.kind,
        "language": job.language,
        "depth": job.path.count("."),
        "parent": parent or None,
        "status": job.status,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "duration_ms": job.duration_ms,
        "attempt": job.attempt,
        "isolation": job.isolation,
        "reused": job.status == "reused" or job.reused_from is not None,
        **progress_json(job),
        **(meta if isinstance(meta, dict) else {}),
    }


def progress_json(job: RunRow | JobRow) -> dict[str, int]:
    """`{"progress"}`, in percent, of what is under way and has said how far it is."""
    return {} if job.progress is None or job.ended_at is not None else {"progress": job.progress}


def _title(job: JobRow, titles: Mapping[str, str]) -> str:
    """What a step is called: a model's turn by the model, a call of an MCP server by the tool."""
    meta = loads(job.meta) if job.meta else {}
    if "key" in meta:  # a step of a workflow as code; its id is the key, as far as that is plain
        return str(meta["key"]) if meta["key"] != job.step_id else ""
    if job.kind not in ("model", "mcp"):
        return titles.get(job.step_id, "")
    return str(meta.get("model" if job.kind == "model" else "function") or "")


def titles_of(flow: Mapping[str, Any]) -> dict[str, str]:
    """Step id → summary; a tool of an agent has one too."""
    places = list(walk(flow))
    called = {id_of(tool): str(tool.get("summary") or "") for place in places for tool in tools(place.module)}
    return called | {place.step_id: str(place.module.get("summary") or "") for place in places}


def duration_ms(start: str | None, end: str | None) -> float | None:
    """Milliseconds between two stored times."""
    if not start or not end:
        return None
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000, 3)
