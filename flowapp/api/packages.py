"""Packages that are installed for cells on this server: what there is, with sizes, and clearing it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, SignedIn

router = APIRouter(prefix="/api/packages")


@router.get("")
async def show(person: SignedIn, workspace: App) -> Response:
    """What is installed for cells, one entry for each lock."""
    return answer(await workspace.packages.show(person))


@router.post("/clear")
async def clear(person: SignedIn, workspace: App) -> Response:
    """Remove what no job uses."""
    return answer(await workspace.packages.clear(person))
