"""A world with an agent in it, and a model's server that the test starts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from flowapp.engine.agents.errors import AgentRefused
from flowapp.engine.ports import FileContent, SharedAgent
from flowapp.engine.values import Done, Memory
from flowapp.jsontext import JsonText, loads
from flowapp.models.chat import chat
from flowapp.models.pictures import Picture, picture
from flowapp.models.tool_servers import RemoteResult, RemoteTool, ToolServer, called, listed
from flowapp.models.turns import ChatAnswer, ChatRequest, ChatServer, Hear, Message
from flowapp.net import AddressPolicy
from flowapp.store.masks import MaskedLog, Masks
from tests.support.chat_server import ChatServerDouble, Says, chat_server
from tests.unit.engine.fakes import World
from tests.unit.net.http_server import Answer as Reply

LOCAL = AddressPolicy.parse("127.0.0.1")
AI = {"type": "ai"}


def fixed(value: Any) -> dict[str, Any]:
    return {"type": "static", "value": value}


@dataclass
class Models:
    """The port as the engine fills it in, but that `resources` are all that there is to look up."""

    policy: AddressPolicy = LOCAL
    resources: dict[str, Any] = field(default_factory=dict)
    files: dict[str, FileContent] = field(default_factory=dict)
    said: dict[tuple[str, str], dict[str, list[Message]]] = field(default_factory=dict)
    masks: Masks = field(default_factory=Masks)

    async def resolved(self, args: JsonText) -> JsonText:
        return args

    async def chat(self, server: ChatServer, request: ChatRequest, hear: Hear | None = None) -> ChatAnswer:
        return await chat(server, request, self.policy, hear)

    def masked(self, write: Callable[[str], None]) -> MaskedLog:
        return MaskedLog(self.masks, "run", write)

    async def picture(self, server: ChatServer, prompt: str) -> Picture:
        return await picture(server, prompt, self.policy)

    async def file(self, file: Mapping[str, Any], most: int) -> FileContent:
        found = self.files.get(file["s3"])
        if found is None:
            raise AgentRefused(f"There is no file {file['s3']}.")
        assert len(found.content) <= most
        return found

    async def keep(self, content: bytes, extension: str) -> dict[str, Any]:
        key = f"new.{extension}"
        self.files[key] = FileContent(key, "image/png", content)
        return {"s3": key}

    async def earlier(self, memory: Memory, step: str, job: str) -> list[Message]:
        jobs = self.said.get((memory.id, step), {})
        return [message for by, messages in jobs.items() if by != job for message in messages]

    async def remember(self, memory: Memory, step: str, job: str, messages: Sequence[Message]) -> None:
        self.said.setdefault((memory.id, step), {})[job] = list(messages)

    async def resource(self, path: str) -> Any:
        return self.resources.get(path)

    async def agent(self, path: str) -> SharedAgent | None:
        found = self.resources.get(path)
        if found is None:
            return None
        value = {name: part for name, part in found.items() if name != "tools"}
        return SharedAgent(value, value, found.get("tools") or ())

    async def tools_of(self, server: ToolServer) -> list[RemoteTool]:
        return await listed(server, self.policy)

    async def call_tool(self, server: ToolServer, name: str, arguments: Mapping[str, Any]) -> RemoteResult:
        return await called(server, name, arguments, self.policy)


@dataclass
class Desk:
    """A world with a model in it."""

    world: World
    server: ChatServerDouble
    models: Models = field(default_factory=Models)

    def agent(self, *tools: dict[str, Any], value: Any = None, **inputs: Any) -> dict[str, Any]:
        provider = {"kind": "customai", "resource": {"api_key": "sk-secret", "base_url": self.server.url}, "model": "m"}
        given = {"provider": provider, "user_message": "How much?", "output_type": "text", **inputs}
        transforms = {name: v if _is_transform(v) else fixed(v) for name, v in given.items()}
        return {
            "id": "ask",
            "value": {"type": "aiagent", "input_transforms": transforms, "tools": list(tools), **(value or {})},
        }

    async def run(self, *modules: dict[str, Any], args: Any = None, **more: Any) -> Done:
        return await self.world.run(list(modules), args, models=self.models, **more)


def _is_transform(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") in ("static", "javascript", "ai")


def tool(name: str, code: str, inputs: dict[str, Any], identity: str | None = None, **more: Any) -> dict[str, Any]:
    """A tool that is Python code; `code` names it among the world's leaves by its text."""
    value = {"type": "rawscript", "language": "python3", "content": code, "input_transforms": inputs, **more}
    return {"id": identity or name, "summary": name, "value": {"tool_type": "flowmodule", **value}}


PRICE = "def main(item: str, currency: str, count: int = 1):\n    return 1\n"


def price(**inputs: Any) -> dict[str, Any]:
    return tool("price", PRICE, inputs or {"item": AI, "count": AI, "currency": fixed("EUR")}, identity="p")


@asynccontextmanager
async def desk(*turns: Reply | Says, **leaves: Any) -> AsyncIterator[Desk]:
    async with chat_server(*turns) as server:
        yield Desk(World(leaves), server)


def error_of(done: Done) -> dict[str, Any]:
    assert done.failed
    error: dict[str, Any] = loads(done.value)["error"]
    return error
