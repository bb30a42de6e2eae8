"""Who saw what: reads that matter to a team are in the audit trail, once for each visit, by whichever door."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from flowapp.api.security import Security
from flowapp.store import audit
from flowapp.store.tables import AuditRow
from flowapp.ui import services
from flowapp.ui.state.audit import AuditState
from flowapp.ui.state.stored import ResourcesState, VariablesState
from tests.integration.api.api_approvals import a_wait, urls
from tests.integration.api.api_server import CHAIN, Server
from tests.integration.api.test_api_audit_origin import nobody
from tests.support.states import send, state_of

W = "/api/w/main"


async def ran(server: Server, who: httpx.AsyncClient | None = None) -> str:
    http = who or server.client
    draft = await server.draft(CHAIN, path="f/team/chain")
    await server.post(draft, "deploy", {})
    answer = await http.post(f"{W}/jobs/run/f/f/team/chain", json={})
    assert answer.is_success, answer.text
    return answer.text


async def seen(server: Server, action: str = "", by: str = "bea") -> list[AuditRow]:
    store = server.workspace.store
    await store.seen.settle()
    rows = await store.database.read(lambda c: audit.latest(c, "main", 1000))
    verbs = ("view", "view_request", "decrypt", "export")
    return [
        row
        for row in rows
        if row.by == by and (row.action == action or (not action and row.action.rpartition(".")[2] in verbs))
    ]


@pytest.fixture
async def bea(server: Server) -> httpx.AsyncClient:
    return await server.person("bea", "developer")


RUN_DOORS = [
    "runs/{run}",
    "runs/{run}/output?path=a",
    "runs/{run}/raw?path=a",
    "runs/{run}/logs?path=a",
    "runs/compare?a={run}&b={run}",
    "jobs_u/get/{run}",
    "jobs_u/completed/get_result/{run}",
    "jobs_u/completed/get_result_maybe/{run}",
    "jobs_u/get_args/{run}",
    "jobs_u/get_logs/{run}",
    "jobs_u/getupdate/{run}",
    "jobs/result_by_id/{run}/a",
]


@pytest.mark.parametrize("door", RUN_DOORS)
async def test_a_run_that_is_opened(server: Server, bea: httpx.AsyncClient, door: str) -> None:
    run = await ran(server)
    answer = await bea.get(f"{W}/{door.format(run=run)}")
    assert answer.is_success, answer.text
    (row,) = await seen(server)
    assert (row.action, row.target) == ("run.view", "f/team/chain")
    assert row.detail.startswith("run ")


async def test_polling_is_one_visit_whatever_is_asked(server: Server, bea: httpx.AsyncClient) -> None:
    run = await ran(server)
    for _ in range(5):
        answers = await asyncio.gather(
            *(bea.get(f"{W}/{door.format(run=run)}") for door in RUN_DOORS if "getupdate" not in door)
        )
        assert all(answer.is_success for answer in answers)
    assert len(await seen(server)) == 1
    other = (await server.client.post(f"{W}/jobs/run/f/f/team/chain", json={})).text
    await bea.get(f"{W}/runs/{other}")
    cleo = await server.person("cleo", "developer")
    await cleo.get(f"{W}/runs/{run}")
    assert len(await seen(server)) == 2 and len(await seen(server, by="cleo")) == 1


async def test_the_address_is_that_of_the_request(server: Server, bea: httpx.AsyncClient) -> None:
    run = await ran(server)
    transport = httpx.ASGITransport(Security(server.app, nobody), client=("203.0.113.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=bea.headers) as there:
        assert (await there.get(f"{W}/runs/{run}")).is_success
    (row,) = await seen(server)
    assert row.address == "203.0.113.7"


async def test_one_s_own_run_and_what_is_refused_are_no_views(server: Server, bea: httpx.AsyncClient) -> None:
    mine = await ran(server, bea)
    assert (await bea.get(f"{W}/runs/{mine}")).is_success
    await server.client.post(f"{W}/folders/create", json={"name": "shut", "owners": ["u/admin"]})
    draft = await server.draft(CHAIN, path="f/shut/chain")
    await server.post(draft, "deploy", {})
    hidden = (await server.client.post(f"{W}/jobs/run/f/f/shut/chain", json={})).text
    assert (await bea.get(f"{W}/runs/{hidden}")).status_code == 404
    assert await seen(server) == []
    # the list of runs shows neither arguments nor results
    assert (await bea.get(f"{W}/runs")).is_success and await seen(server) == []


async def test_what_a_schedule_ran_for_somebody_is_seen_by_them_too(server: Server) -> None:
    run = await ran(server)

    def by_schedule(connection: Any) -> None:
        connection.exec_driver_sql("UPDATE run SET schedule = 'f/team/daily'")

    await server.workspace.store.database.write(by_schedule)
    assert (await server.client.get(f"{W}/runs/{run}")).is_success
    assert len(await seen(server, "run.view", by="admin")) == 1


async def test_the_draft_of_somebody_else(server: Server) -> None:
    bea = await server.person("bea", "admin")
    draft = await server.draft(CHAIN, path="u/admin/mine")
    await server.notebook(draft)
    for _ in range(2):
        assert (await bea.get(f"{W}/drafts/{draft}/notebook")).is_success
    (row,) = await seen(server)
    assert (row.action, row.target, row.detail) == ("draft.view", "u/admin/mine", "of admin")
    assert await seen(server, "draft.view", by="admin") == []


async def test_a_secret_s_value_is_noted_before_it_is_told(server: Server, bea: httpx.AsyncClient) -> None:
    await server.client.post(f"{W}/variables/create", json={"path": "f/x/key", "value": "s3cret", "is_secret": True})
    await server.client.post(f"{W}/variables/create", json={"path": "f/x/plain", "value": "1", "is_secret": False})
    for _ in range(2):
        assert (await bea.get(f"{W}/variables/get_value/f/x/key")).json() == "s3cret"
        assert (await bea.get(f"{W}/variables/get/f/x/key")).json()["value"] == "s3cret"
    assert (await bea.get(f"{W}/variables/get/f/x/key?decrypt_secret=false")).is_success
    assert (await bea.get(f"{W}/variables/get/f/x/plain")).is_success and (
        await bea.get(f"{W}/variables/list")
    ).is_success
    (row,) = await seen(server)
    assert (row.action, row.target, row.detail) == ("variable.decrypt", "f/x/key", "")


@pytest.mark.parametrize("door", ["get", "get_value", "get_value_interpolated"])
async def test_a_resource_s_value(server: Server, bea: httpx.AsyncClient, door: str) -> None:
    body = {"path": "f/x/db", "value": {"host": "h"}, "resource_type": "any"}
    await server.client.post(f"{W}/resources/create", json=body)
    assert (await bea.get(f"{W}/resources/exists/f/x/db")).json() is True
    assert await seen(server) == []
    for _ in range(3):
        assert (await bea.get(f"{W}/resources/{door}/f/x/db")).is_success
    (row,) = await seen(server)
    assert (row.action, row.target) == ("resource.view", "f/x/db")


async def test_a_list_of_resources_with_their_values(server: Server, bea: httpx.AsyncClient) -> None:
    assert (await bea.get(f"{W}/resources/list")).json() == [] and await seen(server) == []
    body = {"path": "f/x/db", "value": {"host": "h"}, "resource_type": "any"}
    await server.client.post(f"{W}/resources/create", json=body)
    for _ in range(3):
        assert (await bea.get(f"{W}/resources/list")).is_success
    (row,) = await seen(server)
    assert (row.action, row.target, row.detail) == ("resource.view", "", "a list with values")


async def test_a_stored_file_by_api_and_by_a_signed_address(server: Server, bea: httpx.AsyncClient) -> None:
    await server.client.post(f"{W}/job_helpers/upload_s3_file?file_key=f/x/a.txt", content=b"abc")
    for _ in range(2):
        assert (await bea.get(f"{W}/job_helpers/download_s3_file?file_key=f/x/a.txt")).content == b"abc"
    (row,) = await seen(server)
    assert (row.action, row.target) == ("object.view", "f/x/a.txt")
    signed = await bea.post(f"{W}/apps/sign_s3_objects", json={"s3_objects": [{"s3": "f/x/a.txt"}]})
    query = signed.json()[0]["presigned"]
    answer = await server.make_client().get(f"{W}/s3_proxy/_default_/f/x/a.txt?{query}")
    assert answer.content == b"abc"
    (row,) = await seen(server, by="link:signed")
    assert (row.action, row.target) == ("object.view", "f/x/a.txt")


async def test_a_request_for_approval_by_link_page_and_api(server: Server, bea: httpx.AsyncClient) -> None:
    wait = await a_wait(server)
    link = (await urls(server, wait, approver="leo@example.org"))["approvalPage"]
    for _ in range(3):
        assert (await server.make_client().get(link)).is_success
    (row,) = await seen(server, by="link:leo@example.org")
    assert (row.action, row.target) == ("run.view_request", "f/pay/out") and row.detail.endswith(", a")
    # somebody who is signed in is known by name, though they came by a link
    assert (await bea.get(link)).is_success
    (row,) = await seen(server)
    assert row.detail.endswith(", a, by link")
    forged = link.replace("leo", "eve")
    assert (await server.make_client().get(forged)).status_code == 404
    assert await seen(server, by="link:eve@example.org") == []
    cleo = await server.person("cleo", "developer")
    assert (await cleo.get(f"{W}/jobs_u/flow/approval_info/{wait.job}")).is_success
    assert [row.action for row in await seen(server, by="cleo")] == ["run.view_request"]


async def test_a_workspace_that_is_taken_along(server: Server, bea: httpx.AsyncClient) -> None:
    assert (await bea.get(f"{W}/workspaces/tarball?archive_type=zip")).is_success
    (row,) = await seen(server)
    assert (row.action, row.target, row.detail) == ("workspace.export", "main", "")


async def test_pages_of_stored_things(server: Server, bea: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_bound", server.workspace)
    await server.client.post(f"{W}/variables/create", json={"path": "f/x/key", "value": "s3cret", "is_secret": True})
    body = {"path": "f/x/db", "value": {"host": "h"}, "resource_type": "any"}
    await server.client.post(f"{W}/resources/create", json=body)
    cookie = f"flowapp_session={await server.workspace.sessions.open('bea@example.org', '127.0.0.1')}"
    for kind, path in ((VariablesState, "f/x/key"), (ResourcesState, "f/x/db")):
        state = state_of(kind, cookie)
        await send(state, "load")
        await send(state, "edit", path)
        assert state.problem == "" and state.path == path
    (row,) = await seen(server)
    assert (row.action, row.target) == ("resource.view", "f/x/db")


async def test_what_was_seen_is_a_kind_of_its_own(
    server: Server, bea: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await ran(server)
    await bea.get(f"{W}/runs/{run}")
    for kind in ("Read", "seen"):
        found = (await server.client.get(f"{W}/audit/list?action_kind={kind}")).json()
        assert [(one["operation"], one["action_kind"], one["username"]) for one in found] == [
            ("run.view", "Read", "bea")
        ]
    done = (await server.client.get(f"{W}/audit/list?action_kind=Execute")).json()
    assert done and all(one["operation"] != "run.view" for one in done)
    exported = (await server.client.get(f"{W}/audit/export?action_kind=Read")).text
    assert "run.view,f/team/chain" in exported and "flow.run" not in exported
    monkeypatch.setattr(services, "_bound", server.workspace)
    await server.person("ada", "admin")
    cookie = f"flowapp_session={await server.workspace.sessions.open('ada@example.org', '127.0.0.1')}"
    state = state_of(AuditState, cookie, url="http://host/audit?action_kind=Read&username=bea")
    await send(state, "load")
    assert [(line.by, line.action) for line in state.lines] == [("bea", "run.view")]
