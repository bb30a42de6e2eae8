"""Running a flow: what OpenFlow says happens between its first step and its result.

Plain asynchronous code over ports: it knows neither database, DBOS nor processes. It may be stopped anywhere and started
again from the beginning: steps that the journal has recorded are not run again, so the order in which things happen need not
be repeated, and retries, loops and parallel branches are ordinary code.

Here is the way through a list of steps. One step is in `steps`, what it runs in `scripts`, `subflows`, `loops` and
`branches`, what may come after it in `stops`, `pauses` and `suspend`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from flowapp.engine import inputs, one_iteration, pauses, preprocess, steps
from flowapp.engine.errors import NOT_EXPANDED, error_value, not_expanded
from flowapp.engine.ports import (
    Clock,
    Evaluate,
    Expand,
    Journal,
    Models,
    RunApprovals,
    RunCache,
    RunLeaf,
    RunLibrary,
    RunTurns,
)
from flowapp.engine.scope import UNANSWERED, Names, Scope, error_of, fields_of
from flowapp.engine.values import Done, Frame, Module, Plan, Replaced
from flowapp.engine.waiting import Room
from flowapp.expressions import Batch, Expression, ExpressionFailed, Lookup
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.openflow.walk import id_of


@dataclass(frozen=True, slots=True)
class Ports:
    """The world, as far as a flow needs it."""

    evaluate: Evaluate
    run_leaf: RunLeaf
    journal: Journal
    clock: Clock
    expand: Expand
    waiting: Room
    library: RunLibrary
    approvals: RunApprovals
    cache: RunCache
    lookup: Lookup | None = None
    turns: RunTurns | None = None
    """Debouncing of steps; None: every step goes at once (cells that somebody tries)."""
    models: Models | None = None
    """What agent steps talk to."""
    hidden: Callable[[JsonText], JsonText] = lambda text: text
    """A JSON text without the secrets that the run has read."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits that are not the flow's own. Times in seconds. `park_after_s`: longer waits end the segment."""

    timeout_s: float = 900.0
    most_parallel: int = 64
    longest_while: int = 100_000
    park_after_s: float = 5.0
    deepest: int = 20
    """Flows that call flows that call …"""
    most_turns: int = 50
    """Turns of a model in one agent step."""


@dataclass(frozen=True, slots=True)
class Started:
    """How the run was started, as far as its steps can see. `event` is what the preprocessor gets (None: it does not run).

    `tag` and `priority` are the run's own, where it has any. `home` and `abroad`: see `homes.py`.
    """

    at: str = ""
    scheduled_for: str | None = None
    event: JsonText | None = None
    tag: str = ""
    priority: int = 0
    function: str = ""
    """Which function of its one script a run is of; "" is `main`."""
    home: str = ""
    abroad: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Interpreter:
    """One flow of a run (`flow` is the whole OpenFlow object, and is not changed): the run's own, or one that it calls."""

    flow: Mapping[str, Any]
    ports: Ports
    plan: Plan = field(default_factory=Plan)
    rules: Rules = field(default_factory=Rules)
    run_id: str = ""
    started: Started = field(default_factory=Started)
    frame: Frame = field(default_factory=Frame)

    @property
    def value(self) -> Mapping[str, Any]:
        """The flow's `value`."""
        value: Mapping[str, Any] = self.flow["value"]
        return value

    async def run(self, args: JsonText, around: Scope | None = None) -> Done:
        """Run the flow (or what of it is planned) on its arguments, the text of an object.

        `around` is the scope of the step that calls this flow: its results can be read from within, and its `flow_env` where
        this flow has none of its own.

        Raises:
            Parked: nothing of the run goes on any more.
        """
        scope = self._scope(args, around)
        modules = self.value["modules"]
        if self.plan.run is not None:
            return await self._planned(modules, scope)
        prefix = self.frame.prefix
        if preprocess.applies(self):
            prepared = await preprocess.run(self, scope)
            if prepared.failed:
                return await self.failed(prepared, preprocess.STEP, scope, prefix)
            scope = self._scope(prepared.value, around)
        skip = self.value.get("skip_expr")
        if skip:
            answer = await self.truth(scope, str(skip))
            if isinstance(answer, Done):
                return await self.failed(answer, "skip_expr", scope, prefix)
            if answer:
                return Done(dumps("stopped early"), skipped=True)
        return await self.sequence(modules, scope, prefix)

    def _scope(self, args: JsonText, around: Scope | None) -> Scope:
        own = self.value.get("flow_env")
        inherited = around.env if around is not None else None
        extra = {**UNANSWERED, "WM_SCHEDULED_FOR": dumps(self.started.scheduled_for)}
        scope = Scope(fields_of(args), env=dumps(own) if own is not None else inherited, extra=extra)
        if around is not None:
            scope.results = around.results.new_child()
        return scope

    async def _planned(self, modules: Sequence[Module], scope: Scope) -> Done:
        """Only the planned top-level steps; the others count with the results they were given, or not at all.

        The result is that of the last step that ran. A chosen iteration of a loop is the last.
        """
        wanted = frozenset(self.plan.run or ())
        chosen, index = self.plan.iteration or (None, 0)
        value = scope.previous
        for module in modules:
            step_id = id_of(module)
            if step_id in wanted and step_id == chosen:
                return await one_iteration.run(self, module, scope, index)  # nothing goes on from one of many
            if step_id in wanted:
                done = await self._one(module, scope, "", last=False)
                if done.failed or done.stop is not None:
                    return done
                value = done.value
            elif step_id in self.plan.given:
                scope.note(step_id, self.plan.given[step_id])
                scope.answers = self.plan.answers.get(step_id)
            else:
                # rather nothing than the result of a step that does not come right before
                scope.last, scope.answers = NULL, None
        return Done(value)

    async def sequence(self, modules: Sequence[Module], scope: Scope, prefix: str) -> Done:
        """Run modules one after the other: a flow, an iteration, a branch. The result is the last one's."""
        try:
            for module, following in zip_longest(modules, modules[1:]):
                done = await self._one(module, scope, prefix, last=following is None, following=following)
                if done.failed and module.get("continue_on_error") and not done.final:
                    return done  # there is nothing to go on with, and nothing that the failure module is wanted for
                if done.failed:
                    return await self.failed(done, id_of(module), scope, prefix)
                if done.stop is not None:
                    return done
            return Done(scope.previous)
        finally:
            scope.drop_ahead()

    async def _one(
        self, module: Module, scope: Scope, prefix: str, *, last: bool, following: Module | None = None
    ) -> Done:
        """A module and what follows from its end: the next one's `previous_result`, going on after an error, waiting."""
        done = await steps.run(self, module, scope, prefix, following=following)
        scope.note(id_of(module), done.value)
        scope.answers = None
        if done.failed:
            if module.get("continue_on_error") and not last and not done.final:
                return Done(done.value)
            return done
        if done.stop is not None or done.skipped:
            return done
        if module.get("suspend") or module.get("sleep"):
            failure = await pauses.after(self, module, scope, prefix, done, last=last)
            if failure is not None:
                return failure
        return done

    async def step(self, module: Module, scope: Scope, prefix: str, meta: Mapping[str, Any] | None = None) -> Done:
        """A module by itself: nothing comes after it, and its failure is nobody's but the caller's."""
        return await steps.run(self, module, scope, prefix, meta)

    async def failed(self, done: Done, step_id: str, scope: Scope, prefix: str) -> Done:
        """Run the failure module, once for a failure, at the innermost level."""
        module = self.value.get("failure_module")
        if not isinstance(module, dict) or done.handled or not self.plan.whole:
            return done
        inner = scope.child()
        inner.last = done.value
        inner.extra = {
            **scope.extra,
            "error": error_of(done.value),
            "started_at": dumps(self.started.at),
            "flow_job_id": dumps(self.frame.job_id),
        }
        answer = await steps.run(self, {**module, "id": "failure"}, inner, prefix, {"parent_module": step_id})
        if isinstance(answer.stop, Replaced):
            return replace(done, handled=True)  # another run's failure module goes for this one: the error stays
        recovered = False
        if not answer.failed:
            if not answer.skipped and (module.get("suspend") or module.get("sleep")):
                refused = await pauses.after(self, {**module, "id": "failure"}, inner, prefix, answer, last=False)
                if refused is not None:
                    return replace(refused, handled=True)
            value = loads(answer.value)
            recovered = isinstance(value, dict) and value.get("recover") is True
        return Done(answer.value, failed=not recovered, handled=True)

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
            found = iter(await self._evaluated(Batch(left, names, scope.results, lookup or self.ports.lookup)))
            answers = [next(found) if answer is None else answer for answer in answers]
        return [answer for answer in answers if answer is not None]

    async def _evaluated(self, batch: Batch) -> list[JsonText | ExpressionFailed]:
        try:
            return await inputs.evaluated(self.ports, batch)
        except NOT_EXPANDED as error:
            return [ExpressionFailed(not_expanded(error), error.message)] * len(batch.expressions)

    async def truth(
        self, scope: Scope, text: str, extra: Mapping[str, JsonText] | None = None, step_id: str | None = None
    ) -> bool | Done:
        """A predicate's answer, or the failure that it is."""
        (answer,) = await self.values(scope, [Expression(text, predicate=True)], extra)
        if isinstance(answer, ExpressionFailed):
            message = f"{answer.message} (in the expression {text})"
            return Done(error_value(answer.name, message, step_id=step_id, line=answer.line), failed=True)
        return answer == "true"

    def calling(self, flow: Mapping[str, Any], frame: Frame, event: JsonText | None = None) -> Interpreter:
        """The interpreter of a flow that a step of this one calls; its preprocessor runs only if it is given an `event`."""
        return replace(self, flow=flow, frame=frame, plan=Plan(), started=replace(self.started, event=event))
