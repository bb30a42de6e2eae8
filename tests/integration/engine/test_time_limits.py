"""Time limits that end while the run rests: what waits inside is ended with them."""

from __future__ import annotations

from pathlib import Path

from tests.integration.engine.harness import FakeRuntimes, flow_of, server, step


async def test_a_loop_whose_time_is_over_asks_nobody_any_more(tmp_path: Path) -> None:
    runtimes = FakeRuntimes({"one": lambda job, log: 1})
    asks = step("a", "one", suspend={"required_events": 1})
    body = {"type": "forloopflow", "iterator": {"type": "static", "value": [1]}, "modules": [asks, step("b", "one")]}
    loop = {"id": "l", "value": body, "timeout": 1, "continue_on_error": True}
    async with server(tmp_path, runtimes) as made:
        run, value = await made.run(flow_of(loop, step("e", "one")))
        assert (run.status, value) == ("success", 1)
        assert run.segment > 1
        waits = await made.store.database.read(lambda c: made.store.approvals.of_run(c, run.id))
        assert [(wait.path, wait.status) for wait in waits] == [("l[0].a", "canceled")]


async def test_a_flow_has_a_time_too(tmp_path: Path) -> None:
    runtimes = FakeRuntimes({"one": lambda job, log: 1})
    asks = step("a", "one", suspend={"required_events": 1})
    async with server(tmp_path, runtimes) as made:
        run, value = await made.run({**flow_of(asks, step("b", "one"), failure_module=step("f", "one")), "timeout": 1})
        assert run.status == "failure"
        assert value["error"]["name"] == "Timeout"
        waits = await made.store.database.read(lambda c: made.store.approvals.of_run(c, run.id))
        assert [wait.status for wait in waits] == ["canceled"]
