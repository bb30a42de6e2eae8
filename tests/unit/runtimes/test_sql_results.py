"""The rows of an SQL cell as JSON: whole when they are few, in parts when they are many, and the same text both ways."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.runtimes.guest import sql_results
from flowapp.runtimes.guest.frames import ITEMS, LIST, LIST_END
from flowapp.runtimes.guest.parts import Joined
from flowapp.runtimes.guest.sql_results import JsonRows, TooLarge
from flowapp.runtimes.guest.sql_rows import encode

MOST = 1 << 30


def whole(result: JsonRows) -> Any:
    return json.loads(result.rest())


def test_rows_and_their_shapes() -> None:
    def shaped(rows: Sequence[tuple[int, ...]], **shape: bool) -> object:
        result = JsonRows(1000)
        result.rows(["a", "b", "a"], rows, **{"first": False, "scalar": False, **shape})
        return whole(result)

    rows = [(1, 2, 3), (4, 5, 6)]
    assert shaped(rows) == [{"a": 1, "b": 2, "a_2": 3}, {"a": 4, "b": 5, "a_2": 6}]
    assert shaped(rows, first=True) == {"a": 1, "b": 2, "a_2": 3}
    assert shaped(rows, scalar=True) == [1, 4]
    assert shaped(rows, first=True, scalar=True) == 1
    assert shaped([]) == []
    assert shaped([], first=True) is None


def endless(taken: list[int]) -> Iterator[tuple[str]]:
    while True:
        taken.append(1)
        yield ("x" * 50,)


def test_the_limit_ends_it() -> None:
    taken: list[int] = []
    with pytest.raises(TooLarge, match=r"1\.0 KB"):
        JsonRows(1000).rows(["a"], endless(taken), first=False, scalar=False)
    assert len(taken) < 20


def test_the_limit_of_what_is_sent_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_results, "HELD", 200)
    monkeypatch.setattr(sql_results, "PIECE", 100)
    taken: list[int] = []
    sent: list[bytes] = []
    result = JsonRows(1000, lambda _, body: sent.append(body), 5000)
    with pytest.raises(TooLarge, match=r"5\.0 KB.*LIMIT"):
        result.rows(["a"], endless(taken), first=False, scalar=False)
    assert 4500 < sum(map(len, sent)) <= 5000


def test_a_single_row_has_a_limit_of_its_own() -> None:
    result = JsonRows(1000, lambda *_: None, MOST)
    with pytest.raises(TooLarge, match="One row"):
        result.rows(["a"], [("x" * 1001,)], first=False, scalar=False)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=30), st.decimals(), st.binary(max_size=9),
    st.lists(st.integers(), max_size=3),
)  # fmt: skip
STATEMENTS = st.lists(st.lists(st.tuples(VALUES, VALUES), max_size=12), min_size=1, max_size=3)


def expected(rows: Sequence[tuple[Any, ...]], first: bool, scalar: bool) -> str:
    texts = [encode(row[0]) if scalar else f'{{"a":{encode(row[0])},"b":{encode(row[1])}}}' for row in rows]
    return (texts[0] if texts else "null") if first else f"[{','.join(texts)}]"


@given(statements=STATEMENTS, first=st.booleans(), scalar=st.booleans(), every=st.booleans(), held=st.integers(0, 300))
def test_parts_are_the_same_text_as_all_of_it_at_once(
    statements: list[list[tuple[Any, ...]]], first: bool, scalar: bool, every: bool, held: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sql_results, "HELD", held)
        patched.setattr(sql_results, "PIECE", 40)
        sent: list[tuple[bytes, bytes]] = []
        result = JsonRows(1 << 20, lambda kind, body: sent.append((kind, body)), MOST)
        shape = {"first": first, "scalar": scalar}
        if every:
            result.begin()
        for rows in statements if every else statements[-1:]:
            result.rows(["a", "b"], rows, **shape)
        if every:
            result.end()
        rest = result.rest()
    wanted = [expected(rows, **shape) for rows in statements]
    text = f"[{','.join(wanted)}]" if every else wanted[-1]
    if not sent:
        assert rest.decode("utf-8") == text
        return
    assert rest == b""
    joined = Joined()
    assert b"".join([joined.text(*part) for part in sent]).decode("utf-8") == text
    assert joined.complete
    for kind, body in sent:
        assert kind != ITEMS or len(json.loads(b"[" + body + b"]")) > 0  # a part is whole values
    largest = max((len(encode(value)) for rows in statements for row in rows for value in row), default=0)
    assert max(len(body) for _, body in sent) <= 40 + 2 * largest + 20


@pytest.mark.parametrize(
    "parts",
    [
        [(ITEMS, b"1")],
        [(LIST_END, b"")],
        [(LIST, b""), (LIST, b""), (LIST, b"")],
        [(LIST, b""), (LIST_END, b""), (LIST, b"")],
        [(LIST, b""), (LIST_END, b""), (ITEMS, b"1")],
        [(LIST, b""), (ITEMS, b"")],
        [(LIST, b""), (b"O", b"1")],
    ],
)
def test_parts_come_in_their_order(parts: list[tuple[bytes, bytes]]) -> None:
    joined = Joined()
    with pytest.raises(ValueError, match=r"list|part"):
        for part in parts:
            joined.text(*part)
