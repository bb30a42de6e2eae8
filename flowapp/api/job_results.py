"""The result of a job as the answer of a synchronous call."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response, StreamingResponse

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.workspace.app import Workspace

#: A result that says how it wants to be answered.
_WISHES = ("windmill_status_code", "windmill_content_type", "windmill_headers")
_LARGEST = 1 << 20
_HEADER = re.compile(r"^[A-Za-z0-9-]{1,100}$")
#: Headers that a script may not set: they speak for the server, or for its origin.
_RESERVED = frozenset({"set-cookie", "content-length", "transfer-encoding", "connection", "location", "content-type"})
_RESERVED_PREFIXES = ("access-control-", "content-security-", "cross-origin-", "strict-transport-", "x-frame-", "sec-")


async def large_answer(workspace: Workspace, text: JsonText) -> Response | None:
    """A result that is too large to be held, in pieces; None for any other."""
    pieces = await workspace.jobs.pieces(text)
    return None if pieces is None else StreamingResponse(pieces, headers=_headers("application/json"))


async def plain_answer(workspace: Workspace, text: JsonText) -> Response:
    """A result as it is, whatever it says."""
    large = await large_answer(workspace, text)
    return large or Response(text.encode("utf-8", "surrogatepass"), media_type="application/json")


def result_answer(text: JsonText, *, failed: bool) -> Response:
    """The result as JSON, 200 (500 where the job failed); with its own status, type and headers where it names them.

    What a failure module returns names them too. A page that a script makes is not one of ours: browsers treat it as a
    page of nowhere.
    """
    usual = 500 if failed else 200
    wishes = loads(text) if len(text) <= _LARGEST and any(wish in text[:_LARGEST] for wish in _WISHES) else None
    if not isinstance(wishes, dict) or not any(wish in wishes for wish in _WISHES):
        return _answer(text.encode("utf-8", "surrogatepass"), usual, "application/json")
    status = wishes.get("windmill_status_code")
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        status = usual
    kind = wishes.get("windmill_content_type")
    body = wishes.get("result")
    if isinstance(kind, str) and kind and "\n" not in kind and "\r" not in kind:
        content = body if isinstance(body, str) else dumps(body)
    else:
        content, kind = dumps(body), "application/json"
    response = _answer(content.encode("utf-8", "surrogatepass"), status, kind)
    headers: Any = wishes.get("windmill_headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if _allowed(name) and isinstance(value, str) and value.isprintable() and value.isascii():
            response.headers[name] = value
    return response


def _answer(content: bytes, status: int, kind: str) -> Response:
    return Response(content, status, headers=_headers(kind))


def _headers(kind: str) -> dict[str, str]:
    return {"content-type": kind, "content-security-policy": "sandbox; default-src 'none'"}


def _allowed(name: str) -> bool:
    low = name.lower()
    return _HEADER.match(name) is not None and low not in _RESERVED and not low.startswith(_RESERVED_PREFIXES)
