"""The tools of an MCP server as functions of the model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowapp.engine.agents.arguments import object_of
from flowapp.engine.agents.errors import AgentRefused
from flowapp.engine.errors import error_value
from flowapp.engine.large import MADE_UP, makes_up_reference
from flowapp.engine.scope import Scope
from flowapp.engine.values import Done, Module, StepInfo
from flowapp.jsontext import JsonText, dumps
from flowapp.models.tool_servers import ToolServer, ToolServerFailed
from flowapp.models.turns import ChatFunction
from flowapp.openflow.agents import function_name, tool_id, tool_type
from flowapp.openflow.walk import tools

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter
    from flowapp.engine.ports import Models

KIND = "mcp"
"""The kind under which calls are recorded."""
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool of a server: `name` is what the server calls it. The server checks its arguments itself."""

    id: str
    function: ChatFunction
    name: str
    resource: str
    server: ToolServer
    models: Models

    async def call(self, interpreter: Interpreter, scope: Scope, arguments: str, place: str) -> Done:
        """Call it with the model's arguments (JSON text of an object), once: a recorded call is not made again.

        Raises:
            BadArguments: they are no object.
        """
        given, journal = object_of(arguments), interpreter.ports.journal
        meta = {"function": self.function.name, "resource": self.resource}
        info = StepInfo(place + self.id, self.id, KIND, None, meta)
        known = await journal.recall(info.path)
        if known is not None and known.finished:
            return Done(known.value, failed=known.status != "success")
        step = journal.open(info, 1, dumps(given))
        try:
            found = await self.models.call_tool(self.server, self.name, given)
        except ToolServerFailed as error:
            done = Done(error_value("ToolServerFailed", error.message), failed=True)
        else:
            text = _error(found.value) if found.failed else dumps(found.value)
            made_up = makes_up_reference(text)
            done = Done(_error(MADE_UP) if made_up else text, failed=found.failed or made_up)
        await step.close("failure" if done.failed else "success", done.value)
        return done

    def action(self, job: str, arguments: str) -> dict[str, Any]:
        """What clients are told of a call."""
        name = self.function.name
        told = {"type": "mcp_tool_call", "call_id": job, "function_name": name, "resource_path": self.resource}
        return {**told, "arguments": object_of(arguments)}


async def mcp_tools(models: Models, agent: Module, enabled: frozenset[str] | None) -> list[McpTool]:
    """The tools of the MCP servers that an agent names; with `enabled` only those of these names, or of servers of these ids.

    Raises:
        AgentRefused: a server's resource is not one.
        ToolServerFailed: a server cannot be asked.
        FlowappError: a resource may not be read.
    """
    found: list[McpTool] = []
    for index, tool in enumerate(tools(agent)):
        if tool_type(tool) != "mcp":
            continue
        value, identity = tool["value"], tool_id(tool, index)
        path = str(value.get("resource_path") or "").removeprefix("$res:")
        server = _server(path, await models.resource(path))
        whole = enabled is None or bool({identity, function_name(tool, index)} & enabled)
        for remote in await models.tools_of(server):
            if not _wanted(remote.name, value):
                continue
            name = _UNFIT.sub("_", remote.name)[:_LONGEST_NAME]
            if whole or (enabled is not None and {name, remote.name} & enabled):
                function = ChatFunction(name, remote.description, remote.schema)
                found.append(McpTool(identity, function, remote.name, path, server, models))
    return found


def _wanted(name: str, value: Mapping[str, Any]) -> bool:
    """Whether a server's tool is one of those that the document names; a list that is empty names nothing."""
    only, never = value.get("include_tools") or (), value.get("exclude_tools") or ()
    return (not only or name in only) and name not in never


def _server(path: str, resource: Any) -> ToolServer:
    url = resource.get("url") if isinstance(resource, Mapping) else None
    if not isinstance(url, str) or not url:
        raise AgentRefused(f"The resource {path or '(no path)'} of an MCP server is not there, or has no url.")
    headers = resource.get("headers")
    given = {str(name): str(text) for name, text in headers.items()} if isinstance(headers, Mapping) else {}
    token = resource.get("token")
    if isinstance(token, str) and token:
        given = {"Authorization": f"Bearer {token}", **given}
    return ToolServer(url, given)


def _error(value: Any) -> JsonText:
    return error_value("ToolError", value if isinstance(value, str) else dumps(value))
