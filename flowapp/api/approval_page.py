"""The approval page as HTML: what is asked, the form, the trail, and what came of it. It decides nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from flowapp.access.approving import SIGN_IN as _SIGN_IN
from flowapp.access.policy import Allowed
from flowapp.jsontext import dumps
from flowapp.store.tables import ResumeEventRow
from flowapp.workspace.approval_form import Field
from flowapp.workspace.approval_requests import Request
from flowapp.workspace.approval_views import FEW, Fact, comment_of, facts_of, required_of, title_of, values_of
from flowapp.workspace.approvals import LONGEST_COMMENT

PREFIX = "f."
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
    "ask": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 8v5M12 16v.5",
}


@dataclass(frozen=True, slots=True)
class State:
    """How the request stands, in a word and a sentence, with its colour and icon."""

    word: str
    tone: str = "wait"
    icon: str = "clock"
    text: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the form: as people left it, or as a link brought it. `errors` are by field, "" for the whole."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    comment: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    alert: str = ""
    payload: str = ""
    linked: Any = None
    typed: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """A field with what stands in it."""

    field: Field
    id: str
    name: str
    values: Sequence[str]
    error: str = ""

    @property
    def text(self) -> str:
        """The text of an input that holds one."""
        return self.values[0] if self.values else ""

    @property
    def type(self) -> str:
        """The kind of `<input>`. Numbers are texts: whatever was typed comes back, also what is no number."""
        return "password" if self.field.kind == "password" else self.field.input_type

    @property
    def mode(self) -> str:
        """Which keyboard a phone offers."""
        return {"number": "decimal", "integer": "numeric"}.get(self.field.kind, "")

    @property
    def described(self) -> str:
        """Ids of what explains the field."""
        return " ".join(
            f"{self.id}-{what}" for what, there in (("error", self.error), ("hint", self.field.hint)) if there
        )


def _moment(text: str) -> Markup:
    """A time that is read without a script too: in UTC, said so."""
    at = datetime.fromisoformat(text)
    shown = f"{at:%a} {at.day} {at:%b}, {at:%H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(text, shown)


def _icon(name: str) -> Markup:
    return Markup('<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>').format(_ICONS[name])


def _row(fact: Fact) -> Markup:
    shape = "bare" if not fact.label else "block" if fact.block else ""
    label = Markup("<span>{}</span>").format(fact.label) if fact.label else Markup("")
    code = fact.block and fact.text.lstrip()[:1] in ("{", "[")
    value = Markup("<pre>{}</pre>").format(fact.text) if code else Markup("<p>{}</p>").format(fact.text)
    return Markup('<div class="row {}">{}{}</div>').format(shape, label, value)


def _attributes(one: Input) -> Markup:
    parts = [Markup(' aria-describedby="{}"').format(one.described)] if one.described else []
    if one.error:
        parts.append(Markup(' aria-invalid="true"'))
    if one.field.required and one.field.kind != "boolean":
        parts.append(Markup(" required"))
    if "maxlength" in one.field.limits:
        parts.append(Markup(' maxlength="{}"').format(one.field.limits["maxlength"]))
    return Markup("").join(parts)


_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.globals.update(moment=_moment, icon=_icon, row=_row, attributes=_attributes)


def render(
    request: Request,
    facts: tuple[Sequence[Fact], Sequence[Fact]],
    filled: Filled,
    *,
    action: str,
    sign_in: str,
    run_url: str,
    status: int = 200,
) -> Response:
    """The page of a request. `sign_in` is where strangers go to sign in, `run_url` empty where the run may not be read."""
    allowed = isinstance(request.decision, Allowed)
    is_open = allowed and request.takes_answers
    chosen, args = facts
    wait = request.wait
    page = _PAGES.get_template("approval.html").render(
        title=title_of(request),
        open=is_open,
        state=_state(request, allowed=allowed),
        alert=filled.alert,
        warning=request.warning if is_open else "",
        asked_by=request.run.created_by,
        asked_at=wait.created_at if wait is not None else request.run.created_at,
        flow=request.run.summary or request.run.path,
        number=request.run.number,
        timeout_at=wait.timeout_at if wait is not None else None,
        decided_at=wait.decided_at if wait is not None and not request.takes_answers else None,
        afterwards="After that the flow goes on without an answer."
        if request.terms.get("continue_on_disapprove_timeout")
        else "After that the run fails, and nothing that follows is done.",
        sign_in=sign_in if not allowed and request.takes_answers and sign_in else "",
        chosen=chosen,
        args=args,
        few=FEW,
        action=action,
        inputs=_inputs(request, filled),
        carried=filled.payload,
        linked=facts_of(filled.linked),
        comment=filled.comment,
        longest_comment=LONGEST_COMMENT,
        trail=_trail(request) if allowed or not request.takes_answers else [],
        required=required_of(request),
        approvals=request.approvals,
        hide_cancel=bool(request.terms.get("hide_cancel")),
        run_url=run_url,
    )
    return HTMLResponse(page, status, HEADERS)


def wrong_link(status: int, message: str, hint: str) -> Response:
    """The page of a link that leads nowhere: it tells nothing about what there is."""
    page = _PAGES.get_template("wrong_link.html").render(message=message, hint=hint)
    return HTMLResponse(page, status, HEADERS)


def _state(request: Request, *, allowed: bool) -> State:
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
        case "canceled" | "over":
            return State(
                "Closed", "reused", "stop", "The run ended before this was answered. There is nothing to decide."
            )
    if not allowed:
        return State(
            "Not for you to answer" if request.decision != _SIGN_IN else "Sign in first", "wait", "lock", _why(request)
        )
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


def _inputs(request: Request, filled: Filled) -> list[Input]:
    return [
        Input(
            field=one,
            id=f"field-{position}",
            name=f"{PREFIX}{one.name}",
            values=_standing(one, filled),
            error=filled.errors.get(one.name, ""),
        )
        for position, one in enumerate(request.fields)
    ]


def _standing(one: Field, filled: Filled) -> Sequence[str]:
    """What an input shows: what was typed, what the link brought, or its default."""
    if filled.typed or one.name in filled.values:
        return filled.values.get(one.name, ())
    return shown(one, one.default)


def shown(one: Field, value: Any) -> Sequence[str]:
    """A value as it stands in an input."""
    if value is None:
        return ()
    match one.kind:
        case "boolean":
            return ("true",) if value is True else ()
        case "choice":
            return (dumps(value),)
        case "choices":
            return [dumps(item) for item in value] if isinstance(value, list) else ()
        case "json":
            return (json.dumps(value, ensure_ascii=False, indent=2),)
        case _:
            return (value if isinstance(value, str) else dumps(value),)


def _trail(request: Request) -> list[dict[str, Any]]:
    entries = [_entry(event, request.terms.get("form")) for event in request.events]
    wait = request.wait
    if wait is not None and wait.status == "open":
        left = wait.required - request.approvals
        groups = " or ".join(sorted(request.conditions.groups))
        many = "1 approval" if left == 1 else f"{left} approvals"
        whom = f"Waiting for {many} of {groups}" if groups else f"Waiting for {many}"
        entries.append({"who": whom, "did": "", "at": None, "tone": "wait", "icon": "clock", "comment": "", "said": []})
    elif wait is not None and wait.status == "timed_out":
        late = {"who": "Timed out", "did": "", "at": wait.decided_at, "tone": "stale", "icon": "clock"}
        entries.append({**late, "comment": "", "said": []})
    return entries


def _entry(event: ResumeEventRow, form: Any) -> dict[str, Any]:
    name = event.approver or "Somebody with the link"
    who = f"{name} ({event.email})" if event.email and event.email != name else name
    return {
        "who": who,
        "did": "approved" if event.approved else "denied",
        "at": event.at,
        "tone": "ok" if event.approved else "bad",
        "icon": "check" if event.approved else "cross",
        "comment": comment_of(event),
        "said": values_of(event, form),
    }
