"""Whether a field takes a value: told for certain, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.jsontext import dumps
from flowapp.workspace.judging import Answer, Failure, judged
from tests.unit.notebook.flows import document, script

CODE = """from typing import Literal
def main(n: int, text: str, kind: Literal["a", "b"], free, maybe: str = "", rows: list[int] = []):
    return 1
"""


def of(field: str, answer: Answer, language: str = "python3", code: str = CODE) -> tuple[bool | None, str]:
    module = script("a", code=code)
    module["value"]["language"] = language
    made = document(module)
    return judged(made, made.outline.by_step["a"], field, "results.x", answer)


def value(given: Any) -> Answer:
    return (dumps(given),)


@pytest.mark.parametrize(
    ("field", "given"),
    [("n", 5), ("text", "x"), ("kind", "a"), ("free", None), ("free", {"k": 1}), ("maybe", None), ("rows", [1])],
)
def test_what_the_field_takes_is_valid(field: str, given: Any) -> None:
    assert of(field, value(given)) == (True, "")


@pytest.mark.parametrize(
    ("field", "given", "words"),
    [
        ("n", "5", "n takes a whole number, and this is a text."),
        ("text", {"k": 1}, "text takes a text, and this is an object."),
        ("kind", "c", "kind takes one of a, b"),
        ("n", None, "n needs a value, and this is empty."),
        ("rows", ["x"], "takes a whole number"),
    ],
)
def test_what_it_does_not_take_is_said(field: str, given: Any, words: str) -> None:
    valid, problem = of(field, value(given))
    assert valid is False and words in problem


def test_an_expression_that_fails_is_wrong_and_one_that_waits_for_a_run_is_neither() -> None:
    assert of("n", Failure("TypeError: no")) == (False, "TypeError: no")
    assert of("n", "run a first") == (None, "run a first")


def test_of_a_big_value_its_type_counts() -> None:
    assert of("n", {"type": "array", "text": "[…]", "node": {}})[0] is False
    assert of("n", {"type": "number", "text": "1", "node": {}})[0] is True
    assert of("rows", {"type": "array", "text": "[…]", "node": {}})[0] is True


def test_what_a_loop_gives_is_known_when_it_runs_and_an_input_by_its_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "text": {"type": "integer"}, "free": {}}}
    made = document(script("a", code=CODE), schema=schema, sample={"text": 5})
    entry, nothing = made.outline.by_step["a"], value(None)
    assert judged(made, entry, "n", "flow_input.iter.value.n", nothing) == (None, "known when the loop runs")
    assert judged(made, entry, "n", "flow_input.n", nothing) == (True, "")
    assert judged(made, entry, "text", "flow_input.n", nothing)[0] is False
    assert judged(made, entry, "n", "flow_input.free", nothing) == (True, "")
    assert judged(made, entry, "n", "flow_input.gone", nothing)[0] is False
    assert judged(made, entry, "text", "flow_input.text", value(5))[0] is False


def test_sql_reads_a_number_from_its_text() -> None:
    code = "-- $1 n (int)\nselect $1\n"
    assert of("n", value("5"), "postgresql", code) == (True, "")
    assert of("n", value(5), "postgresql", code) == (True, "")
