"""The page of a sharing link as HTML: a run with its steps, or a flow with its cells. No script, no form."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from flowapp.access.errors import TooManyAttempts
from flowapp.workspace.shared_flows import SharedFlow
from flowapp.workspace.shared_runs import SharedRun

HEADERS = {
    "cache-control": "no-store",
    # the address is the key: no other site may learn it, and no search engine
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "font-src 'self'",
            "img-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    ),
}
#: Word, tone (see shared.css) and icon of a state.
_STATES = {
    "queued": ("Queued", "reused", "M5 12h.01M12 12h.01M19 12h.01"),
    "running": ("Running", "run", "M12 3a9 9 0 1 1-9 9"),
    "suspended": ("Waiting", "wait", "M9 6v12M15 6v12"),
    "waiting": ("Waiting", "wait", "M9 6v12M15 6v12"),
    "success": ("Done", "ok", "M4 12l5 5L20 6"),
    "failure": ("Failed", "bad", "M6 6l12 12M18 6L6 18"),
    "canceled": ("Cancelled", "reused", "M7 7h10v10H7z"),
    "skipped": ("Skipped", "reused", "M6 6l6 6-6 6M13 6l6 6-6 6"),
    "reused": ("Reused", "reused", "M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5"),
}


def _badge(status: str, *, small: bool = False) -> Markup:
    word, tone, icon = _STATES.get(status, (status.capitalize(), "reused", "M5 12h.01M12 12h.01M19 12h.01"))
    text = Markup('<span class="sr">{}</span>').format(word) if small else word
    svg = Markup('<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>').format(icon)
    return Markup('<span class="badge {}" title="{}">{}{}</span>').format(tone, word, svg, text)


def _moment(text: str) -> Markup:
    at = datetime.fromisoformat(text)
    return Markup('<time datetime="{}">{}</time>').format(text, f"{at.day} {at:%b} {at:%Y}, {at:%H:%M} UTC")


def _duration(ms: float | None) -> str:
    if ms is None:
        return ""
    if ms < 1:
        return "< 1 ms"
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = round(ms / 1000)
    if seconds < 60:
        return f"{ms / 1000:.1f}".removesuffix(".0") + " s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def _step_query(path: str) -> str:
    return f"?{urlencode({'step': path})}#detail"


_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.globals.update(badge=_badge, moment=_moment, duration=_duration, step_query=_step_query)


def render(shown: SharedRun | SharedFlow) -> Response:
    """The page of a run or flow."""
    if isinstance(shown, SharedFlow):
        return _page("shared_flow.html", 200, flow=shown, expires_at=shown.expires_at)
    return _page("shared_run.html", 200, run=shown, detail=shown.detail, expires_at=shown.expires_at)


def nothing() -> Response:
    """The page of a link that leads nowhere, for whichever reason: it does not tell which."""
    hint = "It may have ended, been revoked, or been copied in part. Ask whoever sent it for a new one."
    return _message("This link leads nowhere", hint, 404)


def busy(error: TooManyAttempts) -> Response:
    """The page for who asks too often."""
    page = _message(error.message, error.hint, error.status)
    page.headers["retry-after"] = str(error.retry_after_s)
    return page


def _message(message: str, hint: str, status: int) -> Response:
    return _page("wrong_link.html", status, message=message, hint=hint)


def _page(template: str, status: int, **values: object) -> Response:
    text = _PAGES.get_template(template).render(**values)
    # half of a surrogate pair, which JSON may hold, has no form in UTF-8
    return HTMLResponse(text.encode("utf-8", "replace"), status, HEADERS)
