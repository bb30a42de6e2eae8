"""Lists and counts of jobs, canceling several, states and progress: `/api/w/{ws}/jobs/…`, `/api/w/{ws}/job_metrics/…`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import MOST, json_body, object_body
from flowapp.api.job_results import plain_answer
from flowapp.jsontext import dumps

router = APIRouter(prefix="/api/w/{ws}")
Number = Annotated[int, Query(ge=-MOST, le=MOST)]


@router.get("/jobs/list")
async def listing(
    request: Request, caller: Caller, workspace: App, page: Number = 1, per_page: Number = 30
) -> Response:
    """Jobs that wait, run or are over, newest first."""
    query = dict(request.query_params)
    return answer(await workspace.job_lists.listing(caller, "all", query, page=page, per_page=per_page))


@router.get("/jobs/queue/list")
async def queue(request: Request, caller: Caller, workspace: App, page: Number = 1, per_page: Number = 30) -> Response:
    """Jobs that wait or run."""
    query = dict(request.query_params)
    return answer(await workspace.job_lists.listing(caller, "queue", query, page=page, per_page=per_page))


@router.get("/jobs/completed/list")
async def completed(
    request: Request, caller: Caller, workspace: App, page: Number = 1, per_page: Number = 30
) -> Response:
    """Jobs that are over."""
    query = dict(request.query_params)
    return answer(await workspace.job_lists.listing(caller, "completed", query, page=page, per_page=per_page))


@router.get("/jobs/queue/count")
async def queue_count(caller: Caller, workspace: App) -> Response:
    """`{"database_length", "suspended"}`."""
    length = await workspace.job_lists.count(caller, "queue")
    suspended = await workspace.job_lists.count(caller, "queue", {"suspended": "true"})
    return answer({"database_length": length, "suspended": suspended})


@router.get("/jobs/completed/count")
async def completed_count(caller: Caller, workspace: App) -> Response:
    """`{"database_length"}`."""
    return answer({"database_length": await workspace.job_lists.count(caller, "completed")})


@router.get("/jobs/queue/position/{milliseconds}")
async def position(milliseconds: int, caller: Caller, workspace: App) -> Response:
    """How many jobs wait that were scheduled before a moment."""
    return answer({"position": await workspace.job_lists.position(caller, milliseconds)})


@router.post("/jobs/queue/cancel_selection")
async def cancel_selection(request: Request, caller: Caller, workspace: App) -> Response:
    """Cancel jobs; answers the ids of those that were canceled."""
    return answer(await workspace.jobs.cancel_many(caller, await json_body(request)))


@router.post("/jobs/completed/delete/{job_id}")
async def delete(job_id: str, caller: Caller, workspace: App) -> Response:
    """Take arguments, result and logs from a job that is over."""
    return answer(await workspace.jobs.delete(caller, job_id))


@router.get("/jobs/result_by_id/{job_id}/{node_id}")
async def result_by_id(job_id: str, node_id: str, caller: Caller, workspace: App) -> Response:
    """The result of a step of a flow."""
    text = await workspace.jobs.result_by_id(caller, job_id, node_id)
    return await plain_answer(workspace, text)


@router.post("/oidc/token/{audience:path}")
async def identity_token(audience: str, caller: Caller, workspace: App) -> Response:
    """Says that this is not offered, and what to do instead."""
    return PlainTextResponse(await workspace.jobs.identity_token(caller, audience))


@router.get("/jobs/worker_is_draining/{job_id}")
async def worker_is_draining(job_id: str, caller: Caller, workspace: App) -> Response:
    """False: jobs here are never asked to leave their machine."""
    return answer(await workspace.jobs.worker_is_draining(caller, job_id))


@router.get("/jobs/flow/user_states/{job_id}/{key}")
async def user_state(job_id: str, key: str, caller: Caller, workspace: App) -> Response:
    """What a flow keeps under a key; null when nothing."""
    text = await workspace.jobs.user_state(caller, job_id, key)
    return Response(text.encode("utf-8", "surrogatepass"), media_type="application/json")


@router.post("/jobs/flow/user_states/{job_id}/{key}")
async def set_user_state(job_id: str, key: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Keep a JSON value; an empty body is null."""
    await workspace.jobs.set_user_state(caller, job_id, key, dumps(await json_body(request)))
    return PlainTextResponse(f"set {key}")


@router.get("/job_metrics/get_progress/{job_id}")
async def progress(job_id: str, caller: Caller, workspace: App) -> Response:
    """Percent, or null."""
    return answer(await workspace.jobs.progress(caller, job_id))


@router.post("/job_metrics/set_progress/{job_id}")
async def set_progress(job_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Note how far a job is: `{"percent"}`."""
    body = await object_body(request)
    await workspace.jobs.set_progress(caller, job_id, body.get("percent"))
    return answer(None)
