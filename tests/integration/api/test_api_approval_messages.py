"""Messages about requests for approval: by e-mail and to a web address, with a link that works; what fails is told and tried again."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from flowapp.store import approval_messages
from flowapp.workspace.approval_delivery import DeliverMessages
from tests.integration.api.api_approvals import Wait, a_wait, status
from tests.integration.api.api_server import Server
from tests.integration.api.test_api_approval_members import nudge
from tests.support.mailbox import Mailbox, mailbox
from tests.unit.net.http_server import Answer, Request, http_server

SETTING = "/api/w/main/workspaces"


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mailbox() as made:
        yield made


async def takes(_: Request) -> Answer:
    return Answer({"ok": True})


async def refuses(_: Request) -> Answer:
    return Answer(b"no", 500)


async def resource(server: Server, path: str, value: Any) -> None:
    body = {"path": path, "value": value, "resource_type": "any"}
    answer = await server.client.post("/api/w/main/resources/create", params={"update_if_exists": "true"}, json=body)
    assert answer.status_code == 201, answer.text


async def mail_server(server: Server, box: Mailbox, **more: Any) -> None:
    value = {"host": "127.0.0.1", "port": box.port, "from": "flows@example.org", "security": "none", **more}
    await resource(server, "f/ops/mail", value)


async def deliver(server: Server, seconds: float = 0) -> None:
    (duty,) = [one for one in server.workspace.duties if isinstance(one, DeliverMessages)]
    await duty.look(datetime.now(UTC) + timedelta(seconds=seconds))


async def trail(server: Server, wait: Wait, client: httpx.AsyncClient | None = None) -> list[tuple[str, str]]:
    (found,) = (await (client or server.client).get(f"/api/w/main/runs/{wait.run}/approvals")).json()
    return [
        (one["who"], " ".join([one["did"], *(fact["text"] for fact in one["said"] if not fact["label"])]))
        for one in found["trail"]
    ]


def told(*to: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"resource": "f/ops/mail", "to": list(to)}], **more}


def link_in(text: str) -> str:
    found = re.search(r"https?://\S+", text)
    assert found is not None
    return urlsplit(found.group())._replace(scheme="", netloc="").geturl()


async def test_an_e_mail_with_a_link_that_answers_in_its_readers_name(server: Server, box: Mailbox) -> None:
    await mail_server(server, box)
    wait = await a_wait(server, extras=told("leo@example.org", "mia@example.org"), required=2, summary="Pay\nnow?")
    await deliver(server)
    assert {str(mail["To"]) for mail in box.mails} == {"leo@example.org", "mia@example.org"}
    (mail,) = [mail for mail in box.mails if mail["To"] == "leo@example.org"]
    assert (mail["Subject"], mail["From"]) == ("Approval: Pay now?", "flows@example.org")
    text = box.text(box.mails.index(mail))
    for part in (
        "admin asks: Payout, run 1",
        "0 of 2 approvals",
        "Answer by",
        "After that the run fails",
        "decides nothing",
    ):
        assert part in text, part
    assert "12.5" not in text, "no arguments in a mailbox"
    page = link_in(text)
    stranger = server.make_client()
    assert (await stranger.get(page)).status_code == 200
    assert await status(server, wait) == "open"
    assert (await stranger.post(page, data={"decision": "approve"})).status_code == 303
    assert (await stranger.post(page, data={"decision": "approve"})).status_code == 409, "once"
    assert (await stranger.post(page.replace("leo", "zoe"), data={"decision": "approve"})).status_code == 404
    assert await trail(server, wait) == [
        ("Sent", "to leo@example.org, mia@example.org"),
        ("The link for leo@example.org", "was opened"),
        ("leo@example.org", "approved"),
        ("Waiting for 1 approval", ""),
    ]
    other = (await stranger.get(link_in(box.text(1 - box.mails.index(mail))))).text
    assert "to 2 people" in other and "mia@example.org" not in other.partition("The link for")[0].partition("So far")[2]


async def test_what_is_refused_is_told_on_the_run_and_tried_again(server: Server, box: Mailbox) -> None:
    await mail_server(server, box)
    box.refuse = "451 try later"
    wait = await a_wait(server, extras=told("leo@example.org"))
    await deliver(server)
    ((who, did), _) = await trail(server, wait)
    assert who == "Not sent yet" and "127.0.0.1 answered 451" in did and "tried again" in did
    await deliver(server)
    assert box.mails == [], "not before its time"
    box.refuse = ""
    await deliver(server, 11)
    assert (len(box.mails), (await trail(server, wait))[0]) == (1, ("Sent", "to leo@example.org"))


async def test_who_dies_while_sending_leaves_it_to_the_next(server: Server, box: Mailbox) -> None:
    await mail_server(server, box)
    await a_wait(server, extras=told("leo@example.org"))
    moment = datetime.now(UTC)

    def dies(connection: Any) -> None:
        (message,) = approval_messages.due(connection, moment)
        assert approval_messages.hold(connection, message, moment)

    await server.workspace.store.database.write(dies)
    await deliver(server)
    assert box.mails == []
    await deliver(server, 100)
    assert len(box.mails) == 1


async def test_reminder_and_delegation_are_told_too(server: Server, box: Mailbox) -> None:
    await mail_server(server, box)
    await server.person("vic", "viewer")
    extras = told("leo@example.org", remind_after=60, delegation=True)
    wait = await a_wait(server, extras=extras)
    answer = await server.client.post(f"/api/w/main/runs/{wait.run}/approvals/hand_on", json={"path": "a", "to": "vic"})
    assert answer.status_code == 200, answer.text
    await nudge(server, 61)
    await deliver(server)
    subjects = sorted((str(mail["To"]), str(mail["Subject"])) for mail in box.mails)
    assert subjects == [
        ("leo@example.org", "Approval: Pay?"),
        ("leo@example.org", "Reminder: Pay?"),
        ("vic@example.org", "In somebody's place: Pay?"),
    ]


async def test_a_password_by_reference_is_read_with_the_runs_rights(server: Server, box: Mailbox) -> None:
    secret = {"path": "u/admin/mail", "value": "right horse", "is_secret": True, "description": ""}
    assert (await server.client.post("/api/w/main/variables/create", json=secret)).status_code == 201
    await mail_server(server, box, user="flows", password="$var:u/admin/mail")
    await server.person("ola", "operator")
    await a_wait(server, extras=told("leo@example.org"))
    hers = await a_wait(server, by="ola", extras=told("mia@example.org"))
    await deliver(server)
    assert [str(mail["To"]) for mail in box.mails] == ["leo@example.org"]
    assert box.logins == [(b"flows", b"right horse")]
    said = (await trail(server, hers))[0]
    assert said[0] == "Not sent yet" and "ola may use no resource f/ops/mail" in said[1]


async def test_a_wrong_password_is_not_told(server: Server, box: Mailbox) -> None:
    await mail_server(server, box, user="flows", password="wrong horse")
    wait = await a_wait(server, extras=told("leo@example.org"))
    await deliver(server)
    said = (await trail(server, wait))[0][1]
    assert "does not take this user and password" in said and "horse" not in said


async def test_nothing_is_sent_in_the_clear_unless_the_resource_says_so(server: Server, box: Mailbox) -> None:
    value = {"host": "127.0.0.1", "port": box.port, "user": "a@example.org", "password": "right horse"}
    await resource(server, "f/ops/mail", value)
    wait = await a_wait(server, extras=told("leo@example.org"))
    await deliver(server)
    assert (box.mails, box.logins) == ([], [])
    assert "took no mail" in (await trail(server, wait))[0][1] or "answered" in (await trail(server, wait))[0][1]


async def test_a_web_address_gets_text_and_data(server: Server) -> None:
    async with http_server(takes) as chat:
        url = f"http://127.0.0.1:{chat.port}/hook/secret"
        await resource(server, "f/ops/chat", {"url": url, "headers": {"x-key": "k"}})
        wait = await a_wait(server, summary="Pay <all> & now?", extras={"messages": [{"resource": "f/ops/chat"}]})
        await deliver(server)
        (request,) = chat.requests
        body = request.json
        assert request.headers["x-key"] == "k"
        page = f"{server.workspace.settings.base_url}/approve/main/{wait.job}"
        assert body["text"].startswith("*Pay &lt;all&gt; &amp; now?*") and f"<{page}|Open the request>" in body["text"]
        assert (body["event"], body["run_id"], body["url"]) == ("approval.asked", wait.run, page)
        assert "/approve/main/" in page and len(urlsplit(page).path.split("/")) == 4, "no signed link in a channel"
    assert (await trail(server, wait))[0] == ("Sent", "to f/ops/chat")


async def test_a_web_address_that_refuses_keeps_its_secret(server: Server) -> None:
    async with http_server(refuses) as chat:
        await resource(server, "f/ops/chat", {"url": f"http://127.0.0.1:{chat.port}/hook/secret"})
        wait = await a_wait(server, extras={"messages": [{"resource": "f/ops/chat"}]})
        await deliver(server)
    said = (await trail(server, wait))[0]
    assert said[0] == "Not sent yet" and "answered 500" in said[1] and "secret" not in said[1]


@pytest.mark.parametrize(
    "value",
    [
        {"host": "10.0.0.1", "port": 25, "from": "a@example.org"},
        {"host": "169.254.169.254", "port": 80, "from": "a@example.org"},
        {"url": "http://10.0.0.1/x"},
        {"url": "http://[::1]:80/x"},
    ],
)
async def test_the_server_does_not_reach_into_private_networks(server: Server, value: dict[str, Any]) -> None:
    await resource(server, "f/ops/mail", value)
    wait = await a_wait(server, extras=told("leo@example.org"))
    await deliver(server)
    assert "private or local address" in (await trail(server, wait))[0][1]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "neither a mail server"),
        ({"host": "127.0.0.1"}, "no sender"),
        ({"host": "127.0.0.1", "port": "x", "from": "a@example.org"}, "port is no number"),
        ({"host": "127.0.0.1", "port": 1, "from": "a@example.org", "security": "maybe"}, "security must be"),
        ({"host": "127.0.0.1", "port": 1, "from": "a@example.org", "security": "none"}, "cannot be reached"),
        ({"url": "ftp://x"}, "neither a mail server"),
        ({"url": "http://127.0.0.1/", "headers": {"x": "a\nb"}}, "headers of the web address"),
    ],
)
async def test_a_resource_that_is_not_right_says_why(server: Server, value: dict[str, Any], said: str) -> None:
    await resource(server, "f/ops/mail", value)
    wait = await a_wait(server, extras=told("leo@example.org"))
    await deliver(server)
    assert said in (await trail(server, wait))[0][1]


async def test_strangers_read_no_errors_and_no_addresses(server: Server) -> None:
    await resource(server, "f/ops/mail", {"host": "10.0.0.1", "port": 25, "from": "a@example.org"})
    wait = await a_wait(server, extras=told("leo@example.org"))
    await deliver(server)
    found = await server.client.get(f"/api/w/main/jobs/resume_urls/{wait.job}/3")
    page = (await server.make_client().get(urlsplit(found.json()["approvalPage"]).path)).text
    assert "Not sent yet" in page and "10.0.0.1" not in page and "leo@example.org" not in page


class TestSetting:
    async def test_admins_set_where_the_workspace_is_told(self, server: Server, box: Mailbox) -> None:
        await mail_server(server, box)
        await server.person("bea", "operator")
        assert (await server.client.get(f"{SETTING}/get_approval_messages")).json() == {"messages": [], "by": ""}
        sent = {"messages": [{"resource": "f/ops/mail", "to": ["u/bea"]}]}
        assert (await server.client.post(f"{SETTING}/edit_approval_messages", json=sent)).status_code == 200
        assert (await server.client.get(f"{SETTING}/get_approval_messages")).json() == {**sent, "by": "admin"}
        await server.person("ola", "operator")
        await a_wait(server, by="ola")
        await deliver(server)
        assert [str(mail["To"]) for mail in box.mails] == ["bea@example.org"]
        await server.client.post(f"{SETTING}/edit_approval_messages", json={"messages": []})
        await a_wait(server)
        await deliver(server)
        assert len(box.mails) == 1

    async def test_others_do_not_and_nonsense_is_refused(self, server: Server) -> None:
        developer = await server.person("dev", "developer")
        assert (await developer.get(f"{SETTING}/get_approval_messages")).status_code in (403, 404)
        body: dict[str, Any] = {"messages": []}
        assert (await developer.post(f"{SETTING}/edit_approval_messages", json=body)).status_code in (403, 404)
        for body in ({}, {"messages": 5}, {"messages": [{"to": ["u/bea"]}]}, {"messages": [{"resource": "x"}]}):
            assert (await server.client.post(f"{SETTING}/edit_approval_messages", json=body)).status_code == 400
