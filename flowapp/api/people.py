"""Folders, groups and members of a workspace, as Windmill's clients know them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body
from flowapp.api.queries import Flag, Paging

router = APIRouter(prefix="/api/w/{ws}")


# --- folders ----------------------------------------------------------------------------------------------------------


@router.post("/folders/create")
async def create_folder(request: Request, caller: Caller, workspace: App) -> Response:
    """Make a folder."""
    name = await workspace.folders.create(caller, await object_body(request))
    return PlainTextResponse(f"Created folder {name}")


@router.post("/folders/update/{name}")
async def update_folder(name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Change what the body names."""
    await workspace.folders.update(caller, name, await object_body(request))
    return PlainTextResponse(f"Updated folder {name}")


@router.get("/folders/get/{name}")
async def get_folder(name: str, caller: Caller, workspace: App) -> Response:
    """One folder."""
    return answer(await workspace.folders.get(caller, name))


@router.get("/folders/exists/{name}")
async def folder_exists(name: str, caller: Caller, workspace: App) -> Response:
    """Whether there is one."""
    return answer(await workspace.folders.exists(caller, name))


@router.get("/folders/list")
async def list_folders(caller: Caller, workspace: App, page: Paging) -> Response:
    """Folders that one has a part in."""
    return answer(await workspace.folders.listing(caller, page))


@router.get("/folders/listnames")
async def list_folder_names(caller: Caller, workspace: App) -> Response:
    """Names of the folders that one has a part in."""
    return answer([row["name"] for row in await workspace.folders.listing(caller)])


@router.get("/folders/getusage/{name}")
async def folder_usage(name: str, caller: Caller, workspace: App) -> Response:
    """How many things of each kind are in it."""
    return answer(await workspace.folders.usage(caller, name))


@router.post("/folders/addowner/{name}")
async def add_folder_owner(name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Add an owner: `{"owner"}`."""
    body = await object_body(request)
    await workspace.folders.add_owner(caller, name, body.get("owner"))
    return PlainTextResponse(f"Added an owner of folder {name}")


@router.post("/folders/removeowner/{name}")
async def remove_folder_owner(name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Remove an owner: `{"owner"}`."""
    body = await object_body(request)
    await workspace.folders.remove_owner(caller, name, body.get("owner"))
    return PlainTextResponse(f"Removed an owner of folder {name}")


@router.delete("/folders/delete/{name}")
async def delete_folder(name: str, caller: Caller, workspace: App) -> Response:
    """Delete it."""
    await workspace.folders.delete(caller, name)
    return PlainTextResponse(f"Deleted folder {name}")


# --- groups -----------------------------------------------------------------------------------------------------------


@router.get("/groups/list")
async def list_groups(caller: Caller, workspace: App, page: Paging) -> Response:
    """All groups."""
    return answer(await workspace.groups.listing(caller, page))


@router.get("/groups/listnames")
async def list_group_names(caller: Caller, workspace: App, only_member_of: Flag = False) -> Response:
    """Names of all groups, or of those that the caller is in."""
    return answer(await workspace.groups.names(caller, mine=only_member_of))


@router.get("/groups/get/{name}")
async def get_group(name: str, caller: Caller, workspace: App) -> Response:
    """One group with its members."""
    return answer(await workspace.groups.get(caller, name))


@router.post("/groups/create")
async def create_group(request: Request, caller: Caller, workspace: App) -> Response:
    """Make a group."""
    name = await workspace.groups.create(caller, await object_body(request))
    return PlainTextResponse(f"Created group {name}")


@router.post("/groups/update/{name}")
async def update_group(name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Change its summary, and where the body says so who is in it and its instance group."""
    await workspace.groups.update(caller, name, await object_body(request))
    return PlainTextResponse(f"Updated group {name}")


@router.delete("/groups/delete/{name}")
async def delete_group(name: str, caller: Caller, workspace: App) -> Response:
    """Delete it."""
    await workspace.groups.delete(caller, name)
    return PlainTextResponse(f"Deleted group {name}")


@router.post("/groups/adduser/{name}")
async def add_to_group(name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Put a member into it: `{"username"}`."""
    await workspace.groups.add_user(caller, name, await object_body(request))
    return PlainTextResponse(f"Added to group {name}")


@router.post("/groups/removeuser/{name}")
async def remove_from_group(name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Take a member out of it: `{"username"}`."""
    await workspace.groups.remove_user(caller, name, await object_body(request))
    return PlainTextResponse(f"Removed from group {name}")


# --- members ----------------------------------------------------------------------------------------------------------


@router.get("/users/whoami")
async def whoami(caller: Caller, workspace: App) -> Response:
    """The caller in this workspace."""
    return answer(await workspace.members.whoami(caller))


@router.get("/users/list")
async def list_members(caller: Caller, workspace: App, page: Paging) -> Response:
    """All members."""
    return answer(await workspace.members.listing(caller, page))


@router.get("/users/list_usernames")
async def list_usernames(caller: Caller, workspace: App) -> Response:
    """Usernames of all members."""
    return answer([row["username"] for row in await workspace.members.listing(caller)])


@router.get("/users/get/{name}")
async def get_member(name: str, caller: Caller, workspace: App) -> Response:
    """One member by username."""
    return answer(await workspace.members.get(caller, name))


@router.get("/users/whois/{name}")
async def whois(name: str, caller: Caller, workspace: App) -> Response:
    """One member by username."""
    return answer(await workspace.members.get(caller, name))


@router.get("/users/username_to_email/{name}")
async def username_to_email(name: str, caller: Caller, workspace: App) -> Response:
    """A member's email, as text."""
    return PlainTextResponse(await workspace.members.email_of(caller, name))


@router.post("/users/exists")
async def member_exists(request: Request, caller: Caller, workspace: App) -> Response:
    """Whether a member has a username: `{"username"}`."""
    body = await object_body(request)
    return answer(await workspace.members.exists(caller, body.get("username")))


@router.get("/users/is_owner/{path:path}")
async def is_owner(path: str, caller: Caller, workspace: App) -> Response:
    """Whether what has that path is the caller's own."""
    return answer(await workspace.members.owns(caller, path))


@router.post("/users/update/{name}")
async def update_member(name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Give a member another role."""
    await workspace.members.update(caller, name, await object_body(request))
    return PlainTextResponse(f"user {name} updated")


@router.delete("/users/delete/{name}")
async def remove_member(name: str, caller: Caller, workspace: App) -> Response:
    """Take a member out of the workspace."""
    await workspace.members.remove(caller, name)
    return PlainTextResponse(f"user {name} deleted")


@router.post("/users/add")
@router.post("/workspaces/add_user")
async def add_member(request: Request, caller: Caller, workspace: App) -> Response:
    """Make somebody a member."""
    name = await workspace.members.add(caller, await object_body(request))
    return PlainTextResponse(f"user {name} added", 201)


@router.get("/workspaces/list_ws_specific")
async def list_specific(caller: Caller, workspace: App) -> Response:
    """Things that are not synced between workspaces: variables and resources marked so."""
    marked = [
        {"item_kind": kind, "path": row["path"]}
        for kind, rows in (
            ("variable", await workspace.variables.listing(caller)),
            ("resource", await workspace.resources.listing(caller, values=False)),
        )
        for row in rows
        if row["ws_specific"]
    ]
    return answer(marked)
