"""Signing in and out: plain pages that need no script."""

from __future__ import annotations

from html import escape
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from flowapp.access.errors import AccessError
from flowapp.api.auth import App, cookie_of, person_of, set_session, token_of
from flowapp.api.plain import address_of, device_of, form_of, is_ours, local, plain_page, sentence
from flowapp.errors import FlowappError
from flowapp.workspace.app import Workspace

router = APIRouter()

_PROVIDER = """
<a class="provider" href="/signin/oidc?next={next}">Sign in with {name}</a>
<p class="or">or with a password</p>
"""
_FORMS = """
<form method="post" action="/signin">
<input type="hidden" name="next" value="{next}">
<label for="email">Email</label>
<input id="email" name="email" type="email" required autofocus autocomplete="username" spellcheck="false"{wrong}>
<label for="password">Password</label>
<input id="password" name="password" type="password" required autocomplete="current-password"{wrong}>
<button type="submit">Sign in</button>
</form>
<details{opened}>
<summary>Use a sign-in token</summary>
<form method="post" action="/signin">
<input type="hidden" name="next" value="{next}">
<label for="token">Sign-in token</label>
<input id="token" name="token" type="password" required autocomplete="off" spellcheck="false"
 aria-describedby="help"{invalid}>
<p id="help">The server prints a sign-in link when it starts. Open it, or paste its token here.
With <code>FLOWAPP_TOKEN</code> set, that is the token.</p>
<button type="submit" class="second">Sign in with the token</button>
</form>
</details>
"""
_INVALID = ' aria-invalid="true"'


@router.get("/signin")
async def sign_in_page(
    request: Request,
    workspace: App,
    token: Annotated[str, Query()] = "",
    next_page: Annotated[str, Query(alias="next")] = "/",
) -> Response:
    """The page; with a token in the link, sign in at once."""
    if not token:
        return sign_in_form(workspace, "", next_page)
    try:
        return await _by_token(request, workspace, token, next_page)
    except AccessError as error:
        if await is_signed_in(request, workspace):  # the link was opened a second time
            return RedirectResponse(local(next_page), 303)
        return sign_in_form(workspace, sentence(error), next_page, error.status, token=True)


@router.post("/signin")
async def sign_in(request: Request, workspace: App) -> Response:
    """The page's forms: email and password, or a token."""
    form = await form_of(request)
    token, next_page = (form.get(name, "").strip() for name in ("token", "next"))
    if not is_ours(request):
        return sign_in_form(workspace, "This form was sent by another site. Please sign in here.", next_page, 403)
    try:
        if token:
            return await _by_token(request, workspace, token, next_page)
        email, password = form.get("email", "").strip(), form.get("password", "")
        if not email or not password:
            return sign_in_form(workspace, "Enter your email and password, or a token.", next_page, 400)
        session = await workspace.sessions.log_in(email, password, address_of(request), device_of(request))
        return signed_in(request, session, next_page)
    except AccessError as error:
        return sign_in_form(workspace, sentence(error), next_page, error.status, token=bool(token))


@router.post("/signout")
async def sign_out(request: Request, workspace: App) -> Response:
    """End the session everywhere it is used."""
    token, _ = token_of(request)
    if token and is_ours(request):
        await workspace.sessions.sign_out(token)
    response = RedirectResponse("/signin", 303)
    response.delete_cookie(cookie_of(request), path="/")
    return response


def signed_in(request: Request, session: str, next_page: str) -> Response:
    """On to a page of ours, with the session's cookie."""
    response = RedirectResponse(local(next_page), 303)
    set_session(response, request, session)
    # the address of this page may have held a token: no page that is opened from here learns it
    response.headers["referrer-policy"] = "no-referrer"
    return response


async def is_signed_in(request: Request, workspace: Workspace) -> bool:
    """Whether the request comes with a session that is good."""
    try:
        await person_of(request, workspace)
    except FlowappError:
        return False
    return True


def sign_in_form(
    workspace: Workspace, message: str, next_page: str, status: int = 200, *, token: bool = False
) -> Response:
    """The page. `token`: the message is about a token, whose form is then open."""
    forms = _FORMS.format(
        next=escape(local(next_page)),
        opened=" open" if token else "",
        invalid=_INVALID if message and token else "",
        wrong=_INVALID if message and not token else "",
    )
    name = workspace.single_sign_on.name
    if name:
        forms = _PROVIDER.format(next=escape(quote(local(next_page), safe="/")), name=escape(name)) + forms
    return plain_page("Sign in", "Sign in to Flowapp", forms, message=message, status=status)


async def _by_token(request: Request, workspace: Workspace, token: str, next_page: str) -> Response:
    session = await workspace.sessions.sign_in(token, address_of(request), device_of(request))
    return signed_in(request, session, next_page)
