"""The hub: as Windmill's clients ask for it, `/api/scripts/hub/…` and a search; and as the pages do, `/api/w/{ws}/hub/…`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller, SignedIn
from flowapp.api.bodies import MOST, object_body, text_of
from flowapp.api.queries import Flag

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


@router.get("/w/{ws}/hub/list")
async def listing(
    caller: Caller,
    workspace: App,
    text: Text = "",
    app: Text = "",
    language: Text = "",
    limit: Number = 100,
    remote: Flag = True,
    again: Flag = False,
) -> Response:
    """What all hubs list, and what each of them says; a hub over HTTP is left alone without `remote`, and asked anew with `again`."""
    found = await workspace.hub_browser.listing(
        caller, text=text, app=app, language=language, limit=limit, remote=remote, again=again
    )
    return answer(found)


@router.get("/w/{ws}/hub/get/{path:path}")
async def show(path: str, caller: Caller, workspace: App) -> Response:
    """A script with its inputs, where it comes from, and what the caller may do with it."""
    return answer(await workspace.hub_browser.show(caller, path))


@router.post("/w/{ws}/hub/begin")
async def begin(request: Request, caller: Caller, workspace: App) -> Response:
    """A new draft whose one step is the script."""
    body = await object_body(request)
    return answer(await workspace.hub_browser.begin(caller, text_of(body, "path")), 201)
