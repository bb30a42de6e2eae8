"""Requests for approval as JSON: for the run page, the notebook and the inbox. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flowapp.access.policy import Allowed
from flowapp.store.tables import ResumeEventRow
from flowapp.workspace.approval_requests import Request
from flowapp.workspace.approval_trail import trail_of
from flowapp.workspace.approval_views import comment_of, required_of, title_of, values_of


def event_json(event: ResumeEventRow, form: Any = None) -> dict[str, Any]:
    """One answer, as pages list it."""
    return {
        "approved": event.approved,
        "approver": event.approver,
        "email": event.email,
        "at": event.at,
        "comment": comment_of(event),
        "values": [asdict(fact) for fact in values_of(event, form)],
    }


def request_json(request: Request) -> dict[str, Any]:
    """A request as the run page and the notebook show it and answer it in place."""
    wait, run = request.wait, request.run
    allowed = isinstance(request.decision, Allowed)
    return {
        "run_id": run.id,
        "run_number": run.number,
        "flow": run.summary or run.path,
        "path": wait.path if wait is not None else None,
        "job_id": request.job_id,
        "step_id": request.step_id,
        "title": title_of(request),
        "description": request.terms.get("description"),
        "status": request.status,
        "required": required_of(request),
        "approvals": request.approvals,
        "asked_by": run.created_by,
        "asked_at": wait.created_at if wait is not None else None,
        "timeout_at": wait.timeout_at if wait is not None else None,
        "decided_at": wait.decided_at if wait is not None else None,
        "decided_by": wait.decided_by if wait is not None else None,
        "goes_on": bool(request.terms.get("continue_on_disapprove_timeout")),
        "hide_cancel": bool(request.terms.get("hide_cancel")),
        "skin": request.terms.get("skin") or "detailed",
        "form": request.terms.get("form"),
        "fields": [asdict(one) for one in request.fields],
        "groups": sorted(request.conditions.groups),
        "needs_sign_in": request.conditions.needs_sign_in,
        "self_approval_disabled": request.conditions.no_self_approval,
        "can_answer": allowed and request.takes_answers and not request.has_answered,
        "why_not": _why_not(request),
        "warning": request.warning,
        "comment_on_deny": request.extras.comment_on_deny,
        "can_hand_on": request.may_hand_on,
        "handed_to": request.handed_to,
        "trail": [asdict(entry) for entry in trail_of(request, detailed=True)],
        "events": [event_json(event, request.terms.get("form")) for event in request.events],
    }


def _why_not(request: Request) -> str:
    if isinstance(request.decision, Allowed):
        return "Your answer is noted. It waits for others now." if request.has_answered else ""
    return request.decision.reason
