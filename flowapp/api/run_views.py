"""Saved views of the list of runs: `/api/w/{ws}/run_views`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body

router = APIRouter(prefix="/api/w/{ws}/run_views")


@router.get("")
async def listing(caller: Caller, workspace: App) -> Response:
    """One's own views, then those that others share."""
    return answer(await workspace.run_filters.listing(caller))


@router.post("")
async def create(request: Request, caller: Caller, workspace: App) -> Response:
    """Keep a filter under a name."""
    return answer(await workspace.run_filters.create(caller, await object_body(request)), 201)


@router.get("/{name}")
async def get(name: str, caller: Caller, workspace: App) -> Response:
    """One view, by its id."""
    return answer(await workspace.run_filters.get(caller, name))


@router.post("/{name}")
async def update(name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Rename, share, or change what it lists."""
    return answer(await workspace.run_filters.update(caller, name, await object_body(request)))


@router.delete("/{name}")
async def delete(name: str, caller: Caller, workspace: App) -> Response:
    """Take it away."""
    await workspace.run_filters.delete(caller, name)
    return answer({"deleted": name})
