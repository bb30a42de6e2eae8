"""Saved views of the list of runs: who keeps, sees, changes, shares and deletes them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from flowapp.workspace import run_filters
from tests.integration.api.api_server import Server

VIEWS = "/api/w/main/run_views"
NIGHTLY = {"name": "Failed nightly runs", "status": "failure", "path": "f/sales/nightly"}


async def keep(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(VIEWS, json={**NIGHTLY, **body})
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def names(client: httpx.AsyncClient) -> list[str]:
    answer = await client.get(VIEWS)
    assert answer.status_code == 200, answer.text
    return [str(view["name"]) for view in answer.json()]


class TestViews:
    async def test_kept_renamed_shared_and_deleted(self, server: Server) -> None:
        dora, vic = await server.person("dora", "developer"), await server.person("vic", "viewer")
        view = await keep(dora)
        assert {**NIGHTLY, "shared": False, "owner": "dora", "mine": True}.items() <= view.items()
        assert view["may"] == {"edit": True, "share": True, "delete": True}
        assert await names(dora) == ["Failed nightly runs"] and await names(vic) == []
        one = f"{VIEWS}/{view['id']}"
        renamed = await dora.post(one, json={"name": "  Nightly\n failures ", "shared": True})
        assert (renamed.json()["name"], renamed.json()["path"]) == ("Nightly failures", "f/sales/nightly")
        seen = (await vic.get(one)).json()
        assert (seen["name"], seen["owner"], seen["mine"]) == ("Nightly failures", "dora", False)
        assert seen["may"] == {"edit": False, "share": False, "delete": False}
        await keep(vic, name="Mine")
        assert await names(vic) == ["Mine", "Nightly failures"], "one's own come first"
        assert (await dora.post(one, json={"shared": False})).json()["shared"] is False
        assert (await vic.get(one)).status_code == 404
        assert (await dora.delete(one)).json() == {"deleted": view["id"]}
        assert (await dora.get(one)).status_code == 404

    async def test_what_others_see_is_in_the_audit_trail_and_the_rest_is_not(self, server: Server) -> None:
        view = await keep(server.client, name="Mine")
        await server.client.post(f"{VIEWS}/{view['id']}", json={"status": "success"})
        await server.client.delete(f"{VIEWS}/{view['id']}")
        view = await keep(server.client, shared=True)
        one = f"{VIEWS}/{view['id']}"
        await server.client.post(one, json={"path": "f/other"})
        await server.client.post(one, json={"path": "f/other"})
        await server.client.post(one, json={"shared": False})
        await server.client.post(one, json={"shared": True})
        await server.client.delete(one)
        trail = (await server.client.get("/api/w/main/audit/list")).json()
        about = [entry for entry in trail if entry["operation"].startswith("run_view.")]
        assert [entry["operation"].split(".")[1] for entry in about] == [
            "delete",
            "share",
            "unshare",
            "update",
            "share",
        ]
        assert {entry["resource"] for entry in about} == {NIGHTLY["name"]}

    async def test_they_leave_with_who_kept_them_and_shared_ones_stay(self, server: Server) -> None:
        dora = await server.person("dora", "developer")
        await keep(dora, name="Own")
        await keep(dora, name="Of all", shared=True)
        assert (await server.client.delete("/api/w/main/users/delete/dora")).status_code == 200
        rows = await server.workspace.store.database.read(
            lambda c: [row[0] for row in c.exec_driver_sql("SELECT name FROM run_view")]
        )
        assert rows == ["Of all"] == await names(server.client)

    async def test_changes_at_once_are_all_kept_and_what_is_deleted_stays_so(self, server: Server) -> None:
        view = await keep(server.client)
        one = f"{VIEWS}/{view['id']}"
        for number in range(10):
            wanted = {"name": f"Nightly {number}", "path": f"f/{number}", "shared": number % 2 == 0}
            await asyncio.gather(*(server.client.post(one, json={key: value}) for key, value in wanted.items()))
            seen = (await server.client.get(one)).json()
            assert {key: seen[key] for key in wanted} == wanted
        for number in range(10):
            made = await keep(server.client, name=f"Gone {number}")
            one = f"{VIEWS}/{made['id']}"
            changes = (server.client.post(one, json={"path": f"f/{path}"}) for path in "abc")
            await asyncio.gather(server.client.delete(one), *changes)
            assert (await server.client.get(one)).status_code == 404

    async def test_of_one_name_made_at_once_there_is_one(self, server: Server) -> None:
        made = await asyncio.gather(*(server.client.post(VIEWS, json=NIGHTLY) for _ in range(6)))
        assert sorted(answer.status_code for answer in made) == [201, *[400] * 5]


class TestRights:
    @pytest.mark.parametrize("role", ["viewer", "operator"])
    async def test_some_roles_keep_views_and_share_none(self, server: Server, role: str) -> None:
        member = await server.person("vic", role)
        view = await keep(member)
        assert view["may"]["share"] is False
        assert (await member.post(f"{VIEWS}/{view['id']}", json={"shared": True})).status_code == 403
        assert (await member.post(VIEWS, json={**NIGHTLY, "name": "x", "shared": True})).status_code == 403
        assert (await member.delete(f"{VIEWS}/{view['id']}")).status_code == 200

    async def test_another_ones_own_view_is_nothing_and_a_shared_one_stays_as_it_is(self, server: Server) -> None:
        dora, other = await server.person("dora", "developer"), await server.person("dan", "developer")
        own, shared = await keep(dora, name="Own"), await keep(dora, name="Of all", shared=True)
        missing = await other.get(f"{VIEWS}/0123456789abcdef")
        for answer in (
            await other.get(f"{VIEWS}/{own['id']}"),
            await other.post(f"{VIEWS}/{own['id']}", json={"name": "x"}),
            await other.delete(f"{VIEWS}/{own['id']}"),
        ):
            assert (answer.status_code, answer.json()) == (404, missing.json())
        assert (await other.post(f"{VIEWS}/{shared['id']}", json={"name": "x"})).status_code == 403
        assert (await other.delete(f"{VIEWS}/{shared['id']}")).status_code == 403
        admin = server.client
        assert (await admin.post(f"{VIEWS}/{shared['id']}", json={"name": "By an admin"})).status_code == 200
        assert (await admin.delete(f"{VIEWS}/{shared['id']}")).status_code == 200
        assert (await admin.delete(f"{VIEWS}/{own['id']}")).status_code == 200

    async def test_another_workspace_knows_of_none(self, server: Server) -> None:
        view = await keep(server.client, shared=True)
        olga = await server.person("olga", "admin", "elsewhere")
        assert (await olga.get(VIEWS)).status_code == 404
        assert (await olga.get(f"/api/w/elsewhere/run_views/{view['id']}")).status_code == 404
        assert (await olga.delete(f"/api/w/elsewhere/run_views/{view['id']}")).status_code == 404

    async def test_who_shares_no_more_takes_theirs_back_and_changes_nothing_for_others(self, server: Server) -> None:
        dora = await server.person("dora", "developer")
        view = await keep(dora, shared=True)
        one = f"{VIEWS}/{view['id']}"
        (await server.client.post("/api/w/main/users/update/dora", json={"role": "viewer"})).raise_for_status()
        assert (await dora.post(one, json={"name": "x"})).status_code == 403
        assert (await dora.post(one, json={"shared": False})).status_code == 200


class TestLimits:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"name": " "}, "has no name"),
            ({"name": None}, "has no name"),
            ({"name": "x" * 81}, "80 characters"),
            ({"status": "broken"}, "No run is 'broken'"),
            ({"status": "", "path": " "}, "would list all runs"),
            ({"path": 7}, "must be a text"),
            ({"shared": "yes"}, "true or false"),
            ({"name": "a\0"}, "NUL"),
        ],
    )
    async def test_what_is_no_view(self, server: Server, body: dict[str, Any], said: str) -> None:
        answer = await server.client.post(VIEWS, json={**NIGHTLY, **body})
        assert answer.status_code == 400 and said in answer.text

    async def test_names_are_told_apart_and_there_are_so_many(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(run_filters, "MOST", 2)
        await keep(server.client)
        taken = await server.client.post(VIEWS, json={**NIGHTLY, "name": "failed NIGHTLY runs"})
        assert taken.status_code == 400 and "Choose another name" in taken.text
        await keep(server.client, name="Second")
        full = await server.client.post(VIEWS, json={**NIGHTLY, "name": "Third"})
        assert full.status_code == 400 and "Delete one" in full.text
