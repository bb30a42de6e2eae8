"""What a single thing gives people and groups beside its path: by every door that reads it, and at once no more when it is taken away."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import httpx
import pytest

from tests.integration.api.api_server import CHAIN, Server

W = "/api/w/main"
SCHEDULE = {"schedule": "0 0 3 * * *", "timezone": "UTC", "args": {}, "enabled": False, "is_flow": True}
#: Kind, what makes one at `f/shut/x`, how it is read, what lists it, what changes it (method, address, body), what deletes it.
THINGS: dict[str, dict[str, Any]] = {
    "script": {
        "make": ("scripts/create", {"content": "def main(): return 1", "language": "python3", "lock": ""}),
        "get": "scripts/get/p/f/shut/x",
        "list": "scripts/list",
        "exists": "scripts/exists/p/f/shut/x",
        "change": ("scripts/create", {"path": "f/shut/x", "content": "2", "language": "bash", "auto_parent": True}),
        "delete": ("POST", "scripts/delete/p/f/shut/x"),
    },
    "flow": {
        "make": ("flows/create", CHAIN),
        "get": "flows/get/f/shut/x",
        "list": "flows/list",
        "exists": "flows/exists/f/shut/x",
        "change": ("flows/update/f/shut/x", CHAIN),
        "delete": ("DELETE", "flows/delete/f/shut/x"),
    },
    "variable": {
        "make": ("variables/create", {"value": "hush", "is_secret": True}),
        "get": "variables/get/f/shut/x",
        "list": "variables/list",
        "exists": "variables/exists/f/shut/x",
        "change": ("variables/update/f/shut/x", {"value": "2"}),
        "delete": ("DELETE", "variables/delete/f/shut/x"),
    },
    "resource": {
        "make": ("resources/create", {"value": {"a": 1}, "resource_type": "any"}),
        "get": "resources/get/f/shut/x",
        "list": "resources/list",
        "exists": "resources/exists/f/shut/x",
        "change": ("resources/update/f/shut/x", {"value": 2}),
        "delete": ("DELETE", "resources/delete/f/shut/x"),
    },
    "schedule": {
        "make": ("schedules/create", {**SCHEDULE, "script_path": "f/open/chain"}),
        "get": "schedules/get/f/shut/x",
        "list": "schedules/list",
        "exists": "schedules/exists/f/shut/x",
        "change": ("schedules/update/f/shut/x", SCHEDULE),
        "delete": ("DELETE", "schedules/delete/f/shut/x"),
    },
}


async def made(server: Server, kind: str, path: str = "f/shut/x") -> None:
    """A thing in a folder in which nobody but its owner has a part."""
    http = server.client
    await http.post(f"{W}/folders/create", json={"name": "shut", "owners": ["u/admin"]})
    await http.post(f"{W}/flows/create", json={"path": "f/open/chain", **CHAIN})
    address, body = THINGS[kind]["make"]
    answer = await http.post(f"{W}/{address}", json={"path": path, **body})
    assert answer.status_code == 201, answer.text


async def give(server: Server, kind: str, who: str, *, write: bool | None, path: str = "f/shut/x") -> None:
    what, body = ("remove", {"owner": who}) if write is None else ("add", {"owner": who, "write": write})
    answer = await server.client.post(f"{W}/acls/{what}/{kind}/{path}", json=body)
    assert answer.status_code == 200, answer.text


async def sees(client: httpx.AsyncClient, kind: str) -> bool:
    """Whether somebody sees the thing; all ways of looking must say the same."""
    thing = THINGS[kind]
    got = (await client.get(f"{W}/{thing['get']}")).status_code == 200
    listed = {one["path"] for one in (await client.get(f"{W}/{thing['list']}")).json()}
    assert ("f/shut/x" in listed) == got
    assert (await client.get(f"{W}/{thing['exists']}")).json() is got
    assert (await client.get(f"{W}/acls/get/{kind}/f/shut/x")).is_success is got
    return bool(got)


async def writes(client: httpx.AsyncClient, kind: str) -> int:
    address, body = THINGS[kind]["change"]
    return (await client.post(f"{W}/{address}", json=body)).status_code


@pytest.mark.parametrize("kind", list(THINGS))
class TestThings:
    async def test_looking_then_writing_then_nothing_any_more(self, server: Server, kind: str) -> None:
        await made(server, kind)
        dora = await server.person("dora", "developer")
        assert (await sees(dora, kind), await writes(dora, kind)) == (False, 404)
        await give(server, kind, "u/dora", write=False)
        assert (await sees(dora, kind), await writes(dora, kind)) == (True, 403)
        told = (await dora.get(f"{W}/{THINGS[kind]['get']}")).json()
        assert told["extra_perms"] == {"u/dora": False}
        await give(server, kind, "u/dora", write=True)
        assert await writes(dora, kind) in (200, 201)
        assert (await dora.get(f"{W}/acls/get/{kind}/f/shut/x")).json() == {"u/dora": True}
        listed = (await dora.get(f"{W}/{THINGS[kind]['list']}")).json()
        assert [one["extra_perms"] for one in listed if one["path"] == "f/shut/x"] == [{"u/dora": True}]
        # who may write it does not say who else may: the place is not theirs
        answer = await dora.post(f"{W}/acls/add/{kind}/f/shut/x", json={"owner": "g/all", "write": False})
        assert answer.status_code == 403
        await give(server, kind, "u/dora", write=None)
        assert (await sees(dora, kind), await writes(dora, kind)) == (False, 404)

    async def test_a_group_and_the_role(self, server: Server, kind: str) -> None:
        await made(server, kind)
        await server.client.post(f"{W}/groups/create", json={"name": "crew"})
        dora, vic = await server.person("dora", "developer"), await server.person("vic", "viewer")
        await give(server, kind, "g/crew", write=True)
        assert not await sees(dora, kind)
        for name in ("dora", "vic"):
            await server.client.post(f"{W}/groups/adduser/crew", json={"username": name})
        assert await sees(dora, kind)
        assert await writes(dora, kind) in (200, 201)
        assert await writes(vic, kind) == 403, "a thing gives nobody more than their role"
        await server.client.post(f"{W}/groups/removeuser/crew", json={"username": "dora"})
        assert not await sees(dora, kind)

    async def test_what_one_may_not_see_looks_like_what_is_not_there(self, server: Server, kind: str) -> None:
        await made(server, kind)
        dora = await server.person("dora", "developer")
        olga = await server.person("olga", "admin", workspace="elsewhere")
        body = {"owner": "u/dora", "write": True}
        for client, ws in ((dora, "main"), (olga, "main"), (olga, "elsewhere")):
            for what, method in (("get", "GET"), ("add", "POST"), ("remove", "POST")):
                found = [
                    await client.request(method, f"/api/w/{ws}/acls/{what}/{kind}/f/shut/{name}", json=body)
                    for name in ("x", "none")
                ]
                assert [answer.status_code for answer in found] == [404, 404]
                assert found[0].content == found[1].content

    async def test_a_new_thing_at_the_path_gives_nothing(self, server: Server, kind: str) -> None:
        await made(server, kind)
        dora = await server.person("dora", "developer")
        await give(server, kind, "u/dora", write=True)
        assert await sees(dora, kind)
        method, address = THINGS[kind]["delete"]
        assert (await server.client.request(method, f"{W}/{address}")).is_success
        assert not await sees(dora, kind)
        await made(server, kind)
        assert not await sees(dora, kind)
        assert (await server.client.get(f"{W}/acls/get/{kind}/f/shut/x")).json() == {}

    async def test_nobody_comes_into_what_was_given_to_another(self, server: Server, kind: str) -> None:
        await made(server, kind)
        dora = await server.person("dora", "developer")
        await give(server, kind, "u/dora", write=True)
        await server.client.delete(f"{W}/users/delete/dora")
        assert (await dora.get(f"{W}/{THINGS[kind]['get']}")).status_code == 404
        body = {"email": "dora@example.org", "role": "developer"}
        assert (await server.client.post(f"{W}/workspaces/add_user", json=body)).status_code == 201
        assert not await sees(dora, kind)
        stranger = await server.client.post(f"{W}/acls/add/{kind}/f/shut/x", json={"owner": "u/nemo", "write": True})
        assert (stranger.status_code, "not a member" in stranger.text) == (400, True)
        nothing = await server.client.post(f"{W}/acls/add/{kind}/f/shut/x", json={"owner": "g/nemo", "write": True})
        assert (nothing.status_code, "no group" in nothing.text) == (400, True)


@pytest.mark.parametrize("by", ["create", "deploy"])
async def test_what_an_archived_flow_gave_does_not_open_the_next_one_at_its_path(server: Server, by: str) -> None:
    await made(server, "flow")
    dora = await server.person("dora", "developer")
    await give(server, "flow", "u/dora", write=True)
    for archived in (True, False):  # brought back it is the same flow
        body = {"archived": archived}
        assert (await server.client.post(f"{W}/flows/archive/f/shut/x", json=body)).status_code == 200
    assert await sees(dora, "flow")
    await server.client.post(f"{W}/flows/archive/f/shut/x", json={"archived": True})
    if by == "create":
        await made(server, "flow")
    else:
        await server.post(await server.draft(CHAIN, path="f/open/next"), "deploy", {"path": "f/shut/x"})
    assert (await server.client.get(f"{W}/flows/get/f/shut/x")).status_code == 200
    assert not await sees(dora, "flow")
    assert (await server.client.get(f"{W}/acls/get/flow/f/shut/x")).json() == {}


@pytest.mark.parametrize("more", [{}, {"auto_parent": True}])
async def test_what_an_archived_script_gave_does_not_open_the_next_one_at_its_path(
    server: Server, more: dict[str, Any]
) -> None:
    await made(server, "script")
    dora, http = await server.person("dora", "developer"), server.client
    await give(server, "script", "u/dora", write=True)
    head = (await http.get(f"{W}/scripts/get/p/f/shut/x")).json()["hash"]
    await http.post(f"{W}/scripts/archive/p/f/shut/x")
    body = {"path": "f/shut/x", "content": "2", "language": "bash"}
    back = await http.post(f"{W}/scripts/create", json={**body, "parent_hash": head})
    assert back.status_code == 201 and await sees(dora, "script"), "with its last version named it is the same script"
    await http.post(f"{W}/scripts/archive/p/f/shut/x")
    assert (await http.post(f"{W}/scripts/create", json={**body, **more})).status_code == 201
    assert not await sees(dora, "script")
    assert (await http.get(f"{W}/acls/get/script/f/shut/x")).json() == {}


@pytest.mark.parametrize("kind", ["flow", "variable", "resource", "script"])
async def test_what_moves_takes_along_what_it_gives(server: Server, kind: str) -> None:
    await made(server, kind)
    dora = await server.person("dora", "developer")
    await give(server, kind, "u/dora", write=False)
    http = server.client
    if kind == "script":
        head = (await http.get(f"{W}/scripts/get/p/f/shut/x")).json()["hash"]
        body = {"path": "f/shut/y", "content": "2", "language": "bash", "parent_hash": head}
        answer = await http.post(f"{W}/scripts/create", json=body)
    else:
        address, body = THINGS[kind]["change"]
        answer = await http.post(f"{W}/{address}", json={**body, "path": "f/shut/y"})
    assert answer.is_success, answer.text
    assert (await dora.get(f"{W}/{THINGS[kind]['get'].replace('shut/x', 'shut/y')}")).status_code == 200
    assert (await http.get(f"{W}/acls/get/{kind}/f/shut/y")).json() == {"u/dora": False}
    await made(server, kind)
    assert (await dora.get(f"{W}/{THINGS[kind]['get']}")).status_code == 404


class TestRuns:
    async def test_a_flow_that_one_may_see_and_its_runs(self, server: Server) -> None:
        await made(server, "flow")
        run = (await server.client.post(f"{W}/jobs/run/f/f/shut/x", json={})).text
        otto = await server.person("otto", "operator")

        async def found() -> tuple[int, list[str], int]:
            listed = (await otto.get(f"{W}/jobs/list")).json()
            steps = (await otto.get(f"{W}/jobs/list?is_flow_step=true")).json()
            return (await otto.get(f"{W}/jobs_u/get/{run}")).status_code, [job["id"] for job in listed], len(steps)

        assert await found() == (404, [], 0)
        assert (await otto.post(f"{W}/jobs/run/f/f/shut/x", json={})).status_code == 404
        await give(server, "flow", "u/otto", write=False)
        assert await found() == (200, [run], 2)
        mine = await otto.post(f"{W}/jobs/run/f/f/shut/x", json={})
        assert mine.status_code == 201
        await give(server, "flow", "u/otto", write=None)
        assert await found() == (404, [mine.text], 2), "one's own runs stay"

    async def test_a_script_gives_nothing_of_a_flow_at_its_path(self, server: Server) -> None:
        await made(server, "flow")
        await made(server, "script")
        run = (await server.client.post(f"{W}/jobs/run/f/f/shut/x", json={})).text
        otto = await server.person("otto", "operator")
        await give(server, "script", "u/otto", write=True)
        assert (await otto.get(f"{W}/jobs_u/get/{run}")).status_code == 404
        assert (await otto.get(f"{W}/jobs/list")).json() == []
        assert (await otto.get(f"{W}/flows/get/f/shut/x")).status_code == 404


class TestGroups:
    async def test_whom_a_group_names_manages_it(self, server: Server) -> None:
        http = server.client
        dora, otto = await server.person("dora", "developer"), await server.person("otto", "operator")
        await http.post(f"{W}/groups/create", json={"name": "crew"})
        await http.post(f"{W}/groups/create", json={"name": "other"})
        join = {"username": "otto"}
        assert (await dora.post(f"{W}/groups/adduser/crew", json=join)).status_code == 403
        for name in ("dora", "otto"):
            added = await http.post(f"{W}/acls/add/group_/crew", json={"owner": f"u/{name}", "write": True})
            assert added.status_code == 200
        assert (await http.get(f"{W}/groups/get/crew")).json()["extra_perms"] == {"u/dora": True, "u/otto": True}
        assert (await dora.post(f"{W}/groups/adduser/crew", json=join)).status_code == 200
        assert (await dora.post(f"{W}/groups/update/crew", json={"summary": "Ours"})).status_code == 200
        assert (await otto.post(f"{W}/groups/adduser/crew", json=join)).status_code == 403, "the role does not allow it"
        # not others, and neither the group itself nor who else manages it
        assert (await dora.post(f"{W}/groups/adduser/other", json=join)).status_code == 403
        assert (await dora.delete(f"{W}/groups/delete/crew")).status_code == 403
        more = await dora.post(f"{W}/acls/add/group_/crew", json={"owner": "g/all", "write": True})
        assert more.status_code == 403
        await http.post(f"{W}/acls/add/group_/crew", json={"owner": "u/dora", "write": False})
        assert (await dora.post(f"{W}/groups/removeuser/crew", json=join)).status_code == 403
        assert (await http.get(f"{W}/acls/get/group_/crew")).json() == {"u/otto": True}
        await http.delete(f"{W}/groups/delete/crew")
        await http.post(f"{W}/groups/create", json={"name": "crew"})
        assert (await http.get(f"{W}/acls/get/group_/crew")).json() == {}

    async def test_a_group_that_is_gone_has_no_part_in_anything(self, server: Server) -> None:
        await made(server, "script")
        http = server.client
        await http.post(f"{W}/groups/create", json={"name": "crew"})
        await give(server, "script", "g/crew", write=False)
        admin = await server.workspace.sessions.identity_named("admin", "main")
        assert await server.workspace.groups.users(admin, "crew") == ["sees script f/shut/x"]
        await http.delete(f"{W}/groups/delete/crew")
        assert (await http.get(f"{W}/acls/get/script/f/shut/x")).json() == {}


async def test_the_archive_says_who_has_a_part_and_the_trail_who_gave_it(server: Server) -> None:
    for kind in ("flow", "script", "variable", "resource"):
        await made(server, kind)
    http = server.client
    await server.person("dora", "developer")
    for kind in ("flow", "script", "variable", "resource"):
        await give(server, kind, "u/dora", write=kind == "flow")
    answer = await http.get(f"{W}/workspaces/tarball?archive_type=zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        said = {name: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}
    assert said["f/shut/x.flow.json"]["extra_perms"] == {"u/dora": True}
    assert said["f/shut/x.script.json"]["extra_perms"] == {"u/dora": False}
    assert said["f/shut/x.variable.json"]["extra_perms"] == {"u/dora": False}
    # the command line takes it for a key of the resource, and would find a difference for ever
    assert "extra_perms" not in said["f/shut/x.resource.json"]
    assert "extra_perms" not in said["f/open/chain.flow.json"]
    trail = (await http.get(f"{W}/audit/list?per_page=100")).json()
    told = [row for row in trail if row["operation"] == "acl.add"]
    assert {row["resource"] for row in told} == {"f/shut/x"}
    assert "flow: u/dora may write" in str(told)
    assert "variable: u/dora may look" in str(told)
