"""A turn of a conversation that comes in pieces: the text heard as it grows, calls of functions put together.

See https://platform.openai.com/docs/api-reference/chat-streaming for the events.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from flowapp.models.errors import ModelMalformed, ModelUnreachable

MOST_CHARACTERS = 8_000_000
"""No answer of a model is longer; a server that goes on for ever is left."""


class _Function(BaseModel):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _Call(BaseModel):
    index: int | None = None
    id: str | None = None
    function: _Function = Field(default_factory=_Function)


class _Delta(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    # of a model that has searched the web, see `searching`
    annotations: list[Any] | None = None
    executed_tools: list[Any] | None = None


class _Choice(BaseModel):
    delta: _Delta = Field(default_factory=_Delta)
    finish_reason: str | None = None


class _Event(BaseModel):
    """`choices` is empty in the event that tells the usage; `error` is there when the server gives up."""

    choices: list[_Choice] = Field(default_factory=list)
    usage: dict[str, Any] | None = None
    error: Any = None


@dataclass(slots=True)
class _Turn:
    hear: Callable[[str], None]
    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    searched: dict[str, list[Any]] = field(default_factory=lambda: {"annotations": [], "executed_tools": []})
    finish: str | None = None
    usage: dict[str, Any] | None = None
    length: int = 0

    def take(self, event: _Event) -> None:
        self.usage = event.usage or self.usage
        for choice in event.choices[:1]:
            self.finish = choice.finish_reason or self.finish
            if choice.delta.refusal:
                self.refusal.append(choice.delta.refusal)
            if choice.delta.content:
                self.grow(choice.delta.content)
                self.text.append(choice.delta.content)
                self.hear(choice.delta.content)
            for call in choice.delta.tool_calls or ():
                self.take_call(call)
            self.searched["annotations"] += choice.delta.annotations or ()
            self.searched["executed_tools"] += choice.delta.executed_tools or ()

    def take_call(self, call: _Call) -> None:
        """Pieces of a call come under its number; some servers leave that out and begin each call with its id."""
        last = max(self.calls, default=-1)
        number = call.index
        if number is None:
            number = last + 1 if last < 0 or (call.id and call.id != self.calls[last]["id"]) else last
        made = self.calls.setdefault(number, {"id": None, "name": "", "arguments": ""})
        made["id"] = call.id or made["id"]
        made["name"] = call.function.name or made["name"]
        given = call.function.arguments
        if isinstance(given, dict):
            made["arguments"] = given
        elif given and isinstance(made["arguments"], str):
            self.grow(given)
            made["arguments"] += given

    def grow(self, text: str) -> None:
        self.length += len(text)
        if self.length > MOST_CHARACTERS:
            raise ModelMalformed("The model's answer is longer than agreed.", "Try again, or choose another model.")

    def completion(self) -> dict[str, Any]:
        """The turn in the form in which it comes whole."""
        message: dict[str, Any] = {"content": "".join(self.text) or None, "refusal": "".join(self.refusal) or None}
        message |= {name: found for name, found in self.searched.items() if found}
        if self.calls:
            message["tool_calls"] = [
                {"id": made["id"], "function": {"name": made["name"], "arguments": made["arguments"]}}
                for _, made in sorted(self.calls.items())
            ]
        return {"choices": [{"message": message, "finish_reason": self.finish}], "usage": self.usage}


async def collected(lines: AsyncIterator[str], hear: Callable[[str], None]) -> dict[str, Any]:
    """The whole turn of a stream's lines, in the form in which it comes whole; `hear` gets each piece of its text.

    Raises:
        ModelUnreachable: the server tells of an error.
        ModelMalformed: an event cannot be read, or the stream ends too early.
    """
    turn = _Turn(hear)
    async for line in lines:
        if not line.startswith("data:"):
            continue  # a comment, or the name of an event
        data = line[5:].strip()
        if data == "[DONE]":
            break
        try:
            event = _Event.model_validate_json(data)
        except ValidationError as error:
            raise ModelMalformed("The model's server gave an answer that cannot be read.", "Try again.") from error
        if event.error is not None:
            raise ModelUnreachable("The model's server gave up in the middle of its answer.", "Try again.")
        turn.take(event)
    if turn.finish is None:
        raise ModelMalformed("The model's answer broke off.", "Try again.")
    return turn.completion()
