"""Links that this server hands out itself say what for and until when, and that is signed: forged, changed, expired, used elsewhere."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from flowapp.access import approving
from flowapp.store import identities
from flowapp.workspace import approval_requests, own_links
from flowapp.workspace.own_links import Own
from tests.integration.api.api_approvals import Wait, a_wait, status, urls
from tests.integration.api.api_server import Server
from tests.integration.api.test_api_approval_messages import deliver, link_in, mail_server, told
from tests.support.mailbox import Mailbox, mailbox

LEO = "leo@example.org"


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mailbox() as made:
        yield made


async def mailed(server: Server, box: Mailbox) -> tuple[Wait, str]:
    await mail_server(server, box)
    wait = await a_wait(server, extras=told(LEO))
    await deliver(server)
    return wait, link_in(box.text(-1))


async def copied(server: Server) -> tuple[Wait, str]:
    wait = await a_wait(server)
    (found,) = (await server.client.get(f"/api/w/main/runs/{wait.run}/approvals")).json()
    return wait, str(found["page"])


def changed(link: str, **query: str) -> str:
    """The link with other words in its query; an empty one is left out."""
    parts = urlsplit(link)
    said = dict(parse_qsl(parts.query)) | {("for" if name == "purpose" else name): text for name, text in query.items()}
    return parts._replace(query=urlencode({name: text for name, text in said.items() if text})).geturl()


def with_signature(link: str, signature: str) -> str:
    parts = urlsplit(link)
    return parts._replace(path=f"{parts.path.rpartition('/')[0]}/{signature}").geturl()


async def refused(server: Server, wait: Wait, link: str) -> str:
    """That neither looking nor answering works; what the page says."""
    http = server.make_client()
    page = await http.get(link)
    answered = await http.post(link, data={"decision": "approve"})
    assert (page.status_code, answered.status_code) == (404, 404), link
    assert await status(server, wait) == "open"
    return page.text


async def test_a_mailed_link_says_so_and_answers_once(server: Server, box: Mailbox) -> None:
    wait, link = await mailed(server, box)
    said = dict(parse_qsl(urlsplit(link).query))
    assert said["approver"] == LEO and said["for"] == "mail"
    assert abs(int(said["until"]) - time.time() - 30 * 86400) < 300
    http = server.make_client()
    page = await http.get(link)
    assert page.status_code == 200 and "Payout" in page.text
    answered = await http.post(link, data={"decision": "approve"})
    assert answered.status_code == 303 and await status(server, wait) == "approved"
    again = await http.get(answered.headers["location"])
    assert again.status_code == 200
    assert (await http.post(link, data={"decision": "deny"})).status_code == 409
    assert await status(server, wait) == "approved"


async def test_a_copied_link_is_for_the_page(server: Server) -> None:
    wait, link = await copied(server)
    assert dict(parse_qsl(urlsplit(link).query))["for"] == "page"
    answered = await server.make_client().post(link, data={"decision": "deny"})
    assert answered.status_code == 303 and await status(server, wait) == "disapproved"


@pytest.mark.parametrize("said", ["purpose", "until", "approver"])
async def test_what_a_link_says_cannot_be_changed_or_left_out(server: Server, box: Mailbox, said: str) -> None:
    wait, link = await mailed(server, box)
    later = str(int(time.time()) + 900 * 86400)
    for other in {"purpose": ["page", "api", ""], "until": [later, "0", "x", ""], "approver": ["eve@example.org", ""]}[
        said
    ]:
        text = await refused(server, wait, changed(link, **{said: other}))
        assert "This link is not right." in text
    assert (await server.make_client().get(link)).status_code == 200


async def test_a_link_is_for_its_step_and_number(server: Server, box: Mailbox) -> None:
    wait, link = await mailed(server, box)
    other = await a_wait(server, path="f/pay/other")
    await refused(server, wait, link.replace(wait.job, other.job))
    await refused(server, wait, link.replace(wait.job, wait.run))
    parts = urlsplit(link).path.split("/")
    parts[4] = str((int(parts[4]) + 1) % 2**32)
    await refused(server, wait, urlsplit(link)._replace(path="/".join(parts)).geturl())
    await refused(server, wait, link.replace("/approve/main/", "/approve/elsewhere/"))
    assert await status(server, other) == "open"


async def test_a_link_of_the_page_is_good_at_no_other_address(server: Server, box: Mailbox) -> None:
    for wait, link in (await mailed(server, box), await copied(server)):
        http, api = server.make_client(), "/api/w/main/jobs_u"
        for deed in ("resume", "cancel"):
            address = link.replace("/approve/main/", f"{api}/{deed}/")
            for there in (address, changed(address, purpose="", until="")):
                assert (await http.post(there, json={})).status_code == 404
        assert (await http.get(link.replace("/approve/main/", f"{api}/get_flow/"))).status_code == 404
        assert await status(server, wait) == "open"


async def test_a_link_of_a_script_becomes_no_mailed_one(server: Server) -> None:
    wait = await a_wait(server)
    link = (await urls(server, wait, approver=LEO))["approvalPage"]
    later = str(int(time.time()) + 86400)
    assert parse_qsl(urlsplit(link).query) == [("approver", LEO)]
    await refused(server, wait, changed(link, purpose="mail", until=later))
    await refused(server, wait, changed(link, until=later))
    assert (await server.make_client().post(link, data={"decision": "approve"})).status_code == 303
    assert await status(server, wait) == "approved"


async def test_who_knows_the_database_makes_no_link(server: Server, box: Mailbox) -> None:
    """The workspace's key and the number of each link are stored; the key that signs our own links is not."""
    wait, link = await mailed(server, box)
    store = server.workspace.store
    key = await store.database.read(lambda c: identities.workspace_key(c, "main")) or ""
    said = dict(parse_qsl(urlsplit(link).query))
    number = int(urlsplit(link).path.split("/")[4])
    own = Own("mail", int(said["until"]))
    forged = own_links.signature(key.encode(), "main", wait.job, number, LEO, own)
    await refused(server, wait, with_signature(link, forged))
    await refused(server, wait, with_signature(link, approving.signature(key, wait.job, number, LEO)))
    await refused(server, wait, with_signature(link, "0" * 64))
    stored = await store.database.read(lambda c: approval_messages_texts(c))
    assert urlsplit(link).path.rpartition("/")[2] not in stored


def approval_messages_texts(connection: object) -> str:
    rows = connection.exec_driver_sql("SELECT * FROM approval_message").all()  # type: ignore[attr-defined]
    assert rows
    return repr(rows)


async def test_a_link_ends(server: Server, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    wait, link = await mailed(server, box)
    until = int(dict(parse_qsl(urlsplit(link).query))["until"])

    class Clock:
        now = until - 1.0

        @classmethod
        def time(cls) -> float:
            return cls.now

    monkeypatch.setattr(approval_requests, "time", Clock)
    assert (await server.make_client().get(link)).status_code == 200
    Clock.now = float(until)
    assert "The time of this link is over." in await refused(server, wait, link)
    # what is over is said of a right link only
    assert "This link is not right." in await refused(server, wait, changed(link, purpose="page"))


def test_until_when_a_link_is_good() -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)

    def days(deadline: datetime | None) -> float:
        found = own_links.until(since, deadline.isoformat() if deadline else None)
        return (datetime.fromtimestamp(found, UTC) - since) / timedelta(days=1)

    assert days(None) == 30 == days(since + timedelta(hours=1))
    assert days(since + timedelta(days=90)) == 91


async def test_a_message_that_is_sent_twice_holds_the_same_link_twice(server: Server, box: Mailbox) -> None:
    wait, link = await mailed(server, box)

    def again(connection: object) -> None:
        connection.exec_driver_sql(  # type: ignore[attr-defined]
            "UPDATE approval_message SET status = 'due', due_at = created_at, ended_at = NULL"
        )

    await server.workspace.store.database.write(again)
    await deliver(server, 5)
    assert [link_in(box.text(at)) for at in range(2)] == [link, link]
    assert await status(server, wait) == "open"
