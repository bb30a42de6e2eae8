"""Schedules, as Windmill's clients know them: `/api/w/{ws}/schedules/…`, and a preview of the next times."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller, SignedIn
from flowapp.api.bodies import MOST, object_body

router = APIRouter()
_ROOT = "/api/w/{ws}/schedules"
Text = Annotated[str, Query(max_length=400)]
Number = Annotated[int, Query(ge=-MOST, le=MOST)]


@router.post(f"{_ROOT}/create")
async def create(request: Request, caller: Caller, workspace: App) -> Response:
    """Add a schedule."""
    return PlainTextResponse(await workspace.schedules.create(caller, await object_body(request)), 201)


@router.post(f"{_ROOT}/update/{{path:path}}")
async def update(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Change when it runs, with which arguments, and its options."""
    return PlainTextResponse(await workspace.schedules.update(caller, path, await object_body(request)))


@router.post(f"{_ROOT}/setenabled/{{path:path}}")
async def set_enabled(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Switch it on or off."""
    body = await object_body(request)
    return PlainTextResponse(await workspace.schedules.set_enabled(caller, path, body.get("enabled")))


@router.delete(f"{_ROOT}/delete/{{path:path}}")
async def delete(path: str, caller: Caller, workspace: App) -> Response:
    """Delete it; a run that it started goes on."""
    return PlainTextResponse(await workspace.schedules.delete(caller, path))


@router.get(f"{_ROOT}/get/{{path:path}}")
async def get(path: str, caller: Caller, workspace: App) -> Response:
    """One schedule."""
    return answer(await workspace.schedules.get(caller, path))


@router.get(f"{_ROOT}/exists/{{path:path}}")
async def exists(path: str, caller: Caller, workspace: App) -> Response:
    """Whether there is one at this path."""
    return answer(await workspace.schedules.exists(caller, path))


@router.get(f"{_ROOT}/list")
async def listing(
    caller: Caller,
    workspace: App,
    page: Number = 1,
    per_page: Number = 30,
    path: Text = "",
    is_flow: bool | None = None,
    path_start: Text = "",
) -> Response:
    """Schedules by path; `path` is that of what they run."""
    found = await workspace.schedules.listing(
        caller, page=page, per_page=per_page, runs=path or None, is_flow=is_flow, path_start=path_start
    )
    return answer(found)


@router.get(f"{_ROOT}/list_with_jobs")
async def listing_with_jobs(caller: Caller, workspace: App, page: Number = 1, per_page: Number = 30) -> Response:
    """Schedules by path, each with its latest runs."""
    return answer(await workspace.schedules.listing(caller, page=page, per_page=per_page, with_jobs=True))


@router.post("/api/schedules/preview")
async def preview(request: Request, person: SignedIn, workspace: App) -> Response:
    """The next times of a schedule that is stored nowhere."""
    identity = workspace.sessions.account(person)
    return answer(workspace.schedules.preview(identity, await object_body(request)))
