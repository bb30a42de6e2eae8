"""One chosen iteration of a for loop by itself, over fake ports."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.engine.values import Plan
from flowapp.jsontext import JsonText
from tests.unit.engine.fakes import Failing, World, for_loop, result, script


def world(**leaves: Any) -> World:
    return World({"echo": lambda x: x, "twice": lambda x: x * 2, **leaves})


def plan(index: int, **more: Any) -> Plan:
    return Plan(run=("l",), iteration=("l", index), **more)


def body(expression: str = "flow_input.iter.value") -> list[dict[str, Any]]:
    return [script("b", "echo", inputs={"x": expression}), script("c", "twice", inputs={"x": "results.b"})]


async def test_runs_the_steps_of_that_item_at_the_paths_of_a_whole_run() -> None:
    made = world()
    done = await made.run([for_loop("l", [5, 6, 7], *body())], plan=plan(1))
    assert not done.failed
    assert result(done) == 12, "the result is that of the iteration, not an array that could be taken for the loop's"
    assert set(made.statuses()) == {"l", "l[1].b", "l[1].c"}


async def test_sees_given_results_and_the_index() -> None:
    made = world()
    loop = for_loop("l", "results.a", *body("[flow_input.iter.index, flow_input.iter.value]"))
    done = await made.run([script("a", "echo"), loop], plan=plan(2, given={"a": JsonText("[1, 2, 3]")}))
    assert result(done) == [2, 3, 2, 3]
    assert "a" not in made.statuses()


async def test_what_belongs_to_the_whole_loop_is_left_out() -> None:
    made = world()
    loop = for_loop("l", [5, 6], *body()) | {
        "skip_if": {"expr": "true"},
        "mock": {"enabled": True, "return_value": 0},
        "suspend": {"required_events": 1},
        "cache_ttl": 60,
        "stop_after_all_iters_if": {"expr": "true", "error_message": "no"},
    }
    done = await made.run([loop, script("after", "echo", inputs={"x": "1"})], plan=plan(0))
    assert (done.failed, result(done)) == (False, 10)
    assert "after" not in made.statuses()


@pytest.mark.parametrize(
    ("iterator", "message"),
    [
        ([5, 6], "There is no iteration 4 of l: its iterator gives 2 items"),
        ([5], "There is no iteration 4 of l: its iterator gives 1 item"),
        ([], "There is no iteration 4 of l: its iterator gives no items"),
        ("null", "Expected an array value in the iterator expression, found: null"),
    ],
)
async def test_an_item_that_is_not_there(iterator: Any, message: str) -> None:
    made = world()
    done = await made.run([for_loop("l", iterator, *body())], plan=plan(3))
    assert done.failed
    assert result(done)["error"]["message"] == message
    assert made.statuses() == {"l": "failure"}


async def test_fails_as_its_step_does_and_tries_the_loop_no_second_time() -> None:
    def breaks(x: int) -> int:
        raise Failing("Odd", str(x))

    made = world(echo=breaks)
    loop = for_loop("l", [5, 6], *body(), skip_failures=True) | {"retry": {"constant": {"attempts": 2, "seconds": 1}}}
    done = await made.run([loop], plan=plan(1))
    assert done.failed
    assert result(done)["error"]["message"] == "6"
    assert made.statuses() == {"l": "failure", "l[1].b": "failure"}


async def test_begun_before_it_goes_on_with_the_items_that_it_began_with() -> None:
    made = world()
    loop = for_loop("l", "flow_input.items", *body())
    first = await made.run([loop], {"items": [5, 6]}, plan=plan(1))
    again = await made.run([loop], {"items": [8, 9]}, plan=plan(1))
    assert result(first) == result(again) == 12
