"""Who may do what over HTTP. Every route is called here: one that does not ask the policy fails."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import APIRoute

from flowapp.access import policy
from flowapp.api.app import ROUTERS
from tests.integration.api.api_server import CHAIN, TOKEN, Server

#: Routes that answer strangers. Each is looked at in a test of its own.
PUBLIC = {"GET /api/version", "GET /api/uptodate", "GET /api/health", "GET /signin", "POST /signin", "POST /signout"}
#: The signature in their address is what counts (test_api_approvals.py).
_TAIL = "{ws}/{job_id}/{resume_id}/{signature}"
PUBLIC |= {f"{method} /approve/{_TAIL}" for method in ("GET", "POST")}
#: Send strangers to sign in (test_api_approval_members.py).
PUBLIC |= {f"{method} /approve/{{ws}}/{{job_id}}" for method in ("GET", "POST")}
_TAIL = "{job_id}/{resume_id}/{signature}"
PUBLIC |= {
    f"{method} /api/w/{{ws}}/jobs_u/{what}/{_TAIL}" for method in ("GET", "POST") for what in ("resume", "cancel")
}
PUBLIC.add(f"GET /api/w/{{ws}}/jobs_u/get_flow/{_TAIL}")
PUBLIC |= {"POST /api/auth/login", "POST /api/auth/logout", "GET /api/openapi.json", "GET /api/openapi.yaml"}
#: The provider's answer and a sealed cookie are what counts (test_api_single_sign_on.py).
PUBLIC |= {"GET /signin/oidc", "GET /signin/oidc/callback"}
#: The token of the link is what counts (test_api_sharing.py).
PUBLIC.add("GET /shared/{token}")
#: The signature of the address is what counts (test_api_objects.py).
PUBLIC.add("GET /api/w/{ws}/s3_proxy/{storage}/{key:path}")
#: The token of the invitation is what counts (test_api_invitations.py).
PUBLIC |= {"GET /join", "POST /join", "POST /api/auth/join"}


def routes(server: Server) -> Iterator[tuple[str, str]]:
    routed = [route for module in ROUTERS for route in module.router.routes]
    assert server.app.routes == routed, "a route was added past the routers: this test would not see it"
    for module in ROUTERS:
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            for method in (route.methods or set()) - {"HEAD"}:
                yield method, route.path


async def place(server: Server) -> dict[str, str]:
    """A draft, a cell, a deployed flow and a run, to fill into paths."""
    draft = await server.draft(CHAIN, path="u/admin/chain")
    await server.post(draft, "deploy", {})
    cell = (await server.notebook(draft))["cells"][0]["id"]
    run = (await server.run(draft, cell))["run_id"]
    named = {
        "job_id": run,
        "hash": "0123456789abcdef",
        "version": "1",
        "key": "k",
        "node_id": "a",
        "step_id": "a",
        "number": "0",
        "milliseconds": "0",
        "resume_id": "1",
        "prefix": "fa_0123456",
        "index": "0",
    }
    place = {"ws": "main", "draft_id": draft, "run_id": run, "path:path": "u/admin/chain", "name": "n", "cell": cell}
    return {**place, **named}


async def call(
    client: httpx.AsyncClient, method: str, path: str, filled: dict[str, str], headers: dict[str, str] | None = None
) -> httpx.Response:
    for name, value in filled.items():
        path = path.replace("{" + name + "}", value)
    params = {"cell": filled["cell"], "expr": "results.a", "path": "a", "topics": f"draft:{filled['draft_id']}"}
    params |= {
        "a": filled["run_id"],
        "b": filled["run_id"],
        "step": "a",
    }  # two runs that are compared, and a step of one
    body = {
        "key": "k",
        "value": 1,
        "cell": filled["cell"],
        "cells": [filled["cell"]],
        "ops": [],
        "sample": 1,
        "field": "n",
        "expr": "1",
    }
    sent = body if method == "POST" else None
    return await client.request(method, path, params=params, json=sent, headers=headers)


class TestEveryRoute:
    async def test_there_are_routes(self, server: Server) -> None:
        assert len({*routes(server)}) > 35

    async def test_strangers_are_told_to_sign_in(self, server: Server) -> None:
        filled = await place(server)
        stranger = server.make_client()
        wrong: list[dict[str, str]] = [{}, {"authorization": "Bearer wrong"}, {"cookie": "flowapp_session=wrong"}]
        for headers in wrong:
            for method, path in routes(server):
                if f"{method} {path}" not in PUBLIC:
                    answer = await call(stranger, method, path, filled, headers)
                    assert answer.status_code == 401, f"{method} {path}: {answer.text}"

    async def test_another_workspace_looks_like_nothing(self, server: Server) -> None:
        filled = await place(server)
        outsider = await server.person("olga", "admin", workspace="elsewhere")
        for method, path in routes(server):
            if f"{method} {path}" in PUBLIC or "{ws}" not in path:
                continue
            answers = [await call(outsider, method, path, {**filled, "ws": ws}) for ws in ("main", "nowhere")]
            assert {answer.status_code for answer in answers} == {404}, f"{method} {path}"
            assert answers[0].content == answers[1].content, f"{method} {path}: it can be told that main exists"

    async def test_ids_of_another_workspace_look_missing(self, server: Server) -> None:
        filled = await place(server)
        outsider = await server.person("olga", "admin", workspace="elsewhere")
        missing = {"draft_id": "no-such", "run_id": "no-such", "job_id": "no-such"}
        for method, path in routes(server):
            if f"{method} {path}" in PUBLIC:
                continue
            # of several jobs those that one may not know are passed over; the machines of jobs are nobody's secret
            if not any(f"{{{name}}}" in path for name in missing) or path.endswith("/worker_is_draining/{job_id}"):
                continue
            real = await call(outsider, method, path, {**filled, "ws": "elsewhere"})
            none = await call(outsider, method, path, {**filled, **missing, "ws": "elsewhere"})
            assert (real.status_code, real.content) == (404, none.content), f"{method} {path}"

    async def test_every_route_asks_the_policy(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        filled = await place(server)
        server.workspace.drafts._drafts.forget(filled["draft_id"])
        monkeypatch.setattr(policy, "decide", lambda *_: policy.Denied("not today"))
        for method, path in routes(server):
            if f"{method} {path}" not in PUBLIC:
                answer = await call(server.client, method, path, filled)
                assert answer.status_code == 403, f"{method} {path} does not ask: {answer.status_code} {answer.text}"


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "allowed"),
        [
            ("viewer", {"flows": 200, "drafts": 403, "run": 403}),
            ("operator", {"flows": 200, "drafts": 403, "run": 201}),
            ("developer", {"flows": 200, "drafts": 201, "run": 201}),
        ],
    )
    async def test_what_a_role_may_do(self, server: Server, role: str, allowed: dict[str, int]) -> None:
        draft = await server.draft(CHAIN, path="f/team/chain")
        await server.post(draft, "deploy", {})
        person = await server.person("pia", role)
        found = {
            "flows": (await person.get("/api/w/main/flows")).status_code,
            "drafts": (await person.post("/api/w/main/drafts", json={})).status_code,
            "run": (await person.post("/api/w/main/jobs/run/f/f/team/chain", json={})).status_code,
        }
        assert found == allowed

    async def test_drafts_and_runs_of_their_cells_are_ones_own(self, server: Server) -> None:
        filled = await place(server)
        developer = await server.person("dora", "developer")
        assert (await developer.get(f"/api/w/main/drafts/{filled['draft_id']}/notebook")).status_code == 404
        assert (await developer.get(f"/api/w/main/runs/{filled['run_id']}")).status_code == 404
        assert (await developer.get("/api/w/main/runs")).json() == []
        assert (await developer.get("/api/w/main/flows")).json() == []
        stream = await developer.get(f"/api/w/main/events?topics=draft:{filled['draft_id']}")
        assert stream.status_code == 404

    async def test_another_persons_path_is_closed(self, server: Server) -> None:
        await place(server)
        developer = await server.person("dora", "developer")
        assert (await developer.get("/api/w/main/flows/schema/u/admin/chain")).status_code == 404
        refused = await developer.post("/api/w/main/drafts", json={"path": "u/admin/mine"})
        assert refused.status_code == 404


class TestSignIn:
    async def test_a_link_signs_in_once(self, server: Server) -> None:
        token = await server.workspace.sessions.issue_signin_token()
        browser = server.make_client()
        answer = await browser.get(f"/signin?token={token}&next=/flows/x")
        assert (answer.status_code, answer.headers["location"]) == (303, "/flows/x")
        cookie, mark = answer.headers.get_list("set-cookie")
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and token not in cookie
        # the mark is for our scripts: it says that somebody signed in, and nothing about who
        assert mark.startswith("flowapp_mark=") and "HttpOnly" not in mark and "SameSite=lax" in mark
        assert browser.cookies["flowapp_mark"] not in browser.cookies["flowapp_session"]
        assert (await browser.get("/api/w/main/flows")).status_code == 200
        assert (await browser.get(f"/signin?token={token}")).status_code == 303
        other = await server.make_client().get(f"/signin?token={token}")
        assert (other.status_code, "not valid" in other.text) == (401, True)

    async def test_the_form_needs_no_script(self, server: Server) -> None:
        browser = server.make_client()
        page = await browser.get("/signin?next=//evil.example")
        assert page.status_code == 200 and "<script" not in page.text and "style=" not in page.text
        assert 'name="next" value="/"' in page.text
        answer = await browser.post("/signin", data={"token": TOKEN, "next": "/runs"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
        assert (await browser.get("/api/w/main/runs")).status_code == 200

    async def test_signing_out_ends_the_session_for_everyone_who_has_it(self, server: Server) -> None:
        browser = server.make_client()
        await browser.post("/signin", data={"token": TOKEN})
        copy = dict(browser.cookies)
        assert (await browser.post("/signout")).headers["location"] == "/signin"
        thief = server.make_client()
        answer = await thief.get("/api/w/main/runs", headers={"cookie": f"flowapp_session={copy['flowapp_session']}"})
        assert answer.status_code == 401

    async def test_guessing_is_slowed_down(self, server: Server) -> None:
        browser = server.make_client()
        for _ in range(10):
            assert (await browser.post("/signin", data={"token": "guess"})).status_code == 401
        refused = await browser.post("/signin", data={"token": TOKEN})
        assert (refused.status_code, "Wait" in refused.text) == (429, True)

    async def test_a_cookie_does_not_serve_another_sites_page(self, server: Server) -> None:
        browser = server.make_client()
        await browser.post("/signin", data={"token": TOKEN})
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            answer = await browser.post("/api/w/main/drafts", json={}, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "access.wrong_origin")
        assert (await browser.post("/api/w/main/drafts", json={})).status_code == 201
        same = await browser.post("/api/w/main/drafts", json={}, headers={"origin": "http://flowapp.test"})
        assert same.status_code == 201

    async def test_the_form_of_another_site_does_not_sign_in(self, server: Server) -> None:
        headers = {"origin": "https://evil.example"}
        answer = await server.make_client().post("/signin", data={"token": TOKEN}, headers=headers)
        assert answer.status_code == 403 and "set-cookie" not in answer.headers

    async def test_tokens_are_stored_as_hashes_only(self, server: Server) -> None:
        token = await server.workspace.sessions.issue_api_token("admin@flowapp.local", "ci")
        rows = await server.workspace.store.database.read(
            lambda c: [row[0] for row in c.exec_driver_sql("SELECT hash FROM token")]
        )
        assert token not in rows and len(rows) == 1


class TestRequests:
    @pytest.mark.parametrize(
        ("body", "part"),
        [
            (b'{"summary": "x"', "not JSON"),
            (b'{"summary": "\xff"}', "not UTF-8"),
            (b'{"flow": ' + b"[" * 300 + b"]" * 300 + b"}", "nested deeper"),
            (b'{"flow": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper"),
            (b"[1, 2]", "must be a JSON object"),
            (b'{"summary": 5}', "summary must be a text"),
        ],
    )
    async def test_what_cannot_be_read_is_said(self, server: Server, body: bytes, part: str) -> None:
        answer = await server.client.post("/api/w/main/drafts", content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "request.invalid")
        assert part in answer.json()["error"]["message"]

    async def test_too_much_is_refused_before_it_is_read(self, server: Server) -> None:
        headers = {"content-length": str(17 << 20)}
        answer = await server.client.post("/api/w/main/drafts", content=b"{}", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "upload.too_large")

    async def test_unknown_addresses_and_methods_have_the_same_shape(self, server: Server) -> None:
        missing = await server.client.get("/api/nope")
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "http.not_found")
        method = await server.client.put("/api/version")
        assert (method.status_code, method.json()["error"]["code"]) == (405, "http.method_not_allowed")
        query = await server.client.get("/api/w/main/runs?page=x")
        assert (query.status_code, query.json()["error"]["code"]) == (400, "request.invalid")

    async def test_public_routes_tell_nothing_of_a_workspace(self, server: Server) -> None:
        stranger = server.make_client()
        version = await stranger.get("/api/version")
        assert version.text.startswith("CE v1.600.0 flowapp-")
        health = (await stranger.get("/api/health")).json()
        assert health["status"] == "ok" and set(health) == {"status", "version", "isolation", "languages"}

    async def test_big_integers_keep_their_digits(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        change = await server.edit(draft, {"op": "set_sample", "name": "n", "value": 2**70})
        (value,) = [value for value in change["input"]["values"] if value["name"] == "n"]
        assert value["value"] == 2**70
