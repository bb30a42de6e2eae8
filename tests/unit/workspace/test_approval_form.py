"""Forms of requests: what a validator must not be given."""

from __future__ import annotations

from typing import Any

from flowapp.workspace.approval_form import fields_of, problems


def said(form: dict[str, Any], payload: dict[str, Any]) -> dict[str, str]:
    return problems(form, fields_of(form, {}, {}), payload)


def test_words_that_take_for_ever_are_not_checked() -> None:
    field: dict[str, Any] = {"type": "object", "required": ["a"]}
    for _ in range(60):
        field = {"allOf": [field], "unevaluatedProperties": {"not": {}}, "unevaluatedItems": False}
    form = {"type": "object", "properties": {"deep": field}}
    assert said(form, {"deep": {"a": 1, "b": 2}}) == {}
    assert said(form, {"deep": {}}) == {"deep": "Please fill this in."}


def test_a_field_may_be_called_like_such_a_word() -> None:
    form = {"properties": {"pattern": {"type": "number"}, "unevaluatedItems": {"type": "number"}}}
    assert said(form, {"pattern": "x", "unevaluatedItems": "x"}) == dict.fromkeys(
        ("pattern", "unevaluatedItems"), "This must be a number."
    )


def test_what_is_left_over_by_patterns_is_not_refused() -> None:
    form = {"properties": {"a": {}}, "patternProperties": {"^x-": {}}, "additionalProperties": False}
    assert said(form, {"x-a": 1}) == {}
