"""Rights on single things, and the trail of what has happened, as Windmill's clients ask for them."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from flowapp.store import audit
from flowapp.workspace import audit_trail
from tests.integration.api.api_people import job_client
from tests.integration.api.api_server import CHAIN, Server

W = "/api/w/main"
SCRIPT = {"content": "def main(): return 1", "language": "python3", "lock": ""}


class TestRightsOnThings:
    async def test_of_a_folder_they_are_its_own(self, server: Server) -> None:
        http = server.client
        await http.post(f"{W}/folders/create", json={"name": "team", "owners": ["u/admin"]})
        added = await http.post(f"{W}/acls/add/folder/team", json={"owner": "u/dora", "write": True})
        assert (added.status_code, added.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        await http.post(f"{W}/acls/add/folder/team", json={"owner": "g/all", "write": False})
        assert (await http.get(f"{W}/acls/get/folder/team")).json() == {"u/dora": True, "g/all": False}
        dora = await server.person("dora", "developer")
        made = await dora.post(f"{W}/scripts/create", json={"path": "f/team/s", **SCRIPT})
        assert made.status_code == 201
        assert (await http.post(f"{W}/acls/remove/folder/team", json={"owner": "u/dora"})).status_code == 200
        assert (await http.post(f"{W}/acls/remove/folder/team", json={"owner": "u/nobody"})).status_code == 200
        assert (await http.get(f"{W}/folders/get/team")).json()["extra_perms"] == {"g/all": False}
        refused = await dora.post(f"{W}/scripts/create", json={"path": "f/team/t", **SCRIPT})
        assert refused.status_code == 403

    async def test_a_job_changes_none(self, server: Server) -> None:
        http = server.client
        assert (await http.post(f"{W}/scripts/create", json={"path": "f/a/s", **SCRIPT})).status_code == 201
        job, _ = await job_client(server, "admin")
        for what in ("add", "remove"):
            answer = await job.post(f"{W}/acls/{what}/script/f/a/s", json={"owner": "u/admin", "write": True})
            assert (answer.status_code, "outlive" in answer.text) == (403, True)
        assert (await job.get(f"{W}/acls/get/script/f/a/s")).json() == {}

    @pytest.mark.parametrize(
        ("what", "body", "status"),
        [
            ("add/spaceship/x", {}, 400),
            ("add/folder/none", {"owner": "u/a", "write": True}, 404),
            ("add/folder/team", {"owner": "somebody", "write": True}, 400),
            ("add/folder/team", {"owner": "u/a", "write": "yes"}, 400),
            ("add/folder/team", {}, 400),
            ("remove/group_/none", {}, 404),
            ("add/script/f/a/none", {"owner": "u/admin", "write": True}, 404),
            ("add/script/f/a/none", {"owner": "somebody", "write": True}, 400),
        ],
    )
    async def test_what_cannot_be_is_said(self, server: Server, what: str, body: dict[str, Any], status: int) -> None:
        await server.client.post(f"{W}/folders/create", json={"name": "team", "owners": ["u/admin"]})
        answer = await server.client.post(f"{W}/acls/{what}", json=body)
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, "text/plain")

    @pytest.mark.parametrize(
        ("role", "path", "allowed"),
        [
            ("viewer", "folder/team", 404),
            ("developer", "folder/team", 404),
            ("developer", "folder/shared", 403),
            ("developer", "script/f/shared/x", 403),
            ("developer", "script/u/admin/x", 404),
            ("developer", "script/u/pia/x", 404),
            ("operator", "script/u/pia/x", 403),
            ("developer", "group_/crew", 403),
            ("admin", "folder/team", 200),
        ],
    )
    async def test_who_may(self, server: Server, role: str, path: str, allowed: int) -> None:
        for name, perms in (("team", {}), ("shared", {"g/all": False})):
            body = {"name": name, "owners": ["u/admin"], "extra_perms": perms}
            await server.client.post(f"{W}/folders/create", json=body)
        await server.client.post(f"{W}/groups/create", json={"name": "crew"})
        person = await server.person("pia", role)
        answer = await person.post(f"{W}/acls/add/{path}", json={"owner": "u/pia", "write": True})
        assert answer.status_code == allowed, answer.text


class TestTrail:
    async def fill(self, server: Server) -> None:
        http = server.client
        await http.post(f"{W}/scripts/create", json={"path": "f/a/s", **SCRIPT})
        await http.post(f"{W}/flows/create", json={"path": "f/a/c", **CHAIN})
        await http.post(f"{W}/flows/update/f/a/c", json=CHAIN)
        await http.delete(f"{W}/flows/delete/f/a/c")
        dora = await server.person("dora", "developer")
        await dora.post(f"{W}/jobs/run/p/f/a/s", json={})

    @pytest.mark.parametrize(
        ("query", "operations"),
        [
            ("", ["script.run", "flow.delete", "flow.update", "flow.create", "script.create"]),
            ("username=dora", ["script.run"]),
            ("operation=flow.update", ["flow.update"]),
            ("operations=flow.update,script.run", ["script.run", "flow.update"]),
            ("exclude_operations=flow.update,flow.create,flow.delete", ["script.run", "script.create"]),
            ("resource=f/a/s", ["script.run", "script.create"]),
            ("action_kind=Create", ["flow.create", "script.create"]),
            ("action_kind=updated", ["flow.update"]),
            ("action_kind=Delete", ["flow.delete"]),
            ("action_kind=execute", ["script.run"]),
            ("per_page=2", ["script.run", "flow.delete"]),
            ("per_page=2&page=2", ["flow.update", "flow.create"]),
            ("before=2001-01-01T00:00:00Z", []),
            ("after=2001-01-01T00:00:00Z&username=dora", ["script.run"]),
        ],
    )
    async def test_filters(self, server: Server, query: str, operations: list[str]) -> None:
        await self.fill(server)
        found = (await server.client.get(f"{W}/audit/list?{query}")).json()
        assert [entry["operation"] for entry in found] == operations

    async def test_an_entry(self, server: Server) -> None:
        await self.fill(server)
        newest, *others = (await server.client.get(f"{W}/audit/list")).json()
        executed = (await server.client.get(f"{W}/audit/list?action_kind=Execute")).json()
        assert executed == [newest]
        expected = {"username": "dora", "operation": "script.run", "action_kind": "Execute", "resource": "f/a/s"}
        assert {name: newest[name] for name in expected} == expected
        assert (await server.client.get(f"{W}/audit/get/{newest['id']}")).json() == newest
        assert (await server.client.get(f"{W}/audit/list?before_id={newest['id']}")).json() == others

    @pytest.mark.parametrize("query", ["action_kind=Dance", "before=yesterday", "after=0000", "before_id=x"])
    async def test_what_cannot_be_read_is_said(self, server: Server, query: str) -> None:
        answer = await server.client.get(f"{W}/audit/list?{query}")
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (400, "text/plain")

    @pytest.mark.parametrize(
        ("role", "status"), [("viewer", 403), ("operator", 403), ("developer", 403), ("admin", 200)]
    )
    async def test_it_is_for_admins(self, server: Server, role: str, status: int) -> None:
        await self.fill(server)
        entry = (await server.client.get(f"{W}/audit/list")).json()[0]["id"]
        person = await server.person("pia", role)
        for what in ("list", f"get/{entry}"):
            assert (await person.get(f"{W}/audit/{what}")).status_code == status

    async def test_entries_of_another_workspace_look_missing(self, server: Server) -> None:
        await self.fill(server)
        entry = (await server.client.get(f"{W}/audit/list")).json()[0]["id"]
        olga = await server.person("olga", "admin", workspace="elsewhere")
        real, none = [await olga.get(f"/api/w/elsewhere/audit/get/{number}") for number in (entry, 10**6)]
        assert (real.status_code, real.text) == (404, none.text)


async def test_groups_are_listed_with_their_members(server: Server) -> None:
    await server.client.post(f"{W}/groups/create", json={"name": "crew"})
    await server.client.post(f"{W}/groups/adduser/crew", json={"username": "admin"})
    listed = (await server.client.get(f"{W}/groups/list")).json()
    assert [(group["name"], group["members"]) for group in listed] == [("all", ["admin"]), ("crew", ["admin"])]


async def test_accounts_are_listed_for_super_admins(server: Server) -> None:
    await server.person("dora", "admin")
    listed = (await server.client.get("/api/users/list_as_super_admin")).json()
    assert [row["email"] for row in listed] == ["admin@flowapp.local", "dora@example.org"]
    page = (await server.client.get("/api/users/list_as_super_admin?page=2&per_page=1")).json()
    assert [row["username"] for row in page] == ["dora"]
    other = await server.person("olga", "admin")
    assert (await other.get("/api/users/list_as_super_admin")).status_code == 403


async def test_all_jobs_at_a_path_are_canceled(server: Server) -> None:
    http = server.client
    await http.post(f"{W}/scripts/create", json={"path": "f/a/s", **SCRIPT})
    server.engine.hold = True
    mine = (await http.post(f"{W}/jobs/run/p/f/a/s", json={})).text
    dora = await server.person("dora", "operator")
    hers = (await dora.post(f"{W}/jobs/run/p/f/a/s", json={})).text
    assert (await dora.post(f"{W}/jobs_u/queue/cancel_persistent/f/a/s", json={})).json() == [hers]
    answer = await http.post(f"{W}/jobs_u/queue/cancel_persistent/f/a/s", json={"reason": "enough"})
    assert (answer.status_code, answer.json()) == (200, [mine])
    canceled = (await http.get(f"{W}/jobs_u/get/{mine}")).json()
    assert (canceled["canceled"], canceled["canceled_reason"]) == (True, "enough")
    viewer = await server.person("vera", "viewer")
    assert (await viewer.post(f"{W}/jobs_u/queue/cancel_persistent/f/a/s", json={})).status_code == 403


class TestExport:
    async def test_everything_that_the_filters_take_comes_as_a_file(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(audit_trail, "MOST", 3)  # so that it comes in several pieces
        http = server.client
        for number in range(7):
            await http.post(f"{W}/groups/create", json={"name": f"g{number}", "summary": "x"})
        await http.post(f"{W}/folders/create", json={"name": "team"})
        query = "area=group&about=G&action_kind=Create"
        answer = await http.get(f"{W}/audit/export?{query}&format=json")
        assert [entry["resource"] for entry in answer.json()] == [f"g/g{number}" for number in range(6, -1, -1)]
        assert 'filename="audit-main.json"' in answer.headers["content-disposition"]
        table = await http.get(f"{W}/audit/export?{query}")
        lines = list(csv.reader(table.text.splitlines()))
        assert lines[0][:4] == ["time", "person", "action", "object"]
        assert [line[1:4] for line in lines[1:]] == [["admin", "group.create", f"g/g{n}"] for n in range(6, -1, -1)]
        noted = (await http.get(f"{W}/audit/list?area=audit")).json()
        assert [entry["resource"] for entry in noted] == ["csv", "json"]
        assert "area=group" in noted[0]["parameters"]["detail"]
        empty = await http.get(f"{W}/audit/export?username=nobody&format=json")
        assert empty.json() == []

    async def test_a_spreadsheet_runs_nothing_of_it(self, server: Server) -> None:
        def work(connection: Any) -> None:
            audit.add(connection, workspace="main", by="admin", action="x.y", target='=HYPERLINK("evil")', detail="a,b")

        await server.workspace.store.database.write(work)
        table = await server.client.get(f"{W}/audit/export?area=x")
        assert list(csv.reader(table.text.splitlines()))[1][3:5] == ['\'=HYPERLINK("evil")', "a,b"]

    @pytest.mark.parametrize("query", ["format=xml", "after=soon", "action_kind=Dance"])
    async def test_what_cannot_be_exported(self, server: Server, query: str) -> None:
        assert (await server.client.get(f"{W}/audit/export?{query}")).status_code == 400

    async def test_only_admins_and_only_super_admins_beyond_the_workspace(self, server: Server) -> None:
        await server.client.post("/api/users/create", json={"email": "x@example.org"})
        developer, boss = await server.person("dora", "developer"), await server.person("bea", "admin")
        for what in ("list", "export"):
            assert (await developer.get(f"{W}/audit/{what}")).status_code == 403
            assert (await boss.get(f"{W}/audit/{what}")).status_code == 200
            assert (await boss.get(f"{W}/audit/{what}?installation=true")).status_code == 403
        mine = (await server.client.get(f"{W}/audit/list?area=user")).json()
        all_of_it = (await server.client.get(f"{W}/audit/list?area=user&installation=true")).json()
        assert (mine, [entry["operation"] for entry in all_of_it]) == ([], ["user.create"])
        opened = (await server.client.get(f"{W}/audit/list?area=token&installation=true")).json()
        assert {entry["username"] for entry in opened} == {"bea", "dora"}
