"""Resources and their types, as Windmill's clients know them: `/api/w/{ws}/resources/…`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body
from flowapp.api.queries import Flag, Paging, Text, words
from flowapp.workspace.stored import ALL

VersionId = Annotated[int, Path(ge=0, le=(1 << 31) - 1)]
router = APIRouter(prefix="/api/w/{ws}/resources")


# types first: an address that begins so must not be taken for a resource's path


@router.get("/type/list")
async def list_types(caller: Caller, workspace: App) -> Response:
    """All types."""
    return answer(await workspace.resource_types.listing(caller))


@router.get("/type/listnames")
async def list_type_names(caller: Caller, workspace: App) -> Response:
    """Names of all types."""
    return answer([row["name"] for row in await workspace.resource_types.listing(caller)])


@router.get("/type/get/{name}")
async def get_type(name: str, caller: Caller, workspace: App) -> Response:
    """One type."""
    return answer(await workspace.resource_types.get(caller, name))


@router.get("/type/exists/{name}")
async def type_exists(name: str, caller: Caller, workspace: App) -> Response:
    """Whether there is one of that name."""
    return answer(await workspace.resource_types.exists(caller, name))


@router.post("/type/create")
async def create_type(request: Request, caller: Caller, workspace: App) -> Response:
    """Store a new type."""
    name = await workspace.resource_types.create(caller, await object_body(request))
    return PlainTextResponse(f"resource_type {name} created", 201)


@router.post("/type/update/{name}")
async def update_type(name: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Change what the body names."""
    await workspace.resource_types.update(caller, name, await object_body(request))
    return PlainTextResponse(f"resource_type {name} updated")


@router.delete("/type/delete/{name}")
async def delete_type(name: str, caller: Caller, workspace: App) -> Response:
    """Delete it; resources of it stay."""
    await workspace.resource_types.delete(caller, name)
    return PlainTextResponse(f"resource_type {name} deleted")


@router.get("/file_resource_type_to_file_ext_map")
async def file_extensions(caller: Caller, workspace: App) -> Response:
    """Types whose values are files."""
    return answer(await workspace.resource_types.file_extensions(caller))


@router.post("/create")
async def create(request: Request, caller: Caller, workspace: App, update_if_exists: Flag = False) -> Response:
    """Store a new resource."""
    body = await object_body(request)
    path = await workspace.resources.create(caller, body, update_if_exists=update_if_exists)
    return PlainTextResponse(f"resource {path} created", 201)


@router.post("/update/{path:path}")
async def update(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Change what the body names."""
    target = await workspace.resources.update(caller, path, await object_body(request))
    return PlainTextResponse(f"resource {target} updated")


@router.post("/update_value/{path:path}")
async def update_value(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Replace the value only."""
    target = await workspace.resources.update_value(caller, path, await object_body(request))
    return PlainTextResponse(f"value of resource {target} updated")


@router.get("/get/{path:path}")
async def get(path: str, caller: Caller, workspace: App) -> Response:
    """One resource."""
    return answer(await workspace.resources.get(caller, path))


@router.get("/get_value/{path:path}")
async def get_value(path: str, caller: Caller, workspace: App) -> Response:
    """The value as it is stored."""
    return answer(await workspace.resources.value(caller, path))


@router.get("/get_value_interpolated/{path:path}")
async def get_interpolated(path: str, caller: Caller, workspace: App) -> Response:
    """The value with `$var:` and `$res:` replaced."""
    return answer(await workspace.resources.interpolated(caller, path))


@router.get("/history/p/{path:path}")
async def history(path: str, caller: Caller, workspace: App) -> Response:
    """Versions of its value, newest first."""
    return answer(await workspace.resource_history.of(caller, path))


@router.delete("/history/p/{path:path}")
async def clear_history(path: str, caller: Caller, workspace: App) -> Response:
    """Take its earlier values away."""
    return PlainTextResponse(await workspace.resource_history.clear(caller, path))


@router.get("/history/v/{version}")
async def get_version(version: VersionId, caller: Caller, workspace: App) -> Response:
    """One version, with its value."""
    return answer(await workspace.resource_history.get(caller, version))


@router.post("/history/restore/v/{version}")
async def restore_version(version: VersionId, caller: Caller, workspace: App) -> Response:
    """Give the resource that value again."""
    return PlainTextResponse(await workspace.resource_history.restore(caller, version))


@router.get("/exists/{path:path}")
async def exists(path: str, caller: Caller, workspace: App) -> Response:
    """Whether there is one."""
    return answer(await workspace.resources.exists(caller, path))


@router.get("/list")
async def listing(
    caller: Caller,
    workspace: App,
    page: Paging,
    resource_type: Text = "",
    resource_type_exclude: Text = "",
    path_start: Text = "",
    path: Text = "",
) -> Response:
    """What one may read."""
    found = await workspace.resources.listing(
        caller,
        start=path_start,
        path=path,
        types=words(resource_type),
        without=words(resource_type_exclude),
        page=page,
    )
    return answer(found)


@router.get("/list_search")
async def list_search(caller: Caller, workspace: App) -> Response:
    """Paths and values of what one may read."""
    rows = await workspace.resources.listing(caller, page=ALL)
    return answer([{"path": row["path"], "value": row["value"]} for row in rows])


@router.get("/list_names/{name}")
async def list_names(name: str, caller: Caller, workspace: App) -> Response:
    """Paths of the resources of a type."""
    rows = await workspace.resources.listing(caller, types=frozenset((name,)), values=False)
    return answer([{"name": row["path"].rpartition("/")[2], "path": row["path"]} for row in rows])


@router.delete("/delete/{path:path}")
async def delete(path: str, caller: Caller, workspace: App) -> Response:
    """Delete it."""
    await workspace.resources.delete(caller, path)
    return PlainTextResponse(f"resource {path} deleted")
