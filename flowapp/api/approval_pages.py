"""The approval page: opening it shows, its form decides. It works without scripts."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from flowapp.access.errors import AccessError, NotFound, NotSignedIn
from flowapp.access.identity import Identity
from flowapp.api import approval_page
from flowapp.api.approval_inputs import PREFIX, Filled, shown
from flowapp.api.approval_page import Places
from flowapp.api.approval_parts import (
    Carried,
    OpenedPage,
    Visitor,
    address_of,
    decoded,
    encoded,
    form_of,
    joined,
    with_comment,
)
from flowapp.api.auth import App
from flowapp.api.bodies import read_body
from flowapp.errors import FlowappError
from flowapp.store.errors import ApprovalClosed, ApprovalUsed
from flowapp.workspace import approval_form, approval_lists
from flowapp.workspace.app import Workspace
from flowapp.workspace.approval_requests import Link, request_path
from flowapp.workspace.approval_requests import Request as Asked
from flowapp.workspace.approvals import LONGEST_COMMENT
from flowapp.workspace.errors import AnswerInvalid

router = APIRouter()
_MAX_FORM = 1 << 20
_MAX_CARRIED = 6000


@router.get("/approve/{ws}/{job_id}")
async def for_member(ws: str, job_id: str, visitor: Visitor, workspace: App) -> Response:
    """The request of a job for somebody who is signed in: leads to the page by a link of their own, or says why there is none."""
    here = request_path(ws, job_id)
    if visitor is None:
        return RedirectResponse(f"/signin?{urlencode({'next': here})}", 303, approval_page.HEADERS)
    try:
        asked = await workspace.approvals.of_job(visitor, job_id)
    except AccessError as error:
        return approval_page.wrong_link(error.status, error.message, error.hint)
    link = await workspace.approvals.fresh_link(asked)
    if link is not None and approval_lists.waits_for_asker(asked):
        return RedirectResponse(link.page, 303, approval_page.HEADERS)
    action = here if asked.may_hand_on else ""
    places = Places(action, run=_run_page(asked))
    return approval_page.render(asked, await workspace.approvals.facts(asked), Filled(), places)


@router.post("/approve/{ws}/{job_id}")
async def take_back(ws: str, job_id: str, request: Request, visitor: Visitor, workspace: App) -> Response:
    """The form of somebody who has handed their vote on: it takes the vote back, and does nothing else."""
    here = request_path(ws, job_id)
    if visitor is None:
        return RedirectResponse(f"/signin?{urlencode({'next': here})}", 303, approval_page.HEADERS)
    try:
        asked = await workspace.approvals.of_job(visitor, job_id)
        path = asked.wait.path if asked.wait is not None else ""
        await workspace.delegating.hand_on(visitor, asked.run.id, path, "", address_of(request))
    except FlowappError as error:
        return approval_page.wrong_link(error.status, error.message, error.hint)
    return RedirectResponse(here, 303, approval_page.HEADERS)


@router.get("/approve/{ws}/{job_id}/{resume_id}/{signature}")
async def page(request: Request, link: OpenedPage, visitor: Visitor, workspace: App, payload: Carried = "") -> Response:
    """What is asked, and the form to answer it. Opening it decides nothing."""
    try:
        asked = await workspace.approvals.by_link(link, visitor)
    except NotFound as error:
        return approval_page.wrong_link(error.status, error.message, error.hint)
    if "prefetch" not in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        await workspace.approvals.note_opened(asked, link, visitor)
    return await _page(workspace, link, visitor, asked, _brought(asked, payload))


@router.post("/approve/{ws}/{job_id}/{resume_id}/{signature}")
async def decide_on_page(request: Request, link: OpenedPage, visitor: Visitor, workspace: App) -> Response:
    """The page's form. What does not fit is asked again, with everything that was typed."""
    try:
        asked = await workspace.approvals.by_link(link, visitor)
    except NotFound as error:
        return approval_page.wrong_link(error.status, error.message, error.hint)
    form = form_of(await read_body(request, _MAX_FORM))
    decision = form.get("decision", [""])[-1]
    filled, typed = _typed(asked, form)
    if decision == "hand_on":
        return await _hand_on(request, workspace, link, visitor, asked, form.get("to", [""])[-1])
    if decision not in ("approve", "deny"):
        return await _page(workspace, link, visitor, asked, _again(filled, {}, "Choose Approve or Deny."), 400)
    approved = decision == "approve"
    if approved and typed.errors:
        return await _page(workspace, link, visitor, asked, _again(filled, typed.errors), 422)
    linked = decoded(filled.payload)
    payload = with_comment({**(linked if isinstance(linked, dict) else {}), **typed.payload}, filled.comment)
    try:
        await workspace.approvals.answer_link(
            link, visitor, approved=approved, payload=payload, address=address_of(request), whole=True
        )
    except AnswerInvalid as error:
        return await _page(workspace, link, visitor, asked, _again(filled, error.problems), 422)
    except (ApprovalUsed, ApprovalClosed, AccessError) as error:
        now = await workspace.approvals.by_link(link, visitor)
        alert = "" if not now.takes_answers else f"{error.message} {error.hint}".strip()
        return await _page(workspace, link, visitor, now, _again(filled, {}, alert), error.status)
    return RedirectResponse(link.page, 303, approval_page.HEADERS)


def _typed(asked: Asked, form: dict[str, list[str]]) -> tuple[Filled, approval_form.Typed]:
    """What the page's form holds: as it stands there, and as an answer."""
    comment = form.get("comment", [""])[-1][:LONGEST_COMMENT].replace("\r\n", "\n").strip()
    given = {name.removeprefix(PREFIX): texts for name, texts in form.items() if name.startswith(PREFIX)}
    carried = form.get("payload", [""])[-1]
    filled = Filled(given, comment, {}, "", carried, _beside(asked, decoded(carried)), typed=True)
    return filled, approval_form.read(asked.fields, given)


async def _hand_on(
    request: Request, workspace: Workspace, link: Link, visitor: Identity | None, asked: Asked, to: str
) -> Response:
    path = asked.wait.path if asked.wait is not None else ""
    try:
        if visitor is None:
            raise NotSignedIn("Sign in to hand your vote on.", "A link alone has none.")
        await workspace.delegating.hand_on(visitor, asked.run.id, path, to, address_of(request))
    except FlowappError as error:
        alert = f"{error.message} {error.hint}".strip()
        return await _page(workspace, link, visitor, asked, Filled(alert=alert), error.status)
    return RedirectResponse(link.page, 303, approval_page.HEADERS)


async def _page(
    workspace: Workspace, link: Link, visitor: Identity | None, asked: Asked, filled: Filled, status: int = 200
) -> Response:
    here = link.page
    kept = encoded(dict(approval_form.read(asked.fields, filled.values).payload)) if filled.typed else filled.payload
    back = joined(here, {"payload": kept} if kept and len(kept) < _MAX_CARRIED else {})
    reads = visitor is not None and await workspace.approvals.may_read(visitor, asked)
    members: list[str] = []
    if visitor is not None and asked.may_hand_on and not asked.handed_to:
        members = [str(one["username"]) for one in await workspace.members.listing(visitor)]
    places = Places(
        action=here,
        sign_in="" if visitor is not None else f"/signin?{urlencode({'next': back})}",
        run=_run_page(asked) if reads else "",
    )
    others = [name for name in members if visitor is not None and name != visitor.username]
    return approval_page.render(asked, await workspace.approvals.facts(asked), filled, places, others, status)


def _brought(asked: Asked, carried: str) -> Filled:
    """The form as a link's payload fills it in."""
    if not carried:
        return Filled()
    payload = decoded(carried)
    if payload is None:
        return Filled(alert="The values that came with this link could not be read. Please fill in the form.")
    if not isinstance(payload, dict):
        return Filled(payload=carried, linked=payload)
    values = {one.name: shown(one, payload[one.name]) for one in asked.fields if one.name in payload}
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


def _run_page(asked: Asked) -> str:
    return f"/runs/{quote(asked.run.id)}?{urlencode({'workspace': asked.run.workspace})}"
