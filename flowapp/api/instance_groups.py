"""Groups of people of the whole installation, for super admins, as Windmill's clients know them: `/api/groups`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, SignedIn
from flowapp.api.bodies import json_body, object_body
from flowapp.api.queries import Paging

router = APIRouter(prefix="/api/groups")


@router.get("/list")
async def list_groups(person: SignedIn, workspace: App, page: Paging) -> Response:
    """All instance groups with their people."""
    return answer(await workspace.instance_groups.listing(person, page))


@router.get("/list_with_workspaces")
async def list_with_workspaces(person: SignedIn, workspace: App, page: Paging) -> Response:
    """All instance groups with their people, and the groups of workspaces that are linked to each."""
    return answer(await workspace.instance_groups.listing(person, page, linked=True))


@router.get("/get/{name}")
async def get_group(name: str, person: SignedIn, workspace: App) -> Response:
    """One instance group with its people, and the groups that are linked to it."""
    return answer(await workspace.instance_groups.get(person, name))


@router.post("/create")
async def create_group(request: Request, person: SignedIn, workspace: App) -> Response:
    """Make an instance group."""
    name = await workspace.instance_groups.create(person, await object_body(request))
    return PlainTextResponse(f"Created group {name}")


@router.post("/update/{name}")
async def update_group(name: str, request: Request, person: SignedIn, workspace: App) -> Response:
    """Change what is said of it (`new_summary`), and who is in it where the body says `emails`."""
    await workspace.instance_groups.update(person, name, await object_body(request))
    return PlainTextResponse(f"Updated group {name}")


@router.delete("/delete/{name}")
async def delete_group(name: str, person: SignedIn, workspace: App) -> Response:
    """Delete it, with the links to it."""
    await workspace.instance_groups.delete(person, name)
    return PlainTextResponse(f"Deleted group {name}")


@router.post("/adduser/{name}")
async def add_user(name: str, request: Request, person: SignedIn, workspace: App) -> Response:
    """Put somebody into it: `{"email"}`."""
    await workspace.instance_groups.add_user(person, name, await object_body(request))
    return PlainTextResponse(f"Added to group {name}")


@router.post("/removeuser/{name}")
async def remove_user(name: str, request: Request, person: SignedIn, workspace: App) -> Response:
    """Take somebody out of it: `{"email"}`."""
    await workspace.instance_groups.remove_user(person, name, await object_body(request))
    return PlainTextResponse(f"Removed from group {name}")


@router.get("/export")
async def export_groups(person: SignedIn, workspace: App) -> Response:
    """All instance groups, to put them in elsewhere."""
    return answer(await workspace.instance_groups.export(person))


@router.post("/overwrite")
async def overwrite_groups(request: Request, person: SignedIn, workspace: App) -> Response:
    """Have exactly the instance groups of the list, all or nothing."""
    await workspace.instance_groups.overwrite(person, await json_body(request))
    return PlainTextResponse("Groups replaced")
