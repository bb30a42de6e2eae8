"""What tests of cells have in common: the cells of a draft, by step."""

from __future__ import annotations

from typing import Any

from tests.integration.api.api_server import Server, flow_of, script


async def cells(server: Server, draft: str) -> dict[str, dict[str, Any]]:
    return {cell["step_id"]: cell for cell in (await server.notebook(draft))["cells"]}


async def ids(server: Server, draft: str) -> dict[str, str]:
    return {step: cell["id"] for step, cell in (await cells(server, draft)).items()}


async def kinds(server: Server, draft: str) -> dict[str, str]:
    return {step: cell["state"]["kind"] for step, cell in (await cells(server, draft)).items()}


async def one_result(server: Server, value: Any) -> str:
    """A run whose step `a` gave `value`."""
    draft = await server.draft(flow_of(script("a", "def main(): pass")))
    server.engine.answers = {"a": value}
    return str((await server.run(draft, (await ids(server, draft))["a"]))["run_id"])
