"""The hub, as Windmill's clients ask for it: `/api/scripts/hub/…` and a search."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, SignedIn
from flowapp.api.bodies import MOST

router = APIRouter(prefix="/api")
Text = Annotated[str, Query(max_length=400)]
Number = Annotated[int, Query(ge=-MOST, le=MOST)]


@router.get("/scripts/hub/top")
async def top(person: SignedIn, workspace: App, kind: Text = "", app: Text = "", limit: Number = 50) -> Response:
    """Scripts of all hubs."""
    identity = workspace.sessions.account(person)
    return answer({"asks": await workspace.hub_scripts.search(identity, kind=kind, app=app, limit=limit)})


@router.get("/embeddings/query_hub_scripts")
async def query(
    person: SignedIn, workspace: App, text: Text = "", kind: Text = "", app: Text = "", limit: Number = 50
) -> Response:
    """Scripts by words of their summary or path."""
    identity = workspace.sessions.account(person)
    return answer(await workspace.hub_scripts.search(identity, text=text, kind=kind, app=app, limit=limit))


@router.get("/scripts/hub/get_full/{path:path}")
async def full(path: str, person: SignedIn, workspace: App) -> Response:
    """A script with its schema."""
    return answer(await workspace.hub_scripts.full(workspace.sessions.account(person), path))


@router.get("/scripts/hub/get/{path:path}")
async def get(path: str, person: SignedIn, workspace: App) -> Response:
    """The code of a script."""
    return PlainTextResponse(await workspace.hub_scripts.content(workspace.sessions.account(person), path))
