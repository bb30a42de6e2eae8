"""Filters of the list of runs: what days mean, to the last moment of each."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from flowapp.store.clock import text_of
from flowapp.workspace.run_query import RunQuery


@given(st.dates(min_value=date(2, 1, 1), max_value=date(9998, 12, 31)), st.times(), st.integers(-2, 2))
def test_a_day_is_all_of_it_and_nothing_else(day: date, at: time, off: int) -> None:
    found = RunQuery(since=day.isoformat(), until=day.isoformat()).filter()
    moment = text_of(datetime.combine(day + timedelta(days=off), at, tzinfo=UTC))
    inside = found.after["created_at"] < moment < found.before["created_at"]
    assert inside == (off == 0)


@given(st.dictionaries(st.sampled_from(("status", "path", "page", "view")), st.text() | st.integers()))
def test_what_is_no_filter_is_left_alone(query: dict[str, object]) -> None:
    taken = RunQuery.of(query)
    assert RunQuery.of(taken.given()) == taken
    assert set(taken.given()) <= {"status", "path"}
