"""One step: recalled, passed over, or run with its retries; then whether the flow stops here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flowapp.engine import (
    branches,
    caching,
    debouncing,
    inputs,
    loops,
    pauses,
    scripts,
    stops,
    subflows,
    timeouts,
    wiping,
)
from flowapp.engine.agents import run as agents
from flowapp.engine.inputs import Evaluated
from flowapp.engine.ports import OpenStep
from flowapp.engine.retry import delay
from flowapp.engine.scope import Scope, error_of
from flowapp.engine.values import Attempt, Done, LeafOutcome, Module, Recorded, Status, StepInfo
from flowapp.jsontext import dumps, loads
from flowapp.openflow.walk import id_of, kind_of
from flowapp.store.clock import text_of

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter

BRANCHES = frozenset({"branchone", "branchall"})
_UNASKED = "skip_if_failed"
"""In the meta of a step that is to be tried again: its `skip_if` has not been answered yet."""


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
        if info.kind in BRANCHES:
            await branches.recall(interpreter, module, recorded, scope, inner_path(info.path, recorded.attempt))
        done = await stops.after(interpreter, module, info.kind, scope, _recalled(recorded))
    else:
        work = Try(module, info, scope, 1 if recorded is None else recorded.attempt, recorded)
        if recorded is not None and recorded.meta.get("retry_at"):
            await pauses.until(interpreter, str(recorded.meta["retry_at"]))
        passed = await _passed_over(interpreter, work)
        done = passed if passed is not None else await _attempts(interpreter, work, following)
    if interpreter.value.get("early_return") == info.step_id and not done.failed and interpreter.plan.whole:
        await _answer_early(interpreter, done)
    return done


async def _answer_early(interpreter: Interpreter, done: Done) -> None:
    """A synchronous caller of the run (not of a flow that a step of it calls) gets this step's result."""
    if len(interpreter.frame.jobs) <= 1:
        await interpreter.ports.journal.early(done.value)


async def _passed_over(interpreter: Interpreter, work: Try) -> Done | None:
    """A step that is not run: `skip_if` (asked on entry only) or a mock."""
    module, info = work.module, work.info
    skipped = await _skipped(interpreter, work)
    if skipped is not None:
        return skipped
    mock = module.get("mock")
    if mock and mock.get("enabled"):
        value = dumps(mock.get("return_value"))
        await interpreter.ports.journal.open(info.noted(mock=True), work.attempt, None).close("success", value)
        return await stops.after(interpreter, module, info.kind, work.scope, Done(value))
    return None


async def _skipped(interpreter: Interpreter, work: Try) -> Done | None:
    """The step's end where `skip_if` says so, or cannot be evaluated as often as the step may be tried."""
    skip, recorded = work.module.get("skip_if"), work.recorded
    if not skip or not (recorded is None or recorded.meta.get(_UNASKED)):
        return None
    while True:
        answer = await interpreter.truth(work.scope, str(skip.get("expr", "")), step_id=work.info.step_id)
        if answer is False:
            return None
        journal = interpreter.ports.journal
        if not isinstance(answer, Done):
            await journal.open(work.info, work.attempt, None).close("skipped", work.scope.previous)
            return Done(work.scope.previous, skipped=True)
        step = journal.open(work.info.noted(None, **{_UNASKED: True}), work.attempt, None)
        if not await _again(interpreter, work, step, answer):
            await step.close("failure", answer.value)
            return answer


async def _attempts(interpreter: Interpreter, work: Try, following: Module | None) -> Done:
    module, scope = work.module, work.scope
    replaced = await debouncing.pass_in(interpreter, work)
    if replaced is not None:
        return replaced
    while True:
        done, step, outcome = await _attempt(interpreter, work)
        ended = await stops.after(interpreter, module, work.info.kind, scope, done)
        if ended.failed and not ended.final and not done.failed:
            done, outcome = ended, None  # a stop condition that cannot be evaluated is a failure of the attempt
        if done.failed and await _again(interpreter, work, step, done):
            continue
        if step is not None:
            status: Status = outcome.status if outcome is not None else "failure" if done.failed else "success"
            if following is not None and not done.failed and done.stop is None:
                scope.note(work.info.step_id, done.value)
                scope.answers = None
                await inputs.begin(interpreter, module, following, scope)
            await step.close(status, done.value, outcome, notes=_notes(done))
        return ended


async def _again(interpreter: Interpreter, work: Try, step: OpenStep | None, done: Done) -> bool:
    """Whether the step is tried again after a failure; if so, when it is time."""
    retry = work.module.get("retry")
    wait = delay(retry, work.attempt)
    if wait is None or not await _wants_retry(interpreter, work, step, done):
        return False
    due = text_of(interpreter.ports.clock.now() + timedelta(seconds=wait))
    work.attempt += 1
    if step is not None:
        await step.retrying(done.value, due, work.attempt)
    await pauses.until(interpreter, due)
    return True


async def _attempt(interpreter: Interpreter, work: Try) -> Attempt:
    """One attempt; the step is left open, since only its owner knows whether it was the last."""
    ttl = work.module.get("cache_ttl")
    if not ttl or work.info.kind not in caching.CONTAINERS:
        return await _run(interpreter, work)
    key = await caching.of_container(interpreter, work.module, work.scope)
    if key is None:
        return await _run(interpreter, work)
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
        case "aiagent":
            return await agents.run(interpreter, work)
        case "identity":
            return Done(work.scope.previous), interpreter.ports.journal.open(work.info, work.attempt, None), None
        case _:
            return await scripts.run(interpreter, work)


async def _wants_retry(interpreter: Interpreter, work: Try, step: OpenStep | None, done: Done) -> bool:
    rule = (work.module.get("retry") or {}).get("retry_if")
    if not rule:
        return True
    names = {"result": done.value, "error": error_of(done.value)}
    answer = await interpreter.truth(work.scope, str(rule.get("expr", "")), names)
    if isinstance(answer, Done) and step is not None:
        step.log(f"Not tried again: retry_if failed: {loads(answer.value)['error']['message']}\n")
    return answer is True


def inner_path(path: str, attempt: int) -> str:
    """Where the steps of a container are recorded: one that is tried again is a new one to its (finished) steps."""
    return path if attempt == 1 else f"{path}~{attempt}"


def info_of(module: Module, prefix: str, meta: Mapping[str, Any]) -> StepInfo:
    """The step that a module is, where `prefix` is the place of its list."""
    step_id = id_of(module)
    value = module.get("value") or {}
    info = StepInfo(prefix + step_id, step_id, kind_of(module), value.get("language"), meta)
    return wiping.noted(info, wiping.seconds_of(module))


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
