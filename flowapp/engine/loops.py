"""For and while loops: iterations are scopes of this run, with steps of their own but no run of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from flowapp.engine import stops, timeouts
from flowapp.engine.errors import NOT_EXPANDED, error_value, not_expanded
from flowapp.engine.inputs import expression_of
from flowapp.engine.scope import Scope, array_text
from flowapp.engine.values import Attempt, Done, Module, Replaced, StepInfo
from flowapp.engine.waiting import Parked, soonest
from flowapp.expressions import ExpressionFailed
from flowapp.jsontext import JsonText, dumps, loads

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.steps import Try

_LONGEST_SHOWN = 200
LARGEST_ON_LOOP = 1 << 20
"""Characters: longer lists of items are parsed in a thread."""


async def for_loop(interpreter: Interpreter, work: Try) -> Attempt:
    """`forloopflow`: the body once per item, one after the other or in parallel; the result is an array by index."""
    value, info, scope = work.module["value"], work.info, work.scope
    journal, known = interpreter.ports.journal, work.known
    items: list[JsonText] | Done
    if known is not None and known.args is not None:
        # the items were recorded when the loop began: its steps belong to those, whatever the iterator would say now
        items = [dumps(item) for item in loads(known.args)]
    else:
        items = await items_of(interpreter, value.get("iterator"), scope, info.step_id)
    if isinstance(items, Done):
        return items, journal.open(info, work.attempt, None), None
    meta = {**info.meta, "iterations": len(items), "parallel": bool(value.get("parallel"))}
    step = journal.open(StepInfo(info.path, info.step_id, info.kind, None, meta), work.attempt, array_text(items))
    await step.save()

    async def iteration(index: int) -> Done:
        inside = scope.iteration(index, items[index])
        return await interpreter.sequence(value.get("modules") or [], inside, f"{work.inner}[{index}].")

    skip = bool(value.get("skip_failures"))

    async def all_of_them() -> Done:
        if not value.get("parallel"):
            return await _in_order(interpreter, work.module, scope, range(len(items)), iteration, skip=skip)
        width = await _parallelism(interpreter, value.get("parallelism"), scope, len(items))
        if isinstance(width, Done):
            return width
        return settled(await side_by_side(interpreter, len(items), width, iteration), skip=skip)

    return await timeouts.step(interpreter, work, all_of_them), step, None


async def while_loop(interpreter: Interpreter, work: Try) -> Attempt:
    """`whileloopflow`: the body until a step in it, or the loop itself, says stop."""
    value, info, scope = work.module["value"], work.info, work.scope
    step = interpreter.ports.journal.open(info, work.attempt, None)
    await step.save()

    async def iteration(index: int) -> Done:
        inside = scope.iteration(index, dumps(index))
        return await interpreter.sequence(value.get("modules") or [], inside, f"{work.inner}[{index}].")

    limit = range(interpreter.rules.longest_while)
    skip = bool(value.get("skip_failures"))

    async def until_it_stops() -> Done:
        return await _in_order(interpreter, work.module, scope, limit, iteration, skip=skip, endless=True)

    return await timeouts.step(interpreter, work, until_it_stops), step, None


async def _in_order(
    interpreter: Interpreter,
    module: Module,
    scope: Scope,
    indexes: range,
    iteration: Callable[[int], Awaitable[Done]],
    *,
    skip: bool,
    endless: bool = False,
) -> Done:
    values: list[JsonText] = []
    for index in indexes:
        done = await iteration(index)
        values.append(done.value)
        if done.failed and not skip:
            return Done(array_text(values), failed=True, handled=done.handled)
        if done.stop is not None and not isinstance(done.stop, Replaced):
            return Done(array_text(values))
        rule = module.get("stop_after_if")
        if rule and not done.failed:
            more = {"all_iters": array_text(values)} if "all_iters" in str(rule.get("expr")) else {}
            stopped = await stops.ask(interpreter, rule, scope, done.value, str(module.get("id")), more)
            if stopped is not None:
                return stopped if stopped.failed else Done(array_text(values))
    if endless:
        message = f"The loop did not stop within {len(indexes)} iterations"
        return Done(error_value("ExecutionErr", message, step_id=str(module.get("id"))), failed=True)
    return Done(array_text(values))


async def side_by_side(
    interpreter: Interpreter, count: int, width: int, work: Callable[[int], Awaitable[Done]]
) -> list[Done]:
    """Run `work(0)` … `work(count - 1)`, at most `width` at once; all of them, whatever fails.

    Raises:
        Parked: one of them waits, and all others are done or wait too.
    """
    if count == 0:
        return []
    found: list[Done | None] = [None] * count
    waiting = iter(range(count))
    parked: list[Parked] = []
    room = interpreter.ports.waiting
    left = min(width, count)

    async def worker() -> None:
        nonlocal left
        try:
            for index in waiting:
                found[index] = await work(index)
        except Parked as rest:
            parked.append(rest)
        left -= 1
        if left:
            room.leave()

    room.split(left)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(left):
                group.create_task(worker())
    except BaseException:
        room.join(max(left, 1))  # cut off by a time limit, after which the flow goes on
        raise
    if parked:
        raise Parked(soonest(rest.due for rest in parked))
    return [done for done in found if done is not None]


def settled(found: Sequence[Done], *, skip: bool) -> Done:
    """The outcome of what ran side by side: an array, failed if something failed and that is not to be passed over."""
    failures = [done for done in found if done.failed]
    return Done(
        array_text([done.value for done in found]),
        failed=bool(failures) and not skip,
        handled=bool(failures) and all(done.handled for done in failures),
    )


async def items_of(interpreter: Interpreter, iterator: Any, scope: Scope, step_id: str) -> list[JsonText] | Done:
    """What a for loop goes through, each item as text; or the failure that its iterator is."""
    (answer,) = await interpreter.values(scope, [expression_of(iterator)])
    if isinstance(answer, ExpressionFailed):
        message = f"The iterator of {step_id}: {answer.message}"
        return Done(error_value(answer.name, message, step_id=step_id, line=answer.line), failed=True)
    try:
        text = await interpreter.ports.expand(answer)
    except NOT_EXPANDED as error:
        return Done(error_value(not_expanded(error), error.message, step_id=step_id), failed=True)
    found = await asyncio.to_thread(_split, text) if len(text) > LARGEST_ON_LOOP else _split(text)
    if found is None:
        shown = answer if len(answer) <= _LONGEST_SHOWN else f"{answer[:_LONGEST_SHOWN]}…"
        message = f"Expected an array value in the iterator expression, found: {shown}"
        return Done(error_value("ExecutionErr", message, step_id=step_id), failed=True)
    return found


def _split(text: JsonText) -> list[JsonText] | None:
    """The items of an array, each as text; None when it is something else."""
    value = loads(text)
    return [dumps(item) for item in value] if isinstance(value, list) else None


async def _parallelism(interpreter: Interpreter, given: Any, scope: Scope, count: int) -> int | Done:
    most = interpreter.rules.most_parallel
    if given is None:
        return most
    (answer,) = await interpreter.values(scope, [expression_of(given)])
    number = None if isinstance(answer, ExpressionFailed) else loads(answer)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or number < 1:
        why = answer.message if isinstance(answer, ExpressionFailed) else f"expected a number from 1 on, found {answer}"
        return Done(error_value("ExecutionErr", f"The parallelism of the loop: {why}"), failed=True)
    return min(int(number), most, max(count, 1))
