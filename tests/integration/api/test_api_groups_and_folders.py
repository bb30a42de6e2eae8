"""Groups, folders, and how long runs are kept: who changes them, and what they allow."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.access.errors import NotAllowed
from flowapp.store import audit
from tests.integration.api.api_people import W
from tests.integration.api.api_server import Server, flow_of, script


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
