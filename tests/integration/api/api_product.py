"""The whole server for a test: real engine, real processes, over HTTP without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from flowapp.api import create_api
from flowapp.compose import open_services
from flowapp.settings import Settings
from flowapp.workspace.app import Workspace
from tests.integration.api.api_server import TOKEN

DRAFTS = "/api/w/main/drafts"


class Product:
    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        transport = httpx.ASGITransport(create_api(workspace))
        headers = {"authorization": f"Bearer {TOKEN}"}
        self.client = httpx.AsyncClient(transport=transport, base_url="http://flowapp.test", headers=headers)

    async def draft(self, flow: dict[str, Any], **more: Any) -> tuple[str, dict[str, str]]:
        draft = (await self.client.post(DRAFTS, json={"flow": flow, **more})).json()["id"]
        return draft, {cell["step_id"]: cell["id"] for cell in (await self.notebook(draft))["cells"]}

    async def notebook(self, draft: str) -> Any:
        return (await self.client.get(f"{DRAFTS}/{draft}/notebook")).json()

    async def cells(self, draft: str) -> dict[str, Any]:
        return {cell["step_id"]: cell for cell in (await self.notebook(draft))["cells"]}

    async def run(self, draft: str, **body: Any) -> dict[str, Any]:
        started = await self.client.post(f"{DRAFTS}/{draft}/run", json={"client": "page", **body})
        assert started.status_code == 200, started.text
        return await self.ended(started.json()["run_id"])

    async def ended(self, run_id: str) -> dict[str, Any]:
        while True:
            detail = (await self.client.get(f"/api/w/main/runs/{run_id}")).json()
            if detail["run"]["ended_at"]:
                return dict(detail)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def opened_product(home: Path, **more: Any) -> AsyncIterator[Product]:
    """A server with its data in a folder of its own, and a signed-in client; `more` are settings."""
    async with open_services(Settings(home=home, token=TOKEN, **more)) as services:
        made = Product(services.workspace)
        yield made
        await made.client.aclose()
