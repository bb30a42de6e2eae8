"""The assistant for other tools: `/api/w/{ws}/assistant/…`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body, text_of
from flowapp.api.leaving import while_connected

router = APIRouter(prefix="/api/w/{ws}/assistant")


@router.post("/connect")
async def connect(request: Request, caller: Caller, workspace: App) -> Response:
    """Proposals for the open inputs of a step of a flow that the request brings, with samples of what it can read.

    With `dry` what a model would be sent, and nothing is.
    """
    body = await object_body(request)
    asked = (caller, body.get("flow"), text_of(body, "step_id"), body.get("samples"))
    field = text_of(body, "field")
    if body.get("dry") is True:
        return answer(await workspace.connect_document.sent(*asked, field=field))
    work = workspace.connect_document.propose(*asked, field=field, use_model=body.get("use_model") is True)
    return answer(await while_connected(request, work))


@router.get("/settings")
async def settings(caller: Caller, workspace: App) -> Response:
    """Which model the workspace asks; whether there is a key, and never the key."""
    return answer(await workspace.assistant_settings.read(caller))


@router.post("/settings")
async def change_settings(request: Request, caller: Caller, workspace: App) -> Response:
    """Change what the body names; the answer is what is set then."""
    return answer(await workspace.assistant_settings.change(caller, await object_body(request)))


@router.post("/test")
async def test(request: Request, caller: Caller, workspace: App) -> Response:
    """Ask the model one tiny question, with settings of the body on top of those that are stored."""
    body = await object_body(request)
    return answer(await while_connected(request, workspace.assistant_settings.test(caller, body)))
