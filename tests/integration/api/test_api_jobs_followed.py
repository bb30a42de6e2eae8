"""What is to be known of a job while it runs and afterwards; canceling and deleting it."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest

from flowapp.access.person import Person
from flowapp.store import cancels
from flowapp.store.runs import job_id
from tests.integration.api.api_jobs import W, deployed, got, run_of, started, stored_script
from tests.integration.api.api_server import CHAIN, Server


class TestFollowing:
    async def test_all_four_keys_are_always_there(self, server: Server) -> None:
        await deployed(server)
        server.engine.hold = True
        job = await started(server, "run/f/f/team/chain")
        where = f"jobs_u/completed/get_result_maybe/{job}"
        assert await got(server, where) == {"started": None, "completed": False, "success": None, "result": None}
        assert (await got(server, f"{where}?get_started=true"))["started"] is False
        await server.engine.begin(job, "a")
        assert (await got(server, f"{where}?get_started=true"))["started"] is True
        await server.engine.finish(job)
        assert await got(server, where) == {"started": None, "completed": True, "success": True, "result": None}
        assert await got(server, f"jobs_u/completed/get_result_maybe/{uuid.uuid4()}", 404)

    async def test_what_is_not_over_has_no_result(self, server: Server) -> None:
        await deployed(server)
        server.engine.hold = True
        job = await started(server, "run/f/f/team/chain")
        for where in ("completed/get", "completed/get_result"):
            assert "not over" in await got(server, f"jobs_u/{where}/{job}", 404)

    async def test_steps_are_jobs(self, server: Server) -> None:
        await deployed(server)
        server.engine.answers = {"a": [1], "b": 2}
        job = await started(server, "run/f/f/team/chain", {"n": 1})
        step = job_id(job, "a")
        found = await got(server, f"jobs_u/get/{step}")
        assert (found["type"], found["parent_job"], found["is_flow_step"]) == ("CompletedJob", job, True)
        assert (found["result"], found["script_path"], found["root_job"]) == ([1], "f/team/chain/a", job)
        assert found["raw_code"].startswith("def main(n: int)")
        assert await got(server, f"jobs_u/get_root_job_id/{step}") == job
        assert await got(server, f"jobs_u/get_root_job_id/{job}") == job
        assert await got(server, f"jobs/result_by_id/{job}/a") == [1]
        assert "no result" in await got(server, f"jobs/result_by_id/{job}/zz", 404)
        logs = await server.client.get(f"{W}/jobs_u/get_logs/{step}")
        assert logs.text == "log of a\n"
        everything = (await server.client.get(f"{W}/jobs_u/get_flow_all_logs/{job}")).text
        assert everything.index("log of a") < everything.index("log of b")

    @pytest.mark.parametrize("where", ["get", "completed/get_result"])
    async def test_who_asks_is_found_out_once(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        await deployed(server)
        job = await started(server, "run/f/f/team/chain", {"n": 1})
        sessions, asked = server.workspace.sessions, []
        real = sessions.person

        async def counted(token: str) -> Person | None:
            asked.append(token)
            return await real(token)

        monkeypatch.setattr(sessions, "person", counted)
        assert (await server.client.get(f"{W}/jobs_u/{where}/{job}")).status_code == 200
        assert len(asked) == 1
        assert (await server.make_client().get(f"{W}/jobs_u/{where}/{job}")).status_code == 401
        assert (await server.client.get(f"/api/w/nowhere/jobs_u/{where}/{job}")).status_code == 404

    async def test_a_step_that_has_just_begun_is_found(self, server: Server) -> None:
        await deployed(server)
        server.engine.hold = True
        job = await started(server, "run/f/f/team/chain")
        await server.engine.begin(job, "a")  # no row is stored for it yet
        found = await got(server, f"jobs_u/get/{job_id(job, 'a')}")
        assert (found["type"], found["running"], found["parent_job"]) == ("QueuedJob", True, job)
        status = (await got(server, f"jobs_u/get/{job}"))["flow_status"]
        assert [module["type"] for module in status["modules"]] == ["InProgress", "WaitingForPriorSteps"]

    async def test_the_flow_status_is_there_from_the_start(self, server: Server) -> None:
        await deployed(server)
        server.engine.hold = True
        job = await started(server, "run/f/f/team/chain")
        status = (await got(server, f"jobs_u/get/{job}"))["flow_status"]
        assert status["step"] == 0
        assert status["modules"] == [{"type": "WaitingForPriorSteps", "id": step} for step in "ab"]
        assert status["failure_module"]["type"] == "WaitingForPriorSteps"
        await server.engine.finish(job)
        status = (await got(server, f"jobs_u/get/{job}"))["flow_status"]
        assert (status["step"], [module["type"] for module in status["modules"]]) == (2, ["Success"] * 2)
        assert [module["job"] for module in status["modules"]] == [job_id(job, step) for step in "ab"]

    async def test_updates_wait_for_news(self, server: Server) -> None:
        await deployed(server)
        server.engine.hold = True
        job = await started(server, "run/f/f/team/chain")
        loop = asyncio.get_running_loop()
        before = loop.time()
        quiet = await got(server, f"jobs_u/getupdate/{job}?running=false")
        assert 0.1 <= loop.time() - before < 2
        assert (quiet["completed"], quiet["running"], quiet["new_logs"]) == (False, False, None)
        await server.engine.finish(job)
        over = await got(server, f"jobs_u/getupdate/{job}?running=false")
        assert over["completed"] is True

    async def test_offsets_count_utf_16(self, server: Server) -> None:
        digest = await stored_script(server)
        server.engine.hold = True
        job = await started(server, f"run/h/{digest}")
        store = server.workspace.store
        await server.engine.begin(job, "a")
        text = "a😀b😀\n"
        await store.database.write(lambda c: store.logs.append(c, job, "a", 1, 0, text, "test"))
        first = await got(server, f"jobs_u/getupdate/{job}?running=true&log_offset=0")
        assert (first["new_logs"], first["log_offset"]) == (text, 7)
        for offset, rest in ((1, "😀b😀\n"), (3, "b😀\n"), (4, "😀\n"), (6, "\n")):
            found = await got(server, f"jobs_u/getupdate/{job}?running=true&log_offset={offset}")
            assert (found["new_logs"], found["log_offset"]) == (rest, 7), offset
        more = "next 😀\n"
        await store.database.write(lambda c: store.logs.append(c, job, "a", 1, len(text), more, "test"))
        found = await got(server, f"jobs_u/getupdate/{job}?running=true&log_offset=7")
        assert (found["new_logs"], found["log_offset"]) == (more, 15)

    async def test_server_sent_updates_end_with_the_job(self, server: Server) -> None:
        await deployed(server)
        server.engine.answers = {"a": 1, "b": {"x": 2}}
        job = await started(server, "run/f/f/team/chain")
        lines = (await server.client.get(f"{W}/jobs_u/getupdate_sse/{job}?only_result=true")).text.split("\n\n")
        last = json.loads(lines[-2].removeprefix("data: "))
        assert (last["type"], last["completed"], last["only_result"]) == ("update", True, {"x": 2})


class TestCanceling:
    async def test_with_all_that_it_started(self, server: Server) -> None:
        await deployed(server)
        await stored_script(server)
        server.engine.hold = True
        top = await started(server, "run/f/f/team/chain")
        await server.engine.begin(top, "a")
        by_run = await started(server, f"run/p/f/team/tool?parent_job={top}&root_job={top}")
        below = await started(server, f"run/f/f/team/chain?parent_job={by_run}&root_job={top}")
        other = await started(server, "run/f/f/team/chain")
        answer = await server.client.post(f"{W}/jobs_u/queue/cancel/{job_id(top, 'a')}", json={"reason": "enough"})
        assert (answer.status_code, answer.text) == (200, top)
        assert server.engine.cancelled == [top, by_run, below]
        assert (await run_of(server, other)).status == "queued"
        found = await got(server, f"jobs_u/get/{top}")
        assert (found["canceled"], found["canceled_by"], found["canceled_reason"]) == (True, "admin", "enough")
        assert found["success"] is False and found["result"]["error"]["name"] == "Canceled"

    async def test_a_job_that_is_being_canceled_starts_nothing_more(self, server: Server) -> None:
        await deployed(server)
        await stored_script(server)
        server.engine.hold = True
        top = await started(server, "run/f/f/team/chain")
        await server.engine.begin(top, "a")
        store = server.workspace.store
        row = await run_of(server, top)
        token = await server.workspace.sessions.job_tokens.issue(row, job_id(top, "a"), 60)
        await store.database.write(lambda c: cancels.mark(c, top, "ann", "enough"))
        job = server.make_client({"authorization": f"Bearer {token}"})
        for of_it, by in ((f"?parent_job={job_id(top, 'a')}", "ann"), ("", None)):
            answer = await job.post(f"{W}/jobs/run/p/f/team/tool{of_it}", json={})
            assert answer.status_code == 201, answer.text
            assert (await run_of(server, answer.text)).canceled_by == by

    async def test_what_a_script_runs_belongs_to_the_root_flow(self, server: Server) -> None:
        await deployed(server)
        await stored_script(server)
        top = await started(server, "run/f/f/team/chain")
        child = await started(server, f"run/p/f/team/tool?parent_job={job_id(top, 'a')}&root_job={top}")
        assert await got(server, f"jobs_u/get_root_job_id/{child}") == top
        assert (await got(server, f"jobs_u/get/{child}"))["parent_job"] == job_id(top, "a")
        alone = await started(server, "run/p/f/team/tool")
        assert await got(server, f"jobs_u/get_root_job_id/{alone}") == alone

    async def test_several(self, server: Server) -> None:
        await deployed(server)
        done = await started(server, "run/f/f/team/chain")
        server.engine.hold = True
        jobs = [await started(server, "run/f/f/team/chain") for _ in range(2)]
        wanted = [*jobs, done, str(uuid.uuid4()), "nonsense"]
        answer = await server.client.post(f"{W}/jobs/queue/cancel_selection", json=wanted)
        assert answer.json() == jobs
        refused = await server.client.post(f"{W}/jobs/queue/cancel_selection", json={"ids": jobs})
        assert refused.status_code == 400


class TestStates:
    async def test_a_flow_keeps_values_while_it_runs(self, server: Server) -> None:
        await deployed(server)
        server.engine.hold = True
        job = await started(server, "run/f/f/team/chain")
        where = f"{W}/jobs/flow/user_states/{job}/count"
        assert await got(server, where.removeprefix(W + "/")) is None
        values: tuple[Any, ...] = (0, False, [], "", {"a": 1}, None)
        for value in values:
            assert (await server.client.post(where, json=value)).status_code == 200
            assert await got(server, where.removeprefix(W + "/")) == value
        assert (await server.client.post(where, json=3)).status_code == 200
        assert (await got(server, f"jobs_u/get/{job}"))["flow_status"]["user_states"] == {"count": 3}
        headers = {"content-type": "application/json"}
        assert (await server.client.post(where, content=b"", headers=headers)).status_code == 200
        assert await got(server, where.removeprefix(W + "/")) is None

    async def test_only_flows_do(self, server: Server) -> None:
        await stored_script(server)
        job = await started(server, "run/p/f/team/tool")
        for missing in (job, str(uuid.uuid4()), "NO_ID"):
            where = f"{W}/jobs/flow/user_states/{missing}/k"
            assert (await server.client.get(where)).status_code == 404
            assert (await server.client.post(where, json=1)).status_code == 404

    async def test_the_cells_of_a_draft_share_them(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await server.notebook(draft))["cells"][0]["id"]
        first = (await server.run(draft, cell))["run_id"]
        await server.client.post(f"{W}/jobs/flow/user_states/{first}/k", json="kept")
        second = (await server.run(draft, cell))["run_id"]
        assert await got(server, f"jobs/flow/user_states/{second}/k") == "kept"

    async def test_progress(self, server: Server) -> None:
        digest = await stored_script(server)
        server.engine.hold = True
        job = await started(server, f"run/h/{digest}")
        assert await got(server, f"job_metrics/get_progress/{job}") is None
        answer = await server.client.post(
            f"{W}/job_metrics/set_progress/{job}", json={"percent": 40, "flow_job_id": None}
        )
        assert answer.status_code == 200
        assert await got(server, f"job_metrics/get_progress/{job}") == 40
        assert (
            await server.client.post(f"{W}/job_metrics/set_progress/{job}", json={"percent": 400})
        ).status_code == 400
        assert await got(server, f"jobs/worker_is_draining/{job}") is False


class TestDeleting:
    async def test_takes_what_was_kept_and_leaves_the_row(self, server: Server) -> None:
        await deployed(server)
        server.engine.answers = {"a": 1, "b": "secret result"}
        job = await started(server, "run/f/f/team/chain", {"n": 1})
        developer = await server.person("dora", "developer")
        where = f"{W}/jobs/completed/delete/{job}"
        assert (await developer.post(where)).status_code == 403
        answer = await server.client.post(where)
        assert (answer.json()["deleted"], answer.json()["result"]) == (True, "secret result")
        found = await got(server, f"jobs_u/get/{job}")
        assert (found["success"], found["result"], found["args"], found["deleted"]) == (True, None, {}, True)
        maybe = await got(server, f"jobs_u/completed/get_result_maybe/{job}")
        assert maybe == {"started": None, "completed": True, "success": True, "deleted": True, "result": None}
        for gone in (f"jobs_u/completed/get_result/{job_id(job, 'a')}", f"jobs/result_by_id/{job}/b"):
            assert "were deleted after it ended" in await got(server, gone, 410)
        assert "arguments of this run were deleted" in await started(
            server, f"restart/f/{job}", {"step_id": "a"}, status=400
        )
        assert (await server.client.get(f"{W}/jobs_u/get_logs/{job_id(job, 'a')}")).text == ""


async def test_starting_and_following_in_one_answer(server: Server) -> None:
    await deployed(server)
    digest = await stored_script(server)
    server.engine.answers = {"a": {"x": 1}, "b": {"x": 2}}
    for where, result in (("f/f/team/chain", {"x": 2}), ("p/f/team/tool", {"x": 1}), (f"h/{digest}", {"x": 1})):
        answer = await server.client.post(f"{W}/jobs/run_and_stream/{where}", json={"n": 3})
        assert answer.headers["content-type"].startswith("text/event-stream")
        last = json.loads(answer.text.split("\n\n")[-2].removeprefix("data: "))
        assert (last["completed"], last["only_result"]) == (True, result)
        assert (await got(server, f"jobs_u/get/{answer.headers['x-job-id']}"))["args"] == {"n": 3}
    assert (await server.client.get(f"{W}/jobs/run_and_stream/f/f/team/none")).status_code == 404
