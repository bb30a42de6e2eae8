"""The page Audit: who did what, narrowed by the address, which can be sent to a colleague. Only admins see it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.ui import services
from flowapp.ui.state.page import PageState
from flowapp.workspace import days

PER_PAGE = 50
#: What the page can be narrowed by, as its address names them.
FILTERS = ("username", "area", "action_kind", "about", "since", "until", "installation")
#: Areas of what is done: the first word of an action, and a word for people.
AREAS = (
    ("flow", "Flows"),
    ("draft", "Drafts"),
    ("script", "Scripts"),
    ("run", "Runs and approvals"),
    ("run_view", "Views of runs"),
    ("variable", "Variables"),
    ("resource", "Resources"),
    ("object", "Stored files"),
    ("schedule", "Schedules"),
    ("folder", "Folders"),
    ("group", "Groups"),
    ("member", "Members"),
    ("invitation", "Invitations"),
    ("link", "Sharing links"),
    ("comment", "Comments"),
    ("workspace", "Workspace"),
    ("session", "Sign-ins"),
    ("token", "Tokens"),
    ("user", "Accounts"),
    ("audit", "Audit"),
)
KINDS = (("Create", "Made"), ("Update", "Changed"), ("Delete", "Deleted"), ("Read", "Seen"), ("Execute", "Done"))


@dataclasses.dataclass
class AuditLine:
    """One entry."""

    at: str
    by: str
    action: str
    target: str
    detail: str
    address: str


class AuditState(PageState, rx.State):
    """One page of the trail. `closed`: the person may not see it; `over`: they run the installation.

    `newest`, `older` ("" on the last page), `as_csv` and `as_json` are addresses for what the filters take; `narrowed`: they
    leave something out.
    """

    lines: rx.Field[list[AuditLine]] = rx.field(default_factory=list)
    loaded: bool = False
    closed: bool = False
    over: bool = False
    username: str = ""
    area: str = ""
    action_kind: str = ""
    about: str = ""
    since: str = ""
    until: str = ""
    installation: str = ""
    before_id: str = ""
    narrowed: bool = False
    newest: str = "/audit"
    older: str = ""
    as_csv: str = ""
    as_json: str = ""
    people: rx.Field[list[str]] = rx.field(default_factory=list)

    @rx.event
    async def load(self) -> Any:
        """On load: take the filters from the address and read the page."""
        given = self.router.url.query_parameters
        for name in (*FILTERS, "before_id"):
            setattr(self, name, str(given.get(name, ""))[:200].replace("\0", ""))
        self.narrowed, self.newest = any(self._given().values()), address("/audit", self._given())
        return await self._as_person(self._read)

    @rx.event
    def find(self, form: dict[str, Any]) -> Any:
        """Go to what the form asks for."""
        return rx.redirect(address("/audit", {name: str(form.get(name) or "").strip() for name in FILTERS}))

    async def _read(self, who: Identity) -> None:
        self.loaded, self.closed, self.over = True, False, who.super_admin
        self.lines, self.older, self.as_csv, self.as_json = [], "", "", ""
        query = query_of(self._given())
        self.as_csv, self.as_json = (
            address(f"/api/w/{who.workspace}/audit/export", {**query, "format": form}) for form in ("csv", "json")
        )
        try:
            found = await services.workspace().audit_trail.listing(
                who, {**query, "before_id": self.before_id}, per_page=PER_PAGE + 1
            )
        except NotAllowed:
            self.closed = True
            return
        self.people = [str(one["username"]) for one in await services.workspace().members.listing(who)]
        self.lines = [audit_line(one) for one in found[:PER_PAGE]]
        if len(found) > PER_PAGE:
            self.older = address("/audit", {**self._given(), "before_id": str(found[PER_PAGE - 1]["id"])})

    def _given(self) -> dict[str, str]:
        return {name: str(getattr(self, name)) for name in FILTERS}


def address(path: str, query: Mapping[str, str]) -> str:
    """An address; what is not asked for is left out."""
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{text}" if text else path


def query_of(given: Mapping[str, str]) -> dict[str, str]:
    """What `workspace.audit_trail` takes for the page's filters: days become moments, the last one included.

    Raises:
        BadRequest: a day is none.
    """
    since, end = days.span(given["since"], given["until"])
    times = {
        "after": f"{since.isoformat()}T00:00:00Z" if since is not None else "",
        "before": f"{end.isoformat()}T00:00:00Z" if end is not None else "",
    }
    same = {name: given[name] for name in FILTERS if name not in ("since", "until")}
    return {**same, **times}


def audit_line(found: Mapping[str, Any]) -> AuditLine:
    """An entry of `workspace.audit_trail.listing` as a line."""
    return AuditLine(
        at=str(found["timestamp"]),
        by=str(found["username"]),
        action=str(found["operation"]),
        target=str(found["resource"] or ""),
        detail=str(found["parameters"].get("detail") or ""),
        address=str(found.get("address") or ""),
    )
