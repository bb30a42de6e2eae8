"""Steps that call another flow. It runs inside the same run: its steps are recorded under `<path>/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowapp.engine import inputs, timeouts, wiping
from flowapp.engine.errors import INTERRUPTIONS, error_value
from flowapp.engine.values import Attempt, CalledFlow, Done, Frame, LeafOutcome
from flowapp.errors import FlowappError
from flowapp.notebook.fingerprint import fingerprint
from flowapp.store.runs import job_id

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
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
    step = journal.open(info, work.attempt, evaluated.kept or evaluated.args)
    ttl, key = module.get("cache_ttl"), None
    if ttl:
        given = interpreter.ports.cache.hidden(evaluated.args) if evaluated.kept else evaluated.args
        key = fingerprint("flow", f"{called.path}@{called.version}", None, given)
        found = await interpreter.ports.cache.find(key, float(ttl))
        if found is not None:
            return Done(found.value), step, found
    await step.save()
    outer = interpreter.frame
    own = job_id(interpreter.run_id, info.path)
    frame = Frame(own, called.path, f"{work.inner}/", (*outer.chain, called.path), (*outer.jobs, own))
    calling, args = interpreter.calling(called.flow, frame), evaluated.args
    done = await timeouts.step(interpreter, work, lambda: calling.run(args, work.scope))
    done = Done(done.value, failed=done.failed)
    outcome = LeafOutcome(done.value, "success", fingerprint=key) if key is not None and not done.failed else None
    return done, step, outcome


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
