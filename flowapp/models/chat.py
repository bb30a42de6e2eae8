"""One turn of a conversation with a model that may call functions, over the protocol of OpenAI's chat completions.

Who asks keeps the conversation. Messages are as the protocol has them: `{"role", "content", "tool_calls"?, "tool_call_id"?}`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from flowapp.models import responses, searching
from flowapp.models.errors import ModelMalformed, ModelRefused, ModelUnreachable
from flowapp.models.failures import failure, too_slow
from flowapp.net import AddressPolicy, NetError, open_client

if TYPE_CHECKING:
    import openai

T = TypeVar("T")
Message = dict[str, Any]
CHECK = "Check the address, the key and the name of the model."


@dataclass(frozen=True, slots=True)
class ChatServer:
    """Where a model answers. `timeout_s` bounds a turn, with its repetitions."""

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class ChatFunction:
    """A function that the model may call. `parameters` is the JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a model is asked. With `schema` (JSON Schema) its last answer is to be JSON of that form; nobody checks it here."""

    messages: Sequence[Message]
    functions: Sequence[ChatFunction] = ()
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    search: str = ""
    """How it is told that it may search the web by itself (`searching`); "" where it may not."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call that the model wishes. `arguments` is its text, which should be JSON of an object."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What a model said, or which functions it wants to be called first. `tokens`: what the turn used, 0 when unknown.

    `sources` are the pages that it names, `{"type": "url_citation", "url_citation": {"url", "title", …}}`.
    """

    text: str
    calls: tuple[FunctionCall, ...] = ()
    tokens: int = 0
    sources: tuple[dict[str, Any], ...] = ()
    searched: bool = False


async def chat(server: ChatServer, request: ChatRequest, policy: AddressPolicy) -> ChatAnswer:
    """The model's next turn.

    Raises:
        ModelFailed: there is none; the subclass says why.
    """

    async def ask(client: openai.AsyncOpenAI) -> ChatAnswer:
        if request.search == searching.RESPONSES:
            return await responses.turn(client, server.model, request)
        return _answer(await _complete(client, server.model, request))

    return await talking(server, policy, ask)


async def talking(server: ChatServer, policy: AddressPolicy, ask: Callable[[openai.AsyncOpenAI], Awaitable[T]]) -> T:
    """What `ask` gets from a server within its time.

    Raises:
        ModelFailed: there is no answer; the subclass says why.
    """
    # half a second, which nobody else on the event loop should wait for
    await asyncio.to_thread(importlib.import_module, "openai")
    import openai

    client = openai.AsyncOpenAI(
        # Without any key the client would look into the environment, and refuse to start.
        api_key=server.key or "none",
        base_url=server.base_url,
        default_headers=dict(server.headers),
        default_query=dict(server.query),
        max_retries=2,
        timeout=server.timeout_s,
        http_client=open_client(policy, timeout_s=server.timeout_s),
    )
    try:
        async with asyncio.timeout(server.timeout_s):
            return await ask(client)
    except TimeoutError as error:
        raise too_slow(server.timeout_s) from error
    except NetError as error:
        raise ModelUnreachable(f"The model's server cannot be reached. {error.message}", error.hint) from error
    except openai.OpenAIError as error:
        raise failure(error, server.timeout_s, CHECK, server.model) from error
    finally:
        await client.close()


async def _complete(client: openai.AsyncOpenAI, model: str, request: ChatRequest) -> str:
    import openai

    create = client.chat.completions.with_raw_response.create
    asked: dict[str, Any] = {"model": model, "messages": list(request.messages)}
    if request.functions:
        asked["tools"] = [_function(function) for function in request.functions]
    searching.add(asked, request.search)
    if request.temperature is not None:
        asked["temperature"] = request.temperature
    newer = dict(asked)
    if request.max_tokens is not None:
        newer["max_completion_tokens"] = request.max_tokens
        asked["max_tokens"] = request.max_tokens
    if request.schema is not None:
        newer["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "output", "schema": dict(request.schema)},
        }
        # in words too: some servers pass over a form that they do not know, and say nothing
        newer["messages"] = asked["messages"] = _with_schema(request.messages, request.schema)
    try:
        return str((await create(**newer)).text)
    except openai.BadRequestError:
        if newer == asked:
            raise
        # Servers that refuse schemas have it in words, and older ones know the limit by another name.
        return str((await create(**asked)).text)


def _function(function: ChatFunction) -> dict[str, Any]:
    described = {"description": function.description} if function.description else {}
    return {
        "type": "function",
        "function": {"name": function.name, **described, "parameters": dict(function.parameters)},
    }


def _with_schema(messages: Sequence[Message], schema: Mapping[str, Any]) -> list[Message]:
    words = f"When you are done, answer with nothing but JSON of this JSON Schema:\n{json.dumps(schema)}"
    first, rest = (messages[0], messages[1:]) if messages[0].get("role") == "system" else (None, messages)
    text = words if first is None else f"{first['content']}\n\n{words}"
    return [{"role": "system", "content": text}, *rest]


class _Called(BaseModel):
    name: str
    # some servers send an object, and some nothing for a function without parameters
    arguments: str | dict[str, Any] | None = None


class _Call(BaseModel):
    id: str | None = None
    function: _Called


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    annotations: list[searching.Annotation] | None = None
    # what Groq's models did by themselves
    executed_tools: list[Any] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    total_tokens: int = 0


class _Completion(BaseModel):
    """What is read of an answer. The client's own types take any JSON for an answer, a web page too."""

    choices: list[_Choice]
    usage: _Usage | None = None


def _answer(text: str) -> ChatAnswer:
    try:
        completion = _Completion.model_validate_json(text)
    except ValidationError as error:
        raise ModelMalformed("The model's server gave an answer that cannot be read.", CHECK) from error
    if not completion.choices:
        raise ModelMalformed("The model gave an empty answer.", "Try again.")
    choice = completion.choices[0]
    message = choice.message
    if message.refusal or choice.finish_reason == "content_filter":
        raise ModelRefused("The model declined to answer.", "Ask in other words, or choose another model.")
    if choice.finish_reason == "length":
        raise ModelMalformed("The model's answer was cut off.", "Raise max_completion_tokens, or ask for less.")
    calls = tuple(_call(call, index) for index, call in enumerate(message.tool_calls or ()))
    if not calls and not message.content:
        raise ModelMalformed("The model gave an empty answer.", "Try again.")
    found = searching.sources(message.annotations)
    tokens = completion.usage.total_tokens if completion.usage else 0
    return ChatAnswer(message.content or "", calls, tokens, found, bool(found or message.executed_tools))


def _call(call: _Call, index: int) -> FunctionCall:
    given = call.function.arguments
    text = given if isinstance(given, str) else json.dumps(given or {})
    return FunctionCall(call.id or f"call_{index}", call.function.name, text or "{}")
