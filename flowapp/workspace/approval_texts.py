"""What messages about requests for approval say. No arguments and no facts: mailboxes and channels are read by others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flowapp.workspace.approval_requests import Request
from flowapp.workspace.approval_views import required_of, title_of

_SUBJECT = {
    "asked": "Approval: {title}",
    "reminded": "Reminder: {title}",
    "escalated": "Still unanswered: {title}",
    "delegated": "In somebody's place: {title}",
}
_LINES = {
    "reminded": "This is a reminder: it still waits for an answer.",
    "escalated": "It still waits for an answer. Others are asked now, too.",
    "delegated": "Somebody has handed their vote to you.",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What one message tells of. `url` is where to answer; `personal`: it answers in the name of whoever got it."""

    reason: str
    request: Request
    url: str
    personal: bool


def subject_of(told: Told) -> str:
    """One line."""
    title = " ".join(title_of(told.request).split())
    return _SUBJECT.get(told.reason, "{title}").format_map({"title": title[:150]})


def mail_text(told: Told) -> str:
    """The text of an e-mail."""
    last = "Opening the link decides nothing."
    if told.request.conditions.needs_sign_in:
        last += " You sign in before you answer."
    elif told.personal:
        last += " It is yours: whoever has it can answer in your name."
    parts = [*_lines(told), told.url, last]
    return "\n\n".join(parts) + "\n"


def web_body(told: Told) -> Mapping[str, Any]:
    """The JSON for a web address: `text` for people, in the way of Slack, and the rest for programs."""
    request, wait = told.request, told.request.wait
    head, *rest = [_escaped(line) for line in _lines(told)]
    return {
        "text": "\n".join([f"*{head}*", *rest, f"<{told.url}|Open the request>"]),
        "event": f"approval.{told.reason}",
        "workspace": request.run.workspace,
        "run_id": request.run.id,
        "step_id": request.step_id,
        "title": title_of(request),
        "asked_by": request.run.created_by,
        "timeout_at": wait.timeout_at if wait is not None else None,
        "url": told.url,
    }


def _lines(told: Told) -> list[str]:
    request, wait = told.request, told.request.wait
    run, required = request.run, required_of(request)
    found = [title_of(request), f"{run.created_by} asks: {run.summary or run.path or 'a flow'}, run {run.number}"]
    if told.reason in _LINES:
        found.append(_LINES[told.reason])
    if required > 1:
        found.append(f"{request.approvals} of {required} approvals are there.")
    if wait is not None and wait.timeout_at is not None:
        goes_on = request.terms.get("continue_on_disapprove_timeout")
        then = "the flow goes on without an answer" if goes_on else "the run fails"
        found.append(f"Answer by {_moment(wait.timeout_at)}. After that {then}.")
    return found


def _moment(text: str) -> str:
    at = datetime.fromisoformat(text)
    return f"{at:%a} {at.day} {at:%b %Y}, {at:%H:%M} UTC"


def _escaped(text: str) -> str:
    """Slack reads these three as marks of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
