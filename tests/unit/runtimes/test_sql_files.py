"""Files of rows as an SQL cell sends them: JSON, CSV, and what Parquet is made of."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import Any

import pytest

from flowapp.runtimes.guest import frames
from flowapp.runtimes.guest.sql_files import PIECE, RowsToFile
from flowapp.runtimes.guest.sql_results import TooLarge
from flowapp.runtimes.guest.sql_rows import JsonValue

COLUMNS = ["n", "a,b", "n"]
ROWS: list[tuple[Any, ...]] = [
    (1, 'x "y"\nz', None),
    (2**60, JsonValue('{"a": [1]}'), True),
    (Decimal("1.50"), JsonValue('"text"'), datetime.date(2026, 1, 2)),
    (float("nan"), b"\x00\xff", ""),
]


def written(kind: str, columns: list[str], rows: list[tuple[Any, ...]], most: int = 1 << 30) -> list[bytes]:
    sent: list[bytes] = []

    def send(kind: bytes, body: bytes) -> None:
        assert kind == frames.FILE
        sent.append(body)

    file = RowsToFile(kind, send, most)
    file.rows(columns, iter(rows))
    assert file.rest() == b""
    return sent


def test_json_is_a_list_of_objects() -> None:
    (text,) = written("json", COLUMNS, ROWS)
    assert json.loads(text) == [
        {"n": 1, "a,b": 'x "y"\nz', "n_2": None},
        {"n": str(2**60), "a,b": {"a": [1]}, "n_2": True},
        {"n": 1.5, "a,b": "text", "n_2": "2026-01-02"},
        {"n": None, "a,b": "AP8=", "n_2": ""},
    ]
    assert json.loads(b"".join(written("json", ["n"], []))) == []
    assert json.loads(b"".join(written("json", [], []))) == []


def test_csv_has_a_line_of_names() -> None:
    (text,) = written("csv", COLUMNS, ROWS)
    assert text.decode() == (
        'n,"a,b",n_2\r\n1,"x ""y""\nz",\r\n' + f'{2**60},"{{""a"": [1]}}",true\r\n1.50,text,2026-01-02\r\n,AP8=,\r\n'
    )
    assert b"".join(written("csv", ["n"], [])) == b"n\r\n"
    assert written("csv", [], []) == []


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_rows_leave_in_pieces(kind: str) -> None:
    row = ("x" * 1000,)
    sent = written(kind, ["t"], [row] * 2000)
    assert len(sent) > 5
    assert all(len(piece) < PIECE + 5000 for piece in sent)


def test_a_file_has_an_end() -> None:
    with pytest.raises(TooLarge, match=r"10\.0 KB"):
        written("csv", ["t"], [("x" * 1000,)] * 2000, most=10_000)
