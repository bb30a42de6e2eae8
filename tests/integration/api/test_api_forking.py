"""Forking a flow into one's own space, and what the fork names of variables and resources."""

from __future__ import annotations

from typing import Any

import httpx

from tests.integration.api.api_server import Server, flow_of, js, script

W = "/api/w/main"
CODE = "def main(db, key):\n    return 1\n"


def flow() -> dict[str, Any]:
    fixed: Any = {"type": "static", "value": "$res:f/closed/db"}
    return flow_of(
        script("a", CODE, db=fixed, key=js("variable('f/team/key')")) | {"summary": "Load"},
        script("b", CODE, db=js("resource('f/closed/db')"), key=js("variable('f/gone/key')")),
    )


async def fork(client: httpx.AsyncClient, path: str = "f/team/report") -> dict[str, Any]:
    answer = await client.post(f"{W}/flows/fork/{path}")
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def made(server: Server) -> httpx.AsyncClient:
    """A deployed flow with things of which Dora may use some; Dora's client."""
    http = server.client
    (await http.post(f"{W}/folders/create", json={"name": "closed", "owners": ["u/admin"]})).raise_for_status()
    resource = {"value": {}, "resource_type": "postgresql"}
    for path in ("f/closed/db", "f/team/db"):
        (await http.post(f"{W}/resources/create", json={"path": path, **resource})).raise_for_status()
    variable = {"path": "f/team/key", "value": "1", "is_secret": True, "description": ""}
    (await http.post(f"{W}/variables/create", json=variable)).raise_for_status()
    draft = await server.draft(flow(), path="f/team/report")
    await server.post(draft, "deploy", {})
    return await server.person("dora", "developer")


async def test_a_fork_is_one_s_own_and_the_flow_stays_as_it_is(server: Server) -> None:
    dora = await made(server)
    before = (await server.client.get(f"{W}/flows/get/f/team/report")).json()
    first, second = await fork(dora), await fork(dora)
    assert (first["path"], second["path"]) == ("u/dora/report", "u/dora/report_2") and first["names"] == 3
    notebook = (await dora.get(f"{W}/drafts/{first['id']}/notebook")).json()
    assert notebook["draft"]["deployed_version"] is None and [cell["step_id"] for cell in notebook["cells"]] == [
        "a",
        "b",
    ]
    assert (await server.client.get(f"{W}/flows/get/f/team/report")).json() == before
    (entry, _) = (await server.client.get(f"{W}/audit/list?operations=draft.create&username=dora")).json()
    assert "forked from f/team/report, version 1" in str(entry)


async def test_what_is_not_there_and_what_is_not_hers_look_the_same(server: Server) -> None:
    dora = await made(server)
    draft = (await fork(dora))["id"]
    shown = (await dora.get(f"{W}/drafts/{draft}/named")).json()
    names = {name["path"]: name for name in shown["names"]}
    assert {path: name["found"] for path, name in names.items()} == {
        "f/closed/db": False,
        "f/team/key": True,
        "f/gone/key": False,
    }
    assert [(place["step_id"], place["field"], place["title"]) for place in names["f/closed/db"]["places"]] == [
        *(("a", "db", "Load"), ("b", "db", ""))
    ]
    assert names["f/closed/db"].keys() == names["f/gone/key"].keys()
    assert shown["choices"] == {
        "variable": [{"path": "f/team/key", "type": "secret"}],
        "resource": [{"path": "f/team/db", "type": "postgresql"}],
    }


async def test_binding_anew_is_one_step_that_is_taken_back(server: Server) -> None:
    dora = await made(server)
    draft = (await fork(dora))["id"]
    before = (await dora.get(f"{W}/drafts/{draft}/export?format=json")).json()
    binding = [
        {"kind": "resource", "path": "f/closed/db", "to": "f/team/db"},
        {"kind": "variable", "path": "f/gone/key", "to": "f/team/key"},
    ]
    body = {"client": "page", "ops": [{"op": "bind_names", "bindings": binding}]}
    change = (await dora.post(f"{W}/drafts/{draft}/operations", json=body)).json()
    assert change["draft"]["can_undo"] == "Bound 2 names anew"
    shown = (await dora.get(f"{W}/drafts/{draft}/named")).json()
    assert {name["path"]: name["found"] for name in shown["names"]} == {"f/team/db": True, "f/team/key": True}
    again = await dora.post(f"{W}/drafts/{draft}/operations", json=body)
    assert again.status_code == 409 and again.json()["error"]["code"] == "notebook.nothing_named"
    await dora.post(f"{W}/drafts/{draft}/undo", json={"client": "page"})
    assert (await dora.get(f"{W}/drafts/{draft}/export?format=json")).json() == before
    redone = (await dora.post(f"{W}/drafts/{draft}/redo", json={"client": "page"})).json()
    assert redone["draft"]["can_undo"] == "Bound 2 names anew"


async def test_who_may_fork(server: Server) -> None:
    await made(server)
    for role in ("viewer", "operator"):
        person = await server.person(f"one-{role}", role)
        assert (await person.post(f"{W}/flows/fork/f/team/report")).status_code == 403
        assert (await person.get(f"{W}/flows/schema/f/team/report")).json()["may_fork"] is False
    dora = await server.person("eve", "developer")
    assert (await dora.get(f"{W}/flows/schema/f/team/report")).json()["may_fork"] is True
    assert (await dora.post(f"{W}/flows/fork/f/closed/report")).status_code == 404
    assert (await dora.post(f"{W}/flows/fork/f/team/nothing")).status_code == 404
    olga = await server.person("olga", "admin", "other")
    assert (await olga.post(f"{W}/flows/fork/f/team/report")).status_code == 404
