"""An answer that comes in pieces, as server-sent events: put together again, and heard as it grows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from flowapp.models.errors import ModelMalformed, ModelUnreachable
from flowapp.models.shapes import Choice, Completion, Message, Usage, chunk_of

#: More characters than this to a token are no answer of a model that keeps to its limit.
_MOST_PER_TOKEN = 16


async def collected(lines: AsyncIterator[str], limit: int, hear: Callable[[str], None]) -> Completion:
    """The whole answer of a stream's lines.

    Args:
        lines: of the answer's body.
        limit: how many tokens were asked for at most.
        hear: called with each piece of the text as it comes.

    Raises:
        ModelUnreachable: the server tells of an error.
        ModelMalformed: an event cannot be read, the stream ends too early, or goes on far beyond `limit`.
    """
    content: list[str] = []
    refusal: list[str] = []
    usage: Usage | None = None
    finish: str | None = None
    length = 0
    async for line in lines:
        if not line.startswith("data:"):
            continue  # a comment, or the name of an event
        data = line[5:].strip()
        if data == "[DONE]":
            break
        chunk = chunk_of(data)
        if chunk.error is not None:
            raise ModelUnreachable("The model's server gave up in the middle of its answer.", "Try again.")
        usage = chunk.usage or usage
        for piece in chunk.choices[:1]:
            finish = piece.finish_reason or finish
            refusal.append(piece.delta.refusal or "")
            text = piece.delta.content or ""
            if not text:
                continue
            length += len(text)
            if length > limit * _MOST_PER_TOKEN:
                raise ModelMalformed("The model's answer is longer than agreed.", "Try again, or choose another model.")
            content.append(text)
            hear(text)
    if finish is None:
        raise ModelMalformed("The model's answer broke off.", "Try again.")
    message = Message(content="".join(content), refusal="".join(refusal) or None)
    return Completion(choices=[Choice(message=message, finish_reason=finish)], usage=usage)
