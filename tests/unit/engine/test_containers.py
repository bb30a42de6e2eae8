"""Loops and branches, over fake ports."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flowapp.engine.interpreter import Rules
from tests.unit.engine.fakes import Failing, World, branch_all, branch_one, for_loop, js, result, script, while_loop

STOP = {"expr": "result == 2", "skip_if_stopped": False}


def odd_fails(x: int) -> int:
    if x % 2:
        raise Failing("Odd", str(x))
    return x


def world(**leaves: Any) -> World:
    return World(
        {"one": lambda: 1, "two": lambda: 2, "echo": lambda x: x, "odd": odd_fails, "three": lambda: 3, **leaves}
    )


def echo(step_id: str = "b", expression: str = "flow_input.iter.value", **module: Any) -> dict[str, Any]:
    return script(step_id, "echo", inputs={"x": expression}, **module)


# --- for


async def test_results_come_in_the_order_of_the_items() -> None:
    assert result(
        await world().run([for_loop("l", [5, 6], echo(expression="[flow_input.iter.index, flow_input.iter.value]"))])
    ) == [[0, 5], [1, 6]]


async def test_an_empty_loop_gives_an_empty_array() -> None:
    assert result(await world().run([for_loop("l", [], echo()), echo("c", "previous_result")])) == []


@pytest.mark.parametrize("iterator", ["{'a': 1}", "'text'", "null", "5"])
async def test_an_iterator_must_give_an_array(iterator: str) -> None:
    done = await world().run([for_loop("l", iterator, echo())])
    assert done.failed
    assert result(done)["error"]["message"].startswith("Expected an array value in the iterator expression, found: ")


async def test_nested_loops_see_the_outer_iteration() -> None:
    expression = "[flow_input.iter.value, flow_input.iter_parent.value, flow_input.iter_parent_parent.index]"
    inner = for_loop("m", "[flow_input.iter.value * 10]", for_loop("n", ["x"], echo(expression=expression)))
    assert result(await world().run([for_loop("l", [1, 2], inner)])) == [[[["x", 10, 0]]], [[["x", 20, 1]]]]


async def test_first_step_of_an_iteration_sees_the_arguments_as_previous_result() -> None:
    assert result(
        await world().run(
            [for_loop("l", [7], echo(expression="previous_result.iter.value + previous_result.k"))], {"k": 1}
        )
    ) == [8]


async def test_results_of_an_iteration_are_its_own() -> None:
    modules = [for_loop("l", [1, 2], echo("b"), echo("c", "results.b * 10")), echo("d", "[results.l, results.b]")]
    assert result(await world().run(modules)) == [[10, 20], None]


async def test_a_failure_stops_the_loop_and_its_result_is_the_array_so_far() -> None:
    made = world()
    done = await made.run(
        [for_loop("l", [2, 3, 4], script("odd", inputs={"x": "flow_input.iter.value"})), script("two")]
    )
    assert done.failed
    assert result(done) == [2, {"error": {"name": "Odd", "message": "3"}}]
    assert made.statuses()["l"] == "failure"


async def test_skip_failures_keeps_the_error_in_its_place() -> None:
    done = await world().run(
        [for_loop("l", [1, 2], script("odd", inputs={"x": "flow_input.iter.value"}), skip_failures=True)]
    )
    assert (done.failed, result(done)) == (False, [{"error": {"name": "Odd", "message": "1"}}, 2])


async def test_parallel_loops_run_everything_then_fail() -> None:
    made = world()
    done = await made.run(
        [for_loop("l", [1, 2, 3], script("odd", inputs={"x": "flow_input.iter.value"}), parallel=True)]
    )
    assert done.failed
    assert [item if isinstance(item, int) else item["error"]["message"] for item in result(done)] == ["1", 2, "3"]
    assert len(made.calls) == 3


@pytest.mark.parametrize(
    ("parallelism", "most"), [(3, 3), (js("flow_input.p + 0"), 2), ({"type": "static", "value": 1}, 1), (None, 5)]
)
async def test_parallelism(parallelism: Any, most: int) -> None:
    async def slow(x: int) -> int:
        await asyncio.sleep(0.01)
        return x

    made = world(slow=slow)
    body = script("b", "slow", inputs={"x": "flow_input.iter.value"})
    extra = {} if parallelism is None else {"parallelism": parallelism}
    done = await made.run(
        [for_loop("l", list(range(9)), body, parallel=True, **extra)], {"p": 2}, rules=Rules(most_parallel=5)
    )
    assert result(done) == list(range(9))
    assert made.most_at_once == most


@pytest.mark.parametrize("parallelism", [0, "x", js("nope")])
async def test_parallelism_must_be_a_number(parallelism: Any) -> None:
    assert (await world().run([for_loop("l", [1], echo(), parallel=True, parallelism=parallelism)])).failed


# --- early stop in loops


async def test_a_stop_in_the_body_breaks_the_loop_only() -> None:
    modules = [
        for_loop("l", [1, 2, 3], echo(stop_after_if=STOP), echo("c", "previous_result * 10")),
        echo("d", "results.l"),
    ]
    done = await world().run(modules)
    assert (result(done), done.stop) == ([10, 2], None)


async def test_a_stop_in_a_branch_of_the_body_breaks_the_loop() -> None:
    modules = [for_loop("l", [1, 2, 3], branch_one("br", ("true", [echo(stop_after_if=STOP)]))), echo("d", "results.l")]
    assert result(await world().run(modules)) == [1, 2]


async def test_a_stop_in_a_parallel_iteration_ends_only_that_one() -> None:
    modules = [for_loop("l", [1, 2, 3], echo(stop_after_if=STOP), echo("c", "previous_result * 10"), parallel=True)]
    done = await world().run(modules)
    assert (result(done), done.stop) == ([10, 2, 30], None)


async def test_a_stop_on_the_loop_is_asked_after_each_iteration() -> None:
    rule = {"expr": "result > 3 and all_iters.length == 2", "skip_if_stopped": False}
    done = await world().run([for_loop("l", [1, 5, 9], echo(), module={"stop_after_if": rule}), echo("c", "results.l")])
    assert result(done) == [1, 5]


async def test_a_stop_on_the_loop_can_fail_it() -> None:
    rule = {"expr": "result > 3", "skip_if_stopped": False, "error_message": "too much"}
    done = await world().run([for_loop("l", [1, 5, 9], echo(), module={"stop_after_if": rule})])
    assert done.failed
    assert result(done)["error"]["message"] == "too much"


async def test_a_stop_on_a_parallel_loop_is_not_asked() -> None:
    done = await world().run(
        [for_loop("l", [1, 5], echo(), module={"stop_after_if": {"expr": "true"}}, parallel=True), script("two")]
    )
    assert result(done) == 2


async def test_stop_after_all_iterations_ends_the_flow_with_the_array() -> None:
    rule = {"expr": "result.length == 2 and result[1] == 2", "skip_if_stopped": True}
    made = world()
    done = await made.run([for_loop("l", [1, 2], echo(), module={"stop_after_all_iters_if": rule}), script("two")])
    assert result(done) == [1, 2]
    assert done.stop is not None
    assert done.stop.skipped
    assert "two" not in made.calls


# --- while


async def test_while_runs_until_its_body_stops_it() -> None:
    modules = [while_loop("w", echo(expression="flow_input.iter.index", stop_after_if=STOP)), echo("c", "results.w")]
    assert result(await world().run(modules)) == [0, 1, 2]


async def test_while_can_be_stopped_by_its_own_rule() -> None:
    assert result(await world().run([while_loop("w", echo(), module={"stop_after_if": STOP})])) == [0, 1, 2]


async def test_a_failure_ends_a_while_loop_unless_it_is_skipped() -> None:
    body = script("odd", inputs={"x": "flow_input.iter.index"}, stop_after_if=STOP)
    assert (await world().run([while_loop("w", body)])).failed
    skipped = result(await world().run([while_loop("w", body, skip_failures=True)]))
    assert skipped == [0, {"error": {"name": "Odd", "message": "1"}}, 2]


async def test_a_while_loop_that_never_stops_is_ended() -> None:
    done = await world().run([while_loop("w", script("one"))], rules=Rules(longest_while=7))
    assert done.failed
    assert "7 iterations" in result(done)["error"]["message"]


# --- branches


async def test_the_first_true_predicate_wins() -> None:
    made = world()
    step = branch_one(
        "br",
        ("flow_input.k > 100", [script("one")]),
        ("flow_input.k > 1", [script("two")]),
        ("nope", [script("three")]),
    )
    assert result(await made.run([step], {"k": 5})) == 2
    assert made.calls == ["br[1].two"]
    assert made.batches == 1


async def test_default_branch() -> None:
    made = world()
    assert result(await made.run([branch_one("br", ("false", [script("one")]), default=[script("two")])])) == 2
    assert made.rows["br"]["meta"] == {"branch": "default"}


async def test_an_empty_branch_passes_the_previous_result_on() -> None:
    assert result(await world().run([script("one"), branch_one("br", ("true", []))])) == 1
    assert result(await world().run([script("one"), branch_one("br")])) == 1


async def test_results_of_the_taken_branch_are_readable_and_others_null() -> None:
    modules = [
        branch_one("br", ("true", [script("one"), script("two")]), default=[script("three")]),
        echo("d", "[results.one, results.br, results.three, previous_result]"),
    ]
    assert result(await world().run(modules)) == [1, 2, None, 2]


async def test_a_chosen_branch_stays_chosen_after_a_restart() -> None:
    made = world()
    modules = [branch_one("br", ("flow_input.k == 1", [script("one")]), default=[script("two")])]
    await made.run(modules, {"k": 1})
    made.rows["br"] |= {"status": "running", "ended": None}
    assert result(await made.run(modules, {"k": 2})) == 1


async def test_a_stop_in_a_branch_ends_the_flow() -> None:
    made = world()
    done = await made.run(
        [branch_one("br", ("true", [script("two", stop_after_if=STOP), script("three")])), script("one")]
    )
    assert (result(done), made.calls) == (2, ["br[0].two"])


async def test_all_branches_run_and_results_come_in_their_order() -> None:
    made = world()
    done = await made.run(
        [
            script("one"),
            branch_all("all", [script("two"), echo("x", "previous_result + 1")], [echo("y", "results.one")], []),
        ],
        {"k": 1},
    )
    assert result(done) == [3, 1, {"k": 1}]
    assert made.statuses()["all"] == "success"


async def test_branchall_without_branches() -> None:
    assert result(await world().run([branch_all("all")])) == []


async def test_branchall_is_parallel_unless_it_says_otherwise() -> None:
    async def slow() -> int:
        await asyncio.sleep(0.01)
        return 1

    for parallel, most in ((None, 2), (True, 2), (False, 1)):
        made = world(slow=slow)
        extra: dict[str, Any] = {} if parallel is None else {"parallel": parallel}
        await made.run([branch_all("all", [script("a", "slow")], [script("b", "slow")], **extra)])
        assert made.most_at_once == most


async def test_a_failing_branch_fails_the_step_unless_skipped() -> None:
    odd = script("odd", inputs={"x": 1})
    done = await world().run([branch_all("all", [odd], [script("two")])])
    assert done.failed
    assert [item if isinstance(item, int) else item["error"]["name"] for item in result(done)] == ["Odd", 2]
    assert not (await world().run([branch_all("all", [odd], [script("two")], skip=True)])).failed
    in_order = await world().run([branch_all("all", [odd], [script("two")], parallel=False)])
    assert len(result(in_order)) == 1


async def test_a_stop_in_sequential_branches_ends_the_flow_with_the_branches_so_far() -> None:
    made = world()
    done = await made.run(
        [
            branch_all("all", [script("one")], [script("two", stop_after_if=STOP)], [script("three")], parallel=False),
            script("four", "one"),
        ]
    )
    assert (result(done), done.stop is not None) == ([1, 2], True)
    assert made.calls == ["all[0].one", "all[1].two"]


async def test_a_stop_in_a_parallel_branch_ends_only_that_branch() -> None:
    done = await world().run(
        [
            branch_all("all", [script("one")], [script("two", stop_after_if=STOP), script("three")]),
            echo("d", "results.all"),
        ]
    )
    assert result(done) == [1, 2]
