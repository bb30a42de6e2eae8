"""Evaluating what a step is given: its input transforms and its timeout, in one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flowapp.engine.errors import error_value
from flowapp.engine.large import Budget, hands_on, makes_up_reference
from flowapp.engine.scope import Scope, object_text, static_of
from flowapp.engine.secrets import SECRET_MARKS, SecretsRead
from flowapp.engine.values import Done, Module
from flowapp.expressions import Batch, Expression, ExpressionFailed
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.openflow import references
from flowapp.openflow.walk import id_of, inputs_of, kind_of
from flowapp.store.blobs import REFERENCE

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter, Ports
    from flowapp.engine.steps import Try


_BETWEEN = ("suspend", "sleep", "stop_after_if", "stop_after_all_iters_if")
"""Settings of a step that come between its end and the next step."""

_MADE_UP = ExpressionFailed(
    "ExecutionErr",
    f"An expression cannot make the key {REFERENCE}. Hand on the file as it is, by the name of the input that holds it.",
)

_OWN_TIME = frozenset({"flow", "aiagent"})
"""Kinds of steps with arguments whose time limit is kept by `timeouts`."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A step's arguments (text of an object) and its own timeout in seconds, where it has one.

    `kept`: the arguments without the values of variables and resources, where expressions read some.
    """

    args: JsonText
    timeout_s: float | None
    kept: JsonText | None = None


def expression_of(transform: Any, *, predicate: bool = False) -> Expression | JsonText:
    """An input transform as something to evaluate, or as its value when it is static (bare values count as static)."""
    if not isinstance(transform, Mapping):
        return static_of({"value": transform})
    if transform.get("type") == "javascript":
        return Expression(str(transform.get("expr") or ""), predicate)
    return static_of(transform)


async def of_attempt(interpreter: Interpreter, work: Try) -> Evaluated | Done:
    """The arguments of an attempt: a retry gets those of the attempt before, and a step that is taken up again its own.

    Those with references to secrets are read anew: what is stored is not what the step got.
    """
    if work.evaluated is not None:
        return work.evaluated
    known = work.known
    found: Evaluated | Done
    ahead = work.scope.take_ahead(work.info.step_id)
    if ahead is not None:
        found = await ahead
    elif (
        known is None
        or known.args is None
        or (work.module.get("timeout") and work.info.kind not in _OWN_TIME)
        or any(m in known.args for m in SECRET_MARKS)
    ):
        found = await evaluate(interpreter, work.module, work.scope)
    else:
        found = Evaluated(known.args, None)
    if isinstance(found, Evaluated):
        work.evaluated = found
    return found


async def begin(interpreter: Interpreter, before: Module, module: Module, scope: Scope) -> None:
    """Evaluate a script step's arguments while the step before it is being recorded, if it is sure to come next.

    What the script itself does begins after that, as always: expressions have no effects. Answers when the question is on its way
    to the evaluating process, which then works at the same time as this one.
    """
    value = module.get("value") or {}
    if value.get("type") != "rawscript" or any(module.get(name) for name in ("skip_if", "mock")):
        return
    if any(before.get(name) for name in _BETWEEN) or interpreter.value.get("early_return") == id_of(before):
        return
    task = asyncio.get_running_loop().create_task(evaluate(interpreter, module, scope))
    task.add_done_callback(_seen)
    scope.ahead = id_of(module), task
    await asyncio.sleep(0)


def _seen(task: asyncio.Task[Evaluated | Done]) -> None:
    """Where nobody takes the answer any more, its error is nobody's either."""
    if not task.cancelled():
        task.exception()


async def evaluate(interpreter: Interpreter, module: Module, scope: Scope) -> Evaluated | Done:
    """The arguments of a script step; a failure names the input whose expression failed."""
    step_id = id_of(module)
    direct = module.get("pass_flow_input_directly") or module["value"].get("pass_flow_input_directly")
    transforms = {} if direct else inputs_of(module)
    names = [name for name, transform in transforms.items() if _kind(transform) != "ai"]
    wanted = [expression_of(transforms[name]) for name in names]
    timeout = None if kind_of(module) in _OWN_TIME else module.get("timeout")
    read = SecretsRead(interpreter.ports.lookup)
    asked = [*wanted, expression_of(timeout)] if timeout is not None else wanted
    answers = await interpreter.values(scope, asked, lookup=read.lookup if interpreter.ports.lookup else None)
    fields: dict[str, JsonText] = dict(scope.flow_input) if direct else {}
    for name, answer in zip(names, answers, strict=False):
        if isinstance(answer, ExpressionFailed):
            message = f"Input {name}: {answer.message}"
            return Done(error_value(answer.name, message, step_id=step_id, line=answer.line), failed=True)
        fields[name] = answer
    seconds = None if timeout is None else _seconds(answers[-1], step_id)
    if isinstance(seconds, Done):
        return seconds
    args = object_text(fields)
    return Evaluated(args, seconds, read.without(args))


async def timeout_of(interpreter: Interpreter, module: Module, scope: Scope) -> float | Done | None:
    """A step's own timeout in seconds; None without one."""
    given = module.get("timeout")
    if given is None:
        return None
    (answer,) = await interpreter.values(scope, [expression_of(given)])
    return _seconds(answer, id_of(module))


def _seconds(answer: JsonText | ExpressionFailed, step_id: str) -> float | Done:
    found = NULL if isinstance(answer, ExpressionFailed) else answer
    number = loads(found)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or number <= 0:
        message = f"The timeout of step {step_id} is not a number of seconds: {found}"
        return Done(error_value("ExecutionErr", message, step_id=step_id), failed=True)
    return float(number)


async def expanded(ports: Ports, batch: Batch) -> Batch:
    """The batch with blob references replaced in whatever its expressions mention, for JavaScript to see the text."""
    found = [references.find(expression.text) for expression in batch.expressions]
    if any(each.whole_results for each in found):
        results = batch.results
    else:
        read = (step_id for each in found for step_id in each.results)
        results = {step_id: batch.results[step_id] for step_id in read if step_id in batch.results}
    names = frozenset[str]().union(*(each.values for each in found)) & batch.scope.keys()
    marked = {step_id: text for step_id, text in results.items() if REFERENCE in text}
    marked_scope = {name: text for name in names if REFERENCE in (text := batch.scope[name])}
    if not marked and not marked_scope:
        return batch
    budget = Budget()
    shown = {**batch.results, **{k: await ports.expand(v, budget) for k, v in marked.items()}}
    values = {name: batch.scope[name] for name in batch.scope}
    values |= {name: await ports.expand(text, budget) for name, text in marked_scope.items()}
    return Batch(batch.expressions, values, shown, batch.lookup)


async def evaluated(ports: Ports, batch: Batch) -> list[JsonText | ExpressionFailed]:
    """The values of the batch's expressions; one that makes up a reference to a file has failed."""
    found: list[JsonText] = []
    looked = batch.lookup

    async def lookup(kind: str, path: str) -> JsonText | None:
        text = await looked(kind, path) if looked is not None else None
        if text is not None and REFERENCE in text:
            found.append(text)
        return text

    watched = Batch(batch.expressions, batch.scope, batch.results, lookup if looked is not None else None)
    shown = await expanded(ports, watched)
    answers = [_without_secrets(ports, answer) for answer in await ports.evaluate(shown)]
    if not any(isinstance(answer, str) and makes_up_reference(answer) for answer in answers):
        return answers
    sources = [*batch.results.values(), *batch.scope.values(), *found]
    return [
        answer if isinstance(answer, ExpressionFailed) or hands_on(answer, sources) else _MADE_UP for answer in answers
    ]


def _without_secrets(ports: Ports, answer: JsonText | ExpressionFailed) -> JsonText | ExpressionFailed:
    """What an expression throws is read by more people than the variables that it took."""
    if not isinstance(answer, ExpressionFailed):
        return answer
    return replace(answer, message=loads(ports.hidden(dumps(answer.message))))


def _kind(transform: Any) -> str:
    return str(transform.get("type")) if isinstance(transform, Mapping) else "static"
