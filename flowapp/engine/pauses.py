"""What a flow waits for between two steps: approvals, then a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flowapp.engine import suspend
from flowapp.engine.errors import error_value
from flowapp.engine.inputs import expression_of
from flowapp.engine.scope import Scope
from flowapp.engine.values import Done, Module, StepInfo
from flowapp.expressions import ExpressionFailed
from flowapp.jsontext import loads
from flowapp.openflow.walk import id_of, kind_of
from flowapp.store.clock import text_of

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter

LONGEST_SLEEP_S = 366 * 86400.0


async def after(
    interpreter: Interpreter, module: Module, scope: Scope, prefix: str, done: Done, *, last: bool
) -> Done | None:
    """Wait as the module says, before the next one starts. None to go on; else the failure that the wait ended in.

    After a last module the waits are those of a step of their own, `<id>-v`, which passes the result on.
    """
    step_id = id_of(module)
    info = StepInfo(prefix + step_id, step_id, kind_of(module))
    waited = suspend.waits(module)
    if waited:
        failure = await suspend.wait(interpreter, module, info, scope, done)
        if failure is not None:
            return failure
    virtual = StepInfo(f"{info.path}-v", f"{step_id}-v", "identity", None, {"waits_after": step_id})
    if module.get("sleep"):
        seconds = await _seconds(interpreter, module, scope)
        if isinstance(seconds, Done):
            return seconds
        await until(interpreter, await _wakes(interpreter, info, virtual, seconds, waited=waited))
    elif not waited:
        return None
    noted = await interpreter.ports.journal.recall(virtual.path)
    if (last and noted is None) or (noted is not None and not noted.finished):
        await interpreter.ports.journal.open(virtual, 1, None).close("success", done.value)
    return None


async def until(interpreter: Interpreter, due: str) -> None:
    """Wait until a time: a short while in this process, longer without holding anything."""
    clock, rules = interpreter.ports.clock, interpreter.rules
    while True:
        left = (datetime.fromisoformat(due) - clock.now()).total_seconds()
        if left <= 0:
            return
        if left <= rules.park_after_s:
            await clock.sleep(left)
            return
        await interpreter.ports.waiting.until(due)


async def _wakes(interpreter: Interpreter, info: StepInfo, virtual: StepInfo, seconds: float, *, waited: bool) -> str:
    """When a sleep ends. Counted from the step's recorded end, so a restart does not sleep all over again.

    After an approval it counts from then, which is noted, since nothing else of the flow has that time.
    """
    journal, clock = interpreter.ports.journal, interpreter.ports.clock
    if not waited:
        recorded = await journal.recall(info.path)
        if recorded is not None and recorded.ended_at is not None:
            return text_of(datetime.fromisoformat(recorded.ended_at) + timedelta(seconds=seconds))
        return text_of(clock.now() + timedelta(seconds=seconds))
    noted = await journal.recall(virtual.path)
    if noted is not None and noted.meta.get("sleeps_until"):
        return str(noted.meta["sleeps_until"])
    due = text_of(clock.now() + timedelta(seconds=seconds))
    if seconds > interpreter.rules.park_after_s:
        step = journal.open(virtual.noted(sleeps_until=due), 1, None)
        await step.save()
    return due


async def _seconds(interpreter: Interpreter, module: Module, scope: Scope) -> float | Done:
    (answer,) = await interpreter.values(scope, [expression_of(module["sleep"])])
    seconds = None if isinstance(answer, ExpressionFailed) else loads(answer)
    if isinstance(answer, ExpressionFailed) or isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        why = (
            answer.message if isinstance(answer, ExpressionFailed) else f"expected a number of seconds, found {answer}"
        )
        step_id = id_of(module)
        value = error_value("ExecutionErr", f"The sleep of step {step_id}: {why}", step_id=step_id)
        return Done(value, failed=True, final=True)
    return min(max(0.0, float(seconds)), LONGEST_SLEEP_S)
