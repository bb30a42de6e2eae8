"""Starting something and following it in one answer: `/api/w/{ws}/jobs/run_and_stream…`, as server-sent events."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from flowapp.access.identity import Identity
from flowapp.api.auth import App, Starter
from flowapp.api.jobs import Version, started_run
from flowapp.api.jobs_u import stream
from flowapp.workspace.app import Workspace
from flowapp.workspace.job_logs import Seen
from flowapp.workspace.runnables import Kind

router = APIRouter(prefix="/api/w/{ws}/jobs/run_and_stream")
_BOTH = ["GET", "POST"]


@router.api_route("/f/{path:path}", methods=_BOTH)
async def stream_flow(path: str, request: Request, caller: Starter, workspace: App) -> Response:
    """Start the latest version of a flow and follow it."""
    return await _streamed(request, caller, workspace, "flow", path=path)


@router.api_route("/fv/{version}", methods=_BOTH)
async def stream_flow_version(version: Version, request: Request, caller: Starter, workspace: App) -> Response:
    """The same for one version of a flow."""
    return await _streamed(request, caller, workspace, "flow", version_id=version)


@router.api_route("/p/{path:path}", methods=_BOTH)
async def stream_script(path: str, request: Request, caller: Starter, workspace: App) -> Response:
    """Start the latest version of a script and follow it."""
    return await _streamed(request, caller, workspace, "script", path=path)


@router.api_route("/h/{hash}", methods=_BOTH)
async def stream_script_version(hash: str, request: Request, caller: Starter, workspace: App) -> Response:
    """The same for one version of a script."""
    return await _streamed(request, caller, workspace, "script", hash=hash)


async def _streamed(request: Request, caller: Identity, workspace: Workspace, kind: Kind, **named: Any) -> Response:
    """The events of `getupdate_sse` without logs, the last with the result. `x-job-id` is for whoever asks again."""
    run = await started_run(request, caller, workspace, kind, named)
    updates = await workspace.job_logs.follow(caller, run.id, Seen(logs=False), only_result=True)
    return stream(updates, {"x-job-id": run.id})
