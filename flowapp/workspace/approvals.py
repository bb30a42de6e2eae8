"""Asking people and taking their answers: one set of use-cases for links, API, pages, inbox and notebook.

Whoever asks is an `access.approving.Asker`: somebody signed in, somebody with a signed link, or both. The policy is asked before
anything of the request is told, and again inside the transaction that decides.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access import approving, policy
from flowapp.access.approving import MAX_RESUME_ID, Asker
from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.access.policy import Allowed, require
from flowapp.jsontext import dumps, loads
from flowapp.store import audit, identities
from flowapp.store.approval_shapes import Answer, Decision, closed_error, terms_of
from flowapp.store.errors import ApprovalClosed, ApprovalUsed
from flowapp.store.masks import masked
from flowapp.store.tables import ResumeEventRow
from flowapp.workspace import guard
from flowapp.workspace.approval_answers import checked, is_commented
from flowapp.workspace.approval_requests import Link, Request, Requests, conditions_now
from flowapp.workspace.approval_seen import note_request_seen
from flowapp.workspace.approval_views import HIDDEN, Fact, facts_of
from flowapp.workspace.blob_guard import require_known
from flowapp.workspace.context import Context
from flowapp.workspace.errors import AnswerInvalid, BadRequest
from flowapp.workspace.job_places import Place
from flowapp.workspace.known_secrets import hidden_of
from flowapp.workspace.passwords import covered, password_fields

MAX_APPROVER = 200
LONGEST_COMMENT = 4000


class Approvals:
    """Use-cases about waits for people."""

    def __init__(self, context: Context, requests: Requests) -> None:
        self._context = context
        self._store = context.store
        self._requests = requests

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
        place = await self._requests.place(identity.workspace, job_id)
        require(identity, "run.read", guard.run_target(place.run))
        self._check(resume_id, approver)
        asked = await self._requests.at(place, Asker(identity))
        own = bool(identity.job) and identity.job == place.id  # a step hands out links to its own request
        # a link counts for more than a role does, so it is not for those who may not answer without one
        if not own and not isinstance(asked.decision, Allowed):
            raise NotAllowed(asked.decision.reason, "Ask somebody who may answer.")
        wanted = place.id
        if flow_level and not place.is_run:
            wanted = _flow_of(place)
        return await self.link(identity.workspace, wanted, resume_id, approver)

    async def link(self, workspace: str, job_id: str, resume_id: int, approver: str = "") -> Link:
        """A link for a job, for whoever has been asked whether it may be handed out.

        Raises:
            BadRequest: too long a name.
        """
        self._check(resume_id, approver)
        signature = approving.signature(await self._key(workspace), job_id, resume_id, approver)
        return Link(workspace, job_id, resume_id, signature, approver)

    # --- looking ----------------------------------------------------------------------------------------------------

    async def by_link(self, link: Link, identity: Identity | None) -> Request:
        """The request that a link is for. Who opened it may not have to be signed in.

        Raises:
            NotFound: the signature is wrong, or the job is gone.
        """
        place = await self._requests.by_link(link)
        request = await self._requests.at(place, Asker(identity, by_link=True), link.resume_id)
        hidden = await hidden_of(self._context, request.run)
        description = masked(request.terms.get("description"), hidden, numbers=True)
        note_request_seen(self._store, request, identity, link)
        return replace(request, terms={**request.terms, "description": description})

    async def of_job(self, identity: Identity, job_id: str) -> Request:
        """The request of a step's job, or the oldest open one of a flow's.

        Raises:
            NotFound, NotAllowed: the identity may not read the run.
        """
        require(identity, "workspace.read", guard.workspace_target(identity))
        place = await self._requests.place(identity.workspace, job_id)
        require(identity, "run.read", guard.run_target(place.run))
        request = await self._requests.at(place, Asker(identity))
        note_request_seen(self._store, request, identity)
        return request

    async def fresh_link(self, request: Request) -> Link | None:
        """A new link to an open request, for those who may answer it (they may hand it on)."""
        if request.wait is None or not request.takes_answers or not isinstance(request.decision, Allowed):
            return None
        step = replace(request, job_id=request.wait.job_id)
        return self._requests.own_link(step, "page", secrets.randbelow(MAX_RESUME_ID + 1), datetime.now(UTC))

    async def note_opened(self, request: Request, link: Link, identity: Identity | None) -> None:
        """Note for the trail that somebody who may answer has seen an open request. It decides nothing."""
        wait = request.wait
        if wait is None or wait.status != "open" or not isinstance(request.decision, Allowed):
            return
        who = identity.username if identity is not None else f"link:{link.approver}"
        if all(one.kind != "opened" or one.who != who for one in request.notes):
            await self._store.database.write(lambda c: self._store.approvals.opened(c, wait.run_id, wait.path, who))

    async def may_read(self, identity: Identity, request: Request) -> bool:
        """Whether the identity may open the run of a request that they see by a link."""
        return isinstance(policy.decide(identity, "run.read", guard.run_target(request.run)), Allowed)

    async def facts(self, request: Request) -> tuple[list[Fact], list[Fact]]:
        """What the step says about its request, and all arguments of the run; nothing for those who may not answer."""
        if not isinstance(request.decision, Allowed):
            return [], []
        values, hidden = self._store.values, await hidden_of(self._context, request.run)
        schema = loads(await values.get_value(request.run.document)).get("schema")
        args = covered(loads(await values.get_value(request.run.args)), password_fields(schema), HIDDEN)
        description = masked(request.terms.get("description"), hidden, numbers=True)
        return facts_of(description), facts_of(masked(args, hidden, numbers=True), schema)

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
        place = await self._requests.by_link(link)
        asker = Asker(identity, by_link=True)
        request = await self._requests.at(place, asker, link.resume_id)
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
        request = await self._requests.of_wait(run, wait, asker)
        await self._answer(request, asker, secrets.randbelow(MAX_RESUME_ID + 1), approved, payload, "", address, True)
        after = await self._store.database.read(lambda c: self._store.approvals.get(c, run.id, path))
        return await self._requests.of_wait(run, after or wait, asker)

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
        await require_known(self._store.database, run.workspace, payload)
        if approved:
            payload = await checked(self._context.evaluator, request, payload, whole)
        elif request.extras.comment_on_deny and not is_commented(payload):
            raise AnswerInvalid("Say why you deny this.", {"comment": "This step wants a reason with a denial."})
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
                now = conditions_now(connection, terms_of(decision.suspension), run)
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
