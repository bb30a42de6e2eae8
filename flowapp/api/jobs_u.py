"""Following and canceling jobs: `/api/w/{ws}/jobs_u/…`. A job id may be a run's, a step's, an iteration's or a branch's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from flowapp.api.answers import answer
from flowapp.api.approval_parts import Approver, OpenedBy, number_of
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import MOST, object_body, text_of
from flowapp.api.job_results import plain_answer
from flowapp.jsontext import JsonText, dumps
from flowapp.workspace.approval_requests import Link
from flowapp.workspace.job_logs import Seen

router = APIRouter(prefix="/api/w/{ws}/jobs_u")
Number = Annotated[int, Query(ge=0, le=MOST)]
_SSE = {"cache-control": "no-store", "x-accel-buffering": "no"}


@router.get("/get/{job_id}")
async def get(
    ws: str,
    job_id: str,
    opener: OpenedBy,
    workspace: App,
    no_logs: bool = False,
    no_code: bool = False,
    approval_token: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """A Job. `approval_token` (the `view_token` of `get_flow`) reads it without sign-in, without logs and code."""
    if approval_token and not await workspace.link_views.reads(opener.visitor, job_id):
        return answer(await workspace.link_views.job(ws, approval_token, opener.visitor, job_id))
    return answer(await workspace.jobs.get(opener.signed_in(), job_id, logs=not no_logs, code=not no_code))


@router.get("/completed/get/{job_id}")
async def completed(job_id: str, caller: Caller, workspace: App) -> Response:
    """A Job that is over; 404 until then."""
    return answer(await workspace.jobs.completed(caller, job_id))


@router.get("/completed/get_result/{job_id}")
async def get_result(
    ws: str,
    job_id: str,
    opener: OpenedBy,
    workspace: App,
    suspended_job: Annotated[str, Query(max_length=100)] = "",
    resume_id: Annotated[str, Query(max_length=20)] = "",
    secret: Annotated[str, Query(max_length=200)] = "",
    approver: Approver = "",
) -> Response:
    """The result; 404 until there is one. What a signed link says (`secret` is its signature) reads it without sign-in."""
    if secret and not await workspace.link_views.reads(opener.visitor, job_id):
        link = Link(ws, suspended_job, number_of(resume_id), secret, approver)
        return _json(await workspace.link_views.result(link, opener.visitor, job_id))
    return await plain_answer(workspace, await workspace.jobs.result(opener.signed_in(), job_id))


@router.get("/completed/get_result_maybe/{job_id}")
async def get_result_maybe(job_id: str, caller: Caller, workspace: App, get_started: bool = False) -> Response:
    """`{"started", "completed", "success", "result"}`."""
    return _json(await workspace.jobs.result_maybe(caller, job_id, started=get_started))


@router.get("/get_root_job_id/{job_id}")
async def get_root_job_id(job_id: str, caller: Caller, workspace: App) -> Response:
    """The id of the topmost flow, as JSON."""
    return answer(await workspace.jobs.root(caller, job_id))


@router.get("/get_args/{job_id}")
async def get_args(job_id: str, caller: Caller, workspace: App) -> Response:
    """The arguments."""
    return _json(await workspace.jobs.args(caller, job_id))


@router.get("/get_logs/{job_id}")
async def get_logs(job_id: str, caller: Caller, workspace: App) -> Response:
    """The log as text."""
    return _text(await workspace.job_logs.text(caller, job_id))


@router.get("/get_flow_all_logs/{job_id}")
async def get_flow_all_logs(job_id: str, caller: Caller, workspace: App) -> Response:
    """The logs of all steps as text."""
    return _text(await workspace.job_logs.all_text(caller, job_id))


@router.get("/getupdate/{job_id}")
async def getupdate(
    job_id: str,
    caller: Caller,
    workspace: App,
    running: bool = False,
    log_offset: Number = 0,
    stream_offset: Number = 0,
    no_logs: bool = False,
) -> Response:
    """What is new since the caller last asked; held back for a moment when nothing is."""
    seen = Seen(log_offset, stream_offset, not no_logs)
    found = await workspace.job_logs.update(caller, job_id, seen, running=running)
    return answer(found)


@router.get("/getupdate_sse/{job_id}")
async def getupdate_sse(
    job_id: str,
    caller: Caller,
    workspace: App,
    log_offset: Number = 0,
    stream_offset: Number = 0,
    no_logs: bool = False,
    only_result: bool = False,
) -> Response:
    """The same as server-sent events, up to the end of the job."""
    seen = Seen(log_offset, stream_offset, not no_logs)
    updates = await workspace.job_logs.follow(caller, job_id, seen, only_result=only_result)
    return stream(updates)


@router.post("/queue/cancel/{job_id}")
async def cancel(job_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Cancel the run that the job belongs to, with all that it started; one that is over stays as it is."""
    body = await object_body(request)
    return PlainTextResponse(await workspace.jobs.cancel(caller, job_id, text_of(body, "reason")))


@router.post("/queue/force_cancel/{job_id}")
async def force_cancel(job_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """The same: a cancel always kills what runs."""
    body = await object_body(request)
    return PlainTextResponse(await workspace.jobs.cancel(caller, job_id, text_of(body, "reason")))


@router.post("/queue/cancel_persistent/{path:path}")
async def cancel_persistent(path: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Cancel all jobs of what is at a path; answers the ids of those that were canceled."""
    body = await object_body(request)
    return answer(await workspace.jobs.cancel_at(caller, path, text_of(body, "reason")))


def _json(text: JsonText) -> Response:
    return Response(text.encode("utf-8", "surrogatepass"), media_type="application/json")


def _text(pieces: AsyncIterator[str]) -> Response:
    return StreamingResponse(pieces, media_type="text/plain; charset=utf-8")


def stream(updates: AsyncIterator[dict[str, Any]], headers: Mapping[str, str] | None = None) -> Response:
    """Updates as server-sent events."""
    return StreamingResponse(_events(updates), media_type="text/event-stream", headers={**_SSE, **(headers or {})})


async def _events(updates: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    async for update in updates:
        yield b"data: " + dumps(update).encode("utf-8", "surrogatepass") + b"\n\n"
