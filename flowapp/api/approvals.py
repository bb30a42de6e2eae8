"""Requests for approval: signed links, the page that they open, the API of clients, the inbox.

Nothing that is opened (GET) decides: mail scanners open links. The links of the API lead to the page, with the payload filled in.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any
from urllib.parse import parse_qs, quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from flowapp.access.errors import AccessError, NotFound
from flowapp.access.identity import Identity
from flowapp.access.policy import Allowed
from flowapp.api import approval_page
from flowapp.api.answers import answer
from flowapp.api.approval_page import PREFIX, Filled
from flowapp.api.auth import App, Caller, person_of
from flowapp.api.bodies import json_body, object_body, parse_json, read_body
from flowapp.api.security import browser_origin
from flowapp.errors import FlowappError
from flowapp.store.errors import ApprovalClosed, ApprovalUsed
from flowapp.workspace import approval_form
from flowapp.workspace.app import Workspace
from flowapp.workspace.approval_requests import Link
from flowapp.workspace.approval_requests import Request as Asked
from flowapp.workspace.approval_views import request_json, required_of
from flowapp.workspace.approvals import LONGEST_COMMENT
from flowapp.workspace.errors import AnswerInvalid, BadRequest

router = APIRouter()
_MAX_FORM = 1 << 20
_MAX_CARRIED = 6000
#: What the page and its links carry of an answer: base64 of JSON.
Carried = Annotated[str, Query(max_length=64_000)]
Approver = Annotated[str, Query(max_length=1000)]


async def _visitor(ws: str, request: Request, workspace: App) -> Identity | None:
    """Who opened a signed link, where they are signed in; a bad token makes a stranger, who has the link all the same."""
    try:
        return await workspace.sessions.identity(await person_of(request, workspace), ws)
    except FlowappError:
        return None


Visitor = Annotated[Identity | None, Depends(_visitor)]


def _link(ws: str, job_id: str, resume_id: str, signature: str, approver: Approver = "") -> Link:
    """The link that was opened. What is no number cannot have been signed."""
    return Link(ws, job_id, _number(resume_id), signature, approver)


Opened = Annotated[Link, Depends(_link)]

# --- links --------------------------------------------------------------------------------------------------------------


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
    link = await workspace.approvals.sign(caller, job_id, _number(resume_id), approver, flow_level=flow_level)
    base = _base(request, caller, workspace)
    api = f"{base}/api/w/{quote(link.workspace, safe='')}/jobs_u"
    return answer(
        {
            "approvalPage": f"{base}{page_path(link)}",
            "resume": f"{api}/resume/{link.tail}",
            "cancel": f"{api}/cancel/{link.tail}",
        }
    )


@router.get("/api/w/{ws}/jobs/job_signature/{job_id}/{resume_id}")
async def job_signature(
    job_id: str, resume_id: str, caller: Caller, workspace: App, approver: Approver = ""
) -> Response:
    """The signature of a link."""
    link = await workspace.approvals.sign(caller, job_id, _number(resume_id), approver)
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
    """The run that a link is about, and who has answered."""
    job, asked = await workspace.approvals.flow_by_link(link, visitor)
    return answer({"job": job, "approvers": _approvers(asked)})


# --- signed in ------------------------------------------------------------------------------------------------------


@router.post("/api/w/{ws}/jobs/flow/resume/{job_id}")
async def resume_flow(job_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Approve the oldest open request of a flow; the body is the payload."""
    payload = await json_body(request)
    await workspace.approvals.answer(caller, job_id, approved=True, payload=payload, address=_address(request))
    return PlainTextResponse("resumed", 201)


@router.post("/api/w/{ws}/jobs_u/flow/resume_suspended/{job_id}")
async def resume_suspended(job_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Approve or deny (`approved: false`) the oldest open request of a flow, or the request of a step."""
    body = await object_body(request)
    approved = body.get("approved", True)
    await workspace.approvals.answer(
        caller, job_id, approved=approved, payload=body.get("payload"), address=_address(request)
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
        "approvers": _approvers(asked),
        "hide_cancel": bool(asked.terms.get("hide_cancel")),
        "default_args": asked.terms.get("default_args") or {},
        "enums": asked.terms.get("enums") or {},
        "description": asked.terms.get("description"),
    }
    if asked.terms.get("form"):
        info["form_schema"] = asked.terms["form"]
    return answer(info)


@router.get("/api/w/{ws}/jobs/slack_approval/{job_id}")
async def slack_approval(job_id: str, caller: Caller, workspace: App) -> Response:
    """Says that this is not offered."""
    return await _not_offered(workspace, caller, job_id, "Slack")


@router.get("/api/w/{ws}/jobs/teams_approval/{job_id}")
async def teams_approval(job_id: str, caller: Caller, workspace: App) -> Response:
    """Says that this is not offered."""
    return await _not_offered(workspace, caller, job_id, "Teams")


# --- our own pages ----------------------------------------------------------------------------------------------------


@router.get("/api/w/{ws}/approvals")
async def inbox(caller: Caller, workspace: App) -> Response:
    """Open requests that the caller may answer, the next to time out first."""
    return answer([request_json(asked) for asked in await workspace.approvals.inbox(caller)])


@router.get("/api/w/{ws}/runs/{run_id}/approvals")
async def of_run(run_id: str, caller: Caller, workspace: App) -> Response:
    """All requests of a run; open ones that the caller may answer with a link that can be handed on."""
    found = []
    for asked in await workspace.approvals.of_run(caller, run_id):
        link = await workspace.approvals.fresh_link(asked)
        found.append({**request_json(asked), "page": page_path(link) if link is not None else None})
    return answer(found)


@router.post("/api/w/{ws}/runs/{run_id}/approvals")
async def answer_in_place(run_id: str, request: Request, caller: Caller, workspace: App) -> Response:
    """Answer a request of a run: `{"path", "approved", "payload", "comment"}`. The answer is the request as it is then."""
    body = await object_body(request)
    payload = _with_comment(body.get("payload"), body.get("comment"))
    asked = await workspace.approvals.answer_in_run(
        caller,
        run_id,
        body.get("path"),
        approved=body.get("approved"),
        payload=payload,
        address=_address(request),
    )
    return answer(request_json(asked))


# --- the page ---------------------------------------------------------------------------------------------------------


@router.get("/approve/{ws}/{job_id}/{resume_id}/{signature}")
async def page(request: Request, link: Opened, visitor: Visitor, workspace: App, payload: Carried = "") -> Response:
    """What is asked, and the form to answer it. Opening it decides nothing."""
    try:
        asked = await workspace.approvals.by_link(link, visitor)
    except NotFound as error:
        return approval_page.wrong_link(error.status, error.message, error.hint)
    return await _page(workspace, link, visitor, asked, _brought(asked, payload))


@router.post("/approve/{ws}/{job_id}/{resume_id}/{signature}")
async def decide_on_page(request: Request, link: Opened, visitor: Visitor, workspace: App) -> Response:
    """The page's form. What does not fit is asked again, with everything that was typed."""
    try:
        asked = await workspace.approvals.by_link(link, visitor)
    except NotFound as error:
        return approval_page.wrong_link(error.status, error.message, error.hint)
    form = _form(await read_body(request, _MAX_FORM))
    decision, comment = (form.get(name, [""])[-1] for name in ("decision", "comment"))
    comment = comment[:LONGEST_COMMENT].replace("\r\n", "\n").strip()
    given = {name.removeprefix(PREFIX): texts for name, texts in form.items() if name.startswith(PREFIX)}
    carried = form.get("payload", [""])[-1]
    linked = _decoded(carried)
    typed = approval_form.read(asked.fields, given)
    filled = Filled(given, comment, {}, "", carried, _beside(asked, linked), typed=True)
    if decision not in ("approve", "deny"):
        return await _page(workspace, link, visitor, asked, _again(filled, {}, "Choose Approve or Deny."), 400)
    approved = decision == "approve"
    if approved and typed.errors:
        return await _page(workspace, link, visitor, asked, _again(filled, typed.errors), 422)
    payload = _with_comment({**(linked if isinstance(linked, dict) else {}), **typed.payload}, comment)
    try:
        await workspace.approvals.answer_link(
            link, visitor, approved=approved, payload=payload, address=_address(request), whole=True
        )
    except AnswerInvalid as error:
        return await _page(workspace, link, visitor, asked, _again(filled, error.problems), 422)
    except (ApprovalUsed, ApprovalClosed, AccessError) as error:
        now = await workspace.approvals.by_link(link, visitor)
        alert = "" if not now.takes_answers else f"{error.message} {error.hint}".strip()
        return await _page(workspace, link, visitor, now, _again(filled, {}, alert), error.status)
    return RedirectResponse(page_path(link), 303, approval_page.HEADERS)


async def _page(
    workspace: Workspace, link: Link, visitor: Identity | None, asked: Asked, filled: Filled, status: int = 200
) -> Response:
    here = page_path(link)
    kept = _encoded(dict(approval_form.read(asked.fields, filled.values).payload)) if filled.typed else filled.payload
    back = _joined(here, {"payload": kept} if kept and len(kept) < _MAX_CARRIED else {})
    reads = visitor is not None and await workspace.approvals.may_read(visitor, asked)
    return approval_page.render(
        asked,
        await workspace.approvals.facts(asked),
        filled,
        action=here,
        sign_in="" if visitor is not None else f"/signin?{urlencode({'next': back})}",
        run_url=f"/runs/{quote(asked.run.id)}" if reads else "",
        status=status,
    )


def page_path(link: Link) -> str:
    """Where a link's page is on this server."""
    return f"/approve/{quote(link.workspace, safe='')}/{link.tail}"


def _brought(asked: Asked, carried: str) -> Filled:
    """The form as a link's payload fills it in."""
    if not carried:
        return Filled()
    payload = _decoded(carried)
    if payload is None:
        return Filled(alert="The values that came with this link could not be read. Please fill in the form.")
    if not isinstance(payload, dict):
        return Filled(payload=carried, linked=payload)
    values = {one.name: approval_page.shown(one, payload[one.name]) for one in asked.fields if one.name in payload}
    return Filled(values, payload=carried, linked=_beside(asked, payload))


def _beside(asked: Asked, payload: Any) -> Any:
    """What of a link's payload has no field: it is shown, and goes along."""
    if not isinstance(payload, dict):
        return payload
    names = {one.name for one in asked.fields}
    return {name: value for name, value in payload.items() if name not in names} or None


def _again(filled: Filled, errors: dict[str, str], alert: str = "") -> Filled:
    said = alert or (errors.get("") or "Please correct what is marked." if errors else "")
    return Filled(filled.values, filled.comment, errors, said, filled.payload, filled.linked, typed=True)


# --- parts ------------------------------------------------------------------------------------------------------------


async def _decided(
    request: Request, link: Link, visitor: Identity | None, workspace: Workspace, *, approved: bool
) -> Response:
    payload = await json_body(request)
    if payload is None and request.query_params.get("payload"):
        payload = _decoded(request.query_params["payload"])
    await workspace.approvals.answer_link(link, visitor, approved=approved, payload=payload, address=_address(request))
    return PlainTextResponse("resumed" if approved else "denied", 201)


async def _not_offered(workspace: Workspace, caller: Identity, job_id: str, where: str) -> Response:
    await workspace.approvals.of_job(caller, job_id)
    said = f"Asking in {where} is not supported: send the links of jobs/resume_urls to whoever is to answer."
    return PlainTextResponse(said, 501)


def _to_page(link: Link, payload: str) -> Response:
    return RedirectResponse(
        _joined(page_path(link), {"payload": payload} if payload else {}), 303, approval_page.HEADERS
    )


def _joined(path: str, query: dict[str, str]) -> str:
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path


def _approvers(asked: Asked) -> list[dict[str, Any]]:
    return [
        {"resume_id": event.resume_id, "approver": event.approver or "unknown"}
        for event in asked.events
        if event.approved
    ]


def _number(text: str) -> int:
    """The resume id of an address; -1, which nobody can sign, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1


def _base(request: Request, caller: Identity, workspace: Workspace) -> str:
    """Where people reach this server: as the browser did, or as the server knows itself where a job asks."""
    if caller.job:
        return workspace.settings.base_url
    headers = {name.lower(): value for name, value in request.headers.raw}
    scheme, host = browser_origin(headers, request.url.scheme.encode())
    return f"{scheme.decode('latin-1')}://{host.decode('latin-1')}" if host else workspace.settings.base_url


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _form(body: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=2000)
    except ValueError:
        raise BadRequest("The form has too many fields.") from None


def _decoded(carried: str) -> Any:
    """The payload of a link (base64 of JSON, plain or for addresses); None for nothing and for what is neither."""
    if not carried:
        return None
    text = carried.strip().replace("-", "+").replace("_", "/").replace(" ", "+")
    try:
        return parse_json(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError, BadRequest):
        return None


def _encoded(payload: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(payload).encode()).decode() if payload else ""


def _with_comment(payload: Any, comment: Any) -> Any:
    """A comment goes with the answer, unless the form has a field of that name."""
    if not isinstance(comment, str) or not comment.strip():
        return payload
    if payload is None:
        payload = {}
    if not isinstance(payload, dict) or "comment" in payload:
        return payload
    return {**payload, "comment": comment.strip()[:LONGEST_COMMENT]}
