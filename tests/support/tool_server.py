"""An MCP server of the official library on a free port of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer


@dataclass
class ToolServerDouble:
    """What it was asked."""

    url: str
    tokens: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)


@asynccontextmanager
async def mcp_server() -> AsyncIterator[ToolServerDouble]:
    """Serve three tools: `add`, `fail` and `hidden`."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    found = ToolServerDouble(f"http://127.0.0.1:{port}/mcp")
    made = MCPServer("shop", log_level="CRITICAL")

    @made.tool(description="The sum of two numbers")
    def add(a: int, b: int) -> int:
        found.calls.append("add")
        return a + b

    @made.tool()
    def fail(why: str) -> str:
        found.calls.append("fail")
        raise ValueError(why)

    @made.tool()
    def hidden() -> str:
        found.calls.append("hidden")
        return "seen"

    app: Any = made.streamable_http_app()

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        for name, value in scope.get("headers") or ():
            if name == b"authorization":
                found.tokens.add(value.decode())
        await app(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(noting, log_level="critical", lifespan="on"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield found
    finally:
        server.should_exit = True
        await task
