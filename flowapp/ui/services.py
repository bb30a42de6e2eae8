"""How pages reach the application: the composition root binds it once, handlers ask for it.

Nothing here decides rights: a handler gets an identity, and the use-case that it calls asks the policy.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from flowapp.access.errors import NotSignedIn
from flowapp.access.person import session_cookie

if TYPE_CHECKING:
    from flowapp.access.identity import Identity
    from flowapp.access.person import Person
    from flowapp.workspace.app import Workspace

_bound: Workspace | None = None


def bind(workspace: Workspace) -> None:
    """Set the application that pages talk to. Called once, before the first page is served."""
    global _bound
    _bound = workspace


def workspace() -> Workspace:
    """The application.

    Raises:
        RuntimeError: nothing is bound: pages are being served without `flowapp.compose`.
    """
    if _bound is None:
        raise RuntimeError("flowapp.ui.services.bind was not called before a page asked for the application")
    return _bound


async def identity(who: Person, workspace_id: str) -> Identity:
    """A person in a workspace; with the role "none" where they are not in it, or there is no such workspace."""
    return await workspace().sessions.identity(who, workspace_id)


async def workspaces(who: Person) -> list[str]:
    """The ids of the workspaces that a person is in."""
    return [str(found["id"]) for found in (await workspace().accounts.workspaces(who))["workspaces"]]


async def person(cookie_header: str, host: str) -> Person:
    """Who the session cookie of a page belongs to; `host` is where the browser sees the page, with its port.

    Raises:
        NotSignedIn: there is no session, or it has ended.
    """
    token = _session_token(cookie_header, session_cookie(host))
    found = await workspace().sessions.person(token) if token else None
    if found is None:
        raise NotSignedIn("You are not signed in.", "Sign in again; your work is saved.")
    return found


def _session_token(cookie_header: str, name: str) -> str:
    try:
        cookies = SimpleCookie(cookie_header)
    except CookieError:
        return ""
    return cookies[name].value if name in cookies else ""
