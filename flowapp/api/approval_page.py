"""The approval page as HTML: what is asked, the form, the trail, and what came of it. It decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from flowapp.access.approving import SIGN_IN as _SIGN_IN
from flowapp.access.policy import Allowed
from flowapp.api.approval_inputs import Filled, attributes, inputs_of
from flowapp.workspace.approval_requests import Request
from flowapp.workspace.approval_trail import trail_of
from flowapp.workspace.approval_views import FEW, Fact, facts_of, required_of, title_of
from flowapp.workspace.approvals import LONGEST_COMMENT

HEADERS = {
    "cache-control": "no-store",
    # the address of this page is a key that no other site learns; with none at all, browsers send forms without their origin
    "referrer-policy": "same-origin",
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "font-src 'self'",
            "img-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    ),
}
_ICONS = {
    "check": "M4 12l5 5L20 6",
    "cross": "M6 6l12 12M18 6L6 18",
    "clock": "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
    "stop": "M7 7h10v10H7z",
    "warn": "M12 4l9 16H3L12 4zM12 10v4M12 17v.5",
    "lock": "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
    "eye": "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
    "mail": "M3 6h18v12H3zM3 7l9 7 9-7",
    "bell": "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
    "up": "M12 19V5M6 11l6-6 6 6",
    "right": "M5 12h14M13 6l6 6-6 6",
    "left": "M19 12H5M11 6l-6 6 6 6",
    "ask": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 8v5M12 16v.5",
}


@dataclass(frozen=True, slots=True)
class State:
    """How the request stands, in a word and a sentence, with its colour and icon."""

    word: str
    tone: str = "wait"
    icon: str = "clock"
    text: str = ""


def _moment(text: str) -> Markup:
    """A time that is read without a script too: in UTC, said so."""
    at = datetime.fromisoformat(text)
    shown = f"{at:%a} {at.day} {at:%b}, {at:%H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(text, shown)


def _left(timeout_at: str) -> str:
    """How long there is to answer when the page is made; a script counts on from there."""
    seconds = int((datetime.fromisoformat(timeout_at) - datetime.now(UTC)).total_seconds())
    if seconds <= 0:
        return "The time to answer is over"
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} d {hours} h left"
    if hours:
        return f"{hours} h {minutes} min left"
    return f"{minutes} min left" if minutes else f"{seconds} s left"


def _icon(name: str) -> Markup:
    return Markup('<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>').format(_ICONS[name])


def _row(fact: Fact) -> Markup:
    shape = "bare" if not fact.label else "block" if fact.block else ""
    label = Markup("<span>{}</span>").format(fact.label) if fact.label else Markup("")
    code = fact.block and fact.text.lstrip()[:1] in ("{", "[")
    value = Markup("<pre>{}</pre>").format(fact.text) if code else Markup("<p>{}</p>").format(fact.text)
    return Markup('<div class="row {}">{}{}</div>').format(shape, label, value)


_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.globals.update(moment=_moment, icon=_icon, row=_row, attributes=attributes)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the page leads: `action` takes its forms (empty: it has none), `sign_in` is for strangers, `run` for who may read it."""

    action: str
    sign_in: str = ""
    run: str = ""


def render(
    request: Request,
    facts: tuple[Sequence[Fact], Sequence[Fact]],
    filled: Filled,
    places: Places,
    members: Sequence[str] = (),
    status: int = 200,
) -> Response:
    """The page of a request. `members` are those to whom a vote may be handed, as far as they are offered."""
    allowed = isinstance(request.decision, Allowed)
    is_open = allowed and request.takes_answers and bool(places.action)
    chosen, args = facts
    wait = request.wait
    page = _PAGES.get_template("approval.html").render(
        title=title_of(request),
        open=is_open,
        state=_state(request, allowed=allowed, is_open=is_open),
        alert=filled.alert,
        warning=request.warning if is_open else "",
        asked_by=request.run.created_by,
        asked_at=wait.created_at if wait is not None else request.run.created_at,
        flow=request.run.summary or request.run.path,
        number=request.run.number,
        timeout_at=wait.timeout_at if wait is not None else None,
        left=_left(wait.timeout_at) if wait is not None and wait.timeout_at is not None else "",
        decided_at=wait.decided_at if wait is not None and not request.takes_answers else None,
        afterwards="After that the flow goes on without an answer."
        if request.terms.get("continue_on_disapprove_timeout")
        else "After that the run fails, and nothing that follows is done.",
        sign_in=places.sign_in if not allowed and request.takes_answers else "",
        chosen=chosen,
        args=args,
        few=FEW,
        action=places.action,
        inputs=inputs_of(request, filled),
        carried=filled.payload,
        linked=facts_of(filled.linked),
        comment=filled.comment,
        comment_error=filled.errors.get("comment", "") if all(one.name != "comment" for one in request.fields) else "",
        comment_on_deny=request.extras.comment_on_deny and not request.terms.get("hide_cancel"),
        longest_comment=LONGEST_COMMENT,
        trail=trail_of(request, detailed=bool(places.run)) if allowed or not request.takes_answers else [],
        required=required_of(request),
        approvals=request.approvals,
        hide_cancel=bool(request.terms.get("hide_cancel")),
        may_hand_on=request.may_hand_on and bool(places.action),
        handed_to=request.handed_to,
        members=members,
        run_url=places.run,
    )
    return HTMLResponse(page, status, HEADERS)


def wrong_link(status: int, message: str, hint: str) -> Response:
    """The page of a link that leads nowhere: it tells nothing about what there is."""
    page = _PAGES.get_template("wrong_link.html").render(message=message, hint=hint)
    return HTMLResponse(page, status, HEADERS)


def _state(request: Request, *, allowed: bool, is_open: bool) -> State:
    if request.mine is not None and request.status in ("open", "early"):
        more = "It waits for others now." if request.status == "open" else "It counts when the step asks."
        did = "You approved" if request.mine.approved else "You denied"
        return State(did, "ok" if request.mine.approved else "bad", "check", f"Your answer is noted. {more}")
    by = f" by {request.wait.decided_by}" if request.wait is not None and request.wait.decided_by else ""
    match request.status:
        case "approved":
            return State("Approved", "ok", "check", f"This request was approved{by}. The flow goes on.")
        case "disapproved":
            ends = "goes on" if request.terms.get("continue_on_disapprove_timeout") else "ended"
            return State("Denied", "bad", "cross", f"This request was denied{by}. The flow {ends}.")
        case "timed_out":
            return State("Timed out", "stale", "clock", "Nobody answered in time. It can no longer be answered.")
        case "canceled" | "over" if request.run.status == "canceled":
            who = f" by {request.run.canceled_by}" if request.run.canceled_by else ""
            return State(
                "Cancelled",
                "reused",
                "stop",
                f"The run was cancelled{who} before this was answered. Nothing is to decide.",
            )
        case "canceled" | "over":
            return State(
                "Closed", "reused", "stop", "The run ended before this was answered. There is nothing to decide."
            )
    if request.handed_to:
        more = "They answer in your place." if request.takes_answers else ""
        return State("Handed on", "reused", "right", f"You handed your vote to {request.handed_to}. {more}")
    if not allowed:
        return State(
            "Not for you to answer" if request.decision != _SIGN_IN else "Sign in first", "wait", "lock", _why(request)
        )
    if request.has_answered and not is_open:
        return State("You answered", "ok", "check", "Your answer is noted. It waits for others now.")
    if request.status == "early":
        return State(
            "Asks soon",
            "wait",
            "clock",
            "The step that asks is still at work. Your answer is kept and counts when it asks.",
        )
    return State("Waiting for your answer")


def _why(request: Request) -> str:
    return str(getattr(request.decision, "reason", ""))
