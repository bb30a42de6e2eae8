"""Time limits of loops, branches, called flows and whole flows: over fake ports."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from flowapp.engine.interpreter import Rules
from flowapp.engine.values import Answer
from flowapp.engine.waiting import Parked
from flowapp.jsontext import JsonText
from flowapp.store.clock import text_of
from tests.unit.engine.fakes import World, branch_all, for_loop, js, result, script, while_loop

PARK = Rules(park_after_s=5)
SOON = {"timeout": {"type": "static", "value": 0.05}}


async def forever() -> None:
    await asyncio.Event().wait()


def world(**leaves: Any) -> World:
    return World({"one": lambda: 1, "forever": forever, "handle": lambda: {"recover": True}, **leaves})


def called(*modules: dict[str, Any], **flow: Any) -> dict[str, Any]:
    return {"summary": "", "value": {"modules": list(modules)}, **flow}


CALL = {"id": "c", "value": {"type": "flow", "path": "f/x/y", "input_transforms": {}}}
CONTAINERS = {
    "loop": for_loop("c", [1, 2], script("forever")),
    "parallel loop": for_loop("c", [1, 2, 3], script("forever"), parallel=True),
    "while": while_loop("c", script("forever")),
    "one": {"id": "c", "value": {"type": "branchone", "branches": [], "default": [script("forever")]}},
    "all": branch_all("c", [script("one"), script("forever", "forever")], [script("two", "forever")]),
    "flow": CALL,
}


@pytest.mark.parametrize("kind", CONTAINERS)
async def test_a_container_ends_with_its_time_and_the_handler_runs(kind: str) -> None:
    made = world()
    made.flows["f/x/y"] = [called(script("forever"))]
    done = await made.run([{**CONTAINERS[kind], **SOON}], failure_module=script("failure", "handle"))
    assert (result(done), done.failed) == ({"recover": True}, False)
    assert made.rows["c"]["status"] == "failure"
    assert '"Timeout"' in made.rows["c"]["value"]
    assert made.cuts == ["c"]


async def test_the_parts_of_a_stopped_loop_count_no_more() -> None:
    """What comes after it waits alone, so the run rests."""
    made = world()
    loop = for_loop("c", [1, 2, 3], script("forever"), parallel=True, module={**SOON, "continue_on_error": True})
    with pytest.raises(Parked):
        await made.run([loop, script("one", suspend={"required_events": 1}), script("e", "one")], rules=PARK)


async def test_each_attempt_has_its_own_time() -> None:
    made = world()
    retry = {"constant": {"attempts": 1, "seconds": 1}}
    done = await made.run([{**CONTAINERS["loop"], **SOON, "retry": retry}])
    assert done.failed
    assert made.calls == ["c[0].forever", "c~2[0].forever"]


async def test_the_time_goes_on_while_the_run_rests() -> None:
    made = world()
    asks = script("one", suspend={"required_events": 1})
    modules = [for_loop("c", [1], asks, script("e", "one"), module={"timeout": 100})]
    due = text_of(made.time + timedelta(seconds=100))
    for seconds in (0, 60):
        made.time += timedelta(seconds=seconds)
        with pytest.raises(Parked) as parked:
            await made.run(modules, rules=PARK)
        assert parked.value.due == due
    made.time += timedelta(seconds=41)
    made.answers["c[0].one"] = Answer("approved", (JsonText("{}"),), ("ada",))
    done = await made.run(modules, rules=PARK)
    assert done.failed
    assert made.calls == ["c[0].one"]


async def test_a_called_flow_has_its_own_timeout_and_the_step_comes_before_it() -> None:
    made = world()
    made.flows["f/x/y"] = [called(script("forever"), timeout=0.05)]
    assert (await made.run([CALL])).failed
    made = world()
    made.flows["f/x/y"] = [called(script("one"), timeout=1e-9)]
    assert not (await made.run([{**CALL, "timeout": 50}])).failed


async def test_a_timeout_that_is_no_number_fails_the_step() -> None:
    done = await world().run([{**CONTAINERS["loop"], "timeout": js("'soon'")}])
    assert "not a number of seconds" in result(done)["error"]["message"]
