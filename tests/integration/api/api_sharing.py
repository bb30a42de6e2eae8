"""What tests of links have in common: something to share, its links, and a database behind the server's back."""

from __future__ import annotations

from typing import Any

import httpx

from tests.integration.api.api_server import CHAIN, Server

W = "/api/w/main"


async def run_of(server: Server, flow: dict[str, Any] = CHAIN, path: str = "f/team/chain", **args: Any) -> str:
    draft = await server.draft(flow, path=path)
    await server.post(draft, "deploy", {})
    answer = await server.client.post(f"{W}/jobs/run/f/{path}", json=args)
    assert answer.status_code == 201, answer.text
    return answer.text


def of_run(run: str) -> str:
    return f"{W}/runs/{run}/links"


def of_flow(path: str) -> str:
    return f"{W}/flows/links/{path}"


async def shareable(server: Server, kind: str, path: str = "f/team/chain") -> str:
    """Something that can be shared: where its links are."""
    run = await run_of(server, path=path)
    return of_run(run) if kind == "run" else of_flow(path)


async def share(client: httpx.AsyncClient, links_of: str, **body: Any) -> str:
    answer = await client.post(links_of, json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["path"] == f"/shared/{made['token']}" and made["url"].endswith(made["path"])
    return str(made["path"])


async def links(server: Server, links_of: str) -> list[dict[str, Any]]:
    return list((await server.client.get(links_of)).json())


async def execute(server: Server, sql: str) -> None:
    await server.workspace.store.database.write(lambda c: c.exec_driver_sql(sql))


async def archive(server: Server, path: str = "f/team/chain") -> None:
    answer = await server.client.post(f"{W}/flows/archive/{path}", json={"archived": True})
    assert answer.status_code == 200
