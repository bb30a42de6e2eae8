"""Accounts, tokens, members, groups and folders over HTTP: who gets in, and what each may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from flowapp.access.errors import NotAllowed
from flowapp.store import audit, identities
from flowapp.store.runs import NewRun, job_id
from flowapp.store.tables import RunRow
from tests.integration.api.api_server import Server, flow_of, script

W = "/api/w/main"


async def run_of(server: Server, username: str) -> RunRow:
    """A run that is under way."""
    store = server.workspace.store
    digest = await store.values.put_value("{}")  # type: ignore[arg-type] # JSON text
    new = NewRun(workspace="main", kind="flow", document=digest, args=digest, created_by=username)
    row = await store.runs.create(new)
    claimed = await store.runs.claim(row.id, "test")
    assert claimed is not None
    claimed.permissioned_as = f"u/{username}"
    return claimed


async def job_client(server: Server, username: str) -> tuple[httpx.AsyncClient, RunRow]:
    run = await run_of(server, username)
    token = await server.workspace.sessions.job_tokens.issue(run, job_id(run.id, "a"), 60)
    return server.make_client({"authorization": f"Bearer {token} "}), run


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


class TestGroupMembers:
    async def test_they_are_set_together_and_each_change_is_noted(self, server: Server) -> None:
        http = server.client
        for name in ("ann", "bob"):
            await server.person(name, "developer")
        body = {"name": "crew", "members": ["ann", "admin"]}
        assert (await http.post(f"{W}/groups/create", json=body)).status_code == 200
        refused = await http.post(f"{W}/groups/update/crew", json={"summary": "x", "members": ["ann", "nobody"]})
        assert (refused.status_code, "nobody" in refused.text) == (400, True)
        assert (await http.get(f"{W}/groups/get/crew")).json()["members"] == ["admin", "ann"]
        assert (await http.post(f"{W}/groups/update/crew", json={"summary": "x", "members": ["bob", "ann"]})).is_success
        assert (await http.post(f"{W}/groups/update/crew", json={"summary": "y"})).is_success
        assert (await http.get(f"{W}/groups/get/crew")).json()["members"] == ["ann", "bob"]
        entries = (await http.get(f"{W}/audit/list?resource=g/crew&operations=group.adduser,group.removeuser")).json()
        found = [(entry["operation"], entry["parameters"]["detail"]) for entry in reversed(entries)]
        added, removed = "group.adduser", "group.removeuser"
        assert found == [(added, "admin"), (added, "ann"), (removed, "admin"), (added, "bob")]

    async def test_what_names_people_and_groups_is_found(self, server: Server) -> None:
        http, workspace = server.client, server.workspace
        await server.person("ann", "developer")
        await http.post(f"{W}/groups/create", json={"name": "crew", "members": ["ann"]})
        await http.post(
            f"{W}/folders/create", json={"name": "pay", "owners": ["u/ann"], "extra_perms": {"g/crew": True}}
        )
        await http.post(f"{W}/variables/create", json={"path": "u/ann/v", "value": "1", "is_secret": False})
        who = await workspace.sessions.identity_named("admin", "main")
        held = await workspace.members.holdings(who, "ann")
        assert held == ["in group crew", "owner of folder pay", "variable u/ann/v"]
        asks = script("a", "def main():\n    return 1\n")
        asks["suspend"] = {"required_events": 1, "user_groups_required": {"type": "static", "value": ["crew"]}}
        for path, flow in (("f/team/asks", flow_of(asks)), ("f/team/not", flow_of(script("crew", "def main(): 1")))):
            await server.post(await server.draft(flow, path=path), "deploy", {})
        assert await workspace.groups.users(who, "crew") == [
            "writes in folder pay",
            "flow f/team/asks may ask it for approval",
        ]
        developer = await workspace.sessions.identity_named("ann", "main")
        for question in (workspace.members.holdings(developer, "admin"), workspace.groups.users(developer, "crew")):
            with pytest.raises(NotAllowed):
                await question


class TestRetention:
    async def test_admins_say_how_long_runs_are_kept(self, server: Server) -> None:
        get, edit = f"{W}/workspaces/get_retention", f"{W}/workspaces/edit_retention"
        found = []
        for days in (90, 0, None):
            answer = await server.client.post(edit, json={"retention_days": days})
            assert answer.status_code == 200, answer.text
            found.append((await server.client.get(get)).json())
        assert found == [
            {"retention_days": 90, "is_default": False},
            {"retention_days": 0, "is_default": False},
            {"retention_days": 30, "is_default": True},
        ]
        trail = await server.workspace.store.database.read(lambda c: audit.latest(c, "main", 3))
        assert [(row.action, row.detail) for row in reversed(trail)] == [
            ("workspace.retention", "90 days"),
            ("workspace.retention", "0 days"),
            ("workspace.retention", "default"),
        ]

    async def test_nobody_else_reads_or_changes_it(self, server: Server) -> None:
        developer = await server.person("dora", "developer")
        limited = await server.client.post("/api/users/tokens/create", json={"label": "x", "scopes": ["jobs:write"]})
        token = server.make_client({"authorization": f"Bearer {limited.text}"})
        for client in (developer, token):
            assert (await client.get(f"{W}/workspaces/get_retention")).status_code == 403
            refused = await client.post(f"{W}/workspaces/edit_retention", json={"retention_days": 1})
            assert refused.status_code == 403
        assert (await server.client.get(f"{W}/workspaces/get_retention")).json()["is_default"] is True

    @pytest.mark.parametrize("days", [(), (-1,), (1.5,), (True,), ("30",), (36501,), ([],), ({},)])
    async def test_what_is_no_number_of_days(self, server: Server, days: tuple[Any, ...]) -> None:
        body = dict(zip(("retention_days",), days, strict=False))
        answer = await server.client.post(f"{W}/workspaces/edit_retention", json=body)
        assert answer.status_code == 400
        assert "retention_days" in answer.text


class TestFoldersAndGroups:
    async def test_a_folder_opens_to_whom_it_names(self, server: Server) -> None:
        owner, writer, looker, other = [await server.person(n, "developer") for n in ("ola", "wim", "lea", "oto")]
        assert (await server.client.post(f"{W}/groups/create", json={"name": "crew"})).status_code == 200
        assert (await server.client.post(f"{W}/groups/adduser/crew", json={"username": "lea"})).status_code == 200
        perms = {"u/wim": True, "g/crew": False}
        made = await owner.post(f"{W}/folders/create", json={"name": "ops", "extra_perms": perms})
        assert made.status_code == 200, made.text
        body = {"path": "f/ops/v", "value": "1"}
        codes = [(await c.post(f"{W}/variables/create", json=body)).status_code for c in (other, looker, writer)]
        assert codes == [404, 403, 201]
        reads = [await c.get(f"{W}/variables/get_value/f/ops/v") for c in (owner, writer, looker, other)]
        assert [answer.status_code for answer in reads] == [200, 200, 200, 404]
        exists = (await other.get(f"{W}/variables/exists/f/ops/v")).json()
        assert exists is False and (await other.get(f"{W}/variables/list")).json() == []
        changes = [
            (await c.post(f"{W}/folders/update/ops", json={"summary": "x"})) for c in (other, looker, writer, owner)
        ]
        assert [answer.status_code for answer in changes] == [404, 403, 403, 200]
        me = (await looker.get(f"{W}/users/whoami")).json()
        assert (me["folders_read"], me["folders"], me["groups"]) == (["ops"], [], ["all", "crew"])
        await server.client.post(f"{W}/groups/removeuser/crew", json={"username": "lea"})
        assert (await looker.get(f"{W}/variables/get_value/f/ops/v")).status_code == 404

        assert (await owner.delete(f"{W}/folders/delete/ops")).status_code == 400  # not while things are in it
        assert (await owner.post(f"{W}/folders/addowner/ops", json={"owner": "u/wim"})).status_code == 200
        assert (await writer.post(f"{W}/folders/removeowner/ops", json={"owner": "u/ola"})).status_code == 200
        assert (await writer.post(f"{W}/folders/removeowner/ops", json={"owner": "u/wim"})).status_code == 400
        usage = (await writer.get(f"{W}/folders/getusage/ops")).json()
        assert usage["variables"] == 1

    async def test_nobody_takes_the_teams_things(self, server: Server) -> None:
        developer = await server.person("dora", "developer")
        await server.client.post(f"{W}/variables/create", json={"path": "f/team/v", "value": "1"})
        assert (await developer.post(f"{W}/folders/create", json={"name": "team"})).status_code == 400
        assert (await server.client.post(f"{W}/folders/create", json={"name": "team"})).status_code == 200
        assert (await developer.get(f"{W}/variables/get_value/f/team/v")).status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": "a/b"},
            {"name": "x", "owners": ["ada"]},
            {"name": "x", "extra_perms": {"u/a": 1}},
            {"name": "x", "owners": 3},
        ],
    )
    async def test_odd_folders(self, server: Server, body: dict[str, Any]) -> None:
        assert (await server.client.post(f"{W}/folders/create", json=body)).status_code == 400

    async def test_no_owners_are_an_admins_word(self, server: Server) -> None:
        """`wmill folder new` writes `owners: []`, which is then pushed again and again."""
        body = {"name": "bare", "owners": [], "extra_perms": {}, "summary": "", "display_name": "bare"}
        dora = await server.person("dora", "developer")
        for client, name, owners in ((server.client, "bare", []), (dora, "hers", ["u/dora"])):
            assert (await client.post(f"{W}/folders/create", json={**body, "name": name})).status_code == 200
            assert (await client.get(f"{W}/folders/get/{name}")).json()["owners"] == owners
            assert (await client.post(f"{W}/folders/update/{name}", json=body)).status_code == 200
            assert (await client.get(f"{W}/folders/get/{name}")).json()["owners"] == owners
        ours = {**body, "name": "ours", "owners": ["g/all"]}
        assert (await dora.post(f"{W}/folders/create", json=ours)).status_code == 200
        assert (await dora.get(f"{W}/folders/get/ours")).json()["owners"] == ["g/all"]
        assert (await dora.get(f"{W}/folders/get/bare")).status_code == 404
        assert (await server.client.post(f"{W}/folders/update/hers", json=body)).status_code == 200
        assert (await dora.get(f"{W}/folders/get/hers")).status_code == 404

    async def test_groups(self, server: Server) -> None:
        http = server.client
        assert (await http.get(f"{W}/groups/listnames")).json() == ["all"]
        assert (await http.post(f"{W}/groups/create", json={"name": "all"})).status_code == 400
        assert (await http.post(f"{W}/groups/create", json={"name": "crew", "summary": "c"})).status_code == 200
        assert (await http.post(f"{W}/groups/adduser/crew", json={"username": "ghost"})).status_code == 400
        assert (await http.post(f"{W}/groups/adduser/none", json={"username": "admin"})).status_code == 404
        await http.post(f"{W}/groups/adduser/crew", json={"username": "admin"})
        assert (await http.get(f"{W}/groups/get/crew")).json()["members"] == ["admin"]
        assert (await http.get(f"{W}/groups/get/all")).json()["members"] == ["admin"]
        developer = await server.person("dora", "developer")
        assert (await developer.post(f"{W}/groups/adduser/crew", json={"username": "dora"})).status_code == 403
        assert (await http.delete(f"{W}/groups/delete/crew")).status_code == 200
        assert (await http.get(f"{W}/groups/get/crew")).status_code == 404


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
