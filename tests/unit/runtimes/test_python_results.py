"""Python results as JSON (openflow.md 9)."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import uuid
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.runtimes.guest.python_results import encode


class DataFrame:
    """Looks like pandas' as far as results are concerned."""

    class Values:
        def tolist(self) -> list[list[int]]:
            return [[1, 2], [3, 4]]

    values = Values()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ({"a": [1, 2.5, True]}, '{"a":[1,2.5,true]}'),
        ((1, 2), "[1,2]"),
        (2**70, str(2**70)),
        ("ä😀", '"ä😀"'),
        ("a\ud800b", '"a\ufffdb"'),
        (b"hi", '"aGk="'),
        ({"a": b"hi", "b": 1}, '{"a":"aGk=","b":1}'),
        (math.nan, "null"),
        ({"a": [math.inf, 1.0], "b": (math.nan,)}, '{"a":[null,1.0],"b":[null]}'),
        ({"a": math.nan, "d": decimal.Decimal("1.5")}, '{"a":null,"d":"1.5"}'),
        (datetime.datetime(2026, 1, 2, 3), '"2026-01-02 03:00:00"'),
        (datetime.date(2026, 1, 2), '"2026-01-02"'),
        (decimal.Decimal("1.50"), '"1.50"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (PurePosixPath("/a"), '"/a"'),
        (DataFrame(), "[[1,2],[3,4]]"),
        ({"rows": DataFrame()}, '{"rows":[[1,2],[3,4]]}'),
        ({1: "x", None: "y"}, '{"1":"x","null":"y"}'),
    ],
)
def test_values(value: Any, text: str) -> None:
    assert encode(value).decode() == text


@pytest.mark.parametrize("value", [{1}, frozenset({1}), {"a": [{1, 2}]}, [math.nan, {1}]])
def test_sets_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"sorted\(\.\.\.\)"):
        encode(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="Circular"):
        encode(value)


def test_impossible_keys_are_refused() -> None:
    with pytest.raises(TypeError, match="keys must be"):
        encode({(1, 2): 3})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_json_values_come_back_as_they_are(value: Any) -> None:
    assert json.loads(encode(value)) == value
