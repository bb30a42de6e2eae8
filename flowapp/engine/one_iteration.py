"""One chosen iteration of a for loop, by itself: how somebody tries the cells in a loop on one item.

It is the iteration that a run of the loop would have at that index: the same item, the same path (`loop[3].b`), the same steps
before it. What belongs to the loop and not to its iterations is left out: `skip_if`, retries, cache, time limit, stop conditions, waiting after it, and
a stand-in. The loop's row holds the items, as ever, `only` in its meta, and as its result what this one iteration gave: not an
array, so that nobody takes it for the loop's. `only` comes first in the meta: queries look for it there (`store/iterations.ONLY`).
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


async def run(interpreter: Interpreter, module: Module, scope: Scope, index: int) -> Done:
    """Run the iteration of a top-level loop, or recall what it gave. It fails where the iterator gives no item of this index.

    Raises:
        Parked: something in the iteration waits.
    """
    step_id = id_of(module)
    info = wiping.noted(StepInfo(step_id, step_id, kind_of(module), None, {"only": index}), wiping.seconds_of(module))
    journal = interpreter.ports.journal
    recorded = await journal.recall(info.path)
    if recorded is not None and recorded.finished:
        return Done(recorded.value, failed=recorded.status in ("failure", "canceled"))
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
    inside = scope.iteration(index, items[index])
    done = await interpreter.sequence(module["value"].get("modules") or [], inside, f"{info.path}[{index}].")
    await step.close("failure" if done.failed else "success", done.value)
    return Done(done.value, failed=done.failed, handled=done.handled)


def _missing(step_id: str, index: int, count: int) -> Done:
    has = "no items" if count == 0 else "1 item" if count == 1 else f"{count} items"
    message = f"There is no iteration {index + 1} of {step_id}: its iterator gives {has}"
    return Done(error_value("ExecutionErr", message, step_id=step_id), failed=True)
