"""The page that a link opens: it asks, shows the facts, and loses nothing that was typed."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from flowapp.store.clock import seconds_ago
from tests.integration.api.api_approvals import FORM, a_wait, payloads, status, urls
from tests.integration.api.api_server import Server


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
