"""Putting the document together from the routes and the tables."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from flowapp import __version__
from flowapp.api.answers import answers_in_text
from flowapp.api.openapi import jobs, notebooks, objects, people, stored
from flowapp.api.openapi.operations import Operation, content_of
from flowapp.api.openapi.schemas import COMPONENTS, STRING, ref

OPERATIONS: dict[str, Operation] = {
    **notebooks.SERVER,
    **notebooks.NOTEBOOKS,
    **notebooks.RUNS,
    **notebooks.APPROVALS,
    **jobs.STARTING,
    **jobs.FOLLOWING,
    **stored.SCRIPTS,
    **stored.FLOWS,
    **stored.VARIABLES,
    **stored.RESOURCES,
    **stored.USAGES,
    **stored.SCHEDULES,
    **objects.OBJECTS,
    **people.FOLDERS,
    **people.MEMBERS,
    **people.INSTANCE_GROUPS,
    **people.WORKSPACE,
    **people.ACCOUNTS,
}
_ABOUT = "Addresses under /api have the shape of Windmill's where Windmill has them. See docs/http-api.md."
_WISHES = "What the result says: its `windmill_status_code`, `windmill_content_type` and `windmill_headers`, docs/webhooks.md."
_ALWAYS = (400, 414, 431, 500, 503)
#: What the web server refuses by itself, without a text.
_BARE = frozenset({414, 431})
_SIGNED_IN = (401, 403)
_MEANINGS = {
    400: "The request cannot be understood, or asks for what cannot be done.",
    401: "Not signed in, or the token is not valid (any more).",
    403: "The role, the token's scopes or the page that sent this do not allow it.",
    404: "It is not there, or looks so to the caller.",
    409: "It clashes with what is there.",
    410: "It was deleted after its time.",
    413: "The body is too large.",
    414: "The address is too long: more than 64 KB. This answer has no text.",
    415: "The body is of another kind than this takes.",
    422: "It does not fit the form or the rules of a document.",
    429: "Too many attempts, or too much waits.",
    431: "The address or the headers are too long. This answer has no text.",
    500: "Something unforeseen; the server's log says more.",
    502: "Another server that this needs does not answer.",
    503: "The server is stopping, or a part of it cannot be reached.",
    504: "It takes longer than a call may wait; it goes on.",
}


def document(routers: Iterable[APIRouter]) -> dict[str, Any]:
    """The OpenAPI document (3.1) of these routers' routes. It is silent about a route of which the tables are."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # operations get ids of ours: those of two methods of one route are the same
        paths = _paths(routes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Flowapp", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": COMPONENTS,
            "responses": _refusals(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
            },
        },
        "security": [{"token": []}],
    }


def _paths(routes: Sequence[APIRoute]) -> dict[str, Any]:
    made = get_openapi(title="", version="", routes=routes)
    paths: dict[str, Any] = {}
    for path, method, found in _operations(made["paths"]):
        told = OPERATIONS.get(f"{method.upper()} {path}")
        if told is not None:
            paths.setdefault(path, {})[method] = _told(path, method, found, told)
    return paths


def _operations(paths: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in paths.items():
        for method, found in item.items():
            yield path, method, found


def _told(path: str, method: str, found: dict[str, Any], told: Operation) -> dict[str, Any]:
    parameters = [_cleaned(one) for one in found.get("parameters", [])]
    named = {one["name"] for one in parameters}
    parameters += [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in told.query.items()
        if name not in named
    ]
    parameters += [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}} for name in told.headers
    ]
    responses: dict[str, Any] = {str(status): answer for status, answer in sorted(_answers(path, told).items())}
    if told.wishes:
        responses["default"] = {"description": _WISHES, "content": {"*/*": {}}}
    operation: dict[str, Any] = {
        "operationId": f"{method}_{re.sub('[^a-z0-9]+', '_', path.lower()).strip('_')}",
        "summary": found.get("description", "").partition("\n")[0],
        "tags": [_tag(path)],
        "parameters": parameters,
        "responses": responses,
    }
    if told.body is not None:
        content = {media: {"schema": schema} for media, schema in told.body.content.items()}
        operation["requestBody"] = {"required": told.body.required, "content": content}
    if told.public:
        operation["security"] = []
    return operation


def _answers(path: str, told: Operation) -> dict[int, dict[str, Any]]:
    """Refusals first, so that an answer of the same status is told as what it is."""
    statuses = {*_ALWAYS, *told.refusals}
    if not told.public:
        statuses |= set(_SIGNED_IN)
        if "{" in path:
            statuses.add(404)
    if told.body is not None:
        statuses.add(413)
    found = {status: _refusal(path, status) for status in statuses}
    for status, kinds in told.answers.items():
        content = content_of(kinds)
        meaning = _MEANINGS[status] if status >= 400 and status in _MEANINGS else HTTPStatus(status).phrase
        found[status] = {"description": meaning, **({"content": content} if content else {})}
    return found


def _refusal(path: str, status: int) -> dict[str, Any]:
    """A reference to the refusal with that status, in the form that errors of the address have."""
    form = (
        "page"
        if path.startswith(("/signin", "/join", "/approve/", "/shared/"))
        else "text"
        if answers_in_text(path)
        else "json"
    )
    return {"$ref": f"#/components/responses/{form}{status}"}


def _refusals() -> dict[str, Any]:
    error = {"application/json": {"schema": ref("Error")}}
    forms = {"json": error, "text": {"text/plain": {"schema": STRING}}, "page": {"text/html": {}, **error}}
    return {
        f"{form}{status}": {"description": meaning, **({} if status in _BARE else {"content": content})}
        for form, content in forms.items()
        for status, meaning in _MEANINGS.items()
    }


def _cleaned(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = {name: value for name, value in parameter["schema"].items() if name != "title"}
    return {**parameter, "schema": schema}


def _tag(path: str) -> str:
    parts = path.replace("/api/w/{ws}", "").replace("/api", "").strip("/").split("/")
    return parts[0] or "server"
