"""Requests for approval as lists: those that wait for somebody, those that they have answered, those of a run."""

from __future__ import annotations

from functools import partial

from sqlalchemy.engine import Connection

from flowapp.access.approving import Asker
from flowapp.access.identity import Identity
from flowapp.access.policy import Allowed, require
from flowapp.store.approval_queries import PAGE
from flowapp.workspace import guard
from flowapp.workspace.approval_requests import Request, Requests
from flowapp.workspace.context import Context

MOST = 200
_MOST_LOOKED_AT = 5000


class ApprovalLists:
    """Use-cases that list requests. The policy decides about each of them."""

    def __init__(self, context: Context, requests: Requests) -> None:
        self._store = context.store
        self._requests = requests

    async def of_run(self, identity: Identity, run_id: str) -> list[Request]:
        """All requests of a run, in the order in which they began."""
        run = await guard.run_row(self._store, identity, "run.read", run_id)

        def work(connection: Connection) -> list[Request]:
            waits = self._store.approvals.of_run(connection, run.id)
            return [self._requests.within(connection, run, wait, Asker(identity)) for wait in waits]

        return await self._store.database.read(work)

    async def inbox(self, identity: Identity) -> list[Request]:
        """Open requests that wait for the identity, the next to time out first; at most `MOST`."""
        require(identity, "workspace.read", guard.workspace_target(identity))
        found: list[Request] = []
        for offset in range(0, _MOST_LOOKED_AT, PAGE):
            page, last = await self._store.database.read(partial(self._page, identity, offset))
            found += page
            if last or len(found) >= MOST:
                break
        return found[:MOST]

    async def answered(self, identity: Identity) -> list[Request]:
        """Requests that the identity has answered while signed in, the latest answer first."""
        require(identity, "workspace.read", guard.workspace_target(identity))

        def work(connection: Connection) -> list[Request]:
            rows = self._store.approvals.answered_by(connection, identity.workspace, identity.email)
            readable = [(wait, run) for wait, run in rows if guard.may(identity, "run.read", guard.run_target(run))]
            return [self._requests.within(connection, run, wait, Asker(identity)) for wait, run in readable]

        return await self._store.database.read(work)

    def _page(self, identity: Identity, offset: int, connection: Connection) -> tuple[list[Request], bool]:
        rows = self._store.approvals.open_waits(connection, identity.workspace, offset)
        asked = [self._requests.within(connection, run, wait, Asker(identity)) for wait, run in rows]
        return [one for one in asked if waits_for_asker(one)], len(rows) < PAGE


def waits_for_asker(request: Request) -> bool:
    """Whether who asked for it may answer, and has not."""
    return isinstance(request.decision, Allowed) and not request.has_answered
