"""Invitations: what a link lets in, how often, and what it must not do."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from flowapp.access.tokens import hash_token
from flowapp.store import identities
from tests.integration.api.api_server import Server

W = "/api/w/main"
PASSWORD = "a long password"


async def invite(server: Server, **body: Any) -> str:
    answer = await server.client.post(f"{W}/workspaces/invitations/create", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


async def join(server: Server, token: str, **body: Any) -> httpx.Response:
    sent = {"token": token, "email": "ann@example.org", "password": PASSWORD, **body}
    return await server.make_client().post("/api/auth/join", json=sent)


class TestLinks:
    async def test_a_new_person_joins_once(self, server: Server) -> None:
        token = await invite(server, role="operator")
        answer = await join(server, token, name="Ann")
        assert answer.status_code == 201 and "token=" in answer.headers["set-cookie"]
        ann = server.make_client({"authorization": f"Bearer {answer.text}"})
        me = (await ann.get(f"{W}/users/whoami")).json()
        assert (me["username"], me["role"], me["name"]) == ("ann", "operator", "Ann")
        assert (await join(server, token, email="bob@example.org")).status_code == 401
        entries = (await server.client.get(f"{W}/audit/list?operations=invitation.create,member.join")).json()
        assert [entry["operation"] for entry in entries] == ["member.join", "invitation.create"]
        assert token not in str(entries)

    async def test_the_token_is_nowhere_at_rest(self, server: Server) -> None:
        token = await invite(server)
        found = await server.workspace.store.database.read(
            lambda c: list(c.exec_driver_sql("SELECT * FROM invitation").mappings())
        )
        assert found[0]["hash"] == hash_token(token) and token not in str(found)
        listed = await server.client.get(f"{W}/workspaces/invitations/list")
        assert token not in listed.text and listed.json()[0]["uses_left"] == 1

    async def test_it_lets_in_as_many_as_it_was_made_for_also_at_once(self, server: Server) -> None:
        token = await invite(server, uses=2)
        answers = await asyncio.gather(*(join(server, token, email=f"p{n}@example.org") for n in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 201, 401, 401, 401]
        assert len((await server.client.get(f"{W}/users/list")).json()) == 3

    async def test_revoked_expired_and_made_up_look_the_same(self, server: Server) -> None:
        revoked, old = await invite(server), await invite(server)
        listed = (await server.client.get(f"{W}/workspaces/invitations/list")).json()
        ids = {row["id"] for row in listed}
        assert len(ids) == 2
        answer = await server.client.delete(f"{W}/workspaces/invitations/delete/{listed[1]['id']}")
        assert answer.status_code == 200
        again = await server.client.delete(f"{W}/workspaces/invitations/delete/{listed[1]['id']}")
        assert again.status_code == 404
        past = "2001-01-01T00:00:00.000000Z"
        await server.workspace.store.database.write(
            lambda c: c.exec_driver_sql(f"UPDATE invitation SET expires_at = '{past}'")
        )
        answers = [await join(server, token) for token in (revoked, old, "fv_guess", "")]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 400]
        assert len({answer.text for answer in answers[:3]}) == 1

    async def test_guessing_is_slowed_down(self, server: Server) -> None:
        for _ in range(10):
            assert (await join(server, "fv_guess")).status_code == 401
        assert (await join(server, await invite(server))).status_code == 429

    async def test_one_for_an_email_is_for_that_person(self, server: Server) -> None:
        token = await invite(server, email="Ann@example.org")
        bob = await server.person("bob", "developer", workspace="elsewhere")
        refused = await bob.post("/api/workspaces/join", json={"token": token})
        assert (refused.status_code, "not valid" in refused.text) == (401, True)
        answer = await join(server, token, email="other@example.org")  # the email of the link counts
        assert answer.status_code == 201
        names = [row["email"] for row in (await server.client.get(f"{W}/users/list")).json()]
        assert sorted(names) == ["Ann@example.org", "admin@flowapp.local"]

    async def test_who_is_signed_in_joins_as_themselves(self, server: Server) -> None:
        bob = await server.person("bob", "developer", workspace="elsewhere")
        token = await invite(server, role="viewer", uses=2)
        assert (await bob.get(f"{W}/users/whoami")).status_code == 404
        assert (await bob.post("/api/workspaces/join", json={"token": token})).text == "main"
        assert (await bob.get(f"{W}/users/whoami")).json()["role"] == "viewer"
        again = await bob.post("/api/workspaces/join", json={"token": token})
        assert (again.status_code, "member" in again.text) == (400, True)
        listed = (await server.client.get(f"{W}/workspaces/invitations/list")).json()
        assert listed[0]["uses_left"] == 1
        limited = (await bob.post("/api/users/tokens/create", json={"scopes": ["users:write"]})).text
        held = server.make_client({"authorization": f"Bearer {limited}"})
        assert (await held.post("/api/workspaces/join", json={"token": token})).status_code == 400

    @pytest.mark.parametrize(
        "body",
        [
            {"role": "king"},
            {"uses": 0},
            {"uses": 101},
            {"uses": True},
            {"uses": "2"},
            {"role": "admin", "uses": 2},
            {"email": "ann@example.org", "uses": 2},
            {"email": "nobody"},
            {"expiration": "2001-01-01T00:00:00Z"},
            {"expiration": "9999-12-31T23:59:59-12:00"},
            {"expiration": (datetime.now(UTC) + timedelta(days=91)).isoformat()},
        ],
    )
    async def test_what_is_no_invitation(self, server: Server, body: dict[str, Any]) -> None:
        answer = await server.client.post(f"{W}/workspaces/invitations/create", json=body)
        assert answer.status_code == 400, answer.text


class TestTakingOver:
    """A link must not let anybody be somebody else."""

    async def test_an_account_that_is_there_needs_its_password(self, server: Server) -> None:
        await server.client.post("/api/users/create", json={"email": "ann@example.org", "password": PASSWORD})
        token = await invite(server, email="ann@example.org")
        wrong = await join(server, token, password="another one")
        assert wrong.status_code == 401
        assert (await join(server, token, email="ANN@example.org")).status_code == 201

    @pytest.mark.parametrize("email", ["admin@flowapp.local", "ADMIN@flowapp.local"])
    async def test_an_account_without_password_gets_none(self, server: Server, email: str) -> None:
        boss = await server.person("bea", "admin")
        made = await boss.post(f"{W}/workspaces/invitations/create", json={"email": email})
        assert (await join(server, made.json()["token"])).status_code == 401
        user = await server.workspace.store.database.read(lambda c: identities.user(c, "admin@flowapp.local"))
        assert user is not None and user.password is None

    async def test_an_email_that_nobody_confirmed_is_added_nowhere(self, server: Server) -> None:
        await server.person("eve", "admin", workspace="elsewhere")
        assert (await join(server, await invite(server), email="boss@example.org")).status_code == 201
        outside = await server.person("olga", "admin", workspace="elsewhere")
        added = await outside.post("/api/w/elsewhere/workspaces/add_user", json={"email": "boss@example.org"})
        assert (added.status_code, "invitation link" in added.text) == (400, True)
        assert (await join(server, await invite(server, email="bob@example.org"))).status_code == 201
        added = await outside.post("/api/w/elsewhere/workspaces/add_user", json={"email": "bob@example.org"})
        assert added.status_code == 201

    async def test_only_whom_nobody_knew_is_welcomed_with_a_link(self, server: Server) -> None:
        who = await server.workspace.sessions.identity_named("admin", "main")
        members = server.workspace.members
        name, path = await members.welcome(who, {"email": "new@example.org", "role": "viewer"})
        assert name == "new" and path.endswith("&next=/account")
        browser = server.make_client()
        assert (await browser.get(path)).headers["location"] == "/account"
        assert (await browser.get(f"{W}/users/whoami")).json()["username"] == "new"
        await server.person("olga", "admin", workspace="elsewhere")
        assert await members.welcome(who, {"email": "olga@example.org"}) == ("olga", "")


class TestPage:
    async def test_opening_the_link_decides_nothing(self, server: Server) -> None:
        token = await invite(server, role="admin")
        stranger = server.make_client()
        for _ in range(3):
            page = await stranger.get(f"/join?token={token}")
            assert page.status_code == 200 and "Join Main" in page.text and "<script" not in page.text
        assert (await server.client.get(f"{W}/workspaces/invitations/list")).json()[0]["uses_left"] == 1

    async def test_a_stranger_sets_a_password_and_is_in(self, server: Server) -> None:
        token = await invite(server)
        browser = server.make_client()
        form = {"token": token, "email": "ann@example.org", "password": "short"}
        refused = await browser.post("/join", data=form)
        assert refused.status_code == 400 and "8 to 1024" in refused.text
        assert 'value="ann@example.org"' in refused.text and "short" not in re.findall('value="(.*?)"', refused.text)
        answer = await browser.post("/join", data={**form, "password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (await browser.get(f"{W}/users/whoami")).json()["username"] == "ann"
        other = server.make_client()
        answer = await other.post("/signin", data={"email": "ann@example.org", "password": PASSWORD, "next": "/runs"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
        wrong = await server.make_client().post("/signin", data={"email": "ann@example.org", "password": "x"})
        none = await server.make_client().post("/signin", data={"email": "no@example.org", "password": "x"})
        assert (wrong.status_code, wrong.text) == (401, none.text)

    async def test_who_is_signed_in_presses_a_button(self, server: Server) -> None:
        await server.person("bob", "viewer", workspace="elsewhere")
        browser = server.make_client()
        link = await server.workspace.sessions.issue_signin_token("bob@example.org")
        await browser.get(f"/signin?token={link}")
        token = await invite(server, role="operator")
        page = await browser.get(f"/join?token={token}")
        assert "bob@example.org" in page.text and 'name="password"' not in page.text
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            answer = await browser.post("/join", data={"token": token}, headers=headers)
            assert answer.status_code == 403
        assert (await browser.post("/join", data={"token": token})).status_code == 303
        assert (await browser.get(f"{W}/users/whoami")).json()["role"] == "operator"

    async def test_a_worthless_link_says_what_to_do(self, server: Server) -> None:
        page = await server.make_client().get('/join?token=<script>"')
        assert page.status_code == 401 and "Ask whoever sent it" in page.text and "<script" not in page.text

    async def test_names_are_shown_as_text(self, server: Server) -> None:
        token = await invite(server)
        form = {"token": token, "email": '"><img src=x>@x', "name": "<b>", "password": "short"}
        page = await server.make_client().post("/join", data=form)
        assert "<img" not in page.text and "<b>" not in page.text
