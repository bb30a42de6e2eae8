"""Time limits of what is no script of its own: loops, branches, called flows, and a whole flow (its own `timeout`).

The moment at which the time is over is worked out once, when the attempt begins, and kept with it: a run that rested, or was
taken over, has what is left. Time counts whatever it is spent with, waiting for people too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flowapp.engine import inputs
from flowapp.engine.caching import CONTAINERS
from flowapp.engine.errors import error_value
from flowapp.engine.values import Done
from flowapp.engine.waiting import Parked, soonest
from flowapp.jsontext import JsonText
from flowapp.store.clock import text_of

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.steps import Try

LIMITED = CONTAINERS | {"flow"}
"""Kinds of steps whose `timeout` is kept here; that of a script is kept by its process."""
_DUE, _SECONDS = "deadline", "timeout_s"

Body = Callable[[], Awaitable[Done]]


async def begin(interpreter: Interpreter, work: Try) -> Done | None:
    """Note on an attempt when its time is over, where the step has a `timeout`; the failure when that is no time."""
    known = work.known
    if known is not None and _DUE in known.meta and "retry_at" not in known.meta:
        _noted(work, {name: known.meta[name] for name in (_DUE, _SECONDS)})
        return None
    seconds = await inputs.timeout_of(interpreter, work.module, work.scope)
    if isinstance(seconds, Done):
        return seconds
    if seconds is not None:
        _note(interpreter, work, seconds)
    return None


def of_called(interpreter: Interpreter, work: Try, flow: Mapping[str, Any]) -> None:
    """A called flow has its own `timeout`, where the step sets none."""
    seconds = seconds_of(flow)
    if seconds is not None and _DUE not in work.info.meta:
        _note(interpreter, work, seconds)


def seconds_of(flow: Mapping[str, Any]) -> float | None:
    """A flow's own `timeout`, a part of the stored flow beside its value."""
    given: Any = flow.get("timeout")
    valid = isinstance(given, (int, float)) and not isinstance(given, bool) and given > 0
    return float(given) if valid else None


async def step(interpreter: Interpreter, work: Try, body: Body) -> Done:
    """What is inside of a step, within its time. When that is over, all that goes on or waits in there is ended.

    Raises:
        Parked: with the end of the time, where that comes first.
    """
    due = work.info.meta.get(_DUE)
    if due is None:
        return await body()
    done = await _within(interpreter, str(due), body)
    if done is not None:
        return done
    message = f"The step ran longer than its {work.info.meta[_SECONDS]:g} s and was stopped."
    value = error_value("Timeout", message, step_id=work.info.step_id)
    await interpreter.ports.journal.cut(work.inner, value)
    return Done(value, failed=True)


async def flow(interpreter: Interpreter, args: JsonText) -> Done:
    """The run's own flow, within its `timeout`. The end of the run ends what is left of it; its failure module is too late.

    Raises:
        Parked: as `step`.
    """
    seconds = seconds_of(interpreter.flow)
    if seconds is None or not interpreter.plan.whole:
        return await interpreter.run(args)
    begun = interpreter.started.at
    start = datetime.fromisoformat(begun) if begun else interpreter.ports.clock.now()
    done = await _within(interpreter, text_of(start + timedelta(seconds=seconds)), lambda: interpreter.run(args))
    message = f"The flow ran longer than its {seconds:g} s and was stopped."
    return done if done is not None else Done(error_value("Timeout", message), failed=True, handled=True)


async def _within(interpreter: Interpreter, due: str, body: Body) -> Done | None:
    """None when the time was over before the body was done."""
    left = (datetime.fromisoformat(due) - interpreter.ports.clock.now()).total_seconds()
    if left <= 0:
        return None
    limit = asyncio.timeout(left)
    try:
        async with limit:
            return await body()
    except TimeoutError:
        if not limit.expired():
            raise
        return None
    except Parked as rest:
        raise Parked(soonest((rest.due, due))) from None


def _note(interpreter: Interpreter, work: Try, seconds: float) -> None:
    due = text_of(interpreter.ports.clock.now() + timedelta(seconds=seconds))
    _noted(work, {_DUE: due, _SECONDS: seconds})


def _noted(work: Try, meta: Mapping[str, Any]) -> None:
    work.info = work.info.noted(None, **meta)
