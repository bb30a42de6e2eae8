"""Workflows as code, as the jobs call that are one: `/api/w/{ws}/jobs/wac…` and `/jobs/run/workflow_as_code/…`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.api.answers import answer
from flowapp.api.approval_links import links_of
from flowapp.api.approval_parts import Approver
from flowapp.api.auth import App, Caller, token_of
from flowapp.api.bodies import MAX_ARGUMENTS, object_body
from flowapp.jsontext import loads
from flowapp.workspace.errors import BadRequest

router = APIRouter(prefix="/api/w/{ws}/jobs")


@router.post("/wac/inline_checkpoint/{job_id}")
async def keep_step(job_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Keep the result of a step that a workflow ran itself; of one that failed, the answer says what is kept."""
    body, (token, _) = await object_body(request, MAX_ARGUMENTS), token_of(request)
    failure = await workspace.code_workflows.keep_step(caller, job_id, body, token)
    return answer({"failure": loads(failure)} if failure is not None else {})


@router.get("/wac_approval_urls/{job_id}/{step_key}")
async def approval_urls(
    job_id: str, step_key: str, request: Request, caller: Caller, workspace: App, approver: Approver = ""
) -> Response:
    """The links to one approval of a workflow: its page, and the addresses that approve and deny by POST."""
    link = await workspace.code_workflows.approval_link(caller, job_id, step_key, approver)
    return answer(links_of(request, caller, workspace, link))


@router.post("/run/workflow_as_code/{job_id}/{function}")
async def run_task(
    job_id: str,
    function: str,
    request: Request,
    caller: Caller,
    workspace: App,
    tag: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Start one function of a job's own code as a job: `{"args": {…}}`. The answer is its id."""
    args = (await object_body(request, MAX_ARGUMENTS)).get("args")
    if not isinstance(args, dict | None):
        raise BadRequest("args must be an object.")
    run = await workspace.code_workflows.start_task(caller, job_id, function, args or {}, tag)
    return PlainTextResponse(run.id, 201)
