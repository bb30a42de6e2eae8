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

import httpx2
from pydantic import BaseModel, ValidationError

from flowapp.models import responses, searching
from flowapp.models.errors import ModelMalformed, ModelRefused, ModelUnreachable
from flowapp.models.failures import failure, too_slow
from flowapp.models.turns import collected
from flowapp.net import AddressPolicy, NetError, open_client

if TYPE_CHECKING:
    import openai

T = TypeVar("T")
Hear = Callable[[str], None]
"""Told each piece of an answer's text, in their order."""
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


async def chat(server: ChatServer, request: ChatRequest, policy: AddressPolicy, hear: Hear | None = None) -> ChatAnswer:
    """The model's next turn.

    With `hear` it is asked for in pieces, and each piece of its text is told as it comes. A server that does not stream gives
    it in one piece.

    Raises:
        ModelFailed: there is none; the subclass says why.
    """

    async def ask(client: openai.AsyncOpenAI) -> ChatAnswer:
        if request.search == searching.RESPONSES:
            answer = await responses.turn(client, server.model, request)
            if hear is not None and answer.text:
                hear(answer.text)
            return answer
        return _answer(await _complete(client, server.model, request, hear), hear)

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


async def _complete(
    client: openai.AsyncOpenAI, model: str, request: ChatRequest, hear: Hear | None
) -> str | dict[str, Any]:
    """The turn, in the richest form of the question that the server takes."""
    import openai

    forms = _forms(model, request)
    if hear is not None:
        streamed: list[dict[str, Any]] = [{**form, "stream": True} for form in forms]
        forms = [{**streamed[0], "stream_options": {"include_usage": True}}, *streamed[-1:], *forms[-1:]]
    for form in forms[:-1]:
        try:
            return await _sent(client, form, hear)
        except openai.BadRequestError:
            continue
    return await _sent(client, forms[-1], hear)


async def _sent(client: openai.AsyncOpenAI, form: Mapping[str, Any], hear: Hear | None) -> str | dict[str, Any]:
    if hear is None or not form.get("stream"):
        return str((await client.chat.completions.with_raw_response.create(**form)).text)
    try:
        async with client.chat.completions.with_streaming_response.create(**form) as response:
            if "event-stream" not in response.headers.get("content-type", ""):
                return str(await response.text())
            return await collected(response.iter_lines(), hear)
    except httpx2.TimeoutException as error:
        raise TimeoutError from error
    except httpx2.HTTPError as error:
        raise ModelUnreachable("The connection to the model's server was cut.", "Try again.") from error


def _forms(model: str, request: ChatRequest) -> list[dict[str, Any]]:
    """The question in two forms, or in one where they are the same: as newer servers have it, and for all others."""
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
    # Servers that refuse schemas have it in words, and older ones know the limit by another name.
    return [newer] if newer == asked else [newer, asked]


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


def _answer(given: str | dict[str, Any], hear: Hear | None) -> ChatAnswer:
    """The turn that came whole (a text, which is told now), or in pieces that were put together."""
    try:
        whole = isinstance(given, str)
        completion = (
            _Completion.model_validate_json(given) if isinstance(given, str) else _Completion.model_validate(given)
        )
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
    if hear is not None and whole and message.content:
        hear(message.content)
    found = searching.sources(message.annotations)
    tokens = completion.usage.total_tokens if completion.usage else 0
    return ChatAnswer(message.content or "", calls, tokens, found, bool(found or message.executed_tools))


def _call(call: _Call, index: int) -> FunctionCall:
    given = call.function.arguments
    text = given if isinstance(given, str) else json.dumps(given or {})
    return FunctionCall(call.id or f"call_{index}", call.function.name, text or "{}")
