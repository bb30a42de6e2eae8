"""Requests for approval over HTTP: every door, one policy; opening a link decides nothing; nothing typed is lost."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from flowapp.access.approving import signature
from flowapp.jsontext import dumps, loads
from flowapp.store import audit, groups, identities
from flowapp.store.approval_shapes import NewSuspension
from flowapp.store.clock import seconds_ago
from flowapp.store.runs import NewRun, job_id
from flowapp.store.tables import GroupRow
from tests.integration.api.api_server import Server

FORM = {
    "type": "object",
    "order": ["centre", "amount", "urgent", "reason"],
    "required": ["centre", "amount"],
    "properties": {
        "centre": {"type": "string", "title": "Cost centre", "enum": ["4711 Payouts", "4712 Fees"]},
        "amount": {"type": "number", "title": "Amount", "minimum": 1, "default": 10},
        "urgent": {"type": "boolean", "title": "Urgent"},
        "reason": {"type": "string", "description": "In a few words", "pattern": "^[a-z ]*$"},
    },
}


@dataclass
class Wait:
    run: str
    job: str
    path: str


async def a_wait(
    server: Server, *, path: str = "f/pay/out", required: int = 1, by: str = "admin", wait: bool = True, **terms: Any
) -> Wait:
    """A run whose step `a` waits (or will wait) for approval."""
    store = server.workspace.store
    suspend = {"required_events": required, **({"resume_form": {"schema": terms["form"]}} if "form" in terms else {})}
    suspend |= {name: terms[name] for name in ("user_auth_required", "self_approval_disabled") if name in terms}
    module = {"id": "a", "summary": "Pay?", "suspend": suspend, "value": {"type": "identity"}}
    schema = {
        "type": "object",
        "properties": {"total": {"type": "number", "title": "Total"}, "pin": {"password": True}},
    }
    document = dumps({"summary": "Payout", "value": {"modules": [module]}, "schema": schema})
    args = dumps({"total": 12.5, "pin": "1234", "<b>": "<script>alert(1)</script>"})
    hashes = [await store.values.put_value(text) for text in (document, args)]
    new = NewRun("main", "flow", hashes[0], hashes[1], by, path=path, summary="Payout", permissioned_as=f"u/{by}")
    run = await store.runs.create(new)
    await store.runs.claim(run.id, "test")
    step = server.engine._job(run, "a", "success", None)
    await store.database.write(lambda c: store.runs.put_job(c, step.model_dump(), "test"))
    if wait:
        suspension = NewSuspension(
            run.id,
            "a",
            job_id(run.id, "a"),
            "main",
            required,
            (run.id,),
            {"step_id": "a", "summary": "Pay?", **terms},
            seconds_ago(-3600),
        )
        await store.database.write(lambda c: store.approvals.open(c, suspension))
    return Wait(run.id, job_id(run.id, "a"), "a")


async def urls(server: Server, wait: Wait, resume_id: int = 7, **query: Any) -> dict[str, str]:
    answer = await server.client.get(f"/api/w/main/jobs/resume_urls/{wait.job}/{resume_id}", params=query)
    assert answer.status_code == 200, answer.text
    return {name: urlsplit(url)._replace(scheme="", netloc="").geturl() for name, url in answer.json().items()}


async def status(server: Server, wait: Wait) -> str:
    store = server.workspace.store
    row = await store.database.read(lambda c: store.approvals.get(c, wait.run, wait.path))
    return row.status if row is not None else "none"


async def payloads(server: Server, wait: Wait) -> list[Any]:
    store = server.workspace.store
    rows = await store.database.read(lambda c: store.approvals.events_of(c, wait.run, wait.path))
    return [loads(row.payload) for row in rows]


async def in_group(server: Server, group: str, name: str) -> None:
    def work(connection: Any) -> None:
        if groups.get(connection, "main", group) is None:
            groups.put(connection, GroupRow(workspace="main", name=group))
        groups.add_member(connection, "main", group, name)

    await server.workspace.store.database.write(work)
    server.workspace.sessions.rights_changed()


class TestLinks:
    async def test_the_signature_is_that_of_openflow(self, server: Server) -> None:
        wait = await a_wait(server)
        given = await server.client.get(f"/api/w/main/jobs/job_signature/{wait.job}/4294967295?approver=leo")
        key = await server.workspace.store.database.read(lambda c: identities.workspace_key(c, "main"))
        assert given.text == signature(str(key), wait.job, 2**32 - 1, "leo")
        assert given.headers["content-type"].startswith("text/plain")
        found = await urls(server, wait, 2**32 - 1, approver="leo")
        assert found["resume"] == f"/api/w/main/jobs_u/resume/{wait.job}/4294967295/{given.text}?approver=leo"
        assert found["cancel"] == found["resume"].replace("/resume/", "/cancel/")
        assert found["approvalPage"] == f"/approve/main/{wait.job}/4294967295/{given.text}?approver=leo"

    async def test_a_stranger_approves_by_post_once(self, server: Server) -> None:
        wait = await a_wait(server)
        found = await urls(server, wait, approver="leo")
        stranger = server.make_client()
        answer = await stranger.post(found["resume"], json={"ok": True})
        assert (answer.status_code, await status(server, wait)) == (201, "approved")
        assert await payloads(server, wait) == [{"ok": True}]
        assert server.engine.woken == [wait.run]
        again = await stranger.post(found["cancel"], json={})
        assert (again.status_code, "leo approved" in again.text) == (409, True)
        assert again.headers["content-type"].startswith("text/plain")
        rows = await server.workspace.store.database.read(lambda c: audit.latest(c, "main"))
        assert [(row.by, row.target) for row in rows if row.action == "run.approve"] == [("link:leo", "f/pay/out")]

    async def test_opening_any_link_decides_nothing(self, server: Server) -> None:
        wait = await a_wait(server)
        found = await urls(server, wait, approver="leo")
        carried = base64.b64encode(b'{"ok": true}').decode()
        for name in ("resume", "cancel"):
            for method in ("GET", "HEAD"):
                answer = await server.client.request(method, f"{found[name]}&payload={carried}")
                assert answer.status_code in (303, 405)
                if method == "GET":
                    place = urlsplit(answer.headers["location"])
                    assert place.path == urlsplit(found["approvalPage"]).path
                    assert parse_qs(place.query) == {"approver": ["leo"], "payload": [carried]}
                    page = await server.client.get(answer.headers["location"])
                    assert (page.status_code, "Comes with the link" in page.text) == (200, True)
        assert (await status(server, wait), server.engine.woken) == ("open", [])

    @pytest.mark.parametrize("part", ["job", "id", "signature", "approver", "workspace"])
    async def test_a_changed_link_is_wrong(self, server: Server, part: str) -> None:
        wait, other = await a_wait(server), await a_wait(server)
        await server.person("olga", "admin", workspace="elsewhere")
        found = await urls(server, wait, approver="leo")
        changes: dict[str, Callable[[str], str]] = {
            "job": lambda url: url.replace(wait.job, other.job),
            "id": lambda url: url.replace("/7/", "/8/"),
            "signature": lambda url: url.replace("?", "0?"),
            "approver": lambda url: url.replace("leo", "mia"),
            "workspace": lambda url: url.replace("/main/", "/elsewhere/"),
        }
        changed = changes[part]
        stranger = server.make_client()
        for name in ("resume", "cancel"):
            answer = await stranger.post(changed(found[name]), json={})
            assert (answer.status_code, "link is not right" in answer.text) == (404, True), answer.text
        page = await stranger.get(changed(found["approvalPage"]))
        assert (page.status_code, "link is not right" in page.text, "Pay?" in page.text) == (404, True, False)
        assert [await status(server, one) for one in (wait, other)] == ["open", "open"]

    @pytest.mark.parametrize("resume_id", ["-1", "4294967296", "x", "1.5", "９", "99999999999999999999"])
    async def test_a_resume_id_fits_32_bits(self, server: Server, resume_id: str) -> None:
        wait = await a_wait(server)
        answer = await server.client.get(f"/api/w/main/jobs/resume_urls/{wait.job}/{resume_id}")
        assert (answer.status_code, "resume id" in answer.text) == (400, True)

    @pytest.mark.parametrize("name", ["NO_ID", "NO_JOB_ID", "5b4aa2a8-9cf9-4b0b-8a4f-0000000000ff"])
    async def test_there_are_no_links_for_no_job(self, server: Server, name: str) -> None:
        answer = await server.client.get(f"/api/w/main/jobs/resume_urls/{name}/1")
        assert answer.status_code == 404

    async def test_an_answer_that_comes_early_is_kept(self, server: Server) -> None:
        wait = await a_wait(server, wait=False)
        found = await urls(server, wait)
        page = await server.make_client().get(found["approvalPage"])
        assert (page.status_code, "is kept" in page.text) == (200, True)
        answer = await server.make_client().post(found["resume"], json=5)
        assert (answer.status_code, await status(server, wait)) == (201, "none")
        store = server.workspace.store
        new = NewSuspension(wait.run, "a", wait.job, "main", 1, (wait.run,))
        row = await store.database.write(lambda c: store.approvals.open(c, new))
        assert (row.status, await payloads(server, wait)) == ("approved", [5])

    async def test_flow_level_links_serve_the_next_wait(self, server: Server) -> None:
        wait = await a_wait(server)
        found = await urls(server, wait, flow_level=True)
        assert f"/resume/{wait.run}/" in found["resume"]
        answer = await server.make_client().post(found["resume"], json={"any": 1})
        assert (answer.status_code, await status(server, wait)) == (201, "approved")
        late = await server.make_client().post((await urls(server, wait, 8, flow_level=True))["resume"], json={})
        assert late.status_code == 201, "kept for the next wait of the flow"

    async def test_who_may_not_answer_makes_no_links(self, server: Server) -> None:
        wait = await a_wait(server)
        viewer = await server.person("vic", "viewer")
        answer = await viewer.get(f"/api/w/main/jobs/resume_urls/{wait.job}/1")
        assert answer.status_code == 403
        private = await a_wait(server, path="u/admin/secret")
        operator = await server.person("ola", "operator")
        assert (await operator.get(f"/api/w/main/jobs/resume_urls/{private.job}/1")).status_code == 404
        assert (await operator.get(f"/api/w/main/jobs/resume_urls/{wait.job}/1")).status_code == 200


class TestConditions:
    """Every condition holds at every door: link, page, API, in place."""

    async def doors(self, server: Server, client: httpx.AsyncClient, wait: Wait) -> dict[str, int]:
        found = {name: await urls(server, wait, number) for name, number in (("resume", 11), ("approvalPage", 12))}
        answers = {
            "link": await client.post(found["resume"]["resume"], json={}),
            "page": await client.post(found["approvalPage"]["approvalPage"], data={"decision": "approve"}),
            "owner": await client.post(f"/api/w/main/jobs/flow/resume/{wait.run}", json={}),
            "suspended": await client.post(f"/api/w/main/jobs_u/flow/resume_suspended/{wait.job}", json={}),
            "place": await client.post(
                f"/api/w/main/runs/{wait.run}/approvals", json={"path": "a", "approved": True, "payload": {}}
            ),
        }
        return {name: answer.status_code for name, answer in answers.items()}

    async def test_sign_in(self, server: Server) -> None:
        wait = await a_wait(server, user_auth_required=True)
        assert await self.doors(server, server.make_client(), wait) == dict.fromkeys(
            ("link", "page", "owner", "suspended", "place"), 401
        )
        assert await status(server, wait) == "open"
        page = (await server.make_client().get((await urls(server, wait, 13))["approvalPage"])).text
        assert "Sign in to answer" in page and "12.5" not in page, "strangers do not read the facts"
        operator = await server.person("ola", "operator")
        assert (await operator.post((await urls(server, wait, 14))["resume"], json={})).status_code == 201

    async def test_self_approval(self, server: Server) -> None:
        starter = await server.person("ola", "operator")
        wait = await a_wait(server, by="ola", self_approval_disabled=True)
        assert set((await self.doors(server, starter, wait)).values()) == {403}
        assert set((await self.doors(server, server.make_client(), wait)).values()) == {401}
        assert await status(server, wait) == "open"
        other = await server.person("otto", "operator")
        assert (await other.post(f"/api/w/main/jobs/flow/resume/{wait.run}", json={})).status_code == 201

    async def test_groups(self, server: Server) -> None:
        wait = await a_wait(server, groups=["finance", "board"])
        outside = await server.person("ola", "operator")
        assert set((await self.doors(server, outside, wait)).values()) == {403}
        refused = await outside.post(f"/api/w/main/jobs/flow/resume/{wait.run}", json={})
        assert "board, finance" in refused.text
        assert await status(server, wait) == "open"
        viewer = await server.person("vic", "viewer")
        await in_group(server, "board", "vic")
        done = await viewer.post(
            f"/api/w/main/runs/{wait.run}/approvals", json={"path": "a", "approved": True, "comment": "ok for EU"}
        )
        assert (done.status_code, done.json()["status"]) == (200, "approved"), done.text
        assert done.json()["events"][0]["comment"] == "ok for EU"

    async def test_admins_are_past_conditions_and_told_so(self, server: Server) -> None:
        wait = await a_wait(server, groups=["finance"], self_approval_disabled=True)
        listed = (await server.client.get(f"/api/w/main/runs/{wait.run}/approvals")).json()
        assert listed[0]["can_answer"] and "as an admin you may" in listed[0]["warning"]
        assert (await server.client.post(f"/api/w/main/jobs/flow/resume/{wait.run}", json={})).status_code == 201
        rows = await server.workspace.store.database.read(lambda c: audit.latest(c, "main"))
        assert any(row.action == "run.approve" and "as admin" in row.detail for row in rows)

    async def test_a_viewer_may_not_approve_what_asks_no_group(self, server: Server) -> None:
        wait = await a_wait(server, required=9)
        viewer = await server.person("vic", "viewer")
        found = await self.doors(server, viewer, wait)
        assert found == {"link": 201, "page": 409, "owner": 403, "suspended": 403, "place": 403}

    async def test_links_in_the_result_open_it_to_whoever_reads_the_run(self, server: Server) -> None:
        wait = await a_wait(server, prompt=True)
        viewer = await server.person("vic", "viewer")
        assert (await viewer.post(f"/api/w/main/jobs/flow/resume/{wait.run}", json={})).status_code == 201

    async def test_one_person_counts_once(self, server: Server) -> None:
        wait = await a_wait(server, required=2)
        first = await server.client.post(f"/api/w/main/jobs/flow/resume/{wait.run}", json={})
        again = await server.client.post(f"/api/w/main/jobs/flow/resume/{wait.run}", json={})
        assert (first.status_code, again.status_code, await status(server, wait)) == (201, 409, "open")
        assert "already" in again.text
        other = await server.person("otto", "operator")
        assert (await other.post(f"/api/w/main/jobs/flow/resume/{wait.run}", json={})).status_code == 201
        assert await status(server, wait) == "approved"

    async def test_one_person_counts_once_also_by_links_in_other_names(self, server: Server) -> None:
        wait = await a_wait(server, required=2, user_auth_required=True)
        operator = await server.person("ola", "operator")
        links = [await urls(server, wait, number, approver=name) for number, name in enumerate(("leo", "mia"))]
        answers = [await operator.post(link["resume"], json={}) for link in links]
        assert [answer.status_code for answer in answers] == [201, 409]
        place = {"path": "a", "approved": True, "payload": {}}
        assert (await operator.post(f"/api/w/main/runs/{wait.run}/approvals", json=place)).status_code == 409
        assert (await status(server, wait), len(await payloads(server, wait))) == ("open", 1)

    async def test_one_person_counts_once_also_before_the_step_asks(self, server: Server) -> None:
        wait = await a_wait(server, wait=False, user_auth_required=True)
        operator = await server.person("ola", "operator")
        for number in (1, 2):
            assert (await operator.post((await urls(server, wait, number))["resume"], json={})).status_code == 201
        store = server.workspace.store
        new = NewSuspension(wait.run, "a", wait.job, "main", 2, (wait.run,), {"user_auth_required": True})
        row = await store.database.write(lambda c: store.approvals.open(c, new))
        assert (row.status, len(await payloads(server, wait))) == ("open", 1)

    async def test_a_job_counts_once_for_its_person(self, server: Server) -> None:
        wait = await a_wait(server, required=2, user_auth_required=True)
        await server.person("ola", "operator")
        run = await server.workspace.store.runs.get((await a_wait(server, by="ola")).run)
        assert run is not None
        token = await server.workspace.sessions.job_tokens.issue(run, job_id(run.id, "a"), 60)
        job = server.make_client({"authorization": f"Bearer {token}"})
        answers = [await job.post(f"/api/w/main/jobs/flow/resume/{wait.run}", json={}) for _ in range(2)]
        assert ([answer.status_code for answer in answers], await status(server, wait)) == ([201, 409], "open")


class TestClients:
    async def test_denying_and_info(self, server: Server) -> None:
        wait = await a_wait(server, form=FORM, enums={"centre": ["x"]}, hide_cancel=True)
        info = (await server.client.get(f"/api/w/main/jobs_u/flow/approval_info/{wait.run}")).json()
        assert (info["flow_id"], info["can_approve"], info["form_schema"]) == (wait.run, True, FORM)
        assert (info["user_auth_required"], info["hide_cancel"], info["approvers"]) == (False, True, [])
        body = {"approved": False, "payload": {"why": "no"}}
        done = await server.client.post(f"/api/w/main/jobs_u/flow/resume_suspended/{wait.run}", json=body)
        assert (done.status_code, await status(server, wait)) == (201, "disapproved")
        info = (await server.client.get(f"/api/w/main/jobs_u/flow/approval_info/{wait.job}")).json()
        assert (info["can_approve"], info["status"]) == (False, "disapproved")
        again = await server.client.post(f"/api/w/main/jobs/flow/resume/{wait.run}", json={})
        assert (again.status_code, "Nothing waits" in again.text) == (409, True)

    async def test_get_flow(self, server: Server) -> None:
        wait = await a_wait(server, required=2)
        found = await urls(server, wait, 1, approver="leo")
        await server.make_client().post(found["resume"], json={})
        link = (await urls(server, wait, 2))["resume"].replace("/resume/", "/get_flow/")
        answer = await server.make_client().get(link)
        assert answer.status_code == 200, answer.text
        assert answer.json()["approvers"] == [{"resume_id": 1, "approver": "leo"}]
        assert answer.json()["job"]["id"] == wait.run

    @pytest.mark.parametrize("where", ["slack", "teams"])
    async def test_what_is_not_offered_says_so(self, server: Server, where: str) -> None:
        wait = await a_wait(server)
        answer = await server.client.get(f"/api/w/main/jobs/{where}_approval/{wait.job}")
        assert (answer.status_code, "not supported" in answer.text) == (501, True)

    async def test_the_inbox_holds_what_one_may_answer(self, server: Server) -> None:
        mine, closed, theirs = await a_wait(server), await a_wait(server), await a_wait(server, path="u/admin/x")
        await server.client.post(f"/api/w/main/jobs/flow/resume/{closed.run}", json={})
        operator = await server.person("ola", "operator")
        found = (await operator.get("/api/w/main/approvals")).json()
        assert [one["run_id"] for one in found] == [mine.run]
        assert {one["run_id"] for one in (await server.client.get("/api/w/main/approvals")).json()} == {
            mine.run,
            theirs.run,
        }
        await operator.post(f"/api/w/main/jobs/flow/resume/{mine.run}", json={})
        assert (await operator.get("/api/w/main/approvals")).json() == []


class TestForm:
    @pytest.mark.parametrize(
        ("payload", "said"),
        [
            ({}, "Cost centre: Please fill this in."),
            ({"centre": "none"}, "Cost centre: Please choose one of the list."),
            ({"centre": "4712 Fees", "amount": 0}, "Amount: This must be at least 1."),
            ({"centre": "4712 Fees", "amount": "ten"}, "Amount: This must be a number."),
            ({"centre": "4712 Fees", "reason": "UP"}, "reason: This must match"),
            ([1], "must be a JSON object"),
        ],
    )
    async def test_an_answer_that_does_not_fit_decides_nothing(self, server: Server, payload: Any, said: str) -> None:
        wait = await a_wait(server, form=FORM)
        answer = await server.make_client().post((await urls(server, wait))["resume"], json=payload)
        assert (answer.status_code, said in answer.text) == (422, True), answer.text
        assert await status(server, wait) == "open"
        done = await server.make_client().post((await urls(server, wait))["resume"], json={"centre": "4712 Fees"})
        assert done.status_code == 201, "the link was not spent"
        assert await payloads(server, wait) == [{"amount": 10, "centre": "4712 Fees"}]

    async def test_a_denial_needs_no_form(self, server: Server) -> None:
        wait = await a_wait(server, form=FORM)
        answer = await server.make_client().post((await urls(server, wait))["cancel"])
        assert (answer.status_code, await status(server, wait)) == (201, "disapproved")

    async def test_the_steps_own_choices_and_defaults_win(self, server: Server) -> None:
        wait = await a_wait(server, form=FORM, enums={"centre": ["A", "B"]}, default_args={"centre": "B", "amount": 3})
        refused = await server.make_client().post((await urls(server, wait))["resume"], json={"centre": "4712 Fees"})
        assert refused.status_code == 422
        assert (await server.make_client().post((await urls(server, wait))["resume"])).status_code == 201
        assert await payloads(server, wait) == [{"centre": "B", "amount": 3}]

    async def test_a_pattern_without_end_harms_nobody(self, server: Server) -> None:
        form = {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}}
        wait = await a_wait(server, form=form)
        answer = await server.make_client().post((await urls(server, wait))["resume"], json={"x": "a" * 40 + "!"})
        assert answer.status_code in (201, 422)


def fields(page: str) -> dict[str, str]:
    """Texts of the inputs in a page, by name."""

    class Reader(HTMLParser):
        area = select = ""

        def __init__(self) -> None:
            super().__init__()
            self.found: dict[str, str] = {}

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            name = given.get("name") or ""
            if tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
                self.found[name] = given.get("value") or ""
            elif tag == "textarea":
                self.area, self.found[name] = name, ""
            elif tag == "select":
                self.select = name
            elif tag == "option" and "selected" in given:
                self.found[self.select] = given.get("value") or ""

        def handle_data(self, data: str) -> None:
            if self.area:
                self.found[self.area] += data.removeprefix("\n")

        def handle_endtag(self, tag: str) -> None:
            if tag == "textarea":
                self.area = ""

    reader = Reader()
    reader.feed(page)
    return reader.found


class TestPage:
    async def test_it_asks_and_shows_the_facts(self, server: Server) -> None:
        wait = await a_wait(server, required=2, form=FORM, groups=[])
        found = await urls(server, wait, approver="leo")
        answer = await server.make_client().get(found["approvalPage"])
        page = answer.text
        for part in ("Pay?", "admin", "Payout", "run 1", "Until", "the run fails", "Total", "12.5", "0 of 2 approvals"):
            assert part in page, part
        assert "1234" not in page and "(hidden)" in page, "a password among the arguments stays hidden"
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("same-origin", "no-store")
        assert fields(page)["f.amount"] == "10"

    async def test_approving_with_the_form(self, server: Server) -> None:
        wait = await a_wait(server, form=FORM)
        page = (await urls(server, wait, approver="leo"))["approvalPage"]
        stranger = server.make_client()
        typed = {"f.centre": '"4712 Fees"', "f.amount": "12.5", "f.urgent": "true", "f.reason": "", "comment": "go on"}
        answer = await stranger.post(page, data={**typed, "decision": "approve"})
        assert (answer.status_code, answer.headers["location"]) == (303, page)
        assert await payloads(server, wait) == [
            {"centre": "4712 Fees", "amount": 12.5, "urgent": True, "comment": "go on"}
        ]
        closed = (await stranger.get(page)).text
        assert "Approved" in closed and "go on" in closed and "<form" not in closed and "by leo" in closed
        again = await stranger.post(page, data={**typed, "decision": "deny"})
        assert (again.status_code, "<form" in again.text, await status(server, wait)) == (409, False, "approved")

    async def test_denying_says_who_and_why(self, server: Server) -> None:
        wait = await a_wait(server)
        page = (await urls(server, wait, approver="mia"))["approvalPage"]
        await server.make_client().post(page, data={"decision": "deny", "comment": "too much"})
        assert await status(server, wait) == "disapproved"
        closed = (await server.make_client().get(page)).text
        assert "Denied" in closed and "too much" in closed and "mia" in closed

    async def test_mistakes_are_said_beside_the_field_and_nothing_is_lost(self, server: Server) -> None:
        wait = await a_wait(server, form=FORM)
        page = (await urls(server, wait))["approvalPage"]
        typed = {
            "f.centre": "",
            "f.amount": "twelve <b>",
            "f.urgent": "true",
            "f.reason": "because",
            "comment": "a\r\nb",
        }
        answer = await server.make_client().post(page, data={**typed, "decision": "approve"})
        assert answer.status_code == 422
        found = fields(answer.text)
        assert found["f.amount"] == "twelve <b>" and found["f.reason"] == "because" and found["f.urgent"] == "true"
        assert found["comment"] == "a\nb"
        assert "This must be a number." in answer.text and "Please fill this in." in answer.text
        assert answer.text.count('aria-invalid="true"') == 2
        assert await status(server, wait) == "open"

    async def test_the_enter_key_decides_nothing(self, server: Server) -> None:
        wait = await a_wait(server, form=FORM)
        page = (await urls(server, wait))["approvalPage"]
        answer = await server.make_client().post(page, data={"f.reason": "kept", "decision": ""})
        assert (answer.status_code, "Choose Approve or Deny" in answer.text) == (400, True)
        assert fields(answer.text)["f.reason"] == "kept"
        assert await status(server, wait) == "open"

    async def test_a_link_fills_the_form_in(self, server: Server) -> None:
        wait = await a_wait(server, form=FORM)
        carried = base64.urlsafe_b64encode(
            json.dumps({"centre": "4711 Payouts", "amount": 5, "extra": "kept"}).encode()
        ).decode()
        page = (await urls(server, wait))["approvalPage"]
        opened = await server.make_client().get(page, params={"payload": carried})
        found = fields(opened.text)
        assert (found["f.centre"], found["f.amount"]) == ('"4711 Payouts"', "5") and "kept" in opened.text
        sent = {name: text for name, text in found.items() if name}
        await server.make_client().post(page, data={**sent, "decision": "approve"})
        (given,) = await payloads(server, wait)
        assert (given["extra"], given["amount"], given["centre"]) == ("kept", 5, "4711 Payouts")
        broken = await server.make_client().get((await urls(server, wait, 9))["approvalPage"], params={"payload": "%%"})
        assert broken.status_code == 200

    async def test_what_was_typed_survives_signing_in(self, server: Server) -> None:
        wait = await a_wait(server, form=FORM, user_auth_required=True)
        page = (await urls(server, wait))["approvalPage"]
        typed = {"f.centre": '"4712 Fees"', "f.amount": "44", "decision": "approve"}
        answer = await server.make_client().post(page, data=typed)
        assert answer.status_code == 401
        (target,) = [part.partition('"')[0] for part in answer.text.split('href="') if part.startswith("/signin")]
        back = parse_qs(urlsplit(target.replace("&amp;", "&")).query)["next"][0]
        assert urlsplit(back).path == page
        found = fields((await server.client.get(back)).text)
        assert (found["f.amount"], found["f.centre"]) == ("44", '"4712 Fees"')

    @pytest.mark.parametrize(("ending", "said"), [("time_out", "Timed out"), ("close", "The run ended before")])
    async def test_closed_states(self, server: Server, ending: str, said: str) -> None:
        wait = await a_wait(server)
        approvals = server.workspace.store.approvals
        page = (await urls(server, wait))["approvalPage"]
        if ending == "time_out":
            await server.workspace.store.database.write(lambda c: approvals.time_out(c, seconds_ago(-7200)))
        else:
            await server.workspace.store.database.write(lambda c: approvals.close(c, wait.run))
        found = await server.make_client().get(page)
        assert (found.status_code, said in found.text, "<form" in found.text) == (200, True, False)
        late = await server.make_client().post(page, data={"decision": "approve"})
        assert (late.status_code, said in late.text) == (409, True)
        assert await payloads(server, wait) == []

    async def test_one_of_two_says_so(self, server: Server) -> None:
        wait = await a_wait(server, required=2)
        page = (await urls(server, wait, 1, approver="leo"))["approvalPage"]
        await server.make_client().post(page, data={"decision": "approve", "comment": "ok for EU"})
        mine = (await server.make_client().get(page)).text
        assert "You approved" in mine and "waits for others" in mine
        other = (await server.make_client().get((await urls(server, wait, 2))["approvalPage"])).text
        assert "1 of 2 approvals" in other and "leo" in other and "ok for EU" in other and "<form" in other

    async def test_deny_can_be_hidden(self, server: Server) -> None:
        wait = await a_wait(server, hide_cancel=True)
        page = (await server.make_client().get((await urls(server, wait))["approvalPage"])).text
        assert 'value="deny"' not in page and 'value="approve"' in page
