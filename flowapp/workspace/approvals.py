"""Asking people and taking their answers: one set of use-cases for links, API, pages, inbox and notebook.

Whoever asks is an `access.approving.Asker`: somebody signed in, somebody with a signed link, or both. The policy is asked before
anything of the request is told, and again inside the transaction that decides.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy.engine import Connection

from flowapp.access import approving, policy
from flowapp.access.approving import MAX_RESUME_ID, Asker, Conditions
from flowapp.access.errors import NotAllowed, NotFound
from flowapp.access.identity import Identity
from flowapp.access.policy import Allowed, require
from flowapp.expressions import Batch, Expression
from flowapp.jsontext import dumps, loads
from flowapp.store import audit, identities
from flowapp.store.approvals import Answer, Decision, closed_error, terms_of
from flowapp.store.errors import ApprovalClosed, ApprovalUsed
from flowapp.store.runs import UNFINISHED
from flowapp.store.tables import ResumeEventRow, RunRow, SuspensionRow
from flowapp.workspace import approval_form, guard
from flowapp.workspace.approval_views import Fact, facts_of
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AnswerInvalid, BadRequest
from flowapp.workspace.job_places import JobPlaces, Place
from flowapp.workspace.job_views import JobViews

MAX_APPROVER = 200
LONGEST_COMMENT = 4000


@dataclass(frozen=True, slots=True)
class Link:
    """A signed link, as it was opened."""

    workspace: str
    job_id: str
    resume_id: int
    signature: str
    approver: str = ""

    @property
    def tail(self) -> str:
        """What follows `resume/`, `cancel/` and `approve/<workspace>/`."""
        query = f"?{urlencode({'approver': self.approver})}" if self.approver else ""
        return f"{quote(self.job_id, safe='')}/{self.resume_id}/{quote(self.signature, safe='')}{query}"


@dataclass(frozen=True, slots=True)
class Request:
    """What people are asked: the run, the place in it, and the wait (None while its step has not come so far).

    `events` are the answers that count, in order of arrival; `mine` is what was answered under this very link.
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
    def approvals(self) -> int:
        """How many have approved."""
        return sum(event.approved for event in self.events)


class Approvals:
    """Use-cases about waits for people."""

    def __init__(self, context: Context, places: JobPlaces, views: JobViews) -> None:
        self._context = context
        self._store = context.store
        self._places = places
        self._views = views

    # --- links ------------------------------------------------------------------------------------------------------

    async def sign(
        self, identity: Identity, job_id: str, resume_id: int, approver: str = "", *, flow_level: bool = False
    ) -> Link:
        """A link by which whoever holds it may answer for a job (`flow_level`: for the flow that it belongs to).

        Raises:
            BadRequest: no job id, or a resume id that does not fit 32 bits.
            NotFound, NotAllowed: the identity may not answer itself, so it hands out no links either.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        place = await self._place(identity.workspace, job_id)
        require(identity, "run.read", guard.run_target(place.run))
        self._check(resume_id, approver)
        asked = await self._request(place, Asker(identity))
        own = bool(identity.job) and identity.job == place.id  # a step hands out links to its own request
        # a link counts for more than a role does, so it is not for those who may not answer without one
        if not own and not isinstance(asked.decision, Allowed):
            raise NotAllowed(asked.decision.reason, "Ask somebody who may answer.")
        wanted = place.id
        if flow_level and not place.is_run:
            wanted = _flow_of(place)
        return await self.link(identity.workspace, wanted, resume_id, approver)

    async def link(self, workspace: str, job_id: str, resume_id: int, approver: str = "") -> Link:
        """A signed link, for whoever has been asked already whether it may be made."""
        signature = approving.signature(await self._key(workspace), job_id, resume_id, approver)
        return Link(workspace, job_id, resume_id, signature, approver)

    # --- looking ----------------------------------------------------------------------------------------------------

    async def by_link(self, link: Link, identity: Identity | None) -> Request:
        """The request that a link is for. Who opened it may not have to be signed in.

        Raises:
            NotFound: the signature is wrong, or the job is gone.
        """
        place = await self._linked(link)
        return await self._request(place, Asker(identity, by_link=True), link.resume_id)

    async def of_job(self, identity: Identity, job_id: str) -> Request:
        """The request of a step's job, or the oldest open one of a flow's.

        Raises:
            NotFound, NotAllowed: the identity may not read the run.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        place = await self._place(identity.workspace, job_id)
        require(identity, "run.read", guard.run_target(place.run))
        return await self._request(place, Asker(identity))

    async def of_run(self, identity: Identity, run_id: str) -> list[Request]:
        """All requests of a run, in the order in which they began."""
        run = await guard.run_row(self._store, identity, "run.read", run_id)
        waits = await self._store.database.read(lambda c: self._store.approvals.of_run(c, run.id))
        return [await self._of_wait(run, wait, Asker(identity)) for wait in waits]

    async def inbox(self, identity: Identity) -> list[Request]:
        """Open requests that the identity may answer, the next to time out first."""
        require(identity, "workspace.read", guard.workspace_target(identity))
        found = await self._store.database.read(lambda c: self._store.approvals.inbox(c, identity.workspace))
        requests = [await self._of_wait(run, wait, Asker(identity)) for wait, run, _ in found]
        return [
            request
            for request in requests
            if isinstance(request.decision, Allowed) and all(event.email != identity.email for event in request.events)
        ]

    async def flow_by_link(self, link: Link, identity: Identity | None) -> tuple[dict[str, Any], Request]:
        """The run that a link is about, as clients read jobs, and the request.

        Raises:
            NotFound: the signature is wrong, or the job is gone.
            NotSignedIn, NotAllowed: whoever opened the link may not answer.
        """
        place = await self._linked(link)
        asker = Asker(identity, by_link=True)
        request = await self._request(place, asker, link.resume_id)
        approving.require(asker, request.conditions, guard.run_target(place.run))
        return await self._views.full(Place(place.run), code=False), request

    async def fresh_link(self, request: Request) -> Link | None:
        """A new link to an open request, for those who may answer it (they may hand it on)."""
        if request.wait is None or not request.takes_answers or not isinstance(request.decision, Allowed):
            return None
        return await self.link(request.run.workspace, request.wait.job_id, secrets.randbelow(MAX_RESUME_ID + 1))

    async def may_read(self, identity: Identity, request: Request) -> bool:
        """Whether the identity may open the run of a request that they see by a link."""
        return isinstance(policy.decide(identity, "run.read", guard.run_target(request.run)), Allowed)

    async def facts(self, request: Request) -> tuple[list[Fact], list[Fact]]:
        """What the step says about its request, and all arguments of the run; nothing for those who may not answer."""
        if not isinstance(request.decision, Allowed):
            return [], []
        values = self._store.values
        flow = loads(await values.get_value(request.run.document))
        args = facts_of(loads(await values.get_value(request.run.args)), flow.get("schema"))
        return facts_of(request.terms.get("description")), args

    # --- answering --------------------------------------------------------------------------------------------------

    async def answer_link(
        self,
        link: Link,
        identity: Identity | None,
        *,
        approved: bool,
        payload: Any = None,
        address: str = "",
        whole: bool = False,
    ) -> Decision:
        """Answer by a signed link. `whole`: a form was shown and its fields are all there, so defaults add nothing.

        Raises:
            NotFound: the signature is wrong, or the job is gone.
            NotSignedIn, NotAllowed: the request's conditions are not met.
            AnswerInvalid: the payload does not fit the form; nothing was decided.
            ApprovalUsed, ApprovalClosed: the link, or the request, takes no more answers.
        """
        place = await self._linked(link)
        asker = Asker(identity, by_link=True)
        request = await self._request(place, asker, link.resume_id)
        return await self._answer(request, asker, link.resume_id, approved, payload, link.approver, address, whole)

    async def answer_in_run(
        self, identity: Identity, run_id: str, path: Any, *, approved: Any, payload: Any = None, address: str = ""
    ) -> Request:
        """Answer the request of the step at `path` of a run, on a form that was shown; returns it as it is then.

        Raises:
            NotFound, NotAllowed, AnswerInvalid, ApprovalUsed, ApprovalClosed: see `answer_link`.
        """
        run = await guard.run_row(self._store, identity, "run.read", run_id)
        if not isinstance(path, str) or not isinstance(approved, bool):
            raise BadRequest("approved must be true or false, and path a text.")
        wait = await self._store.database.read(lambda c: self._store.approvals.get(c, run.id, path))
        if wait is None:
            raise ApprovalClosed("Nothing waits for an answer here (any more).")
        asker = Asker(identity)
        request = await self._of_wait(run, wait, asker)
        await self._answer(request, asker, secrets.randbelow(MAX_RESUME_ID + 1), approved, payload, "", address, True)
        after = await self._store.database.read(lambda c: self._store.approvals.get(c, run.id, path))
        return await self._of_wait(run, after or wait, asker)

    async def answer(
        self, identity: Identity, job_id: str, *, approved: Any, payload: Any = None, address: str = ""
    ) -> Decision:
        """Answer as somebody who is signed in: the step's job, or the oldest open request of a flow's.

        Raises:
            NotFound, NotAllowed: the identity may not read the run, or the request's conditions are not met.
            AnswerInvalid, ApprovalUsed, ApprovalClosed: see `answer_link`.
        """
        request = await self.of_job(identity, job_id)
        if not isinstance(approved, bool):
            raise BadRequest("approved must be true or false.")
        if request.wait is None:
            raise ApprovalClosed("Nothing waits for an answer here (any more).")
        resume_id = secrets.randbelow(MAX_RESUME_ID + 1)
        return await self._answer(request, Asker(identity), resume_id, approved, payload, "", address)

    async def _answer(
        self,
        request: Request,
        asker: Asker,
        resume_id: int,
        approved: bool,
        payload: Any,
        approver: str,
        address: str,
        whole: bool = False,
    ) -> Decision:
        run, target = request.run, guard.run_target(request.run)
        approving.require(asker, request.conditions, target)
        if request.mine is not None:
            raise _used(request.mine)
        if request.wait is not None and request.wait.status != "open":
            raise closed_error(request.wait)
        if approved:
            payload = await self._checked(request, payload, whole)
        identity = asker.identity
        given = Answer(
            job_id=request.job_id if asker.by_link or request.wait is None else request.wait.job_id,
            resume_id=resume_id,
            workspace=run.workspace,
            approved=approved,
            run_id=run.id,
            flow_level=request.flow_level and asker.by_link,
            payload=dumps(payload),
            approver=approver or (identity.email or identity.username if identity is not None else None),
            email=identity.email if identity is not None else None,
            once=identity is not None and not approver and not identity.job,
        )

        def work(connection: Connection) -> Decision:
            decision = self._store.approvals.decide(connection, given)
            if decision.suspension is not None:
                # an answer to a flow goes to the wait that is open now, and its conditions are the ones that hold
                now = approving.conditions_of(terms_of(decision.suspension), _starters(run))
                approving.require(asker, now, target)
            past = approving.is_past_conditions(asker, request.conditions)
            audit.add(
                connection,
                workspace=run.workspace,
                by=identity.username if identity is not None else f"link:{approver or 'unnamed'}"[:100],
                action="run.approve" if approved else "run.disapprove",
                target=run.path or run.id,
                detail=f"run {run.number}, {request.step_id or 'flow'}{'; as admin' if past else ''}",
                address=address,
            )
            return decision

        decision = await self._store.database.write(work)
        if decision.suspension is not None and decision.suspension.status != "open":
            await self._context.engine.wake(run.id)
        return decision

    # --- parts ------------------------------------------------------------------------------------------------------

    async def _checked(self, request: Request, payload: Any, whole: bool) -> Any:
        """The payload with the form's defaults, once it fits the form."""
        form = request.terms.get("form")
        if not isinstance(form, dict):
            return payload
        if payload is None:
            payload = {}
        if not isinstance(payload, dict):
            raise AnswerInvalid("The answer must be a JSON object, as the form asks for named values.", {})
        payload = payload if whole else approval_form.filled(request.fields, payload)
        wrong = approval_form.problems(form, request.fields, payload)
        for name, pattern, text in approval_form.patterns(form, payload):
            if name not in wrong and not await self._matches(pattern, text):
                wrong[name] = f"This must match {pattern}."
        if wrong:
            labels = {one.name: one.label for one in request.fields}
            said = " ".join(f"{labels.get(name, name) or 'The answer'}: {words}" for name, words in wrong.items())
            raise AnswerInvalid(f"The answer does not fit the form. {said}", wrong)
        return payload

    async def _matches(self, pattern: str, text: str) -> bool:
        """By the rules of JavaScript, in the confined process: a pattern that takes for ever harms nobody there."""
        test = Expression("new RegExp(flow_input.pattern, 'u').test(flow_input.text)", predicate=True)
        scope = {"flow_input": dumps({"pattern": pattern, "text": text})}
        (found,) = await self._context.evaluator.evaluate(Batch([test], scope, {}, None))
        return found != "false"  # a pattern that is none (or takes too long) refuses nothing

    async def _linked(self, link: Link) -> Place:
        key = await self._store.database.read(lambda c: identities.workspace_key(c, link.workspace))
        right = approving.signed(key or "", link.job_id, link.resume_id, link.approver, link.signature)
        place = await self._places.locate(link.job_id, link.workspace) if right and key else None
        if place is None or place.run.workspace != link.workspace:
            raise NotFound(
                "This link is not right.", "It may have been cut off: copy it whole, or ask for another one."
            )
        return place

    async def _place(self, workspace: str, job_id: str) -> Place:
        place = await self._places.locate(job_id, workspace)
        if place is None or place.run.workspace != workspace:
            raise policy.missing("run")
        return place

    async def _request(self, place: Place, asker: Asker, resume_id: int | None = None) -> Request:
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
            return await self._of_wait(place.run, wait, asker, place.id, mine)
        terms = await self._announced(place)
        return self._asked(place.run, None, (), terms, asker, place.id, mine, flow_level=place.is_flow)

    async def _of_wait(
        self,
        run: RunRow,
        wait: SuspensionRow,
        asker: Asker,
        job_id: str | None = None,
        mine: ResumeEventRow | None = None,
    ) -> Request:
        events = await self._store.database.read(
            lambda connection: self._store.approvals.events_of(connection, wait.run_id, wait.path)
        )
        at = job_id or wait.job_id
        return self._asked(run, wait, events, terms_of(wait), asker, at, mine, flow_level=at != wait.job_id)

    def _asked(
        self,
        run: RunRow,
        wait: SuspensionRow | None,
        events: Any,
        terms: Mapping[str, Any],
        asker: Asker,
        job_id: str,
        mine: ResumeEventRow | None,
        *,
        flow_level: bool,
    ) -> Request:
        conditions = approving.conditions_of(terms, _starters(run))
        fields = approval_form.fields_of(terms.get("form"), terms.get("default_args") or {}, terms.get("enums") or {})
        return Request(
            run=run,
            job_id=job_id,
            flow_level=flow_level,
            step_id=str(terms.get("step_id") or ""),
            wait=wait,
            events=tuple(events),
            terms=terms,
            conditions=conditions,
            fields=tuple(fields),
            decision=approving.decide(asker, conditions, guard.run_target(run)),
            warning=approving.is_past_conditions(asker, conditions),
            mine=mine,
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
        }

    async def _key(self, workspace: str) -> str:
        key = await self._store.database.read(lambda c: identities.workspace_key(c, workspace))
        if key is None:
            raise policy.missing("workspace")
        return key

    def _check(self, resume_id: int, approver: str) -> None:
        if not 0 <= resume_id <= MAX_RESUME_ID:
            raise BadRequest(f"A resume id is a whole number from 0 to {MAX_RESUME_ID}.", "Use a random one.")
        if len(approver) > MAX_APPROVER:
            raise BadRequest(f"The name of an approver has at most {MAX_APPROVER} characters.")


def _starters(run: RunRow) -> tuple[str, str]:
    return run.created_by, run.permissioned_as


def _flow_of(place: Place) -> str:
    """The job of the flow that a step is directly in."""
    head, _, _ = place.path.rpartition("/")
    return Place(place.run, head).id


def _used(event: ResumeEventRow) -> ApprovalUsed:
    word = "approved" if event.approved else "denied"
    return ApprovalUsed(
        f"This link was used before: {event.approver or 'somebody'} {word} at {event.at}.",
        "Ask for another link if one more answer is needed.",
    )
