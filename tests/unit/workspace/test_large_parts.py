"""Pages say how large a nested large result is, and never what refers to it."""

from __future__ import annotations

import pytest

from flowapp.jsontext import dumps, loads
from flowapp.store.blobs import REFERENCE, BlobRef
from flowapp.store.large_values import ValueRef
from flowapp.workspace import large_parts, table
from flowapp.workspace.values_process import answer

PART = ValueRef("ab" * 16, "cd" * 32, 5 << 20).to_text()
TEXT = f'[{PART},{{"a":{PART},"n":1}},"x"]'
SAID = "a large result (5.0 MB)"


def test_the_key_is_that_of_the_store() -> None:
    assert large_parts.KEY == REFERENCE


@pytest.mark.parametrize(
    "request_",
    [
        {"op": "describe", "file_url": "", "failed": False},
        {"op": "node", "at": [], "offset": 0, "limit": 10, "q": ""},
        {"op": "node", "at": [1], "offset": 0, "limit": 10, "q": ""},
        {"op": "node", "at": [], "offset": 0, "limit": 10, "q": "large"},
        {"op": "text", "at": [], "offset": 0, "limit": 1000},
        {"op": "look", "at": [0]},
        {"op": "sample", "at": []},
    ],
)
def test_pages_show_its_size(request_: dict[str, object]) -> None:
    found = b"".join(answer(large_parts.shown(TEXT), request_)).decode()
    assert SAID in found
    assert REFERENCE not in found
    assert "cdcdcd" not in found


def test_tables_show_its_size() -> None:
    value = large_parts.shown(f'[{{"a":{PART},"n":1}}]')
    grid = table.grid_of(value)
    assert grid is not None
    assert table.page(grid, table.View())["rows"] == [[SAID, 1]]
    assert "".join(answer_text(value, {"op": "csv", "at": [], "view": {}})) == f"a,n\r\n{SAID},1\r\n"


def answer_text(value: object, request: dict[str, object]) -> list[str]:
    return [piece.decode() for piece in answer(value, request)]


def test_what_is_read_again_refers_to_it() -> None:
    assert "".join(answer_text(large_parts.shown(TEXT), {"op": "value", "at": []})) == TEXT
    assert "".join(answer_text(large_parts.shown(TEXT), {"op": "value", "at": [0]})) == PART


def test_other_values_stay_as_they_are() -> None:
    for value in (BlobRef("cd" * 32, 7).to_json(), {REFERENCE: 1}, {"a": 2**70}, f"{{{REFERENCE}}}"):
        assert large_parts.shown(dumps(value)) == value == loads(dumps(value))
