"""Tools of MCP servers over streamable HTTP, through the official library. Knows nothing of flows.

Each listing and each call is a connection of its own: nothing is held open while a model thinks. The library takes a second
or two to import, so it is imported when a server is first asked, and not on the event loop.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from flowapp.errors import FlowappError
from flowapp.net import AddressPolicy, NetError, open_client

if TYPE_CHECKING:
    from mcp import Client

LIST_S = 60.0
MOST_PAGES = 20
LONGEST_REASON = 300


class ToolServerFailed(FlowappError):
    """The server cannot be reached, does not speak the protocol, or refused."""

    code: ClassVar[str] = "models.tool_server_failed"
    status: ClassVar[int] = 502


@dataclass(frozen=True, slots=True)
class ToolServer:
    """Where an MCP server answers. `call_s` bounds a call of a tool."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    call_s: float = 300.0


@dataclass(frozen=True, slots=True)
class RemoteTool:
    """A tool as its server describes it. `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoteResult:
    """What a tool gave: JSON, or a text. `failed`: the tool says that it failed."""

    value: Any
    failed: bool


async def listed(server: ToolServer, policy: AddressPolicy) -> list[RemoteTool]:
    """The tools of a server.

    Raises:
        ToolServerFailed: it cannot be asked; the message says why.
    """
    found: list[RemoteTool] = []
    async with _connected(server, policy, LIST_S) as client:
        cursor = None
        for _ in range(MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += [RemoteTool(tool.name, tool.description or "", tool.input_schema) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                break
    return found


async def called(server: ToolServer, name: str, arguments: Mapping[str, Any], policy: AddressPolicy) -> RemoteResult:
    """What a tool of a server gives.

    Raises:
        ToolServerFailed: it cannot be asked, or refused the call; the message says why.
    """
    async with _connected(server, policy, server.call_s) as client:
        result = await client.call_tool(name, dict(arguments))
        if result.structured_content is not None:
            return RemoteResult(result.structured_content, bool(result.is_error))
        parts = [part.model_dump(mode="json", exclude_none=True) for part in result.content]
    texts = [str(part.get("text")) for part in parts if part.get("type") == "text"]
    return RemoteResult("\n".join(texts) if len(texts) == len(parts) else parts, bool(result.is_error))


@asynccontextmanager
async def _connected(server: ToolServer, policy: AddressPolicy, seconds: float) -> AsyncIterator[Client]:
    await asyncio.to_thread(importlib.import_module, "mcp")
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    http = open_client(policy, timeout_s=seconds)
    http.headers.update(dict(server.headers))
    try:
        transport = streamable_http_client(server.url, http_client=http)
        async with asyncio.timeout(seconds), http, Client(transport, cache=None) as client:
            yield client
    except Exception as error:
        raise _failure(error, server, seconds) from error


def _failure(error: Exception, server: ToolServer, seconds: float) -> ToolServerFailed:
    """The failure in the words of its cause; the library's own come in groups."""
    causes = list(_leaves(error))
    refused = next((cause for cause in causes if isinstance(cause, NetError)), None)
    if refused is not None:
        return ToolServerFailed(f"The MCP server cannot be reached. {refused.message}", refused.hint)
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return ToolServerFailed(f"The MCP server did not answer within {seconds:g} s.", "Try again.")
    words = next((str(cause) for cause in causes if str(cause)), type(error).__name__)[:LONGEST_REASON]
    for secret in server.headers.values():
        for part in {secret, secret.rpartition(" ")[2]} - {""}:
            words = words.replace(part, "…")
    return ToolServerFailed(f"The MCP server does not answer as one: {words}", "Check its address and token.")


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """An error with what it groups, and what they came from, each once."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        here = waiting.pop(0)
        if here is None or id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, BaseExceptionGroup):
            waiting += here.exceptions
        else:
            yield here
        waiting.append(here.__cause__ or here.__context__)
