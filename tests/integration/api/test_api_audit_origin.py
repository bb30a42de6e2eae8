"""The audit trail says from where: every deed that a request asks for carries the request's address, and no other one's."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from flowapp.api.security import Security
from tests.integration.api.api_server import TOKEN, Server

W = "/api/w/main"


async def nobody(_: Any) -> bool:
    return False


def from_place(server: Server, address: str) -> httpx.AsyncClient:
    """A client whose requests come from an address."""
    transport = httpx.ASGITransport(Security(server.app, nobody), client=(address, 5000))
    headers = {"authorization": f"Bearer {TOKEN}"}
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


async def places(server: Server, operation: str) -> dict[str, Any]:
    """Where the deeds of a kind came from, by what they were done to."""
    found = (await server.client.get(f"{W}/audit/list?operation={operation}&per_page=100")).json()
    return {entry["resource"]: entry.get("address") for entry in found}


async def test_each_deed_has_the_address_of_its_request(server: Server) -> None:
    async with from_place(server, "203.0.113.7") as here, from_place(server, "203.0.113.8") as there:

        async def create(client: httpx.AsyncClient, number: int) -> None:
            body = {"path": f"u/admin/v{number}", "value": "x", "is_secret": False, "description": ""}
            made = await client.post(f"{W}/variables/create", json=body)
            assert made.status_code == 201, made.text

        await asyncio.gather(*[create((here, there)[number % 2], number) for number in range(20)])
    found = await places(server, "variable.create")
    assert found == {f"u/admin/v{number}": f"203.0.113.{7 + number % 2}" for number in range(20)}


async def test_what_no_request_asked_for_came_from_nowhere(server: Server) -> None:
    async with from_place(server, "203.0.113.7") as here:
        await here.post(f"{W}/folders/create", json={"name": "of_here"})
    await server.client.post(f"{W}/folders/create", json={"name": "of_nowhere"})
    assert await places(server, "folder.create") == {"f/of_here": "203.0.113.7", "f/of_nowhere": None}
