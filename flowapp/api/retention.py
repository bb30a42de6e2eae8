"""How long a workspace keeps its runs."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body

router = APIRouter(prefix="/api/w/{ws}/workspaces")


@router.get("/get_retention")
async def get_retention(caller: Caller, workspace: App) -> Response:
    """`{"retention_days", "is_default"}`."""
    return answer(await workspace.retention.read(caller))


@router.post("/edit_retention")
async def edit_retention(request: Request, caller: Caller, workspace: App) -> Response:
    """Change it: `{"retention_days"}`, 0 for ever, null for the default."""
    await workspace.retention.change(caller, await object_body(request))
    return PlainTextResponse("Edited how long runs are kept")
