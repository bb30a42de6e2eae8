"""Models and MCP servers as one run reaches them: its references replaced, over connections that the address policy allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flowapp.engine.agents.errors import AgentRefused
from flowapp.engine.leaves import Leaves
from flowapp.engine.ports import FileContent, Files, SharedAgent
from flowapp.engine.values import Memory
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.models import tool_servers
from flowapp.models.chat import chat
from flowapp.models.pictures import Picture, picture
from flowapp.models.tool_servers import RemoteResult, RemoteTool, ToolServer
from flowapp.models.turns import ChatAnswer, ChatRequest, ChatServer, Hear, Message
from flowapp.net import AddressPolicy
from flowapp.store import memories
from flowapp.store.masks import MaskedLog
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow


class RunModels:
    """See `ports.Models`."""

    def __init__(self, leaves: Leaves, policy: AddressPolicy, store: Store, run: RunRow, files: Files | None) -> None:
        self._leaves = leaves
        self._policy = policy
        self._store = store
        self._run = run
        self._files = files

    async def resolved(self, args: JsonText) -> JsonText:
        """See `ports.Models`."""
        return await self._leaves.resolved(args)

    async def chat(self, server: ChatServer, request: ChatRequest, hear: Hear | None = None) -> ChatAnswer:
        """See `ports.Models`."""
        return await chat(server, request, self._policy, hear)

    def masked(self, write: Callable[[str], None]) -> MaskedLog:
        """See `ports.Models`."""
        return MaskedLog(self._store.masks, self._run.id, write)

    async def picture(self, server: ChatServer, prompt: str) -> Picture:
        """See `ports.Models`."""
        return await picture(server, prompt, self._policy)

    async def file(self, file: Mapping[str, Any], most: int) -> FileContent:
        """See `ports.Models`."""
        return await self._stored().read(self._run, file, most)

    async def keep(self, content: bytes, extension: str) -> dict[str, Any]:
        """See `ports.Models`."""
        return await self._stored().keep(self._run, content, extension)

    async def earlier(self, memory: Memory, step: str, job: str) -> list[Message]:
        """See `ports.Models`."""
        name = self._memory(memory)
        if name is None:
            return []
        return await self._store.database.read(lambda c: memories.earlier(c, name, step, job))

    async def remember(self, memory: Memory, step: str, job: str, messages: Sequence[Message]) -> None:
        """See `ports.Models`."""
        name = self._memory(memory)
        if name is not None:
            await self._store.database.write(lambda c: memories.add(c, name, step, job, messages))

    def _memory(self, memory: Memory) -> str | None:
        """What it is kept under: a flow's own memories are everybody's who runs it, a conversation is one person's. A draft's
        cells are tried on memories of the draft.
        """
        run = self._run
        flow = f"draft {run.draft_id}" if run.draft_id else run.path or run.id
        if memory.id:
            return memories.name_of(run.workspace, flow, f"of flow:{memory.id}")
        return memories.name_of(run.workspace, flow, f"{run.created_by}:{run.memory_id}") if run.memory_id else None

    def _stored(self) -> Files:
        if self._files is None:
            raise AgentRefused("Stored files are not available here.")
        return self._files

    async def resource(self, path: str) -> Any:
        """See `ports.Models`."""
        found = await self._leaves.lookup("resource", path)
        return None if found is None else loads(found)

    async def agent(self, path: str) -> SharedAgent | None:
        """See `ports.Models`. Whoever stored the resource wrote its references; they are read with the rights of the run."""
        text = await self._leaves.written(path)
        if text is None:
            return None
        value = loads(text)
        tools = value.pop("tools", None) if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(tools, list | None):
            raise AgentRefused(f"The resource {path} is no agent: an object with a provider and a list of tools.")
        self._leaves.notice(dumps(tools))
        return SharedAgent(loads(await self._leaves.filled(dumps(value))), value, tools or ())

    async def tools_of(self, server: ToolServer) -> list[RemoteTool]:
        """See `ports.Models`."""
        return await tool_servers.listed(server, self._policy)

    async def call_tool(self, server: ToolServer, name: str, arguments: Mapping[str, Any]) -> RemoteResult:
        """See `ports.Models`."""
        return await tool_servers.called(server, name, arguments, self._policy)
