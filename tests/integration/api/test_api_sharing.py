"""Sharing links of runs and flows: who makes them, when they end, what they show, and that nothing else opens by them."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.access.tokens import hash_token
from flowapp.store import retention
from flowapp.workspace import shareable as shareable_things
from flowapp.workspace import sharing
from flowapp.workspace.sharing import PER_MINUTE
from tests.integration.api.api_server import CHAIN, Server
from tests.integration.api.api_sharing import W, execute, links, of_flow, of_run, run_of, share, shareable


@pytest.mark.parametrize("kind", ["run", "flow"])
class TestLinks:
    """What holds of every link, wherever it leads."""

    async def test_none_is_made_for_what_goes_meanwhile(
        self, server: Server, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        where = await shareable(server, kind)

        async def then_it_goes(*asked: Any) -> shareable_things.Shareable:
            found = await shareable_things.asked_for(*asked)
            assert (await server.client.delete(f"{W}/flows/delete/f/team/chain")).status_code == 200
            await execute(server, "DELETE FROM run WHERE path = 'f/team/chain'")
            return found

        monkeypatch.setattr(sharing, "asked_for", then_it_goes)
        assert (await server.client.post(where, json={})).status_code == 404
        left = await server.workspace.store.database.read(
            lambda c: c.exec_driver_sql("SELECT count(*) FROM shared_link").scalar()
        )
        assert left == 0

    async def test_the_token_is_nowhere_at_rest(self, server: Server, kind: str) -> None:
        where = await shareable(server, kind)
        token = (await share(server.client, where)).removeprefix("/shared/")
        tables = ("shared_link", "audit")
        found = await server.workspace.store.database.read(
            lambda c: [dict(row) for name in tables for row in c.exec_driver_sql(f"SELECT * FROM {name}").mappings()]
        )
        assert token not in str(found) and hash_token(token) in str(found)
        assert token not in (await server.client.get(where)).text

    async def test_whatever_is_wrong_with_a_link_it_looks_the_same(self, server: Server, kind: str) -> None:
        where, other = await shareable(server, kind), await shareable(server, kind, "f/team/other")
        good, old, revoked, of_gone = [await share(server.client, each) for each in (where, where, where, other)]
        listed = await links(server, where)  # newest first
        assert (await server.client.delete(f"{where}/{listed[0]['id']}")).status_code == 200
        assert (await server.client.delete(f"{where}/{listed[0]['id']}")).status_code == 404
        assert (await server.client.delete(f"{other}/{listed[1]['id']}")).status_code == 404
        await execute(
            server, f"UPDATE shared_link SET expires_at = '2001-01-01T00:00:00Z' WHERE id = '{listed[1]['id']}'"
        )
        await execute(server, "DELETE FROM run WHERE path = 'f/team/other'")
        await execute(server, "DELETE FROM flow_version WHERE path = 'f/team/other'")
        tampered = good[:-1] + ("A" if good[-1] != "A" else "B")
        paths = [old, revoked, of_gone, tampered, "/shared/fl_guess", "/shared/x"]
        answers = [await server.make_client().get(path) for path in paths]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text for answer in answers}) == 1 and "leads nowhere" in answers[0].text
        assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1
        assert (await server.make_client().get(good)).status_code == 200
        assert [row["id"] for row in await links(server, where)] == [listed[2]["id"]]

    async def test_it_ends_with_the_rights_of_whoever_made_it(self, server: Server, kind: str) -> None:
        where = await shareable(server, kind)
        dora = await server.person("dora", "developer")
        path = await share(dora, where)
        assert (await server.make_client().get(path)).status_code == 200
        await server.client.post(f"{W}/users/update/dora", json={"role": "viewer"})
        assert (await server.make_client().get(path)).status_code == 404
        await server.client.post(f"{W}/users/update/dora", json={"role": "developer"})
        assert (await server.make_client().get(path)).status_code == 200
        await server.client.delete(f"{W}/users/delete/dora")
        assert (await server.make_client().get(path)).status_code == 404

    async def test_it_ends_when_the_folder_closes_for_whoever_made_it(self, server: Server, kind: str) -> None:
        where = await shareable(server, kind)
        path = await share(await server.person("dora", "developer"), where)
        closed = {"name": "team", "owners": ["u/admin"], "extra_perms": {}}
        assert (await server.client.post(f"{W}/folders/create", json=closed)).status_code == 200
        assert (await server.make_client().get(path)).status_code == 404

    async def test_only_get_and_head(self, server: Server, kind: str) -> None:
        where = await shareable(server, kind)
        path = await share(server.client, where)
        stranger = server.make_client()
        head = await stranger.head(path)
        assert head.status_code == 200 and (await links(server, where))[0]["opened"] == 0
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert (await stranger.request(method, path)).status_code == 405, method

    async def test_it_opens_nothing_else(self, server: Server, kind: str) -> None:
        run, other = await run_of(server), await run_of(server, path="f/team/other")
        where = of_run(run) if kind == "run" else of_flow("f/team/chain")
        token = (await share(server.client, where)).removeprefix("/shared/")
        for headers in ({"authorization": f"Bearer {token}"}, {"cookie": f"flowapp_session={token}; token={token}"}):
            client = server.make_client(headers)
            for what in ("", "/output", "/raw", "/logs", "/links"):
                assert (await client.get(f"{W}/runs/{run}{what}")).status_code == 401, what
            for what in ("get", "schema", "versions", "links"):
                assert (await client.get(f"{W}/flows/{what}/f/team/chain")).status_code == 401, what
            assert (await client.get(f"{W}/runs")).status_code == 401
        assert (await server.make_client().get(f"/shared/{other}")).status_code == 404
        assert (await server.make_client().get("/shared/f/team/chain")).status_code in (303, 404)
        assert (await server.make_client().get(f"/signin?token={token}")).status_code == 401
        assert (await server.make_client().get(f"{W}/runs/{run}?token={token}")).status_code == 401

    async def test_too_many_requests_are_told_to_wait(self, server: Server, kind: str) -> None:
        path = await share(server.client, await shareable(server, kind))
        stranger = server.make_client()
        for _ in range(PER_MINUTE):
            assert (await stranger.head("/shared/fl_guess")).status_code == 404
        answer = await stranger.get(path)
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
        assert "Too many requests" in answer.text

    async def test_what_is_no_link(self, server: Server, kind: str) -> None:
        where = await shareable(server, kind)
        for body in (
            *({"days": 0}, {"days": 2}, {"days": True}, {"days": 7.0}, {"days": "7"}),
            *({"note": "x" * 201}, {"note": 1}),
        ):
            answer = await server.client.post(where, json=body)
            assert answer.status_code == 400, answer.text

    async def test_who_may_not_share_is_told_so(self, server: Server, kind: str) -> None:
        where = await shareable(server, kind)
        for role in ("viewer", "operator"):
            person = await server.person(f"one-{role}", role)
            for answer in (
                await person.get(where),
                await person.post(where, json={}),
                await person.delete(f"{where}/x"),
            ):
                assert answer.status_code == 403, answer.text
        elsewhere = await server.person("olga", "admin", "other")
        assert (await elsewhere.post(where, json={})).status_code == 404


class TestRuns:
    async def test_a_stranger_sees_the_run_and_the_dialog_sees_the_stranger(self, server: Server) -> None:
        server.engine.answers = {"a": [{"city": "Oslo <b>", "rows": 3}], "b": 12}
        run = await run_of(server, n=4)
        path = await share(server.client, of_run(run), days=1, note="for Ann")
        stranger = server.make_client()
        page = await stranger.get(path)
        assert page.status_code == 200 and "Test flow" in page.text and "f/team/chain" in page.text
        assert "for Ann" not in page.text and "admin" not in page.text
        step = await stranger.get(f"{path}?step=a")
        nowhere = await stranger.get(f"{path}?step=nope")
        assert nowhere.status_code == 404 and nowhere.text == (await stranger.get("/shared/fl_guess")).text
        assert "Oslo &lt;b&gt;" in step.text and "log of a" in step.text and "<script" not in step.text
        assert step.headers["referrer-policy"] == "no-referrer" and step.headers["cache-control"] == "no-store"
        assert "noindex" in step.headers["x-robots-tag"] and "noindex" in step.text
        (row,) = await links(server, of_run(run))
        assert (row["note"], row["created_by"], row["opened"]) == ("for Ann", "admin", 1), (
            "one visit, however many pages"
        )
        assert row["opened_at"] > row["created_at"] and row["expires_at"][:10] > row["created_at"][:10]
        entries = (await server.client.get(f"{W}/audit/list?operations=link.create,link.open,link.delete")).json()
        assert [entry["operation"] for entry in entries] == ["link.open", "link.create"]
        assert entries[0]["username"] == f"link:{row['id']}" and entries[0]["address"] == "127.0.0.1"
        assert entries[0]["resource"] == "f/team/chain"

    async def test_a_draft_s_run_is_shared_by_its_owner_only(self, server: Server) -> None:
        draft = await server.draft(CHAIN)
        cell = (await server.notebook(draft))["cells"][0]["id"]
        run = (await server.run(draft, cell))["run_id"]
        dora = await server.person("dora", "developer")
        assert (await dora.post(f"{W}/runs/{run}/links", json={})).status_code == 404
        assert (await server.make_client().get(await share(server.client, of_run(run)))).status_code == 200
        assert (await server.client.get(f"{W}/runs/{run}")).json()["may_share"] is True
        vic = await server.person("vic", "viewer")
        shown = (await vic.get(f"{W}/runs/{await run_of(server)}")).json()
        assert shown["may_share"] is False

    async def test_links_go_with_their_run(self, server: Server) -> None:
        run = await run_of(server)
        await share(server.client, of_run(run))
        await execute(server, f"UPDATE run SET ended_at = '2001-01-01T00:00:00Z' WHERE id = '{run}'")
        await server.client.post(f"{W}/workspaces/edit_retention", json={"retention_days": 1})
        await retention.expire(server.workspace.store)
        left = await server.workspace.store.database.read(
            lambda c: c.exec_driver_sql("SELECT count(*) FROM shared_link").scalar()
        )
        assert left == 0
