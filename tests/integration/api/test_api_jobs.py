"""Starting jobs in the shape that OpenFlow's clients know, over a scripted engine; with arguments, waited for, again."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flowapp.jsontext import dumps
from tests.integration.api.api_jobs import W, args_of, deployed, got, run_of, started, stored_script
from tests.integration.api.api_server import CHAIN, Server, flow_of, script


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

    @pytest.mark.parametrize("charset", ["utf-7", "undefined"])
    @pytest.mark.parametrize(("name", "value"), [("a", "+2AA-"), ("+2AA-", "a")])
    async def test_a_form_that_is_no_text_in_its_charset_is_refused(
        self, server: Server, charset: str, name: str, value: str
    ) -> None:
        content = f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--x--\r\n'
        kind = f"multipart/form-data; boundary=x; charset={charset}"
        answer = await server.client.post(
            f"{W}/jobs/run/f/f/team/chain", content=content, headers={"content-type": kind}
        )
        assert (answer.status_code, "charset" in answer.text) == (400, True)

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
        shown = await server.client.get(f"{W}/runs/{answer.text}/raw?side=event")
        assert shown.json() == event
        for query in ("skip_preprocessor=true", f"parent_job={uuid.uuid4()}"):
            plain = await run_of(server, (await server.client.post(f"{where}?{query}", json={})).text)
            assert plain.trigger is not None and json.loads(plain.trigger)["event"] is None
            missing = await server.client.get(f"{W}/runs/{plain.id}/raw?side=event")
            assert (missing.status_code, missing.json()["error"]["code"]) == (404, "output.missing")


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
        digest = await store.values.put_value(dumps({"early": True}))
        await store.database.write(lambda c: store.runs.note_early(c, run_id, "test", digest))
        answer = await asyncio.wait_for(call, 60)
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
