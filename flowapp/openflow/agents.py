"""AI agent steps: which providers there are, what this version leaves out, and how their tools are called. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flowapp.openflow.walk import id_of, inputs_of, kind_of, tools

PROVIDERS: Mapping[str, str | None] = {
    "openai": "https://api.openai.com/v1",
    "azure_openai": None,
    "anthropic": "https://api.anthropic.com/v1",
    "mistral": "https://api.mistral.ai/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "googleai": "https://generativelanguage.googleapis.com/v1beta/openai",
    "groq": "https://api.groq.com/openai/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "togetherai": "https://api.together.xyz/v1",
    "customai": None,
    "aws_bedrock": None,
}
"""Kinds of providers that speak OpenAI's chat completions, and their address; None: the resource has to name it, or its region."""
DRAWING = frozenset({"openai", "azure_openai", "togetherai", "customai"})
"""Kinds that speak OpenAI's protocol for making pictures."""

INPUTS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "provider": {
            "type": "object",
            "description": "Who answers: the kind of provider, a resource with its key, and the name of the model",
            "examples": ['{"kind": "openai", "resource": "$res:u/me/openai", "model": "gpt-4o-mini"}'],
        },
        "user_message": {"type": "string", "description": "The question"},
        "system_prompt": {"type": "string", "description": "What the model is told beforehand"},
        "output_type": {"type": "string", "enum": ["text", "image"], "default": "text"},
        "output_schema": {"type": "object", "description": "JSON Schema that the answer has to fit"},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "max_completion_tokens": {"type": "integer", "minimum": 1},
        "max_iterations": {"type": "integer", "minimum": 1, "description": "At most so many turns of the model"},
        "streaming": {
            "type": "boolean",
            "description": "Whether the answer is shown while the model writes it",
        },
        "memory": {
            "type": "object",
            "description": "What was said before: off, auto (its own earlier runs), or manual with messages",
            "examples": ['{"kind": "auto", "context_length": 20}', '{"kind": "manual", "messages": []}'],
        },
        "user_images": {
            "type": "array",
            "items": {"type": "object", "format": "resource-s3_object"},
            "description": "Stored pictures and documents that go along with the question",
        },
        "enabled_tools": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Names of the tools that may be used",
        },
    },
    "required": ["provider", "user_message"],
}
"""JSON Schema of an agent's inputs, in the order in which they are shown."""

SEARCHING: Mapping[str, str] = {
    "openai": "responses",
    "azure_openai": "responses",
    "openrouter": "openrouter:web_search",
    "groq": "browser_search",
    "customai": "web_search_options",
}
"""Kinds that search the web for their models when they are asked to, and the way in which they are (`models.searching`)."""
OWN_INPUTS = ("user_message", "user_images", "user_attachments", "enabled_tools")
"""Inputs of a step whose agent is a resource. All others are the resource's."""
LINKED_INPUTS: Mapping[str, Any] = {
    "type": "object",
    "properties": {name: schema for name, schema in INPUTS["properties"].items() if name in OWN_INPUTS},
    "required": ["user_message"],
}

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INSTEAD = "Use one of these: " + ", ".join(PROVIDERS) + "."


def provider_problem(kind: object) -> str | None:
    """Why a kind of provider cannot be asked; None when it can."""
    if kind in PROVIDERS:
        return None
    return f"The provider {kind!r} is not known. {_INSTEAD}"


def search_problem(kind: object) -> str | None:
    """Why a kind of provider does not search the web; None when it does, or is none."""
    if kind in SEARCHING or kind not in PROVIDERS:
        return None
    return (
        f"The provider {kind} has no web search here: give the agent a tool that searches, or use one of these: "
        f"{', '.join(SEARCHING)}."
    )


def input_problems(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the values of an agent's inputs ask for that is not there: `(input, sentence)`. Inputs not given are passed over."""
    provider = inputs.get("provider")
    if isinstance(provider, Mapping):
        problem = provider_problem(provider.get("kind"))
        if problem is not None:
            yield "provider", problem
    output = inputs.get("output_type")
    if output not in (None, "text", "image"):
        yield "output_type", f"The output type {output!r} is not known: it is text or image."
    if output == "image":
        yield from _drawing_problems(inputs, provider)
    if not isinstance(inputs.get("streaming"), bool | None):
        yield "streaming", f"streaming is true or false, and not {inputs['streaming']!r}."
    memory = inputs.get("memory")
    kind = memory.get("kind") if isinstance(memory, Mapping) else memory
    if kind not in (None, "off", "auto", "manual"):
        yield "memory", f"The memory {kind!r} is not known: it is off, auto, or manual with messages."


def _drawing_problems(inputs: Mapping[str, Any], provider: Any) -> Iterator[tuple[str, str]]:
    kind = provider.get("kind") if isinstance(provider, Mapping) else None
    if kind in PROVIDERS and kind not in DRAWING:
        yield (
            "output_type",
            f"The provider {kind} gives no pictures here. Use one of these: {', '.join(sorted(DRAWING))}.",
        )
    for name in ("user_images", "user_attachments", "output_schema"):
        if inputs.get(name):
            yield name, f"{name} does not go with the output type image: a picture is made of the texts alone."


def missing_inputs(given: Mapping[str, Any], fixed: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Inputs that an agent cannot do without: `(input, sentence)`. `given` are its transforms, `fixed` the values that they fix."""

    def is_set(name: str) -> bool:
        return name in given and (name not in fixed or fixed[name] not in (None, ""))

    provider = fixed.get("provider")
    if not is_set("provider"):
        yield "provider", "The agent has no provider."
    elif isinstance(provider, Mapping) and not provider.get("model"):
        yield "provider", "The agent's provider names no model."
    if not is_set("user_message") and not is_set("memory"):
        yield "user_message", "The agent has no user_message."


def tool_problems(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What an agent's module value asks for that is not there, or is not right: `(pointer below the value, sentence)`."""
    provider = static_inputs({"value": value}).get("provider")
    problem = search_problem(provider.get("kind")) if isinstance(provider, Mapping) else None
    if problem is None:
        return
    for index, tool in enumerate(tools({"value": value})):
        if tool_type(tool) == "websearch":
            yield f"/tools/{index}", problem


def name_problems(module: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Tools whose names cannot be those of functions, or are another's: `(pointer below the value, sentence)`."""
    seen: set[str] = set()
    for index, tool in enumerate(tools(module)):
        if tool_type(tool) != "flowmodule":
            continue
        name = function_name(tool, index)
        if _NAME.fullmatch(name) is None:
            hint = "Its summary has to be a name of letters, digits and _."
            yield f"/tools/{index}", f"The tool {name!r} cannot be called. {hint}"
        elif name in seen:
            yield f"/tools/{index}", f"Two tools are called {name}. Give one of them another summary."
        seen.add(name)


def agent_path(value: Mapping[str, Any]) -> str:
    """The path of the resource that is the agent of a step; "" where the step is one by itself."""
    path = value.get("agent")
    return path.removeprefix("$res:") if isinstance(path, str) else ""


def bound_tools(listed: Any, bindings: Any) -> list[Any]:
    """Tools with the inputs that a step binds (`{tool id: {input: transform}}`) in place of those that they come with."""
    found: list[Any] = []
    for index, tool in enumerate(listed if isinstance(listed, list) else []):
        own = (
            bindings.get(tool_id(tool, index)) if isinstance(bindings, Mapping) and isinstance(tool, Mapping) else None
        )
        value = tool.get("value") if isinstance(tool, Mapping) else None
        if isinstance(own, Mapping) and isinstance(value, Mapping) and tool_type(tool) == "flowmodule":
            set_here = {name: transform for name, transform in own.items() if transform is not None}
            tool = {**tool, "value": {**value, "input_transforms": {**inputs_of(tool), **set_here}}}
        found.append(tool)
    return found


def unused_inputs(module: Mapping[str, Any]) -> Iterator[str]:
    """Inputs of a step that its agent, a resource, decides instead."""
    if agent_path(module["value"]):
        yield from (name for name in inputs_of(module) if name in INPUTS["properties"] and name not in OWN_INPUTS)


def static_inputs(module: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a step whose values stand in the document."""
    found = {}
    for name, transform in inputs_of(module).items():
        if not isinstance(transform, Mapping):
            found[name] = transform
        elif transform.get("type") == "static":
            found[name] = transform.get("value")
    return found


def tool_type(tool: Mapping[str, Any]) -> str:
    """`flowmodule` (any module value; older documents do not say so), `mcp` or `websearch`."""
    value = tool.get("value")
    kind = value.get("tool_type") if isinstance(value, Mapping) else None
    return kind if kind in ("mcp", "websearch") else "flowmodule"


def function_name(tool: Mapping[str, Any], index: int) -> str:
    """The name by which the model calls a tool: its summary, else its id."""
    summary = tool.get("summary")
    return summary.strip() if isinstance(summary, str) and summary.strip() else tool_id(tool, index)


def tool_id(tool: Mapping[str, Any], index: int) -> str:
    """The id under which calls of a tool are recorded."""
    return id_of(tool) or f"tool{index}"


def is_agent(module: Mapping[str, Any]) -> bool:
    """Whether a module is an AI agent."""
    return kind_of(module) == "aiagent"
