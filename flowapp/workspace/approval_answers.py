"""Whether an answer fits the form that was asked with."""

from __future__ import annotations

from typing import Any

from flowapp.expressions import Batch, Evaluator, Expression
from flowapp.jsontext import dumps
from flowapp.workspace import approval_form
from flowapp.workspace.approval_requests import Request
from flowapp.workspace.errors import AnswerInvalid


async def checked(evaluator: Evaluator, request: Request, payload: Any, whole: bool) -> Any:
    """The payload with the form's defaults, once it fits the form. `whole`: its fields are all there.

    Raises:
        AnswerInvalid: it does not fit; names the fields.
    """
    form = request.terms.get("form")
    if not isinstance(form, dict):
        return payload
    if payload is None:
        payload = {}
    if not isinstance(payload, dict):
        raise AnswerInvalid("The answer must be a JSON object, as the form asks for named values.", {})
    payload = payload if whole else approval_form.filled(request.fields, payload)
    wrong = approval_form.problems(form, request.fields, payload)
    for name, pattern, text in approval_form.patterns(form, payload):
        if name not in wrong and not await _matches(evaluator, pattern, text):
            wrong[name] = f"This must match {pattern}."
    if wrong:
        labels = {one.name: one.label for one in request.fields}
        said = " ".join(f"{labels.get(name, name) or 'The answer'}: {words}" for name, words in wrong.items())
        raise AnswerInvalid(f"The answer does not fit the form. {said}", wrong)
    return payload


def is_commented(payload: Any) -> bool:
    """Whether an answer says something in its `comment`."""
    said = payload.get("comment") if isinstance(payload, dict) else None
    return isinstance(said, str) and bool(said.strip())


async def _matches(evaluator: Evaluator, pattern: str, text: str) -> bool:
    """By the rules of JavaScript, in the confined process: a pattern that takes for ever harms nobody there."""
    test = Expression("new RegExp(flow_input.pattern, 'u').test(flow_input.text)", predicate=True)
    scope = {"flow_input": dumps({"pattern": pattern, "text": text})}
    (found,) = await evaluator.evaluate(Batch([test], scope, {}, None))
    return found != "false"  # a pattern that is none (or takes too long) refuses nothing
