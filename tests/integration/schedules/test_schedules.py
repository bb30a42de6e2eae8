"""Schedules on both databases: ticks, missed ticks, rights, conditions, handlers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowapp.access.errors import NotAllowed, NotFound
from flowapp.jsontext import loads
from flowapp.store import identities, schedules
from flowapp.store.clock import text_of
from flowapp.store.tables import MemberRow
from flowapp.workspace.errors import AlreadyThere, BadRequest
from flowapp.workspace.firing import run_id_of
from tests.integration.schedules.scheduling import ADMIN, PATH, Scheduling, arguments, scheduling, step
from tests.integration.schedules.scheduling_made import FLOW, made

__all__ = ["made"]


class TestTicks:
    async def test_a_tick_starts_one_run_and_the_next_is_set(self, made: Scheduling) -> None:
        await made.schedule(script_path=FLOW, args={"n": 7}, tag="gpu", summary="Hourly")
        moment = await made.tick()
        (run,) = await made.runs(PATH)
        assert run.id == run_id_of("main", PATH, moment)
        assert (run.kind, run.path, run.schedule, run.scheduled_for) == ("flow", FLOW, PATH, text_of(moment))
        assert (run.permissioned_as, run.email, run.tag) == ("u/admin", "admin@flowapp.local", "gpu")
        assert loads(run.trigger or "")["kind"] == "schedule"
        assert (await made.row()).next_at == text_of(moment + timedelta(hours=1))

    async def test_the_run_gets_the_schedules_arguments_and_what_it_was_for(self, made: Scheduling) -> None:
        await made.flow(FLOW, step("a", "arguments", {"n": "flow_input.n", "at": "WM_SCHEDULED_FOR"}))
        await made.schedule(script_path=FLOW, args={"n": [1]})
        moment = await made.tick()
        (run,) = await made.runs(PATH)
        assert await made.result(run) == {"n": [1], "at": text_of(moment)}
        (job,) = made.runtimes.jobs
        assert job.env["WM_SCHEDULE_PATH"] == PATH

    async def test_nothing_before_its_time(self, made: Scheduling) -> None:
        row = await made.schedule(script_path=FLOW)
        await made.look(datetime.fromisoformat(row.next_at or "") - timedelta(seconds=1))
        assert await made.runs() == []

    async def test_a_script_runs_too(self, made: Scheduling) -> None:
        await made.script("f/team/hello", lambda name: f"hello {name}")
        await made.schedule(script_path="f/team/hello", is_flow=False, args={"name": "Ada"})
        await made.tick()
        (run,) = await made.runs(PATH)
        assert (run.kind, await made.result(run)) == ("script", "hello Ada")

    async def test_many_servers_at_once_start_it_once(self, made: Scheduling) -> None:
        row = await made.schedule(script_path=FLOW)
        moment = datetime.fromisoformat(row.next_at or "") + timedelta(seconds=1)
        await asyncio.gather(*(made.look(moment) for _ in range(8)))
        assert len(await made.runs(PATH)) == 1
        assert len(await made.ticks()) == 1

    async def test_a_tick_that_came_before_starts_nothing_again(self, made: Scheduling) -> None:
        await made.schedule(script_path=FLOW)
        moment = await made.tick()
        await made.set_next(moment)
        await made.look(moment + timedelta(seconds=1))
        assert len(await made.runs(PATH)) == 1
        assert (await made.row()).next_at == text_of(moment + timedelta(hours=1))

    async def test_the_latest_of_missed_ticks_is_made_up_for(self, made: Scheduling) -> None:
        await made.schedule(script_path=FLOW)
        start = datetime(2026, 7, 1, tzinfo=UTC)
        await made.set_next(start)
        await made.look(start + timedelta(hours=5, minutes=30))
        (run,) = await made.runs(PATH)
        assert run.scheduled_for == text_of(start + timedelta(hours=5))
        assert loads(run.trigger or "")["missed"] == 5
        assert (await made.row()).next_at == text_of(start + timedelta(hours=6))

    async def test_disabled_and_enabled(self, made: Scheduling) -> None:
        row = await made.schedule(script_path=FLOW)
        await made.workspace.schedules.set_enabled(ADMIN, PATH, False)
        assert (await made.row()).next_at is None
        await made.look(datetime.fromisoformat(row.next_at or "") + timedelta(days=1))
        assert await made.runs() == []
        await made.workspace.schedules.set_enabled(ADMIN, PATH, True)
        assert (await made.row()).next_at == row.next_at

    async def test_paused(self, made: Scheduling) -> None:
        until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
        row = await made.schedule(script_path=FLOW, paused_until=until.isoformat())
        assert row.next_at == text_of(until)

    async def test_changed_while_it_was_due_it_follows_the_change(self, made: Scheduling) -> None:
        row = await made.schedule(script_path=FLOW)
        body = {"schedule": "0 30 4 * * *", "timezone": "Europe/Paris", "args": {"n": 2}}
        await made.workspace.schedules.update(ADMIN, PATH, body)
        assert not await made.store.database.write(lambda c: schedules.claim(c, row, None))
        changed = await made.row()
        assert (changed.schedule, changed.timezone, loads(changed.args)) == ("0 30 4 * * *", "Europe/Paris", {"n": 2})
        assert changed.next_at != row.next_at

    async def test_the_timer_does_it_by_itself(self, tmp_path: Path) -> None:
        async with scheduling(tmp_path, timer=True) as server:
            server.runtimes.leaves["arguments"] = arguments
            await server.flow(FLOW, step("a", "arguments", {}))
            await server.schedule(script_path=FLOW, schedule="* * * * * *")
            await asyncio.sleep(3.3)
            await server.workspace.schedules.set_enabled(ADMIN, PATH, False)
            runs = await server.runs(PATH)
            assert 2 <= len(runs) <= 4
            for run in runs:
                assert run.started_at is not None
                assert run.scheduled_for is not None
                late = datetime.fromisoformat(run.started_at) - datetime.fromisoformat(run.scheduled_for)
                assert late < timedelta(seconds=0.5)
            await asyncio.sleep(1.2)
            assert (await server.row()).successes >= len(runs) - 1


class TestRights:
    @pytest.fixture
    def store_url(self) -> str:
        """One database is enough here."""
        return ""

    async def test_it_runs_with_the_present_rights_of_its_person(self, made: Scheduling) -> None:
        dora = await made.person("dora", "developer")
        await made.schedule(identity=dora, script_path=FLOW)
        await made.tick()
        assert [run.permissioned_as for run in await made.runs(PATH)] == ["u/dora"]
        member = MemberRow(workspace="main", email=dora.email, role="viewer")
        await made.store.database.write(lambda c: identities.set_member(c, member))
        await made.tick()
        run = (await made.runs(PATH))[-1]
        assert run.status == "failure"
        assert "cannot do this" in (await made.result(run))["error"]["message"]
        shown = await made.workspace.schedules.get(ADMIN, PATH)
        assert "cannot do this" in shown["error"]

    async def test_a_person_who_left_and_somebody_who_takes_over(self, made: Scheduling) -> None:
        dora = await made.person("dora", "developer")
        await made.schedule(identity=dora, script_path=FLOW)
        member = MemberRow(workspace="main", email=dora.email, role="none")
        await made.store.database.write(lambda c: identities.set_member(c, member))
        await made.tick()
        (failed,) = await made.runs(PATH)
        assert (await made.result(failed))["error"]["message"].startswith("u/dora is not a member")
        row = await made.row()
        await made.workspace.schedules.update(ADMIN, PATH, {"schedule": row.schedule, "timezone": row.timezone})
        assert (await made.row()).permissioned_as == "u/admin"
        await made.set_next(datetime.fromisoformat(row.next_at or ""))
        await made.tick()
        assert (await made.runs(PATH))[-1].permissioned_as == "u/admin"
        assert "error" not in await made.workspace.schedules.get(ADMIN, PATH)

    async def test_a_flow_that_is_gone_is_a_failed_run(self, made: Scheduling) -> None:
        await made.script("f/team/alarm", lambda **told: told)
        await made.schedule(script_path="f/team/gone", on_failure="script/f/team/alarm")
        await made.tick()
        await made.follow()
        failed, alarm = await made.runs()
        assert (failed.status, failed.schedule) == ("failure", PATH)
        assert (await made.result(alarm))["path"] == "f/team/gone"

    async def test_who_may_not_run_it_may_not_schedule_it(self, made: Scheduling) -> None:
        dora = await made.person("dora", "developer")
        olaf = await made.person("olaf", "operator")
        for named in ({"script_path": "u/admin/own"}, {"script_path": FLOW, "on_failure": "script/u/admin/own"}):
            with pytest.raises(NotFound):
                await made.schedule(identity=dora, **named)
        with pytest.raises(NotAllowed):
            await made.schedule(identity=olaf, script_path=FLOW)
        await made.schedule("u/admin/mine", script_path=FLOW)
        assert await made.workspace.schedules.listing(dora) == []
        assert await made.workspace.schedules.exists(dora, "u/admin/mine") is False
        with pytest.raises(NotFound):
            await made.workspace.schedules.set_enabled(dora, "u/admin/mine", False)
        with pytest.raises(NotFound):
            await made.workspace.schedules.delete(dora, "u/admin/mine")
        await made.schedule(script_path=FLOW)
        with pytest.raises(NotAllowed):
            await made.workspace.schedules.update(olaf, PATH, {"schedule": "* * * * *", "timezone": "UTC"})
        assert [each["path"] for each in await made.workspace.schedules.listing(olaf)] == [PATH]


class TestShapes:
    @pytest.fixture
    def store_url(self) -> str:
        """One database is enough here."""
        return ""

    async def test_what_was_stored_comes_back_as_it_was(self, made: Scheduling) -> None:
        given = {
            "schedule": "0 0 12 * * *",
            "timezone": "Europe/Paris",
            "script_path": FLOW,
            "is_flow": True,
            "enabled": False,
            "args": {"n": 1},
            "summary": "",
            "no_flow_overlap": True,
            "on_failure": None,
            "retry": {"constant": {"attempts": 1, "seconds": 2}},
            "labels": ["x"],
        }
        await made.workspace.schedules.create(ADMIN, {"path": PATH, "email": "evil@x", "error": "?", **given})
        shown = await made.workspace.schedules.get(ADMIN, PATH)
        about = {"path", "workspace_id", "edited_by", "edited_at", "email", "permissioned_as", "extra_perms", "next_at"}
        assert {name: value for name, value in shown.items() if name not in about} == given
        assert (shown["email"], shown["permissioned_as"], shown["next_at"]) == ("admin@flowapp.local", "u/admin", None)

    async def test_update_replaces_but_keeps_what_it_runs(self, made: Scheduling) -> None:
        await made.schedule(script_path=FLOW, summary="old", tag="x")
        body = {"schedule": "0 0 1 * * *", "timezone": "UTC", "script_path": "f/other/x", "enabled": False, "args": {}}
        await made.workspace.schedules.update(ADMIN, PATH, body)
        shown = await made.workspace.schedules.get(ADMIN, PATH)
        assert (shown["script_path"], shown["enabled"]) == (FLOW, True)
        assert "summary" not in shown
        assert "tag" not in shown

    async def test_lists(self, made: Scheduling) -> None:
        await made.script("f/team/hello", lambda: 1)
        for number in range(3):
            await made.schedule(f"f/team/s{number}", script_path=FLOW)
        await made.schedule("f/other/s", script_path="f/team/hello", is_flow=False)
        listing = made.workspace.schedules.listing
        assert [each["path"] for each in await listing(ADMIN, per_page=2)] == ["f/other/s", "f/team/s0"]
        assert [each["path"] for each in await listing(ADMIN, page=2, per_page=3)] == ["f/team/s2"]
        assert [each["path"] for each in await listing(ADMIN, runs="f/team/hello")] == ["f/other/s"]
        assert len(await listing(ADMIN, is_flow=True, path_start="f/team/")) == 3
        await made.schedule("f/team/s3", script_path=FLOW, schedule="0 0 0 29 2 *")
        await made.tick("f/team/s1")
        await made.follow()
        shown = {each["path"]: each["jobs"] for each in await listing(ADMIN, with_jobs=True)}
        assert [job["success"] for job in shown["f/team/s1"]] == [True]
        assert shown["f/team/s3"] == []

    async def test_a_path_is_taken_once_and_free_again(self, made: Scheduling) -> None:
        await made.schedule(script_path=FLOW)
        with pytest.raises(AlreadyThere):
            await made.schedule(script_path=FLOW)
        await made.tick()
        await made.workspace.schedules.delete(ADMIN, PATH)
        assert await made.ticks() == []
        await made.schedule(script_path=FLOW)
        with pytest.raises(NotFound):
            await made.workspace.schedules.get(ADMIN, "f/team/none")

    async def test_what_cannot_be_is_refused(self, made: Scheduling) -> None:
        for wrong in WRONG:
            with pytest.raises(BadRequest):
                await made.schedule(**{"script_path": FLOW, **wrong})
        assert await made.workspace.schedules.listing(ADMIN) == []


WRONG: list[dict[str, Any]] = [
    {"schedule": "nonsense"},
    {"schedule": None},
    {"timezone": "Mars"},
    {"timezone": ""},
    {"path": "no/path"},
    {"path": "f/team/../x"},
    {"path": 3},
    {"script_path": "/etc/passwd"},
    {"is_flow": "yes"},
    {"enabled": "no"},
    {"args": [1]},
    {"on_failure_times": 0},
    {"on_failure_times": 1.5},
    {"on_failure_times": True},
    {"on_recovery": 3},
    {"on_recovery": "script/"},
    {"retry": "often"},
    {"paused_until": "soon"},
    {"dynamic_skip": "../x"},
    {"cron_version": "v7"},
    {"no_flow_overlap": "yes"},
]
