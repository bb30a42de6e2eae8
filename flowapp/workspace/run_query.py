"""What the list of runs can be narrowed by: the words of addresses, of `GET …/runs` and of saved views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta

from flowapp.store.clock import text_of
from flowapp.store.jobs import JobFilter, OneOf
from flowapp.workspace import days
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.stored import MAX_PATH

#: Ways in which runs begin. A person's are all that nothing else began: presses in pages and by the command line.
TRIGGERS = {
    "person": OneOf(("schedule", "webhook", "api"), negated=True),
    "schedule": OneOf(("schedule",)),
    "webhook": OneOf(("webhook",)),
    "script": OneOf(("api",)),
}


@dataclass(frozen=True, slots=True)
class RunQuery:
    """A filter; "" narrows nothing. `since` and `until` are days of UTC, `2026-01-31`, both included."""

    status: str = ""
    path: str = ""
    created_by: str = ""
    trigger: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, given: Mapping[str, object]) -> RunQuery:
        """The filter in a query, a form or a row; what else is in there is left alone."""
        return cls(**{name: str(given.get(name) or "").replace("\0", "").strip()[:MAX_PATH] for name in FIELDS})

    def to_json(self) -> dict[str, str]:
        """By name, all of it."""
        return asdict(self)

    def given(self) -> dict[str, str]:
        """What narrows something, by name."""
        return {name: text for name, text in asdict(self).items() if text}

    def filter(self, draft_id: str | None = None) -> JobFilter:
        """As a filter of the store.

        Raises:
            BadRequest: there is no such trigger, or a day is none.
        """
        exact = {"path": self.path, "status": self.status, "created_by": self.created_by, "draft_id": draft_id or ""}
        since, end = days.span(self.since, self.until)
        return JobFilter(
            lists={name: OneOf((text,)) for name, text in exact.items() if text},
            trigger_kinds=_trigger(self.trigger),
            after={"created_at": _before(since)} if since is not None else {},
            before={"created_at": _begin(end)} if end is not None else {},
        )


ALL_RUNS = RunQuery()
FIELDS = tuple(RunQuery.__dataclass_fields__)


def _trigger(text: str) -> OneOf | None:
    if not text:
        return None
    if text not in TRIGGERS:
        raise BadRequest(f"No run is begun by {text[:40]!r}.", f"Use one of {', '.join(TRIGGERS)}.")
    return TRIGGERS[text]


def _begin(day: date) -> str:
    return text_of(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _before(day: date) -> str:
    """The last moment that is not of the day: filters by time leave their bound out."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return text_of(begin - timedelta(microseconds=1)) if day > date.min else text_of(begin)
