"""Scripts, flows, variables and resources over HTTP, as Windmill's clients use them: each rule that those clients rely on."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.integration.api.api_server import CHAIN, Server

W = "/api/w/main"


async def ok(answer: httpx.Response, status: int = 200, kind: str = "application/json") -> httpx.Response:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith(kind), answer.headers["content-type"]
    return answer


def paths_of(answer: httpx.Response) -> list[str]:
    return [row["path"] for row in answer.json()]


async def refused(answer: httpx.Response, status: int) -> str:
    """A refusal is plain text, never JSON or HTML: clients print the body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def script(path: str, content: str = "def main(): return 1", **more: Any) -> dict[str, Any]:
    return {"path": path, "summary": "s", "content": content, "language": "python3", **more}


class TestVariables:
    async def test_a_variable_through_its_life(self, server: Server) -> None:
        http = server.client
        body = {"path": "f/team/name", "value": "Ada", "is_secret": False, "description": "who"}
        await ok(await http.post(f"{W}/variables/create", json=body), 201, "text/plain")
        await refused(await http.post(f"{W}/variables/create", json=body), 400)
        assert (await ok(await http.get(f"{W}/variables/get_value/f/team/name"))).json() == "Ada"
        found = (await ok(await http.get(f"{W}/variables/get/f/team/name?decrypt_secret=false"))).json()
        assert (found["value"], found["is_secret"], found["description"]) == ("Ada", False, "who")
        assert {"workspace_id", "path", "is_secret", "extra_perms"} <= found.keys()
        assert (await ok(await http.get(f"{W}/variables/exists/f/team/name"))).json() is True
        assert (await ok(await http.get(f"{W}/variables/exists/f/team/none"))).json() is False
        await refused(await http.get(f"{W}/variables/get/f/team/none"), 404)
        await ok(await http.post(f"{W}/variables/update/f/team/name", json={"path": "f/team/new"}), 200, "text/plain")
        assert [row["path"] for row in (await http.get(f"{W}/variables/list")).json()] == ["f/team/new"]
        await ok(await http.delete(f"{W}/variables/delete/f/team/new"), 200, "text/plain")
        await refused(await http.delete(f"{W}/variables/delete/f/team/new"), 404)

    async def test_a_secret_goes_round_as_ciphertext(self, server: Server) -> None:
        http = server.client
        secret = {"path": "f/team/key", "value": "s3cret", "is_secret": True, "description": ""}
        await ok(await http.post(f"{W}/variables/create", json=secret), 201, "text/plain")
        address = f"{W}/variables/get/f/team/key"
        assert (await http.get(address)).json()["value"] == "s3cret"
        assert (await http.get(f"{address}?decrypt_secret=false")).json()["value"] is None
        sealed = (await http.get(f"{address}?decrypt_secret=false&include_encrypted=true")).json()["value"]
        raw = base64.b64decode(sealed, validate=True)
        assert len(raw) % 16 == 0 and base64.b64encode(raw).decode() == sealed and b"s3cret" not in raw
        assert "s3cret" not in (await http.get(f"{W}/variables/list")).text

        # pushed back as it was exported, with another description; and into a fresh place
        again = {"value": sealed, "description": "new"}
        await ok(
            await http.post(f"{W}/variables/update/f/team/key?already_encrypted=true", json=again), 200, "text/plain"
        )
        assert (await http.get(f"{address}?decrypt_secret=false&include_encrypted=true")).json()["value"] == sealed
        await http.delete(f"{W}/variables/delete/f/team/key")
        body = {**secret, "value": sealed}
        await ok(await http.post(f"{W}/variables/create?already_encrypted=true", json=body), 201, "text/plain")
        assert (await http.get(f"{W}/variables/get_value/f/team/key")).json() == "s3cret"

        # a value alone keeps the secret one; a rename keeps the text
        await http.post(f"{W}/variables/update/f/team/key", json={"value": "other"})
        await http.post(f"{W}/variables/update/f/team/key", json={"path": "f/team/moved"})
        moved = (await http.get(f"{W}/variables/get/f/team/moved")).json()
        assert (moved["value"], moved["is_secret"]) == ("other", True)

    async def test_foreign_ciphertext_and_odd_bodies_are_refused(self, server: Server) -> None:
        http = server.client
        await http.post(f"{W}/variables/create", json={"path": "u/admin/a", "value": "x", "is_secret": True})
        stored = f"{W}/variables/get/u/admin/a?decrypt_secret=false&include_encrypted=true"
        sealed = (await http.get(stored)).json()["value"]
        moved = {"path": "u/admin/b", "value": sealed, "is_secret": True}
        await refused(await http.post(f"{W}/variables/create?already_encrypted=true", json=moved), 400)
        for body in ({}, {"path": "x"}, {"path": "u/admin/../x", "value": ""}, {"path": "u/admin/c", "value": 1}):
            answer = await http.post(f"{W}/variables/create", json=body)
            assert answer.status_code in (400, 422), answer.text
        nul = {"path": "u/admin/c", "value": "a\0b"}
        await refused(await http.post(f"{W}/variables/create", json=nul), 400)
        plain = {"path": "u/admin/plain", "value": "in clear", "is_secret": False}
        await ok(await http.post(f"{W}/variables/create?already_encrypted=true", json=plain), 201, "text/plain")
        assert (await http.get(f"{W}/variables/get_value/u/admin/plain")).json() == "in clear"

    async def test_encrypt_gives_a_text_for_any_path(self, server: Server) -> None:
        sealed = (await ok(await server.client.post(f"{W}/variables/encrypt", json="s"), 200, "text/plain")).text
        body = {"path": "u/admin/z", "value": sealed, "is_secret": True}
        answer = await server.client.post(f"{W}/variables/create?already_encrypted=true", json=body)
        assert answer.status_code == 201
        assert (await server.client.get(f"{W}/variables/get_value/u/admin/z")).json() == "s"


class TestResources:
    @pytest.mark.parametrize("value", [0, False, [], "", None, {"a": [1, {"b": "c"}]}])
    async def test_any_value_comes_back_as_it_is(self, server: Server, value: Any) -> None:
        http = server.client
        body = {"path": "f/team/r", "value": value, "resource_type": "any"}
        await ok(await http.post(f"{W}/resources/create", json=body), 201, "text/plain")
        for what in ("get_value", "get_value_interpolated"):
            assert (await ok(await http.get(f"{W}/resources/{what}/f/team/r"))).json() == value
        await ok(await http.post(f"{W}/resources/update_value/f/team/r", json={"value": None}), 200, "text/plain")
        assert (await http.get(f"{W}/resources/get_value/f/team/r")).json() is None

    async def test_references_are_replaced_at_any_depth_by_what_one_may_use(self, server: Server) -> None:
        http = server.client
        await http.post(f"{W}/variables/create", json={"path": "f/team/p", "value": "pw", "is_secret": True})
        await http.post(f"{W}/variables/create", json={"path": "u/admin/own", "value": "mine", "is_secret": True})
        inner = {"path": "f/team/inner", "value": {"password": "$var:f/team/p"}, "resource_type": "x"}
        outer = {"path": "f/team/outer", "value": [{"db": "$res:f/team/inner"}, "$plain"], "resource_type": "y"}
        stolen = {"path": "f/team/stolen", "value": "$var:u/admin/own", "resource_type": "y"}
        for body in (inner, outer, stolen):
            assert (await http.post(f"{W}/resources/create", json=body)).status_code == 201
        filled = (await http.get(f"{W}/resources/get_value_interpolated/f/team/outer")).json()
        assert filled == [{"db": {"password": "pw"}}, "$plain"]
        raw = (await http.get(f"{W}/resources/get_value/f/team/outer")).json()
        assert raw == outer["value"]
        developer = await server.person("dora", "developer")
        await refused(await developer.get(f"{W}/resources/get_value_interpolated/f/team/stolen"), 404)

    async def test_a_circle_is_refused(self, server: Server) -> None:
        for one, other in (("a", "b"), ("b", "a")):
            body = {"path": f"f/team/{one}", "value": f"$res:f/team/{other}", "resource_type": "x"}
            await server.client.post(f"{W}/resources/create", json=body)
        await refused(await server.client.get(f"{W}/resources/get_value_interpolated/f/team/a"), 403)

    async def test_create_update_list_and_delete(self, server: Server) -> None:
        http = server.client
        for name, kind in (("a", "pg"), ("b", "state"), ("c", "pg")):
            body = {"path": f"f/team/{name}", "value": name, "resource_type": kind, "description": None}
            assert (await http.post(f"{W}/resources/create", json=body)).status_code == 201
        again = {"path": "f/team/a", "value": 2, "resource_type": "pg"}
        await refused(await http.post(f"{W}/resources/create", json=again), 400)
        assert (await http.post(f"{W}/resources/create?update_if_exists=true", json=again)).status_code == 201
        assert paths_of(await http.get(f"{W}/resources/list?resource_type=pg")) == ["f/team/a", "f/team/c"]
        assert paths_of(await http.get(f"{W}/resources/list?resource_type_exclude=state,x")) == ["f/team/a", "f/team/c"]
        first = [paths_of(await http.get(f"{W}/resources/list?per_page=2&page={page}")) for page in (0, 1, 2)]
        assert first == [["f/team/a", "f/team/b"], ["f/team/a", "f/team/b"], ["f/team/c"]]
        await refused(await http.post(f"{W}/resources/update_value/f/team/a", json={}), 400)
        await http.post(f"{W}/resources/update/f/team/a", json={"description": "d"})
        kept = (await ok(await http.get(f"{W}/resources/get/f/team/a"))).json()
        assert (kept["value"], kept["resource_type"], kept["description"]) == (2, "pg", "d")
        await ok(await http.delete(f"{W}/resources/delete/f/team/a"), 200, "text/plain")
        assert (await ok(await http.get(f"{W}/resources/exists/f/team/a"))).json() is False

    async def test_an_uploaded_file_is_not_reached_by_its_hash(self, server: Server) -> None:
        reference = {"$flowapp:blob": {"sha256": "a" * 64, "size": 1, "media_type": "", "name": ""}}
        body = {"path": "f/team/a", "value": {"x": [reference]}, "resource_type": "x"}
        await refused(await server.client.post(f"{W}/resources/create", json=body), 400)

    async def test_types(self, server: Server) -> None:
        http = server.client
        body = {"name": "my_db", "schema": {"type": "object"}, "description": "d"}
        await ok(await http.post(f"{W}/resources/type/create", json=body), 201, "text/plain")
        await refused(await http.post(f"{W}/resources/type/create", json=body), 400)
        change = {"description": "e", "format_extension": "toml"}
        await ok(await http.post(f"{W}/resources/type/update/my_db", json=change), 200, "text/plain")
        found = (await ok(await http.get(f"{W}/resources/type/get/my_db"))).json()
        assert (found["schema"], found["description"]) == ({"type": "object"}, "e")
        extensions = (await http.get(f"{W}/resources/file_resource_type_to_file_ext_map")).json()
        assert extensions == {"my_db": {"format_extension": "toml", "is_fileset": False}}
        assert (await http.get(f"{W}/resources/type/listnames")).json() == ["my_db"]
        await ok(await http.delete(f"{W}/resources/type/delete/my_db"), 200, "text/plain")
        await refused(await http.get(f"{W}/resources/type/get/my_db"), 404)


class TestScripts:
    async def test_versions_and_parents(self, server: Server) -> None:
        http = server.client
        first = (await ok(await http.post(f"{W}/scripts/create", json=script("f/a/x")), 201, "text/plain")).text
        assert len(first) == 16 and int(first, 16) >= 0
        await refused(await http.post(f"{W}/scripts/create", json=script("f/a/x")), 400)
        changed = script("f/a/x", "def main(): return 2", parent_hash=first, deployment_message="why")
        second = (await http.post(f"{W}/scripts/create", json=changed)).text
        stale = await http.post(f"{W}/scripts/create", json=changed)
        assert second in await refused(stale, 400)
        third = (await http.post(f"{W}/scripts/create", json={**changed, "auto_parent": True})).text
        found = (await ok(await http.get(f"{W}/scripts/get/p/f/a/x"))).json()
        assert (found["hash"], found["parent_hashes"]) == (third, [second, first])
        assert (await http.get(f"{W}/scripts/get/h/{first}")).json()["content"] == "def main(): return 1"
        assert (await http.get(f"{W}/scripts/raw/p/f/a/x.py")).text == "def main(): return 2"
        fourth = await http.post(f"{W}/scripts/update/f/a/x", json={"content": "4", "language": "bash"})
        assert fourth.status_code == 201
        assert (await http.post(f"{W}/scripts/delete/h/{fourth.text}")).status_code == 200
        history = (await http.get(f"{W}/scripts/history/p/f/a/x")).json()
        assert [row["script_hash"] for row in history] == [third, second, first]
        assert history[0]["deployment_msg"] == "why" and "deployment_msg" not in history[2]

    async def test_who_uses_one_and_what_its_code_takes(self, server: Server) -> None:
        http = server.client
        await ok(await http.post(f"{W}/scripts/create", json=script("f/a/x")), 201, "text/plain")
        other = script("f/a/y", "from .x import main as x\ndef main(): return x()")
        await ok(await http.post(f"{W}/scripts/create", json=other), 201, "text/plain")
        step = {"id": "a", "value": {"type": "script", "path": "f/a/x", "input_transforms": {}}}
        await ok(
            await http.post(f"{W}/flows/create", json={"path": "f/a/x", "summary": "", "value": {"modules": [step]}}),
            201,
            "text/plain",
        )
        daily = {"path": "f/a/daily", "schedule": "0 0 9 * * *", "timezone": "UTC", "script_path": "f/a/x"}
        await ok(await http.post(f"{W}/schedules/create", json={**daily, "is_flow": False}), 201, "text/plain")
        await server.draft({"summary": "", "value": {"modules": [step]}}, path="u/ada/mine")
        found = (await ok(await http.get(f"{W}/scripts/around/p/f/a/x"))).json()
        users = ["flow f/a/x", "draft u/ada/mine", "script f/a/y", "schedule f/a/daily"]
        assert found == {"used_by": users, "may_write": True, "may_run": True, "may_preview": True}
        viewer = await server.person("vic", "viewer")
        assert (await viewer.get(f"{W}/scripts/around/p/f/a/x")).status_code == 200

        asked = {"content": "def main(n: int, to: str = 'x'): pass", "language": "python3"}
        known = {"properties": {"n": {"type": "integer", "description": "How many"}, "to": {"type": "boolean"}}}
        taken = (await ok(await http.post(f"{W}/scripts/signature", json={**asked, "schema": known}))).json()
        assert taken["problem"] is None
        assert taken["schema"]["properties"] == {
            "n": {"type": "integer", "description": "How many"},
            "to": {"type": "string", "default": "x"},
        }
        broken = {"content": "def main(:", "language": "python3", "schema": known}
        taken = (await ok(await http.post(f"{W}/scripts/signature", json=broken))).json()
        assert taken["schema"] == known and taken["problem"]["line"] == 1
        assert "language" in await refused(await http.post(f"{W}/scripts/signature", json={"content": ""}), 400)

    async def test_what_is_pushed_comes_back(self, server: Server) -> None:
        pushed = script(
            "f/a/y",
            schema={"type": "object", "properties": {}, "order": []},
            lock="",
            description="",
            kind="script",
            concurrent_limit=3,
            labels=["x"],
            skip_draft_deletion=True,
        )
        address = f"{W}/scripts/create?skip_if_noop=true"
        one = (await server.client.post(address, json=pushed)).text
        found = (await server.client.get(f"{W}/scripts/get/p/f/a/y")).json()
        asked = {name: found[name] for name in pushed if name != "skip_draft_deletion"}
        assert asked == {name: value for name, value in pushed.items() if name != "skip_draft_deletion"}
        assert "skip_draft_deletion" not in found
        required = (
            "hash path summary description content created_by created_at archived deleted is_template extra_perms"
        )
        assert {*required.split(), "language", "kind", "starred", "has_preprocessor"} <= found.keys()
        noop = await server.client.post(address, json={**pushed, "parent_hash": one, "auto_parent": True})
        assert (noop.status_code, noop.text) == (201, one)
        more = await server.client.post(address, json={**pushed, "lock": "a==1", "auto_parent": True})
        assert more.text != one

    async def test_archived_scripts_make_way_and_deleted_ones_lose_their_code(self, server: Server) -> None:
        http = server.client
        first = (await http.post(f"{W}/scripts/create", json=script("f/a/x"))).text
        await ok(await http.post(f"{W}/scripts/archive/p/f/a/x"), 200, "text/plain")
        await refused(await http.get(f"{W}/scripts/get/p/f/a/x"), 404)
        assert (await http.get(f"{W}/scripts/get/h/{first}")).json()["archived"] is True
        assert (await http.get(f"{W}/scripts/list")).json() == []
        assert [row["path"] for row in (await http.get(f"{W}/scripts/list?show_archived=true")).json()] == ["f/a/x"]
        second = (await ok(await http.post(f"{W}/scripts/create", json=script("f/a/x")), 201, "text/plain")).text
        await ok(await http.post(f"{W}/scripts/delete/h/{second}"), 200, "text/plain")
        await refused(await http.get(f"{W}/scripts/get/h/{second}"), 404)
        await ok(await http.post(f"{W}/scripts/delete/p/f/a/x"), 200, "text/plain")
        await refused(await http.post(f"{W}/scripts/delete/p/f/a/x"), 404)

    async def test_pages_of_the_list_end(self, server: Server) -> None:
        for number in range(12):
            await server.client.post(f"{W}/scripts/create", json=script(f"f/a/s{number:02}"))
        seen = []
        for page in (0, 1, 2, 3):
            rows = (await server.client.get(f"{W}/scripts/list?page={page}&per_page=10")).json()
            seen.append(len(rows))
            assert all(row["content"] == "" for row in rows)
        assert seen == [10, 10, 2, 0]
        assert len((await server.client.get(f"{W}/scripts/list_paths")).json()) == 12
        for odd in ("page=-5", "per_page=0", "per_page=100000", "page=99999999"):
            await ok(await server.client.get(f"{W}/scripts/list?{odd}"))
        await refused(await server.client.get(f"{W}/scripts/list?page=x"), 400)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"path": "f/a/x"},
            script("/abs"),
            script("f/a/x", language="cobol"),
            script("f/a/x", schema=[]),
            script("f/a/x", kind="odd"),
            script("f/a/x", parent_hash="0" * 16),
            script("f/a/x", lock=3),
        ],
    )
    async def test_odd_bodies(self, server: Server, body: dict[str, Any]) -> None:
        answer = await server.client.post(f"{W}/scripts/create", json=body)
        assert answer.status_code in (400, 422) and answer.headers["content-type"].startswith("text/plain"), answer.text
        assert (await server.client.get(f"{W}/scripts/list")).json() == []


class TestFlows:
    async def test_a_flow_through_its_life(self, server: Server) -> None:
        http = server.client
        value = {"modules": [{"id": "a", "summary": "", "value": {"type": "script", "path": "f/a/not_there_yet"}}]}
        flow = {"path": "f/a/flow", "summary": "S", "description": "D", "value": value, "schema": {"order": []}}
        sent = {**flow, "tag": "big", "deployment_message": "first", "skip_draft_deletion": True}
        assert (await ok(await http.post(f"{W}/flows/create", json=sent), 201, "text/plain")).text == "f/a/flow"
        await refused(await http.post(f"{W}/flows/create", json=flow), 400)
        found = (await ok(await http.get(f"{W}/flows/get/f/a/flow"))).json()
        assert {name: found[name] for name in flow} == flow and found["tag"] == "big"
        assert {"edited_by", "edited_at", "archived", "extra_perms", "version_id"} <= found.keys()
        assert "deployment_message" not in found and "skip_draft_deletion" not in found

        await ok(await http.post(f"{W}/flows/update/f/a/flow", json={**flow, "summary": "T"}), 200, "text/plain")
        history = (await http.get(f"{W}/flows/history/p/f/a/flow")).json()
        assert [row.get("deployment_msg") for row in history] == [None, "first"]
        assert history[1]["id"] == found["version_id"]
        status = await ok(await http.get(f"{W}/flows/deployment_status/p/f/a/flow"))
        assert status.json()["lock_error_logs"] is None
        old = (await http.get(f"{W}/flows/get/v/{found['version_id']}")).json()
        assert (old["summary"], old["value"]) == ("S", value)

        await ok(await http.post(f"{W}/flows/update/f/a/flow", json={**flow, "path": "f/a/moved"}), 200, "text/plain")
        await refused(await http.get(f"{W}/flows/get/f/a/flow"), 404)
        assert len((await http.get(f"{W}/flows/history/p/f/a/moved")).json()) == 3
        assert (await http.get(f"{W}/flows/list_paths")).json() == ["f/a/moved"]
        await ok(await http.post(f"{W}/flows/archive/f/a/moved", json={"archived": True}), 200, "text/plain")
        assert (await http.get(f"{W}/flows/exists/f/a/moved")).json() is False
        assert (await http.get(f"{W}/flows/list")).json() == []
        await ok(await http.post(f"{W}/flows/archive/f/a/moved", json={"archived": False}), 200, "text/plain")
        assert [row["path"] for row in (await http.get(f"{W}/flows/list")).json()] == ["f/a/moved"]
        await ok(await http.delete(f"{W}/flows/delete/f/a/moved"), 200, "text/plain")
        await ok(await http.delete(f"{W}/flows/delete/f/a/moved"), 200, "text/plain")  # asked once for each file
        await refused(await http.get(f"{W}/flows/get/v/{found['version_id']}"), 404)

    async def test_a_flow_from_a_notebook_has_the_same_shape(self, server: Server) -> None:
        draft = await server.draft(CHAIN, path="u/admin/chain")
        await server.post(draft, "deploy", {})
        pushed = await server.client.post(f"{W}/flows/create", json={"path": "u/admin/pushed", **CHAIN})
        assert pushed.status_code == 201
        one, other = [(await server.client.get(f"{W}/flows/get/u/admin/{name}")).json() for name in ("chain", "pushed")]
        assert one.keys() == other.keys()

    async def test_documents_that_cannot_run_as_they_say(self, server: Server) -> None:
        one = {"id": "a", "value": {"type": "identity"}}
        never = {"exponential": {"attempts": 2, "multiplier": 1, "seconds": 0}}
        branch = {"id": "b", "value": {"type": "branchone", "branches": [], "default": [one]}}
        for modules, words in (
            ([one, one], "There is more than one step a."),
            ([one, branch], "There is more than one step a."),
            ([{**one, "id": "failure"}], "The id failure is reserved."),
            ([{**one, "retry": never}], "Exponential retries with 0 seconds never wait."),
        ):
            body = {"path": "f/a/x", "summary": "", "value": {"modules": modules}}
            answer = await server.client.post(f"{W}/flows/create", json=body)
            assert answer.status_code == 422
            assert words in answer.text
        unset = {"constant": {"attempts": 2, "seconds": 1}, "exponential": {"attempts": 0, "seconds": 0}}
        honest = {
            "modules": [{**one, "retry": unset}, {"value": {"type": "identity"}}, {"value": {"type": "identity"}}]
        }
        answer = await server.client.post(f"{W}/flows/create", json={"path": "f/a/x", "summary": "", "value": honest})
        assert answer.status_code == 201
        await server.client.delete(f"{W}/flows/delete/f/a/x")

    async def test_documents_that_are_none(self, server: Server) -> None:
        bad: list[dict[str, Any]] = [
            {"path": "f/a/x"},
            {"path": "f/a/x", "value": 3},
            {"path": "x", **CHAIN},
            {"path": "f/a/x", "value": {"modules": [{"id": "a", "value": {"type": "script", "path": "/etc/x"}}]}},
        ]
        for body in bad:
            answer = await server.client.post(f"{W}/flows/create", json=body)
            assert answer.status_code in (400, 422) and answer.headers["content-type"].startswith("text/"), answer.text
        assert (await server.client.get(f"{W}/flows/list")).json() == []
