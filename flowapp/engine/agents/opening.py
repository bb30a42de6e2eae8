"""What a model is told before its first turn, beyond the step's own words: what was said in earlier runs, and stored files."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flowapp.engine.agents.settings import AgentSettings, as_sent
from flowapp.models.turns import Message

if TYPE_CHECKING:
    from flowapp.engine.ports import FileContent, Models

MOST_BYTES = 20 << 20
"""Of all files that go along together."""


async def opened(models: Models, settings: AgentSettings, step: str, job: str) -> AgentSettings:
    """The settings with the earlier messages of a step before the user's, and the files in that. A picture is made of neither.

    Raises:
        FlowappError: a file is not there, or they are too large.
    """
    if settings.draws:
        return settings
    opening = list(settings.opening)
    if settings.files:
        opening[-1] = await _with_files(models, settings)
    if settings.memory is not None:
        earlier = latest(await models.earlier(settings.memory, step, job), settings.memory.length)
        at = 1 if settings.system else 0
        opening[at:at] = [as_sent(message) for message in earlier]
    return replace(settings, opening=tuple(opening))


def latest(messages: Sequence[Message], length: int) -> list[Message]:
    """At most the last `length` messages, from a user's on: without its call, the answer of a tool says nothing to a model."""
    kept = list(messages[-length:])
    while kept and kept[0].get("role") != "user":
        del kept[0]
    return kept


async def _with_files(models: Models, settings: AgentSettings) -> Message:
    parts: list[dict[str, Any]] = [{"type": "text", "text": settings.question}]
    left = MOST_BYTES
    for file in settings.files:
        found = await models.file(file, left)
        left -= len(found.content)
        parts.append(_part(found))
    return {"role": "user", "content": parts}


def _part(file: FileContent) -> dict[str, Any]:
    """A file as the protocol has it: pictures by an address that is their content, anything else as a file."""
    data = f"data:{file.media_type};base64,{base64.b64encode(file.content).decode()}"
    if file.media_type.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": data}}
    return {"type": "file", "file": {"filename": file.name, "file_data": data}}
