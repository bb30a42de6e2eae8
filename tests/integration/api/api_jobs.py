"""What tests of the job API have in common: something deployed, a job started, and what is asked about it."""

from __future__ import annotations

from typing import Any

from flowapp.store import scripts
from flowapp.store.clock import now
from flowapp.store.tables import RunRow, ScriptRow
from tests.integration.api.api_server import CHAIN, Server

W = "/api/w/main"


async def deployed(server: Server, path: str = "f/team/chain", flow: dict[str, Any] | None = None) -> None:
    draft = await server.draft(flow or CHAIN, path=path)
    await server.post(draft, "deploy", {})


async def stored_script(server: Server, path: str = "f/team/tool", **more: Any) -> str:
    row = ScriptRow(
        workspace="main",
        path=path,
        hash="",
        content="def main(n): return n",
        language="python3",
        created_by="admin",
        created_at=now(),
        **more,
    )
    return await server.workspace.store.database.write(lambda c: scripts.add(c, row))


async def started(server: Server, where: str, body: Any = None, status: int = 201) -> str:
    answer = await server.client.post(f"{W}/jobs/{where}", json={} if body is None else body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


async def got(server: Server, where: str, status: int = 200) -> Any:
    answer = await server.client.get(f"{W}/{where}")
    assert answer.status_code == status, answer.text
    return answer.json() if status == 200 else answer.text


async def run_of(server: Server, job: str) -> RunRow:
    run = await server.workspace.store.runs.get(job)
    assert run is not None
    return run


async def args_of(server: Server, job: str) -> Any:
    return await got(server, f"jobs_u/get_args/{job}")
