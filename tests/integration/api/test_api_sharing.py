"""Sharing links of runs: who makes them, when they end, what they show, and that nothing else opens by them."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from flowapp.access.tokens import hash_token
from flowapp.jsontext import dumps
from flowapp.store import identities, retention
from flowapp.workspace.sharing import PER_MINUTE
from tests.integration.api.api_server import CHAIN, Server, flow_of, js, script

W = "/api/w/main"


async def run_of(server: Server, flow: dict[str, Any] = CHAIN, path: str = "f/team/chain", **args: Any) -> str:
    draft = await server.draft(flow, path=path)
    await server.post(draft, "deploy", {})
    answer = await server.client.post(f"{W}/jobs/run/f/{path}", json=args)
    assert answer.status_code == 201, answer.text
    return answer.text


async def share(client: httpx.AsyncClient, run: str, **body: Any) -> str:
    answer = await client.post(f"{W}/runs/{run}/links", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["path"] == f"/shared/{made['token']}" and made["url"].endswith(made["path"])
    return str(made["path"])


async def links(server: Server, run: str) -> list[dict[str, Any]]:
    return list((await server.client.get(f"{W}/runs/{run}/links")).json())


async def execute(server: Server, sql: str) -> None:
    await server.workspace.store.database.write(lambda c: c.exec_driver_sql(sql))


class TestLinks:
    async def test_a_stranger_sees_the_run_and_the_dialog_sees_the_stranger(self, server: Server) -> None:
        server.engine.answers = {"a": [{"city": "Oslo <b>", "rows": 3}], "b": 12}
        run = await run_of(server, n=4)
        path = await share(server.client, run, days=1, note="for Ann")
        stranger = server.make_client()
        page = await stranger.get(path)
        assert page.status_code == 200 and "Test flow" in page.text and "f/team/chain" in page.text
        assert "for Ann" not in page.text and "admin" not in page.text
        step = await stranger.get(f"{path}?step=a")
        assert "Oslo &lt;b&gt;" in step.text and "log of a" in step.text and "<script" not in step.text
        assert step.headers["referrer-policy"] == "no-referrer" and step.headers["cache-control"] == "no-store"
        assert "noindex" in step.headers["x-robots-tag"] and "noindex" in step.text
        (row,) = await links(server, run)
        assert (row["note"], row["created_by"], row["opened"]) == ("for Ann", "admin", 1), (
            "one visit, however many pages"
        )
        assert row["opened_at"] > row["created_at"] and row["expires_at"][:10] > row["created_at"][:10]
        entries = (await server.client.get(f"{W}/audit/list?operations=link.create,link.open,link.delete")).json()
        assert [entry["operation"] for entry in entries] == ["link.open", "link.create"]
        assert entries[0]["username"] == f"link:{row['id']}" and entries[0]["address"] == "127.0.0.1"
        assert entries[0]["resource"] == "f/team/chain"

    async def test_the_token_is_nowhere_at_rest(self, server: Server) -> None:
        run = await run_of(server)
        token = (await share(server.client, run)).removeprefix("/shared/")
        tables = ("shared_link", "audit")
        found = await server.workspace.store.database.read(
            lambda c: [dict(row) for name in tables for row in c.exec_driver_sql(f"SELECT * FROM {name}").mappings()]
        )
        assert token not in str(found) and hash_token(token) in str(found)
        assert token not in (await server.client.get(f"{W}/runs/{run}/links")).text

    async def test_whatever_is_wrong_with_a_link_it_looks_the_same(self, server: Server) -> None:
        run, other = await run_of(server), await run_of(server, path="f/team/other")
        good, old, revoked, of_gone = [await share(server.client, each) for each in (run, run, run, other)]
        listed = await links(server, run)  # newest first
        assert (await server.client.delete(f"{W}/runs/{run}/links/{listed[0]['id']}")).status_code == 200
        assert (await server.client.delete(f"{W}/runs/{run}/links/{listed[0]['id']}")).status_code == 404
        assert (await server.client.delete(f"{W}/runs/{other}/links/{listed[1]['id']}")).status_code == 404
        await execute(
            server, f"UPDATE shared_link SET expires_at = '2001-01-01T00:00:00Z' WHERE id = '{listed[1]['id']}'"
        )
        await execute(server, f"DELETE FROM run WHERE id = '{other}'")
        tampered = good[:-1] + ("A" if good[-1] != "A" else "B")
        paths = [old, revoked, of_gone, tampered, "/shared/fl_guess", "/shared/x", f"{good}?step=nope"]
        answers = [await server.make_client().get(path) for path in paths]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text for answer in answers}) == 1 and "leads nowhere" in answers[0].text
        assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1
        assert (await server.make_client().get(good)).status_code == 200
        assert [row["id"] for row in await links(server, run)] == [listed[2]["id"]]

    async def test_it_ends_with_the_rights_of_whoever_made_it(self, server: Server) -> None:
        run = await run_of(server)
        dora = await server.person("dora", "developer")
        path = await share(dora, run)
        assert (await server.make_client().get(path)).status_code == 200
        await server.client.post(f"{W}/users/update/dora", json={"role": "viewer"})
        assert (await server.make_client().get(path)).status_code == 404
        await server.client.post(f"{W}/users/update/dora", json={"role": "developer"})
        assert (await server.make_client().get(path)).status_code == 200
        await server.client.delete(f"{W}/users/delete/dora")
        assert (await server.make_client().get(path)).status_code == 404

    async def test_only_get_and_head(self, server: Server) -> None:
        run = await run_of(server)
        path = await share(server.client, run)
        stranger = server.make_client()
        head = await stranger.head(path)
        assert head.status_code == 200 and (await links(server, run))[0]["opened"] == 0
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert (await stranger.request(method, path)).status_code == 405, method

    async def test_it_opens_nothing_else(self, server: Server) -> None:
        run, other = await run_of(server), await run_of(server, path="f/team/other")
        token = (await share(server.client, run)).removeprefix("/shared/")
        for headers in ({"authorization": f"Bearer {token}"}, {"cookie": f"flowapp_session={token}; token={token}"}):
            client = server.make_client(headers)
            for what in ("", "/output", "/raw", "/logs", "/links"):
                assert (await client.get(f"{W}/runs/{run}{what}")).status_code == 401, what
            assert (await client.get(f"{W}/runs")).status_code == 401
        assert (await server.make_client().get(f"/shared/{other}")).status_code == 404
        assert (await server.make_client().get(f"/signin?token={token}")).status_code == 401
        assert (await server.make_client().get(f"{W}/runs/{run}?token={token}")).status_code == 401

    async def test_too_many_requests_are_told_to_wait(self, server: Server) -> None:
        path = await share(server.client, await run_of(server))
        stranger = server.make_client()
        for _ in range(PER_MINUTE):
            assert (await stranger.head("/shared/fl_guess")).status_code == 404
        answer = await stranger.get(path)
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
        assert "Too many requests" in answer.text

    @pytest.mark.parametrize(
        "body",
        [{"days": 0}, {"days": 2}, {"days": True}, {"days": 7.0}, {"days": "7"}, {"note": "x" * 201}, {"note": 1}],
    )
    async def test_what_is_no_link(self, server: Server, body: dict[str, Any]) -> None:
        answer = await server.client.post(f"{W}/runs/{await run_of(server)}/links", json=body)
        assert answer.status_code == 400, answer.text

    async def test_a_draft_s_run_is_shared_by_its_owner_only(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await server.notebook(draft))["cells"][0]["id"]
        run = (await server.run(draft, cell))["run_id"]
        dora = await server.person("dora", "developer")
        assert (await dora.post(f"{W}/runs/{run}/links", json={})).status_code == 404
        assert (await server.make_client().get(await share(server.client, run))).status_code == 200
        assert (await server.client.get(f"{W}/runs/{run}")).json()["may_share"] is True
        vic = await server.person("vic", "viewer")
        shown = (await vic.get(f"{W}/runs/{await run_of(server)}")).json()
        assert shown["may_share"] is False

    async def test_links_go_with_their_run(self, server: Server) -> None:
        run = await run_of(server)
        await share(server.client, run)
        await execute(server, f"UPDATE run SET ended_at = '2001-01-01T00:00:00Z' WHERE id = '{run}'")
        await server.client.post(f"{W}/workspaces/edit_retention", json={"retention_days": 1})
        await retention.expire(server.workspace.store)
        left = await server.workspace.store.database.read(
            lambda c: c.exec_driver_sql("SELECT count(*) FROM shared_link").scalar()
        )
        assert left == 0


class TestSecrets:
    """Nothing that is a secret, or looks like one, is on any page of a link."""

    VARIABLE = "corr3ct-horse/battery=1"
    PLAIN = "resource-passw0rd"
    TYPED = "typed-by-somebody"
    READ = "read-by-a-job-42"

    async def pages(self, server: Server) -> str:
        http = server.client
        variable = {"path": "u/admin/key", "value": self.VARIABLE, "is_secret": True, "description": ""}
        assert (await http.post(f"{W}/variables/create", json=variable)).status_code == 201
        resource = {
            "path": "u/admin/db",
            "value": {"host": "db.example.org", "password": self.PLAIN},
            "resource_type": "any",
        }
        assert (await http.post(f"{W}/resources/create", json=resource)).status_code == 201
        encoded = base64.b64encode(self.VARIABLE.encode()).decode()
        server.engine.answers = {
            "a": {
                "said": f"with {self.VARIABLE} inside and {encoded}",
                "db": {"host": "db.example.org", "password": "anything"},
                "rows": [{"note": self.PLAIN, "api_key": "k-1"}, {"note": self.TYPED}, {"note": self.READ}],
            },
            "b": f"{self.TYPED} {self.READ}",
        }
        flow = flow_of(
            script("a", "def main():\n    return 1\n", n=js("1")),
            script("b", "def main():\n    return 1\n"),
            who={"type": "string"},
            pin={"type": "string", "format": "password"},
            db={"type": "object"},
            token={"type": "string"},
        )
        server.engine.hold = True
        run = await run_of(server, flow, who="Ann", pin=self.TYPED, db="$res:u/admin/db", token="t-123")
        server.workspace.store.masks.note(run, self.READ)
        await server.engine.finish(run)
        args = await server.workspace.store.values.put_value(
            dumps({"n": "$var:u/admin/key", "head": f"Basic {encoded}", "city": "Oslo"})
        )
        log = f"open db\npassword={self.PLAIN}\nkey {self.VARIABLE}\n{self.READ}\nAuthorization: Token abc-777\n"
        await execute(server, f"UPDATE job SET args = '{args}' WHERE run_id = '{run}' AND path = 'a'")
        await execute(server, f"UPDATE log SET text = '{log}' WHERE run_id = '{run}' AND path = 'a'")
        path = await share(http, run)
        answers = [await server.make_client().get(f"{path}{query}") for query in ("", "?step=a", "?step=b")]
        assert {answer.status_code for answer in answers} == {200}
        return "".join(answer.text for answer in answers)

    async def test_nothing_secret_is_shown_and_the_rest_is(self, server: Server) -> None:
        shown = await self.pages(server)
        assert "(hidden)" not in shown, "all that is hidden looks alike"
        for seen in ("Ann", "Oslo", "db.example.org", "open db", "inside", "•••••"):
            assert seen in shown, seen
        hidden = (
            self.VARIABLE,
            self.PLAIN,
            self.TYPED,
            self.READ,
            "anything",
            "k-1",
            "t-123",
            "abc-777",
            "$res:",
            "$var:",
        )
        for secret in (*hidden, base64.b64encode(self.VARIABLE.encode()).decode()):
            assert secret not in shown, secret

    async def test_nor_after_the_run_s_person_has_left(self, server: Server) -> None:
        await server.person("bea", "admin")
        who = await server.workspace.sessions.identity_named("admin", "main")
        await self.pages(server)
        await server.workspace.store.database.write(lambda c: identities.remove_member(c, "main", who.email))
        bea = server.make_client(
            {"authorization": f"Bearer {await server.workspace.sessions.issue_api_token('bea@example.org', 't')}"}
        )
        run = (await bea.get(f"{W}/runs")).json()[0]["id"]
        page = await server.make_client().get(f"{await share(bea, run)}?step=a")
        assert page.status_code == 200 and "inside" in page.text
        assert self.VARIABLE not in page.text and self.PLAIN not in page.text

    async def test_errors_are_clean_too(self, server: Server) -> None:
        server.engine.failing = {"a": {"name": "Refused", "message": "no: token=abc-777", "stack": "at x\npwd: 'p-9'"}}
        path = await share(server.client, await run_of(server))
        for query in ("", "?step=a"):
            page = (await server.make_client().get(f"{path}{query}")).text
            assert "Refused" in page and "at x" in page and "abc-777" not in page and "p-9" not in page

    async def test_a_long_log_and_a_large_value_are_cut(self, server: Server) -> None:
        server.engine.answers = {"a": "x" * (3 << 20)}
        run = await run_of(server)
        await execute(
            server, f"UPDATE log SET text = '{('y' * 99 + chr(10)) * 2000}' WHERE run_id = '{run}' AND path = 'a'"
        )
        page = (await server.make_client().get(f"{await share(server.client, run)}?step=a")).text
        assert "Too large for this page: 3.0 MB." in page and "The beginning of a long log." in page
        assert 60_000 < page.count("y") < 70_000
