"""The settings of an approval that only Flowapp knows: what is taken, and what is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.openflow.approval_extras import Channel, Extras, ExtrasInvalid, extras_of
from flowapp.openflow.lint import lint


def test_nothing_is_nothing() -> None:
    assert extras_of(None) == extras_of({}) == Extras()


def test_everything() -> None:
    found = extras_of(
        {
            "remind_after": 60,
            "escalate_after": 90.5,
            "escalate_to": ["g/leads", "u/ann", "g/leads"],
            "delegation": True,
            "comment_on_deny": True,
            "messages": [
                {"resource": "$res:f/ops/mail", "to": ["leo@example.org", "g/all"]},
                {"resource": "f/ops/chat"},
            ],
        }
    )
    messages = (Channel("f/ops/mail", ("leo@example.org", "g/all")), Channel("f/ops/chat"))
    assert found == Extras(60.0, 90.5, ("g/leads", "u/ann"), True, True, messages)


def test_no_messages_at_all_is_not_those_of_the_workspace() -> None:
    assert (extras_of({"messages": []}).messages, extras_of({}).messages) == ((), None)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "must be an object"),
        ({"remindafter": 1}, "has no setting 'remindafter'"),
        ({"remind_after": 0}, "above 0"),
        ({"remind_after": True}, "above 0"),
        ({"remind_after": float("nan")}, "above 0"),
        ({"escalate_after": 5}, "go together"),
        ({"escalate_to": ["u/ann"]}, "go together"),
        ({"escalate_after": 5, "escalate_to": ["ann"]}, "'ann' names nobody"),
        ({"escalate_after": 5, "escalate_to": "u/ann"}, "must be a list"),
        ({"delegation": "yes"}, "must be true or false"),
        ({"messages": {}}, "must be a list of objects"),
        ({"messages": [{"to": []}]}, "A message is"),
        ({"messages": [{"resource": "../x"}]}, "not the path of a resource"),
        ({"messages": [{"resource": "f/a/b", "to": ["leo@example.org\nBcc: all@example.org"]}]}, "names nobody"),
        ({"messages": [{"resource": "f/a/b", "cc": []}]}, "A message is"),
        ({"messages": [{"resource": "f/a/b"}] * 11}, "at most 10"),
    ],
)
def test_what_is_wrong_is_said(value: Any, said: str) -> None:
    with pytest.raises(ExtrasInvalid, match=said):
        extras_of(value)


def test_lint_says_it_before_a_run_does() -> None:
    module = {"id": "a", "value": {"type": "identity"}, "suspend": {"required_events": 1, "x-flowapp": {"remind": 1}}}
    rules = [problem.rule for problem in lint({"summary": "", "value": {"modules": [module]}})]
    assert "suspend.extras" in rules
