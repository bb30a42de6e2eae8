"""The inputs of an agent step, read: which model is asked, and what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from flowapp.engine.agents.errors import AgentRefused
from flowapp.engine.values import Memory
from flowapp.jsontext import dumps
from flowapp.models.turns import ChatServer, Message
from flowapp.openflow.agents import PROVIDERS, input_problems

_USUAL_LENGTH = 20
_LONGEST_MEMORY_ID = 200
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
_ROLES = frozenset({"system", "user", "assistant", "tool"})
_SENT = ("role", "content", "tool_calls", "tool_call_id", "name")


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What an agent is to do. `opening` are the messages before the model's first turn, as the model gets them.

    `shown` are the same as they are kept: without the system prompt, and with references in place of secrets.
    """

    server: ChatServer
    opening: tuple[Message, ...]
    shown: tuple[Message, ...]
    system: str = ""
    question: str = ""
    """The user's message; empty where the memory ends with what is to be answered."""
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    turns: int | None = None
    """At most so many turns of the model; None is as many as any agent may have."""
    enabled: frozenset[str] | None = None
    """Names (or ids) of the tools that it may use; None is all of them."""
    memory: Memory | None = None
    files: tuple[Mapping[str, Any], ...] = ()
    """Stored files that the model gets with the user's message."""
    search: str = ""
    """How the model is told that it may search the web by itself; "" where it may not."""
    streaming: bool = False
    """Whether what it says and does is streamed while it does so."""
    draws: bool = False
    """Whether a picture is asked for, and no text."""


def settings_of(args: Mapping[str, Any], kept: Mapping[str, Any]) -> AgentSettings:
    """The settings in a step's arguments; `kept` are the arguments as they are stored.

    Raises:
        AgentRefused: one is missing, wrong, or not supported; the message names it.
    """
    for _, sentence in input_problems(args):
        raise AgentRefused(sentence)
    system, question = _text(args.get("system_prompt")), _text(args.get("user_message"))
    files, draws = tuple(_files(args)), args.get("output_type") == "image"
    if (files or draws) and not question:
        why = "A picture is made of one" if draws else "user_images and user_attachments go with one"
        raise AgentRefused(f"The agent has no user_message. {why}.")
    opening = tuple(as_sent(message) for message in _conversation(args))
    enabled = args.get("enabled_tools")
    return AgentSettings(
        server=_server(args.get("provider")),
        opening=({"role": "system", "content": system}, *opening) if system else opening,
        shown=tuple(_conversation(kept)),
        system=system,
        question=question,
        schema=_schema(args.get("output_schema")),
        temperature=_number(args, "temperature", 0, 2),
        max_tokens=_whole(args, "max_completion_tokens"),
        turns=_whole(args, "max_iterations"),
        enabled=frozenset(map(str, enabled)) if isinstance(enabled, list) else None,
        memory=_memory(args.get("memory")),
        files=files,
        streaming=args.get("streaming") is True,
        draws=draws,
    )


def _server(provider: Any) -> ChatServer:
    if not isinstance(provider, Mapping):
        raise AgentRefused("The agent has no provider: {kind, resource, model}.")
    kind, resource, model = str(provider.get("kind")), provider.get("resource"), provider.get("model")
    if not isinstance(model, str) or not model:
        raise AgentRefused("The agent's provider names no model.")
    if isinstance(resource, str):
        # whatever else the text is: it may be a key
        named = f": {resource}" if resource.startswith("$res:") else ""
        raise AgentRefused(f"The provider's resource is a text, and not a resource{named}")
    given = resource if isinstance(resource, Mapping) else {}
    key = _first(given, "api_key", "apiKey", "token")
    address = _first(given, "base_url", "baseUrl", "baseURL", "url", "endpoint") or PROVIDERS[kind]
    if kind == "aws_bedrock":
        address = address or _bedrock(_first(given, "region"))
        if not key:
            raise AgentRefused("The resource of an aws_bedrock provider has to have an api_key: an API key of Bedrock.")
    if not address:
        raise AgentRefused(f"The resource of a {kind} provider has to have a base_url.")
    headers = given.get("headers")
    own = {str(name): str(text) for name, text in headers.items()} if isinstance(headers, Mapping) else {}
    query = {}
    if kind == "azure_openai":
        own = {"api-key": key, **own}
        version = _first(given, "api_version", "apiVersion")
        query = {"api-version": version} if version else {}
    organization = _first(given, "organization_id", "organizationId")
    if kind == "openai" and organization:
        own = {"OpenAI-Organization": organization, **own}
    return ChatServer(address, model, key, own, query)


def _bedrock(region: str) -> str | None:
    """Where Bedrock speaks OpenAI's protocol: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions.html."""
    if not region:
        return None
    if _REGION.fullmatch(region) is None:
        raise AgentRefused(f"{region[:40]!r} is no region of AWS.")
    return f"https://bedrock-runtime.{region}.amazonaws.com/openai/v1"


def _memory(given: Any) -> Memory | None:
    if not isinstance(given, Mapping) or given.get("kind") != "auto":
        return None
    named = given.get("memory_id")
    if named is not None and (not isinstance(named, str) or len(named) > _LONGEST_MEMORY_ID):
        raise AgentRefused(f"The memory_id is no text of at most {_LONGEST_MEMORY_ID} characters.")
    length = _whole(given, "context_length")
    return Memory(named or "", _USUAL_LENGTH if length is None else length)


def _files(args: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The files that go along, given one by one or in lists."""
    for name in ("user_images", "user_attachments"):
        given = args.get(name) or []
        for one in given if isinstance(given, list) else [given]:
            if not isinstance(one, Mapping) or not isinstance(one.get("s3"), str):
                raise AgentRefused(f'{name} are stored files: {{"s3": "the key"}}.')
            yield one


def _conversation(args: Mapping[str, Any]) -> Iterator[Message]:
    """The messages of the memory, then the user's."""
    memory = args.get("memory")
    earlier = memory.get("messages") if isinstance(memory, Mapping) and memory.get("kind") == "manual" else None
    messages = earlier if isinstance(earlier, list) else []
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise AgentRefused(f"Message {number} of the memory has no role: {', '.join(sorted(_ROLES))}.")
        yield message
    text = _text(args.get("user_message"))
    if text:
        yield {"role": "user", "content": text}
    elif not messages:
        raise AgentRefused("The agent has no user_message.")


def as_sent(message: Message) -> Message:
    """A message without what is ours: servers refuse what they do not know."""
    return {name: message[name] for name in _SENT if name in message}


def _schema(given: Any) -> Mapping[str, Any] | None:
    if given is None or given == {}:
        return None
    if not isinstance(given, dict):
        raise AgentRefused("The output_schema is no JSON Schema.")
    schema = {name: value for name, value in given.items() if name != "order"}
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise AgentRefused(f"The output_schema is no JSON Schema: {error.message}") from None
    return schema


def _number(args: Mapping[str, Any], name: str, least: float, most: float) -> float | None:
    given = args.get(name)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not least <= given <= most:
        raise AgentRefused(f"{name} is not a number from {least} to {most}: {dumps(given)[:80]}")
    return float(given)


def _whole(args: Mapping[str, Any], name: str) -> int | None:
    given = args.get(name)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, float)) or given != int(given) or given < 1:
        raise AgentRefused(f"{name} is not a whole number above 0: {dumps(given)[:80]}")
    return int(given)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)


def _first(given: Mapping[str, Any], *names: str) -> str:
    """The first text under one of some names; "" without any. Types of resources differ in how they call the same."""
    return next((given[name] for name in names if isinstance(given.get(name), str) and given[name]), "")
