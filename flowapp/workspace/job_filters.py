"""The filters of lists of jobs by the names of the HTTP API: as conditions of a query of runs, and as a question about one job.

Both mean the same. Runs are found by a query (`filter_of`); what is no column of a step (its path, its tag, its labels) is asked of the job as
clients read it (`passes`). Comma lists name several values, and a leading `!` means none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from flowapp.jsontext import loads
from flowapp.store.clock import now, text_of
from flowapp.store.jobs import JobFilter, OneOf
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.job_views import KINDS, STEP_KINDS

Which = Literal["all", "queue", "completed"]
_TEXTS = {
    "created_by": "created_by",
    "script_path_exact": "path",
    "script_hash": "script_hash",
    "schedule_path": "schedule",
    "tag": "tag",
}
_TIMES = {
    "created": "created_at",
    "started": "started_at",
    "created_or_started": "began_at",
    "completed": "ended_at",
    "scheduled_for": "scheduled_for",
}
_FLAGS = ("running", "suspended", "success", "has_null_parent")
_OUTCOMES = {True: "success", False: "failure"}
_STATUSES = ("success", "failure", "canceled", "skipped")
#: Filters by one of several texts, with the key of a job that they look at.
_OF_JOBS = {
    "created_by": "created_by",
    "script_path_exact": "script_path",
    "script_hash": "script_hash",
    "schedule_path": "schedule_path",
    "job_kinds": "job_kind",
    "tag": "tag",
    "trigger_kind": "trigger_kind",
    "trigger_kinds": "trigger_kind",
    "worker": "worker",
}


def filter_of(query: Mapping[str, str], which: Which) -> JobFilter:
    """The filter of runs that a query means.

    Raises:
        BadRequest: a value cannot be read.
    """
    lists = {column: one_of(query[name]) for name, column in _TEXTS.items() if query.get(name)}
    if query.get("job_kinds"):
        lists["kind"] = _kinds(query["job_kinds"])
    if query.get("status"):
        lists["status"] = _statuses(query["status"])
    before, after = _times(query, "before"), _times(query, "after")
    flags = {name: flag(query, name) for name in _FLAGS}
    schedule = query.get("is_not_schedule")
    triggers = query.get("trigger_kind") or query.get("trigger_kinds")
    return JobFilter(
        lists=lists,
        prefixes={"path": one_of(query["script_path_start"])} if query.get("script_path_start") else {},
        before=before,
        after=after,
        trigger_kinds=one_of(triggers) if triggers else None,
        finished={"all": None, "queue": False, "completed": True}[which],
        skipped=flag(query, "is_skipped"),
        has_schedule=False if schedule == "true" else None,
        due=flag(query, "scheduled_for_before_now") or None,  # as Windmill has it, `false` asks for nothing
        oldest_first=query.get("order_desc") == "false",
        running=flags["running"],
        suspended=flags["suspended"],
        success=flags["success"],
        has_null_parent=flags["has_null_parent"],
    )


def passes(job: Mapping[str, Any], query: Mapping[str, str], which: Which) -> bool:
    """Whether a job, as lists show it, is one that a query means: all filters but `label`, `args` and `result`.

    Raises:
        BadRequest: a value cannot be read.
    """
    over = job["type"] == "CompletedJob"
    if which != "all" and over != (which == "completed"):
        return False
    for name, key in _OF_JOBS.items():
        if query.get(name) and not _is_one_of(job[key], one_of(query[name])):
            return False
    if query.get("status") and not _is_one_of(_status(job, over=over), _statuses(query["status"])):
        return False
    if query.get("script_path_start") and not _starts(
        str(job["script_path"] or ""), one_of(query["script_path_start"])
    ):
        return False
    if query.get("is_not_schedule") == "true" and job["schedule_path"]:
        return False
    if flag(query, "scheduled_for_before_now") and not (over or job["scheduled_for"] <= now()):
        return False
    so = _flags_of(job, over=over)
    return _in_time(job, query) and all(flag(query, name) in (None, is_so) for name, is_so in so.items())


def is_on(worker: str | None, query: Mapping[str, str]) -> bool:
    """Whether a job that this worker ran (None: none did, or not yet) is one that the filter `worker` means."""
    return not query.get("worker") or _is_one_of(worker, one_of(query["worker"]))


def _is_one_of(text: str | None, wanted: OneOf) -> bool:
    return (text in wanted.values) != wanted.negated


def _starts(path: str, wanted: OneOf) -> bool:
    return any(path.startswith(prefix) for prefix in wanted.values) != wanted.negated


def _status(job: Mapping[str, Any], *, over: bool) -> str:
    if not over:
        return "suspended" if job.get("suspend") else "running" if job["running"] else "queued"
    return "canceled" if job["canceled"] else "skipped" if job["is_skipped"] else _OUTCOMES[bool(job["success"])]


def _flags_of(job: Mapping[str, Any], *, over: bool) -> dict[str, bool | None]:
    """What is so of a job; None where the question is only asked of those that are over."""
    return {
        "running": not over and bool(job["running"]),
        "suspended": bool(job.get("suspend")),
        "success": bool(job["success"]) if over else None,
        "is_skipped": over and bool(job["is_skipped"]),
        "is_flow_step": bool(job["is_flow_step"]),
        "has_null_parent": job["parent_job"] is None,
    }


def _in_time(job: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    def at(column: str) -> str | None:
        if column == "began_at":
            return str(job["started_at"] or job["created_at"])
        text = job.get("completed_at" if column == "ended_at" else column)
        return str(text) if text is not None else None

    before = ((at(column), moment) for column, moment in _times(query, "before").items())
    after = ((at(column), moment) for column, moment in _times(query, "after").items())
    return all(text is not None and text < moment for text, moment in before) and all(
        text is not None and text > moment for text, moment in after
    )


def contains(value: Any, part: Any) -> bool:
    """Whether a JSON value holds another: objects by key, arrays if each item is found, anything else if equal."""
    if isinstance(part, dict):
        return isinstance(value, dict) and all(key in value and contains(value[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(value, list) and all(any(contains(item, wish) for item in value) for wish in part)
    return type(value) is type(part) and bool(value == part)


def one_of(text: str) -> OneOf:
    """The values of a comma list."""
    negated = text.startswith("!")
    names: Sequence[str] = [name.strip().removeprefix("!") for name in text.split(",")]
    return OneOf(tuple(name for name in names if name), negated)


def _kinds(text: str) -> OneOf:
    """Our kinds by the clients' words; words for what we do not have find nothing."""
    asked = one_of(text)
    return OneOf(tuple(ours for ours, theirs in KINDS.items() if theirs in asked.values), asked.negated)


def single_kinds_of(query: Mapping[str, str]) -> tuple[str, ...]:
    """Our kinds of runs of a single script among which the jobs are that `job_kinds` means."""
    asked = one_of(query.get("job_kinds") or "!")
    words = {"preview": ("preview",), "script": ("script", "script_hub")}
    return tuple(kind for kind, names in words.items() if any((one in asked.values) != asked.negated for one in names))


def step_kinds_of(query: Mapping[str, str]) -> OneOf | None:
    """Our kinds of steps among which they are; None for all."""
    asked = one_of(query.get("job_kinds") or "!")
    if "flownode" in asked.values and not asked.negated:
        return None
    return OneOf(tuple(ours for ours, theirs in STEP_KINDS.items() if theirs in asked.values), asked.negated)


def _statuses(text: str) -> OneOf:
    asked = one_of(text)
    words = {**{name: (name,) for name in _STATUSES}, "running": ("running",), "waiting": ("queued",)}
    words["suspended"] = ("suspended",)
    for name in asked.values:
        if name not in words:
            raise BadRequest(f"There is no status {name[:40]!r}.", f"Use one of {', '.join(words)}.")
    return OneOf(tuple(status for name in asked.values for status in words[name]), asked.negated)


def _times(query: Mapping[str, str], side: str) -> dict[str, str]:
    found = {}
    for name, column in _TIMES.items():
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


def flag(query: Mapping[str, str], name: str) -> bool | None:
    """Whether `true` or `false` was asked for; None for neither."""
    text = query.get(name)
    if not text:
        return None
    if text not in ("true", "false"):
        raise BadRequest(f"{name} must be true or false, not {text[:40]!r}.")
    return text == "true"


def subset(query: Mapping[str, str], name: str) -> Any:
    """The JSON that a value must contain; None where nothing is asked."""
    text = query.get(name)
    if not text:
        return None
    try:
        return loads(text)
    except ValueError:
        raise BadRequest(f"{name} must be JSON text.", 'For example args={"n": 1}.') from None
