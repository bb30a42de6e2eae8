"""Files that scripts keep, as Windmill's clients ask for them (`write_s3_file`, `load_s3_file`, signed addresses)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import object_body, text_of
from flowapp.api.downloads import attachment
from flowapp.store.buckets import MAX_FILE
from flowapp.workspace.errors import BadRequest, UploadTooLarge
from flowapp.workspace.object_places import DEFAULT_REGION, Where
from flowapp.workspace.objects import StoredFile

router = APIRouter(prefix="/api/w/{ws}")
FileKey = Annotated[str, Query()]
Resource = Annotated[str, Query(alias="s3_resource_path")]
Storage = Annotated[str, Query()]


@router.post("/job_helpers/upload_s3_file")
async def upload_s3_file(
    request: Request,
    caller: Caller,
    workspace: App,
    file_key: FileKey = "",
    resource: Resource = "",
    storage: Storage = "",
    file_extension: Annotated[str, Query()] = "",
    content_type: Annotated[str, Query()] = "",
) -> Response:
    """Keep the body as a file: `{"file_key"}`, the one that was asked for or a new one."""
    key = await workspace.objects.put(
        caller,
        _Body(request),
        key=file_key,
        extension=file_extension,
        media_type=content_type,
        where=Where(resource, storage),
    )
    return answer({"file_key": key})


@router.get("/job_helpers/download_s3_file")
async def download_s3_file(
    caller: Caller, workspace: App, file_key: FileKey = "", resource: Resource = "", storage: Storage = ""
) -> Response:
    """The file's content."""
    return _Sent(await workspace.objects.get(caller, file_key, Where(resource, storage)))


@router.delete("/job_helpers/delete_s3_file")
async def delete_s3_file(
    caller: Caller, workspace: App, file_key: FileKey = "", resource: Resource = "", storage: Storage = ""
) -> Response:
    """Take the file away for good."""
    await workspace.objects.delete(caller, file_key, Where(resource, storage))
    return PlainTextResponse(f"Deleted {file_key}")


@router.post("/job_helpers/v2/s3_resource_info")
async def s3_resource_info(request: Request, caller: Caller, workspace: App) -> Response:
    """The S3 resource that a library connects with: `{"s3_resource_path"}`, or that of the workspace's storage."""
    return answer(await _connection(request, caller, workspace))


@router.post("/job_helpers/v2/duckdb_connection_settings")
async def duckdb_connection_settings(request: Request, caller: Caller, workspace: App) -> Response:
    """The same as statements of DuckDB: `{"connection_settings_str"}`."""
    resource = await _connection(request, caller, workspace)
    settings = {
        "s3_url_style": "path" if resource.get("pathStyle") else "vhost",
        "s3_region": _region(resource),
        "s3_endpoint": _host(resource),
        "s3_access_key_id": resource.get("accessKey"),
        "s3_secret_access_key": resource.get("secretKey"),
        "s3_session_token": resource.get("token"),
    }
    lines = [f"SET {name}={_quoted(value)};" for name, value in settings.items() if value]
    lines += ["SET s3_use_ssl=0;"] if resource.get("useSSL") is False else []
    return answer({"connection_settings_str": "\n".join(["INSTALL 'httpfs';", "LOAD 'httpfs';", *lines]) + "\n"})


@router.post("/job_helpers/v2/polars_connection_settings")
async def polars_connection_settings(request: Request, caller: Caller, workspace: App) -> Response:
    """The same as what polars and s3fs take: `{"s3fs_args", "storage_options"}`."""
    resource = await _connection(request, caller, workspace)
    tls = resource.get("useSSL") is not False
    url = f"{'https' if tls else 'http'}://{_host(resource)}"
    region, key, secret = _region(resource), resource.get("accessKey", ""), resource.get("secretKey", "")
    s3fs = {
        "endpoint_url": url,
        "key": key,
        "secret": secret,
        "use_ssl": tls,
        "cache_regions": False,
        "client_kwargs": {"region_name": region},
    }
    options = {
        "aws_endpoint_url": url,
        "aws_access_key_id": key,
        "aws_secret_access_key": secret,
        "aws_region": region,
        "aws_allow_http": "false" if tls else "true",
    }
    if token := resource.get("token"):
        s3fs["token"] = options["aws_session_token"] = token
    return answer({"s3fs_args": s3fs, "storage_options": options})


@router.post("/apps/sign_s3_objects")
async def sign_s3_objects(request: Request, caller: Caller, workspace: App) -> Response:
    """`{"s3_objects", "expiry_secs"?}`: the same files, each with `presigned`, for addresses that need no sign-in."""
    body = await object_body(request)
    return answer(await workspace.objects.sign(caller, body.get("s3_objects"), body.get("expiry_secs")))


@router.get("/s3_proxy/{storage}/{key:path}")
async def s3_proxy(request: Request, ws: str, storage: str, key: str, workspace: App) -> Response:
    """The file of a signed address; nobody signs in for it."""
    return _Sent(await workspace.objects.link(ws, storage, key, request.url.query))


@router.get("/workspaces/get_large_file_storage_config")
async def get_storage(caller: Caller, workspace: App) -> Response:
    """Where files are kept; `{}` is the server's folder. For admins."""
    return answer(await workspace.objects.storages(caller))


@router.post("/workspaces/edit_large_file_storage_config")
async def edit_storage(request: Request, caller: Caller, workspace: App) -> Response:
    """Keep files elsewhere: `{"large_file_storage": {"type": "S3Storage", "s3_resource_path"}}`, null for the folder."""
    await workspace.objects.change_storages(caller, await object_body(request))
    return PlainTextResponse("Edited where files are kept")


class _Body:
    """The body of a request in pieces, as they come."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def __aiter__(self) -> Any:
        size = 0
        try:
            async for chunk in self._request.stream():
                size += len(chunk)
                if size > MAX_FILE:
                    raise UploadTooLarge(f"A file has at most {MAX_FILE >> 30} GB.", "Keep it in parts.")
                yield chunk
        except ClientDisconnect:
            raise BadRequest("The connection closed before the whole file had arrived.") from None


class _Sent(StreamingResponse):
    """A stored file. What it is read from is closed however the answer ends, also where the client went before it began."""

    def __init__(self, file: StoredFile) -> None:
        headers = {**attachment(file.name), "content-length": str(file.found.size)}
        super().__init__(file.found.chunks, media_type=file.media_type, headers=headers)
        self._close = file.found.close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._close()


async def _connection(request: Request, caller: Caller, workspace: App) -> dict[str, Any]:
    return await workspace.objects.connection(caller, text_of(await object_body(request), "s3_resource_path"))


def _host(resource: dict[str, Any]) -> str:
    host = str(resource.get("endPoint") or "").split("://")[-1].rstrip("/")
    port = resource.get("port")
    if host in ("", "s3.amazonaws.com"):  # with a bucket's name before it, this one answers for one region only
        host = f"s3.{_region(resource)}.amazonaws.com"
    return f"{host}{f':{port}' if port else ''}"


def _region(resource: dict[str, Any]) -> str:
    return str(resource.get("region") or DEFAULT_REGION)


def _quoted(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
