"""Who has a notebook open: `/api/w/{ws}/drafts/{draft_id}/presence`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body

router = APIRouter(prefix="/api/w/{ws}/drafts/{draft_id}/presence")


@router.post("")
async def beat(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """A page says that it is there, where its person is, and whether they type."""
    return answer(await workspace.presence.beat(caller, draft_id, await object_body(request)))
