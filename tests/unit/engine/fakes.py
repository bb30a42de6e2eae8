"""The world of the interpreter, made of dictionaries: no database, no processes, no time."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flowapp.engine.interpreter import Interpreter, Ports, Rules, Started
from flowapp.engine.large import Budget
from flowapp.engine.ports import Models, OpenStep
from flowapp.engine.values import (
    Answer,
    CalledFlow,
    Debounce,
    Done,
    Frame,
    LeafCall,
    LeafOutcome,
    Limit,
    Plan,
    Recorded,
    Status,
    StepInfo,
    StoredScript,
    Turn,
    Wanted,
)
from flowapp.engine.waiting import Room
from flowapp.errors import FlowappError
from flowapp.expressions import Batch, ExpressionFailed, Lookup
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.store.clock import text_of
from flowapp.store.runs import job_id

Leaf = Callable[..., Any]
_ROOTS = (
    "results",
    "flow_input",
    "previous_result",
    "result",
    "error",
    "all_iters",
    "flow_env",
    "started_at",
    "resume",
    "resumes",
    "approvers",
    "flow_job_id",
    "WM_SCHEDULED_FOR",
)


class Failing(Exception):
    """What a fake script raises to fail with a given name."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(message)
        self.name = name


class _Missing:
    """JavaScript's undefined: its members are errors."""

    def __getattr__(self, name: str) -> Any:
        raise TypeError(f"cannot read property '{name}' of undefined")

    def __bool__(self) -> bool:
        return False


class _Object(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        return self.get(name, _Missing())


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return _Object({key: _wrapped(item) for key, item in value.items()})
    if isinstance(value, list):
        return [_wrapped(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, _Missing):
        return None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


@dataclass
class Turns:
    """Debouncing: `given` are the answers for a step (by its path in the run `run-1`), one after the other; after them it goes."""

    given: dict[str, list[Turn]] = field(default_factory=dict)
    asked: list[tuple[Debounce, Any]] = field(default_factory=list)

    async def ask(self, job: str, rule: Debounce, brought: JsonText | None) -> Turn:
        self.asked.append((rule, None if brought is None else loads(brought)))
        answers = next((left for path, left in self.given.items() if job_id("run-1", path) == job), [])
        return answers.pop(0) if answers else Turn()

    async def take(self, job_id: str, limit: Limit, priority: int) -> str | None:
        """There is always a place."""

    async def give_back(self, job_id: str, limit: Limit) -> None:
        """Nobody waits for one."""


@dataclass
class World:
    """Fake ports, and what was done through them."""

    leaves: Mapping[str, Leaf] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    scripts: dict[str, str] = field(default_factory=dict)
    flows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    flow_calls: list[tuple[str, int]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: dict[str, Wanted] = field(default_factory=dict)
    cached: dict[str, LeafOutcome] = field(default_factory=dict)
    early_values: list[Any] = field(default_factory=list)
    leaf_calls: list[LeafCall] = field(default_factory=list)
    log: str = ""
    streamed: str = ""
    cuts: list[str] = field(default_factory=list)
    event: Any = None
    lookup: Lookup | None = None
    path: str = "f/root/flow"
    document: Mapping[str, Any] = field(default_factory=dict)  # what the flow has beside its value
    started: Started = field(default_factory=lambda: Started(at="then"))
    batches: int = 0
    most_at_once: int = 0
    _at_once: int = 0
    turns: Turns = field(default_factory=lambda: Turns())

    async def evaluate(self, batch: Batch) -> list[JsonText | ExpressionFailed]:
        """Python in place of JavaScript: the tests' expressions are valid in both."""
        self.batches += 1
        names: dict[str, Any] = {root: _wrapped(loads(batch.scope[root])) for root in _ROOTS if root in batch.scope}
        names["results"] = _Object({key: _wrapped(loads(text)) for key, text in batch.results.items()})
        answers: list[JsonText | ExpressionFailed] = []
        for expression in batch.expressions:
            text = expression.text.replace("true", "True").replace("false", "False").replace("null", "None")
            try:
                value = eval(re.sub(r"(\S+)\.length", r"len(\1)", text), {"len": len}, names)
            except Exception as error:
                answers.append(ExpressionFailed(type(error).__name__, str(error), 1))
            else:
                answers.append(dumps(bool(value) if expression.predicate else _plain(value)))
        return answers

    async def run_leaf(self, call: LeafCall, step: OpenStep) -> LeafOutcome:
        self.calls.append(call.info.path)
        self.leaf_calls.append(call)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(0)
            value = self.leaves[call.code](**loads(call.args))
            if asyncio.iscoroutine(value):
                value = await value
        except Failing as error:
            return LeafOutcome(dumps({"error": {"name": error.name, "message": str(error)}}), "failure")
        finally:
            self._at_once -= 1
        return LeafOutcome(dumps(value), "success")

    async def recall(self, path: str) -> Recorded | None:
        row = self.rows.get(path)
        if row is None:
            return None
        finished = row["ended"] is not None
        return Recorded(
            row["status"],
            row["attempt"],
            row["value"] if finished else NULL,
            finished,
            row["args"],
            row["ended"],
            row["meta"],
        )

    def open(self, info: StepInfo, attempt: int, args: JsonText | None) -> Step:
        return Step(self, info, attempt, args)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.time += timedelta(seconds=seconds)

    async def expand(self, text: JsonText, budget: Budget | None = None, /) -> JsonText:
        return text

    async def run(
        self,
        modules: list[dict[str, Any]],
        args: Any = None,
        *,
        plan: Plan | None = None,
        rules: Rules | None = None,
        models: Models | None = None,
        **value: Any,
    ) -> Done:
        """Run a flow of these modules; `value` are further fields of the flow."""
        rules = rules or Rules(park_after_s=float("inf"))
        room = Room(self.now, rules.park_after_s)
        ports = Ports(
            self.evaluate,
            self.run_leaf,
            self,
            self,
            self.expand,
            room,
            self,
            self,
            self,
            self.lookup,
            self.turns,
            models,
        )
        flow = {"summary": "", **self.document, "value": {"modules": modules, **value}}
        started = replace(self.started, event=None if self.event is None else dumps(self.event))
        frame = Frame("run-1", self.path, "", (self.path,), ("run-1",))
        made = Interpreter(flow, ports, plan or Plan(), rules, "run-1", started, frame)
        return await made.run(dumps(args or {}))

    async def below(self, inner: str) -> list[StepInfo]:
        return []

    # --- stored scripts and flows, approvals, caches ---

    async def script(self, path: str, hash: str | None) -> StoredScript:
        if path not in self.scripts:
            raise FlowappError(f"There is no script {path}")
        return StoredScript(path, hash or "1", self.scripts[path], "python3")

    async def flow(self, path: str, version: int | None, kept: str | None = None) -> CalledFlow:
        versions = self.flows.get(path)
        if not versions:
            raise FlowappError(f"There is no flow {path}")
        number = version or len(versions)
        self.flow_calls.append((path, number))
        return CalledFlow(path, number, versions[number - 1])

    async def ask(self, wanted: Wanted) -> Answer | None:
        self.asked[wanted.path] = wanted
        return self.answers.get(wanted.path)

    async def by_content(self, text: JsonText) -> JsonText:
        return text

    def hidden(self, text: JsonText) -> JsonText:
        return text

    async def find(self, key: str, ttl_s: float) -> LeafOutcome | None:
        return self.cached.get(key)

    async def early(self, value: JsonText) -> None:
        self.early_values.append(loads(value))

    async def cut(self, inner: str, value: JsonText) -> None:
        self.cuts.append(inner)
        for path, row in self.rows.items():
            if path.startswith((f"{inner}[", f"{inner}/")) and row["ended"] is None:
                row.update(status="canceled", value=value, ended=text_of(self.time))

    def statuses(self) -> dict[str, str]:
        return {path: row["status"] for path, row in self.rows.items()}


@dataclass
class Step:
    """A fake open step."""

    world: World
    info: StepInfo
    attempt: int
    args: JsonText | None
    closed: bool = False

    def log(self, text: str) -> None:
        """What it prints, together with all other steps."""
        self.world.log += text

    def stream(self, text: str, *, first: bool = False) -> None:
        """What it streams, together with all other steps."""
        self.world.streamed += text

    def _put(self, status: Status, value: JsonText, ended: str | None, **meta: Any) -> None:
        self.world.rows[self.info.path] = {
            "status": status,
            "attempt": self.attempt,
            "value": value,
            "args": self.args,
            "ended": ended,
            "meta": {**self.info.meta, **meta},
        }

    async def begins(self) -> None:
        pass

    async def go_on(self) -> None:
        pass

    async def save(self) -> None:
        self._put("running", NULL, None)

    async def retrying(self, value: JsonText, due: str, attempt: int) -> None:
        self.attempt = attempt
        self._put("running", NULL, None, retry_at=due)

    async def close(
        self,
        status: Status,
        value: JsonText,
        outcome: LeafOutcome | None = None,
        *,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        assert not self.closed
        self.closed = True
        if outcome is not None and outcome.fingerprint is not None and status == "success":
            self.world.cached[outcome.fingerprint] = replace(outcome, status="reused", reused_from="run-0")
        self._put(status, value, text_of(self.world.time), **(notes or {}))


def js(expression: str) -> dict[str, Any]:
    """An input transform."""
    return {"type": "javascript", "expr": expression}


def script(
    step_id: str, code: str | None = None, *, inputs: Mapping[str, Any] | None = None, **module: Any
) -> dict[str, Any]:
    """A script step; its code is the name of a leaf of the world, by default its id. Text inputs are expressions."""
    transforms = {
        name: js(given) if isinstance(given, str) else {"type": "static", "value": given}
        for name, given in (inputs or {}).items()
    }
    value = {"type": "rawscript", "language": "python3", "content": code or step_id, "input_transforms": transforms}
    return {"id": step_id, "value": value, **module}


def for_loop(
    step_id: str, iterator: Any, *modules: dict[str, Any], module: Mapping[str, Any] | None = None, **value: Any
) -> dict[str, Any]:
    """A for loop; `iterator` is an expression or a list."""
    given = js(iterator) if isinstance(iterator, str) else {"type": "static", "value": iterator}
    body = {"type": "forloopflow", "iterator": given, "modules": list(modules), **value}
    return {"id": step_id, "value": body, **(module or {})}


def while_loop(
    step_id: str, *modules: dict[str, Any], module: Mapping[str, Any] | None = None, **value: Any
) -> dict[str, Any]:
    """A while loop."""
    return {"id": step_id, "value": {"type": "whileloopflow", "modules": list(modules), **value}, **(module or {})}


def branch_one(
    step_id: str,
    *branches: tuple[str, list[dict[str, Any]]],
    default: list[dict[str, Any]] | None = None,
    **module: Any,
) -> dict[str, Any]:
    """A branchone of (predicate, modules) pairs."""
    made = [{"summary": "", "expr": expr, "modules": modules} for expr, modules in branches]
    return {"id": step_id, "value": {"type": "branchone", "branches": made, "default": default or []}, **module}


def branch_all(
    step_id: str,
    *branches: list[dict[str, Any]],
    module: Mapping[str, Any] | None = None,
    skip: bool = False,
    **value: Any,
) -> dict[str, Any]:
    """A branchall."""
    made = [{"summary": "", "modules": modules, "skip_failure": skip} for modules in branches]
    return {"id": step_id, "value": {"type": "branchall", "branches": made, **value}, **(module or {})}


def result(done: Done) -> Any:
    """The value of an outcome."""
    return json.loads(done.value)
