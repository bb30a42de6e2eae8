"""A workspace as an archive, as Windmill's command line pulls it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from flowapp.api.auth import App, Caller
from flowapp.api.downloads import attachment
from flowapp.workspace.export import Wanted

router = APIRouter(prefix="/api/w/{ws}/workspaces")


@router.get("/tarball")
async def tarball(caller: Caller, workspace: App, wanted: Annotated[Wanted, Depends()]) -> Response:
    """What one may read of the workspace, as files of the command line."""
    content = await workspace.export.archive(caller, wanted)
    kind = "application/zip" if wanted.packing == "zip" else "application/x-tar"
    return Response(content, media_type=kind, headers=attachment(f"{caller.workspace}.{wanted.packing}"))
