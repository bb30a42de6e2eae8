"""A step that is debounced: when it goes and with what, and what becomes of a run in which another one goes for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from flowapp.engine.debouncing import rule_of
from flowapp.engine.interpreter import Rules
from flowapp.engine.values import Debounce, Plan, Turn
from flowapp.engine.waiting import Parked
from flowapp.jsontext import JsonText, dumps
from flowapp.store.clock import text_of
from tests.unit.engine.fakes import Failing, World, branch_all, branch_one, for_loop, js, result, script, while_loop

RULE = {"debounce_delay_s": 5}
GONE = Turn(instead="other")
BY_OTHER = {"debounced_by": "other"}


def add(n: int) -> int:
    return n + 1


def same(items: Any) -> Any:
    return items


def world(**more: Any) -> World:
    return World({"add": add, "same": same, "b": lambda: "after"}, **more)


def step(step_id: str = "a", n: str = "1", **settings: Any) -> dict[str, Any]:
    return script(step_id, "add", inputs={"n": n}, debouncing={**RULE, **settings})


def due(made: World, seconds: float = 0.01) -> Turn:
    return Turn(due=text_of(made.time + timedelta(seconds=seconds)))


@pytest.mark.parametrize("settings", [{}, {"debounce_key": "k"}, {"debounce_delay_s": 0}, {"debounce_delay_s": True}])
def test_without_a_delay_there_is_no_rule(settings: dict[str, Any]) -> None:
    assert rule_of(settings) is None


def test_a_rule() -> None:
    settings = {"debounce_args_to_accumulate": ["x"], "max_total_debouncing_time": 9, "max_total_debounces_amount": 3}
    assert rule_of({**RULE, **settings}) == Debounce("", 5.0, ("x",), 9.0, 3)


async def test_a_step_goes_when_its_turn_has_come() -> None:
    made = world()
    made.turns.given = {"a": [due(made)]}
    done = await made.run([step(), script("b")])
    assert result(done) == "after"
    assert made.calls == ["a", "b"]
    assert [rule.key for rule, _ in made.turns.asked] == ["step of f/root/flow: a"] * 2


async def test_what_others_go_for_ends_the_run_as_skipped() -> None:
    made = world()
    made.turns.given = {"a": [due(made), GONE]}
    done = await made.run([step(), script("b")])
    assert (result(done), done.skipped or done.stop, made.calls) == (BY_OTHER, True, [])
    assert done.stop is not None and done.stop.skipped
    assert made.statuses() == {"a": "skipped"}
    again = await made.run([step(), script("b")])  # as after a restart of the server: it is recorded
    assert (again, len(made.turns.asked)) == (done, 2)


async def test_a_key_is_made_of_the_inputs_of_the_step() -> None:
    made = world()
    await made.run([step(n="flow_input.x", debounce_key="k-$args[n]")], {"x": 7})
    await made.run([step("c", n="flow_input.x", debounce_key="k-$args[n]")], {"x": 7})
    assert [rule.key for rule, _ in made.turns.asked] == ["step k-7"] * 2


async def test_the_last_one_gets_what_the_others_brought() -> None:
    made = world()
    made.turns.given = {"a": [due(made), Turn(args=JsonText('{"items":[1,2,3]}'))]}
    collect = script("a", "same", inputs={"items": "flow_input.items"})
    collect["debouncing"] = {**RULE, "debounce_args_to_accumulate": ["items"]}
    assert result(await made.run([collect], {"items": [3]})) == [1, 2, 3]
    assert [brought for _, brought in made.turns.asked] == [{"items": [3]}] * 2
    assert made.rows["a"]["args"] == '{"items":[1,2,3]}'


async def test_a_step_that_rests_keeps_its_key_and_its_inputs() -> None:
    made = world()
    made.turns.given = {"a": [due(made, 600), GONE]}
    flow = [step(n="flow_input.x", debounce_key="$args[n]")]
    with pytest.raises(Parked):
        await made.run(flow, {"x": 1}, rules=Rules(park_after_s=5))
    assert made.statuses() == {"a": "running"}
    assert result(await made.run(flow, {"x": 2})) == BY_OTHER
    assert [rule.key for rule, _ in made.turns.asked] == ["step 1"] * 2


async def test_a_loop_goes_on_after_an_iteration_that_another_one_goes_for() -> None:
    made = world()
    made.turns.given = {"l[1].a": [GONE]}
    body = [step(n="flow_input.iter.value"), script("b")]
    for parallel in (False, True):
        made.rows.clear()
        made.turns.given = {"l[1].a": [GONE]}
        done = await made.run([for_loop("l", [1, 2, 3], *body, parallel=parallel), script("b")])
        assert result(done) == "after"
        assert made.rows["l"]["value"] == dumps(["after", BY_OTHER, "after"])
        assert done.stop is None


async def test_a_while_loop_goes_on_too() -> None:
    made = world()
    made.turns.given = {"w[0].a": [GONE]}
    body = step(n="flow_input.iter.index")
    loop = while_loop("w", {**body, "stop_after_if": {"expr": "flow_input.iter.index == 2"}})
    assert result(await made.run([loop])) == [BY_OTHER, 2, 3]


async def test_branches() -> None:
    made = world()
    made.turns.given = {"p[0].a": [GONE], "o[0].c": [GONE]}
    both = branch_all("p", [step(), script("b")], [script("b")])
    one = branch_one("o", ("true", [step("c"), script("b")]))
    done = await made.run([both, one, script("b")])
    assert made.rows["p"]["value"] == dumps([BY_OTHER, "after"])
    # a branch that was chosen is part of the way: what comes after it goes too
    assert result(done) == BY_OTHER
    assert "b" not in made.rows
    assert await made.run([both, one, script("b")]) == done


async def test_a_chosen_branch_inside_a_loop_ends_the_iteration_only_also_after_a_restart() -> None:
    made = world()
    made.turns.given = {"l[0].o[0].a": [GONE]}
    flow = [for_loop("l", [1, 2], branch_one("o", ("true", [step()])), script("b"))]
    done = await made.run(flow)
    assert result(done) == [BY_OTHER, "after"]
    del made.rows["l"]
    assert result(await made.run(flow)) == [BY_OTHER, "after"]


async def test_a_called_flow_ends_and_the_one_that_calls_goes_on() -> None:
    called = {"summary": "", "value": {"modules": [step(), script("b")]}}
    made = world(flows={"f/inner": [called]})
    made.turns.given = {"call/a": [GONE]}
    done = await made.run([{"id": "call", "value": {"type": "flow", "path": "f/inner"}}, script("b")])
    assert (result(done), made.rows["call"]["value"]) == ("after", dumps(BY_OTHER))
    assert made.turns.asked[0][0].key == "step of f/inner: a"


async def test_containers_and_called_flows_can_wait_too() -> None:
    called = {"summary": "", "value": {"modules": []}}
    made = world(flows={"f/inner": [called]})
    call = {"id": "call", "value": {"type": "flow", "path": "f/inner", "input_transforms": {"items": js("[3]")}}}
    call["debouncing"] = {**RULE, "debounce_args_to_accumulate": ["items"]}
    made.turns.given = {"call": [Turn(args=JsonText('{"items":[2,3]}'))], "l": [GONE]}
    assert result(await made.run([call])) == {"items": [2, 3]}
    assert result(await made.run([for_loop("l", [1], script("b"), module={"debouncing": RULE})])) == BY_OTHER


async def test_a_retry_does_not_wait_again() -> None:
    made = world()
    tries = iter([ValueError, None])

    def flaky(n: int) -> int:
        if next(tries) is not None:
            raise_failing()
        return n

    made.leaves = {"add": flaky}
    retried = {**step(), "retry": {"constant": {"attempts": 1, "seconds": 1}}}
    assert result(await made.run([retried])) == 1
    assert (len(made.turns.asked), made.calls) == (1, ["a", "a"])


async def test_inputs_that_fail_are_the_failure_of_the_step() -> None:
    made = world()
    done = await made.run([step(n="nothing.at.all")])
    assert done.failed
    assert made.turns.asked == []


async def test_the_error_stays_where_another_run_goes_for_the_failure_module() -> None:
    made = world()
    made.leaves = {"boom": lambda: raise_failing(), "b": lambda: "after"}
    made.turns.given = {"failure": [GONE]}
    done = await made.run([script("boom")], failure_module={**script("failure", "b"), "debouncing": RULE})
    assert done.failed
    assert result(done)["error"]["name"] == "Broken"


async def test_mocked_skipped_and_tried_out_steps_do_not_wait() -> None:
    made = world()
    mocked = {**step(), "mock": {"enabled": True, "return_value": 9}}
    skipped = {**step("s"), "skip_if": {"expr": "true"}}
    assert result(await made.run([mocked, skipped])) == 9
    made.rows.clear()
    made.turns = None  # type: ignore[assignment]  # cells that somebody tries
    assert result(await made.run([step()], plan=Plan(run=("a",)))) == 2


def raise_failing() -> Any:
    raise Failing("Broken", "on purpose")
