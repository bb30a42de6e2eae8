"""Reading what a request carries, within limits, with errors that say what to do."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from starlette.requests import ClientDisconnect, Request

from flowapp.jsontext import loads
from flowapp.workspace.errors import BadRequest, UploadTooLarge

MAX_JSON = 16 << 20
MAX_UPLOAD = 60 << 20
#: A file of 50 MB among the arguments of a run, as a JSON string or as base64.
MAX_ARGUMENTS = 72 << 20
MAX_DEPTH = 200
#: Beyond this no number of a query means anything: it is what a browser counts to, and a database takes it.
MOST = 1 << 53
_IN_THREAD = 128 * 1024
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body.

    Raises:
        UploadTooLarge: more than `limit` bytes; the rest is not read.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            chunks.append(chunk)
    except ClientDisconnect:
        raise BadRequest("The connection closed before the whole request had arrived.") from None
    return b"".join(chunks)


async def json_body(request: Request, limit: int = MAX_JSON) -> Any:
    """The body as a JSON value; an empty body is null.

    Raises:
        BadRequest: not UTF-8, not JSON, or nested deeper than 200 levels.
        UploadTooLarge: more than `limit` bytes.
    """
    body = await read_body(request, limit)
    if not body.strip():
        return None
    return await asyncio.to_thread(parse_json, body) if len(body) > _IN_THREAD else parse_json(body)


async def object_body(request: Request, limit: int = MAX_JSON) -> dict[str, Any]:
    """The body as a JSON object; an empty body and null are `{}`."""
    value = await json_body(request, limit)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.", 'Send something like {"name": "value"}.')
    return value


def text_of(body: dict[str, Any], name: str) -> str:
    """A text field of a body; missing and null are empty.

    Raises:
        BadRequest: it is something else.
    """
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a text.")
    return value


def index_of(body: dict[str, Any], name: str) -> int | None:
    """A whole number from 0 on of a body; missing and null are None.

    Raises:
        BadRequest: it is something else.
    """
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise BadRequest(f"{name} must be a whole number from 0 on.")
    return value


def parse_json(body: bytes) -> Any:
    """The value of JSON bytes, with errors in words."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"The body is not UTF-8 text (byte {error.start} of {len(body)}).", "Save or send it as UTF-8."
        ) from None
    text = text.removeprefix("\ufeff")
    try:
        value = loads(text)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:  # orjson's error is one too
        if "recursion" in error.msg.lower() or "depth" in error.msg.lower():
            raise _too_deep() from None
        raise BadRequest(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).",
            "Check it with a JSON tool.",
        ) from None
    except ValueError:
        raise BadRequest("The body holds a number with too many digits.", "Send it as text.") from None
    if _deeper_than(value, MAX_DEPTH):
        raise _too_deep()
    if _SURROGATE.search(text) and not _is_text(value):
        raise BadRequest(
            "The body is not JSON text: it holds half of a surrogate pair.", "Was a text cut inside of an emoji?"
        )
    return value


def _is_text(value: Any) -> bool:
    """Whether every text in a value can be written as UTF-8: databases and headers take no other."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _too_deep() -> BadRequest:
    return BadRequest(f"The JSON is nested deeper than {MAX_DEPTH} levels.", "Flatten it, or pass it as text.")


def too_large(limit: int) -> UploadTooLarge:
    """The refusal of a request that is bigger than `limit` bytes."""
    return UploadTooLarge(
        f"The request is bigger than {limit >> 20} MB.", "Send less, or put the data where a step can fetch it."
    )
