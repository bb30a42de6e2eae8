"""A reference to an uploaded file is worth its content: nobody gets a file of another workspace by knowing its hash."""

from __future__ import annotations

from typing import Any

from flowapp.jsontext import loads
from flowapp.store.blobs import REFERENCE
from tests.integration.api.api_approvals import a_wait, status, urls
from tests.integration.api.api_server import CHAIN, Server

SECRET = "the other team's file, " * 10_000


async def elsewhere(server: Server) -> dict[str, Any]:
    """A file that somebody of another workspace gave to a run."""
    reference = await server.workspace.store.blobs.put(SECRET.encode(), media_type="text/plain", name="secret.txt")
    return reference.to_json()


async def test_made_up_references_are_refused_at_every_door(server: Server) -> None:
    stolen = await elsewhere(server)
    draft = await server.draft(CHAIN, path="u/admin/chain")
    await server.post(draft, "deploy", {})
    http, w = server.client, "/api/w/main"
    flow = {**CHAIN, "schema": {"properties": {"n": {"default": stolen}}}}
    doors = {
        "run": await http.post(f"{w}/jobs/run/f/u/admin/chain", json={"n": {"deep": [stolen]}}),
        "preview": await http.post(f"{w}/jobs/run/preview_flow", json={"value": flow["value"], "args": {"n": stolen}}),
        "sample": await http.post(
            f"{w}/drafts/{draft}/operations",
            json={"client": "page", "ops": [{"op": "set_sample", "name": "n", "value": stolen}]},
        ),
        "import": await http.post(f"{w}/drafts", json={"flow": flow}),
        "push": await http.post(f"{w}/flows/create", json={"path": "f/a/x", **flow}),
        "resource": await http.post(f"{w}/resources/create", json={"path": "f/a/r", "value": stolen}),
    }
    assert {name: answer.status_code for name, answer in doors.items()} == dict.fromkeys(doors, 400)


async def test_to_name_the_hash_first_opens_no_door(server: Server) -> None:
    stolen = await elsewhere(server)
    digest = stolen[REFERENCE]["sha256"]
    draft = await server.draft(CHAIN, path="u/admin/chain")
    await server.post(draft, "deploy", {})
    place = "/api/w/main/jobs/run/f/u/admin/chain"
    for named in (digest, {"sha256": digest}, f'"{REFERENCE}":{{"sha256":"{digest}"'):
        assert (await server.client.post(place, json={"n": named})).status_code == 201
    answer = await server.client.post(place, json={"n": stolen})
    assert answer.status_code == 400, answer.text


async def test_an_answer_of_an_approver_makes_none_up(server: Server) -> None:
    wait = await a_wait(server)
    answer = await server.make_client().post(
        (await urls(server, wait))["resume"], json={"file": await elsewhere(server)}
    )
    assert (answer.status_code, await status(server, wait)) == (400, "open")


async def test_what_the_workspace_put_may_be_handed_on(server: Server) -> None:
    draft = await server.draft(CHAIN, path="u/admin/chain")
    await server.post(draft, "deploy", {})
    answer = await server.client.post("/api/w/main/jobs/run/f/u/admin/chain", json={"n": "x" * 100_000})
    assert answer.status_code == 201
    run = await server.workspace.store.runs.get(answer.text)
    assert run is not None
    args = loads(await server.workspace.store.values.get_value(run.args))
    assert REFERENCE in args["n"]
    again = await server.client.post("/api/w/main/jobs/run/f/u/admin/chain", json=args)
    assert again.status_code == 201, again.text
    outsider = await server.person("olga", "admin", workspace="other")
    flow = {"value": CHAIN["value"], "args": args}
    refused = await outsider.post("/api/w/other/jobs/run/preview_flow", json=flow)
    assert refused.status_code == 400 and "not here" in refused.text
