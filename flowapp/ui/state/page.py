"""What the states of all pages share: who is asking, and how an error reaches the page.

A state is a cache of the slice that the page shows; SQL is the truth. Every event handler does its work inside `_as_person`,
because a client names the handler it wants in the frame it sends: that a page was guarded says nothing about the next event.
Helpers begin with an underscore: Reflex would let a browser call them otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote

import reflex as rx

from flowapp.access.errors import NotSignedIn
from flowapp.access.identity import Identity
from flowapp.access.sessions import FIRST_WORKSPACE
from flowapp.errors import FlowappError
from flowapp.store.origin import ORIGIN
from flowapp.ui import services

T = TypeVar("T")


class PageState(rx.State, mixin=True):
    """`problem` is the sentence to show on the page ("" for none), `hint` what to do about it."""

    problem: str = ""
    hint: str = ""
    #: The workspace that the tab shows, kept by its browser (`assets/js/workspace.js`). What it gives somebody is judged anew each time.
    tab_workspace: str = rx.SessionStorage("", name="flowapp.workspace")
    _dialog_of: str = ""

    def _opens_dialog(self) -> None:
        """A dialog of the page is opened: it belongs to the page as it was loaded this time."""
        self._dialog_of = self.router.session.session_id

    def _has_old_dialog(self) -> bool:
        """Whether a dialog that is open was opened before a reload. A press may be faster than what a page does when it loads."""
        return self._dialog_of != self.router.session.session_id

    async def _as_person(self, work: Callable[[Identity], Awaitable[Any]]) -> Any:
        """Do `work` as the person whose session cookie this page has; what it returns is the handler's answer.

        With no session the page goes to sign in and comes back. An error meant for people is put on the page; any other one
        is left to Reflex, which logs it.
        """
        self.problem = self.hint = ""
        try:
            person = await self._person()
            who = await services.identity(person, self.tab_workspace or FIRST_WORKSPACE)
            if who.role == "none" and (own := await services.workspaces(person)):
                return self._in_another(who.workspace, own)
            return await work(who)
        except NotSignedIn:
            return rx.redirect(f"/signin?next={quote(self._here())}")
        except FlowappError as error:
            self.problem, self.hint = error.message, error.hint
            return None

    def _in_another(self, shown: str, own: list[str]) -> Any:
        """Somebody is not in the workspace that the tab shows, and in others."""
        if self.router.url.path in ("", "/"):
            # it was shown in this browser to somebody else, or until they were taken out of it: their own is meant
            return rx.redirect(f"/?workspace={quote(own[0])}")
        self.problem = f"You are not in a workspace {shown[:50]}."
        self.hint = "Choose one of yours at the top left (on a phone: under More), or ask its admin for an invitation."
        return None

    async def _person(self) -> Any:
        """The person of the session, in no workspace: for what concerns the whole installation."""
        # an event comes by a connection that was opened before, in a task that knows nothing of it
        ORIGIN.set(self.router.session.client_ip)
        headers = self.router.headers
        return await services.person(headers.cookie or "", (headers.origin or "").partition("://")[2])

    def _address(self, path: str) -> str:
        """The full address of a page, to be sent to others: as settings say, or as this browser reaches us."""
        return f"{services.workspace().settings.public_url or self.router.headers.origin}{path}"

    def _here(self) -> str:
        """The address of the page that sent this event, without host."""
        url = self.router.url
        return f"{url.path}?{url.query}" if url.query else url.path
