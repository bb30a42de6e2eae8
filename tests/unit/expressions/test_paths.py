"""Plain paths are read without JavaScript, and only where JavaScript would say the same."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.expressions.paths import LONGEST_PARSED, read, truth
from flowapp.expressions.values import Batch, Expression
from flowapp.jsontext import dumps

BATCH = Batch(
    (),
    scope={
        "flow_input": dumps({"k": 1, "n": None, "iter": {"index": 2, "value": {"x": "y"}}}),
        "previous_result": dumps([1, 2]),
    },
    results={
        "a": dumps({"rows": [{"id": 7}], "big": 2**70, "f": 1.5, "empty": []}),
        "b b": dumps("text"),
        "z": dumps(0),
    },
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("flow_input.k", "1"),
        ("flow_input", BATCH.scope["flow_input"]),
        ("flow_input.missing", "null"),
        ("flow_input.iter.value.x", '"y"'),
        ("previous_result", "[1,2]"),
        ("previous_result[1]", "2"),
        ("previous_result[9]", "null"),
        ("results.a.rows[0].id", "7"),
        ("results.a.rows[0].nothing", "null"),
        ("results.a.big", str(2**70)),
        ('results["b b"]', '"text"'),
        ("results.unknown", "null"),
    ],
)
def test_plain_paths(text: str, value: str) -> None:
    assert read(Expression(text), BATCH) == value


@pytest.mark.parametrize(
    "text",
    [
        "results.a.rows.length",
        "results.unknown.x",
        "results.a.missing.x",
        "flow_input.n.x",
        'results["b b"].length',
        "results.a.__proto__",
        "results",
        "error",
        "results.a.rows[5].id",
        "1 + 1",
    ],
)
def test_javascript_decides_the_rest(text: str) -> None:
    assert read(Expression(text), BATCH) is None


def test_a_large_value_goes_by_reference_but_is_not_parsed_here() -> None:
    large = dumps(["x" * LONGEST_PARSED])
    batch = Batch((), results={"a": large})
    assert read(Expression("results.a"), batch) is large
    assert read(Expression("results.a[0]"), batch) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("results.z", "false"),
        ("results.a.empty", "true"),
        ("results.unknown", "false"),
        ("flow_input.k", "true"),
        ("flow_input.n", "false"),
    ],
)
def test_predicates_follow_javascripts_truth(text: str, value: str) -> None:
    assert read(Expression(text, predicate=True), BATCH) == value


@pytest.mark.parametrize(
    ("value", "expected"), [({}, True), ([], True), ("", False), ("0", True), (0.0, False), (None, False)]
)
def test_truth(value: Any, expected: bool) -> None:
    assert truth(value) is expected
