"""Values of databases as JSON: exact, or text."""

from __future__ import annotations

import datetime
import json
import uuid
from decimal import Decimal

import pytest

from flowapp.runtimes.guest.sql_rows import JsonValue, encode
from flowapp.runtimes.guest.sql_values import plain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (2**53 - 1, "9007199254740991"),
        (-(2**53), '"-9007199254740992"'),
        (10**40, f'"1{"0" * 40}"'),
        (0.1, "0.1"),
        (float("nan"), "null"),
        (float("-inf"), "null"),
        (Decimal("1.10"), "1.10"),
        (Decimal("0.1000000000000000055511151231257827"), '"0.1000000000000000055511151231257827"'),
        (Decimal("123456789012345.6"), '"123456789012345.6"'),
        (Decimal("9007199254740991"), "9007199254740991"),
        (Decimal("9007199254740993"), '"9007199254740993"'),
        (Decimal("NaN"), "null"),
        (Decimal("1E+5000"), '"1E+5000"'),
        ("ä\n", '"ä\\n"'),
        (b"\x00\xff", '"AP8="'),
        (JsonValue('{"a": 1.50}'), '{"a": 1.50}'),
        ([1, [None]], "[1,[null]]"),
        ({"a": Decimal("1")}, '{"a":1}'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC), '"2026-01-02T03:00:00+00:00"'),
        (datetime.date(2026, 1, 2), '"2026-01-02"'),
        (datetime.timedelta(days=1, hours=2, seconds=0.5), '"P1DT2H0.5S"'),
        (datetime.timedelta(0), '"PT0S"'),
        (datetime.timedelta(days=-1), '"-P1D"'),
        (datetime.timedelta(minutes=90), '"PT1H30M"'),
    ],
)
def test_values(value: object, text: str) -> None:
    assert encode(value) == text
    json.loads(text)


def test_for_a_database_numbers_stay_numbers() -> None:
    assert encode({"a": 2**60, "b": Decimal("1.12345678901234567890")}, exact=True) == (
        f'{{"a":{2**60},"b":1.12345678901234567890}}'
    )


def test_inputs_as_drivers_take_them() -> None:
    assert plain({"a": [1]}, "json") == '{"a":[1]}'
    assert plain(Decimal("1.5"), "double") == 1.5
    assert plain(Decimal("1.50"), "numeric(5, 2)") == Decimal("1.50")
    assert plain("1.10", "decimal") == Decimal("1.10")
    assert plain(3, "float") == 3.0
    assert plain("AP8=", "blob") == b"\x00\xff"
    assert plain("text", "") == "text"
    assert plain(None, "int") is None
    with pytest.raises(ValueError, match="base64"):
        plain("not base64", "blob")
