"""Days in filters: `2026-01-31`, of UTC, the last one included."""

from __future__ import annotations

from datetime import date, timedelta

from flowapp.workspace.errors import BadRequest


def span(since: str, until: str) -> tuple[date | None, date | None]:
    """The first day, and the day after the last one; None where there is no bound.

    Raises:
        BadRequest: a text is no day.
    """
    first, last = _day(since), _day(until)
    return first, last + timedelta(days=1) if last is not None and last < date.max else None


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{text[:20]!r} is not a day.", "Write it as 2026-01-31.") from None
