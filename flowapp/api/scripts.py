"""Stored scripts, as Windmill's clients know them: `/api/w/{ws}/scripts/…`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body
from flowapp.api.queries import Flag, Paging, Text, words
from flowapp.api.snapshots import snapshot_of

router = APIRouter(prefix="/api/w/{ws}/scripts")


@router.post("/create")
async def create(request: Request, caller: Caller, workspace: App, skip_if_noop: Flag = False) -> Response:
    """Store a version; the answer is its hash."""
    body = await object_body(request)
    return PlainTextResponse(await workspace.scripts.create(caller, body, skip_if_noop=skip_if_noop), 201)


@router.post("/create_snapshot")
async def create_snapshot(request: Request, caller: Caller, workspace: App, skip_if_noop: Flag = False) -> Response:
    """Store a version whose code was bundled into one file: a form of `script`, the JSON that `create` takes, and `file`."""
    workspace.scripts.require_storing(caller)
    body, bundle = await snapshot_of(request)
    made = await workspace.scripts.create(caller, body, skip_if_noop=skip_if_noop, bundle=bundle)
    return PlainTextResponse(made, 201)


@router.post("/update/{path:path}")
async def update(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Store the next version of a path, whatever its newest is; the answer is its hash."""
    body = {"path": path, **await object_body(request), "auto_parent": True}
    return PlainTextResponse(await workspace.scripts.create(caller, body), 201)


@router.get("/get/p/{path:path}")
async def get_by_path(path: str, caller: Caller, workspace: App) -> Response:
    """The newest version of a path."""
    return answer(await workspace.scripts.by_path(caller, path))


@router.get("/get/h/{hash}")
async def get_by_hash(hash: str, caller: Caller, workspace: App) -> Response:
    """One version."""
    return answer(await workspace.scripts.by_hash(caller, hash))


@router.get("/raw/p/{path:path}")
async def raw_by_path(path: str, caller: Caller, workspace: App) -> Response:
    """The code of a path, with or without its file extension."""
    return PlainTextResponse(await workspace.scripts.content(caller, path=path))


@router.get("/raw/h/{hash}")
async def raw_by_hash(hash: str, caller: Caller, workspace: App) -> Response:
    """The code of a version, with or without its file extension."""
    return PlainTextResponse(await workspace.scripts.content(caller, script_hash=hash))


@router.get("/exists/p/{path:path}")
async def exists(path: str, caller: Caller, workspace: App) -> Response:
    """Whether there is one."""
    return answer(await workspace.scripts.exists(caller, path))


@router.get("/list")
async def listing(
    caller: Caller,
    workspace: App,
    page: Paging,
    show_archived: Flag = False,
    path_start: Text = "",
    path_exact: Text = "",
    created_by: Text = "",
    kinds: Text = "",
    languages: Text = "",
    order_desc: Flag = True,
    starred_only: Flag = False,
) -> Response:
    """Scripts that one may read, newest first, without their code."""
    found = await workspace.scripts.listing(
        caller,
        archived=show_archived,
        start=path_start,
        path=path_exact,
        created_by=created_by,
        kinds=words(kinds),
        languages=words(languages),
        oldest_first=not order_desc,
        page=page,
    )
    return answer([] if starred_only else found)  # nobody has a favourite: there is no way to make one


@router.get("/list_paths")
async def list_paths(caller: Caller, workspace: App) -> Response:
    """Paths of all scripts that one may read."""
    return answer([row["path"] for row in await workspace.scripts.listing(caller)])


@router.get("/list_search")
async def list_search(caller: Caller, workspace: App) -> Response:
    """Paths and code of all scripts that one may read."""
    rows = await workspace.scripts.listing(caller, code=True)
    return answer([{"path": row["path"], "content": row["content"]} for row in rows])


@router.get("/history/p/{path:path}")
async def history(path: str, caller: Caller, workspace: App) -> Response:
    """Hashes of a path, newest first."""
    return answer(await workspace.scripts.history(caller, path))


@router.get("/around/p/{path:path}")
async def around(path: str, caller: Caller, workspace: App) -> Response:
    """Who uses a path, and what one may do with it."""
    return answer(await workspace.script_uses.around(caller, path))


@router.post("/signature")
async def signature(request: Request, caller: Caller, workspace: App) -> Response:
    """What code takes, as a JSON Schema; nothing is stored, and nothing runs."""
    return answer(await workspace.script_uses.signature(caller, await object_body(request)))


@router.get("/get_latest_version/{path:path}")
async def latest_version(path: str, caller: Caller, workspace: App) -> Response:
    """The newest entry of a path's history."""
    return answer((await workspace.scripts.history(caller, path))[0])


@router.get("/deployment_status/h/{hash}")
async def deployment_status(hash: str, caller: Caller, workspace: App) -> Response:
    """The lock of a version."""
    return answer(await workspace.scripts.deployment_status(caller, hash))


@router.post("/archive/p/{path:path}")
async def archive_path(path: str, caller: Caller, workspace: App) -> Response:
    """Archive a path."""
    return PlainTextResponse(await workspace.scripts.archive(caller, path=path))


@router.post("/archive/h/{hash}")
async def archive_hash(hash: str, caller: Caller, workspace: App) -> Response:
    """Archive one version; the answer is the script."""
    await workspace.scripts.archive(caller, script_hash=hash)
    return answer(await workspace.scripts.by_hash(caller, hash))


@router.post("/delete/p/{path:path}")
async def delete_path(path: str, caller: Caller, workspace: App) -> Response:
    """Delete a path with all its versions."""
    return PlainTextResponse(await workspace.scripts.delete(caller, path=path))


@router.post("/delete/h/{hash}")
async def delete_hash(hash: str, caller: Caller, workspace: App) -> Response:
    """Delete the code of one version."""
    return PlainTextResponse(await workspace.scripts.delete(caller, script_hash=hash))
