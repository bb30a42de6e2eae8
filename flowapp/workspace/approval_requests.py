"""What people are asked: the links to it, and how a request is put together from a run, its wait and who looks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy.engine import Connection

from flowapp.access import approving, policy
from flowapp.access.approving import Asker, Conditions
from flowapp.access.errors import NotFound
from flowapp.access.identity import Identity
from flowapp.access.members import member
from flowapp.access.policy import Allowed
from flowapp.openflow.approval_extras import KEY, Extras, ExtrasInvalid, extras_of
from flowapp.store import identities
from flowapp.store.approval_shapes import terms_of
from flowapp.store.masks import masked
from flowapp.store.runs import UNFINISHED
from flowapp.store.tables import ApprovalMessageRow, ApprovalNoteRow, ResumeEventRow, RunRow, SuspensionRow
from flowapp.workspace import approval_form, guard, own_links
from flowapp.workspace.context import Context
from flowapp.workspace.job_places import JobPlaces, Place
from flowapp.workspace.job_views import JobViews
from flowapp.workspace.own_links import Own, Purpose


@dataclass(frozen=True, slots=True)
class Link:
    """A signed link, as it was opened."""

    workspace: str
    job_id: str
    resume_id: int
    signature: str
    approver: str = ""
    own: Own | None = None
    """Of one that this server handed out itself: what for, and until when. None for those of `resume_urls`."""

    @property
    def tail(self) -> str:
        """What follows `resume/`, `cancel/` and `approve/<workspace>/`."""
        said = {"approver": self.approver} if self.approver else {}
        if self.own is not None:
            said |= {"for": self.own.purpose, "until": str(self.own.until)}
        query = f"?{urlencode(said)}" if said else ""
        return f"{quote(self.job_id, safe='')}/{self.resume_id}/{quote(self.signature, safe='')}{query}"

    @property
    def page(self) -> str:
        """Where its page is on this server."""
        return f"/approve/{quote(self.workspace, safe='')}/{self.tail}"


def request_path(workspace: str, job_id: str) -> str:
    """Where members find the request of a job on this server, with no link of their own."""
    return f"/approve/{quote(workspace, safe='')}/{quote(job_id, safe='')}"


@dataclass(frozen=True, slots=True)
class Request:
    """What people are asked: the run, the place in it, and the wait (None while its step has not come so far).

    `events` are the answers that count, in order of arrival; `notes` and `messages` what else happened; `mine` is what was answered
    under this very link. `may_hand_on`: whether who looks may hand their vote to somebody else, or take it back; `has_answered`: whether
    they have used it.
    """

    run: RunRow
    job_id: str
    flow_level: bool
    step_id: str
    wait: SuspensionRow | None
    events: tuple[ResumeEventRow, ...]
    terms: Mapping[str, Any]
    conditions: Conditions
    fields: tuple[approval_form.Field, ...]
    decision: policy.Decision
    warning: str = ""
    mine: ResumeEventRow | None = None
    notes: tuple[ApprovalNoteRow, ...] = ()
    messages: tuple[ApprovalMessageRow, ...] = ()
    may_hand_on: bool = False
    handed_to: str = ""
    has_answered: bool = False

    @property
    def status(self) -> str:
        """early, open, approved, disapproved, timed_out, canceled, or over (the run ended without waiting)."""
        if self.wait is not None:
            return self.wait.status
        return "early" if self.run.status in UNFINISHED else "over"

    @property
    def takes_answers(self) -> bool:
        """Whether an answer would count, now or later."""
        return self.status in ("open", "early") and self.mine is None

    @property
    def extras(self) -> Extras:
        """The step's own settings that only Flowapp knows."""
        return _extras(self.terms)

    @property
    def approvals(self) -> int:
        """How many have approved."""
        return sum(event.approved for event in self.events)


class Requests:
    """Finds requests. The policy is asked by whoever hands them on."""

    def __init__(self, context: Context, places: JobPlaces, views: JobViews) -> None:
        self._store = context.store
        self._places = places
        self._views = views
        self._key = context.secrets.key_for("approval links")

    def own_link(self, request: Request, purpose: Purpose, resume_id: int, since: datetime, approver: str = "") -> Link:
        """A link to the page of a request, handed out at a moment; for whoever has been asked whether it may be."""
        deadline = request.wait.timeout_at if request.wait is not None else None
        own, workspace = Own(purpose, own_links.until(since, deadline)), request.run.workspace
        signature = own_links.signature(self._key, workspace, request.job_id, resume_id, approver, own)
        return Link(workspace, request.job_id, resume_id, signature, approver, own)

    async def by_link(self, link: Link) -> Place:
        """The place that a link is for.

        Raises:
            NotFound: the signature is wrong, the link's time is over, or the job is gone.
        """
        right = await self._is_signed(link)
        if right and link.own is not None and link.own.is_over(time.time()):
            raise NotFound("The time of this link is over.", "Ask for another one, or sign in and look at Approvals.")
        place = await self._places.locate(link.job_id, link.workspace) if right else None
        if place is None or place.run.workspace != link.workspace:
            raise NotFound(
                "This link is not right.", "It may have been cut off: copy it whole, or ask for another one."
            )
        return place

    async def _is_signed(self, link: Link) -> bool:
        if "\0" in link.workspace:  # no workspace is called so, and no database takes it
            return False
        if link.own is not None:
            said = (link.workspace, link.job_id, link.resume_id, link.approver, link.own)
            return own_links.is_signed(self._key, *said, link.signature)
        key = await self._store.database.read(lambda c: identities.workspace_key(c, link.workspace))
        return bool(key) and approving.signed(key or "", link.job_id, link.resume_id, link.approver, link.signature)

    async def place(self, workspace: str, job_id: str) -> Place:
        """The place of a job.

        Raises:
            NotFound: there is no such job in the workspace.
        """
        place = await self._places.locate(job_id, workspace)
        if place is None or place.run.workspace != workspace:
            raise policy.missing("run")
        return place

    async def at(self, place: Place, asker: Asker, resume_id: int | None = None) -> Request:
        """The request at a place. A flow's id means the wait in it that is open (or was, last)."""
        approvals = self._store.approvals

        def work(connection: Connection) -> tuple[SuspensionRow | None, ResumeEventRow | None]:
            wait = approvals.of_job(connection, place.id)
            mine = approvals.event(connection, place.id, resume_id) if resume_id is not None else None
            if mine is not None and mine.taken_by is not None:
                wait = approvals.get(connection, mine.run_id, mine.taken_by) or wait
            return wait, mine

        wait, mine = await self._store.database.read(work)
        if wait is not None and wait.job_id != place.id and mine is None and wait.status != "open":
            # the flow has waited before, and may again: an answer to it is kept for that
            wait = wait if place.run.status not in UNFINISHED else None
        if wait is not None:
            return await self.of_wait(place.run, wait, asker, place.id, mine)
        terms = await self._announced(place)
        conditions = approving.conditions_of(terms, starters(place.run))
        return _asked(place.run, None, (), terms, conditions, asker, place.id, mine, flow_level=place.is_flow)

    async def of_wait(
        self,
        run: RunRow,
        wait: SuspensionRow,
        asker: Asker,
        job_id: str | None = None,
        mine: ResumeEventRow | None = None,
    ) -> Request:
        """The request that a wait is, as `asker` sees it; `mine` is the answer that their link has given."""
        return await self._store.database.read(
            lambda connection: self.within(connection, run, wait, asker, job_id, mine)
        )

    def within(
        self,
        connection: Connection,
        run: RunRow,
        wait: SuspensionRow,
        asker: Asker,
        job_id: str | None = None,
        mine: ResumeEventRow | None = None,
    ) -> Request:
        """The same, inside of a larger read."""
        queries, place = self._store.approvals, (wait.run_id, wait.path)
        events = tuple(queries.events_of(connection, *place))
        terms, at = terms_of(wait), job_id or wait.job_id
        # what the step says of its request is shown to people: secrets that the run has read are not for them
        terms["description"] = masked(terms.get("description"), self._store.masks.texts(run.id), numbers=True)
        conditions = conditions_now(connection, terms, run)
        asked = _asked(run, wait, events, terms, conditions, asker, at, mine, flow_level=at != wait.job_id)
        return replace(
            asked,
            notes=tuple(queries.notes_of(connection, *place)),
            messages=tuple(queries.messages_of(connection, *place)),
            has_answered=asker.identity is not None and any(one.email == asker.identity.email for one in events),
            may_hand_on=_may_hand_on(asked, asker.identity),
            handed_to=conditions.delegates.get(asker.identity.username, "") if asker.identity is not None else "",
        )

    async def _announced(self, place: Place) -> dict[str, Any]:
        """The terms of a step that has not asked yet, as far as its flow says them: conditions and form."""
        if place.job is None:
            return {}
        module = await self._views.module(place)
        suspend = module.get("suspend")
        if not isinstance(suspend, dict):
            return {"step_id": place.job.step_id, "summary": str(module.get("summary") or "")}
        form, groups = suspend.get("resume_form"), suspend.get("user_groups_required")
        static = groups.get("value") if isinstance(groups, dict) and groups.get("type") == "static" else None
        return {
            "step_id": place.job.step_id,
            "summary": str(module.get("summary") or ""),
            "form": form.get("schema") if isinstance(form, dict) else None,
            "groups": [str(name).removeprefix("g/") for name in static] if isinstance(static, list) else [],
            # who may answer is worked out when the step has run: until then it takes at least somebody who is known
            "user_auth_required": bool(suspend.get("user_auth_required")) or (bool(groups) and static is None),
            "self_approval_disabled": bool(suspend.get("self_approval_disabled")),
            "hide_cancel": bool(suspend.get("hide_cancel")),
            "required": suspend.get("required_events"),
            "extras": suspend.get(KEY) or {},
            **await self._store.database.read(lambda c: self._store.approvals.said_of(c, place.run.id, place.path)),
        }


def starters(run: RunRow) -> tuple[str, str]:
    """Who started a run, and with whose rights: the people to whom self-approval is closed."""
    return run.created_by, run.permissioned_as


def conditions_now(connection: Connection, terms: Mapping[str, Any], run: RunRow) -> Conditions:
    """The conditions of a wait as they are: a vote counts as handed on only while its giver might give it themselves."""
    found = approving.conditions_of(terms, starters(run))
    if not found.delegates:
        return found
    alone, target = replace(found, delegates={}), guard.run_target(run)

    def holds(giver: str) -> bool:
        known = identities.member_named(connection, run.workspace, giver)
        person = member(connection, run.workspace, known[0]) if known is not None else None
        return person is not None and isinstance(approving.decide(Asker(person), alone, target), Allowed)

    return replace(found, delegates={giver: to for giver, to in found.delegates.items() if holds(giver)})


def _asked(
    run: RunRow,
    wait: SuspensionRow | None,
    events: tuple[ResumeEventRow, ...],
    terms: Mapping[str, Any],
    conditions: Conditions,
    asker: Asker,
    job_id: str,
    mine: ResumeEventRow | None,
    *,
    flow_level: bool,
) -> Request:
    fields = approval_form.fields_of(terms.get("form"), terms.get("default_args") or {}, terms.get("enums") or {})
    return Request(
        run=run,
        job_id=job_id,
        flow_level=flow_level,
        step_id=str(terms.get("step_id") or ""),
        wait=wait,
        events=events,
        terms=terms,
        conditions=conditions,
        fields=tuple(fields),
        decision=approving.decide(asker, conditions, guard.run_target(run)),
        warning=approving.is_past_conditions(asker, conditions),
        mine=mine,
    )


def _may_hand_on(asked: Request, identity: Identity | None) -> bool:
    """Whether the step permits it, the person has a vote of their own, and has not used it."""
    if identity is None or not asked.takes_answers or not asked.extras.delegation:
        return False
    if any(one.email == identity.email for one in asked.events):
        return False
    target = guard.run_target(asked.run)
    return isinstance(approving.may_hand_on(identity, asked.conditions, target), Allowed)


def _extras(terms: Mapping[str, Any]) -> Extras:
    try:
        return extras_of(terms.get("extras"))
    except ExtrasInvalid:
        return Extras()  # such a step fails before it waits
