"""Lint of expressions, and of what they read: whether it is there, and there in time.

A step's result can be read by later steps. Results of steps inside a branch can be read after it, and are null when the
branch was not taken; what is inside a loop has a result per iteration and is only for the steps of that iteration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from flowapp.openflow import references
from flowapp.openflow.expressions import AFTER_RUN_FIELDS, Expression, Written, expressions
from flowapp.openflow.problems import Problem
from flowapp.openflow.references import References
from flowapp.openflow.rules import severity_of
from flowapp.openflow.waits import answers_read, required_events, sees_answers
from flowapp.openflow.walk import LOOP_KINDS, Place, kind_of

_ITER = re.compile(r"iter(_parent)*")


_ANEW = "Each iteration of a while loop begins without results, so the value is null."
_CARRIED = "Carry state in the flow's user state, or compute it from flow_input.iter.index."


@dataclass(frozen=True, slots=True)
class _Step:
    place: Place
    order: int
    inside: tuple[tuple[str, str], ...]
    """(container, slot) from the outermost to the innermost."""


class _Steps:
    """The steps of a flow by id, with their order and nesting."""

    def __init__(self, places: list[Place]) -> None:
        self.by_id: dict[str, _Step] = {}
        for order, place in enumerate(places):
            parent = self.by_id.get(place.parent) if place.parent is not None else None
            inside = (*parent.inside, (place.parent or "", place.slot)) if parent is not None else ()
            if place.step_id:
                self.by_id.setdefault(place.step_id, _Step(place, order, inside))

    def kind(self, step_id: str) -> str:
        step = self.by_id.get(step_id)
        return kind_of(step.place.module) if step is not None else ""

    def in_loop(self, step: _Step) -> bool:
        return any(self.kind(container) in LOOP_KINDS for container, _ in step.inside)

    def share_while(self, one: _Step, other: _Step) -> bool:
        """Whether both are in one while loop: elsewhere, `results` of the iteration before may be readable there."""
        own = {container for container, _ in one.inside} | {one.place.step_id}
        return any(c in own and self.kind(c) == "whileloopflow" for c, _ in other.inside)


def wire_problems(flow: Mapping[str, Any], written: Written) -> Iterator[Problem]:
    """What is wrong with the expressions of the flow."""
    places = [place for place, _ in written]
    steps = _Steps(places)
    inputs = _declared_inputs(flow)
    before = _before(places)
    paused = [place.step_id for place in places if required_events(place.module)]
    for expression in expressions({"value": {"skip_expr": _skip_expr(flow)}}):
        yield from _expression_problems(expression)
        yield from _flow_skip_problems(expression)
        yield from _answer_problems(expression, references.find(expression.text), None, None, paused)
    for place, texts in written:
        for expression in texts:
            yield from _expression_problems(expression)
            found = references.find(expression.text)
            yield from _answer_problems(expression, found, place, before.get(place.pointer), paused)
            step = steps.by_id.get(place.step_id)
            if step is None or found.syntax is not None:
                continue
            for step_id in sorted(found.results):
                problem = _wire_problem(expression, step, step_id, steps)
                if problem is not None:
                    yield problem
            if place.slot != "preprocessor":
                yield from _input_problems(expression, found.flow_input, inputs, step, steps)


def _before(places: list[Place]) -> dict[str, Place]:
    """The place right before each in the same list, by pointer."""
    at = {place.pointer: place for place in places}
    found = {}
    for place in places:
        folder, _, _ = place.pointer.rpartition("/")
        previous = at.get(f"{folder}/{place.index - 1}") if place.index else None
        if previous is not None:
            found[place.pointer] = previous
    return found


def _answer_problems(
    expression: Expression, found: References, place: Place | None, before: Place | None, paused: list[str]
) -> Iterator[Problem]:
    """`resume` and its like where nobody can have answered."""
    if expression.tool_id is not None or (
        sees_answers(expression.field) and before is not None and required_events(before.module)
    ):
        return
    waiting = [step_id for step_id in paused if place is None or step_id != place.step_id]
    for name in answers_read(found):
        empty = "null" if name == "resume" else "[]"
        message = f"No approval is waited for right before this, so {name} is always {empty}."
        if waiting:
            hint = f"Only the step right after {waiting[-1]} sees the answers: return them there, and read its result."
        else:
            hint = "Set Wait for approval on the step before."
        yield _problem("wire.resume_without_approval", message, hint, expression)


def _expression_problems(expression: Expression) -> Iterator[Problem]:
    found = references.find(expression.text)
    if found.syntax is not None:
        hint = "Text goes in quotes." if "`" in found.syntax.message else ""
        yield _problem("expr.syntax", found.syntax.message, hint, expression, line=found.syntax.line)
        return
    if not expression.text.strip():
        if expression.is_input:
            hint = "Write one, or switch the input to a value."
            yield _problem("expr.empty", f"The expression for {expression.field} is empty.", hint, expression)
        return
    if found.statements and not found.returns:
        hint = "Write `return` before the value."
        yield _problem("expr.no_return", "These statements return nothing: the value is null.", hint, expression)
    for name in sorted(found.unknown):
        near = get_close_matches(name, sorted(references.SCOPE_NAMES), n=1)
        hint = f"Did you mean {near[0]}?" if near else "Texts go in quotes; results are read as results.<step>."
        yield _problem("expr.unknown_name", f"Nothing here is called {name}.", hint, expression)


def _flow_skip_problems(expression: Expression) -> Iterator[Problem]:
    for step_id in sorted(references.find(expression.text).results):
        message = f"Step {step_id} has not run when the flow decides whether to skip itself."
        yield _problem("wire.later_step", message, "Read flow_input instead.", expression)


def _wire_problem(expression: Expression, reader: _Step, step_id: str, steps: _Steps) -> Problem | None:
    target = steps.by_id.get(step_id)
    if target is None:
        near = get_close_matches(step_id, sorted(steps.by_id), n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else "Choose another result, or undo the deletion of the step."
        return _problem("wire.unknown_step", f"There is no step {step_id}.", hint, expression)
    after_run = expression.field in AFTER_RUN_FIELDS and expression.tool_id is None
    if target is reader:
        if after_run:
            return None
        message = f"Step {step_id} reads its own result, which is not there before it has run."
        if steps.share_while(reader, reader):
            return _problem("wire.self", f"{message} {_ANEW}", _CARRIED, expression, warn=True)
        return _problem("wire.self", message, "Read the result of an earlier step.", expression)
    if reader.place.slot == "failure":
        return None
    if any(container == step_id for container, _ in reader.inside):
        message = f"Step {step_id} is still running while the steps in it run."
        hint = "Read flow_input.iter.value, or a step before it."
        return _problem("wire.enclosing", message, hint, expression)
    return _order_problem(expression, reader, target, steps, after_run=after_run)


def _order_problem(
    expression: Expression, reader: _Step, target: _Step, steps: _Steps, *, after_run: bool
) -> Problem | None:
    step_id = target.place.step_id
    contained = any(container == reader.place.step_id for container, _ in target.inside)
    if target.place.slot in ("failure", "preprocessor") or reader.place.slot == "preprocessor":
        message = f"The result of {step_id} cannot be read here."
        hint = "The failure handler runs last; the preprocessor's result is flow_input, and it runs before all steps."
        return _problem("wire.later_step", message, hint, expression)
    if target.order > reader.order and not (contained and after_run):
        message = f"Step {step_id} has not run yet when {reader.place.step_id} starts."
        if steps.share_while(reader, target):
            return _problem("wire.later_step", f"{message} {_ANEW}", _CARRIED, expression, warn=True)
        return _problem("wire.later_step", message, f"Move {step_id} before it, or read an earlier step.", expression)
    if contained:
        return None
    for mine, theirs in zip(reader.inside, target.inside, strict=False):
        if mine != theirs and mine[0] == theirs[0]:
            always = (
                "never runs together with this one" if steps.kind(mine[0]) == "branchone" else "may not have run yet"
            )
            message = f"Step {step_id} is in another branch, and {always}."
            return _problem("wire.other_branch", message, f"Read the result of {mine[0]} after it.", expression)
        if mine != theirs:
            break
    shared = {container for container, _ in reader.inside}
    loop = next((c for c, _ in target.inside if c not in shared and steps.kind(c) in LOOP_KINDS), None)
    if loop is None:
        return None
    message = f"Step {step_id} runs once for each item of loop {loop}; from outside there is no one result of it."
    return _problem("wire.inside_loop", message, f"Read results.{loop}, the list of all results.", expression)


def _input_problems(
    expression: Expression, read: frozenset[str], declared: frozenset[str] | None, step: _Step, steps: _Steps
) -> Iterator[Problem]:
    for name in sorted(read):
        if _ITER.fullmatch(name) and (declared is None or name not in declared):
            own_loop = kind_of(step.place.module) in LOOP_KINDS
            if not steps.in_loop(step) and not (own_loop and expression.field != "iterator"):
                message = f"There is no flow_input.{name} outside a loop."
                yield _problem("wire.iter_outside_loop", message, "Move the step into the loop.", expression)
        elif declared is not None and name not in declared:
            near = get_close_matches(name, sorted(declared), n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else "Add it to the flow's inputs."
            message = f"The flow has no input {name}."
            yield _problem("wire.unknown_flow_input", message, hint, expression)


def _declared_inputs(flow: Mapping[str, Any]) -> frozenset[str] | None:
    """Names of the flow's inputs, None when it does not say which it has."""
    schema = flow.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(schema, Mapping) or not isinstance(properties, Mapping) or schema.get("additionalProperties"):
        return None
    value = flow.get("value")
    chat = isinstance(value, Mapping) and value.get("chat_input_enabled") is True
    return frozenset(properties) | ({"user_message"} if chat else frozenset())


def _skip_expr(flow: Mapping[str, Any]) -> object:
    value = flow.get("value")
    return value.get("skip_expr") if isinstance(value, Mapping) else None


def _problem(
    rule: str, message: str, hint: str, expression: Expression, *, line: int | None = None, warn: bool = False
) -> Problem:
    severity = "warning" if warn else severity_of(rule)
    return Problem(rule, severity, message, hint, expression.pointer, expression.step_id, expression.field, line)
