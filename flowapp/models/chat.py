"""One turn of a conversation with a model that may call functions, over the protocol of OpenAI's chat completions."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2

from flowapp.models import responses, searching
from flowapp.models.errors import ModelMalformed, ModelUnreachable
from flowapp.models.failures import failure, too_slow
from flowapp.models.shapes import Call, Completion, completion_of, unreadable
from flowapp.models.streams import collected
from flowapp.models.turns import (
    CHECK,
    ChatAnswer,
    ChatRequest,
    ChatServer,
    FunctionCall,
    Hear,
    Message,
    checked,
    described,
)
from flowapp.net import AddressPolicy, NetError, open_client

if TYPE_CHECKING:
    import openai

T = TypeVar("T")
_MOST_CHARACTERS = 8_000_000
"""No turn of a model is longer; a server that goes on for ever is left."""


async def chat(server: ChatServer, request: ChatRequest, policy: AddressPolicy, hear: Hear | None = None) -> ChatAnswer:
    """The model's next turn.

    With `hear` its text is told as it comes, also that of an answer which then breaks off or is none. A server that does not
    stream, and one that searches over the Responses API, is heard once its whole answer is there and is one.

    Raises:
        ModelFailed: there is none; the subclass says why.
    """

    async def ask(client: openai.AsyncOpenAI) -> ChatAnswer:
        heard = False
        if request.search == searching.RESPONSES:
            answer = await responses.turn(client, server.model, request)
        else:
            completion, heard = await _complete(client, server.model, request, hear)
            answer = _answer(completion)
        if hear is not None and not heard and answer.text:
            hear(answer.text)
        return answer

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
) -> tuple[Completion, bool]:
    """The turn, in the richest form of the question that the server takes, and whether it was heard as it came."""
    import openai

    forms = _forms(model, request)
    if hear is not None:
        streamed: list[dict[str, Any]] = [{**form, "stream": True} for form in forms]
        forms = [{**streamed[0], "stream_options": {"include_usage": True}}, *streamed[-1:], *forms[-1:]]
    for form in forms[:-1]:
        try:
            return await _sent(client, form, hear)
        except (openai.BadRequestError, openai.UnprocessableEntityError):
            continue
    return await _sent(client, forms[-1], hear)


async def _sent(client: openai.AsyncOpenAI, form: Mapping[str, Any], hear: Hear | None) -> tuple[Completion, bool]:
    if hear is None or not form.get("stream"):
        answer = await client.chat.completions.with_raw_response.create(**form)
        return completion_of(str(answer.text), CHECK), False
    try:
        async with client.chat.completions.with_streaming_response.create(**form) as response:
            if "event-stream" not in response.headers.get("content-type", ""):
                return completion_of(str(await response.text()), CHECK), False
            return await collected(response.iter_lines(), _MOST_CHARACTERS, hear), True
    except httpx2.TimeoutException as error:
        raise TimeoutError from error
    except httpx2.HTTPError as error:
        raise ModelUnreachable("The connection to the model's server was cut.", "Try again.") from error


def _forms(model: str, request: ChatRequest) -> list[dict[str, Any]]:
    """The question in two forms, or in one where they are the same: as newer servers have it, and for all others."""
    asked: dict[str, Any] = {"model": model, "messages": list(request.messages)}
    if request.functions:
        asked["tools"] = [{"type": "function", "function": described(function)} for function in request.functions]
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


def _with_schema(messages: Sequence[Message], schema: Mapping[str, Any]) -> list[Message]:
    words = f"When you are done, answer with nothing but JSON of this JSON Schema:\n{json.dumps(schema)}"
    first, rest = (messages[0], messages[1:]) if messages[0].get("role") == "system" else (None, messages)
    text = words if first is None else f"{first['content']}\n\n{words}"
    return [{"role": "system", "content": text}, *rest]


def _answer(completion: Completion) -> ChatAnswer:
    if not completion.choices:
        raise ModelMalformed("The model gave an empty answer.", "Try again.")
    choice = completion.choices[0]
    message = choice.message
    found = searching.sources(message.annotations)
    answer = ChatAnswer(
        message.content or "",
        tuple(_call(call, index) for index, call in enumerate(message.tool_calls or ())),
        completion.usage.total_tokens if completion.usage else 0,
        found,
        bool(found or message.executed_tools),
    )
    declined = bool(message.refusal) or choice.finish_reason == "content_filter"
    return checked(answer, declined=declined, cut=choice.finish_reason == "length")


def _call(call: Call, index: int) -> FunctionCall:
    if call.function.name is None:
        raise unreadable(CHECK)
    given = call.function.arguments
    text = given if isinstance(given, str) else json.dumps(given or {})
    return FunctionCall(call.id or f"call_{index}", call.function.name, text or "{}")
