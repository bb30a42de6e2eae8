"""Opening a run in the notebook over HTTP: who may, and what of."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from flowapp.engine.leaves import rights
from tests.integration.api.api_server import CHAIN, Server

W = "/api/w/main"


async def run_of_flow(server: Server, path: str = "f/team/opened") -> str:
    body = {"path": path, "summary": "Opened", "value": CHAIN["value"], "schema": CHAIN.get("schema")}
    exists = (await server.client.get(f"{W}/flows/exists/{path}")).json()
    if not exists:
        assert (await server.client.post(f"{W}/flows/create", json=body)).status_code == 201
    answer = await server.client.post(f"{W}/jobs/run/f/{path}", json={"n": 7})
    assert answer.status_code == 201, answer.text
    return answer.text


async def opened(server: Server, run: str, status: int = 201) -> Any:
    answer = await server.client.post(f"{W}/runs/{run}/open")
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_the_draft_has_the_document_the_input_and_the_results(server: Server) -> None:
    server.engine.answers = {"a": [7, 7, 7], "b": 3}
    made = await opened(server, await run_of_flow(server))
    assert made["path"] == "f/team/opened"
    notebook = await server.notebook(made["id"])
    states = {cell["step_id"]: cell["state"]["kind"] for cell in notebook["cells"]}
    assert states == {"a": "fresh", "b": "fresh"}
    assert next(item for item in notebook["input"]["values"] if item["name"] == "n")["value"] == 7
    assert notebook["draft"]["deployed_version"] == 1


async def test_a_second_draft_gets_a_path_of_its_own(server: Server) -> None:
    server.engine.answers = {"a": [7], "b": 1}
    run = await run_of_flow(server)
    first, second = await opened(server, run), await opened(server, run)
    assert first["path"] == "f/team/opened" and second["path"].startswith("u/admin/")


async def test_a_step_that_failed_is_no_result(server: Server) -> None:
    server.engine.answers = {"a": [7]}
    server.engine.failing = {"b": {"name": "ValueError", "message": "no"}}
    made = await opened(server, await run_of_flow(server))
    states = {cell["step_id"]: cell["state"]["kind"] for cell in (await server.notebook(made["id"]))["cells"]}
    assert states == {"a": "fresh", "b": "failed"}


async def test_what_cannot_be_opened_says_why(server: Server) -> None:
    draft = await server.draft(CHAIN)
    server.engine.answers = {"a": [7], "b": 1}
    cells = {cell["step_id"]: cell["id"] for cell in (await server.notebook(draft))["cells"]}
    of_cells = (await server.run(draft, cells["a"]))["run_id"]
    assert "Only runs of flows" in (await opened(server, of_cells, 400))["error"]["message"]
    server.engine.hold = True
    running = await run_of_flow(server)
    assert "not over" in (await opened(server, running, 400))["error"]["message"]
    await opened(server, "nope", 404)


async def test_only_who_may_make_drafts_and_read_the_run(server: Server) -> None:
    server.engine.answers = {"a": [7], "b": 1}
    run, private = await run_of_flow(server), await run_of_flow(server, "u/admin/private")
    viewer, other = await server.person("vera", "viewer"), await server.person("dan", "developer")
    assert (await viewer.post(f"{W}/runs/{run}/open")).status_code == 403
    assert (await other.post(f"{W}/runs/{run}/open")).status_code == 201
    assert (await other.post(f"{W}/runs/{private}/open")).status_code == 404


async def test_forgetting_results_of_somebody_elses_run_leaves_what_they_keep(server: Server) -> None:
    server.engine.answers = {"a": [7, 7, 7], "b": 3}
    made = await opened(server, await run_of_flow(server))
    run = (await server.client.get(f"{W}/runs")).json()[0]["id"]
    store = server.workspace.store
    kept = {"workspace": "main", "fingerprint": "f", "value": "v", "run_number": 1, "duration_ms": 1.0, "at": "2026"}
    both = [rights("main", "u/admin"), rights("main", "u/dora")]

    def prepare(connection: Any) -> None:
        update = sa.text("UPDATE job SET fingerprint = 'f' WHERE run_id = :run AND path = 'a'")
        connection.execute(update, {"run": run})
        connection.execute(sa.text("UPDATE run SET permissioned_as = 'u/dora' WHERE id = :run"), {"run": run})
        for of in both:
            store.results.put(connection, {**kept, "rights": of, "run_id": run, "path": "a"})

    await store.database.write(prepare)
    cells = {cell["step_id"]: cell["id"] for cell in (await server.notebook(made["id"]))["cells"]}
    await server.post(made["id"], "forget", {"cells": [cells["a"]]})
    left = [await store.results.lookup("main", of, "f") is not None for of in both]
    assert left == [False, True]


async def test_a_draft_is_offered_to_whoever_may_open_it(server: Server) -> None:
    """Who has another role now keeps their drafts, and is led to none."""
    team = {"name": "team", "extra_perms": {"g/all": True}}
    assert (await server.client.post(f"{W}/folders/create", json=team)).is_success
    dora = await server.person("dora", "developer")
    draft = (await dora.post(f"{W}/drafts", json={"flow": CHAIN, "path": "f/team/opened"})).json()["id"]
    assert (await dora.post(f"{W}/drafts/{draft}/deploy", json={})).is_success
    own = (await dora.post(f"{W}/drafts", json={"flow": CHAIN, "path": "u/dora/own"})).json()["id"]
    cell = (await dora.get(f"{W}/drafts/{draft}/notebook")).json()["cells"][0]["id"]
    run = (await dora.post(f"{W}/drafts/{draft}/run", json={"client": "page", "cells": [cell]})).json()["run_id"]

    async def offered() -> tuple[list[tuple[Any, ...]], bool]:
        listed = (await dora.get(f"{W}/flows")).json()
        flows = sorted((str(one["path"]), one.get("draft_id"), one.get("version")) for one in listed)
        return flows, (await dora.get(f"{W}/runs/{run}")).json()["may_open"]

    assert await offered() == ([("f/team/opened", draft, 1), ("u/dora/own", own, None)], True)
    for role in ("operator", "viewer"):
        assert (await server.client.post(f"{W}/users/update/dora", json={"role": role})).is_success
        assert (await dora.get(f"{W}/drafts/{draft}/notebook")).status_code == 403
        assert await offered() == ([("f/team/opened", None, 1)], False)
    assert (await server.client.post(f"{W}/users/update/dora", json={"role": "developer"})).is_success
    assert (await dora.delete(f"{W}/drafts/{draft}")).is_success
    assert await offered() == ([("f/team/opened", None, 1), ("u/dora/own", own, None)], False)
