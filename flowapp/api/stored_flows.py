"""Deployed flows, as Windmill's clients know them: `/api/w/{ws}/flows/…`. What our pages ask for is in `flows.py`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body
from flowapp.api.queries import Flag, Paging, Text

router = APIRouter(prefix="/api/w/{ws}/flows")


@router.post("/create")
async def create(request: Request, caller: Caller, workspace: App) -> Response:
    """Store a new flow; the answer is its path."""
    return PlainTextResponse(await workspace.stored_flows.create(caller, await object_body(request)), 201)


@router.post("/update/{path:path}")
async def update(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Store the next version; the answer is the flow's path."""
    return PlainTextResponse(await workspace.stored_flows.update(caller, path, await object_body(request)))


@router.get("/get/v/{version}")
async def get_version(
    version: Annotated[int, Path(ge=0, le=(1 << 31) - 1)], caller: Caller, workspace: App
) -> Response:
    """One version by its id."""
    return answer(await workspace.stored_flows.by_id(caller, version))


@router.get("/exists/{path:path}")
async def exists(path: str, caller: Caller, workspace: App) -> Response:
    """Whether there is one."""
    return answer(await workspace.stored_flows.exists(caller, path))


@router.get("/list")
async def listing(
    caller: Caller,
    workspace: App,
    page: Paging,
    show_archived: Flag = False,
    path_start: Text = "",
    path_exact: Text = "",
    created_by: Text = "",
    order_desc: Flag = True,
    starred_only: Flag = False,
) -> Response:
    """Flows that one may read, last stored first, without their steps."""
    found = await workspace.stored_flows.listing(
        caller,
        archived=show_archived,
        start=path_start,
        path=path_exact,
        created_by=created_by,
        oldest_first=not order_desc,
        page=page,
    )
    return answer([] if starred_only else found)  # nobody has a favourite: there is no way to make one


@router.get("/list_paths")
async def list_paths(caller: Caller, workspace: App) -> Response:
    """Paths of all flows that one may read."""
    return answer([row["path"] for row in await workspace.stored_flows.listing(caller)])


@router.get("/history/p/{path:path}")
async def history(path: str, caller: Caller, workspace: App) -> Response:
    """Versions of a flow, newest first."""
    return answer(await workspace.stored_flows.history(caller, path))


@router.get("/get_latest_version/{path:path}")
async def latest_version(path: str, caller: Caller, workspace: App) -> Response:
    """The newest entry of a flow's history."""
    return answer((await workspace.stored_flows.history(caller, path))[0])


@router.get("/deployment_status/p/{path:path}")
async def deployment_status(path: str, caller: Caller, workspace: App) -> Response:
    """Whether it is there: nothing is resolved in the background, and jobs tell what came of resolving packages."""
    await workspace.stored_flows.history(caller, path)
    return answer({"lock_error_logs": None, "job_id": None})


@router.post("/archive/{path:path}")
async def archive(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Archive a flow, or bring it back."""
    await workspace.stored_flows.archive(caller, path, await object_body(request))
    return PlainTextResponse(path)


@router.delete("/delete/{path:path}")
async def delete(path: str, caller: Caller, workspace: App) -> Response:
    """Delete a flow with all its versions."""
    await workspace.stored_flows.delete(caller, path)
    return PlainTextResponse(f"flow {path} deleted")
