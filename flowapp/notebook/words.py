"""The words of cell states: badges and causes, short and in sentence case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowapp.notebook.causes import Cause
    from flowapp.notebook.records import CellRecord, Live

_PREVIOUS = "previous_result"


def badge(
    kind: str,
    record: CellRecord | None,
    causes: Sequence[Cause],
    live: Live | None,
    now: datetime | None,
    module: Mapping[str, Any],
    container: str | None,
    stand_in: str | None = None,
) -> str:
    """The text of a cell's badge; `stand_in` is the name of the one in force."""
    if live is not None:
        return _live(live, now)
    text = _settled(kind, record, causes, now, module, container, stand_in)
    alone = record.iteration if record is not None and kind not in ("never", "blocked", "pinned") else None
    return of_iteration(alone.index, text) if alone else text


def _settled(
    kind: str,
    record: CellRecord | None,
    causes: Sequence[Cause],
    now: datetime | None,
    module: Mapping[str, Any],
    container: str | None,
    stand_in: str | None,
) -> str:
    match kind:
        case "never" if record is not None:
            return "Canceled"
        case "never":
            return f"Runs with {container}" if container else "Not run"
        case "blocked":
            return f"Blocked: {causes[0].text}" if causes else "Blocked"
        case "pinned":
            return f"Pinned: {stand_in}" if stand_in else _pinned(module)
        case "stale":
            return _stale(record, causes)
        case "skipped":
            return "Skipped by condition"
        case "failed":
            return _failed(record)
        case "reused":
            return _reused(record, now)
        case _:
            return _done(record, now)


def code_changed(language: bool) -> str:
    """Why: the cell's own text."""
    return "language changed" if language else "code changed"


def script_changed(path: str) -> str:
    """Why: a stored script that it runs or imports has a newer version."""
    return f"script {path} changed"


def settings_changed() -> str:
    """Why: settings other than expressions."""
    return "settings changed"


def setting_changed(setting: str) -> str:
    """Why: an expression in the settings."""
    return f"{_setting(setting)} changed"


def input_changed(field: str) -> str:
    """Why: a field was wired or filled differently."""
    return f"input {field} changed"


def nested_changed(step_id: str | None, before: bool, after: bool) -> str:
    """Why: an inner cell of a container."""
    if step_id is None or not after:
        return "an inner step was removed"
    return f"{step_id} changed" if before else f"{step_id} was added"


def upstream_changed(field: str, step_id: str) -> str:
    """Why: another result arrived through a wire."""
    return f"{_from(field, step_id)} changed"


def upstream_stale(field: str, step_id: str) -> str:
    """Why: what comes through a wire is to be computed again."""
    return f"{_from(field, step_id)} is out of date"


def upstream_missing(step_id: str) -> str:
    """Why: nothing to read yet."""
    return f"{step_id} has no result yet"


def upstream_failed(step_id: str) -> str:
    """Why: the step that is read from failed."""
    return f"{step_id} failed"


def flow_input_changed(name: str | None) -> str:
    """Why: a sample value of the flow's inputs."""
    return f"flow input {name} changed" if name else "flow input changed"


def container_stale(step_id: str) -> str:
    """Why: the loop or branch around the cell is to be run again."""
    return f"{step_id} is out of date"


def items_stale(step_id: str) -> str:
    """Why: the loop may go through other items now than when the one iteration ran."""
    return f"the items of {step_id} are out of date"


def loop_changed(step_id: str) -> str:
    """Why: a while loop is another than when the one iteration ran; it has no items."""
    return f"the settings of {step_id} changed"


def items_changed(step_id: str) -> str:
    """Why it computed: the item is one of another list."""
    return f"what the items of {step_id} come from changed"


def of_iteration(index: int, text: str) -> str:
    """The text of a cell that last ran in one iteration by itself."""
    return f"Iteration {index + 1}: {text[:1].lower()}{text[1:]}"


def source_lost() -> str:
    """Why: something that was read is no longer read."""
    return "a step it read is gone"


def failed_before() -> str:
    """Why it computed: the last attempt is no result."""
    return "it failed the last time"


def never_reused(*, effects: bool) -> str:
    """Why it computed: its own word."""
    return (
        "it has effects outside, so that no earlier result is reused"
        if effects
        else "it never reuses an earlier result"
    )


def ran_anew() -> str:
    """Why it computed: a person wished it."""
    return "it was run although it was up to date"


def expired(seconds: float) -> str:
    """Why it computed: its cache."""
    return f"a result of it is kept for {duration(seconds * 1000)} only"


def nothing_kept() -> str:
    """Why it computed although nothing changed."""
    return "no result of equal work was kept for it"


def wire_broken(field: str, step_id: str, broken: str | None) -> str:
    """Why: a wire that leads nowhere any more."""
    where = "now comes later" if broken == "later" else "is gone"
    return f"{step_id}, read by {_setting(field)}, {where}"


def duration(milliseconds: float) -> str:
    """`40 ms`, `0.8 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if milliseconds < 100:
        return f"{max(1, round(milliseconds))} ms"
    seconds = milliseconds / 1000
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def age(seconds: float) -> str:
    """`just now`, `5 min old`, `3 h old`, `2 d old`."""
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min old"
    if seconds < 2 * 86400:
        return f"{seconds // 3600:.0f} h old"
    return f"{seconds // 86400:.0f} d old"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _from(field: str, step_id: str) -> str:
    return f"previous result ({step_id})" if field == _PREVIOUS else f"{_setting(field)} from {step_id}"


def _setting(setting: str) -> str:
    """A setting's name for people: `branches/0/expr` is the condition of branch 1."""
    parts = setting.split("/")
    if parts[0] == "branches" and len(parts) == 3 and parts[1].isdecimal():
        return f"condition of branch {int(parts[1]) + 1}"
    return parts[-1].replace("_", " ") if len(parts) > 1 else setting


def _live(live: Live, now: datetime | None) -> str:
    if live.kind == "queued":
        return f"Queued {ordinal(live.position)}" if live.position and live.position > 1 else "Queued"
    if live.kind == "waiting":
        return "Waiting for approval"
    since = _time(live.since)
    if now is None or since is None:
        return "Running"
    seconds = max(0, int((now - since).total_seconds()))
    return f"Running {seconds // 60}:{seconds % 60:02d}"


def _pinned(module: Mapping[str, Any]) -> str:
    mock = module.get("mock")
    value = mock.get("return_value") if isinstance(mock, dict) else None
    if isinstance(value, list):
        return f"Pinned: {len(value)} {'item' if len(value) == 1 else 'items'}"
    if isinstance(value, dict):
        return f"Pinned: {len(value)} {'key' if len(value) == 1 else 'keys'}"
    return "Pinned" if value is None else f"Pinned: {str(value)[:40]}"


def _stale(record: CellRecord | None, causes: Sequence[Cause]) -> str:
    first = causes[0].text if causes else "something changed"
    more = f", and {len(causes) - 1} more" if len(causes) > 1 else ""
    lead = "Ran on out-of-date inputs" if record is not None and record.on_old_inputs else "Out of date"
    return f"{lead}: {first}{more}"


def _failed(record: CellRecord | None) -> str:
    line = record.error.line if record is not None and record.error is not None else None
    return f"Failed at line {line}" if line else "Failed"


def _reused(record: CellRecord | None, now: datetime | None) -> str:
    reused = record.reused_from if record is not None else None
    if reused is None:
        return "Reused"
    at = _time(reused.at)
    old = f" {age((now - at).total_seconds())}," if now is not None and at is not None else ""
    return f"Reused,{old} run #{reused.run_number}" if old else f"Reused from run #{reused.run_number}"


def _done(record: CellRecord | None, now: datetime | None) -> str:
    if record is None:
        return "Done"
    parts = ["Done"]
    if record.duration_ms is not None:
        parts[0] = f"Done {duration(record.duration_ms)}"
    at = _time(record.finished_at)
    if at is not None:
        at = at.astimezone(now.tzinfo) if now is not None and now.tzinfo else at
        parts.append(f"{at:%H:%M}")
    return ", ".join(parts)


def _time(text: str) -> datetime | None:
    """A stored time; times without a zone are UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
