"""The page of an invitation, and the same over HTTP. Opening the link decides nothing: mail scanners open links too."""

from __future__ import annotations

from html import escape
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from flowapp.access.errors import AccessError, WrongOrigin
from flowapp.access.passwords import LONGEST, SHORTEST
from flowapp.access.person import Person
from flowapp.api.answers import answer
from flowapp.api.auth import CLI_COOKIE, App, Caller, SignedIn, person_of, set_session
from flowapp.api.bodies import object_body
from flowapp.api.plain import address_of, device_of, form_of, is_ours, plain_page, sentence
from flowapp.api.session import signed_in
from flowapp.errors import FlowappError
from flowapp.workspace.app import Workspace
from flowapp.workspace.invitations import Offer
from flowapp.workspace.stored import required_text

router = APIRouter()

_ROLES = {
    "viewer": "look at flows and their runs",
    "operator": "run flows and answer approvals",
    "developer": "build and deploy flows",
    "admin": "do everything, and say who else may",
}
_JOIN = """
<p>As {article} {role} you can {may}.</p>
<form method="post" action="/join">
<input type="hidden" name="token" value="{token}">
<p>You are signed in as <b>{username}</b> ({email}).</p>
<button type="submit" autofocus>Join {name}</button>
</form>
"""
_NEW = """
<p>As {article} {role} you can {may}.</p>
<form method="post" action="/join">
<input type="hidden" name="token" value="{token}">
<label for="email">Email</label>
<input id="email" name="email" type="email" required autocomplete="username" spellcheck="false" value="{email}"{fixed}>
<label for="name">Name (may be empty)</label>
<input id="name" name="name" type="text" autocomplete="name" maxlength="200" value="{known}">
<label for="password">Password</label>
<input id="password" name="password" type="password" required minlength="{shortest}" maxlength="{longest}"
 autocomplete="new-password" aria-describedby="help">
<p id="help">At least {shortest} characters; a sentence is easy to remember. If you have an account here, use its password.</p>
<button type="submit">Join {name}</button>
</form>
<p class="other"><a href="/signin?next={here}">Sign in first</a> if you have an account.</p>
"""


@router.get("/join")
async def join_page(request: Request, workspace: App, token: Annotated[str, Query()] = "") -> Response:
    """What the link offers, and the form to take it."""
    return await _page(request, workspace, token, {})


@router.post("/join")
async def join(request: Request, workspace: App) -> Response:
    """The page's form."""
    form = await form_of(request)
    token = form.get("token", "").strip()
    if not is_ours(request):
        return await _page(request, workspace, token, form, "This form was sent by another site. Try again here.", 403)
    try:
        person = await _person(request, workspace)
        if person is not None:
            await workspace.invitations.accept(person, token, address_of(request))
            return RedirectResponse("/", 303)
        session = await workspace.invitations.join(token, form, address_of(request), device_of(request))
        return signed_in(request, session, "/")
    except FlowappError as error:
        return await _page(request, workspace, token, form, sentence(error), error.status)


@router.post("/api/auth/join")
async def join_over_http(request: Request, workspace: App) -> Response:
    """Join with `{"token", "email"?, "password", "name"?}`; the answer is a session token, also set as a cookie."""
    if not is_ours(request):
        raise WrongOrigin("This request came from another site.", "Open the invitation's link.")
    body = await object_body(request)
    token = required_text(body, "token")
    session = await workspace.invitations.join(token, body, address_of(request), device_of(request))
    response = PlainTextResponse(session, 201)
    set_session(response, request, session)
    set_session(response, request, session, CLI_COOKIE)
    return response


@router.post("/api/workspaces/join")
async def accept(request: Request, person: SignedIn, workspace: App) -> Response:
    """Join as who is signed in: `{"token"}`; the answer is the workspace's id."""
    body = await object_body(request)
    token = body.get("token")
    joined = await workspace.invitations.accept(person, token if isinstance(token, str) else "", address_of(request))
    return PlainTextResponse(joined)


@router.post("/api/w/{ws}/workspaces/invitations/create")
async def create(request: Request, caller: Caller, workspace: App) -> Response:
    """Make a link: `{"role"?, "uses"?, "email"?, "expiration"?}`; its token is told this once."""
    return answer(await workspace.invitations.create(caller, await object_body(request)), 201)


@router.get("/api/w/{ws}/workspaces/invitations/list")
async def listing(caller: Caller, workspace: App) -> Response:
    """The links that still let somebody in."""
    return answer(await workspace.invitations.listing(caller))


@router.delete("/api/w/{ws}/workspaces/invitations/delete/{name}")
async def revoke(name: str, caller: Caller, workspace: App) -> Response:
    """Make a link worthless."""
    await workspace.invitations.revoke(caller, name)
    return PlainTextResponse(f"Revoked invitation {name}")


async def _page(
    request: Request, workspace: Workspace, token: str, form: dict[str, str], message: str = "", status: int = 200
) -> Response:
    try:
        offer = await workspace.invitations.look(token, address_of(request))
    except AccessError as error:
        return plain_page(
            "Invitation",
            "Join Flowapp",
            '<p><a href="/">To Flowapp</a></p>',
            message=sentence(error),
            status=error.status,
        )
    person = await _person(request, workspace)
    content = (
        _new(offer, token, form)
        if person is None
        else _JOIN.format(
            **_words(offer), token=escape(token), username=escape(person.username), email=escape(person.email)
        )
    )
    return plain_page("Invitation", f"Join {offer.name}", content, message=message, status=status)


def _new(offer: Offer, token: str, form: dict[str, str]) -> str:
    return _NEW.format(
        **_words(offer),
        token=escape(token),
        email=escape(offer.email or form.get("email", "")),
        fixed=" readonly" if offer.email else " autofocus",
        known=escape(form.get("name", "")),
        shortest=SHORTEST,
        longest=LONGEST,
        here=escape(quote(f"/join?token={quote(token)}", safe="/")),
    )


def _words(offer: Offer) -> dict[str, str]:
    return {
        "article": "an" if offer.role[0] in "aeiou" else "a",
        "role": escape(offer.role),
        "may": _ROLES[offer.role],
        "name": escape(offer.name),
    }


async def _person(request: Request, workspace: Workspace) -> Person | None:
    try:
        return await person_of(request, workspace)
    except FlowappError:
        return None
