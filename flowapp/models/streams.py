"""An answer that comes in pieces, as server-sent events: put together again, and heard as it grows.

See https://platform.openai.com/docs/api-reference/chat-streaming for the events.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from flowapp.models.errors import ModelMalformed, ModelUnreachable
from flowapp.models.searching import Annotation
from flowapp.models.shapes import Call, Choice, Chunk, Completion, Function, Message, Usage, chunk_of


async def collected(lines: AsyncIterator[str], most: int, hear: Callable[[str], None]) -> Completion:
    """The whole answer of a stream's lines, in the form in which it comes in one piece.

    Args:
        lines: of the answer's body.
        most: how many characters it may have.
        hear: called with each piece of the text as it comes.

    Raises:
        ModelUnreachable: the server tells of an error.
        ModelMalformed: an event cannot be read, the stream ends too early, or has more than `most` characters.
    """
    answer = _Answer(most, hear)
    async for line in lines:
        if not line.startswith("data:"):
            continue  # a comment, or the name of an event
        data = line[5:].strip()
        if data == "[DONE]":
            break
        chunk = chunk_of(data)
        if chunk.error is not None:
            raise ModelUnreachable("The model's server gave up in the middle of its answer.", "Try again.")
        answer.take(chunk)
    return answer.completion()


@dataclass(slots=True)
class _Answer:
    most: int
    hear: Callable[[str], None]
    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: dict[int, Call] = field(default_factory=dict)
    annotations: list[Annotation] = field(default_factory=list)
    executed_tools: list[Any] = field(default_factory=list)
    finish: str | None = None
    usage: Usage | None = None
    length: int = 0

    def take(self, chunk: Chunk) -> None:
        self.usage = chunk.usage or self.usage
        for piece in chunk.choices[:1]:
            self.finish = piece.finish_reason or self.finish
            self.take_piece(piece.delta)

    def take_piece(self, piece: Message) -> None:
        if piece.refusal:
            self.grow(piece.refusal)
            self.refusal.append(piece.refusal)
        if piece.content:
            self.grow(piece.content)
            self.text.append(piece.content)
            self.hear(piece.content)
        for call in piece.tool_calls or ():
            self.take_call(call)
        for annotation in piece.annotations or ():
            self.grow(annotation.model_dump_json())
            self.annotations.append(annotation)
        for tool in piece.executed_tools or ():
            self.grow(json.dumps(tool))
            self.executed_tools.append(tool)

    def take_call(self, call: Call) -> None:
        """Pieces of a call come under its number; some servers leave that out and begin each call with its id."""
        last = max(self.calls, default=-1)
        number = call.index
        if number is None:
            number = last + 1 if last < 0 or (call.id and call.id != self.calls[last].id) else last
        if number not in self.calls:
            self.grow("{}")
            self.calls[number] = Call(function=Function(arguments=""))
        made = self.calls[number]
        made.id = self.grown(call.id) or made.id
        made.function.name = self.grown(call.function.name) or made.function.name
        given = call.function.arguments
        if isinstance(given, dict):
            self.grow(json.dumps(given))
            made.function.arguments = given
        elif isinstance(made.function.arguments, str):
            made.function.arguments += self.grown(given)

    def grown(self, text: str | None) -> str:
        self.grow(text or "")
        return text or ""

    def grow(self, text: str) -> None:
        self.length += len(text)
        if self.length > self.most:
            raise ModelMalformed("The model's answer is longer than agreed.", "Try again, or choose another model.")

    def completion(self) -> Completion:
        if self.finish is None:
            raise ModelMalformed("The model's answer broke off.", "Try again.")
        message = Message(
            content="".join(self.text) or None,
            refusal="".join(self.refusal) or None,
            tool_calls=[call for _, call in sorted(self.calls.items())] or None,
            annotations=self.annotations or None,
            executed_tools=self.executed_tools or None,
        )
        return Completion(choices=[Choice(message=message, finish_reason=self.finish)], usage=self.usage)
