"""Models and MCP servers as one run reaches them: its references replaced, over connections that the address policy allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.engine.leaves import Leaves
from flowapp.jsontext import JsonText, loads
from flowapp.models import tool_servers
from flowapp.models.chat import ChatAnswer, ChatRequest, ChatServer, chat
from flowapp.models.tool_servers import RemoteResult, RemoteTool, ToolServer
from flowapp.net import AddressPolicy


class RunModels:
    """See `ports.Models`."""

    def __init__(self, leaves: Leaves, policy: AddressPolicy) -> None:
        self._leaves = leaves
        self._policy = policy

    async def resolved(self, args: JsonText) -> JsonText:
        """See `ports.Models`."""
        return await self._leaves.resolved(args)

    async def chat(self, server: ChatServer, request: ChatRequest) -> ChatAnswer:
        """See `ports.Models`."""
        return await chat(server, request, self._policy)

    async def resource(self, path: str) -> Any:
        """See `ports.Models`."""
        found = await self._leaves.lookup("resource", path)
        return None if found is None else loads(found)

    async def tools_of(self, server: ToolServer) -> list[RemoteTool]:
        """See `ports.Models`."""
        return await tool_servers.listed(server, self._policy)

    async def call_tool(self, server: ToolServer, name: str, arguments: Mapping[str, Any]) -> RemoteResult:
        """See `ports.Models`."""
        return await tool_servers.called(server, name, arguments, self._policy)
