"""The modules that an agent may call, as functions of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from flowapp.engine.agents.errors import AgentRefused
from flowapp.engine.secrets import SECRET_MARKS
from flowapp.engine.values import Module
from flowapp.errors import FlowappError
from flowapp.jsontext import loads
from flowapp.models.chat import ChatFunction
from flowapp.openflow.agents import function_name, name_problems, tool_id, tool_problems, tool_type
from flowapp.openflow.walk import inputs_of, kind_of, tools
from flowapp.signatures import SignatureProblem, infer
from flowapp.store.blobs import REFERENCE

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter

_AGENT = {"user_message": {"type": "string"}, "system_prompt": {"type": "string"}}
_LEFT_OUT = frozenset({"$schema", "order"})


class BadArguments(FlowappError):
    """The model's arguments do not fit the function; it is told so, and may call again."""


@dataclass(frozen=True, slots=True)
class ModuleTool:
    """A module as a function: `parameters` are the inputs that its document leaves to the model."""

    id: str
    function: ChatFunction
    module: Module

    def called(self, arguments: str) -> Module:
        """The module with the model's arguments (JSON text of an object) in it.

        Raises:
            BadArguments: they do not fit the function's schema.
        """
        return bound(self.module, checked(arguments, self.function.parameters))


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


def checked(arguments: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The model's arguments as an object that fits a schema.

    A text that looks like a reference is refused: the model writes what it has read somewhere, and nobody vouches for that.

    Raises:
        BadArguments: they do not fit; the message says where.
    """
    try:
        value = loads(arguments)
    except ValueError:
        raise BadArguments("The arguments are not JSON.") from None
    if not isinstance(value, dict):
        raise BadArguments("The arguments are not a JSON object.")
    wrong = next(Draft202012Validator(schema).iter_errors(value), None)
    if wrong is not None:
        place = "/".join(map(str, wrong.absolute_path))
        raise BadArguments(f"The arguments do not fit: {place + ': ' if place else ''}{wrong.message}")
    _refuse_references(value)
    return value


def _refuse_references(value: Any) -> None:
    if isinstance(value, str):
        if value.startswith(tuple(mark[1:] for mark in SECRET_MARKS)):
            raise BadArguments("Arguments cannot refer to variables or resources.")
    elif isinstance(value, list):
        for item in value:
            _refuse_references(item)
    elif isinstance(value, dict):
        if REFERENCE in value:
            raise BadArguments(f"Arguments cannot hold the key {REFERENCE}.")
        for item in value.values():
            _refuse_references(item)


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
