"""Requests for approval for those who are signed in: answering, the inbox, handing a vote on, where messages go."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.access.policy import Allowed
from flowapp.api.answers import answer
from flowapp.api.approval_parts import address_of, with_comment
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import json_body, object_body
from flowapp.workspace.approval_json import request_json
from flowapp.workspace.approval_requests import Request as Asked
from flowapp.workspace.approval_requests import request_path
from flowapp.workspace.approval_views import approvers_of, required_of

router = APIRouter()


@router.post("/api/w/{ws}/jobs/flow/resume/{job_id}")
async def resume_flow(job_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Approve the oldest open request of a flow; the body is the payload."""
    payload = await json_body(request)
    await workspace.approvals.answer(caller, job_id, approved=True, payload=payload, address=address_of(request))
    return PlainTextResponse("resumed", 201)


@router.post("/api/w/{ws}/jobs_u/flow/resume_suspended/{job_id}")
async def resume_suspended(job_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Approve or deny (`approved: false`) the oldest open request of a flow, or the request of a step."""
    body = await object_body(request)
    approved = body.get("approved", True)
    await workspace.approvals.answer(
        caller, job_id, approved=approved, payload=body.get("payload"), address=address_of(request)
    )
    return PlainTextResponse("resumed" if approved else "denied", 201)


@router.get("/api/w/{ws}/jobs_u/flow/approval_info/{job_id}")
async def approval_info(job_id: str, caller: Caller, workspace: App) -> Response:
    """What a flow (or step) waits for, and whether the caller may answer."""
    asked = await workspace.approvals.of_job(caller, job_id)
    info = {
        "flow_id": asked.run.id,
        "can_approve": asked.takes_answers and isinstance(asked.decision, Allowed),
        "user_auth_required": asked.conditions.needs_sign_in,
        "user_groups_required": sorted(asked.conditions.groups),
        "self_approval_disabled": asked.conditions.no_self_approval,
        "skin": asked.terms.get("skin") or "detailed",
        "status": asked.status,
        "required": required_of(asked),
        "approvals": asked.approvals,
        "approvers": approvers_of(asked),
        "hide_cancel": bool(asked.terms.get("hide_cancel")),
        "default_args": asked.terms.get("default_args") or {},
        "enums": asked.terms.get("enums") or {},
        "description": asked.terms.get("description"),
    }
    if asked.terms.get("form"):
        info["form_schema"] = asked.terms["form"]
    return answer(info)


@router.get("/api/w/{ws}/approvals")
async def inbox(caller: Caller, workspace: App) -> Response:
    """Open requests that wait for the caller, the next to time out first; `page` is where to answer."""
    return answer([_listed(asked) for asked in await workspace.approval_lists.inbox(caller)])


@router.get("/api/w/{ws}/approvals/count")
async def count(caller: Caller, workspace: App) -> Response:
    """How many requests wait for the caller."""
    return answer({"count": len(await workspace.approval_lists.inbox(caller))})


@router.get("/api/w/{ws}/approvals/answered")
async def answered(caller: Caller, workspace: App) -> Response:
    """Requests that the caller has answered while signed in, the latest answer first."""
    return answer([_listed(asked) for asked in await workspace.approval_lists.answered(caller)])


@router.get("/api/w/{ws}/runs/{run_id}/approvals")
async def of_run(run_id: str, caller: Caller, workspace: App) -> Response:
    """All requests of a run; open ones that the caller may answer with a link that can be handed on."""
    found = []
    for asked in await workspace.approval_lists.of_run(caller, run_id):
        link = await workspace.approvals.fresh_link(asked)
        found.append({**request_json(asked), "page": link.page if link is not None else None})
    return answer(found)


@router.post("/api/w/{ws}/runs/{run_id}/approvals")
async def answer_in_place(run_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Answer a request of a run: `{"path", "approved", "payload", "comment"}`. The answer is the request as it is then."""
    body = await object_body(request)
    payload = with_comment(body.get("payload"), body.get("comment"))
    asked = await workspace.approvals.answer_in_run(
        caller,
        run_id,
        body.get("path"),
        approved=body.get("approved"),
        payload=payload,
        address=address_of(request),
    )
    return answer(request_json(asked))


@router.post("/api/w/{ws}/runs/{run_id}/approvals/hand_on")
async def hand_on(run_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Hand one's vote to another member: `{"path", "to"}`; an empty `to` takes it back. The answer is the request as it is then."""
    body = await object_body(request)
    asked = await workspace.delegating.hand_on(caller, run_id, body.get("path"), body.get("to"), address_of(request))
    return answer(request_json(asked))


@router.get("/api/w/{ws}/workspaces/get_approval_messages")
async def get_messages(caller: Caller, workspace: App) -> Response:
    """Where requests are told whose step says nothing else: `{"messages": [{"resource", "to"}], "by"}`."""
    return answer(await workspace.approval_settings.read(caller))


@router.post("/api/w/{ws}/workspaces/edit_approval_messages")
async def edit_messages(request: Request, caller: Caller, workspace: App) -> Response:
    """Change it: `{"messages": [{"resource", "to"}]}`; an empty list tells nobody."""
    await workspace.approval_settings.change(caller, await object_body(request))
    return PlainTextResponse("Edited where requests for approval are told")


def _listed(asked: Asked) -> dict[str, object]:
    return {**request_json(asked), "page": request_path(asked.run.workspace, asked.job_id)}
