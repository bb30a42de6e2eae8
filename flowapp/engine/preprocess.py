"""What makes a flow's arguments out of the event that started its run: functions of the name `preprocessor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowapp.engine import scripts, steps
from flowapp.engine.inputs import Evaluated
from flowapp.engine.scope import Scope, object_text
from flowapp.engine.values import Done, StepInfo
from flowapp.jsontext import NULL, JsonText, loads
from flowapp.openflow.walk import inputs_of

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.scripts import Source

STEP = scripts.PREPROCESSOR


def applies(interpreter: Interpreter) -> bool:
    """Whether the flow has a preprocessor module, and its run an event for it."""
    return interpreter.started.event is not None and isinstance(interpreter.value.get("preprocessor_module"), dict)


async def run(interpreter: Interpreter, scope: Scope) -> Done:
    """Run the flow's preprocessor module, with its retries; the value is the text of the flow's arguments."""
    given = interpreter.value["preprocessor_module"]
    event = {"type": "static", "value": loads(interpreter.started.event or NULL)}
    inputs = {**inputs_of(given), "event": event}
    value = {**(given.get("value") or {}), "input_transforms": inputs}
    # what it gives are this run's arguments: no other run's preprocessor can go for it
    module = {**given, "id": STEP, "value": value, "debouncing": None}
    done = await steps.run(interpreter, module, scope, interpreter.frame.prefix, {"preprocessor": True})
    return done if done.failed else Done(as_arguments(done.value))


async def arguments(interpreter: Interpreter, source: Source, info: StepInfo) -> Done:
    """The arguments that a script's own preprocessor makes (`apply_preprocessor`). Recorded as a step before the step."""
    meta = {"preprocessor": True}
    own = StepInfo(f"{info.path}-{STEP}", f"{info.step_id}-{STEP}", info.kind, source.language, meta, info.tag)
    recorded = await interpreter.ports.journal.recall(own.path)
    if recorded is not None and recorded.finished:
        failed = recorded.status in ("failure", "canceled")
        return Done(recorded.value if failed else as_arguments(recorded.value), failed=failed)
    args = event_of(interpreter)
    step = interpreter.ports.journal.open(own, 1, args)
    call = scripts.call_of(interpreter, {}, own, source, Evaluated(args, None), 1, STEP)
    outcome = await interpreter.ports.run_leaf(call, step)
    failed = outcome.status in ("failure", "canceled")
    await step.close(outcome.status, outcome.value, outcome)
    return Done(outcome.value if failed else as_arguments(outcome.value), failed=failed)


def event_of(interpreter: Interpreter) -> JsonText:
    """The arguments of a preprocessor."""
    return object_text({"event": interpreter.started.event or NULL})


def as_arguments(value: JsonText) -> JsonText:
    """What a preprocessor gave as arguments: an object as it is, nothing as no arguments, anything else as `value`."""
    if value.startswith("{"):
        return value
    return JsonText("{}") if value == NULL else object_text({"value": value})
