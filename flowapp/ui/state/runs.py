"""The list of runs, narrowed by the address: `/runs?status=failure&path=sales&page=2` can be sent to a colleague.

`/runs?view=…` is the filter of a saved view.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlencode

import reflex as rx

from flowapp.access.errors import NotFound
from flowapp.access.identity import Identity
from flowapp.access.policy import Target
from flowapp.ui import services
from flowapp.ui.state.page import PageState
from flowapp.ui.state.run_views import view_address
from flowapp.workspace import guard
from flowapp.workspace.run_query import ALL_RUNS, FIELDS, RunQuery
from flowapp.workspace.stored import MAX_PATH

PER_PAGE = 30
#: What the filter offers: the address's word, and the word on the button.
STATUSES = (
    ("", "All"),
    ("running", "Running"),
    ("suspended", "Waiting"),
    ("success", "Done"),
    ("failure", "Failed"),
    ("canceled", "Cancelled"),
)
#: What began a run, as `RunQuery` names it, and a word for people.
TRIGGERS = (
    ("person", "A person"),
    ("schedule", "A schedule"),
    ("webhook", "A webhook"),
    ("script", "A step or script"),
)
#: What the address is made of. Reflex sees which vars a computed one reads only where it names them.
_NARROWS: list[Any] = [*FIELDS, "view", "page"]


@dataclasses.dataclass
class RunLine:
    """One run in the list, ready to be drawn."""

    id: str
    href: str
    number: str
    title: str
    note: str
    status: str
    started_at: str
    duration_ms: float
    by: str
    waits_until: str


class RunsState(PageState, rx.State):
    """One page of runs. `answered` is the query of the address that it was read for, `view` the id of the saved view in it.

    `acts`: the person may start and cancel runs, as far as each lets them.
    """

    acts: bool = True

    answered: str = ""
    lines: rx.Field[list[RunLine]] = rx.field(default_factory=list)
    loaded: bool = False
    status: str = ""
    path: str = ""
    created_by: str = ""
    trigger: str = ""
    since: str = ""
    until: str = ""
    people: rx.Field[list[str]] = rx.field(default_factory=list)
    view: str = ""
    page: int = 1
    more: bool = False
    chosen: rx.Field[list[str]] = rx.field(default_factory=list)
    said: str = ""

    @rx.var
    def comparison(self) -> str:
        """The address that compares the two runs that are chosen, the earlier one first."""
        match [line.id for line in self.lines if line.id in self.chosen]:
            case [later, earlier]:
                return f"/runs/compare?{urlencode({'a': earlier, 'b': later})}"
        return ""

    @rx.var(deps=_NARROWS)
    def narrowed(self) -> bool:
        """Whether a filter hides runs."""
        return bool(self._query().given() or self.page > 1)

    @rx.var
    def more_filters(self) -> bool:
        """Whether it is narrowed by what stands behind *More filters*."""
        return bool(self.created_by or self.trigger or self.since or self.until)

    @rx.var(deps=_NARROWS)
    def by_status(self) -> list[tuple[str, str, str]]:
        """What the chips lead to: `(address, word, status)`. *All* takes every filter away, the others only change the state."""
        query = self._query()
        return [
            (address(replace(query, status=status) if status else ALL_RUNS), word, status) for status, word in STATUSES
        ]

    @rx.var(deps=_NARROWS)
    def older(self) -> str:
        """The address of the next page."""
        return self._at(self.page + 1)

    @rx.var(deps=_NARROWS)
    def newer(self) -> str:
        """The address of the page before."""
        return self._at(self.page - 1)

    @rx.event
    async def load(self) -> Any:
        """On load: take the filters from the address and read the page."""
        given, query = self.router.url.query_parameters, self.router.url.query
        if query != self.answered:  # what was chosen in another list is seen by nobody any more
            self.chosen = []
        self.answered = query
        self.view = str(given.get("view", ""))[:100]
        self._take(RunQuery.of(given))
        page = str(given.get("page", "1"))
        self.page = max(1, int(page)) if page.isdecimal() else 1
        self.loaded, self.lines, self.more, self.said = False, [], False, ""
        return await self._as_person(self._enter)

    @rx.event
    async def refresh(self) -> Any:
        """Read the same page again: some run of the workspace changed."""
        return await self._as_person(self._enter)

    @rx.event
    def find(self, form: dict[str, Any]) -> Any:
        """Go to the runs of a path; the other filters stay."""
        return rx.redirect(address(replace(self._query(), path=str(form.get("path") or "").strip()[:MAX_PATH])))

    @rx.event
    def narrow(self, form: dict[str, Any]) -> Any:
        """Go to what the form behind *More filters* asks for; state and path stay."""
        return rx.redirect(address(RunQuery.of({**form, "status": self.status, "path": self.path})))

    @rx.event
    def choose(self, run_id: str, chosen: bool) -> None:
        """Take a run into what is chosen, or out of it."""
        others = [known for known in self.chosen if known != run_id]
        self.chosen, self.said = [*others, run_id] if chosen and self._lists(run_id) else others, ""

    @rx.event
    def choose_all(self, chosen: bool) -> None:
        """Choose the runs of this page, or none."""
        self.chosen, self.said = [line.id for line in self.lines] if chosen else [], ""

    @rx.event
    async def cancel_chosen(self) -> Any:
        """Cancel those of the chosen runs that are not over."""
        return await self._as_person(lambda who: self._with_chosen(who, "cancel"))

    @rx.event
    async def run_chosen_again(self) -> Any:
        """Run the chosen ones again, each on its own input."""
        return await self._as_person(lambda who: self._with_chosen(who, "again"))

    async def _with_chosen(self, who: Identity, what: Literal["cancel", "again"]) -> None:
        many = services.workspace().many_runs
        outcome = await (many.cancel if what == "cancel" else many.again)(who, list(self.chosen))
        word = "cancelled" if what == "cancel" else "started again"
        count = "1 run" if outcome.done == 1 else f"{outcome.done} runs"
        self.said = " ".join([f"{count} {word}.", *outcome.refused])
        self.chosen = []
        await self._enter(who)

    async def _enter(self, who: Identity) -> None:
        """Read the page of the address. Of a view, the filter is what the view says now."""
        if self.view:
            try:
                found = await services.workspace().run_filters.get(who, self.view)
            except NotFound:
                self._take(RunQuery())
                self.lines, self.chosen, self.more, self.loaded = [], [], False, False
                self.problem = "This view is not there."
                self.hint = "It was deleted, or is somebody's own: whoever sent the link can share it."
                return
            self._take(RunQuery.of(found))
        await self._read(who)

    def _at(self, page: int) -> str:
        return view_address(self.view, page) if self.view else address(self._query(), page)

    def _query(self) -> RunQuery:
        return RunQuery(**{name: getattr(self, name) for name in FIELDS})

    def _take(self, query: RunQuery) -> None:
        for name, text in query.to_json().items():
            setattr(self, name, text)

    def _lists(self, run_id: str) -> bool:
        return any(line.id == run_id for line in self.lines)

    async def _read(self, who: Identity) -> None:
        found = await services.workspace().runs.listing(who, wanted=self._query(), page=self.page, per_page=PER_PAGE)
        self.acts = guard.may(who, "run.cancel", Target(who.workspace, "run", owner=who.username))
        self.lines = [run_line(run) for run in found]
        self.chosen = [run_id for run_id in self.chosen if self._lists(run_id)]
        self.more = len(found) == PER_PAGE
        if not self.people:
            self.people = [str(one["username"]) for one in await services.workspace().members.listing(who)]
        self.loaded = True


def address(query: RunQuery, page: int = 1) -> str:
    """The address of a page of runs; what is not asked for is left out."""
    text = urlencode({**query.given(), **({"page": page} if page > 1 else {})})
    return f"/runs?{text}" if text else "/runs"


def run_line(run: Mapping[str, Any]) -> RunLine:
    """A run of `workspace.runs.listing` as a line."""
    path = str(run.get("path") or "")
    cells = run.get("kind") == "cells"
    return RunLine(
        id=str(run["id"]),
        href=f"/runs/{run['id']}",
        number=f"#{run['number']}",
        title=str(run.get("summary") or path or "Untitled"),
        note=" · ".join(
            part for part in ("Cells, from the notebook" if cells else path, _origin(run), _waits(run)) if part
        ),
        status=str(run["status"]),
        started_at=str(run.get("started_at") or run.get("created_at") or ""),
        duration_ms=-1.0 if run.get("duration_ms") is None else float(run["duration_ms"]),
        by=str(run.get("created_by") or ""),
        waits_until=_until(run),
    )


def _origin(run: Mapping[str, Any]) -> str:
    """What started a run, where that was not a press of *Run*."""
    again, schedule = run.get("restarted_from"), str(run.get("schedule") or "")
    if again:
        number = again.get("number")
        return f"restarted from #{number}" if number is not None else "restarted from a run that is gone"
    if schedule:
        return f"by schedule {schedule}"
    return "webhook" if run.get("trigger") == "webhook" else ""


def _waits(run: Mapping[str, Any]) -> str:
    """Whose approval a run waits for, by the step that asks."""
    asking = (run.get("waits") or {}).get("approvals") or []
    more = f" and {len(asking) - 1} more" if len(asking) > 1 else ""
    return f"waits for approval after {asking[0]}{more}" if asking else ""


def _until(run: Mapping[str, Any]) -> str:
    """When a run that waits for no person goes on by itself."""
    waits = run.get("waits") or {}
    return "" if waits.get("approvals") else str(waits.get("until") or "")
