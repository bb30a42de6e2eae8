"""One step: recalled, passed over, or run with its retries; then whether the flow stops here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flowapp.engine import branches, caching, debouncing, inputs, loops, pauses, scripts, stops, subflows, timeouts
from flowapp.engine.inputs import Evaluated
from flowapp.engine.retry import delay
from flowapp.engine.scope import Scope, error_of
from flowapp.engine.values import Attempt, Done, LeafOutcome, Module, Recorded, Status, StepInfo
from flowapp.jsontext import JsonText, dumps
from flowapp.openflow.walk import id_of, kind_of
from flowapp.store.clock import text_of

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter

BRANCHES = frozenset({"branchone", "branchall"})
SCRIPTS = frozenset({"rawscript", "script"})


@dataclass(slots=True)
class Try:
    """What one attempt starts from. `recorded`: what an earlier segment noted of this very step, not finished.

    `evaluated` are the arguments of the attempt before: a retry gets the same.
    """

    module: Module
    info: StepInfo
    scope: Scope
    attempt: int
    recorded: Recorded | None
    evaluated: Evaluated | None = None

    @property
    def inner(self) -> str:
        """Where the steps of a container are recorded."""
        return inner_path(self.info.path, self.attempt)

    @property
    def known(self) -> Recorded | None:
        """What was noted of this very attempt."""
        recorded = self.recorded
        return recorded if recorded is not None and recorded.attempt == self.attempt else None


async def run(
    interpreter: Interpreter,
    module: Module,
    scope: Scope,
    prefix: str,
    meta: Mapping[str, Any] | None = None,
    following: Module | None = None,
) -> Done:
    """Run a module with its retries, or recall what it gave, then ask whether the flow stops here.

    `following` is the module that comes next where this one succeeds.
    """
    info = info_of(module, prefix, meta or {})
    recorded = await interpreter.ports.journal.recall(info.path)
    if recorded is not None and recorded.finished:
        done = _recalled(recorded)
        if info.kind in BRANCHES:
            await branches.recall(interpreter, module, recorded, scope, inner_path(info.path, recorded.attempt))
    else:
        passed = await _passed_over(interpreter, module, info, scope, recorded)
        done = passed if passed is not None else await _attempts(interpreter, module, info, scope, recorded, following)
    if not (done.failed or done.skipped or done.stop is not None):
        done = await stops.after(interpreter, module, info.kind, scope, done)
    if interpreter.value.get("early_return") == info.step_id and not done.failed and interpreter.plan.whole:
        await _answer_early(interpreter, done)
    return done


async def _answer_early(interpreter: Interpreter, done: Done) -> None:
    """A synchronous caller of the run (not of a flow that a step of it calls) gets this step's result."""
    if len(interpreter.frame.jobs) <= 1:
        await interpreter.ports.journal.early(done.value)


async def _passed_over(
    interpreter: Interpreter, module: Module, info: StepInfo, scope: Scope, recorded: Recorded | None
) -> Done | None:
    """A step that is not run: `skip_if` (asked on entry only) or a mock."""
    skip = module.get("skip_if")
    if skip and recorded is None:
        answer = await interpreter.truth(scope, str(skip.get("expr", "")), step_id=info.step_id)
        if isinstance(answer, Done):
            await _close(interpreter, info, "failure", answer.value)
            return answer
        if answer:
            value = scope.previous
            await _close(interpreter, info, "skipped", value)
            return Done(value, skipped=True)
    mock = module.get("mock")
    if mock and mock.get("enabled"):
        value = dumps(mock.get("return_value"))
        await _close(interpreter, info.noted(mock=True), "success", value)
        return Done(value)
    return None


async def _close(interpreter: Interpreter, info: StepInfo, status: Status, value: JsonText) -> None:
    await interpreter.ports.journal.open(info, 1, None).close(status, value)


async def _attempts(
    interpreter: Interpreter,
    module: Module,
    info: StepInfo,
    scope: Scope,
    recorded: Recorded | None,
    following: Module | None,
) -> Done:
    retry = module.get("retry")
    work = Try(module, info, scope, 1, recorded)
    if recorded is not None:
        # an earlier segment ended while this step ran, or waited for its next attempt
        work.attempt = recorded.attempt
    replaced = await debouncing.pass_in(interpreter, work)
    if replaced is not None:
        return replaced
    if recorded is not None and recorded.meta.get("retry_at"):
        await pauses.until(interpreter, str(recorded.meta["retry_at"]))
    while True:
        wait = delay(retry, work.attempt)
        done, step, outcome = await _attempt(interpreter, work)
        if not done.failed or wait is None or not await _wants_retry(interpreter, retry, scope, done):
            if step is not None:
                status: Status = outcome.status if outcome is not None else "failure" if done.failed else "success"
                if following is not None and not done.failed and done.stop is None:
                    scope.note(info.step_id, done.value)
                    scope.answers = None
                    inputs.begin(interpreter, module, following, scope)
                await step.close(status, done.value, outcome, notes=_notes(done))
            return done
        due = text_of(interpreter.ports.clock.now() + timedelta(seconds=wait))
        work.attempt += 1
        if step is not None:
            await step.retrying(done.value, due, work.attempt)
        await pauses.until(interpreter, due)


async def _attempt(interpreter: Interpreter, work: Try) -> Attempt:
    """One attempt; the step is left open, since only its owner knows whether it was the last."""
    ttl = work.module.get("cache_ttl")
    if not ttl or work.info.kind not in caching.CONTAINERS:
        return await _run(interpreter, work)
    key = caching.key_of(interpreter, work.module, work.scope)
    found = await interpreter.ports.cache.find(key, float(ttl)) if work.recorded is None else None
    if found is not None:
        return Done(found.value), interpreter.ports.journal.open(work.info, work.attempt, None), found
    done, step, _ = await _run(interpreter, work)
    kept = not done.failed and done.stop is None
    return done, step, LeafOutcome(done.value, "success", fingerprint=key) if kept else None


async def _run(interpreter: Interpreter, work: Try) -> Attempt:
    if work.info.kind in timeouts.LIMITED:
        wrong = await timeouts.begin(interpreter, work)
        if wrong is not None:
            return wrong, interpreter.ports.journal.open(work.info, work.attempt, None), None
    match work.info.kind:
        case "forloopflow":
            return await loops.for_loop(interpreter, work)
        case "whileloopflow":
            return await loops.while_loop(interpreter, work)
        case "branchone":
            return await branches.branch_one(interpreter, work)
        case "branchall":
            return await branches.branch_all(interpreter, work)
        case "flow":
            return await subflows.run(interpreter, work)
        case "identity":
            return Done(work.scope.previous), interpreter.ports.journal.open(work.info, work.attempt, None), None
        case _:
            return await scripts.run(interpreter, work)


async def _wants_retry(interpreter: Interpreter, retry: Any, scope: Scope, done: Done) -> bool:
    rule = (retry or {}).get("retry_if")
    if not rule:
        return True
    names = {"result": done.value, "error": error_of(done.value)}
    return await interpreter.truth(scope, str(rule.get("expr", "")), names) is True


def inner_path(path: str, attempt: int) -> str:
    """Where the steps of a container are recorded: one that is tried again is a new one to its (finished) steps."""
    return path if attempt == 1 else f"{path}~{attempt}"


def info_of(module: Module, prefix: str, meta: Mapping[str, Any]) -> StepInfo:
    """The step that a module is, where `prefix` is the place of its list."""
    step_id = id_of(module)
    value = module.get("value") or {}
    return StepInfo(prefix + step_id, step_id, kind_of(module), value.get("language"), meta)


def _notes(done: Done) -> Mapping[str, Any] | None:
    """What a restarted run has to know of a finished step besides its result."""
    notes: dict[str, Any] = {}
    if done.handled:
        notes["handled"] = True
    if done.final:
        notes["final"] = True
    if done.stop is not None:
        notes["stop"] = stops.noted(done.stop)
    return notes or None


def _recalled(recorded: Recorded) -> Done:
    return Done(
        recorded.value,
        failed=recorded.status in ("failure", "canceled"),
        handled=bool(recorded.meta.get("handled")),
        final=bool(recorded.meta.get("final")),
        stop=stops.recalled(recorded.meta),
        skipped=recorded.status == "skipped",
    )
