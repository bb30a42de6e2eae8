"""Handing one's vote in a request for approval to somebody else."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from flowapp.access import approving
from flowapp.access.approving import Asker
from flowapp.access.errors import NotAllowed
from flowapp.access.identity import Identity
from flowapp.access.members import member
from flowapp.access.policy import Allowed, Decision
from flowapp.store import audit, identities
from flowapp.store.approval_shapes import closed_error
from flowapp.store.errors import ApprovalClosed, ApprovalUsed
from flowapp.store.tables import RunRow
from flowapp.workspace import guard
from flowapp.workspace.approval_requests import Request, Requests
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest


class Delegating:
    """Use-cases about votes in somebody else's hands. Who hands on has to be signed in, and to have a vote by themselves."""

    def __init__(self, context: Context, requests: Requests) -> None:
        self._store = context.store
        self._requests = requests

    async def hand_on(self, identity: Identity, run_id: str, path: Any, to: Any, address: str = "") -> Request:
        """Let the member named `to` answer in one's place; "" or None takes the vote back. The answer is the request as it is then.

        Raises:
            NotFound: there is no such run, for this identity.
            NotAllowed: the step does not permit it, or one of the two may not.
            BadRequest: nobody of that name is a member.
            ApprovalUsed, ApprovalClosed: the vote is used, or the request is over.
        """
        run = await guard.run_row(self._store, identity, "run.read", run_id)
        if not isinstance(path, str) or not isinstance(to, str | None):
            raise BadRequest("path must be a text, and to the name of a member (empty: take the vote back).")
        name = (to or "").strip().removeprefix("u/")
        return await self._store.database.write(lambda c: self._hand_on(c, identity, run, path, name, address))

    def _hand_on(
        self, connection: Connection, identity: Identity, run: RunRow, path: str, name: str, address: str
    ) -> Request:
        wait = self._store.approvals.get(connection, run.id, path)
        if wait is None or wait.status != "open":
            raise closed_error(wait) if wait is not None else ApprovalClosed("Nothing waits for an answer here.")
        request = self._requests.within(connection, run, wait, Asker(identity))
        if request.has_answered:
            raise ApprovalUsed("You have answered this request already.", "A vote that is used goes no further.")
        target = guard.run_target(run)
        if not request.extras.delegation:
            raise NotAllowed("This step does not let its approvers hand their vote on.", "Answer it, or let it be.")
        _require(approving.may_hand_on(identity, request.conditions, target))
        if name:
            person = self._member(connection, run.workspace, name)
            _require(approving.may_stand_in(person, identity.username, request.conditions, target), name)
        row = self._store.approvals.hand_on(connection, run.id, path, identity.username, name)
        audit.add(
            connection,
            workspace=run.workspace,
            by=identity.username,
            action="run.delegate",
            target=run.path or run.id,
            detail=f"run {run.number}, {request.step_id}, {f'to {name}' if name else 'taken back'}",
            address=address,
        )
        return self._requests.within(connection, run, row, Asker(identity))

    def _member(self, connection: Connection, workspace: str, name: str) -> Identity:
        known = identities.member_named(connection, workspace, name)
        if known is None and "@" in name:
            user = identities.user(connection, name)
            known = identities.member_named(connection, workspace, user.username) if user is not None else None
        person = member(connection, workspace, known[0]) if known is not None else None
        if person is None or person.role == "none":
            raise BadRequest(
                f"Nobody named {name[:100]!r} is a member of this workspace.", "Write the name of a member."
            )
        return person


def _require(decision: Decision, name: str = "") -> None:
    if isinstance(decision, Allowed):
        return
    if decision.hidden:
        raise NotAllowed(f"{name or 'You'} may not see this run.", "Hand it to somebody who may.")
    raise NotAllowed(decision.reason, "Hand it to somebody else." if name else "Ask somebody who may.")
