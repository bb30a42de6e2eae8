"""Run out of date, while cells are at work: what does not wait for them starts, the rest starts after them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from flowapp.access.identity import Identity
from tests.integration.api.api_cells import ids, kinds
from tests.integration.api.api_server import Server, flow_of, js, script

ADDS = "def main(n: int):\n    return n + 1\n"
#: b reads a, c reads b; x reads nothing.
FLOW = flow_of(
    script("a", "def main():\n    return 1\n"),
    script("b", ADDS, n=js("results.a")),
    script("c", ADDS, n=js("results.b")),
    script("x", "def main():\n    return 5\n"),
)


async def begun(server: Server) -> tuple[str, dict[str, str], str]:
    """A draft in which a is running: the draft, its cells, the run."""
    draft = await server.draft(FLOW)
    cell = await ids(server, draft)
    server.engine.answers = {"a": 1, "b": 2, "c": 3, "x": 5}
    server.engine.hold = True
    run = await server.run(draft, cell["a"])
    await server.engine.begin(run["run_id"], "a")
    return draft, cell, str(run["run_id"])


async def stale(server: Server, draft: str, **more: Any) -> dict[str, Any]:
    return dict(await server.run(draft, mode="stale", **more))


async def next_run(server: Server, count: int) -> str:
    """The run with which so many have started; one that does not come ends the test."""
    async with asyncio.timeout(30):
        while len(server.engine.started) < count:
            await asyncio.sleep(0.01)
    return server.engine.started[count - 1]


async def runs(server: Server) -> list[dict[str, Any]]:
    return list((await server.client.get("/api/w/main/runs")).json())


async def quiet(server: Server) -> None:
    """Nothing is done in the background any more."""
    async with asyncio.timeout(30):
        while [task for task in asyncio.all_tasks() if "waited" in task.get_name()]:
            await asyncio.sleep(0.01)


async def test_what_is_independent_runs_at_once_and_the_rest_after_what_runs(server: Server) -> None:
    draft, cell, first = await begun(server)
    answer = await stale(server, draft)
    assert answer["plan"] == {"run": [cell["x"]], "given": [], "later": [cell["a"], cell["b"], cell["c"]]}
    assert await kinds(server, draft) == {"a": "running", "b": "queued", "c": "queued", "x": "queued"}
    await server.engine.finish(answer["run_id"])
    assert len(server.engine.started) == 2  # a is still at work
    await server.engine.finish(first)
    last = await next_run(server, 3)
    await server.engine.finish(last)
    assert await kinds(server, draft) == dict.fromkeys("abcx", "fresh")
    (run,) = [one for one in await runs(server) if one["id"] == last]
    assert run["summary"].endswith("b, c")  # a was current


async def test_where_all_waits_the_run_at_work_is_named(server: Server) -> None:
    draft, cell, first = await begun(server)
    server.engine.hold = True
    x = await server.run(draft, cell["x"])
    await server.engine.finish(x["run_id"])
    answer = await stale(server, draft, ops=[{"op": "set_title", "cell": cell["b"], "title": "Second"}])
    assert (answer["run_id"], answer["plan"]["run"]) == (first, [])
    assert (await server.notebook(draft))["cells"][1]["title"] == "Second"
    again = await stale(server, draft, status=409)
    assert again["error"]["message"] == "a, b, c is running already."
    await server.engine.finish(first)
    await server.engine.finish(await next_run(server, 3))
    assert (await kinds(server, draft))["c"] == "fresh"


async def test_a_cell_that_is_changed_while_it_runs_runs_again(server: Server) -> None:
    draft, cell, first = await begun(server)
    await server.edit(draft, {"op": "set_code", "cell": cell["a"], "code": "def main():\n    return 7\n"})
    await stale(server, draft)
    await server.engine.finish(first)
    last = await next_run(server, 3)
    await server.engine.finish(last)
    assert set((await kinds(server, draft)).values()) <= {"fresh", "queued"}
    (run,) = [one for one in await runs(server) if one["id"] == last]
    assert run["summary"].endswith("a, b, c")


async def test_after_a_failure_what_reads_from_it_does_not_run(server: Server) -> None:
    draft, _, first = await begun(server)
    answer = await stale(server, draft)
    await server.engine.finish(answer["run_id"])
    server.engine.failing = {"a": {"name": "ValueError", "message": "no"}}
    await server.engine.finish(first)
    await quiet(server)
    assert await kinds(server, draft) == {"a": "failed", "b": "blocked", "c": "blocked", "x": "fresh"}
    assert len(server.engine.started) == 2


async def test_canceling_takes_what_waits_too(server: Server) -> None:
    draft, cell, first = await begun(server)
    await server.engine.finish(first)
    server.engine.hold = True
    again = await server.run(draft, cell["a"])  # its last result stays when it is canceled
    await server.engine.begin(again["run_id"], "a")
    answer = await stale(server, draft)
    cancelled = await server.post(draft, "cancel", {})
    assert set(cancelled["cancelled"]) == {again["run_id"], answer["run_id"]}
    await quiet(server)
    states = await kinds(server, draft)
    assert (states["b"], states["c"]) == ("never", "never")
    assert len(server.engine.started) == 3


async def test_a_cancel_stops_what_was_just_taken_up(server: Server) -> None:
    draft, _, first = await begun(server)
    answer = await stale(server, draft)
    await server.engine.finish(answer["run_id"])
    opened = server.workspace.observer._drafts.peek(draft)
    assert opened is not None
    async with opened.lock:  # what waited is taken up when a ends, and cannot start yet
        await server.engine.finish(first)
        await asyncio.sleep(0)
        canceling = asyncio.create_task(server.post(draft, "cancel", {}))
        await asyncio.sleep(0.2)
    await canceling
    await quiet(server)
    assert len(server.engine.started) == 2
    assert (await kinds(server, draft))["b"] == "never"


async def test_what_reads_a_pinned_cell_too_follows(server: Server) -> None:
    p = {**script("p", "def main():\n    return 4\n"), "mock": {"enabled": True, "return_value": 4}}
    draft = await server.draft(
        flow_of(script("a", "def main():\n    return 1\n"), p, script("c", ADDS, n=js("results.a + results.p")))
    )
    cell = await ids(server, draft)
    server.engine.answers, server.engine.hold = {"a": 1, "p": 4, "c": 6}, True
    run = await server.run(draft, cell["a"])
    await server.engine.begin(run["run_id"], "a")
    assert (await kinds(server, draft))["p"] == "pinned"
    answer = await stale(server, draft)
    assert (answer["run_id"], answer["plan"]["run"]) == (run["run_id"], [])  # p by itself would be for nothing
    await server.engine.finish(run["run_id"])
    await server.engine.finish(await next_run(server, 2))
    assert (await kinds(server, draft))["c"] == "fresh"


async def test_a_loop_of_which_one_iteration_runs_by_itself_follows_whole(server: Server) -> None:
    body = [script("b", ADDS, n=js("flow_input.iter.value"))]
    loop = {"id": "l", "value": {"type": "forloopflow", "iterator": js("[1, 2]"), "modules": body}}
    draft = await server.draft(flow_of(loop, script("d", "def main(n: list):\n    return n\n", n=js("results.l"))))
    cell = await ids(server, draft)
    server.engine.hold = True
    run = await server.run(draft, cell["l"], iteration=1)
    answer = await stale(server, draft)
    assert (answer["run_id"], answer["plan"]["later"]) == (run["run_id"], [cell["l"], cell["d"]])
    await server.engine.finish(run["run_id"])
    await next_run(server, 2)


async def test_nothing_follows_for_somebody_who_has_left(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    draft, _, first = await begun(server)
    answer = await stale(server, draft)
    await server.engine.finish(answer["run_id"])
    sessions = server.workspace.sessions
    named = sessions.identity_named

    async def left(username: str, workspace: str, job: str = "") -> Identity:
        return replace(await named(username, workspace, job), role="none")

    monkeypatch.setattr(sessions, "identity_named", left)
    await server.engine.finish(first)
    await quiet(server)
    assert len(server.engine.started) == 2
    states = await kinds(server, draft)
    assert (states["b"], states["c"]) == ("never", "never")
