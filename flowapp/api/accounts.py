"""Accounts, tokens, workspaces and signing in by password, as Windmill's clients know them: `/api/users`, `/api/auth`, …"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from flowapp.access.errors import WrongOrigin
from flowapp.api.answers import answer
from flowapp.api.auth import CLI_COOKIE, App, SignedIn, cookie_of, set_session, token_of
from flowapp.api.bodies import object_body
from flowapp.api.plain import address_of, device_of
from flowapp.api.queries import Paging
from flowapp.api.security import same_origin
from flowapp.workspace.stored import text_in

router = APIRouter(prefix="/api")


@router.post("/auth/login")
async def login(request: Request, workspace: App) -> Response:
    """Sign in with email and password; the answer is a session token, also set as a cookie."""
    if not same_origin({name.lower(): value for name, value in request.headers.raw}):
        raise WrongOrigin("This request came from another site.", "Sign in from Flowapp itself.")
    body = await object_body(request)
    email, password = text_in(body, "email", limit=300), text_in(body, "password", limit=2000)
    session = await workspace.sessions.log_in(email, password, address_of(request), device_of(request))
    response = PlainTextResponse(session)
    set_session(response, request, session)
    set_session(response, request, session, CLI_COOKIE)
    return response


@router.post("/auth/logout")
async def logout(request: Request, workspace: App) -> Response:
    """End the session."""
    token, _ = token_of(request)
    if token and same_origin({name.lower(): value for name, value in request.headers.raw}):
        await workspace.sessions.sign_out(token)
    response = PlainTextResponse("logged out successfully")
    for name in (cookie_of(request), CLI_COOKIE):
        response.delete_cookie(name, path="/")
    return response


@router.get("/users/whoami")
async def whoami(person: SignedIn, workspace: App) -> Response:
    """The caller's account."""
    return answer(await workspace.accounts.whoami(person))


@router.get("/users/email")
async def email(person: SignedIn, workspace: App) -> Response:
    """The caller's email, as text."""
    return PlainTextResponse(str((await workspace.accounts.whoami(person))["email"]))


@router.post("/users/setpassword")
async def set_password(request: Request, person: SignedIn, workspace: App) -> Response:
    """Set one's own password: `{"password", "current"?}`."""
    await workspace.accounts.set_password(person, await object_body(request))
    return PlainTextResponse("password updated")


@router.post("/users/create")
async def create_user(request: Request, person: SignedIn, workspace: App) -> Response:
    """Make an account; for super admins."""
    name = await workspace.accounts.create_user(person, await object_body(request))
    return PlainTextResponse(f"user {name} created", 201)


@router.post("/users/sign_in_link")
async def sign_in_link(request: Request, person: SignedIn, workspace: App) -> Response:
    """A link that signs somebody in once, as text: `{"username"}`; for super admins."""
    path = await workspace.accounts.sign_in_link(person, await object_body(request))
    return PlainTextResponse(f"{workspace.settings.base_url}{path}", 201)


@router.get("/users/list_as_super_admin")
async def list_users(person: SignedIn, workspace: App, page: Paging) -> Response:
    """All accounts; for super admins."""
    return answer(await workspace.accounts.everybody(person, page))


@router.post("/users/tokens/create")
async def create_token(request: Request, person: SignedIn, workspace: App) -> Response:
    """A new token, as text."""
    return PlainTextResponse(await workspace.accounts.create_token(person, await object_body(request)), 201)


@router.get("/users/tokens/list")
async def list_tokens(person: SignedIn, workspace: App, page: Paging) -> Response:
    """The caller's tokens and sessions."""
    return answer(await workspace.accounts.tokens(person, page))


@router.post("/users/tokens/end_other_sessions")
async def end_other_sessions(person: SignedIn, workspace: App) -> Response:
    """End the caller's sessions but the one that asks; the answer is how many there were."""
    return answer(await workspace.accounts.end_other_sessions(person))


@router.delete("/users/tokens/delete/{prefix}")
async def delete_token(prefix: str, person: SignedIn, workspace: App) -> Response:
    """Revoke a token by its first characters."""
    return PlainTextResponse(await workspace.accounts.delete_token(person, prefix))


@router.get("/workspaces/list")
async def list_workspaces(person: SignedIn, workspace: App) -> Response:
    """The workspaces that the caller is in."""
    return answer((await workspace.accounts.workspaces(person))["workspaces"])


@router.get("/workspaces/users")
async def user_workspaces(person: SignedIn, workspace: App) -> Response:
    """The caller's email and workspaces."""
    return answer(await workspace.accounts.workspaces(person))


@router.post("/workspaces/exists")
async def workspace_exists(request: Request, person: SignedIn, workspace: App) -> Response:
    """Whether the caller is in a workspace: `{"id"}`."""
    body = await object_body(request)
    return answer(await workspace.accounts.workspace_exists(person, body.get("id")))


@router.post("/workspaces/create")
async def create_workspace(request: Request, person: SignedIn, workspace: App) -> Response:
    """Make a workspace; for super admins."""
    made = await workspace.accounts.create_workspace(person, await object_body(request))
    return PlainTextResponse(f"Created workspace {made}", 201)


@router.get("/settings/global/automate_username_creation")
async def automate_usernames(person: SignedIn, workspace: App) -> Response:
    """Whether usernames are made from emails."""
    return answer(await workspace.accounts.names_are_made(person))
