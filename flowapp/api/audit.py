"""The audit trail, as Windmill's clients ask for it: `/api/w/{ws}/audit/…`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import MOST
from flowapp.api.downloads import attachment

router = APIRouter(prefix="/api/w/{ws}/audit")
Number = Annotated[int, Query(ge=-MOST, le=MOST)]


@router.get("/list")
async def listing(
    request: Request, caller: Caller, workspace: App, page: Number = 1, per_page: Number = 100
) -> Response:
    """What has happened in the workspace, newest first."""
    query = dict(request.query_params)
    return answer(await workspace.audit_trail.listing(caller, query, page=page, per_page=per_page))


@router.get("/export")
async def export(request: Request, caller: Caller, workspace: App) -> Response:
    """What the filters of `list` take, all of it, as a file: `format` is `csv` (unless said) or `json`."""
    query = {name: value for name, value in request.query_params.items() if name != "format"}
    form = request.query_params.get("format", "csv")
    pieces = await workspace.audit_trail.export(caller, query, form)
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
    return StreamingResponse(pieces, media_type=kind, headers=attachment(f"audit-{caller.workspace}.{form}"))


@router.get("/get/{number}")
async def get(number: Annotated[int, Path(ge=0, le=MOST)], caller: Caller, workspace: App) -> Response:
    """One entry by its id."""
    return answer(await workspace.audit_trail.get(caller, number))
