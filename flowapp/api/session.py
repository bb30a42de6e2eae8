"""Signing in and out: plain pages that need no script."""

from __future__ import annotations

from html import escape
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from flowapp.access.errors import AccessError
from flowapp.api.auth import App, cookie_of, person_of, set_session, token_of
from flowapp.api.bodies import read_body
from flowapp.api.security import same_origin
from flowapp.errors import FlowappError

router = APIRouter()
_MAX_FORM = 16 * 1024

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Sign in · Flowapp</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/css/signin.css">
</head>
<body>
<main>
<h1>Sign in to Flowapp</h1>
{message}
<form method="post" action="/signin">
<input type="hidden" name="next" value="{next}">
<label for="token">Sign-in token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password" spellcheck="false"
 aria-describedby="help"{invalid}>
<p id="help">The server prints a sign-in link when it starts. Open it, or paste its token here.
With <code>FLOWAPP_TOKEN</code> set, that is the token.</p>
<button type="submit">Sign in</button>
</form>
</main>
</body>
</html>
"""


@router.get("/signin")
async def sign_in_page(
    request: Request,
    workspace: App,
    token: Annotated[str, Query()] = "",
    next_page: Annotated[str, Query(alias="next")] = "/",
) -> Response:
    """The page; with a token in the link, sign in at once."""
    if not token:
        return _page("", next_page)
    try:
        return await _sign_in(request, workspace, token, next_page)
    except AccessError as error:
        if await _signed_in(request, workspace):  # the link was opened a second time
            return RedirectResponse(_local(next_page), 303)
        return _page(_sentence(error), next_page, error.status)


@router.post("/signin")
async def sign_in(request: Request, workspace: App) -> Response:
    """The page's form."""
    form = parse_qs((await read_body(request, _MAX_FORM)).decode("utf-8", "replace"))
    token, next_page = (form.get(name, [""])[0].strip() for name in ("token", "next"))
    if not same_origin({name.lower(): value for name, value in request.headers.raw}):
        return _page("This form was sent by another site. Please sign in here.", next_page, 403)
    if not token:
        return _page("Paste the token first.", next_page, 400)
    try:
        return await _sign_in(request, workspace, token, next_page)
    except AccessError as error:
        return _page(_sentence(error), next_page, error.status)


@router.post("/signout")
async def sign_out(request: Request, workspace: App) -> Response:
    """End the session everywhere it is used."""
    token, _ = token_of(request)
    if token and same_origin({name.lower(): value for name, value in request.headers.raw}):
        await workspace.sessions.sign_out(token)
    response = RedirectResponse("/signin", 303)
    response.delete_cookie(cookie_of(request), path="/")
    return response


async def _sign_in(request: Request, workspace: App, token: str, next_page: str) -> Response:
    address = request.client.host if request.client else "unknown"
    session = await workspace.sessions.sign_in(token, address)
    response = RedirectResponse(_local(next_page), 303)
    set_session(response, request, session)
    # the address of this page held the token: no page that is opened from here learns it
    response.headers["referrer-policy"] = "no-referrer"
    return response


async def _signed_in(request: Request, workspace: App) -> bool:
    try:
        await person_of(request, workspace)
    except FlowappError:
        return False
    return True


def _page(message: str, next_page: str, status: int = 200) -> Response:
    said = f'<p role="alert">{escape(message)}</p>' if message else ""
    invalid = ' aria-invalid="true"' if message else ""
    content = _PAGE.format(message=said, next=escape(_local(next_page)), invalid=invalid)
    return HTMLResponse(content, status, {"cache-control": "no-store"})


def _sentence(error: AccessError) -> str:
    return f"{error.message} {error.hint}".strip()


def _local(target: str) -> str:
    """A page of ours: anything else would send people elsewhere after signing in."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or any(c < " " for c in target):
        return "/"
    return target
