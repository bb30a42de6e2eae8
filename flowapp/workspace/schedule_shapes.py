"""Schedules as Windmill's clients send and get them.

What a client stored comes back as it was: keys that we do not know are kept, and none is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flowapp.jsontext import dumps, loads
from flowapp.store.clock import text_of
from flowapp.store.tables import RunRow, ScheduleRow
from flowapp.workspace.cron import Cron
from flowapp.workspace.errors import BadRequest

_COLUMNS = frozenset({"path", "schedule", "timezone", "enabled", "script_path", "is_flow", "args"})
#: What the server says about a schedule; a client's own words about it are ignored.
_OURS = frozenset(
    {
        "workspace_id",
        "edited_by",
        "edited_at",
        "email",
        "permissioned_as",
        "preserve_permissioned_as",
        "extra_perms",
        "error",
        "next_at",
        "jobs",
    }
)
_TEXTS = (
    *("summary", "description", "tag", "on_failure", "on_recovery", "on_success"),
    *("dynamic_skip", "cron_version", "paused_until"),
)
_TRUTHS = ("no_flow_overlap", "on_failure_exact", "ws_error_handler_muted")
_COUNTS = ("on_failure_times", "on_recovery_times")
_OBJECTS = ("on_failure_extra_args", "on_recovery_extra_args", "on_success_extra_args", "retry")
_MOST_TIMES = 1_000_000
HANDLERS = ("on_failure", "on_recovery", "on_success")
"""Which options name what is started after a run; see `handler`."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a schedule may say besides when and what, read back from its row."""

    given: Mapping[str, Any]

    @classmethod
    def of(cls, row: ScheduleRow) -> Options:
        """The options of a stored schedule."""
        return cls(loads(row.options))

    def text(self, name: str) -> str:
        """A text, "" where it is not given."""
        return str(self.given.get(name) or "")

    def truth(self, name: str) -> bool:
        """A switch."""
        return self.given.get(name) is True

    def times(self, name: str) -> int:
        """A count of runs in a row, 1 where it is not given."""
        return max(1, int(self.given.get(name) or 1))

    def mapping(self, name: str) -> dict[str, Any]:
        """An object, empty where it is not given."""
        found = self.given.get(name)
        return dict(found) if isinstance(found, Mapping) else {}

    @property
    def retry(self) -> dict[str, Any] | None:
        """How a failed run is tried again."""
        return self.mapping("retry") or None

    @property
    def paused_until(self) -> datetime | None:
        """Until when its ticks do not count."""
        text = self.text("paused_until")
        return _moment(text) if text else None


@dataclass(frozen=True, slots=True)
class Change:
    """A checked body of create or update. `args` is None where the body says nothing of them."""

    cron: Cron
    args: dict[str, Any] | None
    options: dict[str, Any]


def read_change(body: Mapping[str, Any]) -> Change:
    """What create and update have in common.

    Raises:
        BadRequest: a field is missing or of another type; the message names it.
    """
    options = {name: value for name, value in body.items() if name not in _COLUMNS and name not in _OURS}
    for name in _TEXTS:
        _check(options, name, str, "a text")
    for name in _TRUTHS:
        _check(options, name, bool, "true or false")
    for name in _OBJECTS:
        _check(options, name, dict, "an object")
    for name in _COUNTS:
        _check_count(options, name)
    if options.get("paused_until"):
        _moment(options["paused_until"])
    args = body.get("args")
    if args is not None and not isinstance(args, dict):
        raise BadRequest("args must be an object.", 'For example {"args": {"name": "value"}}.')
    cron = Cron.parse(_text(body, "schedule"), _text(body, "timezone"), options.get("cron_version"))
    return Change(cron, args, options)


def next_tick(cron: Cron, options: Options, after: datetime) -> str | None:
    """The stored time of the first tick after a moment, and after any pause."""
    paused = options.paused_until
    start = after if paused is None or paused <= after else paused - timedelta(seconds=1)
    found = cron.next_after(start)
    return None if found is None else text_of(found)


def cron_of(row: ScheduleRow) -> Cron:
    """When a stored schedule is due."""
    return Cron.parse(row.schedule, row.timezone, Options.of(row).text("cron_version") or None)


def export(row: ScheduleRow) -> dict[str, Any]:
    """What a client stored, as it stored it."""
    args = loads(row.args)
    return {
        "schedule": row.schedule,
        "timezone": row.timezone,
        "enabled": row.enabled,
        "script_path": row.script_path,
        "is_flow": row.is_flow,
        **({} if args is None else {"args": args}),
        **{name: value for name, value in loads(row.options).items() if name != "error"},
    }


def schedule_json(row: ScheduleRow) -> dict[str, Any]:
    """A schedule with what the server knows of it; `error` says why its last tick started nothing."""
    error = loads(row.options).get("error")
    return {
        "workspace_id": row.workspace,
        "path": row.path,
        "args": {},
        **export(row),
        "edited_by": row.edited_by,
        "edited_at": row.edited_at,
        "email": row.email,
        "permissioned_as": row.permissioned_as,
        "extra_perms": {},
        "next_at": row.next_at,
        **({"error": error} if error else {}),
    }


def job_json(run: RunRow) -> dict[str, Any]:
    """A run in `list_with_jobs`."""
    return {"id": run.id, "success": not run.failed, "duration_ms": _duration(run)}


def handler(text: str) -> tuple[bool, str]:
    """Whether a handler is a flow, and its path: `flow/f/x/y`, `script/f/x/y`, or the path of a script alone.

    Raises:
        BadRequest: there is no path in it.
    """
    kind, _, path = text.partition("/")
    if kind not in ("flow", "script"):
        return False, text
    if not path:
        raise BadRequest(f"{text!r} names no handler.", "Write script/<path> or flow/<path>.")
    return kind == "flow", path


def _duration(run: RunRow) -> int:
    if run.started_at is None or run.ended_at is None:
        return 0
    passed = datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)
    return max(0, round(passed.total_seconds() * 1000))


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{name} is missing.", 'A schedule has a schedule, such as "0 0 12 * * *", and a timezone.')
    return value.strip()


def _check(options: Mapping[str, Any], name: str, kind: type, words: str) -> None:
    value = options.get(name)
    if value is not None and not isinstance(value, kind):
        raise BadRequest(f"{name} must be {words}.", "See docs/schedules.md.")


def _check_count(options: Mapping[str, Any], name: str) -> None:
    value = options.get(name)
    whole = isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= _MOST_TIMES
    if value is not None and not (whole and value == int(value)):
        raise BadRequest(f"{name} must be a whole number from 1 on.", "See docs/schedules.md.")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"paused_until is not a time: {text[:80]!r}.", "Such as 2026-12-24T18:00:00Z.") from None


def stored(options: Mapping[str, Any]) -> str:
    """Options as the row keeps them."""
    return dumps(dict(options))
