"""Who sent this request: every route that is not public depends on `Caller` (a test goes through all routes)."""

from __future__ import annotations

import re
import secrets
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Request
from starlette.responses import Response

from flowapp.access.errors import NotSignedIn, WrongOrigin
from flowapp.access.identity import Identity
from flowapp.access.person import SESSION_DAYS, Person, mark_cookie, session_cookie
from flowapp.api.security import SAFE_METHODS, browser_origin, same_origin
from flowapp.workspace.app import Workspace
from flowapp.workspace.errors import BadRequest

CLI_COOKIE = "token"  # Windmill's CLI sends its token this way on some calls

_BY_ADDRESS = re.compile(r"^/api/w/[^/]+/jobs(?:_u)?/")


def workspace_of(request: Request) -> Workspace:
    """The application container that this API was made for."""
    found = request.app.state.workspace
    assert isinstance(found, Workspace)
    return found


App = Annotated[Workspace, Depends(workspace_of)]


def token_of(request: Request) -> tuple[str, bool]:
    """The token of a request ("" for none), and whether a cookie brought it."""
    kind, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip(), False
    # callers of webhooks often can give nothing but an address
    in_address = request.query_params.get("token", "") if _BY_ADDRESS.match(request.url.path) else ""
    if in_address:
        return in_address, False
    cookie = request.cookies.get(cookie_of(request)) or request.cookies.get(CLI_COOKIE) or ""
    return cookie, bool(cookie)


async def person_of(request: Request, workspace: App) -> Person:
    """The signed-in person, in no workspace yet.

    Raises:
        NotSignedIn: no token, or one that is not valid (any more).
        WrongOrigin: a changing request with a cookie that another site's page sent.
    """
    token, by_cookie = token_of(request)
    if by_cookie and request.method not in SAFE_METHODS:
        headers = {name.lower(): value for name, value in request.headers.raw}
        if not same_origin(headers):
            raise WrongOrigin("This request came from another site.", "Open Flowapp itself and try again.")
    person = await workspace.sessions.person(token) if token else None
    if person is None:
        raise NotSignedIn("You are not signed in.", "Sign in again; your work is saved.")
    if "\0" in request.url.path or "\0" in unquote(request.url.query):
        raise BadRequest("The address holds a NUL character, which no name or path has.")
    return person


async def identity_of(ws: str, person: Annotated[Person, Depends(person_of)], workspace: App) -> Identity:
    """The signed-in person in the workspace that the path names."""
    return await workspace.sessions.identity(person, ws)


async def starter_of(request: Request, caller: Annotated[Identity, Depends(identity_of)]) -> Identity:
    """The caller of an address that changes something even by GET: another site's link must not do it with a cookie.

    Raises:
        WrongOrigin: it did.
    """
    _, by_cookie = token_of(request)
    if by_cookie and not same_origin({name.lower(): value for name, value in request.headers.raw}):
        raise WrongOrigin("This request came from another site.", "Call it with a token of its own.")
    return caller


SignedIn = Annotated[Person, Depends(person_of)]
Caller = Annotated[Identity, Depends(identity_of)]
Starter = Annotated[Identity, Depends(starter_of)]


def cookie_of(request: Request) -> str:
    """The name of the session cookie where the browser sees us."""
    return session_cookie(_host(request))


def _host(request: Request) -> str:
    _, host = browser_origin({name.lower(): value for name, value in request.headers.raw})
    return host.decode("latin-1")


def is_secure(request: Request) -> bool:
    """Whether the browser reached us by TLS, also where a proxy ends it."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    return scheme.split(",")[0].strip() == "https"


def set_session(response: Response, request: Request, session: str, name: str = "") -> None:
    """Give the browser its session cookie: out of reach of scripts, not sent by other sites' forms.

    With ours comes a mark: a tab in which another one signs in forgets what it held for the one before.
    """
    age, secure = SESSION_DAYS * 86400, is_secure(request)
    cookie = name or cookie_of(request)
    response.set_cookie(cookie, session, max_age=age, httponly=True, samesite="lax", secure=secure, path="/")
    if not name:
        mark = secrets.token_urlsafe(9)
        response.set_cookie(mark_cookie(_host(request)), mark, max_age=age, samesite="lax", secure=secure, path="/")
