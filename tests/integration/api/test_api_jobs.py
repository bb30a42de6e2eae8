"""The job API in the shape that OpenFlow's clients know, over a scripted engine."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from flowapp.access.identity import Identity
from flowapp.access.policy import Allowed, decide
from flowapp.store import jobs, scripts
from flowapp.store.clock import now
from flowapp.store.jobs import JobFilter
from flowapp.store.runs import NewRun, job_id
from flowapp.store.tables import RunRow, ScriptRow
from flowapp.workspace import guard
from flowapp.workspace.job_rights import readable
from tests.integration.api.api_server import CHAIN, Server, flow_of, script

W = "/api/w/main"


async def deployed(server: Server, path: str = "f/team/chain", flow: dict[str, Any] | None = None) -> None:
    draft = await server.draft(flow or CHAIN, path=path)
    await server.post(draft, "deploy", {})


async def stored_script(server: Server, path: str = "f/team/tool", **more: Any) -> str:
    row = ScriptRow(
        workspace="main",
        path=path,
        hash="",
        content="def main(n): return n",
        language="python3",
        created_by="admin",
        created_at=now(),
        **more,
    )
    return await server.workspace.store.database.write(lambda c: scripts.add(c, row))


async def started(server: Server, where: str, body: Any = None, status: int = 201) -> str:
    answer = await server.client.post(f"{W}/jobs/{where}", json={} if body is None else body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


async def got(server: Server, where: str, status: int = 200) -> Any:
    answer = await server.client.get(f"{W}/{where}")
    assert answer.status_code == status, answer.text
    return answer.json() if status == 200 else answer.text


async def run_of(server: Server, job: str) -> RunRow:
    run = await server.workspace.store.runs.get(job)
    assert run is not None
    return run


async def args_of(server: Server, job: str) -> Any:
    return await got(server, f"jobs_u/get_args/{job}")


class TestStarting:
    async def test_a_flow_by_path_and_by_version(self, server: Server) -> None:
        await deployed(server)
        server.engine.answers = {"a": 1, "b": 2}
        job = await started(server, "run/f/f/team/chain", {"n": 3})
        found = await got(server, f"jobs_u/get/{job}")
        assert (found["type"], found["job_kind"], found["success"], found["result"]) == (
            "CompletedJob",
            "flow",
            True,
            2,
        )
        assert found["args"] == {"n": 3}
        assert found["script_path"] == "f/team/chain"
        version = (await got(server, "flows/get/f/team/chain"))["version_id"]
        again = await started(server, f"run/fv/{version}", {"n": 3})
        assert (await run_of(server, again)).path == "f/team/chain"
        assert "no such flow" in await started(server, "run/fv/999999", status=404)

    async def test_a_script_by_path_and_by_hash_is_a_flow_of_one_step(self, server: Server) -> None:
        digest = await stored_script(server)
        server.engine.answers = {"a": "done"}
        for where in ("run/p/f/team/tool", f"run/h/{digest}"):
            job = await started(server, where, {"n": 1})
            found = await got(server, f"jobs_u/get/{job}")
            assert (found["job_kind"], found["language"], found["script_hash"]) == ("script", "python3", digest)
            assert found["result"] == "done" and "flow_status" not in found and found["logs"] == "log of a\n"
            document = json.loads(await server.workspace.store.values.get_value((await run_of(server, job)).document))
            (module,) = document["value"]["modules"]
            assert module["value"] == {"type": "script", "path": "f/team/tool", "hash": digest, "input_transforms": {}}
            assert module["pass_flow_input_directly"] is True
        assert "no such script" in await started(server, "run/p/f/team/none", status=404)
        assert "no such script" in await started(server, "run/h/0000000000000000", status=404)

    async def test_code_and_a_flow_that_are_stored_nowhere(self, server: Server) -> None:
        server.engine.answers = {"a": 7}
        job = await started(
            server, "run/preview", {"content": "def main(): ...", "language": "python3", "args": {"x": 1}}
        )
        found = await got(server, f"jobs_u/get/{job}")
        assert (found["job_kind"], found["raw_code"], found["args"]) == ("preview", "def main(): ...", {"x": 1})
        value = flow_of(script("a", "def main(): return 7"))["value"]
        job = await started(server, "run/preview_flow", {"value": value, "args": {"y": 2}, "path": "f/team/new"})
        found = await got(server, f"jobs_u/get/{job}")
        assert (found["job_kind"], found["raw_flow"], found["result"]) == ("flowpreview", value, 7)
        refused = await started(server, "run/preview", {"content": "x", "language": "klingon"}, status=400)
        assert "klingon" in refused
        assert "list of modules" in await started(server, "run/preview_flow", {"args": {}}, status=400)

    async def test_a_job_id_is_used_once(self, server: Server) -> None:
        await deployed(server)
        wanted = str(uuid.uuid4())
        assert await started(server, f"run/f/f/team/chain?job_id={wanted}") == wanted
        assert "already" in await started(server, f"run/f/f/team/chain?job_id={wanted}", status=400)
        assert "UUID" in await started(server, "run/f/f/team/chain?job_id=mine", status=400)

    async def test_for_later(self, server: Server) -> None:
        await deployed(server)
        moment = datetime.now(UTC) + timedelta(hours=1)
        for query in ("scheduled_in_secs=3600", f"scheduled_for={moment.isoformat().replace('+00:00', 'Z')}"):
            job = await started(server, f"run/f/f/team/chain?{query}")
            found = await got(server, f"jobs_u/get/{job}")
            assert (found["type"], found["running"], "suspend" in found) == ("QueuedJob", False, False)
            due = datetime.fromisoformat(found["scheduled_for"])
            assert abs((due - moment).total_seconds()) < 60
            assert (await run_of(server, job)).wake_at == (await run_of(server, job)).scheduled_for
        assert server.engine.started == []
        past = await started(server, "run/f/f/team/chain?scheduled_for=2020-01-01T00:00:00Z")
        assert server.engine.started == [past]
        assert "scheduled_for" in await started(server, "run/f/f/team/chain?scheduled_for=soon", status=400)

    async def test_unknown_options_are_ignored_and_known_ones_kept(self, server: Server) -> None:
        await deployed(server)
        job = await started(server, "run/f/f/team/chain?invisible_to_owner=true&foo=1&tag=gpu&memory_id=m")
        run = await run_of(server, job)
        assert run.tag == "gpu" and run.trigger is not None
        assert json.loads(run.trigger) == {"kind": "webhook", "event": None, "memory_id": "m"}


class TestArguments:
    @pytest.mark.parametrize(
        ("content", "kind", "expected"),
        [
            (b"", "application/json", {}),
            (b"null", "application/json", {}),
            (b'{"a": [1]}', "application/json", {"a": [1]}),
            (b'{"a": [1]}', "application/x-www-form-urlencoded", {"a": [1]}),
            (b'{"a": 1}', "text/plain", {"a": 1}),
            (b"[1, 2]", "application/json", {"body": [1, 2]}),
            (b"a=1&b=x%20y&b=z", "application/x-www-form-urlencoded", {"a": "1", "b": ["x y", "z"]}),
            (b"hello", "text/plain; charset=utf-8", {"raw_string": "hello"}),
            (b"<a/>", "application/xml", {"raw_string": "<a/>"}),
        ],
    )
    async def test_from_the_body(self, server: Server, content: bytes, kind: str, expected: Any) -> None:
        await deployed(server)
        answer = await server.client.post(
            f"{W}/jobs/run/f/f/team/chain", content=content, headers={"content-type": kind}
        )
        assert answer.status_code == 201, answer.text
        assert await args_of(server, answer.text) == expected

    async def test_from_a_form_with_files(self, server: Server) -> None:
        await deployed(server)
        answer = await server.client.post(
            f"{W}/jobs/run/f/f/team/chain", data={"name": "x"}, files={"file": ("a.bin", b"\x00\xff", "image/png")}
        )
        assert await args_of(server, answer.text) == {"name": "x", "file": base64.b64encode(b"\x00\xff").decode()}

    async def test_from_headers_and_query(self, server: Server) -> None:
        await deployed(server)
        answer = await server.client.post(
            f"{W}/jobs/run/f/f/team/chain?include_header=X-Request-Id,Authorization&include_query=q,token&q=1",
            json={"n": 1},
            headers={"x-request-id": "r1"},
        )
        assert await args_of(server, answer.text) == {"n": 1, "x_request_id": "r1", "q": "1"}

    async def test_a_header_that_none_can_be_called_is_passed_over(self, server: Server) -> None:
        await deployed(server)
        answer = await server.client.post(
            f"{W}/jobs/run/f/f/team/chain?include_header=naïve,名,X-Id", headers={"x-id": "i"}
        )
        assert await args_of(server, answer.text) == {"x_id": "i"}

    async def test_from_payload(self, server: Server) -> None:
        await deployed(server)
        payload = base64.urlsafe_b64encode(b'{"text": "\xc3\xbf\xc3\xbf?"}').decode().rstrip("=")
        job = await started(server, f"run/f/f/team/chain?payload={payload}", "")
        assert await args_of(server, job) in ({"text": "ÿÿ?"}, {"body": ""})
        answer = await server.client.post(f"{W}/jobs/run/f/f/team/chain?payload={payload}")
        assert await args_of(server, answer.text) == {"text": "ÿÿ?"}
        broken = await server.client.post(f"{W}/jobs/run/f/f/team/chain?payload=!!")
        assert broken.status_code == 400

    async def test_a_preprocessor_gets_the_event_without_secrets(self, server: Server) -> None:
        flow = flow_of(script("a", "def main(): pass"))
        flow["value"]["preprocessor_module"] = script("preprocessor", "def preprocessor(event): return event")
        await deployed(server, "f/team/hook", flow)
        where = f"{W}/jobs/run/f/f/team/hook"
        headers = {"x-hook": "1", "cookie": "a=b"}
        answer = await server.client.post(f"{where}?q=1&token=t", json={"raw": 1}, headers=headers)
        run = await run_of(server, answer.text)
        assert run.trigger is not None
        digest = json.loads(run.trigger)["event"]
        event = json.loads(await server.workspace.store.values.get_value(digest))
        assert (event["kind"], event["body"], event["query"]) == ("webhook", {"raw": 1}, {"q": "1"})
        assert json.loads(event["raw_string"]) == {"raw": 1}
        assert event["headers"]["x-hook"] == "1"
        assert not {"authorization", "cookie"} & event["headers"].keys()
        for query in ("skip_preprocessor=true", f"parent_job={uuid.uuid4()}"):
            plain = await run_of(server, (await server.client.post(f"{where}?{query}", json={})).text)
            assert plain.trigger is not None and json.loads(plain.trigger)["event"] is None


class TestWaiting:
    async def test_the_result_is_the_answer(self, server: Server) -> None:
        await deployed(server)
        server.engine.answers = {"a": 1, "b": {"rows": 2}}
        for method in ("GET", "POST"):
            answer = await server.client.request(method, f"{W}/jobs/run_wait_result/f/f/team/chain")
            assert (answer.status_code, answer.json()) == (200, {"rows": 2})
        server.engine.failing = {"a": {"name": "ValueError", "message": "no"}}
        failed = await server.client.post(f"{W}/jobs/run_wait_result/f/f/team/chain")
        assert (failed.status_code, failed.json()["error"]["name"]) == (500, "ValueError")

    async def test_scripts_and_previews(self, server: Server) -> None:
        digest = await stored_script(server)
        server.engine.answers = {"a": 5}
        body = {"content": "def main(): return 5", "language": "python3", "args": {}}
        value = {"value": flow_of(script("a", ""))["value"]}
        for where, sent in (
            ("run_wait_result/p/f/team/tool", {}),
            (f"run_wait_result/h/{digest}", {}),
            ("run_wait_result/preview", body),
            ("run_inline/preview", body),
            ("run_wait_result/preview_flow", value),
        ):
            answer = await server.client.post(f"{W}/jobs/{where}", json=sent)
            assert (answer.status_code, answer.json()) == (200, 5), where

    async def test_a_result_says_how_it_is_answered(self, server: Server) -> None:
        await deployed(server, "f/team/one", flow_of(script("a", "def main(): pass")))
        server.engine.answers = {
            "a": {
                "windmill_status_code": 201,
                "windmill_content_type": "text/csv",
                "windmill_headers": {"X-Rows": "2", "Set-Cookie": "a=b", "Bad\n": "x"},
                "result": "a\n1\n",
            }
        }
        answer = await server.client.post(f"{W}/jobs/run_wait_result/f/f/team/one")
        assert (answer.status_code, answer.text, answer.headers["x-rows"]) == (201, "a\n1\n", "2")
        assert answer.headers["content-type"] == "text/csv" and "set-cookie" not in answer.headers
        assert "sandbox" in answer.headers["content-security-policy"]
        server.engine.answers = {"a": {"windmill_status_code": 999, "result": [1]}}
        answer = await server.client.post(f"{W}/jobs/run_wait_result/f/f/team/one")
        assert (answer.status_code, answer.json()) == (200, [1])

    async def test_it_waits_no_longer_than_it_may(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        await deployed(server)
        server.engine.hold = True
        object.__setattr__(server.workspace.settings, "wait_s", 0)
        answer = await server.client.post(f"{W}/jobs/run_wait_result/f/f/team/chain")
        assert (answer.status_code, server.engine.started[-1] in answer.text) == (504, True)

    async def test_early_return(self, server: Server) -> None:
        await deployed(server)
        server.engine.hold = True
        call = asyncio.create_task(server.client.post(f"{W}/jobs/run_wait_result/f/f/team/chain"))
        while not server.engine.started:
            await asyncio.sleep(0.01)
        run_id, store = server.engine.started[0], server.workspace.store
        await store.runs.claim(run_id, "test")
        digest = await store.values.put_value(json_text({"early": True}))
        await store.database.write(lambda c: store.runs.note_early(c, run_id, "test", digest))
        answer = await asyncio.wait_for(call, 5)
        assert (answer.status_code, answer.json()) == (200, {"early": True})

    @pytest.mark.parametrize("kind", ["flow", "script"])
    async def test_a_token_that_may_only_run_something_gets_its_answer_and_no_more(
        self, server: Server, kind: str
    ) -> None:
        await deployed(server)
        stored = {"path": "f/team/one", "content": "", "language": "bash"}
        (await server.client.post(f"{W}/scripts/create", json=stored)).raise_for_status()
        server.engine.answers = {"a": 1, "b": 2}
        mine, other = ("f/f/team/chain", "p/f/team/one") if kind == "flow" else ("p/f/team/one", "f/f/team/chain")
        scope = f"jobs:run:{kind}s:{mine[2:]}"
        token = await server.workspace.sessions.issue_api_token("admin@flowapp.local", "hook", scopes=(scope,))
        caller = server.make_client({"authorization": f"Bearer {token}"})
        answer = await caller.post(f"{W}/jobs/run_wait_result/{mine}", json={"n": 1})
        assert (answer.status_code, answer.json()) == (200, 2 if kind == "flow" else 1)
        job = (await caller.post(f"{W}/jobs/run/{mine}", json={"n": 1})).text
        assert (await caller.post(f"{W}/jobs/run_wait_result/{other}", json={"n": 1})).status_code == 403
        assert (await caller.get(f"{W}/jobs_u/get/{job}")).status_code == 403
        assert (await caller.get(f"{W}/runs/{job}")).status_code == 403
        preview = {"content": "", "language": "bash"}
        assert (await caller.post(f"{W}/jobs/run_wait_result/preview", json=preview)).status_code == 403

    async def test_a_token_in_the_address_and_foreign_pages(self, server: Server) -> None:
        await deployed(server)
        server.engine.answers = {"a": 1, "b": 2}
        token = await server.workspace.sessions.issue_api_token("admin@flowapp.local", "hook")
        stranger = server.make_client()
        where = f"{W}/jobs/run_wait_result/f/f/team/chain"
        assert (await stranger.get(f"{where}?token={token}")).json() == 2
        assert (await stranger.get(f"{where}?token=wrong")).status_code == 401
        assert (await stranger.get(f"{W}/flows?token={token}")).status_code == 401
        link = await server.workspace.sessions.issue_signin_token()
        await stranger.get(f"/signin?token={link}")
        assert (await stranger.get(where)).status_code == 200
        foreign = await stranger.get(where, headers={"sec-fetch-site": "cross-site"})
        assert foreign.status_code == 403

    async def test_queue_limit(self, server: Server) -> None:
        await deployed(server)
        server.engine.hold = True
        for _ in range(3):
            await started(server, "run/f/f/team/chain")
        answer = await server.client.post(f"{W}/jobs/run_wait_result/f/f/team/chain?queue_limit=2")
        assert (answer.status_code, len(server.engine.started)) == (429, 3)


def json_text(value: Any) -> Any:
    return json.dumps(value)


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


class TestLists:
    async def test_filters(self, server: Server) -> None:
        await deployed(server)
        await deployed(server, "f/other/chain")
        await stored_script(server)
        server.engine.answers = {"a": {"x": [1, 2]}, "b": {"y": 5}}
        good = await started(server, "run/f/f/team/chain", {"n": 1, "deep": {"k": "v"}})
        tool = await started(server, "run/p/f/team/tool", {"n": 2})
        server.engine.failing = {"a": {"name": "E", "message": "m"}}
        bad = await started(server, "run/f/f/other/chain")
        server.engine.hold = True
        queued = await started(server, "run/f/f/team/chain")
        child = await started(server, f"run/p/f/team/tool?parent_job={queued}")
        begun = await started(server, "run/f/f/team/chain")
        await server.engine.begin(begun, "a")
        later = await started(server, "run/f/f/team/chain?scheduled_in_secs=100&tag=slow")
        everything = [later, begun, child, queued, bad, tool, good]

        async def ids(where: str) -> list[str]:
            return [job["id"] for job in await got(server, f"jobs/{where}")]

        assert await ids("list") == everything
        assert await ids("list?order_desc=false") == everything[::-1]
        assert await ids("queue/list") == [later, begun, child, queued]
        assert await ids("completed/list") == [bad, tool, good]
        assert await ids("completed/list?success=false") == [bad]
        assert await ids("completed/list?success=true") == [tool, good]
        assert await ids("list?job_kinds=script") == [child, tool]
        assert await ids("list?job_kinds=!script&success=true") == [good]
        assert await ids("list?job_kinds=dependencies") == []
        assert await ids("list?running=true&script_path_exact=f/team/chain") == [begun]
        assert await ids("list?script_path_start=f/other/") == [bad]
        assert await ids("list?script_path_start=F/OTHER/") == []
        assert await ids("list?has_null_parent=true&job_kinds=script") == [tool]
        assert await ids("list?status=failure,running") == [begun, bad]
        assert await ids("list?status=waiting") == [child, queued]
        assert await ids("list?tag=slow") == [later]
        assert await ids("list?trigger_kind=webhook&status=!waiting") == [later, begun, bad, tool, good]
        assert await ids("list?created_by=!admin") == []
        assert await ids('list?args={"deep":{"k":"v"}}') == [good]
        assert await ids('list?result={"x":[2]}') == [tool]
        assert await ids("queue/list?scheduled_for_before_now=true") == [begun, child, queued]
        assert await ids(f"list?created_before={(await run_of(server, tool)).created_at}") == [good]
        assert await ids(f"list?created_after={(await run_of(server, begun)).created_at}") == [later]
        assert await ids("list?suspended=true") == []
        assert await ids(f"list?parent_job={queued}") == [child]
        assert set(await ids(f"list?parent_job={good}")) == {job_id(good, "a"), job_id(good, "b")}
        assert await ids(f"list?parent_job={uuid.uuid4()}") == []
        counts = await got(server, "jobs/queue/count")
        assert counts == {"database_length": 4, "suspended": 0}
        assert await got(server, "jobs/completed/count") == {"database_length": 3}
        soon = int((datetime.now(UTC).timestamp() + 60) * 1000)
        assert await got(server, f"jobs/queue/position/{soon}") == {"position": 2}
        for refused in ("label=x", "worker=w", "is_flow_step=true", "running=yes", "status=odd", "created_after=soon"):
            assert await got(server, f"jobs/list?{refused}", 400), refused

    async def test_pages_are_full_and_page_0_is_page_1(self, server: Server) -> None:
        await deployed(server)
        jobs = [await started(server, "run/f/f/team/chain") for _ in range(5)][::-1]
        pages = [await got(server, f"jobs/list?per_page=2&page={page}") for page in (0, 1, 2, 3, 4)]
        assert [[job["id"] for job in page] for page in pages] == [jobs[:2], jobs[:2], jobs[2:4], jobs[4:], []]

    async def test_rights_are_applied_before_paging(self, server: Server) -> None:
        await deployed(server)
        await deployed(server, "u/admin/mine")
        draft = await server.draft(CHAIN)
        cell = (await server.notebook(draft))["cells"][0]["id"]
        shared: list[str] = []
        for _ in range(3):
            shared.insert(0, await started(server, "run/f/f/team/chain"))
            await started(server, "run/f/u/admin/mine")
            await server.run(draft, cell)
        viewer = await server.person("vera", "viewer")
        for where in ("jobs/list", "runs"):
            first = (await viewer.get(f"{W}/{where}?per_page=2")).json()
            second = (await viewer.get(f"{W}/{where}?per_page=2&page=2")).json()
            assert [job["id"] for job in first + second] == shared
        assert (await viewer.get(f"{W}/jobs/completed/count")).json() == {"database_length": 3}

    async def test_the_query_agrees_with_the_policy(self, server: Server) -> None:
        """Many identities and runs: what a list finds is what the policy lets one read."""
        store, choose = server.workspace.store, random.Random(7)
        digest = await store.values.put_value(json_text({}))
        names = ["admin", "ann", "an", "Ann", "bob"]
        paths = ["", "f/open/x", "f/closed/x", "f/Closed/x", "f/closed_2/x", "f/read/x", "g/team/x", "g/all/x"]
        paths += [f"u/{name}/x" for name in names] + ["hub/1/a/b", "u/ann", "f/closed"]
        for kind in ("flow", "cells", "script"):
            for path in paths:
                new = NewRun("main", kind, digest, digest, created_by=choose.choice(names), path=path)
                await store.runs.create(new)
        rows = await store.runs.page("main", limit=1000)
        for role in ("admin", "developer", "operator", "viewer"):
            for name in names:
                for scopes in (None, ("jobs:read:f/closed*",), ("*:read",), ("jobs:run",)):
                    identity = Identity(
                        "main",
                        "x@example.org",
                        name,
                        role,
                        groups=frozenset(choose.sample(["team", "all", "other"], 2)),
                        folders={"closed": "none", "read": "read", "closed_2": choose.choice(["none", "write"])},
                        scopes=scopes,
                    )
                    found = await store.database.read(
                        lambda c, who=identity: jobs.page(  # type: ignore[misc]
                            c, "main", readable(c, who), JobFilter(), offset=0, limit=1000
                        )
                    )
                    expected = {
                        row.id
                        for row in rows
                        if isinstance(decide(identity, "run.read", guard.run_target(row)), Allowed)
                    }
                    assert {row.id for row in found} == expected, identity


class TestRestarting:
    async def test_keeps_what_it_keeps_and_notes_the_place(self, server: Server) -> None:
        await deployed(server)
        server.engine.answers = {"a": 1, "b": 2}
        job = await started(server, "run/f/f/team/chain?tag=gpu", {"n": 1})
        again = await run_of(server, await started(server, f"restart/f/{job}", {"step_id": "b"}))
        before = await run_of(server, job)
        assert (again.args, again.document, again.version) == (before.args, before.document, before.version)
        assert (again.tag, json.loads(again.restarted_from or "")) == ("gpu", {"step_id": "b", "flow_job_id": job})
        edited = await started(server, f"restart/f/{job}", {"step_id": "b", "args": {"n": 5}})
        assert await args_of(server, edited) == {"n": 5}
        await server.workspace.store.database.write(
            lambda c: c.execute(
                sa.text("UPDATE run SET trigger = :text WHERE id = :id"), {"text": '{"event":"1"}', "id": job}
            )
        )
        for body, event in (({"step_id": "b"}, "1"), ({"step_id": "b", "args": {"n": 6}}, None)):
            once_more = await run_of(server, await started(server, f"restart/f/{job}", body))
            assert json.loads(once_more.trigger or "")["event"] == event
        await server.post(await server.draft(CHAIN), "deploy", {"path": "f/team/chain", "replace": True})
        version = (await got(server, "flows/get/f/team/chain"))["version_id"]
        newer = await run_of(
            server, await started(server, f"restart/f/{job}", {"step_id": "b", "flow_version": version})
        )
        assert newer.version == 2
        for where in (f"restart/f/{job}/from/b", f"restart/f/{job}/from/a"):
            assert (await run_of(server, await started(server, where))).path == "f/team/chain"
        value = {"value": CHAIN["value"], "restarted_from": {"flow_job_id": job, "step_id": "b"}}
        preview = await run_of(server, await started(server, "run/preview_flow", value))
        assert (preview.kind, json.loads(preview.restarted_from or "")["flow_job_id"]) == ("flowpreview", job)

    async def test_what_cannot_be_restarted_is_refused_before_it_starts(self, server: Server) -> None:
        await deployed(server)
        server.engine.failing = {"a": {"name": "E", "message": "m"}}
        job = await started(server, "run/f/f/team/chain")
        refused = await started(server, f"restart/f/{job}", {"step_id": "b"}, status=400)
        assert "ended in failure" in refused
        assert "step_id" in await started(server, f"restart/f/{job}", {}, status=400)
        assert "holds no other steps" in await started(server, f"restart/f/{job}/from/a/2", status=400)
        await stored_script(server)
        tool = await started(server, "run/p/f/team/tool")
        assert "Only runs of flows" in await started(server, f"restart/f/{tool}", {"step_id": "a"}, status=400)
        server.engine.hold = True
        running = await started(server, "run/f/f/team/chain")
        assert "not over" in await started(server, f"restart/f/{running}", {"step_id": "a"}, status=400)
        await started(server, f"restart/f/{uuid.uuid4()}", {"step_id": "a"}, status=404)

    async def test_nobody_continues_with_what_anothers_rights_gave(self, server: Server) -> None:
        await deployed(server)
        job = await started(server, "run/f/f/team/chain")
        developer = await server.person("dora", "developer")
        answer = await developer.post(f"{W}/jobs/restart/f/{job}", json={"step_id": "b"})
        assert answer.status_code == 403
        value = {"value": CHAIN["value"], "restarted_from": {"flow_job_id": job, "step_id": "b"}}
        assert (await developer.post(f"{W}/jobs/run/preview_flow", json=value)).status_code == 403


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


async def test_somebody_else_sees_nothing(server: Server) -> None:
    await deployed(server, "u/admin/mine")
    job = await started(server, "run/f/u/admin/mine")
    other: httpx.AsyncClient = await server.person("dora", "developer")
    for place in (job, job_id(job, "a")):
        assert (await other.get(f"{W}/jobs_u/get/{place}")).status_code == 404
        assert (await other.post(f"{W}/jobs_u/queue/cancel/{place}", json={})).status_code == 404
    assert (await other.post(f"{W}/jobs/run/f/u/admin/mine", json={})).status_code == 404


class TestRightsOfRuns:
    """`visible_to_runner_only` and `on_behalf_of_email` of what is stored."""

    async def test_only_the_runner_and_admins_see_the_run(self, server: Server) -> None:
        otto, nora = await server.person("otto", "operator"), await server.person("nora", "operator")
        value = flow_of(script("a", "def main(): return 1"))["value"]
        flow = {"path": "f/team/secret", "summary": "", "visible_to_runner_only": True, "value": value}
        assert (await server.client.post(f"{W}/flows/create", json=flow)).status_code == 201
        await stored_script(server, "f/team/hush", extra=json.dumps({"visible_to_runner_only": True}))
        for where, path in (("run/f/f/team/secret", "f/team/secret"), ("run/p/f/team/hush", "f/team/hush")):
            job = (await otto.post(f"{W}/jobs/{where}", json={})).text
            assert (await got(server, f"jobs_u/get/{job}"))["visible_to_owner"] is False
            assert (await otto.get(f"{W}/jobs_u/get/{job}")).status_code == 200
            assert (await nora.get(f"{W}/jobs_u/get/{job}")).status_code == 404
            assert (await nora.post(f"{W}/jobs_u/queue/cancel/{job}", json={})).status_code == 404
            for person, count in ((otto, 1), (nora, 0), (server.client, 1)):
                assert len((await person.get(f"{W}/jobs/list?script_path_exact={path}")).json()) == count
            async with asyncio.timeout(5):
                run = await run_of(server, job)
            for name, sees in (("otto", True), ("nora", False)):
                identity = await server.workspace.sessions.identity_named(name, "main")
                allowed = isinstance(decide(identity, "run.read", guard.run_target(run)), Allowed)
                assert allowed is sees

    async def test_rights_are_lent_by_who_has_them(self, server: Server) -> None:
        otto, dora = await server.person("otto", "operator"), await server.person("dora", "developer")
        value = flow_of(script("a", "def main(): return 1"))["value"]
        emails = {
            name: (await one.get(f"{W}/users/whoami")).json()["email"]
            for name, one in (("otto", otto), ("dora", dora), ("admin", server.client))
        }
        for author, email, lent in (
            (server.client, "admin", True),
            (server.client, "dora", True),
            (dora, "dora", True),
            (dora, "admin", False),
            (dora, "otto", False),
        ):
            flow = {"path": "f/team/lends", "summary": "", "on_behalf_of_email": emails[email], "value": value}
            assert (await author.post(f"{W}/flows/create", json=flow)).status_code == 201
            answer = await otto.post(f"{W}/jobs/run/f/f/team/lends", json={"x": "$var:u/admin/key"})
            if lent:
                run = await run_of(server, answer.text)
                assert (run.created_by, run.permissioned_as, run.email) == ("otto", f"u/{email}", emails[email])
                # what otto gives is data: a reference would be read with rights that otto does not have
                assert json.loads(run.trigger or "")["data"] == ["x"]
                assert json.loads(run.trigger or "")["by"] == emails["otto"]
            else:
                assert answer.status_code == 403
                assert "may not lend" in answer.text
            assert (await server.client.delete(f"{W}/flows/delete/f/team/lends")).status_code == 200


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
