"""A second opinion: what a flow gives, worked out in one pass without engine, journal or ports.

Only what the random flows of the tests use: scripts by name, identities, loops, branches, skips, stops, mocks, retries,
continuing after errors, failure modules and called flows. Expressions are Python functions of the scope.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LOOPS = ("forloopflow", "whileloopflow")
LONGEST = 4
"""Iterations of a while loop, after which it fails."""
ERROR = {"error": {"name": "Odd", "message": "odd"}}


@dataclass
class End:
    """How a part ended."""

    value: Any
    failed: bool = False
    handled: bool = False
    stopped: bool = False
    skipped: bool = False


@dataclass
class Seen:
    """A scope."""

    inputs: dict[str, Any]
    results: dict[str, Any] = field(default_factory=dict)
    outer: Seen | None = None
    last: Any = None
    begun: bool = False

    @property
    def previous(self) -> Any:
        return self.last if self.begun else self.inputs

    def result(self, step_id: str) -> Any:
        if step_id in self.results:
            return self.results[step_id]
        return self.outer.result(step_id) if self.outer is not None else None

    def inner(self, inputs: dict[str, Any] | None = None) -> Seen:
        return Seen(self.inputs if inputs is None else inputs, {}, self)

    def turn(self, index: int, value: Any) -> Seen:
        kept = {k: v for k, v in self.inputs.items() if not k.startswith("iter")}
        for name in [k for k in self.inputs if k.startswith("iter")]:
            kept["iter_parent" if name == "iter" else f"{name}_parent"] = self.inputs[name]
        return self.inner({**kept, "iter": {"index": index, "value": value}})


class Reference:
    """Evaluates flows. `leaves` are scripts by name; one that raises ValueError fails."""

    def __init__(self, leaves: dict[str, Callable[..., Any]], value: Callable[[str, Seen, Any], Any]) -> None:
        self.leaves = leaves
        self.value = value
        self.handler: dict[str, Any] | None = None

    def flow(self, flow: dict[str, Any], args: dict[str, Any], around: Seen | None = None) -> End:
        before, self.handler = self.handler, flow["value"].get("failure_module")
        try:
            return self.sequence(flow["value"]["modules"], Seen(args, {}, around))
        finally:
            self.handler = before

    def sequence(self, modules: list[dict[str, Any]], seen: Seen) -> End:
        for position, module in enumerate(modules):
            end = self.step(module, seen)
            seen.results[module["id"]] = seen.last = end.value
            seen.begun = True
            if end.failed and module.get("continue_on_error"):
                if position == len(modules) - 1:
                    return end
            elif end.failed:
                return self.failed(end, seen)
            if end.stopped:
                return end
        return End(seen.previous)

    def failed(self, end: End, seen: Seen) -> End:
        if self.handler is None or end.handled:
            return end
        inner = seen.inner()
        inner.last, inner.begun = end.value, True
        answer = self.step(self.handler, inner)
        recovered = isinstance(answer.value, dict) and answer.value.get("recover") is True
        return End(answer.value, failed=answer.failed or not recovered, handled=True)

    def step(self, module: dict[str, Any], seen: Seen) -> End:
        if "skip_if" in module and self.value(module["skip_if"]["expr"], seen, seen.previous):
            return End(seen.previous, skipped=True)
        if module.get("mock", {}).get("enabled"):
            end = End(module["mock"]["return_value"])
        else:
            tries = 1 + module.get("retry", {}).get("constant", {}).get("attempts", 0)
            for _ in range(tries):
                end = self.run(module["value"], seen, module)
                if not end.failed:
                    break
        kind = module["value"]["type"]
        name = "stop_after_all_iters_if" if kind in (*LOOPS, "branchall") else "stop_after_if"
        if not end.failed and not end.stopped and name in module:
            return End(end.value, stopped=bool(self.value(module[name]["expr"], seen, end.value)))
        return end

    def run(self, value: dict[str, Any], seen: Seen, module: dict[str, Any]) -> End:
        match value["type"]:
            case "identity":
                return End(seen.previous)
            case "rawscript":
                given = {k: self.value(t["expr"], seen, seen.previous) for k, t in value["input_transforms"].items()}
                try:
                    return End(self.leaves[value["content"]](**given))
                except ValueError:
                    return End(ERROR, failed=True)
            case "branchone":
                chosen = next((b for b in value["branches"] if self.value(b["expr"], seen, seen.previous)), None)
                modules = value["default"] if chosen is None else chosen["modules"]
                inner = seen.inner()
                end = self.sequence(modules, inner) if modules else End(seen.previous)
                self.expose(seen, inner)
                return end
            case "branchall":
                return self.all_branches(value, seen)
            case "forloopflow" | "whileloopflow":
                return self.loop(value, seen, module)
            case _:
                raise AssertionError(value["type"])

    def expose(self, seen: Seen, inner: Seen) -> None:
        seen.results = {**inner.results, **seen.results}

    def all_branches(self, value: dict[str, Any], seen: Seen) -> End:
        inners = [seen.inner() for _ in value["branches"]]
        ends: list[End] = []
        for branch, inner in zip(value["branches"], inners, strict=True):
            end = self.sequence(branch["modules"], inner)
            if end.failed and branch["skip_failure"]:
                end = End(end.value)
            ends.append(end)
            if not value["parallel"] and (end.failed or end.stopped):
                break
        for inner in inners:
            self.expose(seen, inner)
        return self.gathered(ends, stops=not value["parallel"])

    def loop(self, value: dict[str, Any], seen: Seen, module: dict[str, Any]) -> End:
        endless = value["type"] == "whileloopflow"
        items = range(LONGEST) if endless else self.value(value["iterator"]["expr"], seen, seen.previous)
        ends: list[End] = []
        for index, item in enumerate(items):
            end = self.sequence(value["modules"], seen.turn(index, item))
            ends.append(End(end.value) if end.failed and value["skip_failures"] else end)
            if value.get("parallel") and not endless:
                continue
            rule = module.get("stop_after_if")
            if ends[-1].failed or end.stopped:
                break
            if rule and not end.failed and self.value(rule["expr"], seen, end.value):
                break
        else:
            if endless:
                message = f"The loop did not stop within {LONGEST} iterations"
                return End(
                    {"error": {"name": "ExecutionErr", "message": message, "step_id": module["id"]}}, failed=True
                )
        return self.gathered(ends, stops=False)

    def gathered(self, ends: list[End], *, stops: bool) -> End:
        bad = [end for end in ends if end.failed]
        stopped = stops and bool(ends) and ends[-1].stopped and not bad
        handled = bool(bad) and all(end.handled for end in bad)
        return End([end.value for end in ends], failed=bool(bad), handled=handled, stopped=stopped)
