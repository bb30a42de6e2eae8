"""Workflows as code: scripts whose `main` is a workflow of Windmill's clients.

The script's process runs until it wants something, and ends with a record of that: tasks to run, a time to sleep, people to ask, a result
to keep. It begins again with what is there by then (its checkpoint), and comes to the next thing that it wants; code before that is run again,
and finds its results. Every step is a row below the script's, so no finished one is lost or runs twice, and whatever waits costs nothing.

A task of the script's own is its code once more, which runs that one function and nothing else. One that names a stored script or flow is a
step that runs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flowapp.engine import checkpoints, pauses
from flowapp.engine.checkpoints import LARGEST, MOST_STEPS, SUSPENDED, TOLD, id_of_key, is_key, path_of
from flowapp.engine.errors import error_value
from flowapp.engine.loops import side_by_side
from flowapp.engine.suspend import LONGEST_S, TIMEOUT_S
from flowapp.engine.values import Answer, Done, LeafCall, LeafOutcome, Limit, StepInfo, Wanted
from flowapp.engine.workflow_records import decision, is_likely, is_task, module, number, terms
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.runtimes.guest.frames import COMPLETE
from flowapp.store.clock import text_of
from flowapp.store.runs import job_id

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.ports import OpenStep
    from flowapp.engine.steps import Try

HELD_AT_ONCE = 256 << 20
"""Characters of all checkpoints together that tasks have at one time: each gets one with all results so far."""
_CHANGED = "Its code has to come to the same steps in the same order each time."


async def run(interpreter: Interpreter, work: Try, call: LeafCall, step: OpenStep) -> LeafOutcome:
    """Run a script to its end, however often its process begins for that.

    Raises:
        Parked: it waits, or something in it does, and nothing else of the run goes on.
    """
    if call.entrypoint != "main" or not is_likely(call.language, call.code):
        return await interpreter.ports.run_leaf(call, step)
    known = work.known
    if known is not None:
        await step.go_on()
    return await _Workflow(interpreter, work, call, step, saved=known is not None).run()


@dataclass(slots=True)
class _Workflow:
    """One attempt at a workflow. `completed` are the results of its steps by their keys, as its code reads them; `held` is their size."""

    interpreter: Interpreter
    work: Try
    call: LeafCall
    step: OpenStep
    saved: bool
    completed: dict[str, JsonText] = field(default_factory=dict)
    held: int = 0
    spent_ms: float = 0.0

    async def run(self) -> LeafOutcome:
        while True:
            refused = await self._look()
            if refused is not None:
                return refused
            outcome = await self.interpreter.ports.run_leaf(
                replace(self.call, checkpoint=checkpoints.text_of(checkpoints.steps_of(self.completed))), self.step
            )
            self.spent_ms += outcome.duration_ms or 0.0
            outcome = replace(outcome, duration_ms=round(self.spent_ms, 3))
            if outcome.status == "success" and not outcome.value.startswith(COMPLETE):
                failure = await self._do(loads(outcome.value))
                if failure is None:
                    continue
                outcome = replace(outcome, value=failure.value, status="failure")
            await self._leave_unasked()
            return outcome if outcome.status != "success" else replace(outcome, value=_result(outcome.value))

    # --- what is there ----------------------------------------------------------------------------------------------

    async def _look(self) -> LeafOutcome | None:
        """Take in what has been recorded since, and wait for what an earlier segment began to wait for.

        The failure that the whole workflow ends in, where there is one.
        """
        journal = self.interpreter.ports.journal
        for info in await journal.below(self.work.inner):
            key = str(info.meta.get("key") or "")
            if not key or key in self.completed:
                continue
            recorded = await journal.recall(info.path)
            if recorded is None:
                continue
            wanted = info.meta.get(SUSPENDED)
            if not recorded.finished and wanted is not None:
                await self._suspended(key, wanted)
                recorded = await journal.recall(info.path)
            if recorded is None or not recorded.finished:
                continue
            if recorded.status in ("success", "reused", "skipped"):
                text = recorded.value
            elif wanted is not None:
                return LeafOutcome(recorded.value, "failure")
            else:
                text = checkpoints.marker(key, recorded.value, self._job(info.path))
            self.completed[key] = text
            self.held += len(text)
            if len(self.completed) > MOST_STEPS or self.held > LARGEST:  # the others are not even read
                return LeafOutcome(self._error(checkpoints.TOO_MUCH), "failure")
        return None

    async def _leave_unasked(self) -> None:
        """The attempt is over: approvals that people were told of and that it never asked for are not wanted any more."""
        journal = self.interpreter.ports.journal
        for info in await journal.below(self.work.inner):
            if info.meta.get("key") in self.completed:
                continue
            recorded = await journal.recall(info.path)
            if recorded is not None and not recorded.finished:
                await journal.open(info, 1, None).close("skipped", NULL)

    # --- what it wants ----------------------------------------------------------------------------------------------

    async def _do(self, record: Any) -> Done | None:
        """Do what the script's process ended for. None to go on; else the failure of the workflow."""
        if not self.saved:
            await self.step.save()
            self.saved = True
        kind = record.get("type") if isinstance(record, Mapping) else None
        if kind == "dispatch":
            return await self._tasks(record.get("steps"))
        key = record.get("key") if isinstance(record, Mapping) else None
        if not isinstance(key, str) or not is_key(key):
            return self._wrong(f"The key of a step is a printable text of up to {checkpoints.LONGEST_KEY} characters.")
        if key in self.completed:  # the process had it from the beginning; going on would begin another one, for ever
            return self._wrong(f"The workflow wants {key} again, which is done. {_CHANGED}")
        if kind in ("sleep", "approval"):
            return await self._suspended(key, record)
        if kind == "inline_checkpoint":
            status, value = checkpoints.kept(record.get("result"))
            if await self._recorded(key) is None:
                await self._open(key, "rawscript", None).close(status, value)
            return None
        return self._wrong("The client of this workflow asks for something that this version does not know.")

    async def _tasks(self, steps: Any) -> Done | None:
        if not isinstance(steps, list) or not steps or not all(is_task(each) for each in steps):
            return self._wrong(
                f"A task has a key of up to {checkpoints.LONGEST_KEY} printable characters, a name and arguments; what it says of "
                "a script, a tag and a concurrency key is printable too."
            )
        refused = await self._look()  # what the process has kept on its way here is there for its tasks too
        if refused is not None:
            return Done(refused.value, failed=True)
        again = [each["key"] for each in steps if each["key"] in self.completed]
        if again:
            return self._wrong(f"The workflow wants the task {again[0]} again, which has ended. {_CHANGED}")
        if len({each["key"] for each in steps}) < len(steps):
            return self._wrong("Two tasks that begin together have one key.")
        most = self.interpreter.rules.most_parallel
        before = checkpoints.steps_of(self.completed)
        room = asyncio.Semaphore(max(1, HELD_AT_ONCE // len(before)))

        async def one(index: int) -> Done:
            return await self._task(steps[index], before, room)

        if len(steps) == 1:
            await one(0)
        else:
            await side_by_side(self.interpreter, len(steps), most, one)
        return None

    async def _task(self, wanted: Mapping[str, Any], before: JsonText, room: asyncio.Semaphore) -> Done:
        """One task, recorded. Its failure is for the workflow to handle. `before` are the results so far, `room` is for checkpoints."""
        if wanted.get("dispatch_type") in ("script", "flow"):
            interpreter, prefix = self.interpreter, f"{self.work.inner}/"
            return await interpreter.step(module(wanted), self.work.scope, prefix, {"key": wanted["key"]})
        key = wanted["key"]
        info = replace(self._info(key, "rawscript"), tag=str(wanted.get("tag") or self.call.tag))
        step = self.interpreter.ports.journal.open(info, 1, self.interpreter.ports.hidden(dumps(wanted["args"])))
        call = replace(
            self.call,
            info=info,
            attempt=1,
            task=key,
            tag=info.tag,
            priority=int(number(wanted.get("priority")) or self.call.priority),
            timeout_s=number(wanted.get("timeout")) or self.call.timeout_s,
            cache_ttl=number(wanted.get("cache_ttl")),
            limit=self._limit(wanted),
        )
        async with room:
            call = replace(call, checkpoint=checkpoints.text_of(before, key))
            outcome = await self.interpreter.ports.run_leaf(call, step)
        if outcome.status == "success":
            if outcome.value.startswith(COMPLETE):
                outcome = replace(outcome, value=_result(outcome.value))
            else:
                outcome = replace(
                    outcome, value=self._error(f"The task {key} did not run. {_CHANGED}"), status="failure"
                )
        await step.close(outcome.status, outcome.value, outcome)
        return Done(outcome.value, failed=outcome.status in ("failure", "canceled"))

    def _limit(self, wanted: Mapping[str, Any]) -> Limit | None:
        most = number(wanted.get("concurrent_limit"))
        if most is None:
            return None
        place = f"{self.call.path or self.interpreter.run_id}/{wanted['name']}"
        window = number(wanted.get("concurrency_time_window_s")) or 0.0
        return Limit(str(wanted.get("concurrency_key") or place), int(most), window)

    # --- waiting ----------------------------------------------------------------------------------------------------

    async def _suspended(self, key: str, record: Mapping[str, Any]) -> Done | None:
        """Sleep, or ask people. How long is worked out once and kept with the step's row."""
        journal, clock = self.interpreter.ports.journal, self.interpreter.ports.clock
        sleeps = record.get("type") == "sleep"
        recorded = await self._recorded(key)
        if recorded is not None and recorded.finished:
            return None
        meta = dict(recorded.meta) if recorded is not None else {}
        if "until" not in meta:
            given = number(record.get("seconds" if sleeps else "timeout"))
            seconds = min(given or (0.0 if sleeps else TIMEOUT_S), pauses.LONGEST_SLEEP_S if sleeps else LONGEST_S)
            meta |= {SUSPENDED: dict(record), "until": text_of(clock.now() + timedelta(seconds=seconds))}
        step, until = journal.open(self._info(key, "identity", meta), 1, None), str(meta["until"])
        await step.save()
        if sleeps:
            await pauses.until(self.interpreter, until)
            await step.close("success", NULL)
            return None
        answer = await self._asked(key, record, until, told=TOLD in meta)
        if answer.status == "timed_out":
            failure = error_value("SuspendedTimedOut", f"Timed out waiting for the approval {key}", step_id=key)
            await step.close("failure", failure)
            return Done(failure, failed=True)
        await step.close("success", decision(answer))
        return None

    async def _asked(self, key: str, record: Mapping[str, Any], until: str, *, told: bool) -> Answer:
        path, frame, run_id = path_of(self.work.inner, key), self.interpreter.frame, self.interpreter.run_id
        own = self._job(self.call.info.path)
        wanted = Wanted(
            path=path,
            job_id=self._job(path),
            flow_jobs=tuple(dict.fromkeys((*(frame.jobs or (run_id,)), own))),
            required=1,
            timeout_at=until,
            terms=dumps(terms(key, record, told=told)),
        )
        while (answer := await self.interpreter.ports.approvals.ask(wanted)) is None:
            await self.interpreter.ports.waiting.until(until)
        return answer

    # --- rows -------------------------------------------------------------------------------------------------------

    def _info(self, key: str, kind: str, meta: Mapping[str, Any] | None = None) -> StepInfo:
        language = self.call.language if kind == "rawscript" else None
        return StepInfo(path_of(self.work.inner, key), id_of_key(key), kind, language, {**(meta or {}), "key": key})

    def _open(self, key: str, kind: str, args: JsonText | None) -> OpenStep:
        return self.interpreter.ports.journal.open(self._info(key, kind), 1, args)

    async def _recorded(self, key: str) -> Any:
        return await self.interpreter.ports.journal.recall(path_of(self.work.inner, key))

    def _job(self, path: str) -> str:
        return job_id(self.interpreter.run_id, path)

    def _wrong(self, message: str) -> Done:
        return Done(self._error(message), failed=True)

    def _error(self, message: str) -> JsonText:
        return error_value("WorkflowError", message, step_id=self.call.info.step_id)


def _result(record: JsonText) -> JsonText:
    return JsonText(record[len(COMPLETE) : -1])
