"""Who uses a stored thing: `/api/w/{ws}/usages/…`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller

router = APIRouter(prefix="/api/w/{ws}/usages")


@router.get("/{kind}/{path:path}")
async def usages(kind: str, path: str, caller: Caller, workspace: App) -> Response:
    """What uses the variable, resource, resource type, script or flow, as far as one may read it."""
    return answer({"used_by": await workspace.usages.of(caller, kind, path)})
