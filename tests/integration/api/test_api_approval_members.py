"""Requests for approval for those who are signed in: the inbox and what was answered, handing on, escalation, the decision page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from flowapp.store import audit, groups, identities
from flowapp.workspace.approval_nudges import NudgeApprovals
from tests.integration.api.api_approvals import Wait, a_wait, in_group, payloads, status, urls
from tests.integration.api.api_server import Server

INBOX = "/api/w/main/approvals"
GROUP: dict[str, Any] = {"groups": ["board"], "extras": {"delegation": True}}


async def inbox(client: httpx.AsyncClient) -> list[str]:
    answer = await client.get(INBOX)
    assert answer.status_code == 200, answer.text
    count = (await client.get(f"{INBOX}/count")).json()["count"]
    assert count == len(answer.json())
    return [str(one["run_id"]) for one in answer.json()]


async def board(server: Server, name: str, role: str = "operator") -> httpx.AsyncClient:
    client = await server.person(name, role)
    await in_group(server, "board", name)
    return client


async def hand_on(client: httpx.AsyncClient, wait: Wait, to: str | None) -> httpx.Response:
    return await client.post(f"/api/w/main/runs/{wait.run}/approvals/hand_on", json={"path": wait.path, "to": to})


async def approve(client: httpx.AsyncClient, wait: Wait) -> int:
    body = {"path": "a", "approved": True, "payload": {}}
    return (await client.post(f"/api/w/main/runs/{wait.run}/approvals", json=body)).status_code


async def nudge(server: Server, seconds: float) -> None:
    (duty,) = [one for one in server.workspace.duties if isinstance(one, NudgeApprovals)]
    await duty.look(datetime.now(UTC) + timedelta(seconds=seconds))


class TestInbox:
    async def test_it_holds_what_waits_for_one(self, server: Server) -> None:
        for_board = await a_wait(server, groups=["board"])
        for_all = await a_wait(server, required=2)
        mine = await a_wait(server, by="bea", self_approval_disabled=True)
        bea, ola, vic = (
            await board(server, "bea"),
            await server.person("ola", "operator"),
            await board(server, "vic", "viewer"),
        )
        assert sorted(await inbox(bea)) == sorted([for_board.run, for_all.run])
        assert sorted(await inbox(ola)) == sorted([for_all.run, mine.run])
        assert await inbox(vic) == [for_board.run]
        assert await approve(ola, for_all) == 200
        assert await inbox(ola) == [mine.run]

    async def test_what_is_over_is_among_what_one_answered(self, server: Server) -> None:
        wait, other = await a_wait(server, required=2), await a_wait(server)
        ola = await server.person("ola", "operator")
        assert await approve(ola, wait) == 200
        await server.client.post(
            f"/api/w/main/runs/{other.run}/approvals", json={"path": "a", "approved": False, "comment": "no"}
        )
        (found,) = (await ola.get(f"{INBOX}/answered")).json()
        assert (found["run_id"], found["status"], found["approvals"]) == (wait.run, "open", 1)
        (denied,) = (await server.client.get(f"{INBOX}/answered")).json()
        assert (denied["status"], denied["events"][0]["comment"]) == ("disapproved", "no")

    async def test_more_than_a_page_of_others_hides_none(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("flowapp.store.approval_queries.PAGE", 2)
        monkeypatch.setattr("flowapp.workspace.approval_lists.PAGE", 2)
        vic = await board(server, "vic", "viewer")
        for _ in range(5):
            await a_wait(server, groups=["other"])
        wait = await a_wait(server, groups=["board"])
        assert await inbox(vic) == [wait.run]

    async def test_of_another_workspace_nothing_is_told(self, server: Server) -> None:
        await a_wait(server)
        olga = await server.person("olga", "admin", workspace="elsewhere")
        assert (await olga.get("/api/w/elsewhere/approvals")).json() == []
        assert (await olga.get("/api/w/elsewhere/approvals/answered")).json() == []


class TestPageForMembers:
    async def test_a_click_leads_to_the_page_and_decides_nothing(self, server: Server) -> None:
        wait = await a_wait(server, groups=["board"])
        bea = await board(server, "bea")
        (found,) = (await bea.get(INBOX)).json()
        opened = await bea.get(found["page"])
        assert opened.status_code == 303
        page = await bea.get(opened.headers["location"])
        assert page.status_code == 200 and 'value="approve"' in page.text
        assert await status(server, wait) == "open"
        done = await bea.post(opened.headers["location"], data={"decision": "approve"})
        assert (done.status_code, await status(server, wait)) == (303, "approved")
        again = await bea.get(found["page"])
        assert again.status_code == 200 and "was approved" in again.text and "<form" not in again.text

    async def test_who_may_not_answer_reads_why(self, server: Server) -> None:
        wait = await a_wait(server, groups=["board"])
        ola = await server.person("ola", "operator")
        page = await ola.get(f"/approve/main/{wait.job}")
        assert page.status_code == 200 and "for members of board" in page.text
        assert "<form" not in page.text and "12.5" not in page.text
        assert (await ola.post(f"/approve/main/{wait.job}")).status_code == 403
        assert await status(server, wait) == "open"

    async def test_strangers_sign_in_and_come_back(self, server: Server) -> None:
        wait = await a_wait(server)
        for method in ("GET", "POST"):
            answer = await server.make_client().request(method, f"/approve/main/{wait.job}")
            assert answer.status_code == 303
            assert answer.headers["location"] == f"/signin?next=%2Fapprove%2Fmain%2F{wait.job}"

    async def test_another_workspaces_request_looks_like_none(self, server: Server) -> None:
        wait = await a_wait(server)
        olga = await server.person("olga", "admin", workspace="elsewhere")
        pages = [await olga.get(f"/approve/elsewhere/{job}") for job in (wait.job, "no-such")]
        assert [page.status_code for page in pages] == [404, 404]
        assert pages[0].text == pages[1].text

    async def test_opening_is_noted_once_and_prefetching_is_not(self, server: Server) -> None:
        wait = await a_wait(server)
        page = (await urls(server, wait, approver="leo"))["approvalPage"]
        stranger = server.make_client()
        await stranger.get(page, headers={"sec-purpose": "prefetch;prerender"})
        assert (await stranger.head(page)).status_code == 405
        for _ in range(2):
            await stranger.get(page)
        (found,) = (await server.client.get(f"/api/w/main/runs/{wait.run}/approvals")).json()
        assert [(one["who"], one["did"]) for one in found["trail"]] == [
            ("The link for leo", "was opened"),
            ("Waiting for 1 approval", ""),
        ]
        assert await status(server, wait) == "open"


class TestHandingOn:
    async def test_the_delegate_answers_and_the_trail_says_so(self, server: Server) -> None:
        wait = await a_wait(server, **GROUP)
        bea, vic = await board(server, "bea"), await server.person("vic", "viewer")
        assert await approve(vic, wait) == 403
        answer = await hand_on(bea, wait, "vic")
        assert (answer.status_code, answer.json()["handed_to"]) == (200, "vic"), answer.text
        assert (await inbox(bea), await inbox(vic)) == ([], [wait.run])
        assert await approve(bea, wait) == 403
        assert (await bea.post((await urls(server, wait, 21))["resume"], json={})).status_code == 403
        assert await approve(vic, wait) == 200
        (found,) = (await vic.get(f"/api/w/main/runs/{wait.run}/approvals")).json()
        assert [(one["who"], one["did"]) for one in found["trail"]] == [
            ("bea", "handed their vote to vic"),
            ("vic@example.org", "approved"),
        ]
        rows = await server.workspace.store.database.read(lambda c: audit.latest(c, "main"))
        assert [(row.by, row.detail) for row in rows if row.action == "run.delegate"] == [("bea", "run 1, a, to vic")]

    async def test_it_is_taken_back(self, server: Server) -> None:
        wait = await a_wait(server, **GROUP)
        bea, vic = await board(server, "bea"), await server.person("vic", "viewer")
        await hand_on(bea, wait, "vic")
        assert (await hand_on(bea, wait, None)).status_code == 200
        assert (await approve(vic, wait), await approve(bea, wait)) == (403, 200)

    async def test_it_goes_no_further_than_its_givers_own_right(self, server: Server) -> None:
        wait = await a_wait(server, **GROUP)
        bea, vic = await board(server, "bea"), await server.person("vic", "viewer")
        await hand_on(bea, wait, "vic")
        assert "no further" in (await hand_on(vic, wait, "admin")).text

        await server.workspace.store.database.write(lambda c: groups.remove_member(c, "main", "board", "bea"))
        server.workspace.sessions.rights_changed()
        assert (await approve(vic, wait), await inbox(vic)) == (403, [])
        page = (await urls(server, wait, 5))["approvalPage"]
        assert (await vic.post(page, data={"decision": "approve"})).status_code == 403
        assert await status(server, wait) == "open"

    async def test_it_ends_with_its_givers_membership(self, server: Server) -> None:
        wait = await a_wait(server, **GROUP)
        bea, vic = await board(server, "bea"), await server.person("vic", "viewer")
        await hand_on(bea, wait, "vic")
        await server.workspace.store.database.write(lambda c: identities.remove_member(c, "main", "bea@example.org"))
        assert await approve(vic, wait) == 403

    @pytest.mark.parametrize(
        ("to", "code", "said"),
        [
            ("nobody", 400, "Nobody named"),
            ("admin", 403, "may answer already"),
            ("bob", 403, "may answer already"),
            (5, 400, "must be a text"),
        ],
    )
    async def test_not_to_everybody(self, server: Server, to: Any, code: int, said: str) -> None:
        wait = await a_wait(server, **GROUP)
        bea, _ = await board(server, "bea"), await board(server, "bob")
        answer = await hand_on(bea, wait, to)
        assert (answer.status_code, said in answer.text) == (code, True), answer.text

    async def test_not_to_who_started_the_run_nor_to_who_may_not_see_it(self, server: Server) -> None:
        await server.person("ola", "operator")
        bea = await board(server, "bea", "admin")
        wait = await a_wait(server, by="ola", self_approval_disabled=True, **GROUP)
        answer = await hand_on(bea, wait, "ola")
        assert (answer.status_code, "started this run" in answer.text) == (403, True)
        private = await a_wait(server, path="u/admin/secret", **GROUP)
        hidden = await hand_on(bea, private, "ola")
        assert (hidden.status_code, "may not see this run" in hidden.text) == (403, True), hidden.text

    async def test_not_where_the_step_does_not_permit_it_nor_twice_nor_late(self, server: Server) -> None:
        bea, _ = await board(server, "bea"), await server.person("vic", "viewer")
        strict = await a_wait(server, groups=["board"])
        assert "does not let" in (await hand_on(bea, strict, "vic")).text
        used = await a_wait(server, required=2, **GROUP)
        await approve(bea, used)
        assert (await hand_on(bea, used, "vic")).status_code == 409
        over = await a_wait(server, **GROUP)
        await approve(bea, over)
        assert (await hand_on(bea, over, "vic")).status_code == 409

    async def test_a_link_gives_no_vote_to_hand_on(self, server: Server) -> None:
        wait = await a_wait(server, extras={"delegation": True})
        await server.person("otto", "viewer")
        page = (await urls(server, wait))["approvalPage"]
        vic = await server.person("vic", "viewer")
        for client, code in ((server.make_client(), 401), (vic, 403)):
            assert "Hand my vote" not in (await client.get(page)).text
            assert (await client.post(page, data={"decision": "hand_on", "to": "otto"})).status_code == code
        assert (await hand_on(vic, wait, "otto")).status_code == 403

    async def test_on_the_page_without_scripts(self, server: Server) -> None:
        wait = await a_wait(server, **GROUP)
        bea, vic = await board(server, "bea"), await server.person("vic", "viewer")
        page = (await bea.get(f"/approve/main/{wait.job}")).headers["location"]
        text = (await bea.get(page)).text
        assert "Hand my vote" in text and '<option value="vic">' in text
        wrong = await bea.post(page, data={"decision": "hand_on", "to": "nobody"})
        assert (wrong.status_code, "Nobody named" in wrong.text) == (400, True)
        assert (await bea.post(page, data={"decision": "hand_on", "to": "vic"})).status_code == 303
        handed = (await bea.get(page)).text
        assert "You handed your vote to vic" in handed and "Take it back" in handed and 'value="approve"' not in handed
        other = await bea.get(f"/approve/main/{wait.job}")
        assert (other.status_code, "Take it back" in other.text) == (200, True)
        assert (await bea.post(page, data={"decision": "approve"})).status_code == 403
        assert (await bea.post(f"/approve/main/{wait.job}", data={"to": "ola"})).status_code == 303
        assert 'value="approve"' in (await bea.get(page)).text
        assert await approve(vic, wait) == 403


class TestWhileNobodyAnswers:
    async def test_escalation_lets_others_answer(self, server: Server) -> None:
        extras = {"remind_after": 60, "escalate_after": 120, "escalate_to": ["u/vic", "g/leads"]}
        wait = await a_wait(server, groups=["board"], extras=extras)
        vic = await server.person("vic", "viewer")
        await nudge(server, 61)
        assert (await inbox(vic), await approve(vic, wait)) == ([], 403)
        await nudge(server, 121)
        assert await inbox(vic) == [wait.run]
        (found,) = (await vic.get(f"/api/w/main/runs/{wait.run}/approvals")).json()
        assert [(one["who"], one["did"]) for one in found["trail"]] == [
            ("Reminded", ""),
            ("Escalated:", "vic and leads may answer too"),
            ("Waiting for 1 approval of board or leads", ""),
        ]
        assert (await approve(vic, wait), await status(server, wait)) == (200, "approved")

    async def test_a_denial_wants_a_reason_at_every_door(self, server: Server) -> None:
        wait = await a_wait(server, extras={"comment_on_deny": True})
        links = [await urls(server, wait, number) for number in (1, 2)]
        place = {"path": "a", "approved": False, "payload": {}, "comment": " "}
        page = await server.make_client().post(links[1]["approvalPage"], data={"decision": "deny", "comment": " "})
        assert "wants a reason" in page.text and 'aria-invalid="true"' in page.text
        answers = [
            page,
            await server.make_client().post(links[0]["cancel"], json={}),
            await server.client.post(f"/api/w/main/runs/{wait.run}/approvals", json=place),
            await server.client.post(f"/api/w/main/jobs_u/flow/resume_suspended/{wait.run}", json={"approved": False}),
        ]
        assert [answer.status_code for answer in answers] == [422] * 4
        assert (await status(server, wait), await payloads(server, wait)) == ("open", [])
        done = await server.make_client().post(
            links[1]["approvalPage"], data={"decision": "deny", "comment": "too much"}
        )
        assert (done.status_code, await status(server, wait)) == (303, "disapproved")

    async def test_secrets_that_the_run_has_read_are_not_shown(self, server: Server) -> None:
        wait = await a_wait(server, description={"Key": "hunter22 it is", "List": ["x hunter22"]})
        server.workspace.store.masks.note(wait.run, "hunter22")
        page = (await server.make_client().get((await urls(server, wait))["approvalPage"])).text
        listed = (await server.client.get(f"/api/w/main/runs/{wait.run}/approvals")).text
        assert "hunter22" not in page and "hunter22" not in listed and "***** it is" in page

    async def test_secrets_are_not_shown_either_where_nobody_remembers_what_was_read(self, server: Server) -> None:
        secret = {"path": "u/admin/key", "value": "hunter22", "is_secret": True, "description": ""}
        short = {"path": "u/admin/short", "value": "it", "is_secret": True, "description": ""}
        for variable in (secret, short):
            assert (await server.client.post("/api/w/main/variables/create", json=variable)).status_code == 201
        wait = await a_wait(server, description={"Key": "hunter22 it is"})
        assert not server.workspace.store.masks.texts(wait.run)  # as after a restart
        page = (await server.make_client().get((await urls(server, wait))["approvalPage"])).text
        assert "hunter22" not in page and "***** it is" in page  # what is that short is a word too
