"""One chosen iteration of a loop, by itself: how somebody tries the cells in a loop on one item.

It is the iteration that a run of the loop would have at that index: the same item, the same path (`loop[3].b`), the same steps
before it. What belongs to the loop and not to its iterations is left out: `skip_if`, retries, cache, time limit, stop conditions, waiting after it, and
a stand-in. The loop's row holds the items, as ever, `only` in its meta, and as its result what this one iteration gave: not an
array, so that nobody takes it for the loop's. A while loop has no items: its iterations know their index and nothing of the one before
(docs/openflow-differences.md), so any of them can be run first. `only` comes first in the meta: queries look for it there (`store/iterations.ONLY`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowapp.engine import loops, wiping
from flowapp.engine.errors import error_value
from flowapp.engine.scope import Scope, array_text
from flowapp.engine.values import Done, Module, StepInfo
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.openflow.walk import id_of, kind_of

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.ports import OpenStep


async def run(interpreter: Interpreter, module: Module, scope: Scope, index: int) -> Done:
    """Run the iteration of a top-level loop, or recall what it gave. It fails where there is none of this index.

    Raises:
        Parked: something in the iteration waits.
    """
    step_id = id_of(module)
    info = wiping.noted(StepInfo(step_id, step_id, kind_of(module), None, {"only": index}), wiping.seconds_of(module))
    journal = interpreter.ports.journal
    recorded = await journal.recall(info.path)
    if recorded is not None and recorded.finished:
        return Done(recorded.value, failed=recorded.status in ("failure", "canceled"))
    if info.kind == "whileloopflow":
        return await _of_while(interpreter, module, scope, index, info)
    items: list[JsonText] | Done
    if recorded is not None and recorded.args is not None:
        items = [dumps(item) for item in loads(recorded.args)]
    else:
        items = await loops.items_of(interpreter, module["value"].get("iterator"), scope, step_id)
    if isinstance(items, Done):
        await journal.open(info, 1, None).close("failure", items.value)
        return items
    step = journal.open(info.noted(iterations=len(items)), 1, array_text(items))
    if index >= len(items):
        missing = _missing(step_id, index, len(items))
        await step.close("failure", missing.value)
        return missing
    await step.save()
    return await _body(interpreter, module, scope.iteration(index, items[index]), f"{info.path}[{index}].", step)


async def _of_while(interpreter: Interpreter, module: Module, scope: Scope, index: int, info: StepInfo) -> Done:
    journal, longest = interpreter.ports.journal, interpreter.rules.longest_while
    if index >= longest:
        message = f"There is no iteration {index + 1} of {info.step_id}: a while loop has at most {longest}"
        beyond = error_value("ExecutionErr", message, step_id=info.step_id)
        await journal.open(info, 1, None).close("failure", beyond)
        return Done(beyond, failed=True)
    # `iterations` says that there is one of this index: lists leave out what failed before its body began
    step = journal.open(info.noted(iterations=index + 1), 1, None)
    await step.save()
    return await _body(interpreter, module, scope.iteration(index, dumps(index)), f"{info.path}[{index}].", step)


async def _body(interpreter: Interpreter, module: Module, inside: Scope, prefix: str, step: OpenStep) -> Done:
    done = await interpreter.sequence(module["value"].get("modules") or [], inside, prefix)
    await step.close("failure" if done.failed else "success", done.value)
    return Done(done.value, failed=done.failed, handled=done.handled)


def _missing(step_id: str, index: int, count: int) -> Done:
    has = "no items" if count == 0 else "1 item" if count == 1 else f"{count} items"
    message = f"There is no iteration {index + 1} of {step_id}: its iterator gives {has}"
    return Done(error_value("ExecutionErr", message, step_id=step_id), failed=True)
