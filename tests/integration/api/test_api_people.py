"""Accounts, tokens, members, groups and folders over HTTP: who gets in, and what each may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from flowapp.store import identities
from flowapp.store.runs import job_id
from tests.integration.api.api_people import W, job_client, run_of
from tests.integration.api.api_server import Server


class TestAccounts:
    async def test_whoami_in_both_forms(self, server: Server) -> None:
        account = (await server.client.get("/api/users/whoami")).json()
        needed = (
            "email login_type super_admin verified first_time_user role_source disabled username operator_only devops"
        )
        assert set(needed.split()) <= account.keys() and account["super_admin"] is True
        member = (await server.client.get(f"{W}/users/whoami")).json()
        needed = (
            "email username is_admin is_super_admin created_at operator disabled folders folders_read folders_owners"
        )
        assert set(needed.split()) <= member.keys()
        assert (member["username"], member["is_admin"]) == ("admin", True)
        email = await server.client.get(f"{W}/users/username_to_email/admin")
        assert email.text == account["email"] and email.headers["content-type"].startswith("text/plain")

    @pytest.mark.parametrize("address", ["/api/users/whoami", f"{W}/users/whoami", f"{W}/scripts/get/p/f/a/x"])
    async def test_a_bad_token_is_told_in_text(self, server: Server, address: str) -> None:
        answer = await server.make_client({"authorization": "Bearer wrong"}).get(address)
        assert answer.status_code == 401 and answer.headers["content-type"].startswith("text/plain")

    async def test_signing_in_by_password(self, server: Server) -> None:
        body = {"email": "ann@example.org", "password": "a long password", "name": "Ann"}
        made = await server.client.post("/api/users/create", json=body)
        assert made.status_code == 201, made.text
        assert (await server.client.post("/api/users/create", json=body)).status_code == 400
        stranger = server.make_client()
        wrong = await stranger.post("/api/auth/login", json={**body, "password": "another one"})
        unknown = await stranger.post("/api/auth/login", json={**body, "email": "nobody@example.org"})
        assert (wrong.status_code, unknown.status_code) == (401, 401) and wrong.text == unknown.text
        answer = await stranger.post("/api/auth/login", json=body)
        assert answer.status_code == 200 and "token=" in answer.headers["set-cookie"]
        session = answer.text
        bearer = server.make_client({"authorization": f"Bearer {session}"})
        assert (await bearer.get("/api/users/whoami")).json()["username"] == "ann"
        cookie = server.make_client({"cookie": f"token={session}"})
        assert (await cookie.get("/api/users/whoami")).json()["username"] == "ann"
        stored = await server.workspace.store.database.read(lambda c: identities.user(c, "ann@example.org"))
        assert stored is not None and str(stored.password).startswith("$argon2id$")
        assert (await bearer.get(f"{W}/users/whoami")).status_code == 404  # no member of any workspace
        await bearer.post("/api/auth/logout")
        assert (await bearer.get("/api/users/whoami")).status_code == 401

    async def test_guessing_is_slowed_down_by_account(self, server: Server) -> None:
        limit = server.workspace.sessions._limiter._limit
        for _ in range(limit):
            answer = await server.make_client().post("/api/auth/login", json={"email": "a@b.c", "password": "x"})
            assert answer.status_code == 401
        answer = await server.make_client().post("/api/auth/login", json={"email": "A@B.c", "password": "x"})
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0

    async def test_only_super_admins_make_people_and_workspaces(self, server: Server) -> None:
        boss = await server.person("bea", "admin")
        for address, body in (
            ("/api/users/create", {"email": "x@example.org", "super_admin": True}),
            ("/api/workspaces/create", {"id": "mine", "name": "Mine"}),
        ):
            assert (await boss.post(address, json=body)).status_code == 403
        made = await server.client.post("/api/workspaces/create", json={"id": "second", "name": "Second"})
        assert made.status_code == 201
        again = await server.client.post("/api/workspaces/create", json={"id": "second", "name": "Second"})
        assert again.status_code == 400
        assert (await server.client.get("/api/w/second/users/whoami")).json()["is_admin"] is True
        assert [w["id"] for w in (await server.client.get("/api/workspaces/list")).json()] == ["main", "second"]
        exists = [(await c.post("/api/workspaces/exists", json={"id": "second"})).json() for c in (server.client, boss)]
        assert exists == [True, False]
        assert (await boss.get("/api/workspaces/users")).json()["email"] == "bea@example.org"


class TestPasswords:
    async def test_the_present_one_is_needed_to_change_it(self, server: Server) -> None:
        ann = await server.person("ann", "developer")
        first, second = "the first password", "the second password"
        assert (await ann.post("/api/users/setpassword", json={"password": first})).status_code == 200
        for current in (None, "", "guess", second):
            answer = await ann.post("/api/users/setpassword", json={"password": second, "current": current})
            assert (answer.status_code, "present password" in answer.text) == (400, True)
        browser, other = server.make_client(), server.make_client()
        for client in (browser, other):
            await client.post("/signin", data={"email": "ann@example.org", "password": first})
        changed = await browser.post("/api/users/setpassword", json={"password": second, "current": first})
        assert changed.status_code == 200
        assert (await browser.get("/api/users/whoami")).status_code == 200
        assert (await other.get("/api/users/whoami")).status_code == 401

    async def test_guessing_the_present_one_is_slowed_down(self, server: Server) -> None:
        ann = await server.person("ann", "developer")
        await ann.post("/api/users/setpassword", json={"password": "the first password"})
        body = {"password": "the second password", "current": "guess"}
        codes = {(await ann.post("/api/users/setpassword", json=body)).status_code for _ in range(11)}
        assert codes == {400, 429}

    async def test_sessions_are_listed_and_ended(self, server: Server) -> None:
        await server.person("ann", "developer")
        browsers = []
        for agent in ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "curl/8"):
            browser = server.make_client({"user-agent": agent})
            link = await server.workspace.sessions.issue_signin_token("ann@example.org")
            await browser.get(f"/signin?token={link}")
            browsers.append(browser)
        rows = [r for r in (await browsers[0].get("/api/users/tokens/list")).json() if r["kind"] == "session"]
        assert {(row["device"], row["current"]) for row in rows} == {("Firefox on Linux", True), ("curl", False)}
        assert (await browsers[0].post("/api/users/tokens/end_other_sessions")).json() == 1
        assert (await browsers[1].get("/api/users/whoami")).status_code == 401
        assert (await browsers[0].get("/api/users/whoami")).status_code == 200

    async def test_a_link_outlives_sessions_and_dies_with_a_new_password(self, server: Server) -> None:
        ann = await server.person("ann", "developer")
        first, second = [await server.workspace.sessions.issue_signin_token("ann@example.org") for _ in range(2)]
        await ann.post("/api/users/tokens/end_other_sessions")
        assert (await server.make_client().get(f"/signin?token={first}")).status_code == 303
        await ann.post("/api/users/setpassword", json={"password": "a new password"})
        assert (await server.make_client().get(f"/signin?token={second}")).status_code == 401

    async def test_a_link_for_who_lost_theirs_is_made_by_super_admins(self, server: Server) -> None:
        boss = await server.person("bea", "admin")
        body = {"username": "bea"}
        assert (await boss.post("/api/users/sign_in_link", json=body)).status_code == 403
        made = await server.client.post("/api/users/sign_in_link", json=body)
        assert made.status_code == 201
        browser = server.make_client()
        assert (await browser.get(f"/signin?{made.text.partition('?')[2]}")).headers["location"] == "/account"
        assert (await browser.get("/api/users/whoami")).json()["username"] == "bea"
        assert (await server.client.post("/api/users/sign_in_link", json={"username": "x"})).status_code == 404


class TestTokens:
    async def test_made_listed_and_revoked(self, server: Server) -> None:
        soon = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        made = await server.client.post("/api/users/tokens/create", json={"label": "ci", "expiration": soon})
        assert made.status_code == 201 and made.headers["content-type"].startswith("text/plain")
        client = server.make_client({"authorization": f"Bearer {made.text} "})
        assert (await client.get("/api/users/whoami")).status_code == 200
        (row,) = [r for r in (await server.client.get("/api/users/tokens/list")).json() if r["label"] == "ci"]
        assert made.text.startswith(row["token_prefix"]) and len(row["token_prefix"]) == 10
        gone = await server.client.delete(f"/api/users/tokens/delete/{row['token_prefix']}")
        assert gone.status_code == 200
        assert (await client.get("/api/users/whoami")).status_code == 401
        other = await server.person("bea", "admin")
        assert (await other.delete(f"/api/users/tokens/delete/{row['token_prefix']}")).status_code == 404

    async def token(self, client: httpx.AsyncClient, server: Server, **body: Any) -> httpx.AsyncClient:
        answer = await client.post("/api/users/tokens/create", json=body)
        assert answer.status_code == 201, answer.text
        return server.make_client({"authorization": f"Bearer {answer.text}"})

    async def test_limits_are_kept_and_handed_on(self, server: Server) -> None:
        reader = await self.token(server.client, server, read_only=True)
        assert (await reader.get(f"{W}/variables/list")).status_code == 200
        body = {"path": "f/team/v", "value": "1"}
        refused = await reader.post(f"{W}/variables/create", json=body)
        assert refused.status_code == 403 and "scope" in refused.text
        assert (await reader.post("/api/users/tokens/create", json={})).status_code == 403

        narrow = await self.token(server.client, server, scopes=["variables:write:f/team/*", "users:write"])
        assert (await narrow.post(f"{W}/variables/create", json=body)).status_code == 201
        elsewhere = {"path": "f/other/v", "value": "1"}
        assert (await narrow.post(f"{W}/variables/create", json=elsewhere)).status_code == 403
        assert (await narrow.get(f"{W}/scripts/list")).json() == []
        wider = await narrow.post("/api/users/tokens/create", json={"scopes": ["*:*"]})
        assert wider.status_code == 400
        same = await self.token(narrow, server)
        assert (await same.post(f"{W}/variables/create", json=elsewhere)).status_code == 403

        bound = await self.token(server.client, server, workspace_id="other")
        assert (await bound.get(f"{W}/users/whoami")).status_code == 404
        assert (await bound.post("/api/users/create", json={"email": "x@y.z"})).status_code == 403
        assert (await bound.post("/api/users/tokens/create", json={"workspace_id": "main"})).status_code == 400

    @pytest.mark.parametrize(
        "body",
        [{"scopes": ["nonsense"]}, {"scopes": "x"}, {"expiration": "soon"}, {"expiration": "2001-01-01T00:00:00Z"}],
    )
    async def test_what_is_no_token(self, server: Server, body: dict[str, Any]) -> None:
        assert (await server.client.post("/api/users/tokens/create", json=body)).status_code == 400


class TestJobTokens:
    async def test_a_job_has_its_persons_rights_while_it_lives(self, server: Server) -> None:
        await server.person("otto", "operator")
        body = {"path": "f/team/key", "value": "s3cret", "is_secret": True}
        await server.client.post(f"{W}/variables/create", json=body)
        job, run = await job_client(server, "otto")
        assert (await job.get(f"{W}/users/whoami")).json()["username"] == "otto"
        assert (await job.get(f"{W}/variables/get_value/f/team/key")).json() == "s3cret"
        assert server.workspace.store.masks.texts(run.id) == {"s3cret"}  # its log will not show it
        assert (await job.post(f"{W}/variables/create", json={"path": "f/team/x", "value": ""})).status_code == 403
        assert (await job.get("/api/w/other/users/whoami")).status_code == 404
        state = {"path": "u/otto/flow_state/abc", "value": {"n": 1}, "resource_type": "state"}
        assert (await job.post(f"{W}/resources/create", json=state)).status_code == 201
        changed = await job.post(f"{W}/resources/update_value/u/otto/flow_state/abc", json={"value": 2})
        assert changed.status_code == 200
        assert (await job.get(f"{W}/resources/get_value_interpolated/u/otto/flow_state/abc")).json() == 2
        other = {"path": "u/otto/thing", "value": 1, "resource_type": "postgresql"}
        assert (await job.post(f"{W}/resources/create", json=other)).status_code == 403
        retyped = await job.post(f"{W}/resources/update/u/otto/flow_state/abc", json={"resource_type": "postgresql"})
        assert retyped.status_code == 403

        child = (await job.post("/api/users/tokens/create", json={"label": "c"})).text
        held = server.make_client({"authorization": f"Bearer {child}"})
        assert (await held.get(f"{W}/users/whoami")).status_code == 200
        assert (await job.post("/api/users/setpassword", json={"password": "another one"})).status_code == 400
        await server.workspace.store.runs.finish(run.id, "test", "success", None, failed=False)
        assert (await job.get(f"{W}/users/whoami")).status_code == 401
        assert (await held.get(f"{W}/users/whoami")).status_code == 401

    async def test_a_token_of_one_job_dies_with_it(self, server: Server) -> None:
        job, run = await job_client(server, "admin")
        assert (await job.get(f"{W}/users/whoami")).status_code == 200
        await server.engine._step(run, "a", "1", "success")
        assert (await job.get(f"{W}/users/whoami")).status_code == 401

    async def test_nothing_can_be_made_up(self, server: Server) -> None:
        run = await run_of(server, "admin")
        tokens = server.workspace.sessions.job_tokens
        good = await tokens.issue(run, job_id(run.id, "a"), 60)
        assert await tokens.claims(good) is not None
        payload, _, signature = good.removeprefix("fj_").partition(".")
        swapped = await tokens.issue(await run_of(server, "nobody"), "x", 60)
        tampered = [
            f"fj_{payload}.{swapped.rpartition('.')[2]}",
            f"fj_{swapped.removeprefix('fj_').partition('.')[0]}.{signature}",
            f"fj_{payload}.",
            f"fj_{payload}",
            "fj_.",
            "fj_" + "A" * 5000,
            "fj_W10.W10",
            good[:-3],
        ]
        for token in tampered:
            assert await tokens.claims(token) is None, token
        tokens._clock = lambda: 4e9
        assert await tokens.claims(good) is None

    async def test_who_leaves_takes_the_jobs_rights_along(self, server: Server) -> None:
        await server.person("otto", "operator")
        job, _ = await job_client(server, "otto")
        assert (await job.get(f"{W}/users/whoami")).status_code == 200
        assert (await server.client.delete(f"{W}/users/delete/otto")).status_code == 200
        assert (await job.get(f"{W}/users/whoami")).status_code == 401


class TestMembers:
    async def test_admins_change_who_is_a_member(self, server: Server) -> None:
        http = server.client
        body = {"email": "new.one@example.org", "is_admin": False, "operator": True}
        assert (await http.post(f"{W}/workspaces/add_user", json=body)).status_code == 201
        assert (await http.post(f"{W}/workspaces/add_user", json=body)).status_code == 400
        found = (await http.get(f"{W}/users/get/new_one")).json()
        assert (found["email"], found["operator"], found["role"]) == ("new.one@example.org", True, "operator")
        await http.post(f"{W}/users/update/new_one", json={"is_admin": True})
        assert (await http.get(f"{W}/users/whois/new_one")).json()["is_admin"] is True
        assert (await http.delete(f"{W}/users/delete/new_one")).status_code == 200
        assert (await http.get(f"{W}/users/get/new_one")).status_code == 404
        assert (await http.delete(f"{W}/users/delete/admin")).status_code == 400
        assert (await http.post(f"{W}/users/update/admin", json={"operator": True})).status_code == 400
        developer = await server.person("dora", "developer")
        refused = [
            await developer.post(f"{W}/workspaces/add_user", json=body),
            await developer.post(f"{W}/users/update/dora", json={"is_admin": True}),
            await developer.delete(f"{W}/users/delete/admin"),
        ]
        assert {answer.status_code for answer in refused} == {403}
        names = (await developer.get(f"{W}/users/list_usernames")).json()
        assert names == ["admin", "dora"]


@pytest.mark.parametrize(
    ("role", "script", "resource", "value", "folder"),
    [("viewer", 403, 403, 403, 403), ("operator", 403, 403, 403, 403), ("developer", 201, 201, 200, 200)],
)
async def test_roles_and_writing(
    server: Server, role: str, script: int, resource: int, value: int, folder: int
) -> None:
    await server.client.post(f"{W}/variables/create", json={"path": "f/team/v", "value": "1"})
    person = await server.person("pia", role)
    new = {"path": "f/team/s", "content": "def main(): pass", "language": "python3"}
    found = (
        (await person.post(f"{W}/scripts/create", json=new)).status_code,
        (await person.post(f"{W}/resources/create", json={"path": "f/team/r", "value": 1})).status_code,
        (await person.get(f"{W}/variables/get_value/f/team/v")).status_code,
        (await person.post(f"{W}/folders/create", json={"name": "new"})).status_code,
    )
    assert found == (script, resource, value, folder)
