"""The environment variables that a job gets: who it is, where it stands, where its state is kept."""

from __future__ import annotations

import hashlib
import re

from flowapp.engine.values import LeafCall
from flowapp.jsontext import loads
from flowapp.store.runs import job_id
from flowapp.store.tables import RunRow

SINGLE = frozenset({"script", "preview"})
"""Kinds of runs that are one script: the run is the job, and there is no flow around it."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")


def job_of(run: RunRow, call: LeafCall) -> str:
    """The id of the job that a call is."""
    return run.id if _is_run(run, call) else job_id(run.id, call.info.path)


def _is_run(run: RunRow, call: LeafCall) -> bool:
    """Whether a call is the one script of its run, and no task of that."""
    return run.kind in SINGLE and "/" not in call.info.path


class Environment:
    """The variables of the jobs of one run, all but the token. What is the same for all of them is put together once."""

    def __init__(self, run: RunRow, base_url: str, internal_url: str) -> None:
        self._run = run
        self._day = (run.started_at or run.created_at)[:10]
        self._owner = _plain(run.permissioned_as)
        same = {
            "WM_WORKSPACE": run.workspace,
            "WM_ROOT_JOB_ID": run.root_run or run.id,
            "WM_USERNAME": run.permissioned_as.removeprefix("u/") or run.created_by,
            "WM_EMAIL": run.email or run.created_by,
            "WM_PERMISSIONED_AS": run.permissioned_as,
            "WM_SCHEDULE_PATH": run.schedule or "",
            "WM_SCHEDULED_FOR": run.scheduled_for or "",
            "WM_END_USER_EMAIL": _starter(run),
            "WM_BASE_URL": base_url,
            "BASE_URL": base_url,
            "BASE_INTERNAL_URL": internal_url or base_url,
        }
        if run.kind not in SINGLE:
            same["WM_ROOT_FLOW_JOB_ID"] = run.root_run or run.id
        self._same = {name: value for name, value in same.items() if value}

    def of(self, call: LeafCall) -> dict[str, str]:
        """Those of one job, without those that would be empty."""
        run = self._run
        single, job = run.kind in SINGLE and not call.frame.prefix, job_of(run, call)
        step_id, state = call.info.step_id, state_path(run, call)
        flow_path = call.frame.path or run.path
        script = call.script_path or (run.path if single else f"{flow_path}/{step_id}" if flow_path else step_id)
        own = {
            "WM_JOB_ID": job,
            "WM_JOB_PATH": script,
            "WM_STATE_PATH": state,
            "WM_STATE_PATH_NEW": state,
            "WM_RUNNABLE_ID": call.script_hash,
            "WM_OBJECT_PATH": self._object_path(script, job),
            "WM_WORKER_GROUP": call.tag or run.tag or "default",
        }
        if single and call.entrypoint not in ("main", "preprocessor"):
            # a task that was started as a job: by these Windmill's clients know that they are in it
            own |= {"MAIN_OVERRIDE": call.entrypoint, "WM_FLOW_JOB_ID": run.parent_run or ""}
        if not single:
            own |= {
                "WM_FLOW_JOB_ID": call.frame.job_id or run.id,
                "WM_FLOW_PATH": flow_path,
                "WM_FLOW_STEP_ID": step_id,
            }
        return self._same | {name: value for name, value in own.items() if value}

    def _object_path(self, script: str, job: str) -> str:
        """A place for this job's files in a store of objects: readable, and no other job's."""
        parts = (self._owner, _plain(script), _plain(f"{self._day}_{job}"))
        return "/".join(part for part in parts if part)


def _plain(text: str) -> str:
    return _UNSAFE.sub("_", text).strip("_")


def _starter(run: RunRow) -> str:
    """Who started the run: not the person whose rights it has, where those are lent."""
    by = loads(run.trigger).get("by") if run.trigger else None
    return str(by or run.email or run.created_by)


def state_path(run: RunRow, call: LeafCall) -> str:
    """The path of the resource that holds a job's state: the same for every run of the same step, script and schedule."""
    single = run.kind in SINGLE
    flow = "" if single else call.frame.path or run.path or f"draft_{run.draft_id or run.id}"
    step = "" if single else call.info.step_id
    script = call.script_path or (run.path if single else "")
    place = "\n".join((flow, step, script, run.schedule or ""))
    name = _UNSAFE.sub("_", "_".join(part for part in (flow or script, step) if part)).strip("_")[:80]
    digest = hashlib.blake2b(place.encode(), digest_size=6).hexdigest()
    owner = run.permissioned_as or f"u/{_UNSAFE.sub('_', run.created_by)}"
    return f"{owner}/state_{name}_{digest}" if name else f"{owner}/state_{digest}"
