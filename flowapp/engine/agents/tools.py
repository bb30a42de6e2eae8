"""The modules that an agent may call, as functions of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flowapp.engine.agents.arguments import checked
from flowapp.engine.agents.errors import AgentRefused
from flowapp.engine.scope import Scope
from flowapp.engine.values import Done, Module
from flowapp.jsontext import loads
from flowapp.models.turns import ChatFunction
from flowapp.openflow.agents import function_name, name_problems, tool_id, tool_problems, tool_type
from flowapp.openflow.walk import inputs_of, kind_of, tools
from flowapp.signatures import SignatureProblem, infer

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter

_AGENT = {"user_message": {"type": "string"}, "system_prompt": {"type": "string"}}
_LEFT_OUT = frozenset({"$schema", "order"})


@dataclass(frozen=True, slots=True)
class ModuleTool:
    """A module as a function: `parameters` are the inputs that its document leaves to the model."""

    id: str
    function: ChatFunction
    module: Module

    async def call(self, interpreter: Interpreter, scope: Scope, arguments: str, place: str) -> Done:
        """Run the module with the model's arguments (JSON text of an object) as a step at `place`.

        Raises:
            BadArguments: they do not fit the function's schema.
        """
        module = bound(self.module, checked(arguments, self.function.parameters))
        asked = replace(interpreter, frame=replace(interpreter.frame, asked=True))
        return await asked.step(module, scope.child(), place, {"function": self.function.name})

    def action(self, job: str, arguments: str) -> dict[str, Any]:
        """What clients are told of a call."""
        return {"type": "tool_call", "job_id": job, "function_name": self.function.name, "module_id": self.id}


async def module_tools(interpreter: Interpreter, agent: Module, enabled: frozenset[str] | None) -> list[ModuleTool]:
    """The functions that the modules of an agent are; with `enabled` only those of these names or ids.

    Raises:
        AgentRefused: a tool is not supported, or cannot be called as it is.
        FlowappError: a stored script or flow is not there.
    """
    for _, sentence in (*tool_problems(agent["value"]), *name_problems(agent)):
        raise AgentRefused(sentence)
    found = []
    for index, tool in enumerate(tools(agent)):
        name, identity = function_name(tool, index), tool_id(tool, index)
        if tool_type(tool) != "flowmodule" or not (enabled is None or {name, identity} & enabled):
            continue
        module = {"id": identity, "value": {**tool["value"], "input_transforms": inputs_of(tool)}}
        parameters = await _parameters(interpreter, module, name)
        found.append(ModuleTool(identity, ChatFunction(name, str(tool.get("description") or ""), parameters), module))
    return found


def bound(module: Module, arguments: Mapping[str, Any]) -> Module:
    """A tool's module with the model's arguments as fixed values; what the model left out is left out."""
    inputs = {name: transform for name, transform in inputs_of(module).items() if not _is_left(transform)}
    given = {name: {"type": "static", "value": value} for name, value in arguments.items()}
    return {**module, "value": {**module["value"], "input_transforms": {**inputs, **given}}}


async def _parameters(interpreter: Interpreter, module: Module, name: str) -> dict[str, Any]:
    left = [field for field, transform in inputs_of(module).items() if _is_left(transform)]
    schema = await _schema(interpreter, module, name) if left else {}
    properties = schema.get("properties") or {}
    required = [field for field in left if field in (schema.get("required") or ())]
    return {
        "type": "object",
        "properties": {field: _plain(properties.get(field) or {}) for field in left},
        "required": required,
        "additionalProperties": False,
    }


async def _schema(interpreter: Interpreter, module: Module, name: str) -> Mapping[str, Any]:
    """The schema of what a module takes."""
    value, library = module["value"], interpreter.ports.library
    language, code = str(value.get("language")), str(value.get("content") or "")
    match kind_of(module):
        case "aiagent":
            return {"properties": _AGENT, "required": ["user_message"]}
        case "flow":
            called = await library.flow(str(value.get("path") or ""), None)
            given = called.flow.get("schema")
            return given if isinstance(given, Mapping) else {}
        case "script":
            pinned = value.get("hash")
            stored = await library.script(str(value.get("path") or ""), None if pinned is None else str(pinned))
            given = loads(stored.schema) if stored.schema else None
            if isinstance(given, dict):
                return given
            language, code = stored.language, stored.content
        case "rawscript":
            pass
        case kind:
            raise AgentRefused(f"The tool {name} is of the kind {kind}, which has no inputs for the model to fill in.")
    found = infer(language, code)
    if isinstance(found, SignatureProblem):
        raise AgentRefused(f"The inputs of the tool {name} cannot be read: line {found.line}: {found.message}")
    return found.schema


def _plain(schema: Any) -> Any:
    """A schema without what only Flowapp and its forms understand."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        name: _plain(part)
        for name, part in schema.items()
        if name not in _LEFT_OUT and not (name == "format" and str(part).startswith("resource-"))
    }


def _is_left(transform: Any) -> bool:
    """Whether an input is left to the model."""
    return isinstance(transform, Mapping) and transform.get("type") == "ai"
