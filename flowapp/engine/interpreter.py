"""Running a flow: what OpenFlow says happens between its first step and its result.

Plain asynchronous code over ports: it knows neither database, DBOS nor processes. It may be stopped anywhere and started
again from the beginning: steps that the journal has recorded are not run again, so the order in which things happen need not
be repeated, and retries, loops and parallel branches are ordinary code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flowapp.engine import branches, inputs, loops
from flowapp.engine.errors import error_value
from flowapp.engine.ports import Clock, Evaluate, Expand, Journal, RunLeaf
from flowapp.engine.retry import delay
from flowapp.engine.scope import Names, Scope, error_of, fields_of
from flowapp.engine.values import Done, LeafCall, LeafOutcome, Module, Plan, Recorded, StepInfo, Stop
from flowapp.expressions import Batch, Expression, ExpressionFailed, Lookup
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.openflow.walk import id_of, kind_of
from flowapp.store.clock import text_of

LOOPS = frozenset({"forloopflow", "whileloopflow"})
BRANCHES = frozenset({"branchone", "branchall"})
_ALWAYS = {"resume": NULL, "resumes": JsonText("[]"), "approvers": JsonText("[]"), "WM_SCHEDULED_FOR": NULL}


@dataclass(frozen=True, slots=True)
class Ports:
    """The world, as far as a flow needs it."""

    evaluate: Evaluate
    run_leaf: RunLeaf
    journal: Journal
    clock: Clock
    expand: Expand
    lookup: Lookup | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits that are not the flow's own. Times in seconds."""

    timeout_s: float = 900.0
    most_parallel: int = 64
    longest_while: int = 100_000


@dataclass(slots=True)
class Interpreter:
    """One run of one flow document (`flow` is the whole OpenFlow object, and is not changed)."""

    flow: Mapping[str, Any]
    ports: Ports
    plan: Plan = field(default_factory=Plan)
    rules: Rules = field(default_factory=Rules)
    run_id: str = ""
    started_at: str = ""

    @property
    def value(self) -> Mapping[str, Any]:
        """The flow's `value`."""
        value: Mapping[str, Any] = self.flow["value"]
        return value

    async def run(self, args: JsonText) -> Done:
        """Run the flow (or what of it is planned) on its arguments, the text of an object."""
        env = self.value.get("flow_env")
        scope = Scope(fields_of(args), env=dumps(env) if env is not None else None, extra=_ALWAYS)
        modules = self.value["modules"]
        if self.plan.run is not None:
            return await self._planned(modules, scope)
        skip = self.value.get("skip_expr")
        if skip:
            answer = await self.truth(scope, skip)
            if isinstance(answer, Done):
                return await self._failed(answer, "skip_expr", scope, "")
            if answer:
                return Done(dumps("stopped early"), skipped=True)
        return await self.sequence(modules, scope, "")

    async def _planned(self, modules: Sequence[Module], scope: Scope) -> Done:
        """Only the planned top-level steps; the others count with the results they were given, or not at all.

        The result is that of the last step that ran.
        """
        wanted = frozenset(self.plan.run or ())
        value = scope.previous
        for module in modules:
            step_id = id_of(module)
            if step_id in wanted:
                done = await self._one(module, scope, "", last=False)
                if done.failed or done.stop is not None:
                    return done
                value = done.value
            elif step_id in self.plan.given:
                scope.note(step_id, self.plan.given[step_id])
            else:
                # rather nothing than the result of a step that does not come right before
                scope.last = NULL
        return Done(value)

    async def sequence(self, modules: Sequence[Module], scope: Scope, prefix: str) -> Done:
        """Run modules one after the other: a flow, an iteration, a branch. The result is the last one's."""
        for position, module in enumerate(modules):
            done = await self._one(module, scope, prefix, last=position == len(modules) - 1)
            if done.failed:
                return await self._failed(done, id_of(module), scope, prefix)
            if done.stop is not None:
                return done
        return Done(scope.previous)

    async def _one(self, module: Module, scope: Scope, prefix: str, *, last: bool) -> Done:
        """A module and what follows from its end: the next one's `previous_result`, going on after an error, sleeping."""
        done = await self._step(module, scope, prefix)
        scope.note(id_of(module), done.value)
        if done.failed:
            if module.get("continue_on_error") and not last and not done.final:
                return Done(done.value)
            return done
        if module.get("sleep") and not done.skipped:
            slept = await self._sleep(module, scope, prefix)
            if slept is not None:
                return slept
        return done

    async def _failed(self, done: Done, step_id: str, scope: Scope, prefix: str) -> Done:
        """Run the failure module, once for a failure, at the innermost level."""
        module = self.value.get("failure_module")
        if not isinstance(module, dict) or done.handled or not self.plan.whole:
            return done
        inner = scope.child()
        inner.last = done.value
        inner.extra = {
            **scope.extra,
            "error": error_of(done.value),
            "started_at": dumps(self.started_at),
            "flow_job_id": dumps(self.run_id),
        }
        answer = await self._step({**module, "id": "failure"}, inner, prefix, {"parent_module": step_id})
        recovered = False
        if not answer.failed:
            value = loads(answer.value)
            recovered = isinstance(value, dict) and value.get("recover") is True
        return Done(answer.value, failed=not recovered, handled=True)

    # --- one step ---------------------------------------------------------------------------------------------------

    async def _step(self, module: Module, scope: Scope, prefix: str, meta: Mapping[str, Any] | None = None) -> Done:
        """Run a module with its retries, or recall what it gave, then ask whether the flow stops here."""
        info = _info(module, prefix, meta or {})
        recorded = await self.ports.journal.recall(info.path)
        if recorded is not None and recorded.finished:
            done = _recalled(recorded)
            if info.kind in BRANCHES:
                await branches.recall(self, module, recorded, scope, inner_path(info.path, recorded.attempt))
        else:
            passed = await self._passed_over(module, info, scope, recorded)
            done = passed if passed is not None else await self._attempts(module, info, scope, recorded)
        if done.failed or done.skipped or done.stop is not None:
            return done
        return await self._after(module, info.kind, scope, done)

    async def _passed_over(
        self, module: Module, info: StepInfo, scope: Scope, recorded: Recorded | None
    ) -> Done | None:
        """A step that is not run: `skip_if` (asked on entry only) or a mock."""
        skip = module.get("skip_if")
        if skip and (recorded is None or recorded.attempt == 1):
            answer = await self.truth(scope, str(skip.get("expr", "")), step_id=info.step_id)
            if isinstance(answer, Done):
                await self._close(info, "failure", answer.value)
                return answer
            if answer:
                value = scope.previous
                await self._close(info, "skipped", value)
                return Done(value, skipped=True)
        mock = module.get("mock")
        if mock and mock.get("enabled"):
            value = dumps(mock.get("return_value"))
            await self._close(
                StepInfo(info.path, info.step_id, info.kind, info.language, {**info.meta, "mock": True}),
                "success",
                value,
            )
            return Done(value)
        return None

    async def _close(self, info: StepInfo, status: Any, value: JsonText) -> None:
        await self.ports.journal.open(info, 1, None).close(status, value)

    async def _attempts(self, module: Module, info: StepInfo, scope: Scope, recorded: Recorded | None) -> Done:
        attempt, retry = 1, module.get("retry")
        if recorded is not None and not recorded.finished and recorded.meta.get("retry_at"):
            # an earlier segment ended while this step waited for its next attempt
            attempt = recorded.attempt
            await self._wait_until(str(recorded.meta["retry_at"]))
        while True:
            wait = delay(retry, attempt)
            done, step, outcome = await self._attempt(module, info, scope, attempt, recorded)
            if not done.failed or wait is None or not await self._wants_retry(retry, scope, done):
                if step is not None:
                    await step.close(_status(done, outcome), done.value, outcome, handled=done.handled)
                return done
            due = text_of(self.ports.clock.now() + timedelta(seconds=wait))
            attempt += 1
            if step is not None:
                await step.retrying(done.value, due, attempt)
            await self._wait_until(due)

    async def _attempt(
        self, module: Module, info: StepInfo, scope: Scope, attempt: int, recorded: Recorded | None
    ) -> tuple[Done, Any, LeafOutcome | None]:
        """One attempt; the step is left open, since only its owner knows whether it was the last."""
        journal = self.ports.journal
        inner = inner_path(info.path, attempt)
        match info.kind:
            case "forloopflow":
                return await loops.for_loop(self, module, info, scope, inner, attempt, recorded)
            case "whileloopflow":
                return await loops.while_loop(self, module, info, scope, inner, attempt)
            case "branchone":
                return await branches.branch_one(self, module, info, scope, inner, attempt, recorded)
            case "branchall":
                return await branches.branch_all(self, module, info, scope, inner, attempt)
            case "identity":
                return Done(scope.previous), journal.open(info, attempt, None), None
            case _:
                return await self._script(module, info, scope, attempt)

    async def _script(
        self, module: Module, info: StepInfo, scope: Scope, attempt: int
    ) -> tuple[Done, Any, LeafOutcome | None]:
        value = module["value"]
        evaluated = await inputs.evaluate(self, module, scope)
        if isinstance(evaluated, Done):
            return evaluated, self.ports.journal.open(info, attempt, None), None
        step = self.ports.journal.open(info, attempt, evaluated.kept or evaluated.args)
        ttl = module.get("cache_ttl")
        call = LeafCall(
            info=info,
            code=str(value.get("content") or ""),
            language=str(value.get("language")),
            lock=value.get("lock"),
            args=evaluated.args,
            timeout_s=evaluated.timeout_s or self.rules.timeout_s,
            attempt=attempt,
            cache_ttl=float(ttl) if ttl else None,
            kept=evaluated.kept,
        )
        outcome = await self.ports.run_leaf(call, step)
        return Done(outcome.value, failed=outcome.status in ("failure", "canceled")), step, outcome

    async def _after(self, module: Module, kind: str, scope: Scope, done: Done) -> Done:
        """Early stop. A loop's own `stop_after_if` is asked inside it, iteration by iteration."""
        rules = (
            [module.get("stop_after_all_iters_if")] if kind in LOOPS | {"branchall"} else [module.get("stop_after_if")]
        )
        for rule in rules:
            if rule:
                stopped = await self.stops(rule, scope, done.value, id_of(module))
                if stopped is not None:
                    return stopped
        return done

    async def stops(
        self,
        rule: Mapping[str, Any],
        scope: Scope,
        value: JsonText,
        step_id: str,
        more: Mapping[str, JsonText] | None = None,
    ) -> Done | None:
        """Whether a stop rule applies to a result: None when not, a failure when it says so or cannot be evaluated."""
        expression = str(rule.get("expr", ""))
        names = {"result": value, "previous_result": value, **(more or {})}
        answer = await self.truth(scope, expression, names, step_id)
        if isinstance(answer, Done):
            return Done(answer.value, failed=True, final=True)
        if not answer:
            return None
        message = rule.get("error_message")
        if message is None:
            return Done(value, stop=Stop(bool(rule.get("skip_if_stopped"))))
        result = loads(value) if rule.get("error_include_result") else None
        text = str(message) or f"stop after if: {expression}"
        return Done(error_value("EarlyStopError", text, step_id=step_id, result=result), failed=True, final=True)

    async def _wants_retry(self, retry: Any, scope: Scope, done: Done) -> bool:
        rule = (retry or {}).get("retry_if")
        if not rule:
            return True
        answer = await self.truth(
            scope, str(rule.get("expr", "")), {"result": done.value, "error": error_of(done.value)}
        )
        return answer is True

    async def _sleep(self, module: Module, scope: Scope, prefix: str) -> Done | None:
        """Wait after a step. Counted from the step's recorded end, so a restart does not sleep all over again."""
        (answer,) = await self.values(scope, [inputs.expression_of(module["sleep"])])
        seconds = None if isinstance(answer, ExpressionFailed) else loads(answer)
        if isinstance(answer, ExpressionFailed) or isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            why = (
                answer.message
                if isinstance(answer, ExpressionFailed)
                else f"expected a number of seconds, found {answer}"
            )
            value = error_value("ExecutionErr", f"The sleep of step {id_of(module)}: {why}", step_id=id_of(module))
            return Done(value, failed=True, final=True)
        recorded = await self.ports.journal.recall(prefix + id_of(module))
        since = recorded.ended_at if recorded is not None else None
        if since is not None:
            await self._wait_until(text_of(datetime.fromisoformat(since) + timedelta(seconds=seconds)))
        else:
            await self.ports.clock.sleep(max(0.0, float(seconds)))
        return None

    async def _wait_until(self, due: str) -> None:
        left = (datetime.fromisoformat(due) - self.ports.clock.now()).total_seconds()
        if left > 0:
            await self.ports.clock.sleep(left)

    # --- expressions ------------------------------------------------------------------------------------------------

    async def values(
        self,
        scope: Scope,
        expressions: Sequence[Expression | JsonText],
        extra: Mapping[str, JsonText] | None = None,
        lookup: Lookup | None = None,
    ) -> list[JsonText | ExpressionFailed]:
        """The values of expressions, all in one round trip; what is text already is its own value.

        `lookup` stands in for the port of that name.
        """
        answers: list[JsonText | ExpressionFailed | None] = []
        for item in expressions:
            if isinstance(item, str):
                answers.append(item)
            else:
                answers.append(None if item.predicate or extra else scope.direct(item.text))
        open_ = [item for item, answer in zip(expressions, answers, strict=True) if answer is None]
        left = [item for item in open_ if isinstance(item, Expression)]
        if left:
            names: Mapping[str, JsonText] = Names(scope, left, extra or {})
            found = iter(
                await self.ports.evaluate(
                    await inputs.expanded(self.ports, Batch(left, names, scope.results, lookup or self.ports.lookup))
                )
            )
            answers = [next(found) if answer is None else answer for answer in answers]
        return [answer for answer in answers if answer is not None]

    async def truth(
        self, scope: Scope, text: str, extra: Mapping[str, JsonText] | None = None, step_id: str | None = None
    ) -> bool | Done:
        """A predicate's answer, or the failure that it is."""
        (answer,) = await self.values(scope, [Expression(text, predicate=True)], extra)
        if isinstance(answer, ExpressionFailed):
            message = f"{answer.message} (in the expression {text})"
            return Done(error_value(answer.name, message, step_id=step_id, line=answer.line), failed=True)
        return answer == "true"


def inner_path(path: str, attempt: int) -> str:
    """Where the steps of a container are recorded: one that is tried again is a new one to its (finished) steps."""
    return path if attempt == 1 else f"{path}~{attempt}"


def _info(module: Module, prefix: str, meta: Mapping[str, Any]) -> StepInfo:
    step_id = id_of(module)
    value = module.get("value") or {}
    return StepInfo(prefix + step_id, step_id, kind_of(module), value.get("language"), meta)


def _recalled(recorded: Recorded) -> Done:
    failed = recorded.status in ("failure", "canceled")
    return Done(
        recorded.value,
        failed=failed,
        handled=bool(recorded.meta.get("handled")),
        skipped=recorded.status == "skipped",
    )


def _status(done: Done, outcome: LeafOutcome | None) -> Any:
    if outcome is not None:
        return outcome.status
    return "failure" if done.failed else "success"
