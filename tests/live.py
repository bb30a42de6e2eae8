"""A started server for tests of clients: the whole product without its pages, on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server

from flowapp.api import create_api
from flowapp.compose import Services, open_services
from flowapp.runtimes.jobs import jobs_python
from flowapp.settings import Settings
from tests.support.honest import require_honesty

TOKEN = "test-token-0123456789"
W = "/api/w/main"


@dataclass(frozen=True, slots=True)
class Live:
    """A server that answers at `url`, and a client of its admin."""

    services: Services
    url: str
    client: httpx.AsyncClient

    async def post(self, where: str, body: Any = None, status: int = 201) -> httpx.Response:
        """Post JSON under the workspace."""
        answer = await self.client.post(f"{W}/{where}", json=body)
        assert answer.status_code == status, f"{where}: {answer.status_code} {answer.text}"
        return answer

    async def get(self, where: str) -> Any:
        """The JSON at an address under the workspace."""
        answer = await self.client.get(f"{W}/{where}")
        assert answer.status_code == 200, f"{where}: {answer.status_code} {answer.text}"
        return answer.json()

    async def ended(self, job: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for a job; its whole JSON."""
        async with asyncio.timeout(seconds):
            while True:
                found: dict[str, Any] = await self.get(f"jobs_u/get/{job}")
                if found["type"] == "CompletedJob":
                    return found
                await asyncio.sleep(0.05)

    async def python(self, code: str, **env: str) -> str:
        """Run code in the Python of jobs, as a program elsewhere would; what it prints."""
        given = {"WM_TOKEN": TOKEN, "BASE_INTERNAL_URL": self.url, "WM_WORKSPACE": "main", **env}
        return await ran([str(jobs_python()), "-c", code], given)


async def ran(command: list[str], env: dict[str, str], seconds: float = 120) -> str:
    """Run a program; what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": os.environ["PATH"], "HOME": "/tmp", **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, output.decode()
    return output.decode()


@contextlib.asynccontextmanager
async def live(home: Path, database_url: str = "", **more: Any) -> AsyncIterator[Live]:
    """Start a server; stop it in the end. `more` are further settings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(home=home, port=port, token=TOKEN, idle_runners=4, database_url=database_url, **more)
    async with open_services(settings) as services:
        server: Any = Server(
            create_api(services.workspace),
            address="127.0.0.1",
            port=port,
            interface=Interfaces.ASGI,
            log_enabled=False,
        )
        serving = asyncio.create_task(server.serve())
        headers = {"authorization": f"Bearer {TOKEN}"}
        hooks = {"response": [require_honesty]}
        async with httpx.AsyncClient(base_url=settings.url, headers=headers, timeout=60, event_hooks=hooks) as client:
            await _until_it_answers(client, serving)
            try:
                yield Live(services, settings.url, client)
            finally:
                services.stop_streams()
                server.stop()
                await asyncio.wait({serving}, timeout=5)
                serving.cancel()


async def _until_it_answers(client: httpx.AsyncClient, serving: asyncio.Task[None]) -> None:
    for _ in range(200):
        if serving.done():
            serving.result()
        with contextlib.suppress(httpx.ConnectError):
            await client.get("/api/version")
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the server does not answer")
