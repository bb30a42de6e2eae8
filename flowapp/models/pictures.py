"""A picture that a model makes, over the protocol of OpenAI's images."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
from pydantic import BaseModel

from flowapp.models.chat import talking
from flowapp.models.errors import ModelMalformed, ModelUnreachable
from flowapp.models.turns import CHECK, ChatServer
from flowapp.net import AddressPolicy, open_client

if TYPE_CHECKING:
    import openai

MOST_BYTES = 32 << 20
_KINDS = ((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpg"), (b"RIFF", "webp"), (b"GIF8", "gif"))


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and the ending that a file of it has."""

    content: bytes
    extension: str


class _Made(BaseModel):
    b64_json: str | None = None
    url: str | None = None


class _Answer(BaseModel):
    data: list[_Made]


async def picture(server: ChatServer, prompt: str, policy: AddressPolicy) -> Picture:
    """What the model makes of a prompt.

    Raises:
        ModelFailed: there is none; the subclass says why.
    """

    async def ask(client: openai.AsyncOpenAI) -> Picture:
        made = await client.images.with_raw_response.generate(model=server.model, prompt=prompt, n=1)
        return await _picture(made.text, policy, server.timeout_s)

    return await talking(server, policy, ask)


async def _picture(text: str, policy: AddressPolicy, timeout_s: float) -> Picture:
    try:
        first = next(iter(_Answer.model_validate_json(text).data), _Made())
        content = base64.b64decode(first.b64_json, validate=True) if first.b64_json else b""
    except ValueError as error:
        raise ModelMalformed("The model's server gave an answer that cannot be read.", CHECK) from error
    if not content and first.url:
        content = await _fetched(first.url, policy, timeout_s)
    extension = next((name for start, name in _KINDS if content.startswith(start)), None)
    if extension is None:
        raise ModelMalformed("The model gave no picture.", CHECK)
    return Picture(content, extension)


async def _fetched(url: str, policy: AddressPolicy, timeout_s: float) -> bytes:
    """The picture at an address that the answer names; the address is checked as that of a model is."""
    found = bytearray()
    away = ModelUnreachable("The picture that the model made cannot be fetched.", "Try again.")
    try:
        async with open_client(policy, timeout_s=timeout_s) as client, client.stream("GET", url) as response:
            if response.status_code != 200:
                raise away
            async for piece in response.aiter_bytes():
                found += piece
                if len(found) > MOST_BYTES:
                    raise away
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise away from error
    return bytes(found)
