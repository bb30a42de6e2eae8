"""Values on the page of a sharing link: tables, texts, what is cut and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.store.tables import JobRow
from flowapp.workspace.redaction import HIDDEN, Redactor
from flowapp.workspace.shared_runs import in_order
from flowapp.workspace.shared_values import Shown, cut, shown

PLAIN = Redactor()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Shown()),
        ("a\nb", Shown("a\nb")),
        (True, Shown("Yes")),
        (12, Shown("12", code=True)),
        ([], Shown("[]", code=True)),
        ({"a": 1}, Shown('{\n  "a": 1\n}', code=True)),
        ([{"a": 1, "b": None}, {"c": [1]}], Shown(columns=("a", "b", "c"), rows=(("1", "", ""), ("", "", "[1]")))),
    ],
)
def test_kinds(value: Any, expected: Shown) -> None:
    assert shown(value, PLAIN) == expected


def test_a_long_table_says_what_is_missing() -> None:
    rows = [{f"c{n}": n for n in range(14)}] * 60
    found = shown(rows, PLAIN)
    assert len(found.rows) == 50 and len(found.columns) == 12
    assert found.note == "The first 50 of 60 rows. 2 more columns."


def test_secrets_are_hidden_in_tables_texts_and_trees() -> None:
    hidden = Redactor(["hunter2"])
    assert shown([{"token": "x", "note": "is hunter2"}], hidden).rows == ((HIDDEN, f"is {HIDDEN}"),)
    assert shown("hunter2", hidden) == Shown(HIDDEN)
    assert "hunter2" not in shown({"a": [["hunter2"]]}, hidden).text


def test_long_values_are_cut() -> None:
    assert cut(list(range(103)))[99:] == [99, "… 3 more"]
    assert cut({str(n): n for n in range(102)})["…"] == "2 more"
    deep: Any = "bottom"
    for _ in range(40):
        deep = [deep]
    assert "bottom" not in str(cut(deep))
    assert shown("x" * 30_000, PLAIN).text.endswith("x… (30000 characters in all)")
    assert shown({str(n): "x" * 1000 for n in range(90)}, PLAIN).note.startswith("The first 20000 of ")


def test_steps_stand_in_order_with_what_is_in_them() -> None:
    begun = {"a": "1", "loop": "2", "loop[10].b": "3", "loop[2].b": "4", "loop[2].b/x": "5", "z": "6"}
    jobs = [
        JobRow(run_id="r", path=path, id=path, workspace="w", step_id=path, kind="k", status="success", started_at=at)
        for path, at in sorted(begun.items(), reverse=True)
    ]
    assert [job.path for job in in_order(jobs)] == ["a", "loop", "loop[2].b", "loop[2].b/x", "loop[10].b", "z"]
