"""Signing in by an OpenID Connect provider: a real one over HTTP, with real signatures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from flowapp.expressions.evaluator import Evaluator
from flowapp.settings import OidcSettings, Settings
from flowapp.store import identities
from flowapp.store.stores import Store
from flowapp.store.tables import UserRow
from flowapp.workspace.app import Workspace
from tests.integration.api.api_server import Runtimes, ScriptedEngine, Server, opened_server
from tests.support.oidc import CLIENT_ID, CLIENT_SECRET, Lies, OidcProvider, oidc_provider

W = "/api/w/main"
ANN = {"sub": "a-1", "email": "ann@example.org", "email_verified": True, "name": "Ann Lee"}


@pytest.fixture(scope="module")
def running() -> Iterator[OidcProvider]:
    with oidc_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: OidcProvider) -> OidcProvider:
    running.person, running.lies = dict(ANN), Lies()
    return running


@pytest.fixture(params=[""])
async def server(request: pytest.FixtureRequest, tmp_path: Path, provider: OidcProvider) -> AsyncIterator[Server]:
    """A server that knows the provider; the parameter is the role with which people may join."""
    oidc = OidcSettings(provider.url, CLIENT_ID, CLIENT_SECRET, "Acme <ID>", request.param)
    async with opened_server(tmp_path, oidc=oidc) as made:
        yield made


async def at_provider(browser: httpx.AsyncClient, next_page: str = "/runs") -> str:
    """The path with which the provider sends the browser back."""
    begun = await browser.get("/signin/oidc", params={"next": next_page})
    assert begun.status_code == 303, begun.text
    async with httpx.AsyncClient() as outside:
        back = await outside.get(begun.headers["location"])
    assert back.status_code == 302, back.text
    assert back.headers["location"].startswith("http://flowapp.test/signin/oidc/callback?")
    return str(back.headers["location"]).removeprefix("http://flowapp.test")


async def sign_in(server: Server, next_page: str = "/runs") -> tuple[httpx.AsyncClient, httpx.Response]:
    browser = server.make_client()
    return browser, await browser.get(await at_provider(browser, next_page))


async def user_of(server: Server, email: str) -> UserRow | None:
    return await server.workspace.store.database.read(lambda c: identities.user(c, email))


class TestSigningIn:
    async def test_a_member_is_known_by_the_verified_email(self, server: Server, provider: OidcProvider) -> None:
        await server.person("ann", "operator")
        browser, answer = await sign_in(server)
        assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
        assert (await browser.get(f"{W}/users/whoami")).json()["username"] == "ann"
        provider.person["email"], provider.person["email_verified"] = "ann.lee@example.org", False
        browser, answer = await sign_in(server)  # from now on by the provider's own name for her
        assert (await browser.get(f"{W}/users/whoami")).json()["username"] == "ann"
        entries = (await server.client.get(f"{W}/audit/list?installation=true&operation=user.bind")).json()
        assert [entry["resource"] for entry in entries] == ["ann@example.org"]

    async def test_letters_of_an_address_may_be_written_otherwise(self, server: Server, provider: OidcProvider) -> None:
        await server.person("ann", "operator")
        provider.person["email"] = "Ann@Example.ORG"
        browser, _ = await sign_in(server)
        assert (await browser.get(f"{W}/users/whoami")).json()["email"] == "ann@example.org"

    async def test_characters_that_no_database_takes(self, server: Server, provider: OidcProvider) -> None:
        await server.person("ann", "operator")
        provider.person["name"] = "A\0"
        _, answer = await sign_in(server)
        assert answer.status_code == 303
        provider.person |= {"email": "an\0n@example.org", "sub": "another"}  # nor do they make it somebody else's
        _, answer = await sign_in(server)
        assert answer.status_code == 401

    async def test_an_address_that_only_userinfo_tells(self, server: Server, provider: OidcProvider) -> None:
        await server.person("ann", "operator")
        provider.lies = Lies(claims={"email": None, "email_verified": None})
        browser, _ = await sign_in(server)
        assert (await browser.get(f"{W}/users/whoami")).status_code == 200

    async def test_userinfo_of_somebody_else_is_not_believed(self, server: Server, provider: OidcProvider) -> None:
        await server.person("ann", "operator")
        provider.lies = Lies(claims={"email": None, "email_verified": None}, userinfo={"sub": "b-2"})
        _, answer = await sign_in(server)
        assert answer.status_code == 502 and "flowapp_session=" not in str(answer.headers)

    async def test_a_key_that_was_turned_is_fetched(self, server: Server, provider: OidcProvider) -> None:
        await server.person("ann", "operator")
        await sign_in(server)
        provider.turn_key()
        _, answer = await sign_in(server)
        assert answer.status_code == 303, answer.text

    async def test_the_page_offers_it(self, server: Server) -> None:
        page = await server.make_client().get("/signin?next=/runs%3Fa=%22b")
        assert "Sign in with Acme &lt;ID&gt;" in page.text
        assert 'href="/signin/oidc?next=/runs%3Fa%3D%22b"' in page.text


class TestRefusals:
    @pytest.mark.parametrize("verified", [False, None, "false", 1, "yes"])
    async def test_an_address_that_is_not_verified(self, server: Server, provider: OidcProvider, verified: Any) -> None:
        await server.person("ann", "admin")
        provider.person["email_verified"] = verified
        _, answer = await sign_in(server)
        assert (answer.status_code, "does not vouch" in answer.text) == (401, True)

    async def test_somebody_whom_nobody_knows(self, server: Server) -> None:
        browser, answer = await sign_in(server)
        assert (answer.status_code, "Nobody here has the address ann@example.org" in answer.text) == (401, True)
        assert await user_of(server, "ann@example.org") is None
        assert (await browser.get("/api/users/whoami")).status_code == 401

    async def test_somebody_who_was_taken_out(self, server: Server) -> None:
        await server.person("ann", "operator")
        await sign_in(server)
        await server.client.delete(f"{W}/users/delete/ann")
        _, answer = await sign_in(server)
        assert (answer.status_code, "Nobody here has" in answer.text) == (401, True)

    async def test_an_address_that_was_given_to_somebody_else(self, server: Server, provider: OidcProvider) -> None:
        await server.person("ann", "admin")
        await sign_in(server)
        provider.person["sub"] = "somebody-new"
        _, answer = await sign_in(server)
        assert (answer.status_code, "belongs to another account" in answer.text) == (401, True)

    async def test_an_account_that_is_switched_off(self, server: Server) -> None:
        await server.person("ann", "admin")
        await server.workspace.store.database.write(
            lambda c: identities.change_user(c, "ann@example.org", disabled=True)
        )
        _, answer = await sign_in(server)
        assert (answer.status_code, "switched off" in answer.text) == (401, True)

    @pytest.mark.parametrize(
        "lies",
        [
            Lies(other_key=True),
            Lies(symmetric=True),
            Lies(unsigned=True),
            Lies(claims={"nonce": "another"}),
            Lies(claims={"nonce": None}),
            Lies(claims={"aud": "another-client"}),
            Lies(claims={"aud": [CLIENT_ID, "another-client"]}),
            Lies(claims={"iss": "https://evil.example"}),
            Lies(claims={"exp": 1_000_000_000}),
            Lies(claims={"exp": None}),
            Lies(claims={"sub": None}),
        ],
        ids=lambda lies: str(lies.claims) if lies.claims else repr(lies),
    )
    async def test_a_token_that_cannot_be_trusted(self, server: Server, provider: OidcProvider, lies: Lies) -> None:
        await server.person("ann", "admin")
        provider.lies = lies
        browser, answer = await sign_in(server)
        assert answer.status_code == 502, answer.text
        assert (await browser.get("/api/users/whoami")).status_code == 401

    async def test_a_provider_that_calls_itself_otherwise(self, server: Server, provider: OidcProvider) -> None:
        provider.lies = Lies(metadata={"issuer": "https://evil.example"})
        answer = await server.make_client().get("/signin/oidc")
        assert (answer.status_code, "FLOWAPP_OIDC_ISSUER" in answer.text) == (502, True)

    async def test_a_provider_that_is_down(self, server: Server, provider: OidcProvider) -> None:
        provider.lies = Lies(silent=True)
        answer = await server.make_client().get("/signin/oidc")
        assert (answer.status_code, "Try again" in answer.text) == (502, True)


class TestForgery:
    async def test_another_browser_cannot_finish_it(self, server: Server) -> None:
        await server.person("ann", "admin")
        back = await at_provider(server.make_client())
        thief = server.make_client()
        answer = await thief.get(back)
        assert (answer.status_code, "not begun in this browser" in answer.text) == (401, True)
        await at_provider(thief)  # also one that has begun by itself
        assert (await thief.get(back)).status_code == 401

    async def test_coming_back_twice(self, server: Server) -> None:
        await server.person("ann", "admin")
        browser = server.make_client()
        back = await at_provider(browser)
        cookie = browser.cookies["flowapp_session_oidc"]
        assert (await browser.get(back)).status_code == 303
        assert "flowapp_session_oidc" not in browser.cookies
        again = await server.make_client().get(back, headers={"cookie": f"flowapp_session_oidc={cookie}"})
        assert again.status_code == 502  # the provider takes a code once

    @pytest.mark.parametrize(("part", "status"), [("state", 401), ("code", 502), ("iss", 502)])
    @pytest.mark.parametrize("value", ["x", "\0", "https://evil.example"])
    async def test_an_answer_that_was_changed(self, server: Server, part: str, status: int, value: str) -> None:
        await server.person("ann", "admin")
        browser = server.make_client()
        parts = urlsplit(await at_provider(browser))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        answer = await browser.get(parts.path, params={**query, part: value})
        assert answer.status_code == status, answer.text
        assert (await browser.get("/api/users/whoami")).status_code == 401

    async def test_not_every_provider_names_itself_in_the_answer(self, server: Server) -> None:
        await server.person("ann", "admin")
        browser = server.make_client()
        parts = urlsplit(await at_provider(browser))
        query = {name: values[0] for name, values in parse_qs(parts.query).items() if name != "iss"}
        assert (await browser.get(parts.path, params=query)).status_code == 303

    async def test_the_provider_says_no(self, server: Server) -> None:
        browser = server.make_client()
        state = parse_qs(urlsplit(await at_provider(browser)).query)["state"][0]
        answer = await browser.get("/signin/oidc/callback", params={"state": state, "error": "<b>denied"})
        assert answer.status_code == 502 and "&lt;b&gt;denied" in answer.text

    async def test_guessing_is_slowed_down(self, server: Server) -> None:
        codes = {(await server.make_client().get("/signin/oidc/callback?state=x")).status_code for _ in range(12)}
        assert codes == {401, 429}

    @pytest.mark.parametrize("page", ["//evil.example", "https://evil.example", "/\\evil.example"])
    async def test_it_leads_to_no_other_site(self, server: Server, page: str) -> None:
        await server.person("ann", "admin")
        _, answer = await sign_in(server, page)
        assert answer.headers["location"] == "/"


class TestTakingOver:
    async def test_an_account_that_somebody_else_made_of_the_address_is_the_owners(self, server: Server) -> None:
        made = await server.client.post(f"{W}/workspaces/invitations/create", json={"role": "developer"})
        body = {"token": made.json()["token"], "email": "ann@example.org", "password": "an attackers password"}
        squatter = server.make_client()
        squatter.headers["authorization"] = f"Bearer {(await squatter.post('/api/auth/join', json=body)).text}"
        squatter.cookies.clear()
        kept = (await squatter.post("/api/users/tokens/create", json={})).text
        browser, _ = await sign_in(server)
        assert (await browser.get(f"{W}/users/whoami")).json()["email"] == "ann@example.org"
        assert (await squatter.get("/api/users/whoami")).status_code == 401
        held = server.make_client({"authorization": f"Bearer {kept}"})
        assert (await held.get("/api/users/whoami")).status_code == 401
        again = await server.make_client().post("/signin", data=body)
        assert again.status_code == 401

    async def test_somebody_new_comes_in_with_an_invitation(self, server: Server) -> None:
        made = await server.client.post(f"{W}/workspaces/invitations/create", json={"role": "viewer"})
        browser, answer = await sign_in(server, made.json()["path"])
        assert answer.headers["location"] == made.json()["path"]
        page = await browser.get(made.json()["path"])
        assert "ann@example.org" in page.text
        await browser.post("/join", data={"token": made.json()["token"]})
        assert (await browser.get(f"{W}/users/whoami")).json()["role"] == "viewer"
        user = await user_of(server, "ann@example.org")
        assert user is not None and (user.name, user.claimed, user.password) == ("Ann Lee", False, None)

    async def test_a_made_up_invitation_makes_no_account(self, server: Server) -> None:
        _, answer = await sign_in(server, "/join?token=fv_guess")
        assert answer.status_code == 401 and await user_of(server, "ann@example.org") is None


@pytest.mark.parametrize("server", ["operator"], indirect=True)
class TestJoining:
    async def test_whom_the_provider_knows_joins_with_the_role(self, server: Server) -> None:
        browser, _ = await sign_in(server)
        me = (await browser.get(f"{W}/users/whoami")).json()
        assert (me["username"], me["role"], me["name"]) == ("ann", "operator", "Ann Lee")
        (entry,) = (await server.client.get(f"{W}/audit/list?operation=member.join")).json()
        assert entry["parameters"]["detail"] == "operator, by single sign-on"

    async def test_a_role_that_somebody_has_stays(self, server: Server) -> None:
        await server.person("ann", "viewer")
        browser, _ = await sign_in(server)
        assert (await browser.get(f"{W}/users/whoami")).json()["role"] == "viewer"


class TestWithoutProvider:
    async def test_there_is_nothing_to_press(self, tmp_path: Path) -> None:
        store = await Store.open("", tmp_path)
        evaluator = Evaluator()
        await evaluator.start()
        workspace = Workspace(store, ScriptedEngine(store), evaluator, Runtimes(), Settings(home=tmp_path))
        await workspace.start()
        server = Server(workspace, workspace.engine)  # type: ignore[arg-type]  # the scripted one
        assert "/signin/oidc" not in (await server.make_client().get("/signin")).text
        for path in ("/signin/oidc", "/signin/oidc/callback?state=x"):
            assert (await server.make_client().get(path)).status_code in (401, 502)
        await workspace.close()
        await evaluator.close()
        await store.close()
