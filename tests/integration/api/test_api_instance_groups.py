"""Instance groups: who keeps them, and that they give what an admin of a workspace linked, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from flowapp.store import approval_messages, audit, groups, identities, instance_groups
from flowapp.workspace import instance_group_bodies
from tests.integration.api.api_people import W, job_client
from tests.integration.api.api_server import Server

G = "/api/groups"
WRONG: list[tuple[str, Any, int, str]] = [
    ("create", {}, 400, "name"),
    ("create", {"name": "a/b"}, 400, "name"),
    ("create", {"name": 1}, 400, "name"),
    ("create", {"name": "x" * 51}, 400, "name"),
    ("create", {"name": "ops"}, 400, "already"),
    ("create", {"name": "OPS"}, 400, "already"),
    ("create", {"name": "x", "emails": "ann@example.org"}, 400, "list"),
    ("create", {"name": "x", "emails": ["ann"]}, 400, "email address"),
    ("create", {"name": "x", "emails": [1]}, 400, "text"),
    ("create", {"name": "x", "emails": ["a\0@example.org"]}, 400, "NUL"),
    ("create", {"name": "x", "summary": "s" * 1001}, 400, "1000"),
    ("create", {"name": "x", "instance_role": "superadmin"}, 400, "role"),
    ("create", [], 400, "object"),
    ("update/ops", {"new_summary": "x", "instance_role": "devops"}, 400, "role"),
    ("update/ops", {"new_summary": ["x"]}, 400, "text"),
    ("update/none", {"new_summary": "x"}, 404, "instance group"),
    ("adduser/ops", {}, 400, "email"),
    ("adduser/ops", {"email": "no email"}, 400, "email address"),
    ("adduser/none", {"email": "a@example.org"}, 404, "instance group"),
    ("removeuser/none", {"email": "a@example.org"}, 404, "instance group"),
    ("overwrite", None, 400, "list"),
    ("overwrite", {"name": "x"}, 400, "list"),
    ("overwrite", ["x"], 400, "list"),
    ("overwrite", [{}], 400, "name"),
    ("overwrite", [{"name": "x"}, {"name": "x"}], 400, "twice"),
    ("overwrite", [{"name": "x"}, {"name": "y", "instance_role": "superadmin"}], 400, "role"),
    ("overwrite", [{"name": "x", "external_id": 7}], 400, "text"),
    ("overwrite", [{"name": f"g{n}"} for n in range(1001)], 400, "1000"),
]


async def made(server: Server, name: str, *people: str) -> None:
    body = {"name": name, "emails": [f"{one}@example.org" for one in people]}
    answer = await server.client.post(f"{G}/create", json=body)
    assert (answer.status_code, answer.text) == (200, f"Created group {name}")


async def linked(server: Server, group: str, to: str) -> None:
    answer = await server.client.post(f"{W}/groups/create", json={"name": group, "instance_group": to})
    assert answer.status_code == 200, answer.text


async def trail(server: Server, workspace: str) -> list[tuple[str, str, str]]:
    rows = await server.workspace.store.database.read(lambda c: audit.latest(c, workspace))
    found = [(row.action, row.target, row.detail) for row in reversed(rows)]
    return [one for one in found if one[0].startswith(("instance_group.", "group."))]


async def groups_of(client: httpx.AsyncClient) -> list[str]:
    return list((await client.get(f"{W}/users/whoami")).json()["groups"])


class TestKept:
    async def test_one_through_its_life(self, server: Server) -> None:
        http = server.client
        answer = await http.post(f"{G}/create", json={"name": "On Call", "summary": "nights"})
        assert answer.text == "Created group on_call"
        for email in ("bob@example.org", "ann@example.org", "ann@example.org"):
            assert (await http.post(f"{G}/adduser/on_call", json={"email": email})).status_code == 200
        shown = {
            "name": "on_call",
            "summary": "nights",
            "emails": ["ann@example.org", "bob@example.org"],
            "instance_role": None,
        }
        assert (await http.get(f"{G}/list")).json() == [shown]
        assert (await http.get(f"{G}/get/on_call")).json() == {**shown, "workspaces": []}
        assert (
            await http.post(f"{G}/update/on_call", json={"new_summary": "x", "instance_role": ""})
        ).status_code == 200
        for _ in range(2):
            assert (await http.post(f"{G}/removeuser/on_call", json={"email": "bob@example.org"})).status_code == 200
        assert (await http.get(f"{G}/list")).json() == [{**shown, "summary": "x", "emails": ["ann@example.org"]}]
        assert (await http.delete(f"{G}/delete/on_call")).text == "Deleted group on_call"
        assert (await http.get(f"{G}/get/on_call")).status_code == 404
        assert (await http.get(f"{G}/list")).json() == []
        assert await trail(server, "") == [
            ("instance_group.create", "on_call", ""),
            ("instance_group.adduser", "on_call", "bob@example.org"),
            ("instance_group.adduser", "on_call", "ann@example.org"),
            ("instance_group.update", "on_call", ""),
            ("instance_group.removeuser", "on_call", "bob@example.org"),
            ("instance_group.delete", "on_call", ""),
        ]

    async def test_only_super_admins_know_of_them(self, server: Server) -> None:
        await made(server, "ops", "ann")
        admin = await server.person("ada", "admin")
        job, _ = await job_client(server, "admin")
        limited = await server.client.post("/api/users/tokens/create", json={"label": "x", "workspace_id": "main"})
        held = server.make_client({"authorization": f"Bearer {limited.text}"})
        email = {"email": "ada@example.org"}
        for name in ("ops", "nothing"):  # there or not: the answers are the same
            for client in (admin, job, held):
                answers = [
                    await client.get(f"{G}/list"),
                    await client.get(f"{G}/list_with_workspaces"),
                    await client.get(f"{G}/get/{name}"),
                    await client.get(f"{G}/export"),
                    await client.post(f"{G}/create", json={"name": name}),
                    await client.post(f"{G}/update/{name}", json={"new_summary": "x"}),
                    await client.post(f"{G}/adduser/{name}", json=email),
                    await client.post(f"{G}/removeuser/{name}", json=email),
                    await client.post(f"{G}/overwrite", json=[]),
                    await client.delete(f"{G}/delete/{name}"),
                ]
                assert [answer.status_code for answer in answers] == [403] * 10
                assert len({answer.text for answer in answers}) == 1
        assert (await server.make_client().get(f"{G}/list")).status_code == 401
        assert (await admin.get(f"{W}/groups/listnames")).json() == ["all"]

    async def test_a_scope_may_be_too_narrow(self, server: Server) -> None:
        made_token = await server.client.post(
            "/api/users/tokens/create", json={"label": "x", "scopes": ["groups:write"]}
        )
        client = server.make_client({"authorization": f"Bearer {made_token.text}"})
        assert (await client.get(f"{G}/list")).status_code == 403

    async def test_what_is_wrong_is_said_and_changes_nothing(self, server: Server) -> None:
        await made(server, "ops", "ann")
        before = (await server.client.get(f"{G}/export")).json()
        for path, body, status, word in WRONG:
            answer = await server.client.post(f"{G}/{path}", json=body)
            assert (answer.status_code, word in answer.text) == (status, True), (path, body, answer.text)
        assert (await server.client.get(f"{G}/export")).json() == before

    async def test_they_do_not_grow_without_end(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (instance_group_bodies, "flowapp.workspace.instance_groups"):
            target = module if isinstance(module, str) else module.__name__
            monkeypatch.setattr(f"{target}.MOST_PEOPLE", 3)
            monkeypatch.setattr(f"{target}.MOST_GROUPS", 2)
        await made(server, "ops", "ann", "bob")
        await made(server, "dev", "ann")
        before = (await server.client.get(f"{G}/export")).json()
        answers = [
            await server.client.post(f"{G}/create", json={"name": "third"}),
            await server.client.post(f"{G}/adduser/dev", json={"email": "bob@example.org"}),
            await server.client.post(f"{G}/update/dev", json={"emails": ["ann@example.org", "b@example.org"]}),
            await server.client.post(
                f"{G}/overwrite", json=[{"name": n, "emails": ["a@b", "c@d"]} for n in ("x", "y")]
            ),
        ]
        assert [answer.status_code for answer in answers] == [400] * 4
        assert (await server.client.get(f"{G}/export")).json() == before

    async def test_people_move_from_one_to_another_within_the_bound(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (instance_group_bodies.__name__, "flowapp.workspace.instance_groups"):
            monkeypatch.setattr(f"{module}.MOST_PEOPLE", 3)
        await made(server, "zeta", "ann", "bob", "cem")
        wanted = {"alpha": ["ann@example.org", "bob@example.org", "cem@example.org"], "zeta": []}
        body = [{"name": name, "emails": emails} for name, emails in wanted.items()]
        answer = await server.client.post(f"{G}/overwrite", json=body)
        assert answer.status_code == 200, answer.text
        found = (await server.client.get(f"{G}/list")).json()
        assert {one["name"]: one["emails"] for one in found} == wanted

    async def test_they_go_out_and_come_in_as_they_were(self, server: Server) -> None:
        await made(server, "gone", "ann")
        await made(server, "stays", "ann", "bob")
        await linked(server, "crew", "stays")
        await linked(server, "old", "gone")
        wanted = [
            {"name": "Given", "id": "7", "external_id": "x-1", "scim_display_name": "Given!", "emails": []},
            {"name": "stays", "summary": "s", "emails": ["bob@example.org", "cem@example.org"]},
        ]
        for _ in range(2):  # the second time changes nothing, and notes nothing
            answer = await server.client.post(f"{G}/overwrite", json=wanted)
            assert (answer.status_code, answer.text) == (200, "Groups replaced")
            assert (await server.client.get(f"{G}/export")).json() == wanted
        found = (await server.client.get(f"{G}/list_with_workspaces")).json()
        main = {"workspace_id": "main", "workspace_name": "Main", "groups": ["crew"]}
        assert [(one["name"], one["workspaces"]) for one in found] == [("Given", []), ("stays", [main])]
        assert (await trail(server, ""))[5:] == [
            ("instance_group.delete", "gone", ""),
            ("instance_group.create", "Given", ""),
            ("instance_group.update", "stays", ""),
            ("instance_group.removeuser", "stays", "ann@example.org"),
            ("instance_group.adduser", "stays", "cem@example.org"),
        ]
        assert (await server.client.get(f"{W}/groups/get/old")).json()["instance_group"] is None


class TestWhatTheyGive:
    async def test_nothing_where_no_admin_linked_one(self, server: Server) -> None:
        ann, bob = await server.person("ann", "developer"), await server.person("bob", "developer")
        await server.client.post(f"{W}/groups/create", json={"name": "ops", "members": ["bob"]})
        await made(server, "ops", "ann")  # the same name is no link
        await server.client.post(f"{W}/folders/create", json={"name": "pay", "extra_perms": {"g/ops": False}})
        await server.client.post(f"{W}/variables/create", json={"path": "f/pay/v", "value": "1"})
        read = f"{W}/variables/get_value/f/pay/v"
        assert [(await who.get(read)).status_code for who in (ann, bob)] == [404, 200]
        answer = await server.client.post(f"{W}/groups/update/ops", json={"summary": "s", "instance_group": "ops"})
        assert answer.status_code == 200, answer.text
        assert [(await who.get(read)).status_code for who in (ann, bob)] == [200, 200]
        group = (await server.client.get(f"{W}/groups/get/ops")).json()
        assert (group["members"], group["instance_members"], group["instance_group"]) == (["bob"], ["ann"], "ops")
        assert (await ann.get(f"{W}/groups/listnames?only_member_of=true")).json() == ["all", "ops"]

        await server.client.post(f"{G}/removeuser/ops", json={"email": "ann@example.org"})
        assert (await ann.get(read)).status_code == 404
        await server.client.post(f"{G}/adduser/ops", json={"email": "ann@example.org"})
        assert (await ann.get(read)).status_code == 200
        await server.client.post(f"{W}/groups/update/ops", json={"summary": "s", "instance_group": None})
        assert (await ann.get(read)).status_code == 404

    async def test_one_that_is_deleted_leaves_no_link_behind(self, server: Server) -> None:
        ann = await server.person("ann", "developer")
        await made(server, "ops", "ann")
        await linked(server, "crew", "ops")
        assert await groups_of(ann) == ["all", "crew"]
        await server.client.delete(f"{G}/delete/ops")
        assert await groups_of(ann) == ["all"]
        await made(server, "ops", "ann")
        assert await groups_of(ann) == ["all"]
        assert (await trail(server, "main"))[-2:] == [
            ("group.link", "g/crew", "ops"),
            ("group.unlink", "g/crew", "ops"),
        ]

    async def test_only_admins_link_and_not_by_a_job(self, server: Server) -> None:
        await made(server, "ops", "dora")
        await server.client.post(f"{W}/groups/create", json={"name": "crew"})
        dora = await server.person("dora", "developer")
        await server.client.post(f"{W}/acls/add/group_/crew", json={"owner": "u/dora", "write": True})
        job, _ = await job_client(server, "admin")
        for client in (dora, job):
            refused = await client.post(f"{W}/groups/update/crew", json={"summary": "", "instance_group": "ops"})
            assert refused.status_code == 403, refused.text
        assert await groups_of(dora) == ["all"]
        await server.client.post(f"{W}/groups/update/crew", json={"summary": "", "instance_group": "ops"})
        same = {**(await dora.get(f"{W}/groups/get/crew")).json(), "summary": "hers to change"}
        assert (await dora.post(f"{W}/groups/update/crew", json=same)).status_code == 200
        for client in (dora, job):
            assert (await client.post(f"{W}/groups/update/crew", json={"instance_group": ""})).status_code == 403
        group = (await dora.get(f"{W}/groups/get/crew")).json()
        assert (group["summary"], group["instance_group"]) == ("hers to change", "ops")

    async def test_what_cannot_be_linked(self, server: Server) -> None:
        await server.client.post(f"{W}/groups/create", json={"name": "crew"})
        await made(server, "ops", "ann")
        for path, link in (("create", "none"), ("update/crew", "none"), ("update/crew", 7), ("update/all", "ops")):
            answer = await server.client.post(f"{W}/groups/{path}", json={"name": "new", "instance_group": link})
            assert answer.status_code == 400, answer.text
        assert (await server.client.get(f"{W}/groups/listnames")).json() == ["all", "crew"]

    async def test_who_is_no_member_or_leaves_is_in_none(self, server: Server) -> None:
        store = server.workspace.store
        await made(server, "ops", "ann", "eve", "nobody")
        await linked(server, "crew", "ops")
        ann = await server.person("ann", "viewer")
        eve = await server.person("eve", "admin", "other")
        assert (await eve.get(f"{W}/groups/get/crew")).status_code == 404
        group = (await ann.get(f"{W}/groups/get/crew")).json()
        assert group["instance_members"] == ["ann"]
        await server.client.delete(f"{W}/users/delete/ann")
        group = (await server.client.get(f"{W}/groups/get/crew")).json()
        assert group["instance_members"] == []
        assert (await ann.get(f"{W}/users/whoami")).status_code == 404
        assert await store.database.read(lambda c: groups.everybody_in(c, "main", "crew")) == []

    async def test_an_email_that_nobody_confirmed_counts_for_nothing(self, server: Server) -> None:
        await made(server, "ops", "ann")
        await linked(server, "crew", "ops")
        ann = await server.person("ann", "developer")
        database = server.workspace.store.database
        await database.write(lambda c: identities.change_user(c, "ann@example.org", claimed=True))
        assert await groups_of(ann) == ["all"]
        assert await database.read(lambda c: groups.everybody_in(c, "main", "crew")) == []
        await server.client.post(
            f"{W}/groups/adduser/crew", json={"username": "ann"}
        )  # who names her means the account
        assert await groups_of(ann) == ["all", "crew"]
        assert await database.read(lambda c: groups.everybody_in(c, "main", "crew")) == ["ann"]

    async def test_messages_about_approvals_reach_them(self, server: Server) -> None:
        await made(server, "ops", "ann", "zoe")
        await linked(server, "crew", "ops")
        await server.person("ann", "operator")
        await server.person("bob", "operator")
        await server.client.post(f"{W}/groups/adduser/crew", json={"username": "bob"})
        found = await server.workspace.store.database.read(
            lambda c: approval_messages._addresses(c, "main", ["g/crew"])  # the one place of the rule
        )
        assert sorted(found) == ["ann@example.org", "bob@example.org"]

    async def test_a_link_while_it_is_deleted_is_none(self, server: Server) -> None:
        for n in range(5):
            await made(server, f"ops{n}", "ann")
            await made(server, f"dev{n}", "ann")
            await server.client.post(f"{W}/groups/create", json={"name": f"crew{n}"})
            await linked(server, f"team{n}", f"ops{n}")
            links = [(f"crew{n}", f"ops{n}"), (f"team{n}", f"dev{n}"), (f"team{n}", f"ops{n}")]
            updates = [
                server.client.post(f"{W}/groups/update/{name}", json={"summary": "s", "instance_group": link})
                for name, link in links
            ]
            answers = await asyncio.gather(server.client.delete(f"{G}/delete/ops{n}"), *updates)
            assert answers[0].status_code == 200
            assert {answer.status_code for answer in answers} <= {200, 400}
            for name in (f"crew{n}", f"team{n}"):
                group = (await server.client.get(f"{W}/groups/get/{name}")).json()
                assert group["instance_group"] in (None, f"dev{n}")
            assert (await server.client.delete(f"{G}/delete/dev{n}")).status_code == 200
        assert await server.workspace.store.database.read(instance_groups.size) == 0
        assert await server.workspace.store.database.read(instance_groups.links) == {}
