"""Earlier values of resources: what is kept, for how long, who may see it and bring it back."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from flowapp.store import resource_versions
from tests.integration.api.api_server import Server

R = "/api/w/main/resources"
AT = "f/team/db"


async def made(http: httpx.AsyncClient, value: Any, path: str = AT, kind: str = "any") -> None:
    body = {"path": path, "value": value, "resource_type": kind}
    assert (await http.post(f"{R}/create", json=body)).status_code == 201


async def changed(http: httpx.AsyncClient, value: Any, path: str = AT) -> None:
    assert (await http.post(f"{R}/update_value/{path}", json={"value": value})).status_code == 200


async def versions(http: httpx.AsyncClient, path: str = AT) -> list[dict[str, Any]]:
    answer = await http.get(f"{R}/history/p/{path}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["versions"]
    return found


async def values(http: httpx.AsyncClient, path: str = AT) -> list[Any]:
    return [(await http.get(f"{R}/history/v/{one['id']}")).json()["value"] for one in await versions(http, path)]


class TestKept:
    async def test_each_change_of_the_value_and_nothing_else(self, server: Server) -> None:
        dora = await server.person("dora", "developer")
        await made(server.client, {"host": "one"})
        await changed(dora, {"host": "two"})
        await changed(dora, {"host": "two"})
        await server.client.post(f"{R}/update/{AT}", json={"description": "d"})
        found = await versions(server.client)
        assert [(one["version"], one["created_by"]) for one in found] == [(2, "dora"), (1, "admin")]
        assert set(found[0]) == {"id", "version", "created_at", "created_by"}
        assert await values(server.client) == [{"host": "two"}, {"host": "one"}]
        over = {"path": AT, "value": None, "resource_type": "any"}
        await server.client.post(f"{R}/create?update_if_exists=true", json=over)
        assert (await values(server.client))[0] is None

    async def test_an_earlier_one_comes_back_as_a_new_version(self, server: Server) -> None:
        http = server.client
        await made(http, {"host": "one"})
        await changed(http, {"host": "two"})
        first = (await versions(http))[-1]["id"]
        answer = await http.post(f"{R}/history/restore/v/{first}")
        assert (answer.status_code, answer.text) == (200, f"resource {AT} restored to version 1")
        assert (await http.get(f"{R}/get_value/{AT}")).json() == {"host": "one"}
        assert await values(http) == [{"host": "one"}, {"host": "two"}, {"host": "one"}]

    async def test_they_are_cleared_and_the_present_one_stays(self, server: Server) -> None:
        http = server.client
        await made(http, 1)
        await changed(http, "pass" + "word")
        await changed(http, 3)
        gone = (await versions(http))[1]["id"]
        assert (await http.delete(f"{R}/history/p/{AT}")).text == f"cleared 2 past versions of resource {AT}"
        assert await values(http) == [3] and (await http.get(f"{R}/get_value/{AT}")).json() == 3
        assert (await http.get(f"{R}/history/v/{gone}")).status_code == 404
        await changed(http, 4)
        assert [one["version"] for one in await versions(http)] == [4, 3]

    async def test_they_move_with_the_resource_and_go_with_it(self, server: Server) -> None:
        http = server.client
        await made(http, 1)
        await changed(http, 2)
        old = (await versions(http))[-1]["id"]
        await http.post(f"{R}/update/{AT}", json={"path": "f/team/moved", "value": 3})
        assert await values(http, "f/team/moved") == [3, 2, 1]
        assert (await http.get(f"{R}/history/p/{AT}")).status_code == 404
        await http.delete(f"{R}/delete/f/team/moved")
        for again in (AT, "f/team/moved"):
            await made(http, "new", again)
            assert await values(http, again) == ["new"]
        assert (await http.get(f"{R}/history/v/{old}")).status_code == 404

    async def test_an_id_is_never_given_out_again(self, server: Server) -> None:
        await made(server.client, 1)
        (first,) = await versions(server.client)
        await server.client.delete(f"{R}/delete/{AT}")
        await made(server.client, 2, "f/team/other")
        (other,) = await versions(server.client, "f/team/other")
        assert other["id"] > first["id"]

    async def test_changes_at_once_are_numbered_one_after_the_other(self, server: Server) -> None:
        await made(server.client, 0)
        await asyncio.gather(*(changed(server.client, number) for number in range(1, 9)))
        assert [one["version"] for one in await versions(server.client)] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
        kept = await values(server.client)
        assert sorted(kept) == list(range(9))
        assert kept[0] == (await server.client.get(f"{R}/get_value/{AT}")).json()

    async def test_values_that_programs_write_are_not_kept(self, server: Server) -> None:
        for kind in ("state", "cache"):
            await made(server.client, 1, f"f/team/{kind}", kind)
            await changed(server.client, 2, f"f/team/{kind}")
            answer = await server.client.get(f"{R}/history/p/f/team/{kind}")
            assert answer.json() == {"versions": [], "versioned": False}
        await server.client.post(f"{R}/update/f/team/state", json={"resource_type": "any"})
        assert await values(server.client, "f/team/state") == [2]

    async def test_of_many_the_last_are_kept_and_of_large_ones_fewer(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resource_versions, "KEPT", 3)
        monkeypatch.setattr(resource_versions, "KEPT_TEXT", 1000)
        await made(server.client, 0)
        for number in range(1, 6):
            await changed(server.client, number)
        assert await values(server.client) == [5, 4, 3]
        await changed(server.client, "x" * 2000)
        await changed(server.client, "y" * 2000)
        assert await values(server.client) == ["y" * 2000]


async def test_what_a_version_refers_to_that_is_gone_is_said(server: Server) -> None:
    dora = await server.person("dora", "developer")
    for path in ("f/team/there", "u/admin/own"):
        body = {"path": path, "value": "v", "is_secret": False}
        await server.client.post("/api/w/main/variables/create", json=body)
    await made(
        server.client,
        {"a": ["$var:f/team/there", "$jsonvar:f/team/no"], "b": "$res:f/team/no", "c": "$var:u/admin/own"},
    )
    (one,) = await versions(server.client)
    gone = ["$jsonvar:f/team/no", "$res:f/team/no"]
    assert (await server.client.get(f"{R}/history/v/{one['id']}")).json()["missing_references"] == gone
    hers = (await dora.get(f"{R}/history/v/{one['id']}")).json()["missing_references"]
    assert hers == [*gone, "$var:u/admin/own"]


class TestRights:
    async def test_who_may_not_know_of_the_resource_finds_no_version(self, server: Server) -> None:
        stranger, olga = server.make_client(), await server.person("olga", "admin", "other")
        dora = await server.person("dora", "developer")
        await made(server.client, 1, "u/admin/own")
        await changed(server.client, 2, "u/admin/own")
        number = (await versions(server.client, "u/admin/own"))[-1]["id"]
        for method, path in (("GET", "history/v"), ("POST", "history/restore/v")):
            assert (await stranger.request(method, f"{R}/{path}/{number}")).status_code == 401
            for other in (olga, dora):
                assert (await other.request(method, f"{R}/{path}/{number}")).status_code == 404
        mine = await olga.get(f"/api/w/other/resources/history/v/{number}")
        unknown = await olga.get("/api/w/other/resources/history/v/2000000000")
        assert (mine.status_code, mine.text) == (unknown.status_code, unknown.text) == (404, unknown.text)
        assert (await server.client.get(f"{R}/get_value/u/admin/own")).json() == 2

    async def test_who_only_looks_brings_nothing_back(self, server: Server) -> None:
        await made(server.client, 1)
        await changed(server.client, 2)
        number = (await versions(server.client))[-1]["id"]
        body = {"label": "reading", "scopes": ["resources:read"]}
        token = (await server.client.post("/api/users/tokens/create", json=body)).text
        reader = server.make_client({"Authorization": f"Bearer {token}"})
        assert (await reader.get(f"{R}/history/v/{number}")).json()["value"] == 1
        assert (await reader.post(f"{R}/history/restore/v/{number}")).status_code == 403
        assert (await reader.delete(f"{R}/history/p/{AT}")).status_code == 403
        assert await values(server.client) == [2, 1]

    async def test_seeing_one_and_taking_all_away_are_noted(self, server: Server) -> None:
        dora = await server.person("dora", "developer")
        await made(server.client, 1)
        await changed(server.client, 2)
        found = await versions(dora)
        for _ in range(2):
            await dora.get(f"{R}/history/v/{found[-1]['id']}")
        await dora.delete(f"{R}/history/p/{AT}")
        trail = await server.client.get("/api/w/main/audit/list?username=dora&per_page=10")
        rows = [(row["operation"], row["resource"]) for row in trail.json()]
        assert rows == [("resource.clear_history", AT), ("resource.view", AT)]

    @pytest.mark.parametrize(
        ("odd", "status"), [("-1", 400), ("x", 400), ("99999999999999999999", 400), ("2147483647", 404)]
    )
    async def test_odd_ids_are_refused(self, server: Server, odd: str, status: int) -> None:
        assert (await server.client.get(f"{R}/history/v/{odd}")).status_code == status
        assert (await server.client.post(f"{R}/history/restore/v/{odd}")).status_code == status
