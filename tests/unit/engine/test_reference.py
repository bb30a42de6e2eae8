"""Random flows of small scripts and identities: the interpreter agrees with a second, much simpler evaluator."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.engine.interpreter import Rules
from tests.unit.engine.fakes import Failing, World, result
from tests.unit.engine.reference import ERROR, LONGEST, End, Reference, Seen

_CHOICE = st.sampled_from((False, True))
IDS = "abcdefgh"
EXPRESSIONS = (
    *("1", "flow_input.k", "1", "2", "3", "[1, 2]", "previous_result", "flow_input.k", "flow_input.iter.index", "null"),
    *(f"results.{name}" for name in IDS[:4]),
)
ITEMS = ("[1, 2, 3]", "flow_input.items", "[1]", "[]")
TRUTHS = ("true", "false", "flow_input.k == 1", "flow_input.k == 2", "previous_result == 1")
RULES = Rules(park_after_s=float("inf"), longest_while=LONGEST)
STOPS = ("false", "result == 1", "result == 3", "true")


def odd(x: Any) -> Any:
    if isinstance(x, int) and x % 2:
        raise ValueError("odd")
    return x


LEAVES = {"same": lambda x: x, "odd": odd, "pair": lambda x: [x, 0], "recovers": lambda x: {"recover": True, "x": x}}


def fake_odd(x: Any) -> Any:
    if isinstance(x, int) and x % 2:
        raise Failing("Odd", "odd")
    return x


def value_of(expression: str, seen: Seen, current: Any) -> Any:
    """The expressions above, by hand."""
    if expression in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[expression]
    if " == " in expression:
        left, _, right = expression.partition(" == ")
        found = value_of(left, seen, current)
        return not isinstance(found, bool) and found == int(right)
    if expression == "result":
        return current
    if expression == "previous_result":
        return seen.previous
    if expression.startswith("results."):
        return seen.result(expression.removeprefix("results."))
    if expression == "flow_input.iter.index":
        return seen.inputs["iter"]["index"]
    if expression.startswith("flow_input."):
        return seen.inputs.get(expression.removeprefix("flow_input."))
    return json.loads(expression)


@st.composite
def leaf(draw: st.DrawFn, looped: bool) -> dict[str, Any]:
    if draw(st.integers(0, 9)) == 9:
        return {"type": "identity"}
    usable = [text for text in EXPRESSIONS if looped or "iter" not in text]
    transforms = {"x": {"type": "javascript", "expr": draw(st.sampled_from(usable))}}
    return {
        "type": "rawscript",
        "language": "python3",
        "content": draw(st.sampled_from(("odd", "odd", "same", "pair"))),
        "input_transforms": transforms,
    }


@st.composite
def modules(draw: st.DrawFn, depth: int = 2, looped: bool = False, least: int = 1) -> list[dict[str, Any]]:
    names: list[str] = draw(st.lists(st.sampled_from(IDS), min_size=least, max_size=3, unique=True))
    return [draw(module(name, depth, looped)) for name in names]


@st.composite
def module(draw: st.DrawFn, name: str, depth: int, looped: bool) -> dict[str, Any]:
    kind = draw(st.sampled_from(("leaf", "leaf", "for", "while", "one", "all"))) if depth else "leaf"
    made: dict[str, Any] = {"id": name}
    if kind == "for":
        iterator = {"type": "javascript", "expr": draw(st.sampled_from(ITEMS))}
        made["value"] = {"type": "forloopflow", "iterator": iterator, "modules": draw(modules(depth - 1, looped=True))}
        made["value"] |= {"parallel": draw(_CHOICE), "skip_failures": draw(_CHOICE)}
    elif kind == "while":
        made["value"] = {"type": "whileloopflow", "modules": draw(modules(depth - 1, looped=True))}
        made["value"] |= {"parallel": draw(_CHOICE), "skip_failures": draw(_CHOICE)}
    elif kind == "one":
        predicates = draw(st.lists(st.sampled_from(TRUTHS), max_size=2))
        branches = [{"expr": text, "modules": draw(modules(depth - 1, looped))} for text in predicates]
        made["value"] = {"type": "branchone", "branches": branches, "default": draw(modules(depth - 1, looped, 0))}
    elif kind == "all":
        count = draw(st.sampled_from((2, 1, 3, 0)))
        every = [{"modules": draw(modules(depth - 1, looped)), "skip_failure": draw(_CHOICE)} for _ in range(count)]
        made["value"] = {"type": "branchall", "branches": every, "parallel": draw(_CHOICE)}
    else:
        made["value"] = draw(leaf(looped))
    for field, rule in (("skip_if", TRUTHS), ("stop_after_if", STOPS), ("stop_after_all_iters_if", STOPS)):
        if draw(st.integers(0, 5)) == 5:
            made[field] = {"expr": draw(st.sampled_from(rule))}
    if draw(st.integers(0, 3)) == 3:
        made["continue_on_error"] = True
    if draw(st.integers(0, 11)) == 11:
        made["mock"] = {"enabled": True, "return_value": draw(st.sampled_from((1, None, [2])))}
    if draw(st.integers(0, 7)) == 7:
        made["retry"] = {"constant": {"attempts": 1, "seconds": 0}}
    return made


@st.composite
def flows(draw: st.DrawFn) -> dict[str, Any]:
    value: dict[str, Any] = {"modules": draw(modules())}
    if draw(st.booleans()):
        content = draw(st.sampled_from(("same", "odd", "recovers")))
        transforms = {
            "x": {"type": "javascript", "expr": draw(st.sampled_from(("previous_result", "1", "flow_input.k")))}
        }
        script = {"type": "rawscript", "language": "python3", "content": content, "input_transforms": transforms}
        value["failure_module"] = {"id": "failure", "value": script}
    return {"value": value}


@settings(max_examples=150, deadline=None)
@given(flow=flows(), k=st.integers(1, 2))
def test_the_interpreter_agrees_with_the_reference(flow: dict[str, Any], k: int) -> None:
    args = {"k": k, "items": [4, 5]}
    expected: End = Reference(LEAVES, value_of).flow(flow, args)
    world = World({**LEAVES, "odd": fake_odd})

    handler = flow["value"].get("failure_module")

    async def both() -> None:
        done = await world.run(flow["value"]["modules"], args, failure_module=handler, rules=RULES)
        assert (result(done), done.failed) == (expected.value, expected.failed)
        # a run that is taken up again after its last step ends the same, and runs nothing
        calls = len(world.calls)
        again = await world.run(flow["value"]["modules"], args, failure_module=handler, rules=RULES)
        assert (result(again), again.failed, again.stop) == (result(done), done.failed, done.stop)
        assert len(world.calls) == calls

    asyncio.run(both())


def test_the_shape_of_the_fake_error() -> None:
    """Both sides say the same of a script that fails."""
    assert Reference(LEAVES, value_of).step(
        {"id": "a", "value": {"type": "rawscript", "content": "odd", "input_transforms": {"x": {"expr": "1"}}}},
        Seen({}),
    ) == End(ERROR, failed=True)
