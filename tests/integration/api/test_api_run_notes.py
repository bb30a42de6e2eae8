"""What pages say beside a run: what started it, which run it begins again, what it waits for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from flowapp.access.person import session_cookie
from flowapp.store.approval_shapes import NewSuspension
from flowapp.store.rows import table
from flowapp.store.runs import job_id
from flowapp.store.tables import RunRow
from tests.integration.api.api_server import CHAIN, TOKEN, Server

W = "/api/w/main"


async def run(server: Server, body: dict[str, Any], where: str = "run/f/f/team/chain") -> str:
    answer = await server.client.post(f"{W}/jobs/{where}", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.text)


async def deployed(server: Server) -> None:
    await server.post(await server.draft(CHAIN), "deploy", {"path": "f/team/chain"})


async def detail(server: Server, job: str) -> dict[str, Any]:
    found: dict[str, Any] = (await server.client.get(f"{W}/runs/{job}")).json()
    return found


async def test_a_restarted_run_names_the_run_that_it_begins_again(server: Server) -> None:
    await deployed(server)
    server.engine.answers = {"a": 1, "b": 2}
    job = await run(server, {"n": 1})
    again = await run(server, {"step_id": "b"}, f"restart/f/{job}")
    before, after = await detail(server, job), await detail(server, again)
    number = before["run"]["number"]
    assert before["run"]["restarted_from"] is None
    assert after["run"]["restarted_from"] == {"id": job, "number": number, "step_id": "b"}
    assert after["schema"] == CHAIN["schema"]
    listed = {one["id"]: one for one in (await server.client.get(f"{W}/runs")).json()}
    assert listed[again]["restarted_from"] == {"id": job, "number": number, "step_id": "b"}
    assert listed[again]["trigger"] == "restart"
    newest = (await server.client.get(f"{W}/flows/schema/f/team/chain")).json()
    stored = (await server.client.get(f"{W}/flows/get/f/team/chain")).json()
    assert newest["version_id"] == stored["version_id"]


async def test_a_suspended_run_says_what_it_waits_for(server: Server) -> None:
    await deployed(server)
    server.engine.answers = {"a": 1, "b": 2}
    job = await run(server, {"n": 1})
    store = server.engine.store
    assert (await detail(server, job))["run"]["waits"] is None
    parked = sa.update(table(RunRow)).where(table(RunRow).c.id == job).values(status="suspended", wake_at="2030")
    await store.database.write(lambda c: c.execute(parked))
    assert (await detail(server, job))["run"]["waits"] == {"approvals": [], "until": "2030"}
    new = NewSuspension(job, "a", job_id(job, "a"), "main", required=1)
    await store.database.write(lambda c: store.approvals.open(c, new))
    assert (await detail(server, job))["run"]["waits"] == {"approvals": ["a"], "until": "2030"}
    (listed,) = (await server.client.get(f"{W}/runs")).json()
    assert listed["waits"]["approvals"] == ["a"]
    await store.database.write(lambda c: store.approvals.close(c, job))
    assert (await detail(server, job))["run"]["waits"]["approvals"] == []


async def test_a_form_in_the_browser_is_no_webhook_and_has_no_event_to_preprocess(server: Server) -> None:
    await deployed(server)
    server.engine.answers = {"a": 1, "b": 2}
    webhook = await run(server, {"n": 1})
    browser = {
        "Cookie": f"{session_cookie(server.client.base_url.netloc.decode())}={TOKEN}",
        "Origin": str(server.client.base_url).rstrip("/"),
        "Authorization": "",
    }
    answer = await server.client.post(f"{W}/jobs/run/f/f/team/chain", json={"n": 1}, headers=browser)
    assert answer.status_code == 201, answer.text
    assert [(await detail(server, job))["run"]["trigger"] for job in (webhook, answer.text)] == ["webhook", "ui"]
