"""Sharing links of runs: made, listed and revoked over HTTP; and the page that they lead to, which needs no sign-in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from flowapp.access.errors import NotFound, TooManyAttempts
from flowapp.api import shared_page
from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body
from flowapp.api.plain import address_of
from flowapp.store.errors import ValueMissing

router = APIRouter()
_LINKS = "/api/w/{ws}/runs/{run_id}/links"


@router.get(_LINKS)
async def listing(run_id: str, caller: Caller, workspace: App) -> Response:
    """The run's links that still lead somewhere."""
    return answer(await workspace.sharing.listing(caller, run_id))


@router.post(_LINKS)
async def create(run_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Make a link: `{"days": 1, 7 or 30, "note"?}`; its token is told this once."""
    return answer(await workspace.sharing.create(caller, run_id, await object_body(request)), 201)


@router.delete(f"{_LINKS}/{{name}}")
async def revoke(run_id: str, name: str, caller: Caller, workspace: App) -> Response:
    """Make a link worthless."""
    await workspace.sharing.revoke(caller, run_id, name)
    return answer({"revoked": name})


@router.api_route("/shared/{token}", methods=["GET", "HEAD"])
async def page(
    token: str, request: Request, workspace: App, step: Annotated[str, Query(max_length=4000)] = ""
) -> Response:
    """The run of a link, or one of its steps, without secrets."""
    try:
        opened = await workspace.sharing.open(token, address_of(request), counts=request.method == "GET")
        shown = await workspace.shared_runs.page(opened, step)
    except TooManyAttempts as error:
        return shared_page.busy(error)
    except (NotFound, ValueMissing):
        shown = None
    return shared_page.nothing() if shown is None else shared_page.render(shown)
