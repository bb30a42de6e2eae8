"""Runs that park, called flows, stored scripts, approvals, preprocessors: over fake ports."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from flowapp.engine.interpreter import Rules
from flowapp.engine.values import Answer, Done
from flowapp.engine.waiting import Parked, Room
from flowapp.jsontext import JsonText, dumps
from flowapp.store.clock import text_of
from tests.unit.engine.fakes import Failing, World, branch_all, branch_one, for_loop, js, result, script

PARK = Rules(park_after_s=5)


def boom() -> None:
    raise Failing("Boom", "bang")


def world(**leaves: Any) -> World:
    return World({"one": lambda: 1, "echo": lambda x: x, "boom": boom, "note": lambda **given: given, **leaves})


def echo(step_id: str, expression: str = "previous_result", **module: Any) -> dict[str, Any]:
    return script(step_id, "echo", inputs={"x": expression}, **module)


def flow_of(*modules: dict[str, Any], **value: Any) -> dict[str, Any]:
    return {"summary": "", "value": {"modules": list(modules), **value}}


def call(step_id: str, path: str, inputs: dict[str, Any] | None = None, **module: Any) -> dict[str, Any]:
    transforms = {name: js(expr) for name, expr in (inputs or {}).items()}
    return {"id": step_id, "value": {"type": "flow", "path": path, "input_transforms": transforms}, **module}


APPROVED = Answer("approved", (JsonText('{"ok":1}'), JsonText('{"ok":2}')), ("ada", "anonymous"))
ASKS = {"required_events": 1}


async def parks(made: World, modules: list[dict[str, Any]], args: Any = None, **value: Any) -> Parked:
    with pytest.raises(Parked) as found:
        await made.run(modules, args, rules=PARK, **value)
    return found.value


# --- parking


async def test_a_long_sleep_parks_and_ends_after_its_time() -> None:
    made = world()
    modules = [script("one", sleep=js("60")), echo("e", "results.one + 1")]
    parked = await parks(made, modules)
    assert parked.due == text_of(made.time + timedelta(seconds=60))
    made.time += timedelta(seconds=61)
    assert result(await made.run(modules, rules=PARK)) == 2
    assert made.calls == ["one", "e"]


async def test_a_short_sleep_stays() -> None:
    made = world()
    assert result(await made.run([script("one", sleep=js("2")), echo("e")], rules=PARK)) == 1
    assert made.slept == [2]


async def test_a_retry_far_away_parks_and_keeps_its_arguments() -> None:
    tries: list[int] = []

    def flaky(x: int) -> int:
        tries.append(x)
        if len(tries) < 2:
            raise Failing("No", "not yet")
        return x

    made = world(flaky=flaky)
    modules = [script("flaky", inputs={"x": "flow_input.k"}, retry={"constant": {"attempts": 1, "seconds": 100}})]
    assert (await parks(made, modules, {"k": 1})).due is not None
    made.time += timedelta(seconds=101)
    assert result(await made.run(modules, {"k": 1}, rules=PARK)) == 1
    assert tries == [1, 1]


async def test_siblings_go_on_while_one_waits() -> None:
    made = world()
    modules = [branch_all("b", [script("one", sleep=js("60")), echo("x", "1")], [echo("y", "2"), echo("z", "3")])]
    await parks(made, modules)
    assert {"b[1].y", "b[1].z"} <= set(made.calls)
    made.time += timedelta(seconds=61)
    assert result(await made.run(modules, rules=PARK)) == [1, 3]
    assert len(made.calls) == len(set(made.calls))


async def test_iterations_side_by_side_park_until_the_first_is_due() -> None:
    made = world()
    modules = [for_loop("l", [60, 30], echo("e", "flow_input.iter.value", sleep=js("results.e")), parallel=True)]
    parked = await parks(made, modules)
    assert parked.due == text_of(made.time + timedelta(seconds=30))
    made.time += timedelta(seconds=31)
    assert (await parks(made, modules)).due is not None
    made.time += timedelta(seconds=31)
    assert result(await made.run(modules, rules=PARK)) == [60, 30]
    assert made.calls.count("l[0].e") == 1


async def test_an_iteration_that_waits_keeps_its_place_among_those_side_by_side() -> None:
    made = world()
    modules = [for_loop("l", list(range(100)), echo("e", "flow_input.iter.index", sleep=js("60")), parallel=True)]
    await parks(made, modules)
    assert sorted(made.calls) == sorted(f"l[{index}].e" for index in range(64))
    made.time += timedelta(seconds=61)
    await parks(made, modules)
    assert sorted(made.calls) == sorted(f"l[{index}].e" for index in range(100))
    made.time += timedelta(seconds=61)
    assert result(await made.run(modules, rules=PARK)) == list(range(100))


async def test_a_room_wakes_all_and_parks_when_nobody_goes_on() -> None:
    made = world()
    room = Room(made.now, 5)
    room.split(2)
    first = asyncio.create_task(room.until(None))
    await asyncio.sleep(0)
    assert not first.done()
    room.wake()
    await first

    async def looking() -> None:
        while True:
            await room.until(None)

    # a part that came after the waking looks once more: it may have looked before
    second = asyncio.create_task(looking())
    await asyncio.sleep(0)
    with pytest.raises(Parked):
        await looking()
    with pytest.raises(Parked):
        await second


# --- approvals


async def test_a_step_that_asks_parks_and_the_next_one_sees_the_answers() -> None:
    made = world()
    seen = script("note", inputs={"r": "resume", "all": "resumes", "who": "approvers"})
    modules = [script("one", suspend=ASKS), seen, {**seen, "id": "later"}]
    parked = await parks(made, modules)
    assert parked.due == made.asked["one"].timeout_at
    made.answers["one"] = APPROVED
    assert result(await made.run(modules, rules=PARK)) == {"r": None, "all": [], "who": []}
    assert made.calls == ["one", "note", "later"]
    noted = {"r": {"ok": 2}, "all": [{"ok": 1}, {"ok": 2}], "who": ["ada", "anonymous"]}
    assert made.rows["note"]["value"] == dumps(noted)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer("disapproved", (), (), "bob"), {"name": "SuspendedDisapproved", "message": "Disapproved by bob"}),
        (Answer("disapproved"), {"name": "SuspendedDisapproved", "message": "Disapproved by unknown"}),
        (Answer("timed_out"), {"name": "SuspendedTimedOut", "message": "Timed out waiting to be resumed"}),
    ],
)
async def test_a_denied_wait_ends_the_flow_with_exactly_this(answer: Answer, error: dict[str, str]) -> None:
    made = world()
    made.answers["one"] = answer
    done = await made.run([script("one", suspend=ASKS, continue_on_error=True), echo("e")], failure_module=script("f"))
    assert (done.failed, result(done)) == (True, {"error": error})
    goes_on = [script("one", suspend={**ASKS, "continue_on_disapprove_timeout": True}), echo("e", "resume.error.name")]
    again = world()
    again.answers["one"] = answer
    assert result(await again.run(goes_on)) == error["name"]


async def test_a_last_step_that_asks_gets_a_step_of_its_own_to_wait() -> None:
    made = world()
    await parks(made, [script("one", suspend=ASKS)])
    made.answers["one"] = APPROVED
    assert result(await made.run([script("one", suspend=ASKS)], rules=PARK)) == 1
    assert made.statuses() == {"one": "success", "one-v": "success"}


@pytest.mark.parametrize("module", [{"skip_if": {"expr": "true"}}, {"stop_after_if": {"expr": "true"}}])
async def test_a_step_that_was_skipped_or_stops_asks_nobody(module: dict[str, Any]) -> None:
    made = world()
    assert not (await made.run([script("one", suspend=ASKS, **module)], {"k": 1})).failed
    assert made.asked == {}


async def test_waits_in_a_parallel_branch_in_a_loop_and_in_a_called_flow() -> None:
    made = world()
    made.flows["f/in"] = [flow_of(script("one", suspend=ASKS), echo("e", "resume.ok"))]
    modules = [for_loop("l", [1, 2], branch_all("b", [call("c", "f/in")], [echo("x", "9")]))]
    path = "l[0].b[0].c/one"
    await parks(made, modules)
    assert made.asked[path].flow_jobs[0] == "run-1"
    assert len(made.asked[path].flow_jobs) == 2
    made.answers[path] = APPROVED
    await parks(made, modules)
    made.answers["l[1].b[0].c/one"] = APPROVED
    assert result(await made.run(modules, rules=PARK)) == [[2, 9], [2, 9]]


# --- called flows and stored scripts


async def test_a_called_flow_has_its_own_input_and_reads_results_around_it() -> None:
    made = world()
    made.flows["f/in"] = [flow_of(echo("a", "[flow_input.k, results.one, flow_input.outer]"))]
    done = await made.run([script("one"), call("c", "f/in", {"k": "2"}), echo("d", "results.a")], {"outer": 5})
    assert result(done) is None
    assert made.rows["c"]["value"] == JsonText("[2,1,null]")
    assert made.rows["c/a"]["status"] == "success"


async def test_a_called_flow_keeps_the_version_that_it_began_with() -> None:
    made = world()
    made.flows["f/in"] = [flow_of(script("one", sleep=js("60")), echo("e", "'old'"))]
    await parks(made, [call("c", "f/in")])
    made.flows["f/in"].append(flow_of(echo("e", "'new'")))
    made.time += timedelta(seconds=61)
    assert result(await made.run([call("c", "f/in")], rules=PARK)) == "old"


async def test_a_circle_of_flows_is_refused_with_its_chain() -> None:
    made = world()
    made.flows |= {"f/a": [flow_of(call("b", "f/b"))], "f/b": [flow_of(call("a", "f/a"))]}
    done = await made.run([call("c", "f/a")])
    assert "f/root/flow → f/a → f/b → f/a" in result(done)["error"]["message"]


async def test_stops_and_handlers_of_a_called_flow_are_its_own() -> None:
    made = world()
    made.flows["f/stops"] = [flow_of(script("one", stop_after_if={"expr": "true", "skip_if_stopped": True}), echo("n"))]
    done = await made.run([call("c", "f/stops"), echo("e", "results.c + 1")])
    assert (result(done), done.stop, done.skipped) == (2, None, False)
    made = world(handled=lambda m: {"by": m})
    handler = {**script("failure", "handled", inputs={"m": "'inner'"})}
    outer = {**script("failure", "handled", inputs={"m": "error.name"})}
    made.flows["f/fails"] = [flow_of(script("boom"), failure_module=handler)]
    done = await made.run([call("c", "f/fails")], failure_module=outer)
    assert done.failed
    assert made.rows["c"]["value"] == JsonText('{"by":"inner"}')
    assert made.rows["failure"]["status"] == "success"


async def test_flow_env_is_inherited_unless_the_called_flow_has_its_own() -> None:
    made = world()
    made.flows |= {
        "f/own": [flow_of(echo("a", "flow_env.E"), flow_env={"E": "own"})],
        "f/none": [flow_of(echo("a", "flow_env.E"))],
    }
    done = await made.run(
        [call("c", "f/own"), call("d", "f/none"), echo("e", "[results.c, results.d]")], flow_env={"E": 1}
    )
    assert result(done) == ["own", 1]


async def test_a_flow_that_is_not_there_is_the_steps_error() -> None:
    done = await world().run([call("c", "f/gone", continue_on_error=True), echo("e", "results.c.error.message")])
    assert result(done) == "There is no flow f/gone"


async def test_stored_scripts_run_by_path_and_hash() -> None:
    made = world()
    made.scripts["u/a/echo"] = "echo"
    module = {
        "id": "s",
        "value": {"type": "script", "path": "u/a/echo", "hash": "ab", "pass_flow_input_directly": True},
    }
    assert result(await made.run([module], {"x": 3})) == 3
    (call_made,) = made.leaf_calls
    assert (call_made.script_path, call_made.script_hash) == ("u/a/echo", "ab")
    gone = await made.run([{"id": "g", "value": {"type": "script", "path": "u/a/gone"}}])
    assert "no script u/a/gone" in result(gone)["error"]["message"]


# --- preprocessor, early answers, caches


@pytest.mark.parametrize(("given", "arguments"), [("{'k': 2}", {"k": 2}), ("null", {}), ("7", {"value": 7})])
async def test_a_preprocessor_makes_the_arguments(given: str, arguments: Any) -> None:
    made = world()
    made.event = {"kind": "webhook"}
    before = script("preprocessor", "after", inputs={"x": given})
    made.leaves = {**made.leaves, "after": lambda x, event: x if event == {"kind": "webhook"} else "no event"}
    assert result(await made.run([echo("a", "flow_input")], {"old": 1}, preprocessor_module=before)) == arguments
    assert made.leaf_calls[0].entrypoint == "preprocessor"
    made = world()
    assert result(await made.run([echo("a", "flow_input")], {"old": 1}, preprocessor_module=before)) == {"old": 1}


async def test_a_failing_preprocessor_reaches_the_failure_module() -> None:
    made = world()
    made.event = {}
    made.leaves = {**made.leaves, "boom": lambda event: boom()}
    done = await made.run([script("one")], preprocessor_module=script("boom"), failure_module=echo("f", "error.name"))
    assert (done.failed, result(done)) == (True, "Boom")
    assert made.rows["failure"]["meta"]["parent_module"] == "preprocessor"


async def test_an_early_answer_comes_from_its_step_and_the_run_goes_on() -> None:
    made = world()
    done: Done = await made.run([script("one"), echo("e", "5")], early_return="one")
    assert (result(done), made.early_values) == (5, [1])


async def test_a_container_with_a_cache_runs_once() -> None:
    made = world()
    modules = [for_loop("l", "flow_input.n", echo("e", "flow_input.iter.value"), module={"cache_ttl": 60})]
    assert result(await made.run(modules, {"n": [1, 2]})) == [1, 2]
    again = world()
    again.cached = made.cached
    assert result(await again.run(modules, {"n": [1, 2]})) == [1, 2]
    assert again.calls == []
    other = world()
    other.cached = made.cached
    assert result(await other.run(modules, {"n": [3]})) == [3]


async def test_a_stop_inside_a_branch_is_remembered_by_the_branch() -> None:
    made = world()
    stopping = script("one", stop_after_if={"expr": "true", "skip_if_stopped": True})
    modules = [branch_one("b", ("true", [stopping])), echo("e", "'went on'")]
    done = await made.run(modules)
    assert (result(done), done.stop is not None) == (1, True)
    again = await made.run(modules)
    assert (result(again), again.stop is not None and again.stop.skipped) == (1, True)


async def test_a_wake_between_looking_and_waiting_is_not_lost() -> None:
    room = Room(world().now, 5)
    room.split(2)
    looks = 0

    async def part() -> None:
        nonlocal looks
        for _ in range(3):
            looks += 1
            await asyncio.sleep(0)
            await room.until(None)

    waiting = asyncio.create_task(part())
    await asyncio.sleep(0)
    room.wake()  # it has looked, and does not wait yet
    for _ in range(5):
        await asyncio.sleep(0)
    assert looks == 2
    room.wake()
    for _ in range(5):
        await asyncio.sleep(0)
    assert looks == 3
    room.wake()
    await waiting


async def test_a_failure_module_that_asks_waits_and_a_denial_ends_the_flow() -> None:
    made = world(handle=lambda: {"recover": True})
    modules, handler = [script("boom")], script("failure", "handle", suspend=ASKS)
    await parks(made, modules, failure_module=handler)
    made.answers["failure"] = APPROVED
    done = await made.run(modules, rules=PARK, failure_module=handler)
    assert (result(done), done.failed) == ({"recover": True}, False)
    made.answers["failure"] = Answer("disapproved", by="ada")
    done = await made.run(modules, rules=PARK, failure_module=handler)
    assert done.failed
    assert result(done)["error"]["name"] == "SuspendedDisapproved"
    assert made.calls == ["boom", "failure"]
