"""Waiting for people in the real engine: where it may stand, what comes of it, and that a restart does not lose it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowapp.engine.values import StoredFlow, StoredScript
from flowapp.jsontext import dumps, loads
from flowapp.store import approval_nudges
from flowapp.store.approval_shapes import Answer, Decision, terms_of
from flowapp.store.runs import job_id
from flowapp.store.tables import RunRow, SuspensionRow
from tests.integration.engine.harness import FakeRuntimes, Server, flow_of, server, step

APPROVAL = {"required_events": 1, "timeout": 600}
SEES = {"resume": "resume", "resumes": "resumes", "approvers": "approvers"}


def runtimes() -> FakeRuntimes:
    def args(job: Any, _log: Any) -> Any:
        return loads(job.args)

    def failing(_job: Any, _log: Any) -> Any:
        raise ValueError("no")

    return FakeRuntimes({"ask": lambda *_: "asked", "echo": args, "one": lambda *_: 1, "fail": failing})


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(tmp_path, runtimes()) as made:
        yield made


@pytest.fixture
async def either(tmp_path: Path, store_url: str) -> AsyncIterator[Server]:
    """On SQLite, and on PostgreSQL."""
    async with server(tmp_path, runtimes(), store_url) as made:
        yield made


async def waits(server: Server, run: RunRow, count: int = 1) -> list[SuspensionRow]:
    """The open waits, once there are so many and the run rests."""
    store = server.store
    for _ in range(400):
        rows = await store.database.read(lambda c: store.approvals.of_run(c, run.id))
        opened = [row for row in rows if row.status == "open"]
        now = await store.runs.get(run.id)
        if len(opened) == count and now is not None and now.status == "suspended":
            assert now.owner is None, "a run that waits belongs to nobody"
            return opened
        await asyncio.sleep(0.02)
    raise AssertionError(f"{count} waits did not come: {[(row.path, row.status) for row in rows]}, {now}")


async def given(server: Server, event: Answer) -> Decision:
    return await server.store.database.write(lambda c: server.store.approvals.decide(c, event))


async def answer(server: Server, run: RunRow, path: str, payload: Any = None, **more: Any) -> None:
    fields = {"approved": True, "approver": "leo", "resume_id": 1, **more}
    event = Answer(
        job_id=job_id(run.id, path) if path else run.id,
        workspace="main",
        run_id=run.id,
        flow_level=not path,
        payload=dumps(payload),
        **fields,
    )
    decision = await given(server, event)
    if decision.suspension is not None and decision.suspension.status != "open":
        await server.engine.wake(run.id)


async def begun(server: Server, flow: dict[str, Any], args: Any = None) -> RunRow:
    run = await server.create(flow, args)
    await server.engine.start_run(run.id)
    return run


async def test_the_next_step_sees_the_answers(one: Server) -> None:
    run = await begun(
        one, flow_of(step("a", "ask", suspend={**APPROVAL, "required_events": 2}), step("b", "echo", SEES))
    )
    await waits(one, run)
    await answer(one, run, "a", {"n": 1})
    await answer(one, run, "a", {"n": 2}, resume_id=2, approver=None)
    row, result = await one.ended(run.id)
    assert row.status == "success"
    assert result == {"resume": {"n": 2}, "resumes": [{"n": 1}, {"n": 2}], "approvers": ["leo", "anonymous"]}
    assert [job.code for job in one.runtimes.jobs] == ["ask", "echo"], "the step that asked ran once"


async def test_only_the_next_step_sees_them(one: Server) -> None:
    run = await begun(one, flow_of(step("a", "ask", suspend=APPROVAL), step("b", "one"), step("c", "echo", SEES)))
    await waits(one, run)
    await answer(one, run, "a", 5)
    assert (await one.ended(run.id))[1] == {"resume": None, "resumes": [], "approvers": []}


@pytest.mark.parametrize("handler", [False, True])
async def test_a_denial_ends_the_flow_with_exactly_this(one: Server, handler: bool) -> None:
    value = {"failure_module": step("failure", "one")} if handler else {}
    run = await begun(one, flow_of(step("a", "ask", suspend=APPROVAL), step("b", "one"), **value))
    await waits(one, run)
    await answer(one, run, "a", approved=False)
    row, result = await one.ended(run.id)
    assert row.status == "failure"
    assert result == {"error": {"name": "SuspendedDisapproved", "message": "Disapproved by leo"}}
    assert [job.code for job in one.runtimes.jobs] == ["ask"]


async def test_nobody_answers_in_time(one: Server) -> None:
    run = await begun(one, flow_of(step("a", "ask", suspend={**APPROVAL, "timeout": 0.3}), step("b", "one")))
    row, result = await asyncio.wait_for(one.ended(run.id), 60)
    assert row.status == "failure"
    assert result == {"error": {"name": "SuspendedTimedOut", "message": "Timed out waiting to be resumed"}}


async def test_going_on_after_a_denial_and_after_the_timeout(one: Server) -> None:
    suspend = {**APPROVAL, "continue_on_disapprove_timeout": True}
    flow = flow_of(step("a", "ask", suspend=suspend), step("b", "echo", {"resumes": "resumes", "last": "resume"}))
    run = await begun(one, flow)
    await waits(one, run)
    await answer(one, run, "a", {"why": "x"}, approved=False, approver=None)
    error = {"error": {"name": "SuspendedDisapproved", "message": "Disapproved by unknown"}}
    assert (await one.ended(run.id))[1] == {"resumes": [{"why": "x"}, error], "last": error}
    flow["value"]["modules"][0]["suspend"] = {**suspend, "timeout": 0.2}
    late = {"error": {"name": "SuspendedTimedOut", "message": "Timed out waiting to be resumed"}}
    assert (await one.run(flow))[1] == {"resumes": [late], "last": late}


async def test_an_answer_that_comes_early_counts(one: Server) -> None:
    running, go = asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> str:
        running.set()
        await go.wait()
        return "asked"

    one.runtimes.leaves["slow"] = slow
    for level in ("a", ""):
        running.clear()
        go.clear()
        run = await begun(one, flow_of(step("a", "slow", suspend=APPROVAL), step("b", "echo", {"r": "resume"})))
        await running.wait()
        await answer(one, run, level, level or "flow")
        go.set()
        row, result = await one.ended(run.id)
        assert (row.status, result, row.segment) == ("success", {"r": level or "flow"}, 1), "it never waited"


async def test_an_early_answer_of_nobody_does_not_pass_the_conditions(one: Server) -> None:
    running, go = asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> str:
        running.set()
        await go.wait()
        return "asked"

    one.runtimes.leaves["slow"] = slow
    flow = flow_of(step("a", "slow", suspend={**APPROVAL, "user_auth_required": True}), step("b", "one"))
    run = await begun(one, flow)
    await running.wait()
    await answer(one, run, "a")
    go.set()
    assert (await waits(one, run))[0].status == "open"


async def test_no_wait_where_none_is_asked_or_the_step_was_skipped(one: Server) -> None:
    for module in (
        step("a", "ask", suspend={"required_events": 0, "timeout": 5}),
        step("a", "ask", suspend={"timeout": 5}),
        step("a", "ask", suspend=None),
        step("a", "ask", suspend=APPROVAL, skip_if={"expr": "true"}),
        step("a", "fail", suspend=APPROVAL, continue_on_error=True),
        step("a", "ask", suspend=APPROVAL, stop_after_if={"expr": "true"}),
    ):
        row, _ = await asyncio.wait_for(one.run(flow_of(module, step("b", "one"))), 60)
        assert row.status in ("success", "skipped"), module


async def test_the_last_step_waits_too_and_its_result_stays(one: Server) -> None:
    run = await begun(one, flow_of(step("a", "ask", suspend=APPROVAL)))
    await waits(one, run)
    await answer(one, run, "a", {"x": 1})
    assert (await one.ended(run.id))[1] == "asked"


async def test_terms_come_from_the_module_and_from_the_steps_result(one: Server) -> None:
    said = {"resume": "https://x/1", "default_args": {"n": 3}, "enums": {"n": [1, 2, 3]}, "description": {"Total": 5}}
    one.runtimes.leaves["said"] = lambda *_: said
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    groups = {"type": "javascript", "expr": "[flow_input.team, 'g/board']"}
    suspend = {**APPROVAL, "resume_form": {"schema": schema}, "user_groups_required": groups, "hide_cancel": True}
    run = await begun(
        one, flow_of(step("a", "said", suspend=suspend, summary="Pay?"), step("b", "one")), {"team": "cfo"}
    )
    (row,) = await waits(one, run)
    found = terms_of(row)
    assert (found["form"], found["groups"], found["prompt"], found["summary"]) == (
        schema,
        ["cfo", "board"],
        True,
        "Pay?",
    )
    assert (found["default_args"], found["enums"], found["description"]) == ({"n": 3}, {"n": [1, 2, 3]}, {"Total": 5})
    assert found["hide_cancel"] and not found["user_auth_required"]


@pytest.mark.parametrize(
    ("suspend", "said"),
    [
        ({"timeout": "soon"}, "not a number of seconds"),
        ({"timeout": -1}, "not a number of seconds"),
        ({"user_groups_required": {"type": "javascript", "expr": "nope.x"}}, "nope is not defined"),
        ({"user_groups_required": {"type": "static", "value": 5}}, "must be a list of names"),
        ({"x-flowapp": {"remind_after": "soon"}}, "remind_after must be a number of seconds"),
        ({"x-flowapp": {"reminder": 5}}, "has no setting 'reminder'"),
    ],
)
async def test_conditions_that_cannot_be_worked_out_fail_the_flow(one: Server, suspend: Any, said: str) -> None:
    flow = flow_of(step("a", "ask", suspend={**APPROVAL, **suspend}), step("b", "one"))
    row, result = await asyncio.wait_for(one.run(flow), 60)
    assert row.status == "failure" and said in result["error"]["message"], result
    assert [job.code for job in one.runtimes.jobs] == ["ask"]


# --- where it stands ----------------------------------------------------------------------------------------------


def body() -> list[dict[str, Any]]:
    return [step("in", "ask", suspend=APPROVAL), step("out", "echo", {"r": "resume", "i": "flow_input.iter?.index"})]


def loop(**value: Any) -> dict[str, Any]:
    iterator = {"type": "static", "value": ["x", "y", "z"]}
    return {"id": "loop", "value": {"type": "forloopflow", "iterator": iterator, "modules": body(), **value}}


async def test_in_a_loop_one_wait_after_the_other(one: Server) -> None:
    run = await begun(one, flow_of(loop(skip_failures=False)))
    for index in range(3):
        (row,) = await waits(one, run)
        assert row.path == f"loop[{index}].in"
        await answer(one, run, row.path, index * 10)
    assert (await one.ended(run.id))[1] == [{"r": index * 10, "i": index} for index in range(3)]


async def test_in_a_parallel_loop_all_wait_at_once(either: Server) -> None:
    run = await begun(
        either, flow_of(loop(parallel=True, skip_failures=True), step("end", "echo", {"p": "previous_result"}))
    )
    found = await waits(either, run, 3)
    for row in reversed(found):
        index = int(row.path[5])
        await answer(either, run, row.path, index, approved=index != 1)
    _, result = await either.ended(run.id)
    denied = {"error": {"name": "SuspendedDisapproved", "message": "Disapproved by leo"}}
    assert result == {"p": [{"r": 0, "i": 0}, denied, {"r": 2, "i": 2}]}
    assert [job.code for job in either.runtimes.jobs].count("ask") == 3


async def test_in_a_branch(one: Server) -> None:
    value = {"type": "branchone", "branches": [{"expr": "true", "modules": body()}], "default": []}
    run = await begun(one, flow_of({"id": "br", "value": value}, step("end", "echo", {"p": "previous_result"})))
    (row,) = await waits(one, run)
    assert row.path == "br[0].in"
    await answer(one, run, row.path, "yes")
    assert (await one.ended(run.id))[1] == {"p": {"r": "yes", "i": None}}


async def test_in_parallel_branches_the_others_go_on(either: Server) -> None:
    branches = [{"modules": body()}, {"modules": [step("quick", "one")]}, {"modules": [{**body()[0], "id": "in2"}]}]
    value = {"type": "branchall", "parallel": True, "branches": branches}
    run = await begun(either, flow_of({"id": "all", "value": value}))
    found = await waits(either, run, 2)
    assert sorted(row.path for row in found) == ["all[0].in", "all[2].in2"]
    quick = await either.store.runs.step(run.id, "all[1].quick")
    assert quick is not None and quick.status == "success"
    await answer(either, run, "all[2].in2", 2)
    await waits(either, run, 1)
    await answer(either, run, "all[0].in", 1)
    assert (await either.ended(run.id))[1] == [{"r": 1, "i": None}, 1, "asked"]


class Library:
    def __init__(self, flow: dict[str, Any]) -> None:
        self.flow_document = dumps(flow)

    async def flow(self, run: RunRow, path: str, version: int | None) -> StoredFlow:
        return StoredFlow(path, 1, self.flow_document)

    async def script(self, run: RunRow, path: str, hash: str | None) -> StoredScript:
        raise AssertionError("no script is called")


async def test_in_an_inner_flow_and_by_its_own_job(tmp_path: Path) -> None:
    library = Library(flow_of(*body()))
    call = {"id": "call", "value": {"type": "flow", "path": "f/x/inner", "input_transforms": {}}}
    for level in ("step", "inner", "root"):
        async with server(tmp_path / level, runtimes(), library=library) as one:
            run = await begun(one, flow_of(call, step("end", "echo", {"p": "previous_result"})))
            (row,) = await waits(one, run)
            assert row.path == "call/in"
            path = {"step": row.path, "root": ""}.get(level)
            if path is None:
                event = Answer(job_id(run.id, "call"), 1, "main", True, run.id, flow_level=True, payload='"ok"')
                await given(one, event)
                await one.engine.wake(run.id)
            else:
                await answer(one, run, path, "ok")
            assert (await one.ended(run.id))[1] == {"p": {"r": "ok", "i": None}}


# --- surviving ----------------------------------------------------------------------------------------------------


async def test_a_server_that_starts_anew_finds_the_wait(tmp_path: Path) -> None:
    async with server(tmp_path, runtimes()) as first:
        run = await begun(first, flow_of(step("a", "ask", suspend=APPROVAL), step("b", "echo", {"r": "resume"})))
        await waits(first, run)
    async with server(tmp_path, runtimes()) as second:
        await waits(second, run)
        await answer(second, run, "a", "late")
        assert (await second.ended(run.id))[1] == {"r": "late"}
        assert [job.code for job in second.runtimes.jobs] == ["echo"]


async def test_a_reminder_outlives_its_server(tmp_path: Path) -> None:
    """Planned by one server, done by the timer of the next, which finds it in the wait's row."""
    suspend = {**APPROVAL, "timeout": 60, "x-flowapp": {"remind_after": 0.2, "delegation": True}}
    async with server(tmp_path, runtimes()) as first:
        run = await begun(first, flow_of(step("a", "ask", suspend=suspend), step("b", "one")))
        (wait,) = await waits(first, run)
        assert wait.remind_at is not None and terms_of(wait)["extras"] == suspend["x-flowapp"]
    async with server(tmp_path, runtimes()) as second:
        store = second.store
        assert await store.database.read(approval_nudges.next_due) == wait.remind_at
        done = await store.database.write(lambda c: store.approvals.nudge(c, datetime.now(UTC) + timedelta(seconds=1)))
        found = await store.database.read(lambda c: store.approvals.notes_of(c, run.id, "a"))
        assert (done, [note.kind for note in found]) == (1, ["reminded"])


async def test_a_decision_whose_server_died_before_the_next_segment_is_taken_up(tmp_path: Path) -> None:
    async with server(tmp_path, runtimes()) as first:
        run = await begun(first, flow_of(step("a", "ask", suspend=APPROVAL), step("b", "echo", {"r": "resume"})))
        await waits(first, run)
        event = Answer(job_id(run.id, "a"), 1, "main", True, run.id, payload="7")
        await first.store.database.write(lambda c: first.store.approvals.decide(c, event))
        await first.engine.close()  # before anybody was told
    async with server(tmp_path, runtimes()) as second:
        assert (await asyncio.wait_for(second.ended(run.id), 60))[1] == {"r": 7}


async def test_canceling_closes_the_wait(one: Server) -> None:
    run = await begun(one, flow_of(step("a", "ask", suspend=APPROVAL), step("b", "one")))
    await waits(one, run)
    assert await one.engine.cancel(run.id, "ann", "enough")
    row, result = await asyncio.wait_for(one.ended(run.id), 60)
    assert (row.status, result["error"]["name"]) == ("canceled", "Canceled")
    (wait,) = await one.store.database.read(lambda c: one.store.approvals.of_run(c, run.id))
    assert wait.status == "canceled"
