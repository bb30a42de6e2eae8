"""Plain pages that need no script: signing in, and joining by a link."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from flowapp.api.bodies import read_body
from flowapp.api.security import same_origin
from flowapp.errors import FlowappError

_MAX_FORM = 16 * 1024
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} · Flowapp</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/css/signin.css">
</head>
<body>
<main>
<h1>{heading}</h1>
{said}
{content}
</main>
</body>
</html>
"""
#: In this order: what many browsers claim to be comes last.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
    ("python", "Python"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def plain_page(title: str, heading: str, content: str, *, message: str = "", status: int = 200) -> Response:
    """A page. `content` is HTML; the texts are escaped here."""
    said = f'<p role="alert">{escape(message)}</p>' if message else ""
    text = _PAGE.format(title=escape(title), heading=escape(heading), said=said, content=content)
    # "no-referrer" would make browsers send their forms with the origin "null"; the policy of all answers keeps to ours
    return HTMLResponse(text, status, {"cache-control": "no-store"})


def sentence(error: FlowappError) -> str:
    """What went wrong and what to do, in one text."""
    return f"{error.message} {error.hint}".strip()


def is_local(target: str) -> bool:
    """Whether it is a page of ours: anything else would send people elsewhere after signing in."""
    return target.startswith("/") and not target.startswith(("//", "/\\")) and not any(c < " " for c in target)


def local(target: str) -> str:
    """The page if it is ours, else the first one."""
    return target if is_local(target) else "/"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form.

    Raises:
        UploadTooLarge: more than 16 KB.
    """
    fields = parse_qs((await read_body(request, _MAX_FORM)).decode("utf-8", "replace"))
    return {name: values[0] for name, values in fields.items()}


def is_ours(request: Request) -> bool:
    """Whether one of our own pages sent it."""
    return same_origin({name.lower(): value for name, value in request.headers.raw})


def address_of(request: Request) -> str:
    """Where the request came from, for limits and the audit trail."""
    return request.client.host if request.client else "unknown"


def device_of(request: Request) -> str:
    """The browser in words, e.g. `Firefox on Linux`, by which people know their sessions; "" where it says nothing."""
    agent = request.headers.get("user-agent", "")[:500]
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return " on ".join(part for part in (browser, system) if part)
