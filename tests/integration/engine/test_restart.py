"""Restarting from a step, canceling what a run started, early answers and caches: over a real database and DBOS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowapp.engine.values import Debounce, StoredFlow, StoredScript, Turn
from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store import states
from flowapp.store.approval_shapes import Answer
from flowapp.store.clock import text_of
from flowapp.store.runs import job_id
from flowapp.store.tables import RunRow
from flowapp.store.wiping import wipe_due
from tests.integration.engine.harness import FakeRuntimes, Server, flow_of, server, step


class Flows:
    """Deployed flows and stored scripts by path."""

    def __init__(self) -> None:
        self.flows: dict[str, JsonText] = {}
        self.scripts: dict[str, StoredScript] = {}

    async def script(self, run: RunRow, path: str, hash: str | None) -> StoredScript:
        return self.scripts[path]

    async def flow(self, run: RunRow, path: str, version: int | None) -> StoredFlow:
        if path not in self.flows:
            raise FlowappError(f"There is no flow {path}")
        return StoredFlow(path, 1, self.flows[path])


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Server]:
    runtimes = FakeRuntimes()
    runtimes.leaves = {
        "give": lambda job, log: len(runtimes.jobs),
        "fail": _fail,
        "hang": _hang,
    }
    async with server(tmp_path, runtimes, library=Flows()) as one:
        yield one


def _fail(job: Any, log: Any) -> Any:
    raise ValueError("no")


async def _hang(job: Any, log: Any) -> None:
    await asyncio.sleep(60)


async def again(
    made: Server, run: RunRow, flow: dict[str, Any], args: Any = None, trigger: str | None = None, **place: Any
) -> tuple[RunRow, Any]:
    return await made.run(flow, args, trigger=trigger, restarted_from=dumps({"flow_job_id": run.id, **place}))


async def results(made: Server, run: RunRow) -> dict[str, Any]:
    return {row.path: await made.value(row.result) for row in await made.store.runs.steps(run.id)}


async def test_steps_before_the_restart_are_kept_with_ids_of_their_own(made: Server) -> None:
    flow = flow_of(step("a", "give"), step("b", "give"), step("c", "give"))
    run, _ = await made.run(flow)
    other, _ = await again(made, run, flow, step_id="b")
    before, after = await results(made, run), await results(made, other)
    assert after["a"] == before["a"]
    assert after["b"] != before["b"]
    kept = await made.store.runs.step(other.id, "a")
    assert kept is not None
    assert kept.id == job_id(other.id, "a")


async def test_a_loop_keeps_its_first_iterations_and_goes_on_inside_one(made: Server) -> None:
    loop = {"type": "forloopflow", "iterator": {"type": "static", "value": [1, 2, 3]}, "skip_failures": False}
    flow = flow_of({"id": "l", "value": {**loop, "modules": [step("x", "give"), step("y", "give")]}})
    run, _ = await made.run(flow)
    before = await results(made, run)
    whole = await results(made, (await again(made, run, flow, step_id="l", branch_or_iteration_n=1))[0])
    assert whole["l[0].y"] == before["l[0].y"]
    assert whole["l[1].x"] != before["l[1].x"]
    place: dict[str, Any] = {"step_id": "l", "branch_or_iteration_n": 1, "nested": {"step_id": "y"}}
    inside = await results(made, (await again(made, run, flow, **place))[0])
    assert inside["l[1].x"] == before["l[1].x"]
    assert inside["l[1].y"] != before["l[1].y"]
    assert inside["l"] == [inside[f"l[{index}].y"] for index in range(3)]


async def test_branches_that_all_run_keep_the_first_ones(made: Server) -> None:
    for parallel in (False, True):
        branches = [{"modules": [step(f"x{n}", "give"), step(f"y{n}", "give")]} for n in range(3)]
        value = {"type": "branchall", "branches": branches, "parallel": parallel}
        flow = flow_of({"id": "t", "value": value}, step("z", "give", {"x": "results.t"}))
        run, _ = await made.run(flow)
        before = await results(made, run)
        whole = await results(made, (await again(made, run, flow, step_id="t", branch_or_iteration_n=1))[0])
        same = {path for path in before if whole[path] == before[path]}
        assert same == {"t[0].x0", "t[0].y0"}
        assert whole["t"] == [whole[f"t[{n}].y{n}"] for n in range(3)]
        place: dict[str, Any] = {"step_id": "t", "branch_or_iteration_n": 2, "nested": {"step_id": "y2"}}
        inside = await results(made, (await again(made, run, flow, **place))[0])
        kept = {path for path in before if inside[path] == before[path]}
        # every branch before the one to begin in is kept whole, and of that one what comes before the step
        assert kept == {"t[0].x0", "t[0].y0", "t[1].x1", "t[1].y1", "t[2].x2"}


async def test_no_finished_branch_runs_again_because_it_stands_elsewhere_in_a_newer_version(made: Server) -> None:
    branches = [{"modules": [step(f"x{n}", "give")]} for n in range(2)]
    run, _ = await made.run(flow_of({"id": "t", "value": {"type": "branchall", "branches": branches}}))
    newer = flow_of({"id": "t", "value": {"type": "branchall", "branches": branches[::-1]}})
    count = len(made.runtimes.jobs)
    refused, result = await again(made, run, newer, step_id="t", branch_or_iteration_n=1)
    assert refused.failed and "branch 0 of t is not the one that ran there" in result["error"]["message"]
    assert len(made.runtimes.jobs) == count


async def test_a_while_loop_keeps_its_first_iterations(made: Server) -> None:
    body = [step("x", "give"), {**step("y", "give"), "stop_after_if": {"expr": "flow_input.iter.index == 2"}}]
    flow = flow_of({"id": "w", "value": {"type": "whileloopflow", "modules": body, "skip_failures": False}})
    run, result = await made.run(flow)
    before = await results(made, run)
    assert len(result) == 3
    whole = await results(made, (await again(made, run, flow, step_id="w", branch_or_iteration_n=2))[0])
    assert {path for path in before if whole[path] == before[path]} == {"w[0].x", "w[0].y", "w[1].x", "w[1].y"}
    place: dict[str, Any] = {"step_id": "w", "branch_or_iteration_n": 1, "nested": {"step_id": "y"}}
    inside = await results(made, (await again(made, run, flow, **place))[0])
    assert {path for path in before if inside[path] == before[path]} == {"w[0].x", "w[0].y", "w[1].x"}
    assert inside["w"] == [inside[f"w[{n}].y"] for n in range(3)]


async def test_behind_a_failure_that_the_flow_tolerates(made: Server) -> None:
    value = {"type": "forloopflow", "iterator": {"type": "static", "value": [1]}, "skip_failures": True}
    loop = {"id": "l", "value": {**value, "modules": [step("in", "fail")]}}
    flow = flow_of(step("a", "fail", continue_on_error=True), loop, step("b", "give"), step("c", "give"))
    run, _ = await made.run(flow)
    before = await results(made, run)
    other, _ = await again(made, run, flow, step_id="c")
    after = await results(made, other)
    assert (other.status, other.failed) == ("success", False)
    assert {path for path in before if after[path] == before[path]} == {"a", "l", "l[0].in", "b"}
    statuses = {row.path: row.status for row in await made.store.runs.steps(other.id)}
    assert (statuses["a"], statuses["l"], statuses["c"]) == ("failure", "success", "success")
    strict = flow_of(step("a", "fail"), *flow["value"]["modules"][1:])  # another version does not go on after it
    refused, result = await again(made, run, strict, step_id="c")
    assert refused.failed and "step a before it ended in failure" in result["error"]["message"]


async def test_inside_a_branch_and_a_called_flow(made: Server) -> None:
    library: Any = made.engine.library
    library.flows["f/in"] = dumps(flow_of(step("p", "give"), step("q", "give")))
    branch = {"type": "branchone", "branches": [{"expr": "true", "modules": []}], "default": []}
    branch["branches"] = [
        {"expr": "true", "modules": [step("x", "give"), {"id": "c", "value": {"type": "flow", "path": "f/in"}}]}
    ]
    flow = flow_of({"id": "o", "value": branch})
    run, _ = await made.run(flow)
    before = await results(made, run)
    other, _ = await again(made, run, flow, step_id="o", nested={"step_id": "c", "nested": {"step_id": "q"}})
    after = await results(made, other)
    assert {name: after[name] == before[name] for name in ("o[0].x", "o[0].c/p", "o[0].c/q")} == {
        "o[0].x": True,
        "o[0].c/p": True,
        "o[0].c/q": False,
    }


async def test_other_arguments_come_in_place_of_what_the_preprocessor_made(made: Server) -> None:
    made.runtimes.leaves["n"] = lambda job, log: loads(job.args)["n"]
    made.runtimes.leaves["of_event"] = lambda job, log: {"n": loads(job.args)["event"]["n"]}
    both = step("b", "n", {"n": "[results.a, flow_input.n]"})
    flow = flow_of(step("a", "n", {"n": "flow_input.n"}), both, preprocessor_module=step("preprocessor", "of_event"))
    event = await made.store.values.put_value(dumps({"n": 1}))
    noted = dumps({"kind": "webhook", "event": event})
    run, result = await made.run(flow, {}, trigger=noted)
    assert result == [1, 1]
    assert (await again(made, run, flow, {}, step_id="b", trigger=noted))[1] == [1, 1]
    other, result = await again(made, run, flow, {"n": 5}, step_id="b")
    assert result == [1, 5]
    assert "preprocessor" not in await results(made, other)
    assert (await again(made, run, flow, {"n": 5}, step_id="a"))[1] == [5, 5]


async def test_the_flows_user_state_goes_along(made: Server) -> None:
    flow = flow_of(step("a", "give"), step("b", "give"))
    run, _ = await made.run(flow)
    await made.store.database.write(lambda c: states.set(c, run.id, "k", JsonText("5")))
    other, _ = await again(made, run, flow, step_id="b")
    assert await made.store.database.read(lambda c: states.get(c, other.id, "k")) == "5"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"step_id": "c"}, "step b before it ended in failure"),
        ({"step_id": "gone"}, "There is no step gone to begin at"),
        ({"step_id": "a", "nested": {"step_id": "x"}}, "holds no other steps"),
        ({"step_id": ""}, "needs the id of a step"),
        ({"step_id": "a", "branch_or_iteration_n": -1}, "not a number from 0 on"),
    ],
)
async def test_what_cannot_be_kept_is_refused(made: Server, place: dict[str, Any], words: str) -> None:
    flow = flow_of(step("a", "give"), step("b", "fail"), step("c", "give"))
    run, _ = await made.run(flow)
    count = len(made.runtimes.jobs)
    other, result = await again(made, run, flow, **place)
    assert other.failed
    assert words in result["error"]["message"]
    assert len(made.runtimes.jobs) == count


async def test_a_canceled_run_takes_what_it_started_with_it(made: Server) -> None:
    hang = flow_of(step("a", "hang"))
    parent = await made.create(hang)
    await made.engine.start_run(parent.id)
    while not made.runtimes.jobs:
        await asyncio.sleep(0.01)
    child = await made.create(hang, parent_run=job_id(parent.id, "a"), root_run=parent.id)
    asleep = await made.create(flow_of(step("s", "give", sleep={"type": "static", "value": 600})), parent_run=parent.id)
    for run in (child, asleep):
        await made.engine.start_run(run.id)
    await asyncio.sleep(0.3)
    await made.engine.cancel(parent.id, "ada", "enough")
    ended = [(await made.ended(run.id))[0].status for run in (parent, child, asleep)]
    assert ended == ["canceled"] * 3


async def test_early_answers_and_the_cache_of_a_whole_flow(made: Server) -> None:
    flow = flow_of(step("a", "give"), step("b", "give"), early_return="a", cache_ttl=60)
    first, result = await made.run(flow, {"k": 1})
    assert (await made.value(first.early_result), result) == (1, 2)
    cached, result = await made.run(flow, {"k": 1})
    assert (await made.value(cached.early_result), result) == (1, 2)
    assert (await made.run(flow, {"k": 2}))[1] == 4


class OneTurn:
    """Debouncing that has everybody wait for an hour, until `gone`."""

    gone = False

    async def debounce(self, run: RunRow, job: str, rule: Debounce, brought: JsonText | None) -> Turn:
        hour = datetime.now(UTC) + timedelta(hours=1)
        return Turn() if self.gone else Turn(due=text_of(hour))


async def test_a_flow_that_rested_before_it_began_takes_the_cached_result_too(made: Server) -> None:
    turns: Any = OneTurn()
    made.engine.limits = turns
    flow = flow_of(step("a", "give"), cache_ttl=60, debounce_delay_s=1)
    seen = []
    for _ in range(2):
        turns.gone = False
        run = await made.create(flow)
        await made.engine.start_run(run.id)
        for _ in range(400):
            now = await made.store.runs.get(run.id)
            if now is not None and now.status == "suspended":
                break
            await asyncio.sleep(0.02)
        turns.gone = True
        await made.engine.wake(run.id)
        seen.append((await made.ended(run.id))[1])
    assert seen == [1, 1]


async def test_who_wakes_a_run_right_when_it_rests_gets_its_next_segment(
    made: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: Any = OneTurn()
    made.engine.limits = turns
    park = made.store.runs.park

    async def woken(run_id: str, owner: str, wake_at: str | None) -> RunRow:
        parked = await park(run_id, owner, wake_at)
        turns.gone = True
        await made.engine.wake(run_id)
        return parked

    monkeypatch.setattr(made.store.runs, "park", woken)
    run = await made.create(flow_of(step("a", "give"), debounce_delay_s=1))
    await made.engine.start_run(run.id)
    assert (await made.ended(run.id))[1] == 1


async def wiped(made: Server, run: RunRow) -> tuple[bool, set[str]]:
    """Wipes what is due; whether the run's data is gone, and that of which steps."""
    await wipe_due(made.store, datetime.now(UTC) + timedelta(seconds=90))
    now = await made.store.runs.get(run.id)
    assert now is not None
    steps = await made.store.runs.steps(run.id)
    return now.deleted, {step.path for step in steps if loads(step.meta or "{}").get("deleted")}


async def test_data_goes_where_the_flow_or_a_step_asks_for_it(made: Server) -> None:
    library: Any = made.engine.library
    library.flows["f/in"] = dumps(flow_of(step("p", "give"), delete_after_secs=60))
    loop = {"type": "forloopflow", "iterator": {"type": "static", "value": [1, 2]}, "skip_failures": False}
    steps = [
        step("a", "give", delete_after_use=True),
        step("b", "give"),
        {"id": "l", "value": {**loop, "modules": [step("x", "give"), step("y", "give", delete_after_secs=60)]}},
        {"id": "m", "delete_after_secs": 5, "value": {**loop, "modules": [step("x", "give")]}},
        {"id": "c", "value": {"type": "flow", "path": "f/in"}},
        step("z", "give", delete_after_secs=3600),
    ]
    run, result = await made.run(flow_of(*steps))
    assert await wiped(made, run) == (False, {"a", "l[0].y", "l[1].y", "m", "m[0].x", "m[1].x", "c", "c/p"})
    assert await made.value(run.result) == result
    assert (await results(made, run))["a"] is None
    whole, _ = await made.run(flow_of(step("a", "give"), delete_after_secs=60))
    assert await wiped(made, whole) == (True, {"a"})
    kept, _ = await made.run(flow_of(step("a", "give")))
    assert await wiped(made, kept) == (False, set())
    _, refused = await again(made, run, flow_of(*steps), step_id="b")
    assert "the data of step a before it was deleted" in refused["error"]["message"]


async def test_a_stored_script_asks_for_its_data_to_go(made: Server) -> None:
    library: Any = made.engine.library
    library.scripts["f/tool"] = StoredScript("f/tool", "1", "give", "python3", delete_after_s=60)
    tool = {"id": "a", "value": {"type": "script", "path": "f/tool", "input_transforms": {}}}
    run, _ = await made.run(flow_of(tool, step("b", "give")))
    assert await wiped(made, run) == (False, {"a"})
    alone, _ = await made.run(flow_of(tool), kind="script")
    assert await wiped(made, alone) == (True, {"a"})


async def test_an_approval_is_for_what_was_approved(made: Server) -> None:
    """Who got a small payment approved does not begin again with a large one."""
    store = made.store
    asks = step("a", "give", suspend={"required_events": 1, "timeout": 600})
    flow = flow_of(asks, step("pay", "give"))
    run = await made.create(flow, {"amount": 1})
    await made.engine.start_run(run.id)

    async def resting(one: RunRow) -> bool:
        for _ in range(400):
            now = await store.runs.get(one.id)
            assert now is not None
            if now.status == "suspended" or now.ended_at is not None:
                return now.status == "suspended"
            await asyncio.sleep(0.02)
        raise AssertionError("it neither rests nor ends")

    assert await resting(run)
    answer = Answer(job_id(run.id, "a"), 1, "main", True, run_id=run.id, approver="leo")
    await store.database.write(lambda c: store.approvals.decide(c, answer))
    await made.engine.wake(run.id)
    await made.ended(run.id)

    async def restarted(args: Any, document: dict[str, Any]) -> bool:
        place = dumps({"flow_job_id": run.id, "step_id": "pay"})
        other = await made.create(document, args, restarted_from=place)
        await made.engine.start_run(other.id)
        return await resting(other)

    assert not await restarted({"amount": 1}, flow)
    assert await restarted({"amount": 1_000_000}, flow)
    assert await restarted({"amount": 1}, flow_of(asks, step("pay", "give", timeout={"type": "static", "value": 9})))
