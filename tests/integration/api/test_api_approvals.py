"""Requests for approval over HTTP: every door, one policy; opening a link decides nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from flowapp.access.approving import signature
from flowapp.store import audit, identities
from flowapp.store.approval_shapes import NewSuspension
from flowapp.store.runs import job_id
from tests.integration.api.api_approvals import FORM, Wait, a_wait, in_group, payloads, status, urls
from tests.integration.api.api_server import Server


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
    async def test_nobody_but_the_step_itself_asks_in_a_chat(self, server: Server, where: str) -> None:
        wait, query = await a_wait(server), {"channel_id": "C1", "slack_resource_path": "f/a/b", "team_name": "f/a/b"}
        answer = await server.client.get(f"/api/w/main/jobs/{where}_approval/{wait.job}", params=query)
        assert (answer.status_code, "Only the step" in answer.text) == (403, True)

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
