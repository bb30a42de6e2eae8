"""Version and health: public, and without any data of a workspace."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from flowapp import __version__
from flowapp.api.answers import answer
from flowapp.api.auth import App

router = APIRouter()

#: Windmill's clients read the number behind the first `v` to know what a server can do.
VERSION = f"CE v1.600.0 flowapp-{__version__}"


@router.get("/api/version")
async def version() -> Response:
    """What this server is."""
    return PlainTextResponse(VERSION)


@router.get("/api/uptodate")
async def uptodate() -> Response:
    """Whether there is a newer version, as far as this server can know: it asks nobody by itself."""
    return PlainTextResponse(f"This is Flowapp {__version__}. The server does not ask whether there is a newer one.")


@router.get("/api/health")
async def health(workspace: App) -> Response:
    """Whether the database answers, and how user code is isolated."""
    await workspace.sessions.check()
    return answer({"status": "ok", "version": VERSION, **dict(workspace.runtimes.describe())})
