"""Windmill-shaped endpoints: starting and canceling deployed flows. Errors are text, because clients print the body."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.auth import App, Caller
from flowapp.api.bodies import MAX_ARGUMENTS, object_body
from flowapp.api.drafts import text_of

router = APIRouter(prefix="/api/w/{ws}")


@router.post("/jobs/run/f/{path:path}")
async def run_flow(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Start the latest version with the body as arguments; unknown query keys are ignored. The answer is the run's id."""
    args = await object_body(request, MAX_ARGUMENTS)
    run = await workspace.runs.run_flow(caller, path, args)
    return PlainTextResponse(run.id, 201)


@router.post("/jobs_u/queue/cancel/{run_id}")
async def cancel(run_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Cancel a run; one that is over stays as it is."""
    body = await object_body(request)
    run = await workspace.runs.cancel(caller, run_id, text_of(body, "reason"))
    return PlainTextResponse(run.id)
