"""The conformance cases through the interpreter alone: no database, no engine, no time, no process for a script.

Only expressions are evaluated for real. What a case asks of the rest of Flowapp stands in `NEEDS_MORE`, by name.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from flowapp.engine.errors import error_value
from flowapp.engine.interpreter import Rules
from flowapp.engine.ports import OpenStep
from flowapp.engine.secrets import SECRET_MARKS
from flowapp.engine.support import problems
from flowapp.engine.values import Answer, Debounce, Done, LeafCall, LeafOutcome, Limit, Turn, Wanted
from flowapp.expressions import Batch, Evaluator, ExpressionFailed, Limits
from flowapp.jsontext import JsonText, dumps, loads
from tests.conformance.cases import CASES, args_of, check, check_all, same
from tests.unit.engine.fakes import Turns, World

RUNTIME, CLIENT, STORE = "a runtime", "a started server and its client", "the store"
NEEDS_MORE = {
    "bash_positional_and_last_line": RUNTIME,
    "bash_result_json_file": RUNTIME,
    "bun_step_basic": RUNTIME,
    "cache_ttl_step_reused": STORE,
    "called_flow_has_its_shared_folder": RUNTIME,
    "called_flow_keeps_its_concurrency_limit": STORE,
    "concurrency_window_over_then_next": STORE,
    "debounce_step_keys_are_apart": STORE,
    "debounce_step_last_of_a_loop_goes_with_all": STORE,
    "debounce_step_most_goes_at_once": STORE,
    "env_flow_step_id": CLIENT,
    "flow_cache_after_waiting_for_its_turn": STORE,
    "python_bytes_result_base64": RUNTIME,
    "python_extra_inputs_dropped": RUNTIME,
    "loop_cache_sees_variables": CLIENT,
    "restart_from_later_step_after_success": STORE,
    "restart_of_cached_flow_runs_anew": STORE,
    "retry_constant_succeeds": CLIENT,
    "retry_delay_with_a_shared_folder": RUNTIME,
    "retry_if_true_retries": CLIENT,
    "state_persists_across_runs": CLIENT,
    "static_dollar_res": STORE,
    "step_priority_under_a_limit": STORE,
    "step_timeout": RUNTIME,
}
ALONE = [name for name in CASES if name not in NEEDS_MORE]


class NeedsMore(Exception):
    """The case asks for something that only this part of Flowapp has."""


class NoTurns(Turns):
    """Who goes is decided where all runs can be seen."""

    async def ask(self, job: str, rule: Debounce, brought: JsonText | None) -> Turn:
        raise NeedsMore(STORE)

    async def take(self, job_id: str, limit: Limit, priority: int) -> str | None:
        raise NeedsMore(STORE)


@dataclass
class Alone(World):
    """What a case sets up; Python runs in this process."""

    evaluator: Evaluator = field(kw_only=True)
    case: dict[str, Any] = field(kw_only=True)
    turns: Turns = field(default_factory=NoTurns)

    def __post_init__(self) -> None:
        setup = self.case.get("setup", {})
        self.scripts = {item["path"]: item["content"] for item in setup.get("scripts", [])}
        self.flows = {item["path"]: [{"summary": "", "value": item["value"]}] for item in setup.get("flows", [])}
        self.lookup = self._stored
        self.path = self.case.get("deploy_path") or f"f/conformance/{self.case['name']}"

    async def _stored(self, kind: str, path: str) -> JsonText | None:
        items = self.case.get("setup", {}).get(f"{kind}s", [])
        return next((dumps(item["value"]) for item in items if item["path"] == path), None)

    async def evaluate(self, batch: Batch) -> list[JsonText | ExpressionFailed]:
        return await self.evaluator.evaluate(batch)

    async def ask(self, wanted: Wanted) -> Answer | None:
        """What the case's people say to a step, all of it at once; where they say too little, its time runs out."""
        said = [answer for answer in self.case.get("resume", []) if answer["step"] == wanted.path]
        no = next((answer for answer in said if not answer["approve"]), None)
        if no is not None:
            return Answer("disapproved", by=no.get("approver"))
        if len(said) < wanted.required:
            assert wanted.timeout_at is not None
            return Answer("timed_out")
        payloads = tuple(dumps(answer["payload"]) for answer in said)
        return Answer("approved", payloads, tuple(answer.get("approver") or "anonymous" for answer in said))

    async def run_leaf(self, call: LeafCall, step: OpenStep) -> LeafOutcome:
        """`main(**args)`, if it is Python that asks for nothing else."""
        args = loads(call.args)
        if "wmill" in call.code or "os.environ" in call.code:
            raise NeedsMore(CLIENT)
        if any(mark in call.args for mark in SECRET_MARKS) or call.cache_ttl is not None or call.limit is not None:
            raise NeedsMore(STORE)
        if call.language != "python3" or call.here or call.timeout_s != Rules().timeout_s:
            raise NeedsMore(RUNTIME)
        names: dict[str, Any] = {}
        exec(call.code, names)
        try:
            main = names[call.entrypoint]
            if not args.keys() <= inspect.signature(main).parameters.keys():
                raise NeedsMore(RUNTIME)
            value = await asyncio.to_thread(main, **args)
        except NeedsMore:
            raise
        except Exception as error:
            said = {"name": type(error).__name__, "message": str(error), "step_id": call.info.step_id}
            return LeafOutcome(dumps({"error": said}), "failure")
        if isinstance(value, bytes):
            raise NeedsMore(RUNTIME)
        return LeafOutcome(dumps(value), "success")

    async def play(self, args: Any) -> tuple[Done, float]:
        """A run of the case, and the seconds that it would have slept."""
        if "restart" in self.case or "debounce_delay_s" in self.case["flow"]["value"]:
            raise NeedsMore(STORE)
        begun = self.time
        self.rows.clear()
        if self.case.get("trigger") == "webhook":
            self.event = {"kind": "webhook", "body": args, "headers": {}, "query": {}}
        for problem in problems(self.case["flow"]):
            return Done(error_value("Unsupported", problem), failed=True), 0.0
        value = dict(self.case["flow"]["value"])
        done = await self.run(value.pop("modules"), args, **value)
        return done, (self.time - begun).total_seconds()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evaluator() -> AsyncIterator[Evaluator]:
    made = Evaluator(Limits(kept=2))
    await made.start()
    yield made
    await made.close()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", ALONE)
async def test_case(evaluator: Evaluator, name: str) -> None:
    case = CASES[name]
    made = Alone(evaluator=evaluator, case=case)
    results = []
    for args in args_of(case):
        done, seconds = await made.play(args)
        skipped = done.skipped or (done.stop is not None and done.stop.skipped)
        results.append(loads(done.value))
        check(case["expect"], results[-1], success=not done.failed, skipped=skipped, seconds=seconds)
    for step_id, expected in case.get("expect_steps", {}).items():
        assert same(loads(made.rows[step_id]["value"]), expected)
    check_all(case, results)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", NEEDS_MORE)
async def test_no_other_case_could_run_alone(evaluator: Evaluator, name: str) -> None:
    made = Alone(evaluator=evaluator, case=CASES[name])
    with pytest.raises((NeedsMore, ExceptionGroup)) as found:
        await made.play(args_of(CASES[name])[0])
    error: Any = found.value
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, NeedsMore)
    assert str(error) == NEEDS_MORE[name]
