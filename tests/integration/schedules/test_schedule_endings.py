"""What is asked before a schedule's run, and what is started after it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.schedules.scheduling import ADMIN, PATH, Scheduling, step
from tests.integration.schedules.scheduling_made import FLOW, made

__all__ = ["made"]


class TestConditions:
    @pytest.fixture
    def store_url(self) -> str:
        """One database is enough here."""
        return ""

    async def test_no_overlap(self, made: Scheduling) -> None:
        go_on = asyncio.Event()

        async def wait(job: Any, log: Any) -> str:
            await go_on.wait()
            return "done"

        made.runtimes.leaves["wait"] = wait
        await made.flow(FLOW, step("a", "wait"))
        await made.schedule(script_path=FLOW, no_flow_overlap=True)
        await made.tick()
        await made.tick()
        _first, second = await made.runs(PATH)
        assert (second.status, second.failed) == ("skipped", False)
        go_on.set()
        await made.follow()
        await made.tick()
        third = (await made.runs(PATH))[2]
        assert await made.result(third) == "done"
        assert (await made.row()).failures == 0

    async def test_overlap_where_it_is_allowed(self, made: Scheduling) -> None:
        async def wait(job: Any, log: Any) -> None:
            await asyncio.sleep(0.3)

        made.runtimes.leaves["wait"] = wait
        await made.flow(FLOW, step("a", "wait"))
        await made.schedule(script_path=FLOW)
        await made.tick()
        await made.tick()
        await made.follow()
        assert [run.status for run in await made.runs(PATH)] == ["success", "success"]

    @pytest.mark.parametrize(("verdict", "status"), [(True, "success"), (False, "skipped"), (None, "skipped")])
    async def test_a_script_may_say_skip(self, made: Scheduling, verdict: Any, status: str) -> None:
        asked: list[str] = []

        def decide(scheduled_for: str) -> Any:
            asked.append(scheduled_for)
            return verdict

        await made.script("f/team/decide", decide)
        await made.schedule(script_path=FLOW, args={"n": 3}, dynamic_skip="f/team/decide")
        moment = await made.tick()
        (run,) = await made.runs(PATH)
        result = await made.result(run)
        await made.follow()
        (run,) = await made.runs(PATH)
        assert run.status == status, result
        assert (run.status, asked) == (status, [moment.strftime("%Y-%m-%dT%H:%M:%SZ")])
        assert result == ({"n": 3} if verdict is True else verdict)
        assert (await made.row()).successes == (1 if verdict is True else 0)

    async def test_a_skip_script_that_fails_is_a_failed_run(self, made: Scheduling) -> None:
        def decide(scheduled_for: str) -> bool:
            raise ValueError("no calendar")

        await made.script("f/team/decide", decide)
        await made.schedule(script_path=FLOW, dynamic_skip="f/team/decide")
        await made.tick()
        await made.follow()
        (run,) = await made.runs(PATH)
        assert run.status == "failure"
        assert (await made.row()).failures == 1

    async def test_retries_of_the_schedule(self, made: Scheduling) -> None:
        tries: list[int] = []

        def shaky(n: int) -> str:
            tries.append(n)
            if len(tries) < 3:
                raise ValueError("not yet")
            return "at last"

        await made.script("f/team/shaky", shaky)
        retry = {"constant": {"attempts": 3, "seconds": 0}}
        await made.schedule(script_path="f/team/shaky", is_flow=False, args={"n": 4}, retry=retry)
        await made.tick()
        (run,) = await made.runs(PATH)
        assert (await made.result(run), tries) == ("at last", [4, 4, 4])


class TestHandlers:
    async def calls(self, made: Scheduling, outcomes: str, **options: Any) -> list[dict[str, Any]]:
        """What handlers were told over runs that fail (F) and succeed (S)."""
        told: list[dict[str, Any]] = []
        turn = iter(outcomes)

        def work() -> str:
            if next(turn) == "F":
                raise ValueError("broken")
            return "fine"

        async def handler(**args: Any) -> None:
            told.append(args)

        await made.script("f/team/work", work)
        await made.script("f/team/handler", handler)
        await made.schedule(script_path="f/team/work", is_flow=False, **options)
        for _ in outcomes:
            await made.tick()
            await made.follow()
            await made.follow()
        return told

    async def test_on_failure(self, made: Scheduling) -> None:
        more = {"channel": "#ops"}
        (told,) = await self.calls(made, "F", on_failure="script/f/team/handler", on_failure_extra_args=more)
        (run, _) = await made.runs()
        assert told["error"]["message"] == "broken"
        assert told == {
            **told,
            "path": "f/team/work",
            "is_flow": False,
            "schedule_path": PATH,
            "workspace_id": "main",
            "job_id": run.id,
            "started_at": run.started_at,
            "failed_times": 1,
            "channel": "#ops",
        }

    async def test_on_failure_after_some_in_a_row(self, made: Scheduling) -> None:
        told = await self.calls(made, "FFSFFF", on_failure="f/team/handler", on_failure_times=2)
        assert [each["failed_times"] for each in told] == [2, 2, 3]

    async def test_on_failure_exactly_then(self, made: Scheduling) -> None:
        options = {"on_failure": "f/team/handler", "on_failure_times": 2, "on_failure_exact": True}
        told = await self.calls(made, "FFFSFF", **options)
        assert [each["failed_times"] for each in told] == [2, 2]

    async def test_on_recovery(self, made: Scheduling) -> None:
        told = await self.calls(made, "SFSSFFSS", on_recovery="script/f/team/handler", on_recovery_times=2)
        assert [(each["success_times"], each["success_result"]) for each in told] == [(2, "fine"), (2, "fine")]
        assert told[0]["error"]["message"] == "broken"
        assert told[0]["error_started_at"] < told[0]["success_started_at"]

    async def test_on_success_and_recovery_together(self, made: Scheduling) -> None:
        options = {"on_success": "f/team/handler", "on_recovery": "f/team/handler"}
        told = await self.calls(made, "SFS", **options)
        assert "success_times" not in told[0]
        # both of the last tick are at work at once
        assert sorted("success_times" in each for each in told[1:]) == [False, True]

    async def test_a_handler_starts_once_however_often_and_by_whomever_it_is_looked(self, made: Scheduling) -> None:
        told: list[Any] = []
        await made.script("f/team/handler", lambda **args: told.append(args))
        await made.schedule(script_path=FLOW, on_success="f/team/handler")
        await made.tick()
        (run,) = await made.runs()
        await made.engine.finished(run.id)
        follow = made.workspace.duties[1]
        await asyncio.gather(*(follow.look(datetime.now(UTC)) for _ in range(6)))
        await made.follow()
        assert len(told) == 1
        assert await made.ticks() == []
        assert (await made.row()).successes == 1

    async def test_canceled_runs_say_nothing(self, made: Scheduling) -> None:
        async def wait(job: Any, log: Any) -> None:
            await asyncio.sleep(60)

        made.runtimes.leaves["wait"] = wait
        await made.flow(FLOW, step("a", "wait"))
        await made.schedule(script_path=FLOW, on_failure="f/team/none")
        await made.tick()
        (run,) = await made.runs()
        await asyncio.sleep(0.1)
        await made.engine.cancel(run.id, "admin", "")
        await made.follow()
        assert ((await made.row()).failures, await made.ticks()) == (0, [])

    async def test_a_handler_that_is_gone_is_told_on_the_schedule(self, made: Scheduling) -> None:
        await made.schedule(script_path=FLOW, on_success="f/team/none")
        await made.tick()
        await made.follow()
        assert (await made.workspace.schedules.get(ADMIN, PATH))["error"].startswith("on_success: ")
        assert await made.ticks() == []
