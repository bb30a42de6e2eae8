"""Compares answers with the OpenAPI document: a status or a media type that it does not name is a lie of the document."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx

from flowapp.api.app import openapi

_PARAMETER = re.compile(r"\{(\w+)\}")
#: What may hold slashes.
_LONG = ("path",)


@cache
def openapi_once() -> dict[str, Any]:
    """The document, made once for all tests of a process."""
    return openapi()


@cache
def _document() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Patterns of paths, those with fewer parameters first."""
    paths: dict[str, Any] = openapi_once()["paths"]
    ordered = sorted(paths, key=lambda path: (len(_PARAMETER.findall(path)), -len(path)))
    return [(_pattern(path), paths[path]) for path in ordered]


def _pattern(path: str) -> re.Pattern[str]:
    parts = _PARAMETER.split(path)
    found = "".join(
        (re.escape(part) if index % 2 == 0 else (".*" if part in _LONG else "[^/]+"))
        for index, part in enumerate(parts)
    )
    return re.compile(found)


def lie_in(response: httpx.Response) -> str:
    """What the document does not know of an answer; empty where it tells the truth or knows no such address."""
    path, method = response.request.url.path, response.request.method.lower()
    told = [item[method] for pattern, item in _document() if pattern.fullmatch(path) and method in item]
    if not told:
        return ""
    # a path may fit `get/{path}` and `get/v/{version}`: any of them may have answered
    lies = [_lie(operation, response) for operation in told]
    return "" if "" in lies else f"{method.upper()} {path}: {lies[0]}"


def _lie(operation: dict[str, Any], response: httpx.Response) -> str:
    answers = operation["responses"]
    if "default" in answers:  # a result that says itself how it is answered
        return ""
    answer = answers.get(str(response.status_code))
    if answer is None:
        return f"status {response.status_code} is not in the OpenAPI document ({response.text[:200]})"
    if "$ref" in answer:
        answer = openapi_once()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    media = response.headers.get("content-type", "").partition(";")[0].strip()
    known = answer.get("content", {})
    if media and known and media not in known and "*/*" not in known:
        return f"status {response.status_code} is {media}, the OpenAPI document says {', '.join(known)}"
    return ""


async def require_honesty(response: httpx.Response) -> None:
    """An event hook for clients.

    Raises:
        AssertionError: the document does not tell of this answer.
    """
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        return
    if response.status_code >= 400:
        await response.aread()
        lie = lie_in(response)
    else:
        lie = lie_in(_without_body(response))
    assert not lie, lie


def _without_body(response: httpx.Response) -> httpx.Response:
    return httpx.Response(
        response.status_code,
        headers={"content-type": response.headers.get("content-type", "")},
        request=response.request,
    )
