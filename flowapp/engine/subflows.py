"""Steps that call another flow. It runs inside the same run: its steps are recorded under `<path>/`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from flowapp.engine import caching, gates, inputs, timeouts, wiping
from flowapp.engine.errors import INTERRUPTIONS, error_value
from flowapp.engine.values import SHARED, Attempt, CalledFlow, Done, Frame, LeafOutcome, Replaced
from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText
from flowapp.store.runs import job_id

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.scope import Scope
    from flowapp.engine.steps import Try


async def run(interpreter: Interpreter, work: Try) -> Attempt:
    """Run the called flow to its end. The version that it began with is kept, whatever is deployed meanwhile.

    The flow's early stop ends only itself, and its failure module has handled the failure only for itself.
    """
    module, journal = work.module, interpreter.ports.journal
    called = await _called(interpreter, work)
    evaluated = called if isinstance(called, Done) else await inputs.of_attempt(interpreter, work)
    if isinstance(called, Done) or isinstance(evaluated, Done):
        failed = called if isinstance(called, Done) else evaluated
        assert isinstance(failed, Done)
        return failed, journal.open(work.info, work.attempt, None), None
    timeouts.of_called(interpreter, work, called.flow)
    info = work.info.noted(flow=called.path, version=called.version)
    info = wiping.noted(info, wiping.seconds_of(called.flow["value"]))
    if work.recorded is not None and "document" in work.recorded.meta:
        info = info.noted(document=work.recorded.meta["document"])
    if called.flow["value"].get("same_worker"):
        info = info.noted(None, **{SHARED: True})
    step = journal.open(info, work.attempt, evaluated.kept or evaluated.args)
    ttl = module.get("cache_ttl") or called.flow["value"].get("cache_ttl")
    event = interpreter.started.event if module.get("apply_preprocessor") else None
    key = await caching.of_called(interpreter, module, called, evaluated, work.scope, event) if ttl else None
    if key is not None:
        found = await interpreter.ports.cache.find(key, float(ttl))
        if found is not None:
            return Done(found.value), step, found
    await step.save()
    outer, args = interpreter.frame, evaluated.args
    own = job_id(interpreter.run_id, info.path)
    frame = Frame(
        own, called.path, f"{work.inner}/", (*outer.chain, called.path), (*outer.jobs, own), outer.held, outer.asked
    )
    inner = await timeouts.step(
        interpreter, work, lambda: _in_turn(interpreter, called, frame, args, work.scope, event)
    )
    done = Done(inner.value, failed=inner.failed)
    kept = key is not None and not done.failed and not isinstance(inner.stop, Replaced)
    return done, step, LeafOutcome(done.value, "success", fingerprint=key) if kept else None


async def _in_turn(
    interpreter: Interpreter,
    called: CalledFlow,
    frame: Frame,
    args: JsonText,
    around: Scope,
    event: JsonText | None,
) -> Done:
    """Run the called flow once it has its place under its own concurrency limit; its preprocessor gets the `event`.

    Raises:
        Parked: it has none yet, and nothing else of the run goes on; or something in the flow waits so, and it keeps its place.
    """
    limit, turns = gates.limit_of(called.flow["value"], called.path, args), interpreter.ports.turns
    if limit is None or turns is None or limit.key in frame.held:
        return await interpreter.calling(called.flow, frame, event).run(args, around)
    while (again := await turns.take(frame.job_id, limit, interpreter.started.priority)) is not None:
        await interpreter.ports.waiting.until(again)
    calling = interpreter.calling(called.flow, replace(frame, held=frame.held | {limit.key}), event)
    try:
        done = await calling.run(args, around)
    except asyncio.CancelledError:
        await asyncio.shield(turns.give_back(frame.job_id, limit))
        raise
    await turns.give_back(frame.job_id, limit)
    return done


async def _called(interpreter: Interpreter, work: Try) -> CalledFlow | Done:
    """The flow that the step names, in the version that the step began with."""
    path, step_id = str(work.module["value"].get("path") or ""), work.info.step_id
    chain = interpreter.frame.chain
    if path in chain:
        message = f"Flows call each other in a circle: {' → '.join((*chain, path))}"
        return Done(error_value("ExecutionErr", message, step_id=step_id), failed=True)
    if len(chain) >= interpreter.rules.deepest:
        message = f"Flows call flows more than {interpreter.rules.deepest} deep: {' → '.join((*chain, path))}"
        return Done(error_value("ExecutionErr", message, step_id=step_id), failed=True)
    meta = work.recorded.meta if work.recorded is not None and work.recorded.meta.get("flow") == path else {}
    try:
        return await interpreter.ports.library.flow(path, meta.get("version"), meta.get("document"))
    except INTERRUPTIONS:
        raise
    except FlowappError as error:
        return Done(error_value("ExecutionErr", error.message, step_id=step_id), failed=True)
