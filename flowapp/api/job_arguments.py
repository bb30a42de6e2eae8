"""What a request that starts a job carries: arguments, options, and the event for a preprocessor."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import UploadFile

from flowapp.api.auth import token_of
from flowapp.api.bodies import MAX_ARGUMENTS, parse_json, read_body
from flowapp.jsontext import loads
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.runnables import Trigger

#: What an event never tells: it is stored with the run, and these are keys to the workspace.
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-forwarded-authorization"})
_LONGEST_MEMORY_ID = 200
_SECRET_QUERY = frozenset({"token", "payload"})
_IN_THREAD = 128 * 1024


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a job, and the trigger that it is started by."""

    args: dict[str, Any]
    trigger: Trigger


async def given(request: Request) -> Given:
    """Arguments from a JSON body, a form, or `?payload=` (base64 of JSON); then headers and query values that are asked for.

    A JSON value that is no object becomes the argument `body`, any other text the argument `raw_string`.

    Raises:
        BadRequest: it cannot be read.
        UploadTooLarge: more than 72 MB.
    """
    raw = b"" if request.method == "GET" else await _raw(request)
    payload = request.query_params.get("payload")
    body = _payload(payload) if payload and not raw.strip() else await _body(request, raw)
    args: dict[str, Any] = dict(body) if isinstance(body, dict) else {"body": body} if body is not None else {}
    headers = dict(request.headers)  # asked for a name that no header can have, the request's own mapping fails
    for name in (name.lower() for name in _names(request, "include_header")):
        if name not in _SECRET_HEADERS and name in headers:
            args[name.replace("-", "_")] = headers[name]
    for name in _names(request, "include_query"):
        if name not in _SECRET_QUERY and name in request.query_params:
            args[name] = request.query_params[name]
    # what a job starts is no webhook, so nothing of it is preprocessed
    from_job = bool(request.query_params.get("parent_job"))

    def event() -> dict[str, Any]:
        return {
            "kind": "webhook",
            "body": body if body is not None else {},
            "raw_string": raw.decode("utf-8", "replace") if raw else None,
            "query": {k: v for k, v in request.query_params.items() if k not in _SECRET_QUERY},
            "headers": {k: v for k, v in request.headers.items() if k not in _SECRET_HEADERS},
        }

    _, by_cookie = token_of(request)
    if by_cookie:  # a person in the browser, whose form has asked for just what the flow takes
        return Given(args, Trigger("ui"))
    return Given(args, Trigger("api") if from_job else Trigger("webhook", event))


def _memory(text: str) -> str | None:
    if len(text) > _LONGEST_MEMORY_ID or not text.isprintable():
        raise BadRequest(f"memory_id must be a text of at most {_LONGEST_MEMORY_ID} printable characters.")
    return text or None


def options(request: Request) -> dict[str, Any]:
    """The fields of a `Start` that the query sets. Names that mean nothing here are passed over.

    Raises:
        BadRequest: a value cannot be read.
    """
    query = request.query_params
    found: dict[str, Any] = {
        "parent_job": query.get("parent_job") or None,
        "root_job": query.get("root_job") or None,
        "tag": query.get("tag") or "",
        "job_id": query.get("job_id") or None,
        "memory_id": _memory(query.get("memory_id") or ""),
        "skip_preprocessor": query.get("skip_preprocessor") == "true",
        "scheduled_for": _moment(query),
        "cache_ttl": _seconds(query, "cache_ttl"),
        "timeout_s": _seconds(query, "timeout"),
    }
    if query.get("retry"):
        try:
            retry = loads(query["retry"])
        except ValueError:
            raise BadRequest(
                "retry must be JSON text.", 'For example {"constant":{"attempts":2,"seconds":5}}.'
            ) from None
        if retry is not None and not isinstance(retry, dict):
            raise BadRequest("retry must be a JSON object.", 'For example {"constant":{"attempts":2,"seconds":5}}.')
        found["retry"] = retry
    return found


async def _raw(request: Request) -> bytes:
    if _media_type(request) == "multipart/form-data":
        return b""
    return await read_body(request, MAX_ARGUMENTS)


async def _body(request: Request, raw: bytes) -> Any:
    kind = _media_type(request)
    if kind == "multipart/form-data":
        try:
            return await _form(request)
        except UnicodeError:
            raise BadRequest("The form is no text in the charset that it names.", "Send it in UTF-8.") from None
    if not raw.strip():
        return None
    # curl's -d says form whatever it sends
    form = kind == "application/x-www-form-urlencoded" and raw.lstrip()[:1] not in (b"{", b"[")
    if form:
        return _several(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    if kind in ("text/plain", "text/xml", "application/xml"):
        if raw.lstrip()[:1] in (b"{", b"["):  # browsers send JSON as text/plain
            return parse_json(raw)
        return {"raw_string": raw.decode("utf-8", "replace")}
    return parse_json(raw)


async def _form(request: Request) -> dict[str, Any]:
    pairs: list[tuple[str, Any]] = []
    size = 0
    async with request.form(max_files=20, max_fields=1000) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                content = await value.read()
                size += len(content)
                if size > MAX_ARGUMENTS // 2:
                    raise BadRequest("The files of the form are bigger than 36 MB.", "Let a step fetch them.")
                pairs.append((name, base64.b64encode(content).decode()))
            else:
                value.encode()  # some charsets know halves of characters
                pairs.append((name, value))
            name.encode()
    return _several(pairs)


def _several(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Form fields by name; a name that occurs twice has a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _payload(text: str) -> Any:
    try:
        plain = text.replace("-", "+").replace("_", "/").replace(" ", "+").rstrip("=")
        content = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise BadRequest("payload must be the base64 of JSON text.") from None
    return parse_json(content) if content.strip() else None


def _names(request: Request, name: str) -> list[str]:
    return [part.strip() for part in request.query_params.get(name, "").split(",") if part.strip()]


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _moment(query: Mapping[str, str]) -> datetime | None:
    seconds = _seconds(query, "scheduled_in_secs")
    if seconds is not None:
        return datetime.now(UTC) + timedelta(seconds=min(seconds, 4e8))
    text = query.get("scheduled_for")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise BadRequest(f"scheduled_for must be a time such as 2026-01-31T12:00:00Z, not {text[:40]!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e12:
        raise BadRequest(f"{name} must be a number of seconds, not {text[:40]!r}.")
    return number
