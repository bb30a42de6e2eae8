"""Rights on single things, as Windmill's clients ask for them: `/api/w/{ws}/acls/…`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body

router = APIRouter(prefix="/api/w/{ws}/acls")


@router.get("/get/{kind}/{path:path}")
async def get(kind: str, path: str, caller: Caller, workspace: App) -> Response:
    """Who has a part in a folder; nobody in other things."""
    return answer(await workspace.acls.get(caller, kind, path))


@router.post("/add/{kind}/{path:path}")
async def add(kind: str, path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Give somebody a part in a folder."""
    await workspace.acls.add(caller, kind, path, await object_body(request))
    return PlainTextResponse(f"Rights on {kind} {path} changed")


@router.post("/remove/{kind}/{path:path}")
async def remove(kind: str, path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Take a part in a folder away."""
    await workspace.acls.remove(caller, kind, path, await object_body(request))
    return PlainTextResponse(f"Rights on {kind} {path} changed")
