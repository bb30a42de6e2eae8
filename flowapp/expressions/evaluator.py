"""Evaluating the expressions of a step: one round trip for all of them, more only for what could not be foreseen.

What an expression refers to is read from its text and sent along. What the text does not show (a computed step id, a
variable's path) is missing at first: the attempt ends with the name of what it wanted, and is made again with it. So an
expression may run more than once, which it cannot notice: it has no effects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowapp.errors import FlowappError
from flowapp.expressions import paths
from flowapp.expressions.errors import WorkerDied, WorkerTooSlow
from flowapp.expressions.pool import Limits, Pool
from flowapp.expressions.values import Batch, Expression, ExpressionFailed
from flowapp.jsontext import JsonText, dumps
from flowapp.openflow import references

ROUNDS = 60
SHORTEST_ATTEMPT_S = 0.05
ALL_AFTER = 3
"""Rounds with unforeseen step ids after which all results are sent."""
_Key = tuple[str, str]


@dataclass(slots=True)
class _Shipment:
    """What goes to the evaluating process besides the expressions."""

    texts: dict[_Key, str] = field(default_factory=dict)
    absent: set[_Key] = field(default_factory=set)
    refused: dict[_Key, str] = field(default_factory=dict)

    def has(self, key: _Key) -> bool:
        return key in self.texts or key in self.absent or key in self.refused

    def frame(
        self, expressions: Sequence[Expression], scope: Iterable[str], seconds: float
    ) -> tuple[bytes, list[bytes]]:
        bodies = [text.encode("utf-8", "replace") for text in self.texts.values()]
        header = {
            "e": [[references.function_body(e.text), e.predicate] for e in expressions],
            "t": [[kind, name, len(body)] for (kind, name), body in zip(self.texts, bodies, strict=True)],
            "absent": sorted(self.absent),
            "refused": [[kind, name, message] for (kind, name), message in self.refused.items()],
            "scope": list(scope),
            "limit": seconds,
        }
        return dumps(header).encode(), bodies


class Evaluator:
    """Evaluates batches of expressions in processes that have nothing to steal."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._pool = Pool(self._limits)

    async def start(self) -> None:
        """Start the evaluating processes.

        Raises:
            EvaluatorUnavailable: they do not come up on this machine.
        """
        await self._pool.start()

    async def close(self) -> None:
        """Kill the evaluating processes."""
        await self._pool.close()

    @property
    def mechanisms(self) -> list[str]:
        """What keeps the evaluating processes in: own user, limits, landlock, seccomp."""
        return self._pool.mechanisms

    async def evaluate(self, batch: Batch) -> list[JsonText | ExpressionFailed]:
        """The values (as JSON text) of a batch's expressions, in order; a failing one answers why.

        Raises:
            EvaluatorUnavailable: the server is stopping, or no process can be started.
        """
        answers: list[JsonText | ExpressionFailed | None] = [paths.read(e, batch) for e in batch.expressions]
        open_ = [position for position, answer in enumerate(answers) if answer is None]
        if open_:
            found = await self._in_javascript(batch, [batch.expressions[position] for position in open_])
            for position, answer in zip(open_, found, strict=True):
                answers[position] = answer
        return [answer for answer in answers if answer is not None]

    async def _in_javascript(
        self, batch: Batch, expressions: Sequence[Expression]
    ) -> list[JsonText | ExpressionFailed]:
        answers: dict[int, JsonText | ExpressionFailed] = {}
        shipment = _foreseen(batch, expressions)
        left = list(range(len(expressions)))
        clock, budget = asyncio.get_running_loop().time, self._limits.seconds
        for round_ in range(ROUNDS):
            began = clock()
            # all rounds share one limit: an expression cannot ask for something each time just before it is up
            attempted = await self._attempt(batch, [expressions[position] for position in left], shipment, budget)
            budget = max(budget - (clock() - began), SHORTEST_ATTEMPT_S)
            missing: set[_Key] = set()
            for position, answer in zip(left, attempted, strict=True):
                if isinstance(answer, tuple) and not shipment.has(answer):
                    missing.add(answer)
                elif isinstance(answer, tuple):
                    answers[position] = ExpressionFailed("Error", f"{answer[1]} could not be read")
                else:
                    answers[position] = answer
            left = [position for position in left if position not in answers]
            if not left:
                break
            for key in sorted(missing):
                await _fetch(batch, shipment, key, everything=round_ >= ALL_AFTER)
        too_many = ExpressionFailed("Error", "The expression reads too many variables or resources one after the other")
        return [answers.get(position, too_many) for position in range(len(expressions))]

    async def _attempt(
        self, batch: Batch, expressions: Sequence[Expression], shipment: _Shipment, seconds: float
    ) -> list[JsonText | ExpressionFailed | _Key]:
        """One round trip; an answer that is a pair names what was missing. A process that dies is tried once more."""
        header, texts = shipment.frame(expressions, batch.scope, seconds * 0.8)
        for last in (False, True):
            process = await self._pool.take()
            try:
                answer, bodies = await process.ask(header, texts, seconds)
            except WorkerTooSlow:
                self._pool.drop(process)
                message = f"The expression took longer than {self._limits.seconds:g} s"
                return [ExpressionFailed("Timeout", message)] * len(expressions)
            except WorkerDied:
                self._pool.drop(process)
                if last:
                    message = "The expression brought its process down, probably for lack of memory"
                    return [ExpressionFailed("Crashed", message)] * len(expressions)
            except BaseException:
                self._pool.drop(process)
                raise
            else:
                self._pool.give(process)
                return _decoded(answer, bodies)
        raise AssertionError("unreachable")


def _foreseen(batch: Batch, expressions: Sequence[Expression]) -> _Shipment:
    shipment = _Shipment()
    for expression in expressions:
        found = references.find(expression.text)
        for step_id in found.results:
            _put(shipment, ("results", step_id), batch.results.get(step_id))
        for name in found.values & batch.scope.keys():
            _put(shipment, ("scope", name), batch.scope[name])
    return shipment


def _put(shipment: _Shipment, key: _Key, text: str | None) -> None:
    if text is None:
        shipment.absent.add(key)
    else:
        shipment.texts[key] = text


async def _fetch(batch: Batch, shipment: _Shipment, key: _Key, *, everything: bool) -> None:
    """Add what an attempt was missing."""
    kind, name = key
    if kind == "results":
        _put(shipment, key, batch.results.get(name))
        if everything:
            for step_id, text in batch.results.items():
                shipment.texts.setdefault(("results", step_id), text)
    elif kind == "keys":
        shipment.texts[key] = dumps(list(batch.results))
    elif kind == "scope":
        _put(shipment, key, batch.scope.get(name))
    else:
        await _look_up(batch, shipment, kind, name)


async def _look_up(batch: Batch, shipment: _Shipment, kind: str, path: str) -> None:
    if batch.lookup is None:
        shipment.refused[kind, path] = f"{kind}() cannot be used here"
        return
    try:
        text = await batch.lookup(kind, path)
    except FlowappError as error:
        shipment.refused[kind, path] = error.message
        return
    if text is None:
        shipment.refused[kind, path] = f"{kind.capitalize()} {path} was not found"
    else:
        shipment.texts[kind, path] = text


def _decoded(answer: dict[str, Any], bodies: memoryview) -> list[JsonText | ExpressionFailed | _Key]:
    decoded: list[JsonText | ExpressionFailed | _Key] = []
    position = 0
    for item in answer["r"]:
        if item[0] == "v":
            decoded.append(JsonText(str(bodies[position : position + item[1]], "utf-8", "replace")))
            position += item[1]
        elif item[0] == "m":
            decoded.append((str(item[1]), str(item[2])))
        else:
            line = item[3] if len(item) > 3 and isinstance(item[3], int) else None
            decoded.append(ExpressionFailed(str(item[1]), str(item[2]), line))
    return decoded
