"""Schedules in words: what the fields say, and nothing where the words would say something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.workspace.cron import Cron
from flowapp.workspace.cron_words import in_words
from flowapp.workspace.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 9 * * *", "At 09:00"),
        ("0 0 3 * * 1-5", "At 03:00, Monday through Friday"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("@daily", "At 00:00"),
        ("0 0 12 * * 7", "At 12:00, only on Sunday"),
        ("0 9 1 * 5", "At 09:00, on day 1 of the month, or on Friday"),
    ],
)
def test_in_words(text: str, words: str) -> None:
    found = in_words(Cron.parse(text, "UTC"))
    assert found.replace(", every day", "") == words


def test_both_days_of_an_old_schedule_have_no_words() -> None:
    assert in_words(Cron.parse("0 0 9 1 * 5", "UTC", "v1")) == ""


_PART = st.sampled_from(["*", "*/7", "1", "1-5", "1,3", "2-4/2"])


@given(st.tuples(*[_PART] * 5))
def test_whatever_is_a_schedule_has_words_or_none(fields: tuple[str, ...]) -> None:
    try:
        cron = Cron.parse(" ".join(fields), "UTC")
    except BadRequest:
        return
    assert isinstance(in_words(cron), str)
