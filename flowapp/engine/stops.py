"""Early stop: `stop_after_if` and `stop_after_all_iters_if`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flowapp.engine.errors import error_value
from flowapp.engine.scope import Scope
from flowapp.engine.values import Done, Module, Replaced, Stop
from flowapp.jsontext import JsonText, loads
from flowapp.openflow.walk import id_of

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter

_WITH_ITERATIONS = frozenset({"forloopflow", "whileloopflow", "branchall"})


def noted(stop: Stop) -> Mapping[str, Any]:
    """A stop as it is kept in the meta of its step (`stop`)."""
    return {"skipped": stop.skipped, "replaced": True} if isinstance(stop, Replaced) else {"skipped": stop.skipped}


def recalled(meta: Mapping[str, Any]) -> Stop | None:
    """The stop that a finished step ended with, by its meta."""
    found = meta.get("stop")
    if not isinstance(found, Mapping):
        return None
    return (Replaced if found.get("replaced") else Stop)(bool(found.get("skipped")))


async def after(interpreter: Interpreter, module: Module, kind: str, scope: Scope, done: Done) -> Done:
    """Whether the flow stops after a step. A loop's own `stop_after_if` is asked inside it; other steps only if they succeeded."""
    if done.failed or done.skipped or done.stop is not None:
        return done
    rule = module.get("stop_after_all_iters_if" if kind in _WITH_ITERATIONS else "stop_after_if")
    if not rule:
        return done
    stopped = await ask(interpreter, rule, scope, done.value, id_of(module))
    return done if stopped is None else stopped


async def ask(
    interpreter: Interpreter,
    rule: Mapping[str, Any],
    scope: Scope,
    value: JsonText,
    step_id: str,
    more: Mapping[str, JsonText] | None = None,
) -> Done | None:
    """Whether a stop rule applies to a result: None when not, a failure when it says so or cannot be evaluated."""
    expression = str(rule.get("expr", ""))
    names = {"result": value, "previous_result": value, **(more or {})}
    answer = await interpreter.truth(scope, expression, names, step_id)
    if isinstance(answer, Done):
        return answer
    if not answer:
        return None
    message = rule.get("error_message")
    if message is None:
        return Done(value, stop=Stop(bool(rule.get("skip_if_stopped"))))
    result = loads(value) if rule.get("error_include_result") else None
    text = str(message) or f"stop after if: {expression}"
    return Done(error_value("EarlyStopError", text, step_id=step_id, result=result), failed=True, final=True)
