"""Locks over HTTP, for clients that keep them in files, and the scripts of a folder that they are made with."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.integration.api.api_server import TOKEN, Runtimes, Server

W = "/api/w/main"
CODE = "import thing\n\ndef main(): ...\n"


def sha(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def runtimes(server: Server) -> Runtimes:
    found = server.workspace.runtimes
    assert isinstance(found, Runtimes)
    return found


def asked(code: str = CODE, **more: Any) -> dict[str, Any]:
    return {"raw_scripts": [{"raw_code": code, "language": "python3", "script_path": "f/team/one"}], **more}


async def result(server: Server, job: str) -> dict[str, Any]:
    found = (await server.client.get(f"{W}/jobs_u/completed/get_result_maybe/{job}")).json()
    assert found["completed"] is True
    return dict(found)


async def test_a_job_is_over_when_its_id_is_known(server: Server) -> None:
    runtimes(server).locks[CODE] = "thing==1.0"
    answer = await server.client.post(f"{W}/jobs/run/dependencies_async", json=asked())
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (201, "text/plain")
    assert (await result(server, answer.text))["result"] == {"lock": "thing==1.0"}
    job = (await server.client.get(f"{W}/jobs_u/get/{answer.text}")).json()
    assert (job["job_kind"], job["type"], job["script_path"]) == ("dependencies", "CompletedJob", "f/team/one")
    assert job["raw_code"] == CODE
    listed = (await server.client.get(f"{W}/jobs/completed/list?job_kinds=dependencies")).json()
    assert [row["id"] for row in listed] == [answer.text]
    assert (await server.client.get(f"{W}/jobs/completed/list?job_kinds=script,flow")).json() == []
    assert server.engine.started == [], "nothing runs for it"
    at_once = await server.client.post(f"{W}/jobs/run/dependencies", json=asked())
    assert at_once.json() == {"lock": "thing==1.0"}
    nothing = await server.client.post(f"{W}/jobs/run/dependencies", json=asked("def main(): ..."))
    assert nothing.json() == {"lock": ""}


async def test_the_command_line_sends_nothing_but_a_cookie(server: Server) -> None:
    stranger = server.make_client()
    headers = {"cookie": f"token={TOKEN}"}
    for where, body in (("dependencies_async", asked()), ("flow_dependencies_async", {"flow_value": {"modules": []}})):
        body = {**body, "path": "f/team/flow"}
        assert (await stranger.post(f"{W}/jobs/run/{where}", json=body, headers=headers)).status_code == 201
        elsewhere = {**headers, "origin": "https://evil.example"}
        assert (await stranger.post(f"{W}/jobs/run/{where}", json=body, headers=elsewhere)).status_code == 403


async def test_the_scripts_of_a_flow_get_locks_and_keep_those_they_have(server: Server) -> None:
    runtimes(server).locks[CODE] = "thing==1.0"
    script = {"type": "rawscript", "language": "python3", "input_transforms": {}}
    modules = [
        {"id": "a", "value": {**script, "content": CODE}},
        {"id": "b", "value": {"type": "forloopflow", "iterator": {}, "modules": [{"id": "c", "value": {**script, "content": "x"}}]}},
        {"id": "d", "value": {**script, "content": CODE, "lock": "thing==0.5"}},
    ]  # fmt: skip
    body = {"flow_value": {"modules": modules}, "path": "f/team/flow"}
    answer = await server.client.post(f"{W}/jobs/run/flow_dependencies_async", json=body)
    found = (await result(server, answer.text))["result"]["updated_flow_value"]["modules"]
    assert (found[0]["value"]["lock"], found[2]["value"]["lock"]) == ("thing==1.0", "thing==0.5")
    assert found[1]["value"]["modules"][0]["value"]["lock"] == ""
    job = (await server.client.get(f"{W}/jobs_u/get/{answer.text}")).json()
    assert (job["job_kind"], job["success"]) == ("flowdependencies", True)


async def test_what_cannot_be_had_fails_the_job(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowapp.runtimes.packages.errors import PackagesUnavailable

    async def lock(*_: Any) -> str:
        raise PackagesUnavailable("There is no thing.", "Correct it.")

    monkeypatch.setattr(runtimes(server), "lock", lock)
    answer = await server.client.post(f"{W}/jobs/run/dependencies_async", json=asked())
    found = await result(server, answer.text)
    assert (found["success"], found["result"]["error"]["message"]) == (False, "There is no thing. Correct it.")
    failed = (await server.client.get(f"{W}/jobs/completed/list?job_kinds=dependencies&success=false")).json()
    assert [row["id"] for row in failed] == [answer.text]
    at_once = await server.client.post(f"{W}/jobs/run/dependencies", json=asked())
    assert (at_once.status_code, at_once.text) == (400, "There is no thing. Correct it.")


async def test_what_differs_is_kept_and_taken_along(server: Server) -> None:
    stored = {"path": "f/team/same", "content": "def f(): return 1", "language": "python3", "lock": ""}
    assert (await server.client.post(f"{W}/scripts/create", json=stored)).status_code == 201
    hashes = {"f/team/same": sha("def f(): return 1"), "f/team/other": sha("x = 1")}
    body = {"scripts": hashes, "workspace_deps": [{"path": "dependencies/requirements.in", "hash": "0"}]}
    differing = await server.client.post(f"{W}/scripts/raw_temp/diff", json=body)
    assert differing.json() == ["f/team/other", "dependencies/requirements.in"]
    kept = await server.client.post(f"{W}/scripts/raw_temp/store", json="x = 1")
    assert (kept.status_code, kept.text) == (200, sha("x = 1"))
    assert (await server.client.post(f"{W}/scripts/raw_temp/store", json="x = 1")).text == kept.text
    code = "from f.team.other import x"
    refused = await server.client.post(f"{W}/jobs/run/dependencies", json=asked(code))
    assert (refused.status_code, "f/team/other" in refused.text) == (400, True)
    refs = {"f/team/other": kept.text}
    assert (await server.client.post(f"{W}/jobs/run/dependencies", json=asked(code, temp_script_refs=refs))).json()
    preview = {"content": code, "language": "python3", "temp_script_refs": refs}
    assert (await server.client.post(f"{W}/jobs/run/preview", json=preview)).status_code == 201
    olga = await server.person("olga", "admin", workspace="elsewhere")
    elsewhere = await olga.post("/api/w/elsewhere/jobs/run/preview", json=preview)
    assert (elsewhere.status_code, "not kept here" in elsewhere.text) == (400, True)


@pytest.mark.parametrize(
    ("where", "body", "part"),
    [
        ("scripts/raw_temp/store", {"code": "x"}, "JSON text"),
        ("scripts/raw_temp/store", None, "JSON text"),
        ("scripts/raw_temp/diff", {"scripts": ["f/a/b"]}, "scripts must be an object"),
        ("scripts/raw_temp/diff", {"scripts": {"f/a/b": 1}}, "scripts must be an object"),
        ("scripts/raw_temp/diff", {"scripts": {}, "workspace_deps": 3}, "workspace_deps must be a list"),
        ("jobs/run/dependencies_async", {}, "raw_scripts must be a list"),
        ("jobs/run/dependencies_async", {"raw_scripts": [{"raw_code": "x"}]}, "language is missing"),
        ("jobs/run/dependencies_async", {"raw_scripts": [{"language": "klingon"}]}, "There is no language"),
        ("jobs/run/dependencies_async", {"raw_scripts": [{"raw_code": 3, "language": "bun"}]}, "raw_code must be a text"),
        ("jobs/run/dependencies_async", asked(raw_workspace_dependencies={"requirements.in": "x"}), "whole workspace"),
        ("jobs/run/dependencies_async", asked(temp_script_refs={"f/a/b": "00"}), "is not kept here"),
        ("jobs/run/dependencies_async", asked(temp_script_refs=[1]), "temp_script_refs must be an object"),
        ("jobs/run/flow_dependencies_async", {"flow_value": 1}, "flow_value must be an object"),
        ("jobs/run/preview", {"content": "x", "language": "bun", "temp_script_refs": {"a": "b"}}, "is not kept here"),
    ],
)  # fmt: skip
async def test_bad_requests_are_told(server: Server, where: str, body: Any, part: str) -> None:
    answer = await server.client.post(f"{W}/{where}", json=body)
    assert (answer.status_code, part in answer.text) == (400, True), answer.text


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ("viewer", {"store": 403, "diff": 200, "lock": 403, "flow": 403}),
        ("operator", {"store": 403, "diff": 200, "lock": 403, "flow": 403}),
        ("developer", {"store": 200, "diff": 200, "lock": 200, "flow": 201}),
    ],
)
async def test_who_may_have_locks_made(server: Server, role: str, statuses: dict[str, int]) -> None:
    person = await server.person("pia", role)
    calls = {
        "store": ("scripts/raw_temp/store", "x = 1"),
        "diff": ("scripts/raw_temp/diff", {"scripts": {}}),
        "lock": ("jobs/run/dependencies", asked("x")),
        "flow": ("jobs/run/flow_dependencies_async", {"flow_value": {"modules": []}, "path": "f/team/x"}),
    }
    found = {name: (await person.post(f"{W}/{where}", json=body)).status_code for name, (where, body) in calls.items()}
    assert found == statuses
    private = {"raw_scripts": [{"raw_code": "x", "language": "bun", "script_path": "u/admin/mine"}]}
    assert (await person.post(f"{W}/jobs/run/dependencies", json=private)).status_code == 404
    hashes = {"u/admin/mine": sha("x")}
    own = {"path": "u/admin/mine", "content": "x", "language": "bun", "lock": ""}
    await server.client.post(f"{W}/scripts/create", json=own)
    differing = await person.post(f"{W}/scripts/raw_temp/diff", json={"scripts": hashes})
    assert differing.json() == ["u/admin/mine"], "that somebody has just this code is not told"


BROKEN = "from f.team.nowhere import x\n\ndef main(): ...\n"


async def test_packages_that_cannot_be_had_when_a_script_is_stored_are_a_failed_job(server: Server) -> None:
    body = {"path": "f/team/broken", "content": BROKEN, "language": "python3"}
    stored = await server.client.post(f"{W}/scripts/create", json=body)
    assert stored.status_code == 201, "storing does not fail of it"
    status = (await server.client.get(f"{W}/scripts/deployment_status/h/{stored.text}")).json()
    (job,) = (await server.client.get(f"{W}/jobs/completed/list?job_kinds=dependencies&success=false")).json()
    assert (job["script_path"], job["success"], job["job_kind"]) == ("f/team/broken", False, "dependencies")
    assert job["result"]["error"]["message"] == status["lock_error_logs"] != ""
    again = await server.client.post(f"{W}/scripts/create?skip_if_noop=true", json={**body, "auto_parent": True})
    assert (again.status_code, again.text) == (201, stored.text)
    found = (await server.client.get(f"{W}/jobs/completed/list?job_kinds=dependencies")).json()
    assert [row["id"] for row in found] == [job["id"]], "what was not stored has no job"


async def test_the_same_of_a_flow(server: Server) -> None:
    value = {"type": "rawscript", "language": "python3", "content": BROKEN, "input_transforms": {}}
    flow = {"summary": "", "value": {"modules": [{"id": "a", "value": value}]}}
    for where, status in (("create", 201), ("update/f/team/flow", 200)):
        answer = await server.client.post(f"{W}/flows/{where}", json={"path": "f/team/flow", **flow})
        assert answer.status_code == status
    jobs = (await server.client.get(f"{W}/jobs/completed/list?job_kinds=flowdependencies&success=false")).json()
    assert [job["script_path"] for job in jobs] == ["f/team/flow"] * 2
    assert jobs[0]["result"]["error"]["message"].startswith("a: ")
