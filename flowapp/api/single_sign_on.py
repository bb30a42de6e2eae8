"""To the identity provider and back. The browser keeps a sealed cookie meanwhile, which only this path gets."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from flowapp.access.errors import AccessError
from flowapp.api.auth import App, cookie_of, is_secure
from flowapp.api.plain import address_of, device_of, local, sentence
from flowapp.api.security import browser_origin
from flowapp.api.session import sign_in_form, signed_in
from flowapp.workspace.app import Workspace
from flowapp.workspace.single_sign_on import MINUTES

router = APIRouter()

_PATH = "/signin/oidc"
_LONGEST = 4000


@router.get(_PATH)
async def begin(request: Request, workspace: App, next_page: Annotated[str, Query(alias="next")] = "/") -> Response:
    """Off to the provider."""
    target = local(next_page) if len(next_page) < 1000 else "/"
    try:
        url, cookie = await workspace.single_sign_on.begin(_redirect_uri(request, workspace), target)
    except AccessError as error:
        return sign_in_form(workspace, sentence(error), target, error.status)
    response = RedirectResponse(url, 303, {"cache-control": "no-store"})
    response.set_cookie(
        _cookie(request),
        cookie,
        max_age=MINUTES * 60,
        httponly=True,
        samesite="lax",  # the provider's page leads back here
        secure=is_secure(request),
        path=_PATH,
    )
    return response


@router.get(f"{_PATH}/callback")
async def finish(request: Request, workspace: App) -> Response:
    """Back from the provider."""
    answer = {name: value[:_LONGEST] for name, value in request.query_params.items()}
    cookie = request.cookies.get(_cookie(request), "")[:_LONGEST]
    redirect_uri, address = _redirect_uri(request, workspace), address_of(request)
    try:
        session, target = await workspace.single_sign_on.finish(
            redirect_uri, answer, cookie, address, device_of(request)
        )
        response = signed_in(request, session, target)
    except AccessError as error:
        response = sign_in_form(workspace, sentence(error), "/", error.status)
    response.delete_cookie(_cookie(request), path=_PATH)
    return response


def _redirect_uri(request: Request, workspace: Workspace) -> str:
    base = workspace.settings.public_url
    if not base:
        headers = {name.lower(): value for name, value in request.headers.raw}
        scheme, host = browser_origin(headers, request.url.scheme.encode())
        base = f"{scheme.decode('latin-1')}://{host.decode('latin-1')}"
    return f"{base}{_PATH}/callback"


def _cookie(request: Request) -> str:
    return f"{cookie_of(request)}_oidc"
