"""Times as the tables keep them: UTC, ISO 8601 with microseconds, as text, so that they sort."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> str:
    """The present time as stored text, e.g. `2026-11-22T19:40:01.123456Z`."""
    return text_of(datetime.now(UTC))


def text_of(moment: datetime) -> str:
    """The stored text of an aware datetime."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"


def seconds_ago(seconds: float) -> str:
    """The stored text of the moment `seconds` before now."""
    return text_of(datetime.now(UTC) - timedelta(seconds=seconds))
