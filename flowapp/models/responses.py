"""A turn over OpenAI's Responses API: where a model is to search the web and may call functions, it is asked so.

Who asks keeps the conversation, as messages of chat completions; the server keeps nothing (`store`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from flowapp.models.searching import Annotation, sources
from flowapp.models.shapes import Usage, unreadable
from flowapp.models.turns import CHECK, ChatAnswer, ChatRequest, FunctionCall, checked, described

if TYPE_CHECKING:
    import openai


async def turn(client: openai.AsyncOpenAI, model: str, request: ChatRequest) -> ChatAnswer:
    """The model's next turn.

    Raises:
        ModelMalformed: it cannot be read, or was cut off.
        ModelRefused: the model declines.
        OpenAIError: see `failures`.
    """
    answer = await client.responses.with_raw_response.create(**_asked(model, request))
    return _answer(str(answer.text))


def _asked(model: str, request: ChatRequest) -> dict[str, Any]:
    functions = [{"type": "function", **described(function), "strict": False} for function in request.functions]
    asked: dict[str, Any] = {
        "model": model,
        "input": [item for message in request.messages for item in _items(message)],
        "tools": [{"type": "web_search"}, *functions],
        "store": False,
    }
    if request.temperature is not None:
        asked["temperature"] = request.temperature
    if request.max_tokens is not None:
        asked["max_output_tokens"] = request.max_tokens
    if request.schema is not None:
        form = {"type": "json_schema", "name": "output", "schema": dict(request.schema), "strict": False}
        asked["text"] = {"format": form}
    return asked


def _items(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A message of chat completions as the items that it is here."""
    role, content = message.get("role"), message.get("content")
    if role == "tool":
        yield {"type": "function_call_output", "call_id": message.get("tool_call_id"), "output": content or ""}
        return
    if content:
        parts = content if isinstance(content, str) else [_part(part) for part in content]
        yield {"role": role, "content": parts}
    for call in message.get("tool_calls") or ():
        function = call["function"]
        yield {
            "type": "function_call",
            "call_id": call["id"],
            "name": function["name"],
            "arguments": function["arguments"],
        }


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    match part.get("type"):
        case "image_url":
            return {"type": "input_image", "image_url": part["image_url"]["url"]}
        case "file":
            return {"type": "input_file", **part["file"]}
        case _:
            return {"type": "input_text", "text": part.get("text") or ""}


class _Content(BaseModel):
    type: str = ""
    text: str = ""
    refusal: str = ""
    annotations: list[Annotation] | None = None


class _Item(BaseModel):
    type: str
    content: list[_Content] | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class _Reason(BaseModel):
    reason: str | None = None


class _Response(BaseModel):
    status: str = "completed"
    incomplete_details: _Reason | None = None
    output: list[_Item]
    usage: Usage | None = None


def _answer(text: str) -> ChatAnswer:
    try:
        response = _Response.model_validate_json(text)
    except ValidationError as error:
        raise unreadable(CHECK) from error
    contents = [part for item in response.output if item.type == "message" for part in item.content or ()]
    reason = response.incomplete_details.reason if response.incomplete_details is not None else None
    answer = ChatAnswer(
        "".join(part.text for part in contents),
        tuple(
            FunctionCall(item.call_id or f"call_{index}", item.name, item.arguments or "{}")
            for index, item in enumerate(response.output)
            if item.type == "function_call"
        ),
        response.usage.total_tokens if response.usage is not None else 0,
        tuple(found for part in contents for found in sources(part.annotations)),
        any(item.type == "web_search_call" for item in response.output),
    )
    declined = any(part.refusal for part in contents) or reason == "content_filter"
    return checked(answer, declined=declined, cut=response.status == "incomplete")
