"""Answers: JSON by the shared encoder, errors in one shape, text where Windmill's clients print the body."""

from __future__ import annotations

import logging
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from flowapp.access.errors import TooManyAttempts
from flowapp.errors import FlowappError
from flowapp.jsontext import dumps
from flowapp.workspace.errors import AsksFirst, DocumentRejected

log = logging.getLogger(__name__)
#: Addresses of Windmill's shape. Our own under `flows/` (schema, versions, edit) answer as the others of the pages do.
_TEXT_ROUTES = re.compile(
    r"^/api/(?:auth|users|workspaces|settings|groups)/|^/api/w/[^/]+/(?:"
    r"jobs|jobs_u|job_metrics|schedules|variables|resources|scripts|folders|groups|users|workspaces|acls|audit"
    r"|apps|apps_u|trash|oidc|job_helpers|shared_ui|[a-z]+_triggers"
    r"|flows/(?!schema/|versions/|edit/)[a-z_]+)(?:/|$)"
)


def answer(value: Any, status: int = 200) -> Response:
    """A JSON response."""
    content = dumps(value).encode("utf-8", "surrogatepass")
    return Response(content, status, media_type="application/json")


def answers_in_text(path: str) -> bool:
    """Whether errors of an address are plain text, as Windmill's clients expect there."""
    return _TEXT_ROUTES.match(path) is not None


def install_error_handlers(app: FastAPI) -> None:
    """Give every failure the shape `{"error": {"code", "message", "hint"}}`, or text on Windmill-shaped routes."""

    @app.exception_handler(FlowappError)
    async def _flowapp(request: Request, error: Exception) -> Response:
        assert isinstance(error, FlowappError)
        if error.status >= 500:
            log.error("%s %r: %r", request.method, request.url.path, error.message, exc_info=error)
        body: dict[str, Any] = dict(error.to_json())
        if isinstance(error, DocumentRejected):
            body["problems"] = error.problems
        if isinstance(error, AsksFirst):
            body["cells"] = error.cells
        response = _refusal(request, error.status, body)
        if isinstance(error, TooManyAttempts):
            response.headers["retry-after"] = str(error.retry_after_s)
        return response

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        body = {"code": "request.invalid", "message": f"{place}: {first['msg']}.", "hint": "See docs/http-api.md."}
        return _refusal(request, 400, body)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = {404: "http.not_found", 405: "http.method_not_allowed"}.get(error.status_code, "http.error")
        hint = "See docs/http-api.md for what there is."
        body = {"code": code, "message": f"{request.method} {request.url.path}: {error.detail}.", "hint": hint}
        return _refusal(request, error.status_code, body)

    @app.exception_handler(RecursionError)
    async def _deep(request: Request, error: Exception) -> Response:
        hint = "Flatten it, or pass it as text."
        return _refusal(
            request, 400, {"code": "request.invalid", "message": "The value is nested too deeply.", "hint": hint}
        )

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, error: Exception) -> Response:
        log.error("%s %r failed", request.method, request.url.path, exc_info=error)
        hint = "Try again. If it happens again, the server's log says more."
        return _refusal(request, 500, {"code": "server.error", "message": "Something went wrong here.", "hint": hint})


def _refusal(request: Request, status: int, body: dict[str, Any]) -> Response:
    if answers_in_text(request.scope["path"]):
        return PlainTextResponse(f"{body['message']} {body['hint']}".strip(), status)
    return answer({"error": body}, status)
