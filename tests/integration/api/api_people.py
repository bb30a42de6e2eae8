"""What tests of people have in common: a run of somebody, and the client that its job has."""

from __future__ import annotations

import httpx

from flowapp.store.runs import NewRun, job_id
from flowapp.store.tables import RunRow
from tests.integration.api.api_server import Server

W = "/api/w/main"


async def run_of(server: Server, username: str) -> RunRow:
    """A run that is under way."""
    store = server.workspace.store
    digest = await store.values.put_value("{}")  # type: ignore[arg-type] # JSON text
    new = NewRun(workspace="main", kind="flow", document=digest, args=digest, created_by=username)
    row = await store.runs.create(new)
    claimed = await store.runs.claim(row.id, "test")
    assert claimed is not None
    claimed.permissioned_as = f"u/{username}"
    return claimed


async def job_client(server: Server, username: str) -> tuple[httpx.AsyncClient, RunRow]:
    run = await run_of(server, username)
    token = await server.workspace.sessions.job_tokens.issue(run, job_id(run.id, "a"), 60)
    return server.make_client({"authorization": f"Bearer {token} "}), run
