"""Variables, as Windmill's clients know them: `/api/w/{ws}/variables/…`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import json_body, object_body
from flowapp.api.queries import Flag, Paging, Text

router = APIRouter(prefix="/api/w/{ws}/variables")


@router.post("/create")
async def create(request: Request, caller: Caller, workspace: App, already_encrypted: Flag = False) -> Response:
    """Store a new variable."""
    body = await object_body(request)
    path = await workspace.variables.create(caller, body, already_encrypted=already_encrypted)
    return PlainTextResponse(f"variable {path} created", 201)


@router.post("/update/{path:path}")
async def update(
    path: str, request: Request, caller: Caller, workspace: App, already_encrypted: Flag = False
) -> Response:
    """Change what the body names."""
    body = await object_body(request)
    target = await workspace.variables.update(caller, path, body, already_encrypted=already_encrypted)
    return PlainTextResponse(f"variable {target} updated")


@router.get("/get/{path:path}")
async def get(
    path: str, caller: Caller, workspace: App, decrypt_secret: Flag = True, include_encrypted: Flag = False
) -> Response:
    """One variable."""
    found = await workspace.variables.get(caller, path, decrypt=decrypt_secret, include_encrypted=include_encrypted)
    return answer(found)


@router.get("/get_value/{path:path}")
async def get_value(path: str, caller: Caller, workspace: App) -> Response:
    """The value in clear, a JSON text."""
    return answer(await workspace.variables.value(caller, path))


@router.get("/exists/{path:path}")
async def exists(path: str, caller: Caller, workspace: App) -> Response:
    """Whether there is one."""
    return answer(await workspace.variables.exists(caller, path))


@router.get("/list")
async def listing(caller: Caller, workspace: App, page: Paging, path_start: Text = "") -> Response:
    """What one may read."""
    return answer(await workspace.variables.listing(caller, start=path_start, page=page))


@router.get("/list_contextual")
async def contextual(caller: Caller, workspace: App) -> Response:
    """The names that every job finds in its environment."""
    return answer(await workspace.variables.contextual(caller))


@router.delete("/delete/{path:path}")
async def delete(path: str, caller: Caller, workspace: App) -> Response:
    """Delete it."""
    await workspace.variables.delete(caller, path)
    return PlainTextResponse(f"variable {path} deleted")


@router.delete("/delete_bulk")
async def delete_bulk(request: Request, caller: Caller, workspace: App) -> Response:
    """Delete several: `{"paths": […]}`."""
    body = await object_body(request)
    return answer(await workspace.variables.delete_bulk(caller, body.get("paths")))


@router.post("/encrypt")
async def encrypt(request: Request, caller: Caller, workspace: App) -> Response:
    """The ciphertext of a JSON text."""
    return PlainTextResponse(await workspace.variables.encrypt(caller, await json_body(request)))
