"""JSON texts as they come from other languages."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.jsontext import canonical, dumps, hash_of, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"\\ud83d"', "\ud83d"),
        ('{"\\uD83D":[1234567890123456789012]}', {"\ud83d": [1234567890123456789012]}),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_what_other_languages_write_is_read_and_written_again(text: str, value: Any) -> None:
    assert loads(text) == value
    assert loads(dumps(value)) == value
    assert hash_of(canonical(value)) == hash_of(canonical(loads(dumps(value))))


@pytest.mark.parametrize("text", ["", "NaN", "[1234567890123456789012, NaN]", '"\\ud83d', "-Infinity", "9" * 5000, "{"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        loads(text)


def test_what_json_has_no_form_for_becomes_null() -> None:
    assert dumps([float("nan"), float("inf"), 2**70]) == f"[null,null,{2**70}]"
