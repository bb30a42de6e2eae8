"""Comments on the cells of a notebook: `/api/w/{ws}/drafts/{draft_id}/comments`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body

router = APIRouter(prefix="/api/w/{ws}/drafts/{draft_id}/comments")


@router.get("")
async def listing(draft_id: str, caller: Caller, workspace: App) -> Response:
    """All threads of the draft, oldest first."""
    return answer(await workspace.comments.listing(caller, draft_id))


@router.post("")
async def create(draft_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Begin a thread on a cell, or answer in one."""
    return answer(await workspace.comments.create(caller, draft_id, await object_body(request)), 201)


@router.post("/{name}")
async def edit(draft_id: str, name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Other words for one's own comment."""
    return answer(await workspace.comments.edit(caller, draft_id, name, await object_body(request)))


@router.delete("/{name}")
async def delete(draft_id: str, name: str, caller: Caller, workspace: App) -> Response:
    """Take a comment away."""
    await workspace.comments.delete(caller, draft_id, name)
    return answer({"deleted": name})


@router.post("/{name}/resolve")
async def resolve(draft_id: str, name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Say that a thread is resolved, or open again."""
    return answer(await workspace.comments.resolve(caller, draft_id, name, await object_body(request)))
