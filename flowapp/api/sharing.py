"""Sharing links of runs and flows: made, listed and revoked over HTTP; and the page that they lead to, which needs no sign-in."""

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
from flowapp.store.tables import RunRow
from flowapp.workspace.app import Workspace
from flowapp.workspace.shared_flows import SharedFlow
from flowapp.workspace.shared_runs import SharedRun
from flowapp.workspace.sharing import Opened

router = APIRouter()
_OF_RUN = "/api/w/{ws}/runs/{run_id}/links"
_OF_FLOW = "/api/w/{ws}/flows/links/{path:path}"


@router.get(_OF_RUN)
async def of_run(run_id: str, caller: Caller, workspace: App) -> Response:
    """The run's links that still lead somewhere."""
    return answer(await workspace.sharing.listing(caller, "run", run_id))


@router.post(_OF_RUN)
async def share_run(run_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Make a link: `{"days": 1, 7 or 30, "note"?}`; its token is told this once."""
    return answer(await workspace.sharing.create(caller, "run", run_id, await object_body(request)), 201)


@router.delete(f"{_OF_RUN}/{{name}}")
async def revoke_of_run(run_id: str, name: str, caller: Caller, workspace: App) -> Response:
    """Make a link worthless."""
    await workspace.sharing.revoke(caller, "run", run_id, name)
    return answer({"revoked": name})


@router.get(_OF_FLOW)
async def of_flow(path: str, caller: Caller, workspace: App) -> Response:
    """The links of a deployed flow that still lead somewhere."""
    return answer(await workspace.sharing.listing(caller, "flow", path))


@router.post(_OF_FLOW)
async def share_flow(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Make a link: `{"days": 1, 7 or 30, "note"?}`; its token is told this once."""
    return answer(await workspace.sharing.create(caller, "flow", path, await object_body(request)), 201)


@router.delete(f"{_OF_FLOW}/{{name}}")
async def revoke_of_flow(path: str, name: str, caller: Caller, workspace: App) -> Response:
    """Make a link worthless."""
    await workspace.sharing.revoke(caller, "flow", path, name)
    return answer({"revoked": name})


@router.api_route("/shared/{token}", methods=["GET", "HEAD"])
async def page(
    token: str, request: Request, workspace: App, step: Annotated[str, Query(max_length=4000)] = ""
) -> Response:
    """The run of a link, or one of its steps, or the flow of a link; without secrets."""
    try:
        opened = await workspace.sharing.open(token, address_of(request), counts=request.method == "GET")
        shown = await _content(workspace, opened, step)
    except TooManyAttempts as error:
        return shared_page.busy(error)
    except (NotFound, ValueMissing):
        shown = None
    return shared_page.nothing() if shown is None else shared_page.render(shown)


async def _content(workspace: Workspace, opened: Opened, step: str) -> SharedRun | SharedFlow | None:
    if isinstance(opened.row, RunRow):
        return await workspace.shared_runs.page(opened.row, opened, step)
    return await workspace.shared_flows.page(opened.row, opened)
