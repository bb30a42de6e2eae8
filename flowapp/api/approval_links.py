"""Signed links to requests for approval: making them, and what clients do with them.

Nothing that is opened (GET) decides: mail scanners open links. The links lead to the page, with the payload filled in.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from flowapp.access.identity import Identity
from flowapp.api import approval_page
from flowapp.api.answers import answer
from flowapp.api.approval_parts import (
    Approver,
    Carried,
    Opened,
    Visitor,
    address_of,
    decoded,
    joined,
    number_of,
)
from flowapp.api.auth import App, Caller
from flowapp.api.bodies import json_body
from flowapp.api.security import browser_origin
from flowapp.workspace.app import Workspace
from flowapp.workspace.approval_requests import Link
from flowapp.workspace.approval_views import approvers_of

router = APIRouter()


@router.get("/api/w/{ws}/jobs/resume_urls/{job_id}/{resume_id}")
async def resume_urls(
    job_id: str,
    resume_id: str,
    request: Request,
    caller: Caller,
    workspace: App,
    approver: Approver = "",
    flow_level: bool = False,
) -> Response:
    """The three links for one answer: its page, and the addresses that approve and deny by POST."""
    link = await workspace.approvals.sign(caller, job_id, number_of(resume_id), approver, flow_level=flow_level)
    return answer(links_of(request, caller, workspace, link))


def links_of(request: Request, caller: Identity, workspace: Workspace, link: Link) -> dict[str, str]:
    """What clients get of a link: the address of its page, and those that decide by POST."""
    base = _base(request, caller, workspace)
    api = f"{base}/api/w/{quote(link.workspace, safe='')}/jobs_u"
    return {
        "approvalPage": f"{base}{link.page}",
        "resume": f"{api}/resume/{link.tail}",
        "cancel": f"{api}/cancel/{link.tail}",
    }


@router.get("/api/w/{ws}/jobs/job_signature/{job_id}/{resume_id}")
async def job_signature(
    job_id: str, resume_id: str, caller: Caller, workspace: App, approver: Approver = ""
) -> Response:
    """The signature of a link."""
    link = await workspace.approvals.sign(caller, job_id, number_of(resume_id), approver)
    return PlainTextResponse(link.signature)


@router.post("/api/w/{ws}/jobs_u/resume/{job_id}/{resume_id}/{signature}")
async def resume(request: Request, link: Opened, visitor: Visitor, workspace: App) -> Response:
    """Approve by a signed link; the body is the payload."""
    return await _decided(request, link, visitor, workspace, approved=True)


@router.post("/api/w/{ws}/jobs_u/cancel/{job_id}/{resume_id}/{signature}")
async def cancel(request: Request, link: Opened, visitor: Visitor, workspace: App) -> Response:
    """Deny by a signed link."""
    return await _decided(request, link, visitor, workspace, approved=False)


@router.get("/api/w/{ws}/jobs_u/resume/{job_id}/{resume_id}/{signature}")
async def open_resume(link: Opened, payload: Carried = "") -> Response:
    """Decides nothing: leads to the page where a person does, with the payload filled in."""
    return _to_page(link, payload)


@router.get("/api/w/{ws}/jobs_u/cancel/{job_id}/{resume_id}/{signature}")
async def open_cancel(link: Opened, payload: Carried = "") -> Response:
    """As above: nothing is denied by opening a link."""
    return _to_page(link, payload)


@router.get("/api/w/{ws}/jobs_u/get_flow/{job_id}/{resume_id}/{signature}")
async def get_flow(link: Opened, visitor: Visitor, workspace: App) -> Response:
    """The run that a link is about, who has answered, and a token that reads it (`approval_token` of `jobs_u/get`)."""
    job, asked, token = await workspace.link_views.flow(link, visitor)
    return answer({"job": job, "approvers": approvers_of(asked), "view_token": token})


async def _decided(
    request: Request, link: Link, visitor: Identity | None, workspace: Workspace, *, approved: bool
) -> Response:
    payload = await json_body(request)
    if payload is None and request.query_params.get("payload"):
        payload = decoded(request.query_params["payload"])
    await workspace.approvals.answer_link(
        link, visitor, approved=approved, payload=payload, address=address_of(request)
    )
    return PlainTextResponse("resumed" if approved else "denied", 201)


def _to_page(link: Link, payload: str) -> Response:
    return RedirectResponse(joined(link.page, {"payload": payload} if payload else {}), 303, approval_page.HEADERS)


def _base(request: Request, caller: Identity, workspace: Workspace) -> str:
    """Where people reach this server: as the browser did, or as the server knows itself where a job asks."""
    if caller.job:
        return workspace.settings.base_url
    headers = {name.lower(): value for name, value in request.headers.raw}
    scheme, host = browser_origin(headers, request.url.scheme.encode())
    return f"{scheme.decode('latin-1')}://{host.decode('latin-1')}" if host else workspace.settings.base_url
